//! `recurra eval`: how often a model is right.

mod tally;

use crate::exit::{self, Exit};
use crate::input::{Puzzles, describe};
use crate::progress;
use crate::thinking::Thinking;
use anyhow::anyhow;
use indicatif::ProgressBar;
use rayon::prelude::*;
use recurra::tasks::sudoku::{Entry, Grid, Outcome, Sudoku, solver};
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tally::Tally;

/// Measure how often a model is right, on puzzles with known answers
///
/// The answers stand in the data's column `answer`; where there is none, an exact solver finds it. Shares are of the
/// puzzles answered: `exact` of those whose answer is the known one, `cell` of all their cells that are right,
/// `verified` of those whose answer is proven by the rules. `steps` says how many stopped after 1, 2, … improvement
/// steps (with --restarts: of all attempts). `seconds` is the time spent thinking. Where the data has a column
/// `rating` (wrong guesses of a solver), results are also told by level: easy 0, medium 1 to 4, hard 5 to 19,
/// extreme 20 and more.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Model file
    model: PathBuf,
    /// Puzzles; `-` is standard input
    data: PathBuf,
    /// Stop after so many puzzles
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    #[command(flatten)]
    thinking: Thinking,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Puzzles in memory at a time.
const CHUNK: usize = 1024;
/// Values that the exact solver tries on a puzzle without an answer; far above what any 9x9 puzzle needs.
const BUDGET: u64 = 1_000_000;

/// A puzzle whose answer is known.
struct Known {
    question: Grid,
    answer: Grid,
    rating: Option<u32>,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> anyhow::Result<Exit> {
    let (mut model, _) = args.thinking.solver(&args.model)?;
    let options = args.thinking.options(&model);
    let limit = args.limit.unwrap_or(u64::MAX);
    let total = count(&args.data, model.sudoku(), limit)?;
    let mut puzzles = Puzzles::open(&args.data, model.sudoku())?;
    let bar = progress::bar(total, "puzzles");
    let mut tally = Tally::default();
    let mut thinking = Duration::ZERO;
    while tally.count() < limit {
        let most = (limit - tally.count()).min(CHUNK as u64) as usize;
        let entries = puzzles.chunk(most);
        if entries.is_empty() {
            break;
        }
        let known: Vec<_> = entries.into_par_iter().map(known).collect();
        let known = accepted(known, puzzles.name(), &mut tally, &bar);
        let questions: Vec<Grid> = known.iter().map(|k| k.question.clone()).collect();
        let started = Instant::now();
        let answers = model.solve_many(&questions, &options, &|| bar.inc(1));
        thinking += started.elapsed();
        for (known, answer) in known.iter().zip(answers) {
            tally.add(known, &answer?);
        }
        bar.set_message(tally.headline());
    }
    bar.finish_and_clear();
    if tally.count() == 0 {
        return Err(anyhow!("{}: no puzzle that could be used", puzzles.name()));
    }
    let refused = tally.refused > 0;
    let report = tally.report(thinking, args.thinking.restarts());
    let text = if args.json {
        serde_json::to_string(&report)? + "\n"
    } else {
        report.table()
    };
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(Exit::refused(refused))
}

/// How many puzzles a file holds, up to the limit; only where a progress bar will be seen.
fn count(data: &Path, sudoku: Sudoku, limit: u64) -> anyhow::Result<Option<u64>> {
    if !std::io::stderr().is_terminal() || !std::fs::metadata(data).is_ok_and(|m| m.is_file()) {
        return Ok(None);
    }
    let mut puzzles = Puzzles::open(data, sudoku)?;
    let mut count = 0;
    while count < limit {
        let entries = puzzles.chunk(CHUNK);
        if entries.is_empty() {
            break;
        }
        count += entries.iter().filter(|e| e.result.is_ok()).count() as u64;
    }
    Ok(Some(count.min(limit)))
}

/// A puzzle with its answer, from the data or the exact solver; else the line and what is wrong.
fn known(entry: Entry) -> Result<Known, (u64, String)> {
    let refuse = |text: String| (entry.line, text);
    let puzzle = entry.result.map_err(|e| refuse(describe(entry.line, &e)))?;
    let answer = match puzzle.answer {
        Some(answer) => answer,
        None => {
            let found = match solver::solve(&puzzle.question, Some(BUDGET)) {
                Outcome::One(answer) => Ok(answer),
                Outcome::None => Err("none"),
                Outcome::Many(..) => Err("more than one"),
                Outcome::Unknown(_) => Err("no proof within the exact solver's limit"),
            };
            let text = |found| format!("expected exactly one solution, found {found}");
            found.map_err(|found| refuse(text(found)))?
        }
    };
    Ok(Known {
        question: puzzle.question,
        answer,
        rating: puzzle.rating,
    })
}

/// The puzzles that can be used; the others are told and counted.
fn accepted(
    known: Vec<Result<Known, (u64, String)>>,
    name: &str,
    tally: &mut Tally,
    bar: &ProgressBar,
) -> Vec<Known> {
    let mut good = Vec::with_capacity(known.len());
    for known in known {
        match known {
            Ok(known) => good.push(known),
            Err((line, text)) => {
                tally.refused += 1;
                bar.suspend(|| exit::say(&format!("{name}:{line}: {text}")));
            }
        }
    }
    good
}
