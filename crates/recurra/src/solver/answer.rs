//! What comes of a question.

use super::question::Posed;
use crate::tasks::Task;
use crate::tasks::task::Tokens;
use crate::thinking::StopReason;
use serde::{Serialize, Serializer};

/// Where an answer comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The model thought about this question.
    Model,
    /// It was in memory: this question, or one that is the same but for a symmetry, was answered before.
    Exact,
    /// The same from disk.
    Stored,
    /// A near question was answered before.
    Similar,
}

/// An answer and how it was found. As JSON it is a line of `recurra solve --json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answer {
    /// The line of the input where the question begins, from 1.
    pub line: u64,
    /// The puzzle's name in the input, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The question, in one line.
    pub question: String,
    /// The answer, in one line; blank where what the model gave means nothing.
    #[serde(rename = "answer")]
    pub text: String,
    /// Whether the task's own rules hold, for the whole answer and the question's givens. For a puzzle with one
    /// solution that is proof. `None`: the task has no rule check.
    pub verified: Option<bool>,
    /// Improvement steps done for it, over all attempts; none for what was known.
    pub steps: usize,
    /// Attempts that were begun after the first.
    pub restarts: usize,
    /// Why the attempt that gave it stopped, when it was thought.
    pub stopped: StopReason,
    /// Halting logit at the end of the attempt that gave the answer.
    pub halt: f32,
    /// Seconds from taking up the question to this answer.
    #[serde(serialize_with = "microseconds")]
    pub seconds: f64,
    /// Where it comes from.
    pub source: Source,
    /// Whether all that the model said of it are finite numbers; if not, the answer means nothing.
    #[serde(skip)]
    pub finite: bool,
    /// The answer's tokens; none for ARC-AGI.
    #[serde(skip)]
    pub tokens: Tokens,
}

/// To the microsecond: more is noise.
fn microseconds<S: Serializer>(seconds: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((seconds * 1e6).round() / 1e6)
}

/// What was found for a question in tokens.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Found {
    pub(super) tokens: Tokens,
    pub(super) verified: Option<bool>,
    pub(super) steps: usize,
    pub(super) restarts: usize,
    pub(super) stopped: StopReason,
    pub(super) halt: f32,
    pub(super) finite: bool,
    pub(super) seconds: f64,
    pub(super) source: Source,
}

impl Found {
    /// As an answer to the question.
    pub(super) fn to(self, posed: &Posed, task: &dyn Task) -> Answer {
        Answer {
            line: posed.line,
            id: posed.id.clone(),
            question: task.line(&posed.tokens),
            text: task.line(&self.tokens),
            verified: self.verified,
            steps: self.steps,
            restarts: self.restarts,
            stopped: self.stopped,
            halt: self.halt,
            seconds: self.seconds,
            source: self.source,
            finite: self.finite,
            tokens: self.tokens,
        }
    }
}
