//! How the program ends, and how it says what went wrong.

use crate::general;
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;

/// How a command ended that could do its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything was answered: status 0.
    Done,
    /// Some input was refused: status 1.
    Refused,
    /// Some answer was not verified where that was asked for: status 3.
    Unverified,
    /// A signal with this number ended it early, and what was there is kept: status 128 and the number, as shells have it.
    Interrupted(i32),
}

impl Exit {
    /// Status 1 if anything was refused.
    pub(crate) fn refused(any: bool) -> Self {
        if any { Exit::Refused } else { Exit::Done }
    }
}

/// A command line that clap could parse but that makes no sense: status 2.
#[derive(Debug)]
pub(crate) struct UsageError(pub(crate) String);

impl std::fmt::Display for UsageError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}

/// The exit status of a command's result; an error is told in one line on standard error.
pub(crate) fn finish(result: anyhow::Result<Exit>) -> ExitCode {
    match result {
        Ok(Exit::Done) => ExitCode::SUCCESS,
        Ok(Exit::Refused) => ExitCode::from(1),
        Ok(Exit::Unverified) => ExitCode::from(3),
        Ok(Exit::Interrupted(signal)) => ExitCode::from(128 + signal as u8),
        // Nobody reads on (`recurra … | head`): the reader's wish, not a failure.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // The library's messages name their causes themselves; the chain would say everything twice.
            // Errors of files come with the file's name: a bare one is of standard output.
            let bare = error.is::<std::io::Error>();
            let place = if bare { "standard output: " } else { "" };
            message(&format!("{place}{error}"));
            ExitCode::from(if error.is::<UsageError>() { 2 } else { 1 })
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|e| e.kind() == ErrorKind::BrokenPipe)
}

/// One line on standard error, with the program's name before it: what went wrong.
pub(crate) fn message(text: &str) {
    say(&format!("recurra: {text}"));
}

/// The same for what is good to know; not with `--quiet`.
pub(crate) fn note(text: &str) {
    if !general::quiet() {
        message(text);
    }
}

/// The same for what only those want to know who ask with `--verbose`.
pub(crate) fn detail(text: impl FnOnce() -> String) {
    if general::verbose() {
        message(&text());
    }
}

/// A line of a report on standard error; not with `--quiet`.
pub(crate) fn report(text: &str) {
    if !general::quiet() {
        say(text);
    }
}

/// So many of something, with its name in the singular or the plural.
pub(crate) fn count(number: u64, one: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        _ => format!("{number} {one}s"),
    }
}

/// What was refused in an input: the first are told, all are counted.
#[derive(Debug, Default)]
pub(crate) struct Refusals(usize);

impl Refusals {
    /// Refused things that are told.
    const TOLD: usize = 10;

    /// Counts one, and tells it with the file it stands in.
    pub(crate) fn add(&mut self, file: &Path, error: &dyn std::fmt::Display) {
        self.0 += 1;
        if self.0 <= Self::TOLD {
            message(&format!("{}: {error}", file.display()));
        }
    }

    /// Counts what was refused, and told, elsewhere.
    pub(crate) fn join(&mut self, other: &Refusals) {
        self.0 += other.0;
    }

    /// How many there were.
    pub(crate) fn count(&self) -> usize {
        self.0
    }

    /// Says how many there were in all, where not all were told.
    pub(crate) fn tell_rest(&self, file: &Path, things: &str) {
        let all = self.0;
        if all > Self::TOLD {
            message(&format!(
                "{}: {all} {things} refused in all",
                file.display()
            ));
        }
    }
}

/// One line on standard error.
pub(crate) fn say(text: &str) {
    // Where nobody listens there is nobody to tell.
    writeln!(std::io::stderr(), "{}", printable(text)).ok();
}

/// Text that may come from a stranger's file, fit for a terminal: no control characters, not endless.
pub(crate) fn printable(text: &str) -> String {
    const MOST: usize = 2000;
    let mut out = String::new();
    for (i, c) in text.chars().enumerate() {
        if i == MOST {
            out.push('…');
            break;
        }
        if c.is_control() {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}
