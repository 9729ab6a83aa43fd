//! Planning the steps of a question's first attempt, and learning from how it ended.

use crate::engine::TrmEngine;
use crate::tasks::Task;
use crate::thinking::{AdaptiveKSelector, Features, KPredictor, Outcome, Plan};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What plans steps. Behind a trait, so that a program that never plans holds nothing of it.
pub(super) trait Plans: std::fmt::Debug + Send + Sync {
    /// A question that was started on the engine; `key` is a hash of it.
    fn begin(&self, engine: &TrmEngine, task: &dyn Task, tokens: Vec<u16>, key: u64) -> Planned;

    /// After the first step, which came to this answer and changed the answer state by this residual: the most steps
    /// to do.
    fn refine(
        &self,
        planned: &mut Planned,
        engine: &mut TrmEngine,
        task: &dyn Task,
        answer: &[u16],
        residual: f32,
    ) -> usize;

    /// Learns how the attempt ended.
    fn learn(&self, planned: &Planned, steps: usize, verified: bool);

    /// What was learnt so far.
    fn predictor(&self) -> KPredictor;
}

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

    fn selector(&self) -> MutexGuard<'_, AdaptiveKSelector> {
        // What it learns is whole between any two calls.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Plans for Planner {
    fn begin(&self, engine: &TrmEngine, task: &dyn Task, tokens: Vec<u16>, key: u64) -> Planned {
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

    fn refine(
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

    fn learn(&self, planned: &Planned, steps: usize, verified: bool) {
        let outcome = if verified {
            Outcome::Solved { steps }
        } else {
            Outcome::Unsolved { budget: steps }
        };
        self.selector().learn(&planned.features, outcome);
    }

    fn predictor(&self) -> KPredictor {
        self.selector().predictor().clone()
    }
}
