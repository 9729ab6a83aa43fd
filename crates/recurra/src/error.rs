//! What can go wrong, said once and clearly.

use recurra_kernels::UnknownIsa;
use serde::Serialize;
use std::path::PathBuf;

/// The library's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A question that was not answered. As JSON it is a line of `recurra solve --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("line {line}: {error}")]
pub struct Refusal {
    /// The line of the input where it begins, from 1.
    pub line: u64,
    /// Why: what was expected and what was found.
    pub error: String,
}

/// Everything the library refuses, with what was expected and what was found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A field of a model's configuration has a value that no model can have.
    #[error("configuration field `{field}`: expected {expected}, found {found}")]
    Config {
        /// Name of the field, as in the file.
        field: &'static str,
        /// What would have been accepted.
        expected: String,
        /// What stood there.
        found: String,
    },
    /// A tensor is missing, too many, or has another shape or type than the configuration asks for.
    #[error("tensor `{name}`: expected {expected}, found {found}")]
    Tensor {
        /// Name of the tensor in the file.
        name: String,
        /// What would have been accepted.
        expected: String,
        /// What stood there.
        found: String,
    },
    /// A model or checkpoint file is not what it claims to be.
    #[error("{0}")]
    Format(String),
    /// A question does not fit the model.
    #[error("{what}: expected {expected}, found {found}")]
    Question {
        /// Which part of the question.
        what: &'static str,
        /// What would have been accepted.
        expected: String,
        /// What stood there.
        found: String,
    },
    /// Training left the finite numbers.
    #[error(
        "training diverged in step {step}: the loss is {loss}; a smaller learning rate may help"
    )]
    Diverged {
        /// The step.
        step: u64,
        /// The loss in it.
        loss: f64,
    },
    /// This processor has no instruction set of that name.
    #[error(transparent)]
    InstructionSet(#[from] UnknownIsa),
    /// What was asked is no question, or none that can be answered.
    #[error("{}", .0.error)]
    Refused(Box<Refusal>),
    /// The question was given up.
    #[error("cancelled")]
    Cancelled,
    /// The question's deadline passed before anybody could think about it.
    #[error("the deadline passed before the question was begun")]
    Deadline,
    /// Thinking failed: an error of this library.
    #[error("thinking failed: {0}")]
    Panicked(String),
    /// More questions wait than the queue holds.
    #[error("the queue is full")]
    Busy,
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The error inside a named file.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        source: Box<Error>,
    },
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Error::Refused(Box::new(refusal))
    }
}

impl Error {
    /// Names the file in which this error was found.
    pub fn in_file(self, path: impl Into<PathBuf>) -> Self {
        Error::File {
            path: path.into(),
            source: Box::new(self),
        }
    }
}
