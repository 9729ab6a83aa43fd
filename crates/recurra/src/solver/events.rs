//! What happens while a question is thought about.

use super::Answer;
use crate::tasks::task::Tokens;
use serde::Serialize;

/// What happens while a question is thought about.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// An attempt begins.
    Attempt {
        /// Which, from 0.
        attempt: usize,
    },
    /// An improvement step was done.
    Step(Step),
    /// The end.
    Answer(Answer),
}

/// What is known after an improvement step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// Which attempt, from 0.
    pub attempt: usize,
    /// Improvement steps done in this attempt, from 1.
    pub step: usize,
    /// The answer so far, in one line.
    #[serde(rename = "answer")]
    pub text: String,
    /// Its tokens, in the question's own form.
    #[serde(skip)]
    pub tokens: Tokens,
    /// Probability of each of them.
    pub certainty: Vec<f32>,
    /// Halting logit.
    pub halt: f32,
    /// Whether the task's rules hold.
    pub verified: Option<bool>,
}
