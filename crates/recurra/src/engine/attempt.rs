//! One attempt at a question, step by step; several may take turns on one engine.

use super::{Surroundings, TrmEngine};
use crate::network::states::normal;
use crate::thinking::{EarlyStopOptimizer, Progress, StopReason, StopRules};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use recurra_kernels::AlignedMatrix;
use std::time::Duration;

/// What an attempt has come to so far. Its latent state is in the engine, or laid aside in a [`LatentState`].
#[derive(Debug, Clone)]
pub struct Attempt {
    stop: EarlyStopOptimizer,
    /// The most likely token at each place of the question.
    pub answer: Vec<u16>,
    /// Probability of each of them.
    pub certainty: Vec<f32>,
    /// Improvement steps done.
    pub steps: usize,
    /// Logit of "halt" after the last step.
    pub halt_logit: f32,
}

impl Attempt {
    /// An attempt at a question of `seq_len` tokens that is about to begin.
    pub fn new(rules: StopRules, seq_len: usize) -> Self {
        Attempt {
            stop: EarlyStopOptimizer::new(rules),
            answer: vec![0; seq_len],
            certainty: vec![0.0; seq_len],
            steps: 0,
            halt_logit: f32::NAN,
        }
    }

    /// Makes it end after so many steps at the latest, if not before.
    pub fn limit_steps(&mut self, most: usize) {
        self.stop.limit_steps(most);
    }
}

/// The input and the latent state of a sample, laid aside while the engine thinks about another.
#[derive(Debug, Clone)]
pub struct LatentState {
    x: AlignedMatrix,
    z_h: AlignedMatrix,
    z_l: AlignedMatrix,
}

impl LatentState {
    /// Size in memory.
    pub(crate) fn bytes(&self) -> usize {
        let numbers = |m: &AlignedMatrix| m.rows() * m.cols();
        4 * (numbers(&self.x) + numbers(&self.z_h) + numbers(&self.z_l))
    }
}

impl TrmEngine {
    /// Room for the state of a sample.
    pub fn new_state(&self) -> LatentState {
        let config = self.config();
        let zeros = || AlignedMatrix::zeros(config.positions_len(), config.hidden_size);
        LatentState {
            x: zeros(),
            z_h: zeros(),
            z_l: zeros(),
        }
    }

    /// A copy of the state of the sample in the engine.
    pub fn copy_state(&self) -> LatentState {
        LatentState {
            x: self.pool.x.clone(),
            z_h: self.pool.z_h.clone(),
            z_l: self.pool.z_l.clone(),
        }
    }

    /// Exchanges the state of the sample in the engine with one that was laid aside. Copies nothing.
    ///
    /// # Panics
    /// If it is of an engine of another model.
    pub fn exchange(&mut self, state: &mut LatentState) {
        let size = |m: &AlignedMatrix| (m.rows(), m.cols());
        assert_eq!(
            size(&self.pool.x),
            size(&state.x),
            "a state of another model"
        );
        std::mem::swap(&mut self.pool.x, &mut state.x);
        std::mem::swap(&mut self.pool.z_h, &mut state.z_h);
        std::mem::swap(&mut self.pool.z_l, &mut state.z_l);
    }

    /// After [`TrmEngine::start`], begins in random states instead of H_init and L_init, drawn as the reference
    /// implementation draws those: truncated normal of variance 1, the same for all positions.
    pub fn start_elsewhere(&mut self, rng: &mut ChaCha8Rng) {
        let (z_h, z_l) = (&mut self.pool.z_h, &mut self.pool.z_l);
        self.model.reset(z_h, z_l, Some(rng));
    }

    /// After [`TrmEngine::start`], begins in the latent state of a sample that was laid aside, on the new question.
    ///
    /// # Panics
    /// If it is of an engine of another model.
    pub fn start_from(&mut self, state: &LatentState) {
        for (to, from) in [
            (&mut self.pool.z_h, &state.z_h),
            (&mut self.pool.z_l, &state.z_l),
        ] {
            for position in 0..to.rows() {
                to.row_mut(position).copy_from_slice(from.row(position));
            }
        }
    }

    /// Adds normal noise of standard deviation `sigma` to both latent states.
    pub fn add_noise(&mut self, sigma: f32, rng: &mut impl Rng) {
        for z in [&mut self.pool.z_h, &mut self.pool.z_l] {
            for position in 0..z.rows() {
                for v in z.row_mut(position) {
                    *v += sigma * normal(rng) as f32;
                }
            }
        }
    }

    /// Does the next step of the attempt whose state is in the engine, and says whether and why it ends there.
    pub fn advance(
        &mut self,
        attempt: &mut Attempt,
        surroundings: &mut Surroundings<'_>,
    ) -> Option<StopReason> {
        let residual = if surroundings.watch_residual || attempt.stop.needs_residual() {
            self.step_with_residual()
        } else {
            self.step();
            f32::NAN
        };
        attempt.steps += 1;
        let logits = self.decode();
        logits.answer_into(&mut attempt.answer);
        logits.certainty_into(&mut attempt.certainty);
        let confidence = attempt.certainty.iter().sum::<f32>() / attempt.certainty.len() as f32;
        attempt.halt_logit = self.halt_logits()[0];
        let progress = Progress {
            step: attempt.steps,
            certainty: &attempt.certainty,
            confidence,
            halt_logit: attempt.halt_logit,
            residual,
            verified: surroundings.check.map(|check| check(&attempt.answer)),
            elapsed: surroundings.elapsed.map_or(Duration::ZERO, |now| now()),
            answer: &attempt.answer,
        };
        if let Some(watch) = &mut surroundings.watch {
            watch(&progress);
        }
        attempt.stop.observe(&progress)
    }
}
