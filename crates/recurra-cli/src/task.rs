//! The flags that name a task.

use crate::exit::{Refusals, UsageError};
use anyhow::anyhow;
use recurra::tasks::TaskSpec;
use recurra::tasks::grid::{Layout, RulesFile, Shape, survey};
use std::fmt;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::str::FromStr;

/// A task by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum TaskName {
    Sudoku,
    Maze,
    /// A table of your own: grids of any symbols
    Grid,
    /// ARC-AGI 1 or 2
    Arc,
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
    /// The task of this size, or of a usual one. Mazes that are generated for it have a shortest path of more than `min_path` moves; without
    /// that, as many for their size as the published ones of 30x30 with 110.
    pub(crate) fn spec(
        self,
        size: Option<Size>,
        min_path: Option<usize>,
    ) -> anyhow::Result<TaskSpec> {
        let side = if self == TaskName::Maze { 30 } else { 9 };
        let size = size.unwrap_or(Size {
            rows: side,
            cols: side,
        });
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
            TaskName::Arc => Ok(TaskSpec::Arc),
            TaskName::Grid => Err(UsageError(
                "--task grid: expected --data with a table of questions and answers".into(),
            )
            .into()),
        }
    }

    /// The task of a table: symbols and shapes are what it has, and the rules are declared in a file of their own.
    pub(crate) fn of_table(
        table: &Path,
        rules: Option<&Path>,
        size: Option<Size>,
    ) -> anyhow::Result<TaskSpec> {
        let file = |path: &Path| File::open(path).map_err(|e| anyhow!("{}: {e}", path.display()));
        let layout = match size {
            None => Layout::default(),
            Some(size) => match Shape::new(size.rows, size.cols) {
                Some(shape) => Layout::both(shape),
                None => {
                    let text =
                        format!("--size: expected rows and columns from 1 to 64, found {size}");
                    return Err(UsageError(text).into());
                }
            },
        };
        let mut refused = Refusals::default();
        let mut tell = |error| refused.add(table, &error);
        let found = survey(BufReader::new(file(table)?), layout, &mut tell);
        refused.tell_rest(table, "lines");
        let spec = found.map_err(|e| e.in_file(table))?;
        let Some(rules) = rules else {
            return Ok(TaskSpec::Grid(Box::new(spec)));
        };
        let in_rules = |e| anyhow!("{}: {e}", rules.display());
        let text =
            std::fs::read_to_string(rules).map_err(|e| anyhow!("{}: {e}", rules.display()))?;
        let declared = RulesFile::read(&text).and_then(|rules| rules.declare(spec));
        Ok(TaskSpec::Grid(Box::new(declared.map_err(in_rules)?)))
    }
}
