//! Writes data sets, example by example.

use std::io::{self, Seek, SeekFrom, Write};

use super::IGNORED;
use super::metadata::{Metadata, python_json};
use super::npy::{Header, IntType, array_bytes, put_row};

/// What is written, but for the sizes that are counted while writing.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    /// Tokens in a question and in an answer.
    pub seq_len: usize,
    /// Tokens are below this.
    pub vocab_size: usize,
    /// What [`IGNORED`] becomes in the labels; -100 where there is none.
    pub ignore_label_id: Option<i64>,
    /// Puzzle identifiers are below this.
    pub num_puzzle_identifiers: u64,
    /// Type of the questions.
    pub inputs: IntType,
    /// Type of the answers.
    pub labels: IntType,
}

impl Layout {
    /// The layout of tasks whose puzzles are examples of their own: one byte a token, padding is ignored, and all
    /// puzzles have the blank identifier.
    pub fn plain(seq_len: usize, vocab_size: usize) -> Self {
        Layout {
            seq_len,
            vocab_size,
            ignore_label_id: Some(0),
            num_puzzle_identifiers: 1,
            inputs: IntType::U8,
            labels: IntType::U8,
        }
    }
}

/// Writes one part of a data set. Questions and answers go to their files at once; the arrays of indices, 24 bytes a
/// puzzle, are kept until the end.
pub struct Writer<W> {
    layout: Layout,
    inputs: W,
    labels: W,
    examples: i64,
    identifiers: Vec<i64>,
    puzzle_indices: Vec<i64>,
    group_indices: Vec<i64>,
    row: Vec<u8>,
}

/// What [`Writer::finish`] leaves to be done.
pub struct Finished<W> {
    /// The whole file `all__inputs.npy`.
    pub inputs: W,
    /// The whole file `all__labels.npy`.
    pub labels: W,
    /// Names and bytes of the other arrays.
    pub arrays: [(&'static str, Vec<u8>); 3],
    /// What belongs into `dataset.json`.
    pub metadata: Metadata,
}

impl<W: Write + Seek> Writer<W> {
    /// Begins the files `all__inputs.npy` and `all__labels.npy`.
    ///
    /// # Errors
    /// The system's, if they cannot be written.
    pub fn new(layout: Layout, inputs: W, labels: W) -> io::Result<Self> {
        let mut writer = Writer {
            layout,
            inputs,
            labels,
            examples: 0,
            identifiers: Vec::new(),
            puzzle_indices: vec![0],
            group_indices: vec![0],
            row: Vec::new(),
        };
        writer.headers()?;
        Ok(writer)
    }

    /// One example of the puzzle that [`Writer::end_puzzle`] will end.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] if it has another length than the layout says, or a token that does not exist or
    /// does not fit the type; otherwise the system's.
    pub fn example(&mut self, question: &[u16], answer: &[u16]) -> io::Result<()> {
        let ignored = self.layout.ignore_label_id.unwrap_or(-100);
        let label = |token: u16| match token {
            IGNORED => ignored,
            token => token.into(),
        };
        for (tokens, name) in [(question, "question"), (answer, "answer")] {
            let vocab = self.layout.vocab_size;
            let wrong = |token: &u16| {
                usize::from(*token) >= vocab && !(name == "answer" && *token == IGNORED)
            };
            if tokens.len() != self.layout.seq_len || tokens.iter().any(wrong) {
                return Err(invalid(format!(
                    "{name}: expected {} tokens from 0 to {}, found others",
                    self.layout.seq_len,
                    vocab.saturating_sub(1)
                )));
            }
        }
        let question = question.iter().map(|&token| token.into());
        write_row(
            &mut self.inputs,
            self.layout.inputs,
            question,
            &mut self.row,
        )?;
        let answer = answer.iter().map(|&token| label(token));
        write_row(&mut self.labels, self.layout.labels, answer, &mut self.row)?;
        self.examples += 1;
        Ok(())
    }

    /// Ends a puzzle: the examples since the last one ended.
    pub fn end_puzzle(&mut self, identifier: u32) {
        self.puzzle_indices.push(self.examples);
        self.identifiers.push(identifier.into());
    }

    /// Ends a group: the puzzles since the last one ended.
    pub fn end_group(&mut self) {
        self.group_indices.push(self.identifiers.len() as i64);
    }

    /// A puzzle that is an example and a group of its own.
    ///
    /// # Errors
    /// As [`Writer::example`].
    pub fn puzzle(&mut self, question: &[u16], answer: &[u16]) -> io::Result<()> {
        self.example(question, answer)?;
        self.end_puzzle(0);
        self.end_group();
        Ok(())
    }

    /// Completes both files and makes the others.
    ///
    /// # Errors
    /// The system's.
    pub fn finish(mut self) -> io::Result<Finished<W>> {
        // Headers have the same length for any number of rows.
        self.headers()?;
        let array = |numbers: &[i64]| array_bytes(IntType::I32, numbers);
        let puzzles = self.identifiers.len() as u64;
        Ok(Finished {
            arrays: [
                ("all__puzzle_identifiers.npy", array(&self.identifiers)?),
                ("all__puzzle_indices.npy", array(&self.puzzle_indices)?),
                ("all__group_indices.npy", array(&self.group_indices)?),
            ],
            metadata: Metadata {
                pad_id: 0,
                ignore_label_id: self.layout.ignore_label_id,
                blank_identifier_id: 0,
                vocab_size: self.layout.vocab_size as u64,
                seq_len: self.layout.seq_len as u64,
                num_puzzle_identifiers: self.layout.num_puzzle_identifiers,
                total_groups: self.group_indices.len() as u64 - 1,
                mean_puzzle_examples: self.examples as f64 / puzzles.max(1) as f64,
                total_puzzles: Some(puzzles),
                sets: vec!["all".into()],
            },
            inputs: self.inputs,
            labels: self.labels,
        })
    }

    /// Writes both headers, for the rows so far, and goes back to the end.
    fn headers(&mut self) -> io::Result<()> {
        let (rows, columns) = (self.examples as u64, Some(self.layout.seq_len as u64));
        for (file, kind) in [
            (&mut self.inputs, self.layout.inputs),
            (&mut self.labels, self.layout.labels),
        ] {
            let header = Header {
                kind: kind.into(),
                rows,
                columns,
            };
            file.seek(SeekFrom::Start(0))?;
            file.write_all(&header.to_bytes())?;
            file.seek(SeekFrom::End(0))?;
        }
        Ok(())
    }
}

/// The text of `identifiers.json`: what each puzzle identifier stands for, from 0.
pub fn identifiers_json(names: &[String]) -> Vec<u8> {
    python_json(&names)
}

fn write_row(
    file: &mut impl Write,
    kind: IntType,
    numbers: impl Iterator<Item = i64>,
    row: &mut Vec<u8>,
) -> io::Result<()> {
    row.clear();
    put_row(kind, numbers, row)
        .map_err(|number| invalid(format!("{number} does not fit {}", kind.name())))?;
    file.write_all(row)
}

fn invalid(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, message)
}
