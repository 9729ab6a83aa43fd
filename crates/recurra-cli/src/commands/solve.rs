//! `recurra solve`: puzzles in, answers out, in the same order.

mod arc;

use crate::arc::{ArcFlags, is_arc};
use crate::cache::{self, CacheFlags};
use crate::exit::{self, Causes, Exit, UsageError};
use crate::general::GENERAL;
use crate::input::Puzzles;
use crate::output::{Sink, refuse_inputs};
use crate::progress;
use crate::shipped;
use crate::signals::Stop;
use crate::terminal::Screen;
use crate::thinking::Thinking;
use anyhow::anyhow;
use indicatif::ProgressBar;
use recurra::cache::TrmCache;
use recurra::solver::{Refusal, Source};
use recurra::tasks::Task;
use recurra::tasks::task::Entry;
use recurra::{Answer, Event, SolveOptions, Solver};
use serde::Serialize;
use std::collections::VecDeque;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Answer puzzles and check every answer against the rules
///
/// Puzzles come one per line (`.` or `0` for blank), drawn over several lines, as a table (CSV) with a column `question` or
/// `puzzle`, as JSON, as XML of OpenSudoku, or as NumPy arrays; any of them may be packed with gzip or zip. They must have exactly one solution. Bad
/// lines are refused, and the others are still answered; the exit status is 1 if anything was refused. Ten lines of each
/// cause are listed, then their number (with --json, all of them).
///
/// On a terminal each puzzle is drawn while the model thinks. Elsewhere each answer is one line of three columns,
/// separated by tabs: the answer in the puzzle's one-line form, `verified` or `unverified`, and the number of
/// improvement steps; the puzzle's `id` is a fourth, where the input has that column. With --json it is one object, with the `id` behind the line:
/// {"line":1,"question":"…","answer":"…","verified":true,"steps":3,"restarts":0,"stopped":"verified","halt":4.2,"seconds":0.0123,"source":"model"}
/// or {"line":2,"error":"…"}. With --cache or --cache-memory the source is `exact` (known, in memory) or `stored` (on disk)
/// for cached answers, which take no steps.
///
/// A model of vectors takes one JSON object per line with --json: {"question":[…],"initial":[…]}, numbers of one vector or more, and the
/// vector to move (without it, the question's first). It answers {"line":1,"vector":[…],"confidence":0.9,"steps":2,"refined":true,
/// "stopped":"halt"}; if it is not sure enough, `refined` is false and the vector is the given one.
///
/// A model for ARC-AGI answers the test inputs of the tasks in a file or folder: two attempts each, in the competition's
/// form, on standard output or in the file that `--submission` names.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Model file, or the name of a shipped model such as sudoku9: looked for in the folder RECURRA_MODELS, in `models` here, and
    /// beside the program
    #[arg(value_parser = shipped::model())]
    model: PathBuf,
    /// Puzzles, one file after the other; `-` is standard input, which is answered line by line
    #[arg(value_name = "FILE", default_value = "-")]
    files: Vec<PathBuf>,
    /// Write the answers to this file, which appears when all are done, or when a signal ends the program
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Print one JSON object a line; with several files it names its own
    #[arg(long, help_heading = GENERAL)]
    json: bool,
    /// Pairs or passages that each step of a model of vectors retrieves from, where it does
    #[arg(long, value_name = "PAIRS")]
    passages: Option<PathBuf>,
    /// Exit with status 3 if an answer was not verified
    #[arg(long)]
    fail_unverified: bool,
    #[command(flatten)]
    thinking: Thinking,
    #[command(flatten)]
    cache: CacheFlags,
    #[command(flatten)]
    arc: ArcFlags,
}

/// Most puzzles that are thought about before any of them is answered.
const CHUNK: usize = 256;
/// Steps that wait to be drawn; more are left out.
const EVENTS: usize = 64;
/// How long the answers of a chunk may take before the next is made smaller.
const PATIENCE: Duration = Duration::from_secs(1);

