//! A folder with the arrays of one part of a data set.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use super::examples::{Array, Examples, Rows};
use super::metadata::Metadata;
use super::npy::NpyReader;
use crate::error::{Error, Result};

/// Longest `dataset.json` that is read.
const MOST_METADATA: u64 = 1 << 16;

/// Which part of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The folder `train`.
    Train,
    /// The folder `test`.
    Test,
}

impl Part {
    /// Name of the folder.
    pub fn name(self) -> &'static str {
        match self {
            Part::Train => "train",
            Part::Test => "test",
        }
    }
}

/// The folder that holds a part: `path` itself where there is a `dataset.json`, otherwise the folder of the part in it.
///
/// # Errors
/// [`Error::Format`] if neither has a `dataset.json`.
pub fn part_of(path: &Path, part: Part) -> Result<PathBuf> {
    let inside = path.join(part.name());
    let candidates = [path, &inside];
    let found = candidates.iter().find(|f| f.join("dataset.json").is_file());
    found.map(|f| f.to_path_buf()).ok_or_else(|| {
        let name = part.name();
        let text = format!("expected `dataset.json` or `{name}/dataset.json` in it, found neither");
        Error::Format(text).in_file(path)
    })
}

/// One part of a data set, whose arrays have been found to fit one another.
#[derive(Clone, Debug)]
pub struct Dataset {
    folder: PathBuf,
    metadata: Metadata,
    examples: u64,
    puzzles: u64,
    groups: u64,
}

impl Dataset {
    /// Reads `dataset.json` and the arrays of indices, and the headers of the others. Nothing is kept in memory.
    ///
    /// # Errors
    /// [`Error::File`] with the name of the file that is missing, no such array, or does not fit the others.
    pub fn open(folder: &Path) -> Result<Self> {
        let metadata = read_metadata(&folder.join("dataset.json"))?;
        let mut dataset = Dataset {
            folder: folder.into(),
            metadata,
            examples: 0,
            puzzles: 0,
            groups: 0,
        };
        dataset.examples = dataset.tokens("inputs")?.header().rows;
        if dataset.examples == 0 {
            let error = Error::Format("expected at least one row, found none".into());
            return Err(error.in_file(dataset.path("inputs")));
        }
        let labels = dataset.tokens("labels")?.header().rows;
        if labels != dataset.examples {
            let text = format!(
                "expected {} rows, as `{}` has, found {labels}",
                dataset.examples,
                dataset.name("inputs")
            );
            return Err(Error::Format(text).in_file(dataset.path("labels")));
        }
        dataset.puzzles = dataset.boundaries("puzzle_indices", dataset.examples, "examples")?;
        dataset.groups = dataset.boundaries("group_indices", dataset.puzzles, "puzzles")?;
        dataset.identifiers()?;
        Ok(dataset)
    }

    /// What its arrays mean.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Number of questions with answers.
    pub fn len(&self) -> u64 {
        self.examples
    }

    /// Never: a data set without examples is refused.
    pub fn is_empty(&self) -> bool {
        self.examples == 0
    }

    /// Number of puzzles: examples that share a puzzle identifier and its vector.
    pub fn puzzles(&self) -> u64 {
        self.puzzles
    }

    /// Number of groups: puzzles made from one another.
    pub fn groups(&self) -> u64 {
        self.groups
    }

    /// All examples in the order of the file, read one by one.
    ///
    /// # Errors
    /// [`Error::File`] if a file can no longer be opened.
    pub fn examples(&self) -> Result<Examples> {
        Ok(Examples::new(
            self.metadata.clone(),
            self.examples,
            Rows {
                inputs: self.tokens("inputs")?,
                labels: self.tokens("labels")?,
                identifiers: self.array("puzzle_identifiers")?,
                puzzle_indices: self.array("puzzle_indices")?,
                group_indices: self.array("group_indices")?,
            },
            [self.name("inputs"), self.name("labels")],
        ))
    }

    /// Name of the file of an array.
    fn name(&self, array: &str) -> String {
        format!("{}__{array}.npy", self.metadata.set())
    }

    fn path(&self, array: &str) -> PathBuf {
        self.folder.join(self.name(array))
    }

