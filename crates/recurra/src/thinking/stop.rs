//! When to stop improving an answer.

use serde::{Deserialize, Serialize};

/// What can be known after an improvement step.
#[derive(Debug, Clone, Copy)]
pub struct Progress<'a> {
    /// Steps done, from 1.
    pub step: usize,
    /// The answer so far.
    pub answer: &'a [u16],
    /// Logit of "halt".
    pub halt_logit: f32,
    /// Whether the answer is proven by the task's own rules; `None` where the task has none.
    pub verified: Option<bool>,
}

/// Why thinking stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// The task's rules hold.
    Verified,
    /// The halting head said so.
    Halt,
    /// The limit of steps was reached.
    MaxSteps,
}

/// Which rules end thinking, the first that holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StopRules {
    /// The answer is proven by the task's own rules.
    pub verified: bool,
    /// The halting head believes that the answer is right. Together with `verified` it is not asked where the rules
    /// prove the answer wrong.
    pub halt: bool,
    /// The most steps; at least one is done. There is no ceiling: a model trained with 16 may think for thousands.
    pub max_steps: usize,
}

impl StopRules {
    /// Reads a list of rules as the command line has it: `verified`, `halt`, with commas between, or `none`.
    ///
    /// # Errors
    /// The first name that is no rule.
    pub fn parse(list: &str, max_steps: usize) -> Result<Self, String> {
        let mut rules = StopRules {
            verified: false,
            halt: false,
            max_steps,
        };
        for name in list.split(',').map(str::trim) {
            match name {
                "verified" => rules.verified = true,
                "halt" => rules.halt = true,
                "none" => {}
                _ => return Err(name.to_owned()),
            }
        }
        Ok(rules)
    }

    /// Whether to stop now, and why.
    pub fn stop(&self, progress: &Progress<'_>) -> Option<StopReason> {
        if self.verified && progress.verified == Some(true) {
            Some(StopReason::Verified)
        } else if self.halt
            && progress.halt_logit > 0.0
            && !(self.verified && progress.verified == Some(false))
        {
            Some(StopReason::Halt)
        } else if progress.step >= self.max_steps {
            Some(StopReason::MaxSteps)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_stop_in_their_order() {
        let progress = |step, halt_logit, verified| Progress {
            step,
            answer: &[],
            halt_logit,
            verified,
        };
        let rules = StopRules::parse("halt, verified", 16).unwrap();
        assert_eq!(rules.stop(&progress(1, -1.0, Some(false))), None);
        assert_eq!(
            rules.stop(&progress(1, 1.0, Some(true))),
            Some(StopReason::Verified)
        );
        assert_eq!(rules.stop(&progress(1, 1.0, None)), Some(StopReason::Halt));
        assert_eq!(rules.stop(&progress(1, 1.0, Some(false))), None);
        let halt = StopRules::parse("halt", 16).unwrap();
        assert_eq!(
            halt.stop(&progress(1, 1.0, Some(false))),
            Some(StopReason::Halt)
        );
        assert_eq!(
            rules.stop(&progress(16, -1.0, None)),
            Some(StopReason::MaxSteps)
        );
        let none = StopRules::parse("none", 20).unwrap();
        assert_eq!(none.stop(&progress(19, 9.0, Some(true))), None);
        assert_eq!(
            none.stop(&progress(20, 9.0, Some(true))),
            Some(StopReason::MaxSteps)
        );
        assert_eq!(
            StopRules::parse("halt,sometimes", 16),
            Err("sometimes".into())
        );
    }
}
