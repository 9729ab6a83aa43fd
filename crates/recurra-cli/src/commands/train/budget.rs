//! How long a training is to last.

use serde::{Deserialize, Serialize};
use std::fmt;

/// When a training is over: so much in all, before interruptions and after them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Budget {
    Steps(u64),
    Seconds(f64),
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Budget::Steps(1) => f.write_str("1 step"),
            Budget::Steps(steps) => write!(f, "{steps} steps"),
            Budget::Seconds(60.0) => f.write_str("1 minute"),
            Budget::Seconds(seconds) => write!(f, "{} minutes", (seconds / 0.6).round() / 100.0),
        }
    }
}

impl Budget {
    /// Where nothing else was asked for.
    pub(super) const USUAL: Budget = Budget::Seconds(600.0);

    /// What is spent of it, in its own measure.
    pub(super) fn spent(self, steps: u64, seconds: f64) -> Budget {
        match self {
            Budget::Steps(_) => Budget::Steps(steps),
            Budget::Seconds(_) => Budget::Seconds(seconds),
        }
    }

    /// The share of it that is spent.
    pub(super) fn share(self, steps: u64, seconds: f64) -> f64 {
        match self {
            Budget::Steps(all) => steps as f64 / all as f64,
            Budget::Seconds(all) => seconds / all,
        }
    }
}
