//! Which task a model was made for, as its file names it.

use super::grid::{GridSpec, GridTask};
use super::maze::{MazeTask, Shape};
use super::sudoku::{Generator, Sudoku};
use super::task::Pair;
use super::vectors::VectorSpec;
use super::{Task, arc};
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A task with its parameters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "lowercase")]
pub enum TaskSpec {
    /// Sudoku of the given size (digits in a row): 4, 6, 9 or 16.
    Sudoku {
        /// Digits in a row.
        size: usize,
    },
    /// Mazes of a size: the shortest path is asked for.
    Maze {
        /// Rows, from 2 to 64.
        rows: usize,
        /// Columns, from 2 to 64.
        cols: usize,
        /// Mazes to train and calibrate with have a shortest path of more moves than this.
        #[serde(default)]
        min_path: usize,
    },
    /// A table of questions and answers.
    Grid(Box<GridSpec>),
    /// Tasks of ARC-AGI: a test input is asked in many forms, and the answers are voted over.
    Arc,
    /// Vectors of an embedding model, which are moved to where their answers lie.
    Vectors(VectorSpec),
}

impl TaskSpec {
    /// Places of a question, and number of tokens; for vectors, kinds of vectors and their numbers.
    ///
    /// # Errors
    /// [`Error::Config`] for parameters that the task does not have.
    pub fn sizes(&self) -> Result<(usize, usize)> {
        if *self == TaskSpec::Arc {
            return Ok((arc::SEQ_LEN, arc::VOCAB_SIZE));
        }
        if let TaskSpec::Vectors(spec) = self {
            spec.check()?;
            return Ok((spec.roles(), spec.dimension));
        }
        let task = self.task()?;
        Ok((task.seq_len(), task.vocab_size()))
    }

    /// Columns of its grids, whose rows follow one another in a question.
    pub fn cols(&self) -> usize {
        match self {
            TaskSpec::Sudoku { size } => *size,
            TaskSpec::Maze { cols, .. } => *cols,
            TaskSpec::Grid(spec) => spec.frame.cols(),
            TaskSpec::Arc => arc::SIDE,
            TaskSpec::Vectors(_) => 1,
        }
    }

    /// The task.
    ///
    /// # Errors
    /// [`Error::Config`] for parameters that the task does not have, for ARC, whose questions are not asked one by one
    /// (see [`ArcSolver`](crate::solver::ArcSolver)), and for vectors (see [`Refiner`](crate::Refiner)).
    pub fn task(&self) -> Result<Arc<dyn Task>> {
        match self {
            &TaskSpec::Sudoku { size } => match Sudoku::new(size) {
                Some(sudoku) => Ok(Arc::new(sudoku)),
                None => Err(Error::Config {
                    field: "task.size",
                    expected: "4, 6, 9 or 16".into(),
                    found: size.to_string(),
                }),
            },
            &TaskSpec::Maze {
                rows,
                cols,
                min_path,
            } => match Shape::new(rows, cols) {
                Some(shape) => Ok(Arc::new(MazeTask::new(shape, min_path))),
                None => Err(Error::Config {
                    field: "task.rows",
                    expected: "rows and columns from 2 to 64".into(),
                    found: format!("{rows}x{cols}"),
                }),
            },
            TaskSpec::Grid(spec) => Ok(Arc::new(GridTask::new((**spec).clone())?)),
            TaskSpec::Arc => Err(Error::Config {
                field: "task",
                expected: "a task whose questions are answered one by one".into(),
                found: "ARC-AGI, whose answers are voted over".into(),
            }),
            TaskSpec::Vectors(_) => Err(Error::Config {
                field: "task",
                expected: "a task whose questions are text".into(),
                found: "vectors, which a `Refiner` takes".into(),
            }),
        }
    }
}

impl TaskSpec {
    /// Makes the puzzle of this seed and number, with its answer; `givens` is for Sudoku.
    ///
    /// # Errors
    /// Why no such puzzle can be made.
    pub fn puzzle(&self, seed: u64, number: u64, givens: Option<usize>) -> Result<Pair, String> {
        let task = self.task().map_err(|e| e.to_string())?;
        match (self, givens) {
            (&TaskSpec::Sudoku { size }, Some(_)) => {
                let sudoku = Sudoku::new(size).ok_or("size: expected 4, 6, 9 or 16")?;
                let generator = Generator::new(sudoku, givens, seed).map_err(|e| e.to_string())?;
                let made = generator.puzzle(number).map_err(|e| e.to_string())?;
                Ok(Pair {
                    question: made.question.encode(),
                    answer: made.answer.encode(),
                })
            }
            (_, Some(_)) => Err(format!("givens: expected a Sudoku, found {self}")),
            (_, None) => task
                .generate(seed, number, &|_| true)
                .ok_or_else(|| format!("{self}: no such puzzle can be made")),
        }
    }
}

impl std::fmt::Display for TaskSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            TaskSpec::Sudoku { size } => write!(f, "sudoku {size}x{size}"),
            TaskSpec::Maze { rows, cols, .. } => write!(f, "maze {rows}x{cols}"),
            TaskSpec::Grid(spec) => spec.fmt(f),
            TaskSpec::Arc => f.write_str("ARC-AGI"),
            TaskSpec::Vectors(spec) => spec.fmt(f),
        }
    }
}
