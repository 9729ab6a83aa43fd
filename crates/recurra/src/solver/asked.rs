//! How to think, as JSON: the names and values of the program's flags, for surfaces that are told in text.

use super::{SolveOptions, Solver};
use crate::thinking::{RuleList, StopRules, Variation};
use serde::Deserialize;
use std::time::Duration;

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Asked {
    max_steps: Option<usize>,
    min_steps: Option<usize>,
    stop: Option<String>,
    /// Seconds.
    time: Option<f64>,
    restarts: usize,
    restart_by: Option<String>,
    side_by_side: Option<usize>,
    seed: u64,
}

/// The options in a JSON text, completed by the model's own.
///
/// # Errors
/// What was expected and what was found.
pub fn options_from_json(text: &str, solver: &Solver) -> Result<SolveOptions, String> {
    let options: Asked = match text {
        "" => Asked::default(),
        text => serde_json::from_str(text).map_err(|e| format!("options: {e}"))?,
    };
    let default = solver.options();
    let rules: RuleList = match &options.stop {
        Some(stop) => stop.parse().map_err(|e| format!("stop: {e}"))?,
        None => RuleList::usual(),
    };
    let positive = |name: &str, value: Option<usize>, default: usize| match value {
        Some(0) => Err(format!("{name}: expected at least 1, found 0")),
        value => Ok(value.unwrap_or(default)),
    };
    let max_steps = positive("max_steps", options.max_steps, default.stop.max_steps)?;
    let min_steps = positive("min_steps", options.min_steps, 1)?;
    if min_steps > max_steps {
        return Err(format!(
            "min_steps: expected at most {max_steps}, the most steps, found {min_steps}"
        ));
    }
    let time = match options.time {
        Some(seconds) => Some(
            Duration::try_from_secs_f64(seconds)
                .map_err(|e| format!("time: expected seconds, found {seconds}: {e}"))?,
        ),
        None => None,
    };
    let limits = StopRules {
        min_steps,
        time,
        ..StopRules::none(max_steps)
    };
    let variation: Variation = match &options.restart_by {
        Some(list) => list.parse().map_err(|e| format!("restart_by: {e}"))?,
        None => default.variation,
    };
    Ok(SolveOptions {
        stop: limits.with_all(&rules, solver.calibration()),
        restarts: options.restarts,
        variation,
        side_by_side: positive("side_by_side", options.side_by_side, 1)?,
        seed: options.seed,
        ..default
    })
}
