//! How to think about a question.

use super::CancelToken;
use crate::thinking::{StopRules, Variation};
use web_time::Instant;

/// How to think about a question.
#[derive(Debug, Clone, PartialEq)]
pub struct SolveOptions {
    /// When to stop one attempt; its time is for all attempts together, of which there is at least one.
    pub stop: StopRules,
    /// How often to start again while the task's rules do not hold.
    pub restarts: usize,
    /// What is different about those attempts.
    pub variation: Variation,
    /// How many of them think side by side, a step each in turn; the first verified answer ends them all. At least one.
    pub side_by_side: usize,
    /// Seed of all that is random in them. With the question it decides them, whatever the number of threads.
    pub seed: u64,
    /// When the answer is of no use any more: a question that was not begun by then is refused, and one under way gives
    /// what it has. Unlike the time of `stop`, it counts while the question waits.
    pub deadline: Option<Instant>,
    /// Whoever holds a clone of it can give the question up.
    pub cancel: CancelToken,
}

impl SolveOptions {
    /// One attempt.
    pub fn new(stop: StopRules) -> Self {
        SolveOptions {
            stop,
            restarts: 0,
            variation: Variation::SYMMETRY,
            side_by_side: 1,
            seed: 0,
            deadline: None,
            cancel: CancelToken::default(),
        }
    }

    /// Everything that decides an answer but the question and time, as text: two that differ may answer differently.
    pub(super) fn key(&self) -> String {
        let SolveOptions {
            stop,
            restarts,
            variation,
            side_by_side,
            seed,
            deadline: _,
            cancel: _,
        } = self;
        // As it stood in stores of earlier versions, which knew no guesses.
        let variation = match variation.guess {
            true => variation.to_string(),
            false => format!("{variation:?}").replace(", guess: false", ""),
        };
        format!(
            "SolveOptions {{ stop: {stop:?}, restarts: {restarts:?}, variation: {variation}, side_by_side: {side_by_side:?}, seed: {seed:?} }}"
        )
    }
}
