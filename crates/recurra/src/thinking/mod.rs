//! Decisions about thinking: when to stop, how many steps to plan, how to begin again. No engine in here, and no clock.

pub mod adaptive;
mod calibration;
mod restart;
mod stop;

pub use crate::model::stopping::{
    Calibration, Measured, Plateau, Rule, RuleError, RuleKind, RuleList,
};
pub use adaptive::{
    AdaptiveKSelector, AdaptiveOptions, Feature, Features, KPredictor, Limits, Outcome, Plan,
    Prediction,
};
pub use calibration::{CurvePoint, Reading, Trajectories, calibrate, curve, measure, replay};
pub use restart::{Variation, VariationError, elect};
pub use stop::{EarlyStopOptimizer, Progress, StopReason, StopRules};
