//! `recurra solve`: puzzles in, answers out, in the same order.

mod arc;

use crate::arc::{ArcFlags, is_arc};
use crate::cache::{self, CacheFlags};
use crate::exit::{self, Exit};
use crate::input::Puzzles;
use crate::progress;
use crate::terminal::Screen;
use crate::thinking::Thinking;
use anyhow::anyhow;
use indicatif::ProgressBar;
use recurra::solver::{Refusal, Source};
use recurra::tasks::Task;
use recurra::tasks::task::Entry;
use recurra::{Answer, Event, SolveOptions, Solver};
use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Answer puzzles and check every answer against the rules
///
/// Puzzles come one a line (`.` or `0` for blank), drawn over several lines, or as a CSV table with a column
/// `question`. They must have exactly one solution. What cannot be read is refused by line, and the others are
/// still answered; exit status 1 says that something was refused.
///
/// On a terminal each puzzle is drawn while the model thinks. Elsewhere each answer is one line of three columns
/// with tabs between: the answer in the puzzle's one-line form, `verified` or `unverified`, and the number of
/// improvement steps. With --json it is one object:
/// {"line":1,"question":"…","answer":"…","verified":true,"steps":3,"restarts":0,"stopped":"verified","halt":4.2,"seconds":0.0123,"source":"model"}
/// or {"line":2,"error":"…"}. With --cache or --cache-memory the source is `exact` (known, in memory) or `stored` (on disk)
/// for answers that were not thought about: they took no steps.
///
/// A model of vectors takes one JSON object a line with --json: {"question":[…],"initial":[…]}, numbers of one vector or more, and the
/// vector to move (without it, the question's first). It answers {"line":1,"vector":[…],"confidence":0.9,"steps":2,"refined":true,
/// "stopped":"halt"}; where it is not sure enough, `refined` is false and the vector the one that was given.
///
/// A model for ARC-AGI answers the test inputs of the tasks in a file or folder: two attempts each, in the competition's
/// form, on standard output or in the file that `--submission` names.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Model file
    model: PathBuf,
    /// Puzzles; `-` is standard input, where answers come as lines do
    #[arg(default_value = "-")]
    file: PathBuf,
    #[command(flatten)]
    thinking: Thinking,
    #[command(flatten)]
    cache: CacheFlags,
    #[command(flatten)]
    arc: ArcFlags,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

/// Most puzzles that are thought about before any of them is answered.
const CHUNK: usize = 256;
/// How long the answers of a chunk may take before the next is made smaller.
const PATIENCE: Duration = Duration::from_secs(1);

/// Runs the command.
pub(crate) fn run(args: &Args) -> anyhow::Result<Exit> {
    if is_arc(&args.model) {
        return arc::run(args);
    }
    args.arc.refuse()?;
    if crate::vectors::is_vectors(&args.model) {
        let (steps, threads) = args.thinking.vectors()?;
        return crate::vectors::solve(&args.model, &args.file, steps, threads, args.json);
    }
    let (model, solver, threads) = args.thinking.solver(&args.model)?;
    let (solver, cache) = args.cache.attach(solver, &model)?;
    let options = args.thinking.options(&solver)?;
    let task = solver.task()?.clone();
    let mut puzzles = Puzzles::open(&args.file, &*task)?;
    if puzzles.typed() {
        exit::message("reading puzzles from the terminal, one a line; Ctrl-D ends");
    }
    let drawn = !args.json && io::stdout().is_terminal();
    let mut screen = drawn.then(|| Screen::new(task.clone()));
    let bar = if io::stdout().is_terminal() || puzzles.typed() {
        ProgressBar::hidden()
    } else {
        progress::bar(None, "puzzles")
    };
    let mut printer = Printer {
        task: task.clone(),
        out: BufWriter::new(io::stdout().lock()),
        name: puzzles.name().to_owned(),
        json: args.json,
        bar,
        refused: false,
    };
    let mut size = threads.clamp(1, CHUNK);
    let mut any = false;
    loop {
        let entries = puzzles.chunk(if drawn { 1 } else { size });
        if entries.is_empty() {
            break;
        }
        any = true;
        let started = Instant::now();
        match &mut screen {
            Some(screen) => printer.draw(entries, &solver, &options, screen)?,
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
    args.thinking.keep(&solver)?;
    if let Some(cache) = &cache {
        cache::finish(cache)?;
    }
    if !any {
        return Err(anyhow!("{}: no puzzle in it", printer.name));
    }
    Ok(Exit::refused(printer.refused))
}

/// Where answers and refusals go.
struct Printer {
    task: Arc<dyn Task>,
    out: BufWriter<StdoutLock<'static>>,
    name: String,
    json: bool,
    bar: ProgressBar,
    refused: bool,
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
        Ok(self.out.flush()?)
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

    fn answer(&mut self, answer: &Answer) -> io::Result<()> {
        if self.json {
            return writeln!(self.out, "{}", serde_json::to_string(answer)?);
        }
        let verdict = match answer.verified {
            Some(true) => "verified",
            Some(false) => "unverified",
            None => "unchecked",
        };
        writeln!(self.out, "{}\t{verdict}\t{}", answer.text, answer.steps)
    }

    fn refuse(&mut self, line: u64, error: String) -> io::Result<()> {
        self.refused = true;
        if self.json {
            let refusal = Refusal { line, error };
            return writeln!(self.out, "{}", serde_json::to_string(&refusal)?);
        }
        // In their place among the answers, where both go to one terminal or file.
        self.out.flush()?;
        let name = &self.name;
        self.bar
            .suspend(|| exit::say(&format!("{name}:{line}: {error}")));
        Ok(())
    }

    /// Thinks about puzzles one by one, on the screen.
    fn draw(
        &mut self,
        entries: Vec<Entry>,
        solver: &Solver,
        options: &SolveOptions,
        screen: &mut Screen,
    ) -> anyhow::Result<()> {
        for entry in entries {
            let line = entry.line;
            let question = entry.result.as_ref().map(|puzzle| puzzle.question.clone());
            let question = question.unwrap_or_default();
            let mut before = question.clone();
            let mut drawn = Ok(());
            let most = options.stop.max_steps;
            let answer = solver.watch(entry, options, &mut |event| {
                let step = match event {
                    Event::Attempt { attempt: 0 } => {
                        drawn = screen.passing(&question, &question, &question, "thinking");
                        return;
                    }
                    Event::Step(step) => step,
                    Event::Attempt { .. } | Event::Answer(_) => return,
                };
                let mut status = format!("step {} of at most {most}", step.step);
                if step.attempt > 0 {
                    status += &format!(", restart {}", step.attempt);
                }
                if drawn.is_ok() {
                    drawn = screen.passing(&question, &step.tokens, &before, &status);
                }
                before = step.tokens;
            });
            drawn?;
            match answer {
                Err(error) => self.refuse(line, error.to_string())?,
                Ok(answer) => {
                    let good = answer.verified == Some(true);
                    let verdict = self.verdict(&question, &answer, most);
                    screen.last(&question, &answer.tokens, &verdict, good)?;
                }
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
