//! `recurra generate sudoku`.

use super::table::{Made, Output, Split, Table};
use crate::exit::{self, Exit, UsageError};
use crate::threads::Threads;
use recurra::tasks::HeldOut;
use recurra::tasks::sudoku::{GenerateError, Generator, Grid, Sudoku, split};

/// Sudoku with exactly one solution
///
/// Each puzzle depends on the seed and its own number only: the same command gives the same file on every
/// machine and with every number of threads.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Digits in a row: 4, 6, 9 or 16
    #[arg(long, value_name = "N", value_parser = size)]
    size: Sudoku,
    /// How many puzzles
    #[arg(long, value_name = "N")]
    count: u64,
    /// Seed
    #[arg(long, value_name = "S")]
    seed: u64,
    /// Digits given in each puzzle [default: none to spare]
    #[arg(long, value_name = "G")]
    givens: Option<usize>,
    /// Hold out one solution grid in so many for testing; --split says which puzzles to keep
    #[arg(long, value_name = "PARTS", requires = "split", value_parser = clap::value_parser!(u64).range(2..))]
    held_out: Option<u64>,
    /// Keep only puzzles whose solution is for training, or only those held out for testing
    #[arg(long, requires = "held_out")]
    split: Option<Split>,
    #[command(flatten)]
    threads: Threads,
    #[command(flatten)]
    output: Output,
}

fn size(text: &str) -> Result<Sudoku, String> {
    let size = text.parse().ok();
    size.and_then(Sudoku::new)
        .ok_or_else(|| "expected 4, 6, 9 or 16".into())
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let generator =
        Generator::new(args.size, args.givens, args.seed).map_err(|e| UsageError(e.to_string()))?;
    let threads = args.threads.start()?;
    let held_out = HeldOut::new(args.held_out.unwrap_or(0));
    let kept = |answer: &Grid| {
        let held = held_out.contains(split::solution_class(answer));
        Split::keeps(args.split, held)
    };
    let table = Table {
        count: args.count,
        share: Split::share(args.split, held_out.parts()),
        most_not_found: 10,
        things: "solution grid",
        output: &args.output,
        split: args.split,
        tokens: (args.size.cells(), args.size.vocab_size()),
    };
    let not_found = table.write(threads, |number| match generator.puzzle(number) {
        Ok(puzzle) if kept(&puzzle.answer) => Made::Puzzle(puzzle),
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
