//! `recurra eval`: how often a model is right.

mod arc;
mod curves;
mod report;
mod tally;
mod versus;

use crate::arc::{ArcFlags, is_arc};
use crate::exit::{self, Exit, UsageError, message};
use crate::general::GENERAL;
use crate::input::Puzzles;
use crate::known::{self, Known, Refused};
use crate::output::refuse_inputs;
use crate::progress;
use crate::puzzle_file::{Format, PuzzleFile, Ruled};
use crate::record::{MOST_READINGS, Recorder};
use crate::shipped;
use crate::signals::Stop;
use crate::thinking::Thinking;
use anyhow::anyhow;
use recurra::solver::CancelToken;
use recurra::tasks::Task;
use recurra::tasks::dataset::Part;
use recurra::tasks::task::Tokens;
use recurra::{SolveOptions, Solver};
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tally::Tally;
use versus::{Pairs, Versus};

/// Measure how often a model is right, on puzzles with known answers
///
/// The answers are in the data's column `answer`; where it is empty, an exact solver finds them. Shares are of the
/// puzzles answered: `exact` of those whose answer is the known one, `cell` of all their cells that are right,
/// `verified` of those whose answer is proven by the rules (null where the task has none that prove an answer); `verified_other` counts those of them that are not the known
/// answer: none if a question has one answer only. For mazes, `valid` and `shortest` are the shares of answers that are
/// a path, and a shortest one. `steps` counts how many stopped after 1, 2, … improvement
/// steps (with --restarts: of all attempts), `exact_by_steps` gives the share of these that is right, `stopped` the reasons. `seconds` is
/// the time spent thinking, `mean_seconds` and `p99_seconds` that of one puzzle on one thread: the mean, and what 99 of
/// 100 puzzles do not exceed. Where the data has a column
/// `rating` (wrong guesses of a solver), results are also given by level: easy 0, medium 1 to 4, hard 5 to 19,
/// extreme 20 and more.
///
/// A model of vectors is measured on pairs, as `recurra train --task vectors` takes them: `recall_at_1`, `recall_at_10` and `mrr` among
/// all different answers of the file, and the same of the raw vectors. With --max-steps exactly that many steps are done.
///
/// A model for ARC-AGI is measured on the tasks in a file or folder, those for evaluation if it has any: every form of a test
/// input that the model learnt is asked, the answers are voted over by count and mean halting probability, and the best two
/// are the attempts. `pass@1` and `pass@2` are given by task (the mean share of its test inputs solved, as ARC Prize and the
/// reference implementation count), by output (as Kaggle counts), and by tasks solved whole. Tasks that the model has not
/// learnt count as not solved.
#[derive(clap::Args)]
#[command(override_usage = "recurra eval [OPTIONS] <MODEL>... <DATA>")]
pub(crate) struct Args {
    /// Model files. Several models of one task get the same puzzles and are compared side by side, with 95 % intervals and the number
    /// of puzzles on which only one of them is right
    #[arg(value_parser = shipped::model())]
    model: PathBuf,
    /// Puzzles; `-` is standard input
    // With a list of models before a last argument, no flag could stand between them.
    #[arg(value_name = "DATA", required = true)]
    others_and_data: Vec<PathBuf>,
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
    /// Write the puzzles that were answered wrongly into this table, which every command reads
    #[arg(long, value_name = "FILE")]
    failures: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long, help_heading = GENERAL)]
    json: bool,
}

/// Puzzles in memory at a time.
const CHUNK: usize = 1024;

/// A model, how it thinks, and what became of that so far.
struct Contender {
    file: String,
    solver: Solver,
    options: SolveOptions,
    tally: Tally,
    thinking: Duration,
    /// Puzzles of each kind against the first model.
    pairs: Pairs,
}

impl Contender {
    fn open(args: &Args, model: &Path, cancel: &CancelToken) -> anyhow::Result<Self> {
        let (_, solver, _) = args.thinking.solver(model)?;
        let mut options = args.thinking.options(&solver)?;
        options.cancel = cancel.clone();
        Ok(Contender {
            file: model.display().to_string(),
            solver,
            options,
            tally: Tally::default(),
            thinking: Duration::ZERO,
            pairs: Pairs::default(),
        })
    }

