//! Puzzles to train on, and those that measure the model.

use super::{Data, Measured, Notes, Part};
use crate::exit::{self, Refusals, message};
use crate::input;
use crate::progress;
use anyhow::{anyhow, bail};
use rayon::prelude::*;
use recurra::model::TrmModel;
use recurra::solver::{SolveOptions, Solver};
use recurra::tasks::data::Puzzles;
use recurra::tasks::dataset;
use recurra::tasks::task::{Pair, Tokens};
use recurra::tasks::{HeldOut, Task, TaskSpec};
use recurra::thinking::StopRules;
use recurra::train::{Mixture, PuzzleSource, SampleSource};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Puzzle numbers of generated tests: a run of their own.
const TEST_SEED: u64 = 0x7e57;

/// Puzzles to generate: some seconds' worth.
pub(in super::super) fn default_pool(task: &TaskSpec) -> usize {
    match task {
        TaskSpec::Sudoku { size: 16 } => 500,
        TaskSpec::Sudoku { .. } => 20_000,
        TaskSpec::Maze { .. } => 5_000,
        TaskSpec::Grid(spec) => match spec.seq_len() {
            0..=100 => 20_000,
            101..=300 => 5_000,
            _ => 500,
        },
        // They have no generator.
        TaskSpec::Arc | TaskSpec::Vectors(_) => 0,
    }
}

/// Held-out puzzles that are asked before the clock is looked at again.
const ROUND: usize = 32;

/// Held-out puzzles that measure a model in training: some seconds' worth.
fn tests(task: &dyn Task) -> usize {
    if task.seq_len() < 64 { 512 } else { 128 }
}

/// What to generate in turn to learn a task from: with short paths a maze shows what a path is long before a model finds its
/// way through long ones.
fn lessons(task: &TaskSpec) -> anyhow::Result<Vec<Arc<dyn Task>>> {
    let &TaskSpec::Maze {
        rows,
        cols,
        min_path,
    } = task
    else {
        return Ok(vec![task.task()?]);
    };
    let lesson = |quarters: usize| {
        let min_path = min_path * quarters / 4;
        let task = TaskSpec::Maze {
            rows,
            cols,
            min_path,
        };
        Ok(task.task()?)
    };
    (1..=4).map(lesson).collect()
}

/// Puzzles of one task, or of several that one set of weights learns.
pub(super) struct PuzzleTraining {
    source: Box<dyn SampleSource>,
    train: usize,
    /// Held-out puzzles of each task.
    tests: Vec<(TaskSpec, Vec<Pair>)>,
}

impl PuzzleTraining {
    /// Reads or generates what the notes ask for, with at most so many held-out puzzles of each task.
    pub(super) fn prepare(notes: &Notes, seed: u64, most_tests: usize) -> anyhow::Result<Self> {
        let (mut sources, mut train, mut tests) = (Vec::new(), 0, Vec::new());
        for part in notes.parts() {
            let (source, held_out) = prepare(&part, notes.held_out, most_tests, seed)?;
            train += source.len();
            sources.push((Box::new(source) as Box<dyn SampleSource>, part.share));
            tests.push((part.task, held_out));
        }
        let source = match sources.len() {
            1 => sources.remove(0).0,
            _ => Box::new(Mixture::new(sources)?),
        };
        Ok(PuzzleTraining {
            source,
            train,
            tests,
        })
    }
}

/// Puzzles of one task to train on, and held-out ones.
fn prepare(
    part: &Part,
    held_out: u64,
    most_tests: usize,
    seed: u64,
) -> anyhow::Result<(PuzzleSource, Vec<Pair>)> {
    let spec = &part.task;
    let (task, parts) = (spec.task()?, held_out);
    let held_out = HeldOut::new(parts);
    let lessons = lessons(spec)?;
    let generate = |count: usize, test: bool, seed: u64| -> anyhow::Result<Vec<Pair>> {
        let bar = progress::bar(Some(count as u64), "puzzles");
        let one = |n| {
            let wanted = |class| held_out.contains(class) == test;
            let task = if test {
                &task
            } else {
                &lessons[n % lessons.len()]
            };
            let puzzle = task.generate(seed, n as u64, &wanted);
            bar.inc(1);
            puzzle.ok_or_else(|| {
                anyhow!("no {spec} puzzle found with one solution grid in {parts} held out")
            })
        };
        let puzzles = (0..count).into_par_iter().map(one).collect();
        bar.finish_and_clear();
        puzzles
    };
    let most_tests = tests(&*task).min(most_tests);
    let (puzzles, tests) = match &part.data {
        Some(path) => {
            let (mut tests, train): (Vec<_>, Vec<_>) = read(path, dataset::Part::Train, &*task)?
                .into_iter()
                .partition(|p| held_out.contains(task.split_class(p)));
            if path.join(dataset::Part::Test.name()).is_dir() {
                // Who made the data set has split it.
                tests = read(path, dataset::Part::Test, &*task)?;
            }
            tests.truncate(most_tests);
            (train, tests)
        }
        None => (
            generate(part.pool, false, seed)?,
            generate(most_tests, true, TEST_SEED)?,
        ),
    };
    let source = PuzzleSource::new(task, puzzles, held_out);
    if source.is_empty() {
        bail!("no {spec} puzzle to train on");
    }
    Ok((source, tests))
}

