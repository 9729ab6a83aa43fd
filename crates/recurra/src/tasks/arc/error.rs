//! What is wrong in a file of ARC tasks, and where.

use std::fmt;

/// A place in a file of tasks, solutions or attempts that cannot be: what was expected there and what was found.
///
/// The message does not name the file, because a reader does not know it: callers put it in front.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArcError {
    /// Name of the task; none where the file as a whole is to blame.
    pub task: Option<String>,
    /// The way from the task to the place.
    pub steps: Vec<Step>,
    /// What would have been accepted.
    pub expected: String,
    /// What stood there.
    pub found: String,
}

/// One step into a task; all numbers count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A demonstration, an entry of `train`.
    Demonstration(usize),
    /// A test pair, an entry of `test`.
    Test(usize),
    /// An entry of the task's solutions.
    Solution(usize),
    /// An attempt of a submission.
    Attempt(usize),
    /// The input of a pair.
    Input,
    /// The output of a pair.
    Output,
    /// A row of a grid.
    Row(usize),
    /// A column of a grid.
    Column(usize),
}

/// Characters of a foreign text that a message shows.
const SHOWN: usize = 100;

/// Text of a foreign file, fit for a message: no control characters, not endless.
pub(super) fn printable(text: &str) -> String {
    let mut out: String = text
        .chars()
        .take(SHOWN)
        .flat_map(char::escape_debug)
        .collect();
    if text.chars().nth(SHOWN).is_some() {
        out.push('…');
    }
    out
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Demonstration(n) => write!(f, "demonstration {n}"),
            Step::Test(n) => write!(f, "test {n}"),
            Step::Solution(n) => write!(f, "solution {n}"),
            Step::Attempt(n) => write!(f, "attempt {n}"),
            Step::Input => f.write_str("input"),
            Step::Output => f.write_str("output"),
            Step::Row(n) => write!(f, "row {n}"),
            Step::Column(n) => write!(f, "column {n}"),
        }
    }
}

impl fmt::Display for ArcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(task) = &self.task {
            write!(f, "task `{}`", printable(task))?;
            for step in &self.steps {
                write!(f, ", {step}")?;
            }
            f.write_str(": ")?;
        }
        write!(f, "expected {}, found {}", self.expected, self.found)
    }
}

impl std::error::Error for ArcError {}
