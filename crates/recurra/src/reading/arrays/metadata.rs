//! `dataset.json`: what the arrays of a data set mean.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};
use serde_json::ser::Formatter;

use crate::error::{Error, Result};
use crate::reading::quoted;

/// The fields of `dataset.json`, in the order in which they are written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metadata {
    /// Token that fills a question up.
    pub pad_id: i64,
    /// Label that does not count, besides -100.
    pub ignore_label_id: Option<i64>,
    /// Identifier of a puzzle that has no vector of its own.
    pub blank_identifier_id: i64,
    /// Tokens are below this.
    pub vocab_size: u64,
    /// Tokens in a question and in an answer.
    pub seq_len: u64,
    /// Puzzle identifiers are below this.
    pub num_puzzle_identifiers: u64,
    /// Number of groups: puzzles that were made from one.
    pub total_groups: u64,
    /// Mean number of examples in a puzzle.
    pub mean_puzzle_examples: f64,
    /// Number of puzzles, or of groups: the published programs do not agree. Older data sets lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_puzzles: Option<u64>,
    /// Names of the parts: each is the beginning of the names of five arrays.
    pub sets: Vec<String>,
}

impl Metadata {
    /// Reads the text of `dataset.json`.
    ///
    /// # Errors
    /// [`Error::Format`] if it is none, or means something that cannot be read here.
    pub fn parse(text: &[u8]) -> Result<Self> {
        let metadata: Metadata =
            serde_json::from_slice(text).map_err(|e| Error::Format(e.to_string()))?;
        let wrong = |field: &str, expected: &str, found: String| {
            let text = format!("`{field}`: expected {expected}, found {found}");
            Err(Error::Format(text))
        };
        if !(1..=1 << 15).contains(&metadata.vocab_size) {
            let found = metadata.vocab_size.to_string();
            return wrong("vocab_size", "1 to 32768", found);
        }
        if metadata.seq_len == 0 {
            return wrong("seq_len", "at least 1", "0".into());
        }
        let plain = |name: &String| {
            let part = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
            !name.is_empty() && name.bytes().all(part)
        };
        match &metadata.sets[..] {
            [name] if plain(name) => {}
            [name] => {
                return wrong("sets", "a name of letters, digits, - and _", quoted(name));
            }
            names => return wrong("sets", "one name", names.len().to_string()),
        }
        Ok(metadata)
    }

    /// The text of `dataset.json`, as Python's `json.dump` writes it.
    pub fn to_json(&self) -> Vec<u8> {
        python_json(self)
    }

    /// Beginning of the names of the arrays.
    #[cfg(feature = "files")]
    pub(super) fn set(&self) -> &str {
        self.sets.first().map_or("all", |name| name)
    }
}

/// The text that Python's `json.dump` writes, by its defaults: a blank after `,` and `:`, and nothing but ASCII.
pub(super) fn python_json<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, Python);
    value
        .serialize(&mut serializer)
        .expect("plain values can be written to memory");
    bytes
}

struct Python;

impl Python {
    fn separate<W: ?Sized + Write>(out: &mut W, first: bool) -> io::Result<()> {
        out.write_all(if first { b"" } else { b", " })
    }
}

impl Formatter for Python {
    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        Self::separate(out, first)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        Self::separate(out, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(b": ")
    }

    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        out: &mut W,
        text: &str,
    ) -> io::Result<()> {
        for c in text.chars() {
            // Python also escapes what is no letter but is ASCII: the one such character.
            if c.is_ascii() && c != '\x7f' {
                out.write_all(&[c as u8])?;
            } else {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    write!(out, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }
}
