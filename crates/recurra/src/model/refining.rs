//! What was calibrated for a model of vectors: when it stops, and when its answer is not trusted.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// How a model of vectors thinks, found on pairs that it was not trained on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refining {
    /// Thinking stops when the confidence is at least this; above 1 it never does.
    pub halt_above: f32,
    /// Where the confidence is below this in the end, the first answer is returned as it was.
    pub raw_below: f32,
    /// Held-out questions on which both were found.
    pub questions: usize,
    /// Of these, the share whose passage comes first with the first answer.
    pub raw_recall_at_1: f64,
    /// The same with the refined answer, by these numbers.
    pub recall_at_1: f64,
}

impl Refining {
    /// Every step is done, and the refined answer is always returned.
    pub const ALWAYS: Refining = Refining {
        halt_above: 2.0,
        raw_below: 0.0,
        questions: 0,
        raw_recall_at_1: 0.0,
        recall_at_1: 0.0,
    };

    /// Checks the numbers.
    ///
    /// # Errors
    /// [`Error::Config`] for one out of its range.
    pub fn validate(&self) -> Result<()> {
        let numbers = [
            ("refining.halt_above", f64::from(self.halt_above), 2.0),
            ("refining.raw_below", f64::from(self.raw_below), 2.0),
            ("refining.raw_recall_at_1", self.raw_recall_at_1, 1.0),
            ("refining.recall_at_1", self.recall_at_1, 1.0),
        ];
        for (field, found, most) in numbers {
            if !(0.0..=most).contains(&found) {
                return Err(Error::Config {
                    field,
                    expected: format!("0 to {most}"),
                    found: found.to_string(),
                });
            }
        }
        Ok(())
    }
}
