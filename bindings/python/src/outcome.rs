//! Answers as columns.

use numpy::{IntoPyArray, PyArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use recurra::solver::Source;
use recurra::{Answer, StopReason};

/// Texts one after the other, as Arrow holds them: the bytes of all, and where each begins and ends.
#[derive(Default)]
struct Texts {
    offsets: Vec<i32>,
    bytes: Vec<u8>,
}

impl Texts {
    fn push(&mut self, text: &str) -> PyResult<()> {
        if self.offsets.is_empty() {
            self.offsets.push(0);
        }
        self.bytes.extend_from_slice(text.as_bytes());
        let end = i32::try_from(self.bytes.len()).map_err(|_| {
            crate::error::argument(
                "questions: expected less than 2 GiB of text in one call; ask in parts",
            )
        })?;
        self.offsets.push(end);
        Ok(())
    }

    fn put<'py>(mut self, columns: &Bound<'py, PyDict>, name: &str) -> PyResult<()> {
        if self.offsets.is_empty() {
            self.offsets.push(0);
        }
        let py = columns.py();
        let (offsets, bytes) = (self.offsets.into_pyarray(py), self.bytes.into_pyarray(py));
        columns.set_item(name, (offsets, bytes))
    }
}

/// Where answers come from, in the order of their numbers in the columns; [`StopReason::ALL`] is that of reasons.
const SOURCES: [(Source, &str); 4] = [
    (Source::Model, "model"),
    (Source::Exact, "exact"),
    (Source::Stored, "stored"),
    (Source::Similar, "similar"),
];

/// A dictionary of columns, one entry a question. Where there is no answer, the numbers are 0 and `errors` has the place and why.
pub(crate) fn columns<'py>(
    py: Python<'py>,
    outcomes: Vec<Result<Answer, String>>,
    places: usize,
) -> PyResult<Bound<'py, PyDict>> {
    let count = outcomes.len();
    let (mut questions, mut answers) = (Texts::default(), Texts::default());
    let mut tokens: Vec<u16> = Vec::with_capacity(count * places);
    let (mut verified, mut stopped, mut source): (Vec<i8>, Vec<i8>, Vec<i8>) = Default::default();
    let (mut steps, mut restarts): (Vec<u32>, Vec<u32>) = Default::default();
    let (mut halt, mut seconds): (Vec<f32>, Vec<f64>) = Default::default();
    let mut errors: Vec<(usize, String)> = Vec::new();
    for (number, outcome) in outcomes.into_iter().enumerate() {
        let answer = match outcome {
            Ok(answer) => Some(answer),
            Err(text) => {
                errors.push((number, text));
                None
            }
        };
        let answer = answer.as_ref();
        questions.push(answer.map_or("", |a| &a.question))?;
        answers.push(answer.map_or("", |a| &a.text))?;
        tokens.extend_from_slice(answer.map_or(&[], |a| &a.tokens[..]));
        tokens.resize((number + 1) * places, 0);
        verified.push(match answer.and_then(|a| a.verified) {
            Some(true) => 1,
            Some(false) => 0,
            None => -1,
        });
        let reason = answer.and_then(|a| StopReason::ALL.iter().position(|&s| s == a.stopped));
        stopped.push(reason.map_or(-1, |at| at as i8));
        let from = answer.and_then(|a| SOURCES.iter().position(|(s, _)| *s == a.source));
        source.push(from.map_or(-1, |at| at as i8));
        steps.push(answer.map_or(0, |a| a.steps as u32));
        restarts.push(answer.map_or(0, |a| a.restarts as u32));
        halt.push(answer.map_or(0.0, |a| a.halt));
        seconds.push(answer.map_or(0.0, |a| a.seconds));
    }
    let columns = PyDict::new(py);
    questions.put(&columns, "question")?;
    answers.put(&columns, "answer")?;
    columns.set_item("tokens", tokens.into_pyarray(py).reshape([count, places])?)?;
    columns.set_item("verified", verified.into_pyarray(py))?;
    columns.set_item("stopped", stopped.into_pyarray(py))?;
    columns.set_item("source", source.into_pyarray(py))?;
    columns.set_item("steps", steps.into_pyarray(py))?;
    columns.set_item("restarts", restarts.into_pyarray(py))?;
    columns.set_item("halt", halt.into_pyarray(py))?;
    columns.set_item("seconds", seconds.into_pyarray(py))?;
    columns.set_item("errors", errors)?;
    columns.set_item(
        "stopped_names",
        StopReason::ALL.map(StopReason::name).to_vec(),
    )?;
    columns.set_item("source_names", SOURCES.map(|(_, name)| name).to_vec())?;
    Ok(columns)
}
