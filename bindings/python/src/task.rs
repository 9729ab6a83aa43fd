//! Tasks without a model: reading, making, checking and exactly solving puzzles.

use crate::array::{Encoding, Rows};
use crate::error;
use crate::patience::patiently;
use numpy::{IntoPyArray, PyArray2, PyArrayMethods, PyUntypedArray};
use pyo3::prelude::*;
use recurra::TaskSpec;
use recurra::solver::Question;
use recurra::tasks::grid::{GridTask, RulesFile, Shape};
use recurra::tasks::sudoku::{Generator, Sudoku};
use recurra::tasks::task::Tokens;
use recurra::tasks::{HeldOut, Task as Rules};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A task with its parameters.
#[pyclass(frozen, module = "recurra._native")]
pub(crate) struct Task {
    spec: TaskSpec,
    /// None for ARC-AGI, whose questions are not asked one by one.
    rules: Option<Arc<dyn Rules>>,
}

impl Task {
    pub(crate) fn of(spec: TaskSpec) -> PyResult<Task> {
        let rules = match &spec {
            TaskSpec::Arc => None,
            spec => Some(spec.task().map_err(error::of)?),
        };
        Ok(Task { spec, rules })
    }

    pub(crate) fn spec_ref(&self) -> &TaskSpec {
        &self.spec
    }

    pub(crate) fn rules(&self) -> PyResult<&Arc<dyn Rules>> {
        match &self.rules {
            Some(rules) => Ok(rules),
            None => Err(error::of(
                self.spec.task().expect_err("it has no such rules"),
            )),
        }
    }

    fn question(&self, text: &str) -> PyResult<Tokens> {
        self.rules()?
            .parse(text)
            .map_err(|e| error::question(e.within(1).to_string()))
    }

    /// The puzzle with this number that passes `wanted`.
    fn puzzle(
        &self,
        seed: u64,
        number: u64,
        givens: Option<usize>,
        wanted: &dyn Fn(u64) -> bool,
    ) -> Result<(String, String), String> {
        let Some(task) = &self.rules else {
            return Err(format!("{}: no puzzles can be made", self.spec));
        };
        if let (&TaskSpec::Sudoku { size }, Some(givens)) = (&self.spec, givens) {
            let sudoku = Sudoku::new(size).ok_or("size: expected 4, 6, 9 or 16")?;
            let made = Generator::new(sudoku, Some(givens), seed)
                .and_then(|generator| generator.puzzle(number))
                .map_err(|e| e.to_string())?;
            return Ok((made.question.to_line(), made.answer.to_line()));
        }
        if givens.is_some() {
            return Err(format!("givens: expected a Sudoku, found {}", self.spec));
        }
        let made = task.generate(seed, number, wanted);
        let made = made.ok_or_else(|| format!("{}: no such puzzle can be made", self.spec))?;
        Ok((task.line(&made.question), task.line(&made.answer)))
    }
}

#[pymethods]
impl Task {
    /// The task that a JSON text names, as a model's file does.
    #[new]
    fn new(spec: &str) -> PyResult<Task> {
        let spec = serde_json::from_str(spec);
        Task::of(spec.map_err(|e| error::argument(format!("task: {e}")))?)
    }

    /// The task of rules in the form of a rules file (TOML), and a size where they say none.
    #[staticmethod]
    #[pyo3(signature = (rules, name, size=None))]
    fn grid(rules: &str, name: &str, size: Option<[usize; 2]>) -> PyResult<Task> {
        let in_rules = |e: &dyn std::fmt::Display| error::argument(format!("{name}: {e}"));
        let rules = RulesFile::read(rules).map_err(|e| in_rules(&e))?;
        let shape = match size {
            None => None,
            Some([rows, cols]) => Some(Shape::new(rows, cols).ok_or_else(|| {
                error::argument(format!(
                    "size: expected rows and columns from 1 to 64, found {rows}x{cols}"
                ))
            })?),
        };
        let spec = rules.alone(shape).map_err(|e| in_rules(&e))?;
        let task = GridTask::new(spec).map_err(error::of)?;
        Task::of(Rules::spec(&task))
    }

    /// Its parameters, as JSON.
    fn spec(&self) -> PyResult<String> {
        serde_json::to_string(&self.spec).map_err(|e| error::argument(e.to_string()))
    }

    /// Its name, for people.
    fn describe(&self) -> String {
        self.spec.to_string()
    }

    /// Places of a question, and number of tokens.
    fn sizes(&self) -> PyResult<(usize, usize)> {
        self.spec.sizes().map_err(error::of)
    }

    /// A question in any form in which its task is written, in one line; refused without one single answer.
    fn read(&self, text: &str) -> PyResult<String> {
        let task = self.rules()?;
        let tokens = Question::from(text).tokens(&**task).map_err(error::of)?;
        Ok(task.line(&tokens))
    }

