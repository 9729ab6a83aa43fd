//! What all who think about a solver's questions share.

use super::SolveOptions;
use super::planner::Plans;
use crate::cache::TrmCache;
use crate::engine::{PackedModel, TrmEngine};
use crate::error::{Error, Result};
use crate::groups::Groups;
use crate::tasks::Task;
use crate::thinking::{Calibration, StopRules, Variation};
use std::sync::Arc;

/// What all who think about a solver's questions share.
#[derive(Debug, Clone)]
pub(super) struct Desk {
    pub(super) task: Arc<dyn Task>,
    pub(super) weights: Arc<PackedModel>,
    /// Of the task, if it declares any.
    pub(super) groups: Option<Arc<Groups>>,
    pub(super) calibration: Option<Calibration>,
    pub(super) planner: Option<Arc<dyn Plans>>,
    pub(super) cache: Option<Arc<TrmCache>>,
}

impl Desk {
    /// A desk without planner and cache.
    pub(super) fn new(
        task: Arc<dyn Task>,
        weights: PackedModel,
        calibration: Option<Calibration>,
    ) -> Self {
        let groups = weights.config().groups.clone();
        Desk {
            groups: groups.or_else(|| task.groups().map(Arc::new)),
            task,
            weights: Arc::new(weights),
            calibration,
            planner: None,
            cache: None,
        }
    }

    /// Refuses a question that the model cannot take.
    pub(super) fn check(&self, question: &[u16]) -> Result<()> {
        let (places, most) = (self.task.seq_len(), self.weights.config().vocab_size);
        let unknown = question.iter().find(|&&t| usize::from(t) >= most);
        let found = match unknown {
            Some(token) => format!("token {token}"),
            None if question.len() != places => format!("{} tokens", question.len()),
            None => return Ok(()),
        };
        Err(Error::Question {
            what: "question",
            expected: format!("{places} tokens below {most}"),
            found,
        })
    }

    /// Refuses options that mean nothing for the task.
    pub(super) fn check_options(&self, options: &SolveOptions) -> Result<()> {
        if !options.variation.guess || self.task.guessable() {
            return Ok(());
        }
        Err(Error::Config {
            field: "variation",
            expected:
                "attempts without guesses, as the symbols of this task's answers cannot be givens"
                    .into(),
            found: options.variation.to_string(),
        })
    }

    /// An engine with so many threads on each question.
    pub(super) fn engine(&self, threads: usize) -> TrmEngine {
        TrmEngine::with_weights(self.weights.clone(), threads)
    }

    /// How questions are thought about unless somebody says otherwise.
    pub(super) fn options(&self) -> SolveOptions {
        let most = self.weights.config().halt_max_steps;
        let mut options = SolveOptions::new(StopRules::usual(most, self.calibration.as_ref()));
        if self.weights.config().groups.is_some() {
            // All symmetric forms of a question are the same to such a model.
            options.variation = Variation::GUESS;
        }
        options
    }
}
