//! The puzzles that a model is trained on, and those it is measured on.

use crate::exit::message;
use crate::progress;
use anyhow::{anyhow, bail};
use rayon::prelude::*;
use recurra::tasks::TaskSpec;
use recurra::tasks::sudoku::{Generated, HeldOut, PuzzleReader, Sudoku};
use recurra::train::SudokuSource;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

/// Puzzle numbers of generated tests: a run of their own.
const TEST_SEED: u64 = 0x7e57;

/// Puzzles to generate: some seconds' worth.
pub(super) fn default_pool(size: usize) -> usize {
    match size {
        4 | 6 | 9 => 20_000,
        _ => 500,
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
fn tests(size: usize) -> usize {
    match size {
        4 | 6 => 512,
        _ => 128,
    }
}

/// The data of a training.
pub(super) struct Data {
    pub(super) source: SudokuSource,
    pub(super) tests: Vec<Generated>,
}

/// Reads or generates what the notes ask for.
pub(super) fn prepare(notes: &Notes, seed: u64) -> anyhow::Result<Data> {
    let TaskSpec::Sudoku { size } = notes.task;
    let Some(sudoku) = Sudoku::new(size) else {
        bail!("--size: expected 4, 6, 9 or 16, found {size}");
    };
    let held_out = HeldOut::new(notes.held_out);
    let generate = |count: usize, test: bool, seed: u64| -> anyhow::Result<Vec<Generated>> {
        let bar = progress::bar(Some(count as u64), "puzzles");
        let one = |n| {
            let puzzle = SudokuSource::mixed(sudoku, held_out, test, seed, n as u64);
            bar.inc(1);
            puzzle.ok_or_else(|| {
                anyhow!(
                    "no {sudoku} puzzle found with one solution grid in {} held out",
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
            let (mut tests, train): (Vec<_>, Vec<_>) = read(path, sudoku)?
                .into_iter()
                .partition(|p| held_out.contains(&p.answer));
            tests.truncate(self::tests(size));
            (train, tests)
        }
        None => (
            generate(notes.pool, false, seed)?,
            generate(tests(size), true, TEST_SEED)?,
        ),
    };
    let source = SudokuSource::new(sudoku, puzzles, held_out);
    if source.is_empty() {
        bail!("no {sudoku} puzzle to train on");
    }
    Ok(Data { source, tests })
}

/// All puzzles of a file that have an answer; bad lines are told and left out.
fn read(path: &Path, sudoku: Sudoku) -> anyhow::Result<Vec<Generated>> {
    let file = File::open(path).map_err(|e| anyhow!("{}: {e}", path.display()))?;
    let (mut puzzles, mut refused, mut unanswered) = (Vec::new(), 0, 0);
    for entry in PuzzleReader::new(BufReader::new(file), Some(sudoku)) {
        match entry.result {
            Ok(puzzle) => match puzzle.answer {
                Some(answer) => puzzles.push(Generated {
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
