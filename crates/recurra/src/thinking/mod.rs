//! Decisions about thinking: when to stop. No engine in here.

mod stop;

pub use stop::{Progress, StopReason, StopRules};
