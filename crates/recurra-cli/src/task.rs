//! The flags that name a task.

use crate::exit::{Refusals, UsageError};
use anyhow::anyhow;
use recurra::tasks::TaskSpec;
use recurra::tasks::grid::{GridTask, Layout, RulesFile, Shape, survey};
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
    /// Vectors of an embedding model
    Vectors,
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

impl Size {
    /// The shape of a table's grids.
    fn shape(self) -> Result<Shape, UsageError> {
        let Size { rows, cols } = self;
        Shape::new(rows, cols).ok_or_else(|| {
            UsageError(format!(
                "--size: expected rows and columns from 1 to 64, found {self}"
            ))
        })
    }
}

impl fmt::Display for TaskName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TaskName::Sudoku => "sudoku",
            TaskName::Maze => "maze",
            TaskName::Grid => "grid",
            TaskName::Arc => "arc",
            TaskName::Vectors => "vectors",
        })
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.rows, self.cols)
    }
}

impl Size {
    /// The size of a task's grids, where it is that of all of them.
    pub(crate) fn of(task: &TaskSpec) -> Option<Self> {
        let (rows, cols) = match task {
            TaskSpec::Sudoku { size } => (*size, *size),
            TaskSpec::Maze { rows, cols, .. } => (*rows, *cols),
            TaskSpec::Grid(spec) => (spec.frame.rows(), spec.frame.cols()),
            TaskSpec::Arc | TaskSpec::Vectors(_) => return None,
        };
        Some(Size { rows, cols })
    }
}

impl TaskName {
    /// The name of a task.
    pub(crate) fn of(task: &TaskSpec) -> Self {
        match task {
            TaskSpec::Sudoku { .. } => TaskName::Sudoku,
            TaskSpec::Maze { .. } => TaskName::Maze,
            TaskSpec::Grid(_) => TaskName::Grid,
            TaskSpec::Arc => TaskName::Arc,
            TaskSpec::Vectors(_) => TaskName::Vectors,
        }
    }

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
            TaskName::Vectors => Err(UsageError(
                "--task vectors: expected it with `recurra train`, whose --data says which vectors".into(),
            )
            .into()),
            TaskName::Grid => Err(UsageError(
                "--task grid: expected --data with a table of questions and answers, or --rules that puzzles are made by".into(),
            )
            .into()),
        }
    }

    /// The task of rules by which puzzles can be made; they may leave the size open.
    pub(crate) fn of_rules(path: &Path, size: Option<Size>) -> anyhow::Result<GridTask> {
        let rules = read_rules(path)?;
        let shape = size.map(Size::shape).transpose()?;
        let in_rules = |e| anyhow!("{}: {e}", path.display());
        let spec = rules.alone(shape).map_err(in_rules)?;
        rules.check_generates(&spec).map_err(in_rules)?;
        Ok(GridTask::new(spec)?)
    }

    /// The task of a table: symbols and shapes are what it has, and the rules are declared in a file of their own. Rules that say a
    /// size are the whole task: then the table is held against them.
    pub(crate) fn of_table(
        table: &Path,
        rules: Option<&Path>,
        size: Option<Size>,
    ) -> anyhow::Result<GridTask> {
        let declared = rules.map(|path| (path, read_rules(path)));
        let shape = size.map(Size::shape).transpose()?;
        let in_rules = |path: &Path, e| anyhow!("{}: {e}", path.display());
        if let Some((path, Ok(rules))) = &declared
            && rules.has_size()
        {
            let spec = rules.alone(shape).map_err(|e| in_rules(path, e))?;
            return Ok(GridTask::new(spec)?);
        }
        let file = File::open(table).map_err(|e| anyhow!("{}: {e}", table.display()))?;
        let layout = shape.map_or_else(Layout::default, Layout::both);
        let mut refused = Refusals::default();
        let mut tell = |error| refused.add(table, &error);
        let found = survey(BufReader::new(file), layout, &mut tell);
        refused.tell_rest(table, "lines");
        let spec = found.map_err(|e| e.in_file(table))?;
        let Some((path, rules)) = declared else {
            return Ok(GridTask::new(spec)?);
        };
        let spec = rules?.declare(spec).map_err(|e| in_rules(path, e))?;
        Ok(GridTask::new(spec)?)
    }
}

fn read_rules(path: &Path) -> anyhow::Result<RulesFile> {
    let text = std::fs::read_to_string(path).map_err(|e| anyhow!("{}: {e}", path.display()))?;
    RulesFile::read(&text).map_err(|e| anyhow!("{}: {e}", path.display()))
}
