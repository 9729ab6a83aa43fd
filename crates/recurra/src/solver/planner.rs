//! Planning the steps of a question's first attempt, and learning from how it ended.

use crate::engine::TrmEngine;
use crate::tasks::Task;
use crate::thinking::{AdaptiveKSelector, Features, Outcome, Plan};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What plans for all workers. It is locked three times a question and never during a step.
#[derive(Debug)]
pub(super) struct Planner(Mutex<AdaptiveKSelector>);

/// A question that is being thought about.
#[derive(Debug)]
pub(super) struct Planned {
    tokens: Vec<u16>,
    plan: Plan,
    features: Features,
}

impl Planner {
    pub(super) fn new(selector: AdaptiveKSelector) -> Self {
        Planner(Mutex::new(selector))
    }

    pub(super) fn selector(&self) -> MutexGuard<'_, AdaptiveKSelector> {
        // What it learns is whole between any two calls.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A question that was started on the engine; `key` is a hash of it.
    pub(super) fn begin(
        &self,
        engine: &TrmEngine,
        task: &dyn Task,
        tokens: Vec<u16>,
        key: u64,
    ) -> Planned {
        let given = |token| task.is_given(token);
        let (config, x) = (engine.config(), engine.x());
        let embedding = (0..x.rows()).map(|position| x.row(position));
        let features = Features::of_question(&tokens, config.vocab_size, given, embedding);
        Planned {
            plan: self.selector().plan(&features, key),
            tokens,
            features,
        }
    }

    /// After the first step, which came to this answer and changed the answer state by this residual: the most steps
    /// to do.
    pub(super) fn refine(
        &self,
        planned: &mut Planned,
        engine: &mut TrmEngine,
        task: &dyn Task,
        answer: &[u16],
        residual: f32,
    ) -> usize {
        let given = |token| task.is_given(token);
        let halt = engine.halt_logits()[0];
        let logits = engine.decode();
        let places = (0..planned.tokens.len()).map(|i| logits.row(i));
        let state = planned
            .features
            .with_state(&planned.tokens, given, places, halt);
        planned.features = state
            .with_broken(task.broken(answer))
            .with_residual(residual);
        self.selector()
            .refine(&planned.plan, &planned.features)
            .budget
    }

    /// Learns how the attempt ended.
    pub(super) fn learn(&self, planned: &Planned, steps: usize, verified: bool) {
        let outcome = if verified {
            Outcome::Solved { steps }
        } else {
            Outcome::Unsolved { budget: steps }
        };
        self.selector().learn(&planned.features, outcome);
    }
}
