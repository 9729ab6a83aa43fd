//! The flags that name a task.

use crate::exit::UsageError;
use recurra::tasks::TaskSpec;
use std::fmt;
use std::str::FromStr;

/// A task by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum TaskName {
    Sudoku,
    Maze,
}

/// A value of the flag `--size`: `9`, or `20x40` for 20 rows of 40 cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    rows: usize,
    cols: usize,
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (rows, cols) = text.split_once('x').unwrap_or((text, text));
        match (rows.parse(), cols.parse()) {
            (Ok(rows), Ok(cols)) => Ok(Size { rows, cols }),
            _ => Err("expected a number, or two such as 20x40".into()),
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.rows, self.cols)
    }
}

impl TaskName {
    /// The task of this size. Mazes that are generated for it have a shortest path of more than `min_path` moves; without
    /// that, as many for their size as the published ones of 30x30 with 110.
    pub(crate) fn spec(self, size: Size, min_path: Option<usize>) -> anyhow::Result<TaskSpec> {
        match self {
            TaskName::Sudoku if size.rows != size.cols => Err(UsageError(format!(
                "--size: expected one number for a Sudoku, found {size}"
            ))
            .into()),
            TaskName::Sudoku => Ok(TaskSpec::Sudoku { size: size.rows }),
            TaskName::Maze => Ok(TaskSpec::Maze {
                rows: size.rows,
                cols: size.cols,
                min_path: min_path.unwrap_or((size.rows + size.cols) * 55 / 30),
            }),
        }
    }
}