    /// Questions or answers in one line each, as tokens `[n, places]`.
    fn encode<'py>(
        &self,
        py: Python<'py>,
        lines: Vec<String>,
    ) -> PyResult<Bound<'py, PyArray2<u16>>> {
        let task = self.rules()?;
        let mut tokens = Vec::with_capacity(lines.len() * task.seq_len());
        for (number, line) in (1..).zip(&lines) {
            let read = match task.parse(line) {
                Ok(read) => read,
                // What only an answer may be.
                Err(error) => task.read_answer(line).map_err(|_| {
                    crate::error::question(format!("line {number}: {}", error.within(1)))
                })?,
            };
            tokens.extend(read);
        }
        tokens
            .into_pyarray(py)
            .reshape([lines.len(), task.seq_len()])
    }

    /// Tokens `[n, places]`, in one line each.
    fn decode(&self, tokens: &Bound<'_, PyUntypedArray>) -> PyResult<Vec<String>> {
        let task = self.rules()?;
        let places = task.seq_len();
        let encoding = Encoding {
            shift: 0,
            vocabulary: task.vocab_size(),
        };
        let rows = Rows::read(tokens, places, encoding)?;
        let line = |row: usize| {
            let tokens = rows.row(row, places);
            let tokens =
                tokens.map_err(|text| error::question(format!("row {}: {text}", row + 1)))?;
            Ok(task.line(tokens))
        };
        (0..rows.count).map(line).collect()
    }

    /// Whether the rules hold for an answer, and which does not; none where the task has no rules.
    fn check(&self, question: &str, answer: &str) -> PyResult<(Option<bool>, Option<String>)> {
        let task = self.rules()?;
        let question = self.question(question)?;
        let answer = task
            .read_answer(answer)
            .map_err(|e| error::question(format!("answer: {}", e.within(1))))?;
        Ok((
            task.verify(&question, &answer),
            task.objection(&question, &answer),
        ))
    }

    /// The answer of an exact solver, where the task has one.
    fn solve(&self, py: Python<'_>, question: &str) -> PyResult<Option<String>> {
        let task = self.rules()?;
        let question = self.question(question)?;
        match py.detach(|| task.solve(&question)) {
            None => Ok(None),
            Some(Ok(answer)) => Ok(Some(task.line(&answer))),
            Some(Err(found)) => Err(error::question(found)),
        }
    }

    /// The form that a question has in common with all that are the same but for a symmetry.
    fn canonical(&self, question: &str) -> PyResult<Option<String>> {
        let task = self.rules()?;
        let form = task.canonical(&self.question(question)?);
        Ok(form.map(|(tokens, _)| task.line(&tokens)))
    }

    /// A question or answer as people draw it.
    fn draw(&self, text: &str) -> PyResult<String> {
        let task = self.rules()?;
        let tokens = match task.parse(text) {
            Ok(tokens) => tokens,
            Err(_) => task
                .read_answer(text)
                .map_err(|e| error::question(e.within(1).to_string()))?,
        };
        Ok(task.drawing(&tokens).to_string())
    }

    /// Puzzles of this seed, from number `first` on: question and answer. Of those that `recurra train --held-out` keeps apart where
    /// `held_out` is true, of the others where it is false.
    #[pyo3(signature = (count, seed, first, givens=None, held_out=None, parts=5))]
    #[expect(clippy::too_many_arguments, reason = "Python names them")]
    fn generate(
        &self,
        py: Python<'_>,
        count: usize,
        seed: u64,
        first: u64,
        givens: Option<usize>,
        held_out: Option<bool>,
        parts: u64,
    ) -> PyResult<Vec<(String, String)>> {
        if !(2..=1 << 20).contains(&parts) {
            return Err(error::argument(format!(
                "parts: expected 2 to {}, found {parts}",
                1 << 20
            )));
        }
        if givens.is_some() && held_out.is_some() {
            return Err(error::argument("givens: expected no held_out with it"));
        }
        let apart = HeldOut::new(parts);
        let wanted = |class: u64| held_out.is_none_or(|held_out| apart.contains(class) == held_out);
        let stop = AtomicBool::new(false);
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let share = count.div_ceil(threads).max(1);
        let part = |numbers: std::ops::Range<usize>| {
            let mut made = Vec::with_capacity(numbers.len());
            for number in numbers {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                made.push(self.puzzle(seed, first + number as u64, givens, &wanted)?);
            }
            Ok(made)
        };
        let all = || -> Result<Vec<(String, String)>, String> {
            std::thread::scope(|scope| {
                let starts = (0..count).step_by(share);
                let workers: Vec<_> = starts
                    .map(|start| {
                        let part = &part;
                        scope.spawn(move || part(start..count.min(start + share)))
                    })
                    .collect();
                let mut made = Vec::with_capacity(count);
                for worker in workers {
                    let some: Result<Vec<_>, String> = worker
                        .join()
                        .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
                    made.extend(some?);
                }
                Ok(made)
            })
        };
        patiently(py, &|| stop.store(true, Ordering::Relaxed), all)?.map_err(error::argument)
    }
}
