//! Puzzles to train on, and those that measure the model.

use super::{Data, Notes};
use crate::exit::{Refusals, message};
use crate::progress;
use anyhow::{anyhow, bail};
use rayon::prelude::*;
use recurra::model::TrmModel;
use recurra::solver::{SolveOptions, Solver};
use recurra::tasks::data::Puzzles;
use recurra::tasks::dataset::Part;
use recurra::tasks::task::{Pair, Tokens};
use recurra::tasks::{HeldOut, Task, TaskSpec};
use recurra::thinking::StopRules;
use recurra::train::{PuzzleSource, SampleSource};
use std::path::Path;
use std::sync::Arc;

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
        // It has no generator.
        TaskSpec::Arc => 0,
    }
}

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

/// Puzzles of a task with single questions.
pub(super) struct PuzzleTraining {
    source: PuzzleSource,
    tests: Vec<Pair>,
}

impl PuzzleTraining {
    /// Reads or generates what the notes ask for.
    pub(super) fn prepare(notes: &Notes, seed: u64) -> anyhow::Result<Self> {
        let task = notes.task.task()?;
        let held_out = HeldOut::new(notes.held_out);
        let lessons = lessons(&notes.task)?;
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
                    anyhow!(
                        "no {} puzzle found with one solution grid in {} held out",
                        notes.task,
                        notes.held_out
                    )
                })
            };
            let puzzles = (0..count).into_par_iter().map(one).collect();
            bar.finish_and_clear();
            puzzles
        };
        let (puzzles, tests) = match &notes.data {
            Some(path) => {
                let (mut tests, train): (Vec<_>, Vec<_>) = read(path, Part::Train, &*task)?
                    .into_iter()
                    .partition(|p| held_out.contains(task.split_class(p)));
                if path.join(Part::Test.name()).is_dir() {
                    // Who made the data set has split it.
                    tests = read(path, Part::Test, &*task)?;
                }
                tests.truncate(self::tests(&*task));
                (train, tests)
            }
            None => (
                generate(notes.pool, false, seed)?,
                generate(tests(&*task), true, TEST_SEED)?,
            ),
        };
        let source = PuzzleSource::new(task, puzzles, held_out);
        if source.is_empty() {
            bail!("no {} puzzle to train on", notes.task);
        }
        Ok(PuzzleTraining { source, tests })
    }
}

impl Data for PuzzleTraining {
    fn source(&self) -> &dyn SampleSource {
        &self.source
    }

    fn describe(&self) -> String {
        let (train, tests) = (self.source.len(), self.tests.len());
        format!("{train} puzzles to train on, {tests} held-out ones to measure")
    }

    /// Where a puzzle has several right answers, such as a maze with several shortest paths, each of them is right.
    fn measure(&self, model: &TrmModel, threads: usize) -> anyhow::Result<Option<f64>> {
        if self.tests.is_empty() {
            return Ok(None);
        }
        let solver = Solver::new(model, threads)?;
        let options = SolveOptions::new(StopRules::new(solver.options().stop.max_steps));
        let questions: Vec<Tokens> = self.tests.iter().map(|p| p.question.clone()).collect();
        let answers = solver.solve_many(&questions, &options, &|| {})?;
        let mut right = 0;
        for (answer, pair) in answers.into_iter().zip(&self.tests) {
            let answer = answer?;
            right += usize::from(answer.verified == Some(true) || answer.tokens == pair.answer);
        }
        Ok(Some(right as f64 / self.tests.len() as f64))
    }
}

/// All puzzles of a file that have an answer; bad lines are told and left out.
fn read(path: &Path, part: Part, task: &dyn Task) -> anyhow::Result<Vec<Pair>> {
    let (mut puzzles, mut refused, mut unanswered) = (Vec::new(), Refusals::default(), 0);
    for entry in Puzzles::open(path, part, Some(task))? {
        match entry.result {
            Ok(puzzle) => match puzzle.answer {
                Some(answer) => puzzles.push(Pair {
                    question: puzzle.question,
                    answer,
                }),
                None => unanswered += 1,
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
