//! The examples of a data set, one by one.

use super::metadata::Metadata;
use super::npy::NpyReader;
use super::{Example, IGNORED};
use crate::reading::{InputError, Place};
use std::fs::File;
use std::io::BufReader;

/// Label that never counts, whatever `dataset.json` says.
const NEVER: i64 = -100;

/// An array in a file.
pub(super) type Array = NpyReader<BufReader<File>>;

/// The arrays of a data set, each at its beginning.
pub(super) struct Rows {
    pub(super) inputs: Array,
    pub(super) labels: Array,
    pub(super) identifiers: Array,
    pub(super) puzzle_indices: Array,
    pub(super) group_indices: Array,
}

/// Reads examples one by one; one with a token that does not exist is an error, and reading goes on after it.
///
/// Of an error, the line is the row in the array, from 1, and the column the place in the row, from 1.
pub struct Examples {
    metadata: Metadata,
    rows: Rows,
    /// Names of the files of questions and answers.
    names: [String; 2],
    examples: u64,
    read: u64,
    /// Number of the puzzle that is being read, its identifier, and where the next begins.
    puzzle: u64,
    identifier: u32,
    next_puzzle: u64,
    /// Number of the group, and the puzzle with which the next begins.
    group: u64,
    next_group: u64,
}

impl Examples {
    pub(super) fn new(metadata: Metadata, examples: u64, rows: Rows, names: [String; 2]) -> Self {
        Examples {
            metadata,
            rows,
            names,
            examples,
            read: 0,
            puzzle: 0,
            identifier: 0,
            next_puzzle: 0,
            group: 0,
            next_group: 0,
        }
    }

    fn read(&mut self) -> Result<Example, Stop> {
        self.enter()?;
        let vocab = self.metadata.vocab_size;
        let known = |value: i64| {
            let token = u16::try_from(value).ok();
            token.filter(|&token| u64::from(token) < vocab)
        };
        let ignore = self.metadata.ignore_label_id;
        let ignored = |value: i64| value == NEVER || Some(value) == ignore;
        let label = |value| ignored(value).then_some(IGNORED).or(known(value));
        // Both rows are read before either is refused, so that they stay beside each other.
        let question = tokens(&mut self.rows.inputs, known)?;
        let answer = tokens(&mut self.rows.labels, label)?;
        let told = |(place, value): (usize, String), name: &String, or: &str| {
            let expected = format!("a token from 0 to {}{or} in {name}", vocab - 1);
            let (line, column) = (self.read, Some(place));
            Stop::Row(Place { line, column }.error(expected, value))
        };
        let or = match ignore {
            Some(id) => format!(", {NEVER} or {id}"),
            None => format!(" or {NEVER}"),
        };
        Ok(Example {
            question: question.map_err(|wrong| told(wrong, &self.names[0], ""))?,
            answer: answer.map_err(|wrong| told(wrong, &self.names[1], &or))?,
            identifier: self.identifier,
            puzzle: self.puzzle - 1,
            group: self.group - 1,
        })
    }

    /// Goes to the next row, and to the next puzzle and group where that is the first of one.
    fn enter(&mut self) -> Result<(), Stop> {
        // The first number of both arrays is 0, where nothing ends.
        if self.read == 0 {
            number(&mut self.rows.puzzle_indices)?;
            number(&mut self.rows.group_indices)?;
        }
        if self.read == self.next_puzzle {
            if self.puzzle == self.next_group {
                self.next_group = number(&mut self.rows.group_indices)?;
                self.group += 1;
            }
            self.next_puzzle = number(&mut self.rows.puzzle_indices)?;
            self.identifier = number(&mut self.rows.identifiers)? as u32;
            self.puzzle += 1;
        }
        self.read += 1;
        Ok(())
    }
}

/// Why there is no example.
enum Stop {
    /// This row is wrong.
    Row(InputError),
    /// A file cannot be read on.
    Io(std::io::Error),
}

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Self {
        Stop::Io(error)
    }
}

/// The next row as tokens, or the first place (from 1) and number that is none.
fn tokens(
    array: &mut Array,
    token: impl Fn(i64) -> Option<u16>,
) -> Result<Result<Vec<u16>, (usize, String)>, Stop> {
    let row = array.next_row()?.ok_or_else(ended)?;
    let token = |(place, value): (usize, Result<i64, f64>)| {
        let whole = value.map_err(|other| other.to_string());
        let token = whole.and_then(|value| token(value).ok_or_else(|| value.to_string()));
        token.map_err(|found| (place + 1, found))
    };
    Ok(row.enumerate().map(token).collect())
}

/// The next number of an array that was checked when it was opened.
fn number(array: &mut Array) -> Result<u64, Stop> {
    let mut row = array.next_row()?.ok_or_else(ended)?;
    Ok(row
        .next()
        .map_or(0, |value| value.map_or(0, |value| value as u64)))
}

fn ended() -> std::io::Error {
    std::io::ErrorKind::UnexpectedEof.into()
}

impl Iterator for Examples {
    type Item = Result<Example, InputError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.read >= self.examples {
            return None;
        }
        match self.read() {
            Ok(example) => Some(Ok(example)),
            Err(Stop::Row(error)) => Some(Err(error)),
            Err(Stop::Io(error)) => {
                let line = self.read + 1;
                self.read = self.examples;
                Some(Err(Place::line(line).error("to read on", error.to_string())))
            }
        }
    }
}
