//! Decisions about thinking: when to stop. No engine in here, and no clock.

mod calibration;
mod restart;
mod stop;

pub use crate::model::stopping::{
    Calibration, Measured, Plateau, Rule, RuleError, RuleKind, RuleList,
};
pub use calibration::{CurvePoint, Reading, Trajectories, calibrate, curve, measure, replay};
pub use restart::{Variation, VariationError, elect};
pub use stop::{EarlyStopOptimizer, Progress, StopReason, StopRules};