/// Runs the command.
pub(crate) fn run(args: &Args) -> anyhow::Result<Exit> {
    let outputs = [
        ("--output", &args.output),
        ("--submission", args.arc.file()),
    ];
    let outputs = outputs.into_iter();
    let outputs: Vec<_> = outputs
        .filter_map(|(flag, path)| Some((flag, path.as_deref()?)))
        .collect();
    let files = args.files.iter().map(|file| ("FILE", file.as_path()));
    let inputs: Vec<_> = files.chain([("MODEL", args.model.as_path())]).collect();
    refuse_inputs(&outputs, &inputs)?;
    if is_arc(&args.model) {
        return arc::run(args);
    }
    args.arc.refuse()?;
    if crate::vectors::is_vectors(&args.model) {
        return vectors(args);
    }
    if args.passages.is_some() {
        let text = "--passages: expected a model of vectors, found one of puzzles";
        return Err(UsageError(text.into()).into());
    }
    let (model, solver, threads) = args.thinking.solver(&args.model)?;
    let (solver, cache) = args.cache.attach(solver, &model)?;
    let options = args.thinking.options(&solver)?;
    let task = solver.task()?.clone();
    // Missing files are told before the first is answered.
    for path in args
        .files
        .iter()
        .filter(|path| path.as_path() != Path::new("-"))
    {
        std::fs::metadata(path).map_err(|e| anyhow!("{}: {e}", path.display()))?;
    }
    let sink = Arc::new(Mutex::new(Some(Sink::create(args.output.as_deref())?)));
    if args.thinking.learns() || cache.is_some() || args.output.is_some() {
        keep_on_signals(args, &solver, cache.as_ref(), &sink)?;
    }
    let drawn = !args.json && args.output.is_none() && io::stdout().is_terminal();
    let mut screen = drawn.then(|| Screen::new(task.clone()));
    let mut printer = Printer {
        task,
        sink: sink.clone(),
        name: String::new(),
        json: args.json,
        several: args.files.len() > 1,
        bar: ProgressBar::hidden(),
        refused: false,
        causes: Causes::default(),
        tried_once: options.restarts == 0,
        unverified: 0,
        answered: 0,
    };
    let mut size = threads.clamp(1, CHUNK);
    for file in &args.files {
        let mut puzzles = Puzzles::open(file, &*printer.task)?;
        if puzzles.typed() {
            exit::note("reading puzzles from the terminal, one a line; Ctrl-D ends");
        }
        if !drawn && !puzzles.typed() {
            printer.bar = progress::bar(None, "puzzles");
        }
        puzzles.name().clone_into(&mut printer.name);
        let mut any = false;
        loop {
            let entries = puzzles.chunk(size);
            if entries.is_empty() {
                break;
            }
            any = true;
            let started = Instant::now();
            match &mut screen {
                Some(screen) => printer.draw(entries, &solver, &options, screen, threads)?,
                None => printer.print(entries, &solver, &options)?,
            }
            // The first answers come soon, and many quick ones do not wait for the slowest of a few.
            if started.elapsed() < PATIENCE {
                size = (size * 2).min(CHUNK);
            } else {
                size = (size / 2).max(threads.min(CHUNK));
            }
        }
        printer.bar.finish_and_clear();
        printer.causes.tell_rest(&printer.name);
        if !any {
            return Err(anyhow!("{}: no puzzle in it", printer.name));
        }
    }
    if let Some(sink) = lock(&sink).take() {
        sink.finish()?;
    }
    args.thinking.keep(&solver)?;
    if let Some(cache) = &cache {
        cache::finish(cache)?;
    }
    let (answered, unverified) = (printer.answered, printer.unverified);
    exit::detail(|| {
        format!(
            "{} answered, {unverified} of them not verified",
            exit::count(answered, "puzzle")
        )
    });
    Ok(match unverified {
        1.. if args.fail_unverified && !printer.refused => Exit::Unverified,
        _ => Exit::refused(printer.refused),
    })
}

/// Keeps the answers, what was learnt, and what waits for the disk when a signal ends the program: also while it waits for input.
fn keep_on_signals(
    args: &Args,
    solver: &Solver,
    cache: Option<&Arc<TrmCache>>,
    sink: &Arc<Mutex<Option<Sink>>>,
) -> anyhow::Result<()> {
    let (thinking, solver, cache) = (args.thinking.clone(), solver.clone(), cache.cloned());
    let (sink, output) = (sink.clone(), args.output.clone());
    Stop::listen(move |signal| {
        // Nobody writes a line while this has the lock, and none is written any more.
        let mut sink = lock(&sink);
        let written = sink.take().map_or(Ok(()), Sink::finish);
        if let (Ok(()), Some(output)) = (&written, &output) {
            exit::note(&format!(
                "interrupted; {} has the answers so far",
                output.display()
            ));
        }
        let kept = written.and_then(|()| thinking.keep(&solver));
        let kept = kept.and_then(|()| cache.as_deref().map_or(Ok(()), cache::finish));
        if let Err(error) = kept {
            exit::message(&error.to_string());
        }
        std::process::exit(128 + signal);
    })?;
    Ok(())
}

