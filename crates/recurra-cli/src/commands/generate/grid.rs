//! `recurra generate grid`.

use super::table::{Filter, Kind, Made, Run, given};
use crate::exit::{self, Exit, UsageError};
use crate::puzzle_file::Ruled;
use crate::task::{Size, TaskName};
use recurra::tasks::Task;
use recurra::tasks::constraints::GenerateError;
use recurra::tasks::grid::Wish;
use std::path::PathBuf;

/// Puzzles with exactly one solution by declared rules
///
/// The rules say which cells differ (`permutation`, `different`), and with `proof = true` that this is all. The table has a
/// column `rating`: wrong guesses of the exact solver, empty where counting them takes too long. Each puzzle depends on the
/// rules, the seed and its own number only: the same command gives the same file on every machine and with every number of threads.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The rules: a TOML file
    #[arg(long, value_name = "FILE")]
    rules: PathBuf,
    /// Rows and columns, where the rules do not say them: 9, or 6x8 for 6 rows of 8 cells
    #[arg(long, value_name = "N|RxC")]
    size: Option<Size>,
    /// Cells given in each puzzle [default: none to spare]
    #[arg(long, value_name = "G")]
    givens: Option<usize>,
    /// Keep only puzzles of at least this rating
    #[arg(long, value_name = "R", default_value_t = 0)]
    min_rating: u64,
    #[command(flatten)]
    run: Run,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    args.run.refuse_inputs(&[("--rules", &args.rules)])?;
    let task = TaskName::of_rules(&args.rules, args.size)?;
    let generator = task.generator(args.run.seed)?;
    let cells = task.seq_len();
    if let Some(givens) = args.givens.filter(|&givens| givens >= cells) {
        let text = format!("--givens: expected less than {cells}, found {givens}");
        return Err(UsageError(text).into());
    }
    let wish = Wish {
        givens: args.givens,
        min_rating: args.min_rating,
    };
    let hard = [
        ("--givens", args.givens.is_some()),
        ("--min-rating", args.min_rating > 0),
    ];
    let kind = Kind {
        most_not_found: 10,
        others: "the other split",
        hard: given(&hard),
        things: "puzzle",
        tokens: (cells, task.vocab_size()),
        rated: true,
    };
    let not_found = args
        .run
        .write(&kind, |number| match generator.puzzle(number, wish) {
            Ok(made) if args.run.keeps(task.split_class(&made.pair)) => {
                Made::Puzzle(Ruled::new(&task, made))
            }
            Ok(_) => Made::Other(Filter::Split),
            Err(
                error @ (GenerateError::NotFound { .. }
                | GenerateError::TooEasy { .. }
                | GenerateError::Unrated { .. }),
            ) => Made::NotFound(error.into()),
            Err(error) => Made::Impossible(error.into()),
        })?;
    if not_found > 0 {
        exit::message(&format!(
            "{not_found} puzzle numbers were passed over: no puzzle as asked for was found for them"
        ));
    }
    Ok(Exit::Done)
}
