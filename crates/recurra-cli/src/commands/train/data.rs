//! The puzzles that a model is trained on, and those it is measured on.

use crate::exit::message;
use crate::progress;
use anyhow::{anyhow, bail};
use rayon::prelude::*;
use recurra::tasks::data::Puzzles;
use recurra::tasks::dataset::Part;
use recurra::tasks::task::Pair;
use recurra::tasks::{HeldOut, Task, TaskSpec};
use recurra::train::PuzzleSource;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Puzzle numbers of generated tests: a run of their own.
const TEST_SEED: u64 = 0x7e57;

/// Puzzles to generate: some seconds' worth.
pub(super) fn default_pool(task: &TaskSpec) -> usize {
    match task {
        TaskSpec::Sudoku { size: 16 } => 500,
        TaskSpec::Sudoku { .. } => 20_000,
        TaskSpec::Maze { .. } => 5_000,
        // It has no generator.
        TaskSpec::Grid(_) => 0,
    }
}

/// What the checkpoint keeps beside the trainer's state.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Notes {
    pub(super) task: TaskSpec,
    pub(super) data: Option<PathBuf>,
    pub(super) pool: usize,
    pub(super) held_out: u64,
    /// Time trained so far.
    pub(super) seconds: f64,
}

/// Held-out puzzles that measure a model in training: some seconds' worth.
fn tests(task: &dyn Task) -> usize {
    if task.seq_len() < 64 { 512 } else { 128 }
}

/// The data of a training.
pub(super) struct Data {
    pub(super) source: PuzzleSource,
    pub(super) tests: Vec<Pair>,
}

/// Reads or generates what the notes ask for.
pub(super) fn prepare(notes: &Notes, seed: u64) -> anyhow::Result<Data> {
    let task = notes.task.task()?;
    let held_out = HeldOut::new(notes.held_out);
    let generate = |count: usize, test: bool, seed: u64| -> anyhow::Result<Vec<Pair>> {
        let bar = progress::bar(Some(count as u64), "puzzles");
        let one = |n| {
            let wanted = |class| held_out.contains(class) == test;
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
    Ok(Data { source, tests })
}

/// All puzzles of a file that have an answer; bad lines are told and left out.
fn read(path: &Path, part: Part, task: &dyn Task) -> anyhow::Result<Vec<Pair>> {
    let (mut puzzles, mut refused, mut unanswered) = (Vec::new(), 0, 0);
    for entry in Puzzles::open(path, part, Some(task))? {
        match entry.result {
            Ok(puzzle) => match puzzle.answer {
                Some(answer) => puzzles.push(Pair {
                    question: puzzle.question,
                    answer,
                }),
                None => unanswered += 1,
            },
            Err(error) => {
                refused += 1;
                if refused <= 10 {
                    message(&format!("{}: {error}", path.display()));
                }
            }
        }
    }
    if refused + unanswered > 0 {
        message(&format!(
            "{}: left out {refused} bad lines and {unanswered} puzzles without an answer",
            path.display()
        ));
    }
    Ok(puzzles)
}