/// Gives what happens to a puzzle to who draws it. Who thinks never waits: what would have to wait is left out, but for the answer.
fn pass_on(sender: &SyncSender<recurra::Result<Event>>, event: Event) {
    match event {
        Event::Answer(_) => sender.send(Ok(event)).ok(),
        _ => sender.try_send(Ok(event)).ok(),
    };
}

/// A panic elsewhere leaves whole lines.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Answers with a model of vectors.
fn vectors(args: &Args) -> anyhow::Result<Exit> {
    let [file] = &args.files[..] else {
        let text = "FILE: expected one file of vectors, found several";
        return Err(UsageError(text.into()).into());
    };
    if args.output.is_some() {
        let text = "--output: expected a model of puzzles, found one of vectors, whose answers go to standard output";
        return Err(UsageError(text.into()).into());
    }
    let (steps, threads) = args.thinking.vectors()?;
    crate::vectors::solve(
        &args.model,
        file,
        steps,
        args.passages.as_deref(),
        threads,
        args.json,
    )
}

/// Where answers and refusals go.
struct Printer {
    task: Arc<dyn Task>,
    sink: Arc<Mutex<Option<Sink>>>,
    /// Of the file whose puzzles are answered.
    name: String,
    json: bool,
    /// Whether there are other files.
    several: bool,
    bar: ProgressBar,
    refused: bool,
    causes: Causes,
    /// Whether nobody asked for restarts, and nobody was told of them.
    tried_once: bool,
    unverified: u64,
    answered: u64,
}

/// An object of `--json`, with its file where there are several.
#[derive(Serialize)]
struct Object<'a, T> {
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    #[serde(flatten)]
    object: T,
}

impl Printer {
    /// Thinks about a chunk and prints its answers.
    fn print(
        &mut self,
        mut entries: Vec<Entry>,
        solver: &Solver,
        options: &SolveOptions,
    ) -> anyhow::Result<()> {
        if entries.len() == 1 {
            // One question gets all threads.
            let entry = entries.remove(0);
            let answered = (entry.line, solver.ask_with(entry, options));
            self.tell(answered)?;
        } else {
            let lines: Vec<u64> = entries.iter().map(|entry| entry.line).collect();
            let answers = solver.ask_many(entries, options)?;
            for answered in lines.into_iter().zip(answers) {
                self.tell(answered)?;
            }
        }
        lock(&self.sink).as_mut().map_or(Ok(()), Sink::flush)
    }

    /// Writes a line.
    fn line(&mut self, text: &str) -> anyhow::Result<()> {
        match lock(&self.sink).as_mut() {
            Some(sink) => sink.line(text),
            // A signal has ended it.
            None => Ok(()),
        }
    }

    /// Writes an object.
    fn object<T: Serialize>(&mut self, object: T) -> anyhow::Result<()> {
        let file = self.several.then_some(&self.name[..]);
        let text = serde_json::to_string(&Object { file, object })?;
        self.line(&text)
    }

    fn counted(&mut self, answer: &Answer) {
        self.answered += 1;
        self.unverified += u64::from(answer.verified != Some(true));
    }

    fn tell(&mut self, (line, result): (u64, recurra::Result<Answer>)) -> anyhow::Result<()> {
        match result {
            Ok(answer) => {
                self.bar.inc(1);
                self.answer(&answer)?;
            }
            Err(error) => self.refuse(line, error.to_string())?,
        }
        Ok(())
    }

    fn answer(&mut self, answer: &Answer) -> anyhow::Result<()> {
        self.counted(answer);
        if self.json {
            return self.object(answer);
        }
        let verdict = match answer.verified {
            Some(true) => "verified",
            Some(false) => "unverified",
            None => "unchecked",
        };
        let mut line = format!("{}\t{verdict}\t{}", answer.text, answer.steps);
        if let Some(id) = &answer.id {
            // A tab in it would look like another column.
            line += "\t";
            line += &exit::printable(id);
        }
        self.line(&line)
    }

    fn refuse(&mut self, line: u64, error: String) -> anyhow::Result<()> {
        self.refused = true;
        if self.json {
            return self.object(Refusal { line, error });
        }
        if !self.causes.add(&error) {
            return Ok(());
        }
        // In their place among the answers, where both go to one terminal or file.
        lock(&self.sink).as_mut().map_or(Ok(()), Sink::flush)?;
        let name = &self.name;
        self.bar
            .suspend(|| exit::say(&format!("{name}:{line}: {error}")));
        Ok(())
    }

