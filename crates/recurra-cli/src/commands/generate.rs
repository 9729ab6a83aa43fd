//! `recurra generate`: puzzles from a seed.

use crate::exit::{self, Exit, UsageError};
use crate::progress;
use crate::puzzle_file::{Format, PuzzleFile};
use crate::threads::Threads;
use anyhow::anyhow;
use rayon::prelude::*;
use recurra::tasks::dataset::Part;
use recurra::tasks::sudoku::{GenerateError, Generated, Generator, HeldOut, Sudoku};
use std::path::PathBuf;

/// Generate puzzles from a seed, as a CSV table with the columns `question` and `answer` or as NumPy arrays
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(clap::Subcommand)]
enum Task {
    Sudoku(SudokuArgs),
}

/// Sudoku with exactly one solution
///
/// Each puzzle depends on the seed and its own number only: the same command gives the same file on every
/// machine and with every number of threads.
#[derive(clap::Args)]
struct SudokuArgs {
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
    /// How to write them
    #[arg(long, value_enum, default_value_t = Format::Csv)]
    format: Format,
    /// File to write, or folder for --format npy; `-` is standard output
    #[arg(short, long, value_name = "OUTPUT", default_value = "-")]
    output: PathBuf,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Split {
    Train,
    Test,
}

/// Puzzle numbers in a row without a puzzle of so few givens, after which the search is hopeless.
const MOST_NOT_FOUND: u64 = 10;

/// Runs the command.
pub(crate) fn run(args: &Args) -> anyhow::Result<Exit> {
    match &args.task {
        Task::Sudoku(args) => sudoku(args),
    }
}

fn size(text: &str) -> Result<Sudoku, String> {
    let size = text.parse().ok();
    size.and_then(Sudoku::new)
        .ok_or_else(|| "expected 4, 6, 9 or 16".into())
}

fn sudoku(args: &SudokuArgs) -> anyhow::Result<Exit> {
    let generator =
        Generator::new(args.size, args.givens, args.seed).map_err(|e| UsageError(e.to_string()))?;
    let threads = args.threads.start()?;
    let part = match args.split {
        Some(Split::Test) => Part::Test,
        _ => Part::Train,
    };
    let size = (args.size.cells(), args.size.vocab_size());
    let mut out = PuzzleFile::create(&args.output, args.format, part, size)?;
    let not_found = write(args, &generator, threads, &mut out)?;
    out.finish()?;
    if not_found > 0 {
        exit::message(&format!(
            "{not_found} puzzle numbers were passed over: no puzzle with so few givens was found for them"
        ));
    }
    Ok(Exit::Done)
}

/// Writes the puzzles and returns how many puzzle numbers gave none.
fn write(
    args: &SudokuArgs,
    generator: &Generator,
    threads: usize,
    out: &mut PuzzleFile,
) -> anyhow::Result<u64> {
    let held_out = HeldOut::new(args.held_out.unwrap_or(0));
    let kept = |puzzle: &Generated| match args.split {
        None => true,
        Some(split) => held_out.contains(&puzzle.answer) == (split == Split::Test),
    };
    // Of how many puzzles one is kept.
    let share = match args.split {
        Some(Split::Test) => held_out.parts(),
        _ => 1,
    };
    // Where none is kept in thirty times as many as should do (one chance in 10^13), there is none to be had.
    let most_misses = share.saturating_mul(30).saturating_add(1000);
    let bar = progress::bar(Some(args.count), "puzzles");
    let (mut next, mut written) = (0u64, 0u64);
    let (mut misses, mut not_found, mut not_found_in_a_row) = (0, 0, 0);
    while written < args.count {
        let wanted = (args.count - written).saturating_mul(share);
        let end = next.saturating_add(wanted.min(32 * threads as u64));
        let make = |number| {
            let puzzle = generator.puzzle(number);
            if puzzle.as_ref().is_ok_and(kept) {
                bar.inc(1);
            }
            puzzle
        };
        let puzzles: Vec<_> = (next..end).into_par_iter().map(make).collect();
        for puzzle in puzzles {
            if written == args.count {
                break;
            }
            match puzzle {
                Ok(puzzle) if kept(&puzzle) => {
                    out.puzzle(&puzzle)?;
                    written += 1;
                    (misses, not_found_in_a_row) = (0, 0);
                }
                Ok(_) => {
                    (misses, not_found_in_a_row) = (misses + 1, 0);
                    if misses > most_misses {
                        return Err(anyhow!(
                            "{misses} puzzles in a row were of the other split: \
                             there seems to be no solution grid left for this one"
                        ));
                    }
                }
                Err(error @ GenerateError::NotFound { .. }) => {
                    (not_found, not_found_in_a_row) = (not_found + 1, not_found_in_a_row + 1);
                    if not_found_in_a_row == MOST_NOT_FOUND {
                        return Err(error.into());
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        next = end;
        bar.set_position(written);
    }
    bar.finish_and_clear();
    Ok(not_found)
}
