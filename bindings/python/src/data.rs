//! Puzzles in files: text of a task, or the published folders of arrays.

use crate::error;
use crate::task::Task;
use numpy::{IntoPyArray, PyArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use recurra::tasks::data::Puzzles;
use recurra::tasks::dataset::{IGNORED, Part};
use std::path::PathBuf;

/// What the published arrays hold where a label does not count.
const IGNORED_LABEL: i32 = -100;

/// Reads all puzzles of a path: arrays `inputs`, `labels` (-100 where none counts) and `identifiers`, the lines they stand in, what was
/// refused with its line, and what the arrays mean (JSON) where it is a folder.
#[pyfunction]
pub(crate) fn load<'py>(
    py: Python<'py>,
    path: PathBuf,
    split: &str,
    task: Option<&Task>,
) -> PyResult<Bound<'py, PyDict>> {
    let part = match split {
        "train" => Part::Train,
        "test" => Part::Test,
        other => {
            return Err(error::argument(format!(
                "split: expected train or test, found {other}"
            )));
        }
    };
    let task = task.map(Task::rules).transpose()?;
    let read = || -> recurra::Result<_> {
        let puzzles = Puzzles::open(&path, part, task.map(|task| &**task))?;
        let metadata = puzzles.metadata().cloned();
        let (mut inputs, mut labels): (Vec<u16>, Vec<i32>) = Default::default();
        let (mut identifiers, mut lines): (Vec<u32>, Vec<u64>) = Default::default();
        let mut refused: Vec<(u64, String)> = Vec::new();
        for entry in puzzles {
            match entry.result {
                Ok(puzzle) => {
                    let places = puzzle.question.len();
                    inputs.extend(puzzle.question);
                    match puzzle.answer {
                        Some(answer) => {
                            labels.extend(answer.into_iter().map(|token| match token {
                                IGNORED => IGNORED_LABEL,
                                token => token.into(),
                            }))
                        }
                        None => labels.resize(labels.len() + places, IGNORED_LABEL),
                    }
                    identifiers.push(puzzle.identifier);
                    lines.push(entry.line);
                }
                Err(error) => refused.push((entry.line, error.within(entry.line).to_string())),
            }
        }
        Ok((inputs, labels, identifiers, lines, refused, metadata))
    };
    let (inputs, labels, identifiers, lines, refused, metadata) =
        py.detach(read).map_err(error::of)?;
    let count = identifiers.len();
    let places = inputs.len().checked_div(count).unwrap_or(0);
    let columns = PyDict::new(py);
    columns.set_item("inputs", inputs.into_pyarray(py).reshape([count, places])?)?;
    columns.set_item("labels", labels.into_pyarray(py).reshape([count, places])?)?;
    columns.set_item("identifiers", identifiers.into_pyarray(py))?;
    columns.set_item("lines", lines.into_pyarray(py))?;
    columns.set_item("refused", refused)?;
    let metadata = metadata.map(|m| (m.seq_len, m.vocab_size));
    columns.set_item("sizes", metadata)?;
    Ok(columns)
}
