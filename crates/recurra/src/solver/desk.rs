//! What all who think about a solver's questions share.

use super::SolveOptions;
use super::planner::Planner;
use crate::cache::TrmCache;
use crate::engine::{PackedModel, TrmEngine};
use crate::error::{Error, Result};
use crate::tasks::Task;
use crate::thinking::{Calibration, RuleKind, StopRules, Variation};
use std::sync::Arc;

/// What all who think about a solver's questions share.
#[derive(Debug, Clone)]
pub(super) struct Desk {
    pub(super) task: Arc<dyn Task>,
    pub(super) weights: Arc<PackedModel>,
    pub(super) calibration: Option<Calibration>,
    pub(super) planner: Option<Arc<Planner>>,
    pub(super) cache: Option<Arc<TrmCache>>,
}

impl Desk {
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

    /// An engine with so many threads on each question.
    pub(super) fn engine(&self, threads: usize) -> TrmEngine {
        TrmEngine::with_weights(self.weights.clone(), threads)
    }

    /// How questions are thought about unless somebody says otherwise.
    pub(super) fn options(&self) -> SolveOptions {
        let most = self.weights.config().halt_max_steps;
        let mut options = SolveOptions::new(default_rules(most, self.calibration.as_ref()));
        if self.weights.config().groups.is_some() {
            // All symmetric forms of a question are the same to such a model.
            options.variation = Variation::GUESS;
        }
        options
    }
}

/// `verified` and `halt`, as they were calibrated or by default.
pub(super) fn default_rules(max_steps: usize, calibration: Option<&Calibration>) -> StopRules {
    let rule = |kind: RuleKind| {
        let calibrated = calibration.and_then(|c| c.rule(kind));
        calibrated.unwrap_or(kind.default_rule())
    };
    [RuleKind::Verified, RuleKind::Halt]
        .map(rule)
        .into_iter()
        .fold(StopRules::none(max_steps), StopRules::with)
}
