//! `recurra generate sudoku`.

use super::table::{Kind, Made, Run};
use crate::exit::{self, Exit, UsageError};
use recurra::tasks::sudoku::{GenerateError, Generator, Sudoku, split};

/// Sudoku with exactly one solution
///
/// Each puzzle depends on the seed and its own number only: the same command gives the same file on every
/// machine and with every number of threads.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Digits in a row: 4, 6, 9 or 16
    #[arg(long, value_name = "N", value_parser = size)]
    size: Sudoku,
    /// Digits given in each puzzle [default: none to spare]
    #[arg(long, value_name = "G")]
    givens: Option<usize>,
    #[command(flatten)]
    run: Run,
}

fn size(text: &str) -> Result<Sudoku, String> {
    let size = text.parse().ok();
    size.and_then(Sudoku::new)
        .ok_or_else(|| "expected 4, 6, 9 or 16".into())
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let generator = Generator::new(args.size, args.givens, args.run.seed)
        .map_err(|e| UsageError(e.to_string()))?;
    let kind = Kind {
        most_not_found: 10,
        things: "solution grid",
        tokens: (args.size.cells(), args.size.vocab_size()),
        rated: false,
    };
    let not_found = args
        .run
        .write(&kind, |number| match generator.puzzle(number) {
            Ok(puzzle) if args.run.keeps(split::solution_class(&puzzle.answer)) => {
                Made::Puzzle(puzzle)
            }
            Ok(_) => Made::Other,
            Err(error @ GenerateError::NotFound { .. }) => Made::NotFound(error.into()),
            Err(error) => Made::Impossible(error.into()),
        })?;
    if not_found > 0 {
        exit::message(&format!(
            "{not_found} puzzle numbers were passed over: no puzzle with so few givens was found for them"
        ));
    }
    Ok(Exit::Done)
}
