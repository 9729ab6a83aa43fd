//! `recurra solve`: puzzles in, answers out, in the same order.

mod arc;

use crate::arc::{ArcFlags, is_arc};
use crate::cache::{self, CacheFlags};
use crate::exit::{self, Exit};
use crate::input::{Puzzles, describe};
use crate::progress;
use crate::terminal::Screen;
use crate::thinking::Thinking;
use anyhow::anyhow;
use indicatif::ProgressBar;
use rayon::prelude::*;
use recurra::solver::{Answer, SolveOptions, Solver, Source};
use recurra::tasks::Task;
use recurra::tasks::task::{Entry, Tokens};
use recurra::thinking::StopReason;
use serde::Serialize;
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

/// An answered puzzle, as `--json` prints it.
#[derive(Serialize)]
struct Answered {
    line: u64,
    question: String,
    answer: String,
    verified: Option<bool>,
    steps: usize,
    restarts: usize,
    stopped: StopReason,
    halt: f32,
    seconds: f64,
    source: Source,
}

/// A refused one.
#[derive(Serialize)]
struct Refused<'a> {
    line: u64,
    error: &'a str,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> anyhow::Result<Exit> {
    if is_arc(&args.model) {
        return arc::run(args);
    }
    args.arc.refuse()?;
    let (model, mut solver, threads) = args.thinking.solver(&args.model)?;
    let cache = args.cache.attach(&mut solver, &model)?;
    let options = args.thinking.options(&solver)?;
    let task = solver.task().clone();
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
        let questions = admitted(&*task, entries);
        match &mut screen {
            Some(screen) => printer.draw(questions, &mut solver, &options, screen)?,
            None => printer.print(questions, &mut solver, &options)?,
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

/// A puzzle that may be thought about, or why not.
struct Asked {
    line: u64,
    question: Result<Tokens, String>,
}

fn admitted(task: &dyn Task, entries: Vec<Entry>) -> Vec<Asked> {
    let one = |entry: Entry| {
        let puzzle = entry.result.map_err(|e| describe(entry.line, &e));
        let question = puzzle.and_then(|puzzle| match task.admit(&puzzle.question) {
            Ok(()) => Ok(puzzle.question),
            Err(error) => Err(error.to_string()),
        });
        Asked {
            line: entry.line,
            question,
        }
    };
    entries.into_par_iter().map(one).collect()
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
        asked: Vec<Asked>,
        solver: &mut Solver,
        options: &SolveOptions,
    ) -> anyhow::Result<()> {
        let questions: Vec<Tokens> = asked
            .iter()
            .filter_map(|asked| asked.question.clone().ok())
            .collect();
        let answers = match questions.as_slice() {
            // One question gets all threads.
            [question] => {
                let answer = solver.solve(question, options);
                self.bar.inc(1);
                vec![answer]
            }
            _ => {
                let bar = &self.bar;
                solver.solve_many(&questions, options, &|| bar.inc(1))
            }
        };
        let mut answers = answers.into_iter();
        for Asked { line, question } in asked {
            match question {
                Err(error) => self.refuse(line, &error)?,
                Ok(question) => match answers.next().expect("every question has an answer") {
                    Err(error) => self.refuse(line, &error.to_string())?,
                    Ok(answer) => self.answer(line, &question, &answer)?,
                },
            }
        }
        Ok(self.out.flush()?)
    }

    fn answer(&mut self, line: u64, question: &[u16], answer: &Answer) -> io::Result<()> {
        if self.json {
            let answered = Answered {
                line,
                question: self.task.line(question),
                answer: self.task.line(&answer.tokens),
                verified: answer.verified,
                steps: answer.steps,
                restarts: answer.restarts,
                stopped: answer.stopped,
                halt: answer.halt,
                // To the microsecond: more is noise.
                seconds: (answer.seconds * 1e6).round() / 1e6,
                source: answer.source,
            };
            let text = serde_json::to_string(&answered)?;
            return writeln!(self.out, "{text}");
        }
        let verdict = match answer.verified {
            Some(true) => "verified",
            Some(false) => "unverified",
            None => "unchecked",
        };
        let text = self.task.line(&answer.tokens);
        writeln!(self.out, "{text}\t{verdict}\t{}", answer.steps)
    }

    fn refuse(&mut self, line: u64, error: &str) -> io::Result<()> {
        self.refused = true;
        if self.json {
            let text = serde_json::to_string(&Refused { line, error })?;
            return writeln!(self.out, "{text}");
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
        asked: Vec<Asked>,
        solver: &mut Solver,
        options: &SolveOptions,
        screen: &mut Screen,
    ) -> anyhow::Result<()> {
        for Asked { line, question } in asked {
            let question = match question {
                Ok(question) => question,
                Err(error) => {
                    self.refuse(line, &error)?;
                    continue;
                }
            };
            let mut before = question.clone();
            screen.passing(&question, &question, &question, "thinking")?;
            let mut drawn = Ok(());
            let most = options.stop.max_steps;
            let answer = solver.solve_watched(&question, options, &mut |glimpse| {
                let mut status = format!("step {} of at most {most}", glimpse.step);
                if glimpse.attempt > 0 {
                    status += &format!(", restart {}", glimpse.attempt);
                }
                if drawn.is_ok() {
                    drawn = screen.passing(&question, &glimpse.tokens, &before, &status);
                }
                before.clone_from(&glimpse.tokens);
            });
            drawn?;
            match answer {
                Err(error) => self.refuse(line, &error.to_string())?,
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
