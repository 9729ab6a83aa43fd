//! What a solver asks: how many steps to plan for a question.

use super::features::Features;
use super::predictor::{KPredictor, Limits, Outcome};

/// How an [`AdaptiveKSelector`] plans.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdaptiveOptions {
    /// Bounds of K, and the share of answers to keep.
    pub limits: Limits,
    /// As long as fewer solved examples are known, `max_k` is planned.
    pub warm_up: u64,
    /// One question in so many gets `max_k`, so that a budget that was learnt too small is found out; 0 for none, which
    /// is for measuring: without exploration a mistake may stay for ever.
    pub explore_one_in: u64,
}

impl AdaptiveOptions {
    /// K from 1 to `max_k`, 99 % of the answers kept, 50 solved examples before the first prediction, one question in 16
    /// explores.
    pub fn new(max_k: usize) -> Self {
        AdaptiveOptions {
            limits: Limits {
                min_k: 1,
                max_k,
                quantile: 0.99,
            },
            warm_up: 50,
            explore_one_in: 16,
        }
    }
}

/// The steps planned for one question, all within `min_k..=max_k`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    /// The K that the question probably needs; for people and logs.
    pub expected: usize,
    /// Stop after so many steps.
    pub budget: usize,
    /// Mean number of steps that the question will keep a worker; for scheduling, short ones first.
    pub work: f32,
    /// Whether this question gets `max_k` to see what the budget would have missed.
    pub explores: bool,
}

/// Plans how many steps a question gets, and learns from what it needed.
///
/// ```
/// use recurra::thinking::{AdaptiveKSelector, AdaptiveOptions, Feature, Features, KPredictor, Outcome};
///
/// let mut selector = AdaptiveKSelector::new(AdaptiveOptions::new(16), KPredictor::new("my-model"));
/// for i in 0..400 {
///     let mut features = Features::UNKNOWN;
///     features.set(Feature::Given, if i % 4 == 0 { 0.2 } else { 0.6 });
///     selector.learn(&features, Outcome::Solved { steps: if i % 4 == 0 { 9 } else { 2 } });
/// }
/// let mut easy = Features::UNKNOWN;
/// easy.set(Feature::Given, 0.6);
/// let plan = selector.plan(&easy, 1);
/// assert_eq!(plan.expected, 2);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct AdaptiveKSelector {
    options: AdaptiveOptions,
    predictor: KPredictor,
}

impl AdaptiveKSelector {
    /// Goes on from what a predictor has learnt.
    pub fn new(options: AdaptiveOptions, predictor: KPredictor) -> Self {
        AdaptiveKSelector { options, predictor }
    }

    /// The predictor, to save it or to merge it with another worker's.
    pub fn predictor(&self) -> &KPredictor {
        &self.predictor
    }

    /// The same, to take in another worker's.
    pub fn predictor_mut(&mut self) -> &mut KPredictor {
        &mut self.predictor
    }

    /// The options.
    pub fn options(&self) -> &AdaptiveOptions {
        &self.options
    }

    /// Plans from the question alone. `key` is a hash of the question; with the number of examples learnt it decides
    /// whether the question explores, so that two runs in the same order plan the same.
    pub fn plan(&self, features: &Features, key: u64) -> Plan {
        let explores = self.options.explore_one_in > 0
            && mix(key ^ mix(self.predictor.examples()))
                .is_multiple_of(self.options.explore_one_in);
        self.planned(features, explores)
    }

    /// Plans anew when the state after the first step is known.
    pub fn refine(&self, plan: &Plan, features: &Features) -> Plan {
        self.planned(features, plan.explores)
    }

    /// Learns how a question ended, whatever had been planned.
    pub fn learn(&mut self, features: &Features, outcome: Outcome) {
        self.predictor.learn(features, outcome);
    }

    fn planned(&self, features: &Features, explores: bool) -> Plan {
        let mut limits = self.options.limits;
        if self.predictor.solved() < self.options.warm_up {
            return Plan {
                expected: limits.max(),
                budget: limits.max(),
                work: limits.max() as f32,
                explores,
            };
        }
        if explores {
            limits.quantile = 1.0;
        }
        let prediction = self.predictor.predict(features, &limits);
        Plan {
            expected: prediction.expected,
            budget: prediction.budget,
            work: prediction.work,
            explores,
        }
    }
}

/// Spreads a number over all of 64 bits (the finaliser of MurmurHash3).
fn mix(mut hash: u64) -> u64 {
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}
