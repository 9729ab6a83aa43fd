//! `recurra generate sudoku`.

use super::table::{Filter, Kind, Made, Run, given};
use crate::exit::{self, Exit, UsageError};
use crate::puzzle_file::Written;
use recurra::tasks::sudoku::solver::rating;
use recurra::tasks::sudoku::{GenerateError, Generated, Generator, Sudoku, split};

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
    /// Keep only puzzles that are so hard; the table then has a column `rating`, the wrong guesses of the exact solver: none, 1 to
    /// 4, 5 to 19, 20 and more
    #[arg(long, value_enum)]
    level: Option<Level>,
    #[command(flatten)]
    run: Run,
}

/// How hard a puzzle is.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Level {
    Easy,
    Medium,
    Hard,
    Extreme,
}

impl Level {
    fn of(rating: u64) -> Self {
        match rating {
            0 => Level::Easy,
            1..=4 => Level::Medium,
            5..=19 => Level::Hard,
            _ => Level::Extreme,
        }
    }
}

/// A puzzle, and how hard it is where that was asked for.
struct Rated(Generated, Option<u64>);

impl Written for Rated {
    fn fields(&self) -> [String; 2] {
        self.0.fields()
    }

    fn tokens(&self) -> [Vec<u16>; 2] {
        self.0.tokens()
    }

    fn rating(&self) -> Option<u64> {
        self.1
    }
}

/// Values tried to rate a puzzle: what takes longer is of no level.
const RATING_BUDGET: u64 = 10_000_000;

fn size(text: &str) -> Result<Sudoku, String> {
    let size = text.parse().ok();
    size.and_then(Sudoku::new)
        .ok_or_else(|| "expected 4, 6, 9 or 16".into())
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let generator = Generator::new(args.size, args.givens, args.run.seed)
        .map_err(|e| UsageError(e.to_string()))?;
    let hard = [
        ("--givens", args.givens.is_some()),
        ("--level", args.level.is_some()),
    ];
    let kind = Kind {
        most_not_found: 10,
        others: match args.level {
            None => "the other split",
            Some(_) => "another level or the other split",
        },
        hard: given(&hard),
        things: match args.level {
            None => "solution grid",
            Some(_) => "puzzle of this level",
        },
        tokens: (args.size.cells(), args.size.vocab_size()),
        rated: args.level.is_some(),
    };
    let not_found = args
        .run
        .write(&kind, |number| match generator.puzzle(number) {
            Ok(puzzle) if args.run.keeps(split::solution_class(&puzzle.answer)) => {
                let level = args
                    .level
                    .map(|level| (level, rating(&puzzle.question, Some(RATING_BUDGET))));
                match level {
                    None => Made::Puzzle(Rated(puzzle, None)),
                    Some((level, Some(found))) if Level::of(found) == level => {
                        Made::Puzzle(Rated(puzzle, Some(found)))
                    }
                    Some(_) => Made::Other(Filter::Level),
                }
            }
            Ok(_) => Made::Other(Filter::Split),
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
