//! A model, and what it is asked.

use crate::array::{Encoding, Rows};
use crate::patience::patiently;
use crate::task::Task;
use crate::trace::{self, Trace};
use crate::{error, outcome};
use numpy::{IntoPyArray, PyArrayDyn, PyArrayMethods, PyUntypedArray};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use recurra::engine::{PackedModel, TrmEngine};
use recurra::kernels::{Isa, Precision};
use recurra::model::{TrmModel, TrmWeights};
use recurra::solver::Wishes;
use recurra::tasks::task::{Entry, Puzzle};
use recurra::{Answer, CancelToken, Question, Solver, TaskSpec};
use recurra_cli::embedded;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// A model in memory, and the solver that asks it.
#[pyclass(frozen, module = "recurra._native")]
pub(crate) struct Model {
    model: Arc<TrmModel>,
    /// The file it was read from, unchanged since.
    path: Option<PathBuf>,
    threads: usize,
    solver: OnceLock<Solver>,
    packed: OnceLock<Arc<PackedModel>>,
    /// The process that made it: its threads live nowhere else.
    process: u32,
}

/// Cores of this machine, as far as it tells.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

impl Model {
    fn of(model: TrmModel, path: Option<PathBuf>, threads: Option<usize>) -> PyResult<Model> {
        if threads == Some(0) {
            return Err(error::argument("threads: expected at least 1, found 0"));
        }
        Ok(Model {
            model: Arc::new(model),
            path,
            threads: threads.unwrap_or_else(cores),
            solver: OnceLock::new(),
            packed: OnceLock::new(),
            process: std::process::id(),
        })
    }

    /// Refuses to be used in a process that was forked from the one that made it: it would wait for threads that are not there.
    fn here(&self) -> PyResult<()> {
        let (made, here) = (self.process, std::process::id());
        if made == here {
            return Ok(());
        }
        Err(Python::attach(|py| {
            let text = format!(
                "this model was opened in process {made}, and its threads did not come along to process {here}, which was forked from it: \
                 open the model in the new process, or start processes with multiprocessing.get_context(\"spawn\")"
            );
            let class = py
                .import("recurra._errors")
                .and_then(|m| m.getattr("ForkError"));
            class
                .and_then(|class| class.call1((text,)))
                .map_or_else(|e| e, PyErr::from_value)
        }))
    }

    fn solver(&self) -> PyResult<&Solver> {
        self.here()?;
        if let Some(solver) = self.solver.get() {
            return Ok(solver);
        }
        let made = match (&self.model.header.task, &self.path) {
            // Its identifiers lie beside the file.
            (Some(TaskSpec::Arc), Some(path)) => Solver::open(path),
            _ => Solver::new(&self.model, self.threads),
        };
        let made = made.map_err(error::of)?;
        Ok(self.solver.get_or_init(|| made))
    }

    fn packed(&self) -> PyResult<&Arc<PackedModel>> {
        self.here()?;
        let pack = || PackedModel::new(Isa::detect(), self.model.config(), &self.model.weights);
        Ok(self.packed.get_or_init(|| Arc::new(pack())))
    }

    fn rows(&self, array: &Bound<'_, PyUntypedArray>, shift: i64) -> PyResult<Rows> {
        let config = self.model.config();
        let encoding = Encoding {
            shift,
            vocabulary: config.vocab_size,
        };
        Rows::read(array, config.seq_len, encoding)
    }
}

#[pymethods]
impl Model {
    /// Opens a model file.
    #[staticmethod]
    #[pyo3(signature = (path, threads=None))]
    fn open(py: Python<'_>, path: PathBuf, threads: Option<usize>) -> PyResult<Model> {
        let model = py.detach(|| TrmModel::open(&path)).map_err(error::of)?;
        Model::of(model, Some(path), threads)
    }

    /// Reads a model from the bytes of its file.
    #[staticmethod]
    #[pyo3(signature = (bytes, threads=None))]
    fn from_bytes(bytes: &[u8], threads: Option<usize>) -> PyResult<Model> {
        let model = TrmModel::from_bytes(bytes).map_err(error::of)?;
        Model::of(model, None, threads)
    }

