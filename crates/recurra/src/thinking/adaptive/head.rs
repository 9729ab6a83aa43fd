//! One learner: from `N` features to the distribution of K.

use super::Outcome;
use super::lifetimes::{Lifetimes, Steps};
use super::patterns::{Centre, Patterns, distance};
use super::regression::{Fit, Moments};

/// Examples after which an old one counts 1/e.
const MEMORY: f64 = 2000.0;
/// Old examples are made to count for less only so often.
pub(super) const FORGET_EVERY: u32 = 16;
/// Predictions after which the loss of an old one counts 1/e.
const LOSS_MEMORY: f64 = 500.0;
/// As how many questions the distribution over all questions counts beside those that are alike.
const PRIOR: f32 = 3.0;

/// Which questions count as alike.
#[derive(Debug, Clone, Copy)]
enum Alike {
    /// All.
    Any,
    /// Those with a score of the regression within so many of its standard deviations.
    Score(f32),
    /// Those whose features are within such a distance.
    Distance(f32),
}

/// The models whose predictions are mixed. Along the one line of the regression few examples are enough; patterns see what
/// the line mixes up, but need more. Which width is right depends on the law and on how many examples there are.
const EXPERTS: [(&str, Alike); 6] = [
    ("all questions", Alike::Any),
    ("regression, narrow", Alike::Score(0.12)),
    ("regression", Alike::Score(0.25)),
    ("regression, wide", Alike::Score(0.5)),
    ("patterns, narrow", Alike::Distance(0.25)),
    ("patterns", Alike::Distance(0.5)),
];
/// How many they are.
pub(super) const MODELS: usize = EXPERTS.len();

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Head<const N: usize> {
    pub(super) moments: Moments<N>,
    pub(super) patterns: Patterns<N>,
    pub(super) all: Lifetimes,
    /// Discounted sum of -ln p(outcome) of each model, made before it learnt the outcome.
    pub(super) losses: [f64; MODELS],
    /// Examples since the last time of forgetting.
    pub(super) since: u32,
    fit: Fit<N>,
}

impl<const N: usize> Head<N> {
    pub(super) fn new() -> Self {
        Self::of(
            Moments::NONE,
            Patterns::NONE,
            Lifetimes::NONE,
            [0.0; MODELS],
            0,
        )
    }

    /// From its parts.
    pub(super) fn of(
        moments: Moments<N>,
        patterns: Patterns<N>,
        all: Lifetimes,
        losses: [f64; MODELS],
        since: u32,
    ) -> Self {
        Head {
            fit: moments.fit(),
            moments,
            patterns,
            all,
            losses,
            since,
        }
    }

    /// The distribution of K.
    pub(super) fn predict(&self, values: &[Option<f32>; N]) -> Steps {
        let weights = self.model_weights();
        let mut mixed = Steps([0.0; super::lifetimes::BINS]);
        let models = self.models(values, &weights);
        for (weight, steps) in weights.iter().zip(&models) {
            for (to, from) in mixed.0.iter_mut().zip(&steps.0) {
                *to += weight * from;
            }
        }
        mixed
    }

    /// Each model's name, weight and own distribution.
    pub(super) fn explain(
        &self,
        values: &[Option<f32>; N],
    ) -> [(&'static str, f32, Steps); MODELS] {
        let weights = self.model_weights();
        let models = self.models(values, &[1.0; MODELS]);
        std::array::from_fn(|m| (EXPERTS[m].0, weights[m], models[m]))
    }

    /// How far each model is believed: as likely as it made what happened.
    pub(super) fn model_weights(&self) -> [f32; MODELS] {
        let best = self.losses.iter().copied().fold(f64::INFINITY, f64::min);
        let mut weights = self.losses.map(|loss| (best - loss).exp() as f32);
        // One too small to matter is not asked.
        weights
            .iter_mut()
            .filter(|w| **w < 0.01)
            .for_each(|w| *w = 0.0);
        let sum: f32 = weights.iter().sum();
        weights.map(|weight| weight / sum)
    }

    /// Each model's distribution of K, where its weight is not 0.
    fn models(&self, values: &[Option<f32>; N], weights: &[f32; MODELS]) -> [Steps; MODELS] {
        let z = self.fit.standardise(&self.moments.fill(values));
        let score = self.fit.score(&z);
        let mut alike = [const { Lifetimes::NONE }; MODELS];
        for centre in &self.patterns.centres {
            let position = centre.position(&self.fit);
            let apart = f64::from(self.fit.score(&position) - score) / self.fit.spread.max(1e-9);
            let apart = apart as f32;
            let squared = distance(&z, &position, &self.fit);
            for m in (0..MODELS).filter(|&m| weights[m] > 0.0) {
                let widths = match EXPERTS[m].1 {
                    Alike::Any => continue,
                    Alike::Score(width) => apart * apart / (width * width),
                    Alike::Distance(width) => squared / (width * width),
                };
                if widths < 14.0 {
                    alike[m].add_scaled(&centre.lifetimes, (-0.5 * widths).exp());
                }
            }
        }
        let all = self.all.distribution(&Steps::UNKNOWN, 1.0);
        std::array::from_fn(|m| match EXPERTS[m].1 {
            Alike::Any => all,
            _ if weights[m] == 0.0 => all,
            _ => alike[m].distribution(&all, PRIOR),
        })
    }

    pub(super) fn learn(&mut self, values: &[Option<f32>; N], outcome: Outcome) {
        let x = self.moments.fill(values);
        let models = self.models(values, &[1.0; MODELS]);
        let mixed = self.predict(values);
        for (loss, steps) in self.losses.iter_mut().zip(&models) {
            let surprise = -f64::from(steps.likelihood(outcome).max(1e-4)).ln();
            *loss = *loss * (1.0 - 1.0 / LOSS_MEMORY) + surprise;
        }
        // A question that was given up counts as far as more steps would have solved it, with the K expected then.
        let (y, weight) = match outcome {
            Outcome::Solved { steps } => ((steps.max(1) as f64).ln(), 1.0),
            Outcome::Unsolved { budget } => {
                let (weight, y) = mixed.beyond(budget);
                (f64::from(y), f64::from(weight))
            }
        };
        self.moments.add(&x, y, weight);
        self.fit = self.moments.fit();
        let mut lifetimes = Lifetimes::NONE;
        lifetimes.add(outcome);
        self.all.add_scaled(&lifetimes, 1.0);
        let question = Centre {
            count: 1.0,
            mean: x.map(|x| x as f32),
            lifetimes,
        };
        self.patterns.add(question, &self.fit);
        self.since += 1;
        if self.since >= FORGET_EVERY {
            self.since = 0;
            let kept = (-f64::from(FORGET_EVERY) / MEMORY).exp();
            self.moments.scale(kept);
            self.all.scale(kept as f32);
            self.patterns.scale(kept as f32);
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.moments.merge(&other.moments);
        self.fit = self.moments.fit();
        self.all.add_scaled(&other.all, 1.0);
        self.patterns.merge(&other.patterns, &self.fit);
        for (to, from) in self.losses.iter_mut().zip(&other.losses) {
            *to += from;
        }
        self.since = (self.since + other.since) % FORGET_EVERY;
    }
}
