//! Puzzles of any task from a path: text, or a folder of arrays.

use super::task::{Entry, Puzzle, Task};
use crate::error::{Error, Result};
use crate::reading::arrays::{Dataset, Example, Metadata, Part, part_of};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// Puzzles that are read one by one.
pub struct Puzzles {
    entries: Box<dyn Iterator<Item = Entry>>,
    len: Option<u64>,
    metadata: Option<Metadata>,
}

impl Puzzles {
    /// Opens a text of the task's puzzles; or a folder of the published form, which is `path` itself or the part in it.
    /// Without a task only folders can be read.
    ///
    /// # Errors
    /// [`Error::Io`] and [`Error::File`] where the path holds no such thing, or not of this task.
    pub fn open(path: &Path, part: Part, task: Option<&dyn Task>) -> Result<Self> {
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
        let file = File::open(path).map_err(io)?;
        Ok(Puzzles {
            entries: task.read(Box::new(BufReader::new(file))),
            len: None,
            metadata: None,
        })
    }

    fn folder(path: &Path, part: Part, task: Option<&dyn Task>) -> Result<Self> {
        let folder = part_of(path, part)?;
        let dataset = Dataset::open(&folder)?;
        let metadata = dataset.metadata().clone();
        if let Some(task) = task {
            let (seq_len, vocab) = (task.seq_len(), task.vocab_size());
            let found = (metadata.seq_len, metadata.vocab_size);
            if found != (seq_len as u64, vocab as u64) {
                let text = format!(
                    "expected seq_len {seq_len} and vocab_size {vocab} of {}, found {} and {}",
                    task.spec(),
                    found.0,
                    found.1
                );
                return Err(Error::Format(text).in_file(folder.join("dataset.json")));
            }
        }
        let entry = |(row, example): (u64, Result<Example, _>)| Entry {
            line: row,
            result: example.map(|example| Puzzle {
                question: example.question,
                answer: Some(example.answer),
                objection: None,
                id: None,
                rating: None,
                identifier: example.identifier,
            }),
            note: None,
        };
        Ok(Puzzles {
            len: Some(dataset.len()),
            entries: Box::new((1..).zip(dataset.examples()?).map(entry)),
            metadata: Some(metadata),
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

impl Iterator for Puzzles {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        self.entries.next()
    }
}
