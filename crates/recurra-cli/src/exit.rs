//! How the program ends, and how it says what went wrong.

use crate::general;
use std::collections::BTreeMap;
use std::io::{ErrorKind, Write};
use std::path::Path;

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

impl UsageError {
    /// Refuses the first of these flags that was given.
    pub(crate) fn refuse(flags: &[(&str, bool)], expected: &str) -> Result<(), Self> {
        match flags.iter().find(|(_, given)| *given) {
            Some((flag, _)) => Err(UsageError(format!("{flag}: expected {expected}"))),
            None => Ok(()),
        }
    }
}

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
        Ok(Exit::Unverified) => 3,
        Ok(Exit::Interrupted(signal)) => 128 + signal as u8,
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

/// A line of a report on standard error, between words in as many as a terminal needs; not with `--quiet`.
pub(crate) fn report(text: &str) {
    if general::quiet() {
        return;
    }
    let terminal = console::Term::stderr();
    match terminal.size_checked().filter(|_| terminal.is_term()) {
        Some((_, columns)) => {
            let options = textwrap::Options::new(usize::from(columns)).subsequent_indent("  ");
            let lines = textwrap::wrap(text, options.break_words(false));
            lines.iter().for_each(|line| say(line));
        }
        None => say(text),
    }
}

/// So many of something, with its name in the singular or the plural.
pub(crate) fn count(number: u64, one: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        _ => format!("{number} {one}s"),
    }
}

/// What is told of an input, by its cause: ten places of each, then a count.
#[derive(Debug, Default)]
pub(crate) struct Causes(BTreeMap<String, (u64, String)>);

impl Causes {
    /// Places of a cause that are told.
    const TOLD: u64 = 10;
    /// Causes that are told apart: an input may have as many as lines.
    const MOST: usize = 200;

    /// Counts a message, and says whether it is to be told.
    pub(crate) fn add(&mut self, text: &str) -> bool {
        let what = what(text);
        // Numbers differ from line to line.
        let words = what.split(' ');
        let plain = words.filter(|word| !word.bytes().all(|byte| byte.is_ascii_digit()));
        let mut cause = plain.collect::<Vec<_>>().join(" ");
        let full = self.0.len() >= Self::MOST && !self.0.contains_key(&cause);
        if full {
            cause.clear();
        }
        let first = || (0, if full { String::new() } else { what.to_owned() });
        let (count, _) = self.0.entry(cause).or_insert_with(first);
        *count += 1;
        *count <= Self::TOLD
    }

    /// Says how many there were more.
    pub(crate) fn tell_rest(&mut self, name: &str) {
        for (count, what) in std::mem::take(&mut self.0).into_values() {
            if count > Self::TOLD {
                let between = if what.is_empty() { "" } else { ": " };
                say(&format!(
                    "{name}: and {} more{between}{what}",
                    count - Self::TOLD
                ));
            }
        }
    }
}

/// What a message says was expected, or all of it.
fn what(text: &str) -> &str {
    let start = text.find("expected ").unwrap_or(0);
    let end = text[start..].find(", found");
    &text[start..end.map_or(text.len(), |end| start + end)]
}

/// What was refused in an input: the first of each cause are told, all are counted.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    count: usize,
    causes: Causes,
}

impl Refusals {
    /// Counts one, and tells it with the file it stands in.
    pub(crate) fn add(&mut self, file: &Path, error: &dyn std::fmt::Display) {
        self.count += 1;
        let text = error.to_string();
        if self.causes.add(&text) {
            message(&format!("{}: {text}", file.display()));
        }
    }

    /// Counts what was refused, and told, elsewhere.
    pub(crate) fn join(&mut self, other: &Refusals) {
        self.count += other.count;
    }

    /// How many there were.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Says how many there were in all, where not all were told.
    pub(crate) fn tell_rest(&self, file: &Path, things: &str) {
        let all = self.count;
        if all as u64 > Causes::TOLD {
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
