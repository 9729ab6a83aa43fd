//! `recurra generate maze`.

use super::table::{Filter, Kind, Made, Run, given};
use crate::exit::{Exit, UsageError};
use recurra::tasks::maze::grid::VOCAB_SIZE;
use recurra::tasks::maze::{Generator, Shape, split};

/// Mazes with a shortest path from S to G
///
/// A maze has no frame; a share of its cells, drawn from 30 to 50 %, are walls; S and G are two other cells. It is kept if
/// its shortest path is long enough. Cells are written in reading order: # wall, space free, o path. A field that begins or
/// ends with a space stands in quotes. Each maze depends on the seed and its own number only: the same command gives the
/// same file on every machine and with every number of threads.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Rows and columns, each from 2 to 64: 30, or 20x40 for 20 rows of 40 cells
    #[arg(long, value_name = "N|RxC", value_parser = shape)]
    size: Shape,
    /// Keep only mazes whose shortest path takes more than so many moves
    #[arg(long, value_name = "MOVES", default_value_t = 0)]
    min_path: usize,
    #[command(flatten)]
    run: Run,
}

fn shape(text: &str) -> Result<Shape, String> {
    let (rows, cols) = text.split_once('x').unwrap_or((text, text));
    rows.parse()
        .ok()
        .zip(cols.parse().ok())
        .and_then(|(rows, cols)| Shape::new(rows, cols))
        .ok_or_else(|| "expected a number from 2 to 64, or two such as 20x40".into())
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let generator = Generator::new(args.size, args.min_path, args.run.seed)
        .map_err(|e| UsageError(e.to_string()))?;
    let kind = Kind {
        // A number without a maze has been tried millions of times.
        most_not_found: 1,
        others: "the other split",
        hard: given(&[("--min-path", args.min_path > 0)]),
        things: "maze",
        tokens: (args.size.cells(), VOCAB_SIZE),
        rated: false,
    };
    args.run
        .write(&kind, |number| match generator.puzzle(number) {
            Ok(maze) if args.run.keeps(split::question_class(&maze.question)) => Made::Puzzle(maze),
            Ok(_) => Made::Other(Filter::Split),
            Err(error) => Made::NotFound(error.into()),
        })?;
    Ok(Exit::Done)
}
