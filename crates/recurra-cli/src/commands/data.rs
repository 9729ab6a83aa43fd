//! `recurra data`: what is in a set of puzzles.

mod distribution;
mod keys;
mod part;
mod problems;
mod report;
mod rules;

use crate::exit::{self, Exit, UsageError};
use crate::general::GENERAL;
use crate::task::TaskName;
use part::{Part, PuzzleKind};
use report::{Leaks, Report};
use rules::Table;
use std::io::Write;
use std::path::PathBuf;

/// Look at sets of puzzles
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    Check(CheckArgs),
}

/// Find what is wrong with puzzles: duplicates, leaks between training and test, wrong answers
///
/// FILE is a text of puzzles, or a folder of NumPy arrays in the form of published data sets; if it has `train` and
/// `test`, both are read. With OTHER, or with both parts, questions and solutions that are in both are found too.
///
/// These are errors, named by line (or row): lines that cannot be read, answers that break the rules, questions without
/// exactly one solution, questions that occur twice, and questions that occur in both sets: as they are, under the task's
/// symmetries, or as another question with the same solution. Within one set, symmetric questions and common solutions
/// are only counted, since augmented data has them on purpose. Tasks without rules known here are checked for
/// duplicates and leaks of questions alone; anything not checked is reported as such, and is null with --json. Ten places of each cause
/// are listed, then their number. For a table of your own use `--task grid`, with its rules and symmetries; if
/// the rules only say which cells differ, and are a proof, the solutions of each question are counted.
///
/// Memory: a key of 16 bytes for each of question, symmetric form and solution, 48 bytes per puzzle. The exit status is 1 if
/// anything is wrong.
#[derive(clap::Args)]
struct CheckArgs {
    /// Puzzles
    #[arg(value_name = "FILE|DIR")]
    data: PathBuf,
    /// Puzzles that must have nothing in common with them
    #[arg(value_name = "OTHER")]
    other: Option<PathBuf>,
    /// What the puzzles are, where they do not tell by themselves
    #[arg(long, value_enum)]
    task: Option<TaskName>,
    /// What holds for the answers of a table, and its symmetries: a TOML file
    #[arg(long, value_name = "FILE", requires = "task")]
    rules: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long, help_heading = GENERAL)]
    json: bool,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> anyhow::Result<Exit> {
    match &args.what {
        What::Check(args) => check(args),
    }
}

fn check(args: &CheckArgs) -> anyhow::Result<Exit> {
    let told = match args.task {
        None => None,
        Some(TaskName::Grid) => {
            let task = TaskName::of_table(&args.data, args.rules.as_deref(), None)?;
            Some(PuzzleKind::Table(Table(task)))
        }
        Some(_) => {
            let text = "--task: expected `grid`; other puzzles say by themselves what they are";
            return Err(UsageError(text.into()).into());
        }
    };
    let mut parts: Vec<Part> = Vec::new();
    let mut report = Report::default();
    for path in [Some(&args.data), args.other.as_ref()]
        .into_iter()
        .flatten()
    {
        for (path, which) in part::parts_of(path)? {
            let task = parts
                .first()
                .map(|part| (part.kind.clone(), &part.name[..]));
            let part = Part::check(&path, which, told.as_ref(), task, &mut report.problems)?;
            parts.push(part);
        }
    }
    for part in &mut parts {
        report.add(part);
    }
    for (i, one) in parts.iter().enumerate() {
        for other in &parts[i + 1..] {
            let leaks = Leaks::between(one, other, &mut report.problems);
            report.leaks.push(leaks);
        }
    }
    report.problems.tell_rest();
    let wrong = report.finish();
    let text = if args.json {
        serde_json::to_string(&report)? + "\n"
    } else {
        report.table()
    };
    std::io::stdout().lock().write_all(text.as_bytes())?;
    if wrong && !args.json {
        exit::message("something is wrong with these puzzles");
    }
    Ok(Exit::refused(wrong))
}
