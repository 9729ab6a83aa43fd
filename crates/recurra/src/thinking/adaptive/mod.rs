//! How many steps a question will need: predicted, learnt from every answer, kept in a file.
//!
//! [`AdaptiveKSelector`] is what a solver asks. It plans with a [`KPredictor`], which learns from pairs of [`Features`] and
//! [`Outcome`]. `docs/adaptive-k.md` says how well that works, and where not.

mod features;
mod file;
mod head;
mod lifetimes;
mod patterns;
mod predictor;
mod regression;
mod selector;
#[cfg(test)]
mod tests;

pub use features::{FEATURES, Feature, Features, QUESTION_FEATURES, complexity, residual};
pub use predictor::{KPredictor, Limits, Outcome, Prediction};
pub use selector::{AdaptiveKSelector, AdaptiveOptions, Plan};
