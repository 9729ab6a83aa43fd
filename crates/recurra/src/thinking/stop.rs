//! When to stop improving an answer.

use super::{Calibration, Plateau, Rule, RuleList};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::time::Duration;

/// What can be known after an improvement step.
#[derive(Debug, Clone, Copy)]
pub struct Progress<'a> {
    /// Steps done, from 1.
    pub step: usize,
    /// The answer so far.
    pub answer: &'a [u16],
    /// Logit of "halt".
    pub halt_logit: f32,
    /// Mean, over the places of the answer, of the probability (softmax over the whole vocabulary) of the most likely
    /// token: from 1/vocabulary to 1. NaN where a logit is NaN or infinite.
    pub confidence: f32,
    /// Probability of the most likely token at each place.
    pub certainty: &'a [f32],
    /// Relative change of the answer state by this step, `|z_H - z_H before| / |z_H|` (2-norms over all positions). NaN
    /// where neither a rule nor an observer asks for it, and where z_H is zero.
    pub residual: f32,
    /// Whether the answer is proven by the task's own rules; `None` where the task has none.
    pub verified: Option<bool>,
    /// Time since the question was asked, by the clock of whoever asked; zero without a clock.
    pub elapsed: Duration,
}

/// Why thinking stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// The task's rules hold.
    Verified,
    /// The halting head said so.
    Halt,
    /// The answer no longer changed.
    Stable,
    /// The confidence no longer changed.
    Plateau,
    /// The answer state hardly changed any more.
    Residual,
    /// The limit of steps was reached.
    MaxSteps,
    /// The time was up.
    Time,
    /// Guesses have led to a contradiction: for two steps, two sure cells that must differ were the same.
    Contradiction,
}

impl StopReason {
    /// All of them, in the order in which they are asked.
    pub const ALL: [StopReason; 8] = [
        StopReason::Verified,
        StopReason::Halt,
        StopReason::Stable,
        StopReason::Plateau,
        StopReason::Residual,
        StopReason::MaxSteps,
        StopReason::Time,
        StopReason::Contradiction,
    ];

    /// Its name, as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            StopReason::Verified => "verified",
            StopReason::Halt => "halt",
            StopReason::Stable => "stable",
            StopReason::Plateau => "plateau",
            StopReason::Residual => "residual",
            StopReason::MaxSteps => "max_steps",
            StopReason::Time => "time",
            StopReason::Contradiction => "contradiction",
        }
    }
}

/// Which rules end thinking, the first that holds, and the limits within which they decide.
///
/// "The last w steps" are those from reading w before the present one to the present one: w + 1 readings, so no such
/// rule holds before step w + 1. A number that is NaN never stops: neither a NaN logit, nor a residual, nor a confidence
/// within the window. Rules that read nothing else then wait for the limits, which always hold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StopRules {
    /// The answer is proven by the task's own rules.
    pub verified: bool,
    /// The halting logit is above this: the halting head believes that the answer is right (0: more likely than not).
    /// Together with `verified` it is not asked where the rules prove the answer wrong.
    pub halt: Option<f32>,
    /// The answer is the same after each of the last so many steps. This and the next two also end attempts that
    /// `verified` proves wrong: they are given up, and a restart may follow.
    pub stable: Option<usize>,
    /// The confidence moved within a small band.
    pub plateau: Option<Plateau>,
    /// The last step changed the answer state by less than this share of its length ([`Progress::residual`]).
    pub residual: Option<f32>,
    /// Before this step no rule is asked but `verified`. The limits below hold all the same.
    pub min_steps: usize,
    /// The most steps; at least one is done. There is no ceiling: a model trained with 16 may think for thousands.
    pub max_steps: usize,
    /// The most time for a question, over all of its attempts ([`Progress::elapsed`]); looked at after each step.
    pub time: Option<Duration>,
}

impl StopRules {
    /// No rule but the limit of steps.
    pub fn none(max_steps: usize) -> Self {
        StopRules {
            verified: false,
            halt: None,
            stable: None,
            plateau: None,
            residual: None,
            min_steps: 1,
            max_steps,
            time: None,
        }
    }

    /// What fits most: stops when the answer is verified or, for tasks without a rule check, when the halting head
    /// believes that it is right.
    pub fn new(max_steps: usize) -> Self {
        Self::usual(max_steps, None)
    }

    /// The same with calibrated settings, where there are any.
    pub fn usual(max_steps: usize, calibration: Option<&Calibration>) -> Self {
        Self::none(max_steps).with_all(&RuleList::usual(), calibration)
    }