impl Data for PuzzleTraining {
    fn source(&self) -> &dyn SampleSource {
        &*self.source
    }

    fn describe(&self) -> String {
        let tests: usize = self.tests.iter().map(|(_, tests)| tests.len()).sum();
        let kinds = match self.tests.len() {
            1 => String::new(),
            kinds => format!(" of {kinds} tasks"),
        };
        format!(
            "{}{kinds} to train on, {tests} held-out ones to measure",
            exit::count(self.train as u64, "puzzle")
        )
    }

    /// In one attempt. Where a puzzle has several right answers, such as a maze with several shortest paths, each of them is right.
    fn measure(
        &mut self,
        model: &TrmModel,
        threads: usize,
        most: Duration,
    ) -> anyhow::Result<Option<Measured>> {
        let began = Instant::now();
        let tested = self.tests.iter_mut().filter(|(_, tests)| !tests.is_empty());
        let mut tested: Vec<_> = tested.map(|(task, tests)| (task, tests, 0)).collect();
        let all = tested.iter().map(|(_, tests, _)| tests.len()).max();
        let Some(all) = all else {
            return Ok(None);
        };
        let solvers = tested.iter().map(|(task, ..)| {
            let model = model.clone().for_task(task);
            let model = model.ok_or_else(|| anyhow!("expected a model for {task}"))?;
            Ok(Solver::new(&model, threads)?)
        });
        let solvers = solvers.collect::<anyhow::Result<Vec<_>>>()?;
        let mut asked = 0;
        while asked < all && (asked == 0 || began.elapsed() < most) {
            let next = (asked + ROUND).min(all);
            for (solver, (_, tests, right)) in solvers.iter().zip(&mut tested) {
                let part = tests.len().min(asked)..tests.len().min(next);
                *right += answered_right(solver, &tests[part])?;
            }
            asked = next;
        }
        let mut sum = 0.0;
        for (_, tests, right) in &mut tested {
            tests.truncate(asked);
            sum += *right as f64 / tests.len() as f64;
        }
        Ok(Some(Measured {
            exact: sum / tested.len() as f64,
            asked: (asked < all).then_some(asked),
        }))
    }
}

/// How many of the puzzles are answered right in one attempt.
fn answered_right(solver: &Solver, tests: &[Pair]) -> anyhow::Result<usize> {
    let options = SolveOptions::new(StopRules::new(solver.options().stop.max_steps));
    let questions: Vec<Tokens> = tests.iter().map(|p| p.question.clone()).collect();
    let answers = solver.solve_many(&questions, &options, &|| {})?;
    let mut right = 0;
    for (answer, pair) in answers.into_iter().zip(tests) {
        let answer = answer?;
        right += usize::from(answer.verified == Some(true) || answer.tokens == pair.answer);
    }
    Ok(right)
}

/// All puzzles of a file that have an answer; bad lines are told and left out.
fn read(path: &Path, part: dataset::Part, task: &dyn Task) -> anyhow::Result<Vec<Pair>> {
    let (mut puzzles, mut refused, mut unanswered) = (Vec::new(), Refusals::default(), 0);
    for entry in Puzzles::open(path, part, Some(task))? {
        input::note(&path.display().to_string(), entry.note.as_deref());
        match entry.result {
            Ok(puzzle) => match (puzzle.answer, puzzle.objection) {
                (Some(answer), _) => puzzles.push(Pair {
                    question: puzzle.question,
                    answer,
                }),
                (None, Some(objection)) => refused.add(path, &objection),
                (None, None) => unanswered += 1,
            },
            Err(error) => refused.add(path, &error),
        }
    }
    let refused = refused.count();
    if refused + unanswered > 0 {
        message(&format!(
            "{}: left out {refused} bad lines and {unanswered} puzzles without an answer",
            path.display()
        ));
    }
    Ok(puzzles)
}
