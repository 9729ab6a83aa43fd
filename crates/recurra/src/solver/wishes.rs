//! How to think, as JSON: the names and values of the program's flags.

use super::{SolveOptions, Solver};
use crate::thinking::{RuleList, StopRules};
use serde::Deserialize;
use std::time::Duration;

/// How to think, as JSON: the names and values of the program's flags. What is missing is as the model likes it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Wishes {
    /// Most improvement steps of one attempt.
    pub max_steps: Option<usize>,
    /// Before this step no rule but `verified` ends an attempt.
    pub min_steps: Option<usize>,
    /// What ends an attempt before that, with commas between, or `none`.
    pub stop: Option<String>,
    /// Most seconds for a question, restarts and all.
    pub time: Option<f64>,
    /// How often to start again while the task's rules do not hold.
    pub restarts: usize,
    /// What is different about a restart, with commas between.
    pub restart_by: Option<String>,
    /// How many restarts think side by side.
    pub side_by_side: Option<usize>,
    /// Seed of all that is random in restarts.
    pub seed: u64,
}

impl Wishes {
    /// The options in a JSON text, which may be empty, completed by the model's own.
    ///
    /// # Errors
    /// What is no such text, or which value means nothing.
    pub fn read(text: &str, solver: &Solver) -> Result<SolveOptions, String> {
        let wishes: Wishes = match text {
            "" => Wishes::default(),
            text => serde_json::from_str(text).map_err(|e| format!("options: {e}"))?,
        };
        wishes.options(solver)
    }

    /// The options that these wishes mean, completed by the model's own.
    ///
    /// # Errors
    /// Which value means nothing: what was expected, and what was found.
    pub fn options(&self, solver: &Solver) -> Result<SolveOptions, String> {
        let by = self.restart_by.as_deref().map(str::parse).transpose();
        let by = by.map_err(|e| format!("restart_by: {e}"))?;
        let default = solver.options_with_restarts(self.restarts, by);
        let rules: RuleList = match &self.stop {
            Some(stop) => stop.parse().map_err(|e| format!("stop: {e}"))?,
            None => RuleList::usual(),
        };
        let positive = |name: &str, value: Option<usize>, default: usize| match value {
            Some(0) => Err(format!("{name}: expected at least 1, found 0")),
            value => Ok(value.unwrap_or(default)),
        };
        let max_steps = positive("max_steps", self.max_steps, default.stop.max_steps)?;
        let min_steps = positive("min_steps", self.min_steps, 1)?;
        if min_steps > max_steps {
            return Err(format!(
                "min_steps: expected at most {max_steps}, the most steps, found {min_steps}"
            ));
        }
        let time = match self.time {
            Some(seconds) => Some(
                Duration::try_from_secs_f64(seconds)
                    .map_err(|e| format!("time: expected seconds, found {seconds}: {e}"))?,
            ),
            None => None,
        };
        let limits = StopRules {
            min_steps,
            time,
            ..StopRules::none(max_steps)
        };
        Ok(SolveOptions {
            stop: limits.with_all(&rules, solver.calibration()),
            side_by_side: positive("side_by_side", self.side_by_side, 1)?,
            seed: self.seed,
            ..default
        })
    }
}
