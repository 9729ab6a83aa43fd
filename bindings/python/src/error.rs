//! Errors, as exceptions with the program's messages.

use pyo3::exceptions::{
    PyFileNotFoundError, PyOSError, PyPermissionError, PyRuntimeError, PyTimeoutError,
};
use pyo3::prelude::*;
use recurra::Error;
use std::io::ErrorKind;

/// The exception for an error of the library.
pub(crate) fn of(error: Error) -> PyErr {
    let text = error.to_string();
    classed(&error, text)
}

/// The exception for an error of the program.
pub(crate) fn of_program(error: anyhow::Error) -> PyErr {
    let text = error.to_string();
    match error.downcast_ref::<Error>() {
        Some(error) => classed(error, text),
        None if recurra_cli::embedded::is_usage(&error) => argument(text),
        None => ours("RecurraError", text),
    }
}

/// An argument that cannot be.
pub(crate) fn argument(text: impl Into<String>) -> PyErr {
    ours("UsageError", text.into())
}

/// A question that cannot be answered.
pub(crate) fn question(text: impl Into<String>) -> PyErr {
    ours("QuestionError", text.into())
}

fn classed(error: &Error, text: String) -> PyErr {
    match error {
        Error::Io { source, .. } => match source.kind() {
            ErrorKind::NotFound => PyFileNotFoundError::new_err(text),
            ErrorKind::PermissionDenied => PyPermissionError::new_err(text),
            _ => PyOSError::new_err(text),
        },
        Error::File { source, .. } => classed(source, text),
        Error::Refused(_) | Error::Question { .. } => question(text),
        Error::Deadline => PyTimeoutError::new_err(text),
        Error::Diverged { .. } => ours("TrainingError", text),
        Error::Panicked(_) => PyRuntimeError::new_err(text),
        Error::Config { .. } | Error::Tensor { .. } | Error::Format(_) => ours("ModelError", text),
        _ => ours("RecurraError", text),
    }
}

/// An exception of `recurra._errors`.
fn ours(class: &str, text: String) -> PyErr {
    Python::attach(|py| {
        let made = || py.import("recurra._errors")?.getattr(class)?.call1((text,));
        made().map_or_else(|e| e, PyErr::from_value)
    })
}