    /// The bytes of its file.
    fn to_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let bytes = py.detach(|| self.model.to_bytes());
        PyBytes::new(py, &bytes)
    }

    /// Writes its file, whole or not at all.
    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        py.detach(|| self.model.save(path)).map_err(error::of)
    }

    /// What its file says of itself and what follows from it, as JSON.
    fn info(&self) -> String {
        let header = &self.model.header;
        let config = self.model.config();
        json!({
            "id": self.model.id(),
            "task": header.task,
            "precision": self.model.precision().name(),
            "weights": TrmWeights::count(config),
            "architecture": config,
            "places": config.seq_len,
            "vocabulary": config.vocab_size,
            "mixer": config.describe_mixer(),
            "max_steps": config.halt_max_steps,
            "flops_per_step": config.flops_per_step(),
            "thinking": header.thinking,
            "provenance": header.provenance,
        })
        .to_string()
    }

    /// Threads it thinks with.
    #[getter]
    fn threads(&self) -> usize {
        self.threads
    }

    /// The file it was read from; none for one that was made here.
    #[getter]
    fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Whether this process made it: in one that was forked it is of no use.
    fn is_here(&self) -> bool {
        self.here().is_ok()
    }

    /// The same weights with so many threads.
    fn with_threads(&self, threads: usize) -> PyResult<Model> {
        Model::of((*self.model).clone(), self.path.clone(), Some(threads))
    }

    /// The same weights for another task that they know too.
    fn for_task(&self, task: &Task) -> PyResult<Model> {
        let own = match &self.model.header.task {
            Some(own) => own.to_string(),
            None => "no task".into(),
        };
        let changed = (*self.model).clone().for_task(task.spec_ref());
        let changed = changed.ok_or_else(|| {
            error::argument(format!(
                "task: expected {own} or one that this model's weights know too, found {}",
                task.spec_ref()
            ))
        })?;
        Model::of(changed, None, Some(self.threads))
    }

    /// The task whose questions it answers.
    fn task(&self) -> PyResult<Option<Task>> {
        self.model.header.task.clone().map(Task::of).transpose()
    }

    /// Answers texts, as columns; `options` is JSON.
    fn solve_texts<'py>(
        &self,
        py: Python<'py>,
        questions: Vec<String>,
        options: &str,
    ) -> PyResult<Bound<'py, PyDict>> {
        self.solve(
            py,
            questions.into_iter().map(|text| Ok(text.into())).collect(),
            options,
        )
    }

    /// Answers rows of tokens, or of numbers that become tokens when `shift` is added.
    fn solve_array<'py>(
        &self,
        py: Python<'py>,
        questions: &Bound<'py, PyUntypedArray>,
        shift: i64,
        options: &str,
    ) -> PyResult<Bound<'py, PyDict>> {
        let rows = self.rows(questions, shift)?;
        let places = self.model.config().seq_len;
        let question = |row: usize| {
            let tokens = rows.row(row, places)?;
            // An entry, so that what has no answer, or several, is refused as it is where it is read.
            Ok(Question::from(Entry {
                line: row as u64 + 1,
                result: Ok(Puzzle {
                    question: tokens.to_vec(),
                    answer: None,
                    objection: None,
                    id: None,
                    rating: None,
                    identifier: 0,
                }),
                note: None,
            }))
        };
        let questions = (0..rows.count)
            .map(|row| question(row).map_err(str::to_owned))
            .collect();
        self.solve(py, questions, options)
    }

    /// So many improvement steps on each row, whatever the rules say: tokens `[n, places]` and halting logits `[n, 2]`.
    #[pyo3(signature = (inputs, identifiers, steps))]
    fn predict<'py>(
        &self,
        py: Python<'py>,
        inputs: &Bound<'py, PyUntypedArray>,
        identifiers: Vec<usize>,
        steps: usize,
    ) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
        let rows = self.rows(inputs, 0)?;
        if let Some((row, text)) = rows.refused.iter().next() {
            return Err(error::question(format!("row {}: {text}", row + 1)));
        }
        if identifiers.len() != rows.count && !identifiers.is_empty() {
            return Err(error::argument(format!(
                "identifiers: expected {}, one for each question, found {}",
                rows.count,
                identifiers.len()
            )));
        }
        let places = self.model.config().seq_len;
        let weights = self.packed()?;
        let mut tokens = vec![0_u16; rows.count * places];
        let mut halts = vec![[0.0_f32; 2]; rows.count];
        let threads = self.threads.min(rows.count).max(1);
        let share = rows.count.div_ceil(threads).max(1);
        let stop = AtomicBool::new(false);
        let think = |engine: &mut TrmEngine, row: usize, tokens: &mut [u16]| {
            let puzzle = identifiers.get(row).copied().unwrap_or(0);
            engine.start(&rows.tokens[row * places..(row + 1) * places], puzzle)?;
            for _ in 0..steps {
                if stop.load(Ordering::Relaxed) {
                    return Err(recurra::Error::Cancelled);
                }
                engine.step();
            }
            engine.decode().answer_into(tokens);
            Ok(engine.halt_logits())
        };
        let work = |first: usize, tokens: &mut [u16], halts: &mut [[f32; 2]]| {
            let mut engine = TrmEngine::with_weights(weights.clone(), 1);
            let each = tokens.chunks_exact_mut(places).zip(halts);
            for (row, (tokens, halt)) in (first..).zip(each) {
                *halt = think(&mut engine, row, tokens)?;
            }
            Ok(())
        };
        let all = || -> recurra::Result<()> {
            std::thread::scope(|scope| {
                let parts = tokens
                    .chunks_mut(share * places)
                    .zip(halts.chunks_mut(share))
                    .enumerate();
                let workers: Vec<_> = parts
                    .map(|(part, (tokens, halts))| {
                        let work = &work;
                        scope.spawn(move || work(part * share, tokens, halts))
                    })
                    .collect();
                workers.into_iter().try_for_each(|w| {
                    w.join()
                        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                })
            })
        };
        patiently(py, &|| stop.store(true, Ordering::Relaxed), all)?.map_err(error::of)?;
        let halts = halts.into_flattened();
        let (count, tokens) = (rows.count, tokens.into_pyarray(py));
        Ok((
            tokens.reshape([count, places])?.into_any(),
            halts.into_pyarray(py).reshape([count, 2])?.into_any(),
        ))
    }

    /// Every improvement step on one question, given as text.
    fn trace_text(
        &self,
        py: Python<'_>,
        question: String,
        steps: usize,
        until_verified: bool,
    ) -> PyResult<Trace> {
        let task = match &self.model.header.task {
            Some(spec) => spec.task().map_err(error::of)?,
            None => {
                return Err(error::argument(
                    "question: expected an array, as the model names no task; found a text",
                ));
            }
        };
        let tokens = Question::from(question).tokens(&*task).map_err(error::of)?;
        self.trace(py, tokens, 0, steps, until_verified)
    }

    /// The same on one row of tokens.
    fn trace_array(
        &self,
        py: Python<'_>,
        question: &Bound<'_, PyUntypedArray>,
        identifier: usize,
        steps: usize,
        until_verified: bool,
    ) -> PyResult<Trace> {
        let mut rows = self.rows(question, 0)?;
        if rows.count != 1 {
            return Err(error::argument(format!(
                "question: expected one, found {}",
                rows.count
            )));
        }
        match rows.refused.remove(&0) {
            Some(text) => Err(error::question(text)),
            None => self.trace(py, rows.tokens, identifier, steps, until_verified),
        }
    }

    /// Its weights in f32, by the reference implementation's names and in its shapes.
    fn tensors<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<Vec<(String, Bound<'py, PyArrayDyn<f32>>)>> {
        let weights = py.detach(|| self.model.weights.to_f32());
        let shapes = TrmWeights::shapes(self.model.config());
        let each = shapes.into_iter().zip(weights.tensors());
        each.map(|((name, shape), matrix)| {
            let numbers = matrix.to_vec().into_pyarray(py);
            Ok((name, numbers.reshape(shape)?))
        })
        .collect()
    }

    /// The same model in fewer bits, the report that `recurra quantize --json` prints, and what a user of it should know.
    #[pyo3(signature = (to, calibrate=None, limit=None))]
    fn quantize(
        &self,
        py: Python<'_>,
        to: &str,
        calibrate: Option<PathBuf>,
        limit: Option<usize>,
    ) -> PyResult<(Model, String, Option<String>)> {
        let to = match to {
            "bf16" => Precision::Bf16,
            "q8" => Precision::Q8,
            "q4" => Precision::Q4,
            other => {
                return Err(error::argument(format!(
                    "to: expected bf16, q8 or q4, found {other}"
                )));
            }
        };
        let name = self.path.as_deref().unwrap_or(Path::new("model"));
        let work = || {
            embedded::quantize(
                &self.model,
                name,
                to,
                calibrate.as_deref(),
                limit,
                self.threads,
            )
        };
        let made = py.detach(work).map_err(error::of_program)?;
        let (model, report, warning) = made;
        Ok((Model::of(model, None, Some(self.threads))?, report, warning))
    }
}

