//! Puzzles of any task from a path: text, or a folder of arrays.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use super::dataset::{Dataset, Metadata, Part, part_of};
use super::sudoku::{PuzzleReader, Sudoku};
use super::{InputError, TaskSpec};
use crate::error::{Error, Result};

/// A puzzle as a model sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Puzzle {
    /// A token a place.
    pub question: Vec<u16>,
    /// A token a place, or [`IGNORED`](super::dataset::IGNORED); none where the input gave none.
    pub answer: Option<Vec<u16>>,
    /// How hard the input says it is.
    pub rating: Option<u32>,
    /// Row of the puzzle table.
    pub identifier: u32,
}

/// One puzzle of an input, or why there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The line where it begins, or the row of the arrays; counted from 1.
    pub line: u64,
    /// The puzzle, or what is wrong.
    pub result: Result<Puzzle, InputError>,
}

/// Puzzles that are read one by one.
pub struct Puzzles<'a> {
    entries: Box<dyn Iterator<Item = Entry> + Send + 'a>,
    len: Option<u64>,
    metadata: Option<Metadata>,
}

impl Puzzles<'static> {
    /// Opens a text of the task's puzzles; or a folder of the published form, which is `path` itself or the part in it.
    /// Without a task only folders can be read.
    ///
    /// # Errors
    /// [`Error::Io`] and [`Error::File`] where the path holds no such thing, or not of this task.
    pub fn open(path: &Path, part: Part, task: Option<&TaskSpec>) -> Result<Self> {
        let io = |source| Error::Io {
            path: path.into(),
            source,
        };
        if std::fs::metadata(path).map_err(io)?.is_dir() {
            return Self::folder(path, part, task);
        }
        let Some(task) = task else {
            let text =
                "expected a folder with `dataset.json`: a text can be read only for a known task";
            return Err(Error::Format(text.into()).in_file(path));
        };
        Self::text(BufReader::new(File::open(path).map_err(io)?), task)
    }

    fn folder(path: &Path, part: Part, task: Option<&TaskSpec>) -> Result<Self> {
        let folder = part_of(path, part)?;
        let dataset = Dataset::open(&folder)?;
        let metadata = dataset.metadata().clone();
        if let Some(task) = task {
            let (seq_len, vocab) = task.seq_len_and_vocab()?;
            let found = (metadata.seq_len, metadata.vocab_size);
            if found != (seq_len as u64, vocab as u64) {
                let text = format!(
                    "expected seq_len {seq_len} and vocab_size {vocab} of {task}, found {} and {}",
                    found.0, found.1
                );
                return Err(Error::Format(text).in_file(folder.join("dataset.json")));
            }
        }
        let entry = |(row, example): (u64, Result<super::dataset::Example, InputError>)| Entry {
            line: row,
            result: example.map(|example| Puzzle {
                question: example.question,
                answer: Some(example.answer),
                rating: None,
                identifier: example.identifier,
            }),
        };
        Ok(Puzzles {
            len: Some(dataset.len()),
            entries: Box::new((1..).zip(dataset.examples()?).map(entry)),
            metadata: Some(metadata),
        })
    }
}

impl<'a> Puzzles<'a> {
    /// Reads a text of the task's puzzles.
    ///
    /// # Errors
    /// [`Error::Config`] for a task with parameters that do not exist.
    pub fn text(reader: impl BufRead + Send + 'a, task: &TaskSpec) -> Result<Self> {
        task.seq_len_and_vocab()?;
        let entries = match *task {
            TaskSpec::Sudoku { size } => PuzzleReader::new(reader, Sudoku::new(size)),
        };
        let entry = |entry: super::sudoku::Entry| Entry {
            line: entry.line,
            result: entry.result.map(|puzzle| Puzzle {
                question: puzzle.question.encode(),
                answer: puzzle.answer.map(|answer| answer.encode()),
                rating: puzzle.rating,
                identifier: 0,
            }),
        };
        Ok(Puzzles {
            entries: Box::new(entries.map(entry)),
            len: None,
            metadata: None,
        })
    }

    /// How many entries there are, where that is known before they are read.
    pub fn known_len(&self) -> Option<u64> {
        self.len
    }

    /// What the arrays of a folder mean; none for a text.
    pub fn metadata(&self) -> Option<&Metadata> {
        self.metadata.as_ref()
    }
}

impl Iterator for Puzzles<'_> {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        self.entries.next()
    }
}
