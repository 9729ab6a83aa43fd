//! `recurra eval`: how often a model is right.

mod arc;
mod curves;
mod report;
mod tally;

use crate::arc::{ArcFlags, is_arc};
use crate::general::GENERAL;
use crate::exit::{self, Exit, UsageError, message};
use crate::input::Puzzles;
use crate::known;
use crate::progress;
use crate::record::{MOST_READINGS, Recorder};
use crate::signals::Stop;
use crate::thinking::Thinking;
use anyhow::anyhow;
use recurra::tasks::Task;
use recurra::tasks::task::Tokens;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tally::Tally;

/// Measure how often a model is right, on puzzles with known answers
///
/// The answers stand in the data's column `answer`; where there is none, an exact solver finds it. Shares are of the
/// puzzles answered: `exact` of those whose answer is the known one, `cell` of all their cells that are right,
/// `verified` of those whose answer is proven by the rules; `verified_other` counts those of them that are not the known
/// answer: none where a question has one answer only. For mazes, `valid` and `shortest` are the shares of answers that are
/// a path, and a shortest one. `steps` says how many stopped after 1, 2, … improvement
/// steps (with --restarts: of all attempts), `exact_by_steps` which share of these is right, `stopped` why. `seconds` is
/// the time spent thinking, `mean_seconds` and `p99_seconds` that of one puzzle on one thread: the mean, and what 99 of
/// 100 puzzles do not exceed. Where the data has a column
/// `rating` (wrong guesses of a solver), results are also told by level: easy 0, medium 1 to 4, hard 5 to 19,
/// extreme 20 and more.
///
/// A model for ARC-AGI is measured on the tasks in a file or folder, those for evaluation if it has any: every form of a test
/// input that the model learnt is asked, the answers are voted over by count and mean halting probability, and the best two
/// are the attempts. `pass@1` and `pass@2` are told by task (the mean share of its test inputs solved, as ARC Prize and the
/// reference implementation count), by output (as Kaggle counts), and by tasks solved whole. Tasks that the model has not
/// learnt count as not solved.
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
    #[command(flatten)]
    arc: ArcFlags,
    /// Also think the most steps about each puzzle, and write into this folder, as CSV and SVG: exact accuracy against
    /// mean steps for all settings of each stop rule, the steps that puzzles needed and, with --restarts, accuracy
    /// against restarts
    #[arg(long, value_name = "DIR")]
    curves: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long, help_heading = GENERAL)]
    json: bool,
}

/// Puzzles in memory at a time.
const CHUNK: usize = 1024;
/// Runs the command.
pub(crate) fn run(args: &Args) -> anyhow::Result<Exit> {
    if is_arc(&args.model) {
        return arc::run(args);
    }
    args.arc.refuse()?;
    let (_, model, _) = args.thinking.solver(&args.model)?;
    let options = args.thinking.options(&model)?;
    let task = model.task()?.clone();
    let mut recorder = recorder(args, options.stop.max_steps)?;
    let limit = args.limit.unwrap_or(u64::MAX);
    let total = count(&args.data, &*task, limit)?;
    let mut puzzles = Puzzles::open(&args.data, &*task)?;
    let bar = progress::bar(total, "puzzles");
    let mut tally = Tally::default();
    let mut thinking = Duration::ZERO;
    let first = AtomicBool::new(false);
    let cancel = options.cancel.clone();
    let stop = Stop::listen(move |_| cancel.cancel())?;
    while tally.count() < limit && stop.asked().is_none() {
        let most = (limit - tally.count()).min(CHUNK as u64) as usize;
        let Some(known) = known::chunk(&mut puzzles, &*task, most, &mut tally.refused, &bar) else {
            break;
        };
        let questions: Vec<Tokens> = known.iter().map(|k| k.pair.question.clone()).collect();
        let started = Instant::now();
        let done = || {
            if !first.swap(true, Ordering::Relaxed) {
                exit::detail(|| {
                    format!(
                        "first answer after {:.3} s",
                        started.elapsed().as_secs_f64()
                    )
                });
            }
            bar.inc(1);
        };
        let answers = model.solve_many(&questions, &options, &done)?;
        thinking += started.elapsed();
        for (known, answer) in known.iter().zip(answers) {
            match answer {
                Err(recurra::Error::Cancelled) => {}
                answer => tally.add(&*task, known, &answer?),
            }
        }
        bar.set_message(tally.headline());
        if let Some(recorder) = recorder.as_mut().filter(|_| stop.asked().is_none()) {
            recorder.add(&model, &known, &|| {})?;
        }
    }
    bar.finish_and_clear();
    if stop.asked().is_some() {
        let (done, all) = (
            tally.count(),
            total.map_or("".into(), |n| format!(" of {n}")),
        );
        message(&format!(
            "interrupted: what is told here is of {done}{all} puzzles"
        ));
    }
    if let (Some(signal), 0) = (stop.asked(), tally.count()) {
        return Ok(Exit::Interrupted(signal));
    }
    if tally.count() == 0 {
        return Err(anyhow!("{}: no puzzle that could be used", puzzles.name()));
    }
    // An interrupted run has recorded fewer puzzles than it has answered.
    if let (Some(folder), Some(recorder), None) = (&args.curves, &recorder, stop.asked()) {
        let by_restarts = args.thinking.restarts().then(|| tally.by_restarts());
        curves::write(folder, &recorder.trajectories, by_restarts.as_deref())?;
    }
    let refused = tally.refused > 0;
    let report = tally.report(thinking, args.thinking.restarts());
    args.thinking.keep(&model)?;
    let text = if args.json {
        serde_json::to_string(&report)? + "\n"
    } else {
        report.table()
    };
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(match stop.asked() {
        Some(signal) => Exit::Interrupted(signal),
        None => Exit::refused(refused),
    })
}

/// What records trajectories, if curves are wanted.
fn recorder(args: &Args, max_steps: usize) -> anyhow::Result<Option<Recorder>> {
    let Some(folder) = &args.curves else {
        return Ok(None);
    };
    if max_steps > MOST_READINGS {
        let text = format!("--curves: expected at most {MOST_READINGS} steps, found {max_steps}");
        return Err(UsageError(text).into());
    }
    // Better now than after an hour.
    std::fs::create_dir_all(folder).map_err(|e| anyhow!("{}: {e}", folder.display()))?;
    Ok(Some(Recorder::new(max_steps)))
}

/// How many puzzles a file holds, up to the limit; only where a progress bar will be seen.
fn count(data: &Path, task: &dyn Task, limit: u64) -> anyhow::Result<Option<u64>> {
    if !std::io::stderr().is_terminal() || !std::fs::metadata(data).is_ok_and(|m| m.is_file()) {
        return Ok(None);
    }
    let mut puzzles = Puzzles::open(data, task)?;
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
