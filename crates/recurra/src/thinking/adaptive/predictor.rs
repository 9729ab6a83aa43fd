//! From features to K.

use super::features::{FEATURES, Features, QUESTION_FEATURES};
use super::head::{Head, MODELS};
use super::lifetimes::{BINS, Steps, bin, last, middle};
use crate::error::{Error, Result};

/// How thinking about a question ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Its answer was right, first after so many steps.
    Solved {
        /// K needed, from 1.
        steps: usize,
    },
    /// It was given up. It needs more steps than were done, or no number of them is enough.
    Unsolved {
        /// Steps done.
        budget: usize,
    },
}

/// What is asked of a prediction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// The least K that is ever predicted; 0 counts as 1.
    pub min_k: usize,
    /// The largest K that is ever predicted; below `min_k` it counts as `min_k`.
    pub max_k: usize,
    /// The share of the answers that `max_k` steps would find and that the budget should still find.
    pub quantile: f32,
}

impl Limits {
    pub(super) fn min(&self) -> usize {
        self.min_k.max(1)
    }

    pub(super) fn max(&self) -> usize {
        self.max_k.max(self.min())
    }
}

/// What is predicted for one question, within [`Limits`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prediction {
    /// K needed: the median, of the cases in which `max_k` steps are enough.
    pub expected: usize,
    /// Enough with probability `quantile`, of the same cases.
    pub budget: usize,
    /// Probability that `max_k` steps are enough.
    pub solvable: f32,
    /// Mean number of steps until the question is solved or its budget spent: how long it will keep a worker.
    pub work: f32,
}

/// Learns how many steps questions need. Its memory is bounded (about 60 KB), whatever it is fed, and predicting
/// allocates nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct KPredictor {
    pub(super) model: String,
    pub(super) examples: u64,
    pub(super) solved: u64,
    /// Knows the question only.
    pub(super) question: Head<QUESTION_FEATURES>,
    /// Knows the state after the first step, too.
    pub(super) state: Head<FEATURES>,
}

impl KPredictor {
    /// One that has learnt nothing yet, for the model that this name stands for. Other weights need another name: what is
    /// learnt of one model is wrong for the next.
    pub fn new(model: impl Into<String>) -> Self {
        KPredictor {
            model: model.into(),
            examples: 0,
            solved: 0,
            question: Head::new(),
            state: Head::new(),
        }
    }

    /// The model's name.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// How many examples were learnt.
    pub fn examples(&self) -> u64 {
        self.examples
    }

    /// How many of them were solved: the others say little of the K that others will need.
    pub fn solved(&self) -> u64 {
        self.solved
    }

    /// Predicts K from what is known.
    pub fn predict(&self, features: &Features, limits: &Limits) -> Prediction {
        let steps = if self.asks_state(features) {
            self.state.predict(&features.first())
        } else {
            self.question.predict(&features.first())
        };
        read(&steps, limits)
    }

    /// What each of the mixed models predicts alone, with its name and the weight it has in the mixture: to explain a
    /// prediction, and to measure whether mixing pays.
    pub fn explain(
        &self,
        features: &Features,
        limits: &Limits,
    ) -> [(&'static str, f32, Prediction); MODELS] {
        let models = if self.asks_state(features) {
            self.state.explain(&features.first())
        } else {
            self.question.explain(&features.first())
        };
        models.map(|(name, weight, steps)| (name, weight, read(&steps, limits)))
    }

    fn asks_state(&self, features: &Features) -> bool {
        features.knows_state() && self.state.all.count() > 0.0
    }

    /// Learns what a question needed. Features of the state may be missing; then only what predicts from the question learns.
    pub fn learn(&mut self, features: &Features, outcome: Outcome) {
        self.examples = self.examples.saturating_add(1);
        let solved = matches!(outcome, Outcome::Solved { .. });
        self.solved = self.solved.saturating_add(solved.into());
        self.question.learn(&features.first(), outcome);
        if features.knows_state() {
            self.state.learn(&features.first(), outcome);
        }
    }

    /// Takes in what another has learnt, from other questions to the same model.
    ///
    /// Exact up to rounding, and in any order: the sums of the regression and the counts over all questions. Approximate: the
    /// clusters, of which the nearest are merged until 64 are left, and the weights of the mixed models, as each worker
    /// judged them after fewer examples than there are now. `a.merge(b)` and `b.merge(a)` predict the same up to rounding.
    ///
    /// # Errors
    /// [`Error::Format`] for a predictor of another model; nothing is changed then.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        if self.model != other.model {
            return Err(other_model(&self.model, &other.model));
        }
        self.examples = self.examples.saturating_add(other.examples);
        self.solved = self.solved.saturating_add(other.solved);
        self.question.merge(&other.question);
        self.state.merge(&other.state);
        Ok(())
    }
}

pub(super) fn other_model(expected: &str, found: &str) -> Error {
    Error::Format(format!(
        "predictor of K: expected one for the model `{expected}`, found one for `{found}`"
    ))
}

fn read(steps: &Steps, limits: &Limits) -> Prediction {
    let (min, max) = (limits.min(), limits.max());
    let bins = bin(max) + 1;
    let solvable = steps.within(bins);
    // The first bin within which so large a share of what can be solved is solved.
    let quantile = |share: f32| {
        let mut sum = 0.0;
        (0..bins)
            .find(|&i| {
                sum += steps.0[i];
                sum >= share * solvable
            })
            .unwrap_or(BINS - 1)
    };
    let budget = if limits.quantile < 1.0 {
        last(quantile(limits.quantile.max(0.0))).clamp(min, max)
    } else {
        max
    };
    let (mut left, mut work, mut done) = (1.0, 0.0, 0);
    for i in 0..bins {
        let end = last(i).min(budget);
        work += left * (end - done) as f32;
        done = end;
        left -= steps.0[i];
    }
    Prediction {
        expected: middle(quantile(0.5)).clamp(min, max),
        budget,
        solvable: solvable.clamp(0.0, 1.0),
        work: work.clamp(min as f32, budget as f32),
    }
}