    /// Answers puzzles and counts them. Says of each whether the answer is the known one, and whether the rules prove it; nothing
    /// where the answer was cancelled.
    fn answer(
        &mut self,
        known: &[Known],
        done: &(dyn Fn() + Sync),
    ) -> anyhow::Result<Vec<Option<[bool; 2]>>> {
        let questions: Vec<Tokens> = known.iter().map(|k| k.pair.question.clone()).collect();
        let task = self.solver.task()?.clone();
        let started = Instant::now();
        let answers = self.solver.solve_many(&questions, &self.options, done)?;
        self.thinking += started.elapsed();
        let known = known.iter().zip(answers);
        let judged = known.map(|(known, answer)| match answer {
            Err(recurra::Error::Cancelled) => Ok(None),
            answer => {
                let answer = answer?;
                let exact = self.tally.add(&*task, known, &answer);
                Ok(Some([exact, answer.verified == Some(true)]))
            }
        });
        judged.collect()
    }
}

impl Args {
    /// The models.
    fn models(&self) -> Vec<PathBuf> {
        let (_, others) = self.split();
        let others = others.iter().map(|other| shipped::by_name(other.clone()));
        std::iter::once(self.model.clone()).chain(others).collect()
    }

    /// The puzzles.
    fn data(&self) -> &Path {
        self.split().0
    }

    fn split(&self) -> (&PathBuf, &[PathBuf]) {
        let split = self.others_and_data.split_last();
        split.expect("a required argument has a value")
    }
}

