//! How the program ends, and how it says what went wrong.

use std::io::{ErrorKind, Write};
use std::path::Path;

/// How a command ended that could do its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything was answered: status 0.
    Done,
    /// Some input was refused: status 1.
    Refused,
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
pub(crate) fn finish(result: anyhow::Result<Exit>) -> u8 {
    match result {
        Ok(Exit::Done) => 0,
        Ok(Exit::Refused) => 1,
        // Nobody reads on (`recurra … | head`): the reader's wish, not a failure.
        Err(error) if is_broken_pipe(&error) => 0,
        Err(error) => {
            // The library's messages name their causes themselves; the chain would say everything twice.
            // Errors of files come with the file's name: a bare one is of standard output.
            let bare = error.is::<std::io::Error>();
            let place = if bare { "standard output: " } else { "" };
            message(&format!("{place}{error}"));
            if error.is::<UsageError>() { 2 } else { 1 }
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|e| e.kind() == ErrorKind::BrokenPipe)
}

/// One line on standard error, with the program's name before it.
pub(crate) fn message(text: &str) {
    say(&format!("recurra: {text}"));
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