    /// Draws puzzles while the solver thinks about them on threads of its own: it never waits for a picture.
    fn draw(
        &mut self,
        mut entries: Vec<Entry>,
        solver: &Solver,
        options: &SolveOptions,
        screen: &mut Screen,
        threads: usize,
    ) -> anyhow::Result<()> {
        let question = |entry: &Entry| {
            let puzzle = entry.result.as_ref();
            puzzle
                .map(|puzzle| puzzle.question.clone())
                .unwrap_or_default()
        };
        if entries.len() == 1 {
            // One question gets all threads.
            let entry = entries.remove(0);
            let (line, question) = (entry.line, question(&entry));
            let (sender, events) = sync_channel(EVENTS);
            return std::thread::scope(|scope| {
                scope.spawn(move || {
                    let result = solver.watch(entry, options, &mut |event| pass_on(&sender, event));
                    result.map_err(|error| sender.send(Err(error)).ok()).ok();
                });
                let drawn = self.follow(line, &question, events.into_iter(), options, screen);
                if drawn.is_err() {
                    // Nobody looks any more.
                    options.cancel.cancel();
                }
                drawn
            });
        }
        let (mut entries, mut under_way) = (entries.into_iter(), VecDeque::new());
        loop {
            for entry in entries.by_ref().take(2 * threads - under_way.len()) {
                let (line, question) = (entry.line, question(&entry));
                under_way.push_back((line, question, solver.stream(entry, options)?));
            }
            let Some((line, question, events)) = under_way.pop_front() else {
                return Ok(());
            };
            self.follow(line, &question, events, options, screen)?;
        }
    }

    /// Draws what happens to a puzzle, as often as eyes can follow, and its end.
    fn follow(
        &mut self,
        line: u64,
        question: &[u16],
        events: impl Iterator<Item = recurra::Result<Event>>,
        options: &SolveOptions,
        screen: &mut Screen,
    ) -> anyhow::Result<()> {
        let most = options.stop.max_steps;
        let mut before = question.to_vec();
        for event in events {
            match event {
                Ok(Event::Attempt { attempt: 0 }) => {
                    screen.passing(question, question, question, || "thinking".to_owned())?;
                }
                Ok(Event::Attempt { .. }) => {}
                Ok(Event::Step(step)) => {
                    let status = || match step.attempt {
                        0 => format!("step {} of at most {most}", step.step),
                        n => format!("step {} of at most {most}, restart {n}", step.step),
                    };
                    if screen.passing(question, &step.tokens, &before, status)? {
                        before = step.tokens;
                    }
                }
                Ok(Event::Answer(answer)) => {
                    self.counted(&answer);
                    let good = answer.verified == Some(true);
                    let mut verdict = self.verdict(question, &answer, most);
                    if answer.verified == Some(false) && std::mem::take(&mut self.tried_once) {
                        verdict += "\n--restarts 32 would try again in up to 32 other ways";
                    }
                    screen.last(question, &answer.tokens, &verdict, good)?;
                }
                Err(error) => self.refuse(line, error.to_string())?,
            }
        }
        Ok(())
    }

    /// The last line under a drawn puzzle.
    fn verdict(&self, question: &[u16], answer: &Answer, most: usize) -> String {
        let effort = match answer.restarts {
            _ if answer.source != Source::Model => "known".to_owned(),
            0 => format!("step {} of at most {most}", answer.steps),
            n => format!("restart {n}, {} steps in all", answer.steps),
        };
        let finding = match answer.verified {
            Some(true) => "verified: the rules hold".to_owned(),
            None => "not checked".to_owned(),
            Some(false) => {
                let objection = self.task.objection(question, &answer.tokens);
                format!("not verified: {}", objection.unwrap_or_default())
            }
        };
        format!("{finding} ({effort})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use recurra::thinking::StopRules;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// A terminal that takes nothing at all: thinking goes on, and the answer is there for when it does.
    #[test]
    fn thinking_does_not_wait_for_a_terminal_that_does_not_draw() {
        let model = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../models/sudoku4.safetensors"
        );
        let solver = Solver::open(model).unwrap();
        let steps = 3 * EVENTS;
        let options = SolveOptions::new(StopRules::none(steps));
        let (sender, events) = sync_channel(EVENTS);
        let done = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let sender = sender;
                let answer = solver.watch("1.....3..2.....4", &options, &mut |event| {
                    pass_on(&sender, event);
                    done.fetch_add(1, Ordering::Relaxed);
                });
                answer.unwrap();
            });
            // Nothing is drawn before all has been thought; who waited for that would wait for ever.
            while done.load(Ordering::Relaxed) <= steps {
                std::thread::yield_now();
            }
            let events: Vec<Event> = events.iter().map(Result::unwrap).collect();
            assert_eq!(events.len(), EVENTS + 1);
            let Some(Event::Answer(answer)) = events.last() else {
                panic!("no answer");
            };
            assert_eq!(answer.steps, steps);
        });
    }
}
