//! The recursion over some samples with all that its backward pass needs.

use super::contrast::Outcome;
use crate::engine::PackedModel;
use crate::network::backward::Backward;
use crate::network::scratch::Scratch;
use crate::network::stack::PackedLayer;
use crate::network::states::normal;
use crate::network::tape::LayerTape;
use crate::network::team::Member;
use crate::network::{Latent, Network};
use crate::tasks::vectors::VectorSpec;
use crate::train::gradient::Gradient;
use crate::vectors::state::{
    answers, direction, embed, first_states, halt_logit, input_scale, moved as move_by,
    moved_backward, read, retrieve, role, seen,
};
use crate::vectors::{FlatIndex, Pairs, sized};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use recurra_kernels::view::copy_rows;
use recurra_kernels::{AlignedMatrix, Precision};

/// The samples of a batch that one worker thinks about.
pub(super) struct Batch<'a> {
    pub(super) pairs: &'a Pairs,
    pub(super) rows: &'a [usize],
    /// Improvement steps to think.
    pub(super) steps: usize,
    /// What steps retrieve from, for models that do.
    pub(super) index: Option<&'a FlatIndex>,
    /// Length of the random vectors that are added.
    pub(super) noise: f32,
    pub(super) seed: u64,
}

/// What is kept of one improvement step.
#[derive(Debug)]
struct Kept {
    /// What is moved, `[samples, dimension]`.
    from: AlignedMatrix,
    /// The vectors that the network saw, `[rows, dimension]`; empty where they are those of the first step.
    v: AlignedMatrix,
    /// The answers' rows of z_H, `[samples, hidden]`.
    z: AlignedMatrix,
    /// What was added to it, `[samples, dimension]`; later its gradient.
    delta: AlignedMatrix,
    /// What came of it, and later its gradient.
    moved: AlignedMatrix,
    halts: Vec<f32>,
    /// For each call of the network each layer's.
    tapes: Vec<LayerTape>,
}

/// Memory for so many samples of so many tokens.
#[derive(Debug)]
pub(super) struct Unrolled {
    spec: VectorSpec,
    samples: usize,
    tokens: usize,
    steps: Vec<Kept>,
    /// How many of them were thought.
    done: usize,
    v: AlignedMatrix,
    x: AlignedMatrix,
    z_h: AlignedMatrix,
    z_l: AlignedMatrix,
    scratch: Scratch,
    backward: Backward,
    dx: AlignedMatrix,
    dz_h: AlignedMatrix,
    dz_l: AlignedMatrix,
}

impl Unrolled {
    pub(super) fn new(
        model: &PackedModel,
        spec: &VectorSpec,
        samples: usize,
        tokens: usize,
    ) -> Self {
        let rows = samples * tokens;
        let config = sized(model.config(), rows);
        let (d, dimension) = (config.hidden_size, config.vocab_size);
        let precision = model.precision();
        let zeros = AlignedMatrix::zeros;
        let calls = config.calls_per_step() * config.num_layers;
        let own = usize::from(spec.neighbours > 0 || spec.in_turn) * rows;
        let step = |_| Kept {
            from: zeros(samples, dimension),
            v: zeros(own, dimension),
            z: zeros(samples, d),
            delta: zeros(samples, dimension),
            moved: zeros(samples, dimension),
            halts: vec![0.0; samples],
            tapes: (0..calls).map(|_| LayerTape::new(&config)).collect(),
        };
        Unrolled {
            steps: (0..config.halt_max_steps).map(step).collect(),
            spec: spec.clone(),
            samples,
            tokens,
            done: 0,
            v: zeros(rows, dimension),
            x: zeros(rows, d),
            z_h: zeros(rows, d),
            z_l: zeros(rows, d),
            scratch: Scratch::new(&config, 1, precision),
            backward: Backward::new(&config, precision.max(Precision::F32)),
            dx: zeros(rows, d),
            dz_h: zeros(rows, d),
            dz_l: zeros(rows, d),
        }
    }

    pub(super) fn fits(&self, samples: usize, tokens: usize) -> bool {
        (self.samples, self.tokens) == (samples, tokens)
    }

