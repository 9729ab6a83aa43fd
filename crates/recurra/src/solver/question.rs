//! What is asked.

use super::Refusal;
use crate::error::Result;
use crate::tasks::task::{Entry, Tokens};
use crate::tasks::{InputError, Task};

/// What can be asked: a text that holds one question in the form in which its task is written, an entry of an input, or
/// tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question(Form);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    Text(String),
    Entry(Entry),
    /// Whether it has an answer was not asked.
    Tokens(Tokens),
}

impl From<String> for Question {
    fn from(text: String) -> Self {
        Question(Form::Text(text))
    }
}

impl From<&str> for Question {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<&String> for Question {
    fn from(text: &String) -> Self {
        text.clone().into()
    }
}

impl From<Entry> for Question {
    fn from(entry: Entry) -> Self {
        Question(Form::Entry(entry))
    }
}

impl From<&[u16]> for Question {
    fn from(tokens: &[u16]) -> Self {
        Question(Form::Tokens(tokens.to_vec()))
    }
}

/// A question that was read.
#[derive(Debug, Clone)]
pub(super) struct Posed {
    pub(super) line: u64,
    /// The puzzle's name in the input, where it has one.
    pub(super) id: Option<String>,
    pub(super) tokens: Tokens,
}

impl Question {
    /// The text, if it is one.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.0 {
            Form::Text(text) => Some(text),
            Form::Entry(_) | Form::Tokens(_) => None,
        }
    }

    /// The question's tokens, as this task reads it.
    ///
    /// # Errors
    /// As [`Solver::ask`](super::Solver::ask).
    #[doc(hidden)]
    pub fn tokens(self, task: &dyn Task) -> Result<Tokens> {
        Ok(self.read(task)?.tokens)
    }

    /// The question, as this task reads it; refused if it is none, or has no answer or several where a proof rests on there
    /// being one.
    pub(super) fn read(self, task: &dyn Task) -> Result<Posed> {
        let entry = match self.0 {
            Form::Tokens(tokens) => {
                let (line, id) = (1, None);
                return Ok(Posed { line, id, tokens });
            }
            Form::Entry(entry) => entry,
            Form::Text(text) => only_entry(&text, task),
        };
        let line = entry.line;
        let refuse = |error| Refusal { line, error };
        let puzzle = entry.result.map_err(|error| refuse(error.within(line)))?;
        task.admit(&puzzle.question)
            .map_err(|error| refuse(error.to_string()))?;
        Ok(Posed {
            line,
            id: puzzle.id,
            tokens: puzzle.question,
        })
    }
}

/// The entry of a text that must hold one.
fn only_entry(text: &str, task: &dyn Task) -> Entry {
    let wrong = |line, found: &str| Entry {
        line,
        result: Err(InputError {
            line,
            column: None,
            expected: "one puzzle".into(),
            found: found.into(),
        }),
        note: None,
    };
    let mut entries = task.read(Box::new(text.as_bytes()));
    match (entries.next(), entries.next()) {
        (None, _) => wrong(1, "none"),
        (Some(entry), None) => entry,
        (Some(entry), Some(_)) if entry.result.is_err() => entry,
        (Some(_), Some(second)) => wrong(second.line, "a second one"),
    }
}