    fn open_array(&self, array: &str) -> Result<Array> {
        let path = self.path(array);
        let io = |source| Error::Io {
            path: path.clone(),
            source,
        };
        let file = File::open(&path).map_err(io)?;
        let bytes = file.metadata().map_err(io)?.len();
        NpyReader::new(BufReader::with_capacity(1 << 16, file), bytes).map_err(|e| e.in_file(path))
    }

    /// An array of questions or answers.
    fn tokens(&self, array: &str) -> Result<Array> {
        let reader = self.open_array(array)?;
        let (header, seq_len) = (reader.header(), self.metadata.seq_len);
        if header.columns == Some(seq_len) {
            return Ok(reader);
        }
        let found = match header.columns {
            Some(columns) => format!("rows of {columns}"),
            None => "one dimension".into(),
        };
        let text = format!("expected rows of {seq_len} (`seq_len` of dataset.json), found {found}");
        Err(Error::Format(text).in_file(self.path(array)))
    }

    /// An array of one dimension.
    fn array(&self, array: &str) -> Result<Array> {
        let reader = self.open_array(array)?;
        if reader.header().columns.is_some() {
            let error = Error::Format("expected one dimension, found two".into());
            return Err(error.in_file(self.path(array)));
        }
        Ok(reader)
    }

    /// Calls `each` with place (from 0) and value of every number of an array, and puts the file's name before errors.
    fn each(&self, array: &str, mut each: impl FnMut(u64, i64) -> Result<()>) -> Result<u64> {
        let path = self.path(array);
        let mut reader = self.array(array)?;
        let mut place = 0;
        loop {
            let row = reader.next_row().map_err(|source| Error::Io {
                path: path.clone(),
                source,
            })?;
            let Some(mut row) = row else {
                return Ok(place);
            };
            if let Some(value) = row.next() {
                let whole = value.map_err(|found| {
                    let place = place + 1;
                    Error::Format(format!(
                        "row {place}: expected a whole number, found {found}"
                    ))
                });
                let each = whole.and_then(|value| each(place, value));
                each.map_err(|e| e.in_file(&path))?;
            }
            place += 1;
        }
    }

    /// Checks an array of where things begin, with the end of the last: it rises from 0 to `end`. Returns how many
    /// things there are.
    fn boundaries(&self, array: &str, end: u64, of: &str) -> Result<u64> {
        let mut last = -1;
        let numbers = self.each(array, |place, value| {
            let expected = match last {
                -1 if value == 0 => None,
                -1 => Some("0".to_owned()),
                _ if value <= last => Some(format!("more than the {last} before it")),
                _ if value as u64 > end => Some(format!("at most {end}, the number of {of}")),
                _ => None,
            };
            if let Some(expected) = expected {
                let text = format!("row {}: expected {expected}, found {value}", place + 1);
                return Err(Error::Format(text));
            }
            last = value;
            Ok(())
        })?;
        if numbers < 2 || last as u64 != end {
            let found = if numbers == 0 {
                "nothing".into()
            } else {
                last.to_string()
            };
            let text = format!(
                "expected numbers from 0 to {end}, the number of {of}, found {found} as the last"
            );
            return Err(Error::Format(text).in_file(self.path(array)));
        }
        Ok(numbers - 1)
    }

    fn identifiers(&self) -> Result<()> {
        let most = self.metadata.num_puzzle_identifiers;
        let numbers = self.each("puzzle_identifiers", |place, value| {
            if u64::try_from(value).is_ok_and(|v| v < most) {
                return Ok(());
            }
            Err(Error::Format(format!(
                "row {}: expected 0 or more and less than {most} (`num_puzzle_identifiers`), found {value}",
                place + 1
            )))
        })?;
        if numbers == self.puzzles {
            return Ok(());
        }
        let text = format!(
            "expected {} numbers, one for each puzzle of `{}`, found {numbers}",
            self.puzzles,
            self.name("puzzle_indices")
        );
        Err(Error::Format(text).in_file(self.path("puzzle_identifiers")))
    }
}

fn read_metadata(path: &Path) -> Result<Metadata> {
    let io = |source| Error::Io {
        path: path.into(),
        source,
    };
    let bytes = std::fs::metadata(path).map_err(io)?.len();
    if bytes > MOST_METADATA {
        let text = format!("expected at most {MOST_METADATA} bytes, found {bytes}");
        return Err(Error::Format(text).in_file(path));
    }
    let text = std::fs::read(path).map_err(io)?;
    Metadata::parse(&text).map_err(|e| e.in_file(path))
}
