//! Decisions about thinking: when to stop, and how many steps to plan. No engine in here.

pub mod adaptive;
mod stop;

pub use adaptive::{
    AdaptiveKSelector, AdaptiveOptions, Feature, Features, KPredictor, Limits, Outcome, Plan,
    Prediction,
};
pub use stop::{Progress, StopReason, StopRules};