    /// What a step gave.
    pub(super) fn outcome(&mut self, step: usize) -> Outcome<'_> {
        let Kept { moved, halts, .. } = &mut self.steps[step];
        Outcome { moved, halts }
    }

    /// Thinks about the samples.
    pub(super) fn forward(&mut self, model: &PackedModel, batch: &Batch) {
        let config = model.config();
        let (tokens, rows) = (self.tokens, self.samples * self.tokens);
        let network = Network::of_rows(&model.stack, Member::ALONE, rows, tokens);
        self.done = batch.steps;
        let mut rng = ChaCha8Rng::seed_from_u64(batch.seed);
        for step in 0..self.done {
            self.go_on_from(batch, step);
            if self.spec.in_turn || step == 0 {
                self.begin(batch, step, &mut rng);
                first_states(model, [&mut self.z_h, &mut self.z_l], rows);
            }
            if let Some(index) = batch.index {
                self.retrieve(index, step);
            }
            let kept = &mut self.steps[step];
            let own = kept.v.rows() > 0;
            if own {
                kept.v.padded_mut().copy_from_slice(self.v.padded());
            }
            if own || step == 0 {
                let (v, x) = (self.v.view(), self.x.view());
                embed(&network, model, &self.spec, v, x, tokens);
            }
            let Unrolled {
                steps,
                x,
                z_h,
                z_l,
                scratch,
                spec,
                ..
            } = self;
            let kept = &mut steps[step];
            let latent = Latent {
                x: x.view(),
                z_h: z_h.view(),
                z_l: z_l.view(),
            };
            let each = (config.l_cycles + 1) * config.num_layers;
            for tapes in kept.tapes.chunks_mut(each) {
                network.cycle(config.l_cycles, latent, scratch.views(), tapes);
            }
            let found = answers(z_h.view(), tokens);
            copy_rows(found, kept.z.view(), self.samples, config.hidden_size);
            read(&network, model, found, self.samples, kept.delta.view());
            for i in 0..self.samples {
                let Kept {
                    from, delta, moved, ..
                } = &mut *kept;
                move_by(spec.norm, from.row(i), delta.row(i), moved.row_mut(i));
                kept.halts[i] = halt_logit(model, kept.z.row(i));
            }
        }
    }

    /// What this step moves: the first answer, or where steps begin anew, what stands before it on the path, and without a path
    /// what the step before has found.
    fn go_on_from(&mut self, batch: &Batch, step: usize) {
        let (before, now) = self.steps.split_at_mut(step);
        let from = &mut now[0].from;
        let Some(before) = before.last().filter(|_| self.spec.in_turn) else {
            for (i, &row) in batch.rows.iter().enumerate() {
                from.row_mut(i)
                    .copy_from_slice(batch.pairs.row(row).initial);
            }
            return;
        };
        let d = self.spec.dimension;
        for (i, &row) in batch.rows.iter().enumerate() {
            let known = batch.pairs.row(row).path.chunks_exact(d).nth(step - 1);
            let found = || match batch.index {
                Some(index) => {
                    let nearest = index.nearest(before.moved.row(i), 1);
                    index.vector(nearest[0][0].0)
                }
                None => before.moved.row(i),
            };
            from.row_mut(i).copy_from_slice(known.unwrap_or_else(found));
        }
    }

    /// The vectors that all steps see, or one that begins anew.
    fn begin(&mut self, batch: &Batch, step: usize, rng: &mut ChaCha8Rng) {
        let (spec, tokens) = (&self.spec, self.tokens);
        let noise = batch.noise / (spec.dimension as f32).sqrt();
        let mut put = |vector: &[f32], to: &mut [f32]| {
            direction(vector, to);
            if noise > 0.0 {
                to.iter_mut().for_each(|v| *v += noise * normal(rng) as f32);
            }
        };
        for (i, &row) in batch.rows.iter().enumerate() {
            let row = batch.pairs.row(row);
            put(self.steps[step].from.row(i), self.v.row_mut(i * tokens));
            let seen = seen(spec, row.question, step);
            for (j, vector) in seen.chunks_exact(spec.dimension).enumerate() {
                put(vector, self.v.row_mut(i * tokens + 1 + j));
            }
        }
    }

    /// Puts what the answers before this step retrieve into the input.
    fn retrieve(&mut self, index: &FlatIndex, step: usize) {
        let now = match step {
            0 => &self.steps[0].from,
            step => &self.steps[step - 1].moved,
        };
        retrieve(index, &self.spec, &now.to_vec(), &mut self.v, self.tokens);
    }

    /// Adds the gradients of all weights, from those that the loss has left in the outcomes.
    pub(super) fn backward(
        &mut self,
        model: &PackedModel,
        weights: &[PackedLayer],
        gradient: &mut Gradient,
    ) {
        let config = model.config();
        let (tokens, rows, d) = (self.tokens, self.samples * self.tokens, config.hidden_size);
        let network = Network::of_rows(&model.stack, Member::ALONE, rows, tokens);
        let calls = config.l_cycles + 1;
        for m in [&mut self.dx, &mut self.dz_h, &mut self.dz_l] {
            m.padded_mut().fill(0.0);
        }
        for step in (0..self.done).rev() {
            self.outputs_backward(model, &network, step, gradient);
            let Unrolled {
                steps,
                backward,
                dz_h,
                dz_l,
                dx,
                ..
            } = self;
            let layers = weights.len();
            for cycle in steps[step].tapes.chunks_mut(calls * layers).rev() {
                for (call, tapes) in cycle.chunks_mut(layers).enumerate().rev() {
                    if call == config.l_cycles {
                        // z_H <- f(z_H + z_L)
                        backward.call(&network, weights, tapes, dz_h.view(), gradient.layers());
                        add(dz_l, dz_h);
                    } else {
                        // z_L <- f(z_L + z_H + x)
                        backward.call(&network, weights, tapes, dz_l.view(), gradient.layers());
                        add(dz_h, dz_l);
                        add(dx, dz_l);
                    }
                }
            }
            let own = self.steps[step].v.rows() > 0;
            if own || step == 0 {
                self.inputs_backward(&network, step, d, gradient);
                self.dx.padded_mut().fill(0.0);
            }
            if self.spec.in_turn {
                // The step before has another state.
                for m in [&mut self.dz_h, &mut self.dz_l] {
                    m.padded_mut().fill(0.0);
                }
            }
        }
    }

    /// From the gradients of a step's vectors and halting logits to `dz_h`, to which it is added.
    fn outputs_backward(
        &mut self,
        model: &PackedModel,
        network: &Network,
        step: usize,
        gradient: &mut Gradient,
    ) {
        let Unrolled {
            steps, dz_h, spec, ..
        } = self;
        let Kept {
            from,
            z,
            delta,
            moved: slope,
            halts,
            ..
        } = &mut steps[step];
        let (d, dimension) = (network.d, spec.dimension);
        let mut result = vec![0.0; dimension];
        for i in 0..self.samples {
            move_by(spec.norm, from.row(i), delta.row(i), &mut result);
            moved_backward(
                spec.norm,
                from.row(i),
                &result,
                slope.row_mut(i),
                delta.row(i),
            );
        }
        let sums = gradient.head();
        let head = model.head.lm_head.view_const().rhs();
        let to = answers(dz_h.view(), self.tokens).add();
        network.product(self.samples, d, dimension, slope.view().lhs(), head, to);
        let to = sums.lm_head.view().add();
        network.product(
            dimension,
            d,
            self.samples,
            slope.view().transposed_lhs(),
            z.view().rhs(),
            to,
        );
        for (i, &halt) in halts.iter().enumerate() {
            for (g, w) in dz_h
                .row_mut(i * self.tokens)
                .iter_mut()
                .zip(model.head.q_head.row(0))
            {
                *g += halt * w;
            }
            for (g, z) in sums.q_head.row_mut(0).iter_mut().zip(z.row(i)) {
                *g += halt * z;
            }
            sums.q_bias.row_mut(0)[0] += halt;
        }
    }

    /// From `dx`, which is scaled, to the input projection and the roles.
    fn inputs_backward(
        &mut self,
        network: &Network,
        step: usize,
        d: usize,
        gradient: &mut Gradient,
    ) {
        let scale = input_scale(d);
        self.dx.padded_mut().iter_mut().for_each(|g| *g *= scale);
        let sums = gradient.head();
        let v = match self.steps[step].v.rows() {
            0 => &mut self.v,
            _ => &mut self.steps[step].v,
        };
        let to = sums.embed_tokens.view().add();
        network.product(
            self.spec.dimension,
            d,
            network.l,
            v.view().transposed_lhs(),
            self.dx.view().rhs(),
            to,
        );
        let roles = sums.embed_pos.expect("roles are learned");
        for row in 0..network.l {
            let to = roles.row_mut(role(&self.spec, row % self.tokens, self.tokens));
            for (to, from) in to.iter_mut().zip(self.dx.row(row)) {
                *to += from;
            }
        }
    }
}

/// `to += from`.
fn add(to: &mut AlignedMatrix, from: &AlignedMatrix) {
    for (to, from) in to.padded_mut().iter_mut().zip(from.padded()) {
        *to += from;
    }
}
