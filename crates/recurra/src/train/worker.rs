//! One sample through one training step: improve, answer, compare, derive.

use super::gradient::Gradient;
use super::loss::{HALT_WEIGHT, IGNORE_LABEL, Probabilities, SampleLoss, binary_cross_entropy};
use super::sample::Sample;
use crate::engine::largest;
use crate::engine::packed::PackedModel;
use crate::model::{TrmConfig, TrmWeights};
use crate::network::backward::Backward;
use crate::network::scratch::Scratch;
use crate::network::stack::PackedLayer;
use crate::network::tape::LayerTape;
use crate::network::team::Member;
use crate::network::{Latent, Network};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use recurra_kernels::{AlignedMatrix, Precision};

/// A place in the batch: a sample and how far its thinking has come.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) sample: Sample,
    pub(crate) z_h: AlignedMatrix,
    pub(crate) z_l: AlignedMatrix,
    /// Improvement steps done on this sample.
    pub(crate) steps: usize,
    /// Thinking about this sample has ended: the next step begins with a new one.
    pub(crate) halted: bool,
    /// States in which thinking about a new sample may begin: the model's own, or random ones of a seed.
    pub(crate) starts: Vec<Option<u64>>,
    /// Gradient of the sample's row of the puzzle table.
    pub(crate) puzzle_gradient: Vec<f32>,
    /// What the last step found.
    pub(crate) loss: SampleLoss,
    /// Halting logit after the last step.
    pub(crate) halt_logit: f32,
}

impl Slot {
    pub(crate) fn new(config: &TrmConfig) -> Self {
        let state = || AlignedMatrix::zeros(config.positions_len(), config.hidden_size);
        Slot {
            sample: Sample {
                question: vec![0; config.seq_len],
                labels: vec![IGNORE_LABEL; config.seq_len],
                puzzle: 0,
                kind: 0,
            },
            z_h: state(),
            z_l: state(),
            steps: 0,
            halted: true,
            starts: vec![None],
            puzzle_gradient: vec![0.0; config.puzzle_emb_ndim],
            loss: SampleLoss::default(),
            halt_logit: 0.0,
        }
    }

    /// Gives the states the shape of another task of the mixture.
    pub(crate) fn fit(&mut self, config: &TrmConfig) {
        let (rows, cols) = (config.positions_len(), config.hidden_size);
        if self.z_h.rows() != rows {
            self.z_h = AlignedMatrix::zeros(rows, cols);
            self.z_l = AlignedMatrix::zeros(rows, cols);
        }
    }
}

/// The weights of a training step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weights<'a> {
    pub(crate) floats: &'a TrmWeights,
    pub(crate) packed: &'a PackedModel,
    /// The layers transposed, for the backward pass.
    pub(crate) transposed: &'a [PackedLayer],
}

/// What is the same for all samples of a training step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Recipe {
    /// A sample's share of the batch.
    pub(crate) share: f64,
    /// Cycles, and updates of z_L in each.
    pub(crate) depth: (usize, usize),
    /// See [`TrainConfig::probabilities`](super::TrainConfig::probabilities).
    pub(crate) probabilities: Probabilities,
    /// See [`TrainConfig::label_smoothing`](super::TrainConfig::label_smoothing).
    pub(crate) label_smoothing: f64,
}

/// Sets latent states to the model's own, or to random ones of a seed.
fn set_state(
    model: &PackedModel,
    z_h: &mut AlignedMatrix,
    z_l: &mut AlignedMatrix,
    start: Option<u64>,
) {
    let mut rng = start.map(ChaCha8Rng::seed_from_u64);
    model.reset(z_h, z_l, rng.as_mut());
}

/// The memory and the gradient sums of one thread.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) gradient: Gradient,
    /// One for each task of the mixture.
    memories: Vec<Memory>,
}

/// What one sample's step needs, in the sizes of its task.
#[derive(Debug)]
struct Memory {
    scratch: Scratch,
    backward: Backward,
    /// For each call of the last cycle, each layer's tape.
    tapes: Vec<LayerTape>,
    x: AlignedMatrix,
    dx: AlignedMatrix,
    dz: AlignedMatrix,
    logits: AlignedMatrix,
}

impl Worker {
    pub(crate) fn new(kinds: &[TrmConfig], precision: Precision) -> Self {
        let memories = kinds.iter().map(|config| Memory::new(config, precision));
        Worker {
            gradient: Gradient::new(&kinds[0]),
            memories: memories.collect(),
        }
    }

    /// One improvement step of a slot's sample, its loss, and the gradient of `share * loss`, added to the sums.
    /// The gradient goes through the last cycle only; the state before it is taken as given.
    pub(crate) fn step(&mut self, weights: Weights, slot: &mut Slot, recipe: Recipe) {
        self.memories[slot.sample.kind].step(weights, slot, recipe, &mut self.gradient);
    }
}

impl Memory {
    fn new(config: &TrmConfig, precision: Precision) -> Self {
        let (l, d) = (config.positions_len(), config.hidden_size);
        let tapes = (config.l_cycles + 1) * config.num_layers;
        Memory {
            scratch: Scratch::new(config, 1, precision),
            backward: Backward::new(config, precision),
            tapes: (0..tapes).map(|_| LayerTape::new(config)).collect(),
            x: AlignedMatrix::zeros(l, d),
            dx: AlignedMatrix::zeros(l, d),
            dz: AlignedMatrix::zeros(l, d),
            logits: AlignedMatrix::zeros(l, config.vocab_size),
        }
    }