    /// These rules and those of a list: where it does not say a setting, the calibrated or else the default one.
    #[must_use]
    pub fn with_all(self, list: &RuleList, calibration: Option<&Calibration>) -> Self {
        list.rules(calibration).fold(self, Self::with)
    }

    /// These rules and one more; it takes the place of one of its kind.
    #[must_use]
    pub fn with(mut self, rule: Rule) -> Self {
        match rule {
            Rule::Verified => self.verified = true,
            Rule::Halt { logit } => self.halt = Some(logit),
            Rule::Stable { steps } => self.stable = Some(steps),
            Rule::Plateau(plateau) => self.plateau = Some(plateau),
            Rule::Residual { below } => self.residual = Some(below),
        }
        self
    }
}

/// Applies [`StopRules`] to one attempt, step after step.
///
/// It remembers the last answer and the confidences of one window, however long the attempt.
#[derive(Debug, Clone)]
pub struct EarlyStopOptimizer {
    rules: StopRules,
    /// The answer of the last step; only where a rule looks at it.
    last_answer: Vec<u16>,
    /// For how many steps it has not changed; none before the first step.
    unchanged: Option<usize>,
    /// The latest confidences, at most one more than the steps of the window.
    confidences: VecDeque<f32>,
}

impl EarlyStopOptimizer {
    /// For an attempt that is about to begin.
    pub fn new(rules: StopRules) -> Self {
        EarlyStopOptimizer {
            rules,
            last_answer: Vec::new(),
            unchanged: None,
            confidences: VecDeque::new(),
        }
    }

    /// The rules.
    pub fn rules(&self) -> &StopRules {
        &self.rules
    }

    /// Whether a rule reads [`Progress::residual`].
    pub fn needs_residual(&self) -> bool {
        self.rules.residual.is_some()
    }

    /// Makes this attempt end after so many steps at the latest, if not before.
    pub fn limit_steps(&mut self, most: usize) {
        self.rules.max_steps = self.rules.max_steps.min(most);
    }

    /// Forgets the attempt: another begins.
    pub fn reset(&mut self) {
        self.last_answer.clear();
        self.unchanged = None;
        self.confidences.clear();
    }

    /// Takes note of a step, and says whether to stop after it, and why. To be called once after every step.
    pub fn observe(&mut self, progress: &Progress<'_>) -> Option<StopReason> {
        self.remember(progress);
        let rules = &self.rules;
        let wrong = rules.verified && progress.verified == Some(false);
        let held = |reason| match reason {
            StopReason::Verified => rules.verified && progress.verified == Some(true),
            StopReason::Halt => rules.halt.is_some_and(|t| progress.halt_logit > t) && !wrong,
            StopReason::Stable => rules
                .stable
                .is_some_and(|w| self.unchanged >= Some(w.max(1))),
            StopReason::Plateau => rules.plateau.is_some_and(|p| self.is_flat(p)),
            StopReason::Residual => rules.residual.is_some_and(|r| progress.residual < r),
            StopReason::MaxSteps => progress.step >= rules.max_steps,
            StopReason::Time => rules.time.is_some_and(|most| progress.elapsed >= most),
            // Found by whoever guesses.
            StopReason::Contradiction => false,
        };
        let due = |reason| match reason {
            StopReason::Verified | StopReason::MaxSteps | StopReason::Time => true,
            _ => progress.step >= rules.min_steps,
        };
        let mut reasons = StopReason::ALL.into_iter();
        reasons.find(|&reason| due(reason) && held(reason))
    }

    fn remember(&mut self, progress: &Progress<'_>) {
        if self.rules.stable.is_some() {
            self.unchanged = match self.unchanged {
                Some(steps) if self.last_answer == progress.answer => Some(steps + 1),
                _ => Some(0),
            };
            self.last_answer.clear();
            self.last_answer.extend_from_slice(progress.answer);
        }
        if let Some(plateau) = self.rules.plateau {
            if self.confidences.len() > plateau.steps.max(1) {
                self.confidences.pop_front();
            }
            self.confidences.push_back(progress.confidence);
        }
    }

    fn is_flat(&self, plateau: Plateau) -> bool {
        let whole = self.confidences.len() > plateau.steps.max(1);
        whole && spread(self.confidences.iter().copied()) < plateau.change
    }
}

/// The largest number less the smallest; NaN if one of them is.
pub(super) fn spread(numbers: impl Iterator<Item = f32>) -> f32 {
    let (mut least, mut most) = (f32::INFINITY, f32::NEG_INFINITY);
    for number in numbers {
        if number.is_nan() {
            return f32::NAN;
        }
        least = least.min(number);
        most = most.max(number);
    }
    most - least
}

#[cfg(test)]
mod tests;
