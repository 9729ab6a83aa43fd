//! What the linear layers of a model see while it thinks: the second moments of their inputs.

use super::Progress;
use crate::engine::PackedModel;
use crate::error::{Error, Result};
use crate::model::{TrmConfig, TrmModel, TrmWeights};
use crate::network::scratch::Scratch;
use crate::network::tape::LayerTape;
use crate::network::team::Member;
use crate::network::{Latent, Network, mixers};
use crate::train::Sample;
use recurra_kernels::view::View;
use recurra_kernels::{AlignedMatrix, Isa, Precision};

/// Questions whose moments are summed in f32 before they are added to the whole, in the questions' order: so the
/// result does not depend on the number of threads.
const BLOCK: usize = 8;

/// The sum of x x^T over the inputs x of one linear layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Moment {
    /// Inputs of the layer.
    pub size: usize,
    /// Row by row, `size * size`.
    pub values: Vec<f64>,
}

/// What the linear layers of a model saw.
#[derive(Debug, Clone, PartialEq)]
pub struct Moments {
    /// Questions thought about.
    pub questions: usize,
    /// The moments of each layer, in the order of [`TrmWeights::linear_shapes`].
    pub layers: Vec<Moment>,
}

/// Lets a model think about questions, each until its halting head says stop or its steps are used up, and sums the
/// moments of every linear layer's inputs over all calls of the network in all steps. Labels are not looked at. The
/// same questions give the same sums with any number of threads.
///
/// # Errors
/// [`Error::Format`] for a model that is not in f32, or whose states leave the finite numbers;
/// [`Error::Question`] for a question that does not fit the model.
pub fn moments(
    model: &TrmModel,
    questions: &[Sample],
    threads: usize,
    done: Progress<'_>,
) -> Result<Moments> {
    super::refuse_inexact(model)?;
    let config = model.config();
    for question in questions {
        question.check(config)?;
    }
    let packed = PackedModel::new(Isa::detect(), config, &model.weights);
    let shapes = TrmWeights::linear_shapes(config);
    let mut layers: Vec<Moment> = shapes
        .iter()
        .map(|(_, shape)| Moment {
            size: shape[1],
            values: vec![0.0; shape[1] * shape[1]],
        })
        .collect();
    let blocks: Vec<&[Sample]> = questions.chunks(BLOCK).collect();
    let mut collectors: Vec<Collector> = (0..threads.clamp(1, blocks.len().max(1)))
        .map(|_| Collector::new(config))
        .collect();
    for wave in blocks.chunks(collectors.len()) {
        let work = |(collector, block): (&mut Collector, &&[Sample])| {
            collector.clear();
            for question in *block {
                collector.think(&packed, question);
                done();
            }
        };
        #[cfg(feature = "threads")]
        {
            use rayon::prelude::*;
            collectors.par_iter_mut().zip(wave).for_each(work);
        }
        #[cfg(not(feature = "threads"))]
        collectors.iter_mut().zip(wave).for_each(work);
        for collector in &collectors[..wave.len()] {
            for (sum, part) in layers.iter_mut().zip(&collector.sums) {
                for (r, to) in sum.values.chunks_exact_mut(sum.size).enumerate() {
                    for (a, b) in to.iter_mut().zip(part.row(r)) {
                        *a += f64::from(*b);
                    }
                }
            }
        }
    }
    let finite = |layer: &Moment| layer.values.iter().all(|v| v.is_finite());
    if let Some(at) = layers.iter().position(|layer| !finite(layer)) {
        return Err(Error::Format(format!(
            "tensor `{}`: expected finite inputs while the model thinks, found others",
            shapes[at].0
        )));
    }
    Ok(Moments {
        questions: questions.len(),
        layers,
    })
}

/// The memory and the sums of one thread.
struct Collector {
    scratch: Scratch,
    /// For each call of a cycle, each layer's tape.
    tapes: Vec<LayerTape>,
    x: AlignedMatrix,
    z_h: AlignedMatrix,
    z_l: AlignedMatrix,
    /// SwiGLU of the channels, `[positions, width]`.
    act: AlignedMatrix,
    /// Memory for the inputs of the mixer's products.
    mix: Vec<AlignedMatrix>,
    sums: Vec<AlignedMatrix>,
}

impl Collector {
    fn new(config: &TrmConfig) -> Self {
        let (l, d) = (config.positions_len(), config.hidden_size);
        let zeros = AlignedMatrix::zeros;
        let calls = config.l_cycles + 1;
        let shapes = TrmWeights::linear_shapes(config);
        Collector {
            scratch: Scratch::new(config, 1, Precision::F32),
            tapes: (0..calls * config.num_layers)
                .map(|_| LayerTape::new(config))
                .collect(),
            x: zeros(l, d),
            z_h: zeros(l, d),
            z_l: zeros(l, d),
            act: zeros(l, config.swiglu_width(d)),
            mix: {
                let sizes = mixers::of(config.mixer).inputs_space(config).into_iter();
                sizes.map(|[rows, cols]| zeros(rows, cols)).collect()
            },
            sums: shapes.iter().map(|(_, s)| zeros(s[1], s[1])).collect(),
        }
    }

    fn clear(&mut self) {
        for sum in &mut self.sums {
            sum.padded_mut().fill(0.0);
        }
    }

    /// Thinks about a question and adds what the layers see.
    fn think(&mut self, model: &PackedModel, question: &Sample) {
        let config = model.config();
        let network = Network::new(&model.stack, Member::ALONE);
        model.embed(
            &question.question,
            model.puzzle_row(question.puzzle),
            &mut self.x,
        );
        model.reset(&mut self.z_h, &mut self.z_l, None);
        let latent = Latent {
            x: self.x.view(),
            z_h: self.z_h.view(),
            z_l: self.z_l.view(),
        };
        for _ in 0..config.halt_max_steps {
            for _ in 0..config.h_cycles {
                let tapes = &mut self.tapes;
                network.cycle(config.l_cycles, latent, self.scratch.views(), tapes);
                self.add(&network, config);
            }
            if model.halt_logits(&self.z_h)[0] > 0.0 {
                break;
            }
        }
    }

    /// Adds the inputs on the tapes.
    fn add(&mut self, network: &Network, config: &TrmConfig) {
        let (l, d) = (network.l, network.d);
        let products = self.sums.len() / config.num_layers;
        for (i, tape) in self.tapes.iter_mut().enumerate() {
            let first = products * (i % config.num_layers);
            let mut sums = self.sums[first..first + products].iter_mut();
            let mut add = |rows: View, count: usize, size: usize| {
                let to = sums.next().expect("a sum for each product").view().add();
                network.product(size, size, count, rows.transposed_lhs(), rows.rhs(), to);
            };
            let memory: Vec<View> = self.mix.iter_mut().map(AlignedMatrix::view).collect();
            network
                .mixer
                .inputs(network, &mut tape.mix, &memory, &mut add);
            let width = self.act.cols();
            add(tape.middle.view(), l, d);
            let (pre, act) = (tape.pre.view(), self.act.view());
            network.swiglu(pre, pre.at(0, width), act, [l, width]);
            add(act, l, width);
        }
    }
}