impl Model {
    fn solve<'py>(
        &self,
        py: Python<'py>,
        questions: Vec<Result<Question, String>>,
        options: &str,
    ) -> PyResult<Bound<'py, PyDict>> {
        let solver = self.solver()?;
        let mut options = Wishes::read(options, solver).map_err(error::argument)?;
        options.cancel = CancelToken::new();
        let cancel = options.cancel.clone();
        let work = || -> recurra::Result<Vec<Result<Answer, recurra::Error>>> {
            // One is thought about by all threads.
            if let [Ok(only)] = &questions[..] {
                return Ok(vec![solver.ask_with(only.clone(), &options)]);
            }
            let good = questions.iter().filter_map(|q| q.as_ref().ok().cloned());
            Ok(solver.ask_many(good, &options)?.collect())
        };
        let answers = patiently(py, &|| cancel.cancel(), work)?.map_err(error::of)?;
        let mut answers = answers.into_iter();
        let mut outcomes = Vec::with_capacity(questions.len());
        for question in &questions {
            outcomes.push(match question {
                Err(text) => Err(text.clone()),
                Ok(_) => match answers.next() {
                    Some(Ok(answer)) => Ok(answer),
                    Some(Err(
                        refused @ (recurra::Error::Refused(_) | recurra::Error::Question { .. }),
                    )) => Err(refused.to_string()),
                    Some(Err(other)) => return Err(error::of(other)),
                    None => return Err(error::argument("no answer came")),
                },
            });
        }
        outcome::columns(py, outcomes, self.model.config().seq_len)
    }

    fn trace(
        &self,
        py: Python<'_>,
        question: Vec<u16>,
        identifier: usize,
        steps: usize,
        until_verified: bool,
    ) -> PyResult<Trace> {
        let stop = AtomicBool::new(false);
        let weights = self.packed()?;
        let wish = trace::Wish {
            model: &self.model,
            weights,
            threads: self.threads,
            question,
            identifier,
            steps,
            until_verified,
            stop: &stop,
        };
        let seen = patiently(py, &|| stop.store(true, Ordering::Relaxed), || {
            trace::think(&wish)
        })?;
        Trace::new(py, seen.map_err(error::of)?)
    }
}

/// Reads a checkpoint of the reference implementation.
#[pyfunction]
#[pyo3(signature = (checkpoint, config, seq_len=None, task=None, threads=None))]
pub(crate) fn import_checkpoint(
    py: Python<'_>,
    checkpoint: PathBuf,
    config: PathBuf,
    seq_len: Option<usize>,
    task: Option<&Task>,
    threads: Option<usize>,
) -> PyResult<Model> {
    let task = task.map(|task| task.spec_ref().clone());
    let work = || embedded::import(&checkpoint, &config, seq_len, task);
    Model::of(py.detach(work).map_err(error::of_program)?, None, threads)
}