/// Refuses what one model only can be asked for, and to write over what is read.
fn refuse(args: &Args, models: &[PathBuf]) -> anyhow::Result<()> {
    let several = models.len() > 1;
    let alone = [
        ("--curves", args.curves.is_some()),
        ("--failures", args.failures.is_some()),
        ("--adaptive", args.thinking.learns()),
    ];
    if let Some((flag, _)) = alone.iter().find(|(_, given)| several && *given) {
        let text = format!("{flag}: expected one model, found {}", models.len());
        return Err(UsageError(text).into());
    }
    if several && models.iter().any(|model| is_arc(model)) {
        let text = "MODEL: expected one model for ARC-AGI, found several models";
        return Err(UsageError(text.into()).into());
    }
    let outputs = [
        ("--failures", &args.failures),
        ("--submission", args.arc.file()),
    ];
    let outputs = outputs.into_iter();
    let outputs = outputs.filter_map(|(flag, path)| Some((flag, path.as_deref()?)));
    let models = models.iter().map(|model| ("MODEL", model.as_path()));
    let inputs: Vec<_> = models.chain([("DATA", args.data())]).collect();
    refuse_inputs(&outputs.collect::<Vec<_>>(), &inputs)?;
    Ok(())
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> anyhow::Result<Exit> {
    let models = args.models();
    refuse(args, &models)?;
    if is_arc(&args.model) {
        if args.failures.is_some() {
            let text = "--failures: expected a model of another task than ARC-AGI";
            return Err(UsageError(text.into()).into());
        }
        return arc::run(args);
    }
    args.arc.refuse()?;
    if models.iter().any(|model| crate::vectors::is_vectors(model)) {
        if models.len() > 1 {
            let text = "MODEL: expected one model of vectors, found several models";
            return Err(UsageError(text.into()).into());
        }
        let (steps, threads) = args.thinking.vectors()?;
        return crate::vectors::eval(&args.model, args.data(), steps, threads, args.json);
    }
    let cancel = CancelToken::default();
    let models = models.iter();
    let models = models.map(|model| Contender::open(args, model, &cancel));
    let mut models = models.collect::<anyhow::Result<Vec<_>>>()?;
    let task = models[0].solver.task()?.clone();
    for other in &models[1..] {
        let found = other.solver.task()?.spec();
        if found != task.spec() {
            return Err(UsageError(format!(
                "{}: expected a model of {}, as {} is, found one of {found}",
                other.file,
                task.spec(),
                models[0].file
            ))
            .into());
        }
    }
    let mut recorder = recorder(args, models[0].options.stop.max_steps)?;
    let limit = args.limit.unwrap_or(u64::MAX);
    let total = count(args.data(), &*task, limit)?;
    let mut puzzles = Puzzles::open(args.data(), &*task)?;
    let tokens = (task.seq_len(), task.vocab_size());
    let table = |path: &PathBuf| PuzzleFile::create(path, Format::Csv, Part::Test, tokens, true);
    let mut failures = args.failures.as_ref().map(table).transpose()?;
    let all = total.map(|total| total * models.len() as u64);
    let bar = progress::bar(
        all,
        if models.len() > 1 {
            "answers"
        } else {
            "puzzles"
        },
    );
    let mut refused = Refused::default();
    let first = AtomicBool::new(false);
    let stop = Stop::listen(move |_| cancel.cancel())?;
    while models[0].tally.count() < limit && stop.asked().is_none() {
        let most = (limit - models[0].tally.count()).min(CHUNK as u64) as usize;
        let Some(known) = known::chunk(&mut puzzles, &*task, most, &mut refused, &bar) else {
            break;
        };
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
        let mut by_first = Vec::new();
        for model in &mut models {
            let judged = model.answer(&known, &done)?;
            if by_first.is_empty() {
                by_first.clone_from(&judged);
            }
            for (first, this) in by_first.iter().zip(judged) {
                if let (Some([first, _]), Some([this, _])) = (first, this) {
                    model.pairs[usize::from(this) + 2 * usize::from(*first)] += 1;
                }
            }
        }
        if let Some(file) = &mut failures {
            for (known, judged) in known.iter().zip(&by_first) {
                if *judged == Some([false, false]) {
                    let rating = known.rating.map(u64::from);
                    file.puzzle(&Ruled::of(&*task, known.pair.clone(), rating), true)?;
                }
            }
        }
        bar.set_message(models[0].tally.headline());
        if let Some(recorder) = recorder.as_mut().filter(|_| stop.asked().is_none()) {
            recorder.add(&models[0].solver, &known, &|| {})?;
        }
    }
    bar.finish_and_clear();
    refused.tell_rest(puzzles.name());
    let answered = |model: &Contender| model.tally.count();
    if stop.asked().is_some() {
        let done = models.iter().map(answered).min().unwrap_or(0);
        let all = total.map_or("".into(), |n| format!(" of {n}"));
        message(&format!(
            "interrupted: what is told here is of {done}{all} puzzles"
        ));
    }
    let none = models.iter().any(|model| answered(model) == 0);
    if let (Some(signal), true) = (stop.asked(), none) {
        return Ok(Exit::Interrupted(signal));
    }
    if none {
        return Err(anyhow!("{}: no puzzle that could be used", puzzles.name()));
    }
    if let Some(file) = failures {
        file.finish()?;
    }
    // An interrupted run has recorded fewer puzzles than it has answered.
    if let (Some(folder), Some(recorder), None) = (&args.curves, &recorder, stop.asked()) {
        let restarts = args.thinking.restarts();
        let by_restarts = restarts.then(|| models[0].tally.by_restarts());
        curves::write(folder, &recorder.trajectories, by_restarts.as_deref())?;
    }
    args.thinking.keep(&models[0].solver)?;
    let reports = models.into_iter().map(|mut model| {
        model.tally.refused = refused.count;
        let report = model.tally.report(model.thinking, args.thinking.restarts());
        (model.file, report, model.pairs)
    });
    let mut reports: Vec<_> = reports.collect();
    let text = if reports.len() > 1 {
        let versus = Versus::new(reports);
        match args.json {
            true => serde_json::to_string(&versus)? + "\n",
            false => versus.table(),
        }
    } else {
        let (_, report, _) = reports.remove(0);
        match args.json {
            true => serde_json::to_string(&report)? + "\n",
            false => report.table(),
        }
    };
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(match stop.asked() {
        Some(signal) => Exit::Interrupted(signal),
        None => Exit::refused(refused.count > 0),
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
    let mut puzzles = Puzzles::open(data, task)?.without_notes();
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