    /// See [`Worker::step`].
    fn step(&mut self, weights: Weights, slot: &mut Slot, recipe: Recipe, gradient: &mut Gradient) {
        let (h_cycles, l_cycles) = recipe.depth;
        let model = weights.packed;
        let config = model.config();
        let network = Network::new(&model.stack, Member::ALONE);
        let table = weights.floats.puzzle_emb.as_ref();
        let row = table.map_or(&[][..], |table| table.row(slot.sample.puzzle));
        model.embed(&slot.sample.question, row, &mut self.x);
        if slot.steps == 0 {
            let start = match slot.starts[..] {
                [only] => only,
                _ => self.best_start(model, slot, recipe),
            };
            set_state(model, &mut slot.z_h, &mut slot.z_l, start);
        }
        let latent = Latent {
            x: self.x.view(),
            z_h: slot.z_h.view(),
            z_l: slot.z_l.view(),
        };
        for cycle in 1..=h_cycles {
            let tapes = if cycle == h_cycles {
                &mut self.tapes[..(l_cycles + 1) * config.num_layers]
            } else {
                &mut []
            };
            network.cycle(l_cycles, latent, self.scratch.views(), tapes);
        }
        slot.steps += 1;
        self.outputs(&network, weights, slot, recipe, gradient);
        self.cycle_backward(&network, weights.transposed, l_cycles, gradient);
        let head = model.head_kind();
        let (sums, question) = (gradient.head(), &slot.sample.question);
        head.embed_backward(config, question, &self.dx, sums, &mut slot.puzzle_gradient);
    }

    /// Of several starts the one from which a new sample is nearest to its answer after a step. Uses the slot's states.
    fn best_start(&mut self, model: &PackedModel, slot: &mut Slot, recipe: Recipe) -> Option<u64> {
        let ((h_cycles, l_cycles), kind) = (recipe.depth, recipe.probabilities);
        let network = Network::new(&model.stack, Member::ALONE);
        let mut best = (f64::INFINITY, slot.starts[0]);
        for &start in &slot.starts {
            set_state(model, &mut slot.z_h, &mut slot.z_l, start);
            let latent = Latent {
                x: self.x.view(),
                z_h: slot.z_h.view(),
                z_l: slot.z_l.view(),
            };
            for _ in 0..h_cycles {
                network.cycle(l_cycles, latent, self.scratch.views(), &mut []);
            }
            model.decode(&mut slot.z_h, &mut self.logits);
            let prefix = model.config().puzzle_emb_len;
            let labels = slot.sample.labels.iter().enumerate();
            let loss = labels.filter(|(_, label)| **label != IGNORE_LABEL);
            let loss = loss.map(|(place, &label)| {
                let row = self.logits.row_mut(prefix + place);
                kind.cross_entropy(row, label.into(), 1.0, recipe.label_smoothing)
            });
            let loss: f64 = loss.sum();
            if loss < best.0 {
                best = (loss, start);
            }
        }
        best.1
    }

    /// Logits, losses, and their gradient with respect to z_H into `dz`.
    fn outputs(
        &mut self,
        network: &Network,
        weights: Weights,
        slot: &mut Slot,
        recipe: Recipe,
        gradient: &mut Gradient,
    ) {
        let model = weights.packed;
        let (share, kind) = (recipe.share, recipe.probabilities);
        let config = model.config();
        let prefix = config.puzzle_emb_len;
        model.decode(&mut slot.z_h, &mut self.logits);
        let labels = &slot.sample.labels;
        let places = labels.iter().filter(|&&t| t != IGNORE_LABEL).count();
        let mut loss = SampleLoss {
            places,
            ..SampleLoss::default()
        };
        let weight = 1.0 / places.max(1) as f64;
        for (i, &label) in labels.iter().enumerate() {
            let row = self.logits.row_mut(prefix + i);
            if label == IGNORE_LABEL {
                row.fill(0.0);
                continue;
            }
            let label = usize::from(label);
            loss.right += usize::from(largest(row) == label);
            loss.lm += kind.cross_entropy(row, label, weight, recipe.label_smoothing);
            row.iter_mut().for_each(|g| *g *= share as f32);
        }
        slot.halt_logit = model.halt_logits(&slot.z_h)[0];
        let (halt, halt_slope) = binary_cross_entropy(slot.halt_logit, loss.exact());
        loss.halt = halt;
        slot.loss = loss;

        let slope = (HALT_WEIGHT * halt_slope * share) as f32;
        let (logits, dz) = (self.logits.view(), &mut self.dz);
        let sums = gradient.head();
        model.head_kind().outputs_backward(
            network,
            config,
            &model.head,
            logits,
            slope,
            &mut slot.z_h,
            dz,
            sums,
        );
    }

    /// From `dz`, the gradient of the last z_H, back to the beginning of the cycle; `dx` receives the sum over
    /// all injections of the input.
    fn cycle_backward(
        &mut self,
        network: &Network,
        weights: &[PackedLayer],
        l_cycles: usize,
        gradient: &mut Gradient,
    ) {
        let layers = weights.len();
        self.dx.padded_mut().fill(0.0);
        let dz = self.dz.view();
        for call in (0..=l_cycles).rev() {
            let tapes = &mut self.tapes[call * layers..][..layers];
            let sums = gradient.layers();
            self.backward.call(network, weights, tapes, dz, sums);
            // The last call, z_H <- f(z_H + z_L), does not see the input. In all calls the gradient goes on to
            // z_L unchanged; what goes to z_H ends there, at the state before the cycle.
            if call < l_cycles {
                for (to, from) in self.dx.padded_mut().iter_mut().zip(self.dz.padded()) {
                    *to += from;
                }
            }
        }
    }
}
