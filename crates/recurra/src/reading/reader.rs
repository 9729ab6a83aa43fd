//! Reads puzzles one by one from any text.

use super::dialect::Dialect;
use super::lines::{Line, Lines};
use super::place::InputError;
use super::row::{Field, Given, Row};
use super::table::{Header, split_trimmed};
use super::{Text, json};
use std::io::BufRead;

/// How a task's questions and answers are written. It may remember what it has read.
pub trait Notation {
    /// What a question or an answer becomes.
    type Grid;

    /// What the inputs are like.
    const DIALECT: Dialect;

    /// Whether the first line that says something, which names no column that is known, is meant as the header of a table,
    /// or belongs to one that lacks it. Without fields, it cannot be cut into any.
    fn is_table(&mut self, line: Text<'_>, fields: Option<&[Field]>) -> bool;

    /// Reads a question and its answer from a row of a table or an object.
    ///
    /// # Errors
    /// What is wrong with them.
    fn given(
        &mut self,
        question: Given,
        answer: Option<Given>,
    ) -> Result<(Self::Grid, Option<Self::Grid>), InputError>;

    /// Reads a question in plain text that begins with this line. None if there is none: the line is only drawn, or the
    /// input failed before the question's end.
    fn plain<R: BufRead>(
        &mut self,
        first: Text<'_>,
        lines: &mut Lines<R>,
    ) -> Option<Result<Self::Grid, InputError>>;
}

/// A puzzle as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record<G> {
    /// The question.
    pub question: G,
    /// Its answer, where the input has one.
    pub answer: Option<G>,
    /// Where the input says it is from.
    pub source: Option<String>,
    /// How hard the input says it is, if that was a whole number.
    pub rating: Option<u32>,
}

/// One puzzle of an input, or why there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<P> {
    /// The line where it begins, counted from 1.
    pub line: u64,
    /// The puzzle; an error names the exact line, which may be a later one.
    pub result: Result<P, InputError>,
}

impl<P> Entry<P> {
    /// The same entry with what is made of its puzzle.
    pub fn map<Q>(self, of: impl FnOnce(P) -> Q) -> Entry<Q> {
        Entry {
            line: self.line,
            result: self.result.map(of),
        }
    }
}

/// What the first line showed the input to be.
enum Form {
    Unknown,
    Plain,
    Table(Header),
    Json,
    /// Nothing more can be read.
    Ended,
}

/// Reads puzzles one by one. An input without any gives none: whether that is an error is up to the caller.
pub struct Reader<R, N> {
    lines: Lines<R>,
    notation: N,
    form: Form,
}

impl<R: BufRead, N: Notation> Reader<R, N> {
    /// Reads puzzles that are written like this.
    pub fn of(reader: R, notation: N) -> Self {
        Reader {
            lines: Lines::new(reader, N::DIALECT),
            notation,
            form: Form::Unknown,
        }
    }

    /// What it has remembered.
    pub fn into_notation(self) -> N {
        self.notation
    }

    /// The puzzle that begins with this line; none where none does.
    fn puzzle(&mut self, line: &Line) -> Option<Result<Record<N::Grid>, InputError>> {
        if matches!(self.form, Form::Unknown) {
            self.form = match line
                .text()
                .map_or(Ok(Form::Plain), |text| self.form_of(text))
            {
                Ok(Form::Table(header)) => {
                    self.form = Form::Table(header);
                    return None;
                }
                Ok(form) => form,
                Err(error) => {
                    self.form = Form::Ended;
                    return Some(Err(error));
                }
            };
        }
        let row = match &self.form {
            Form::Table(header) => header.row(line, &mut self.lines),
            Form::Json => line
                .text()
                .and_then(|text| json::row(line.number, text.bytes)),
            _ => {
                let question = match line.text() {
                    Ok(text) => self.notation.plain(text, &mut self.lines)?,
                    Err(error) => Err(error),
                };
                return Some(question.map(|question| Record {
                    question,
                    answer: None,
                    source: None,
                    rating: None,
                }));
            }
        };
        let notation = &mut self.notation;
        Some(row.and_then(|row: Row| {
            let (question, answer) = notation.given(row.question, row.answer)?;
            Ok(Record {
                question,
                answer,
                source: row.source,
                rating: row.rating,
            })
        }))
    }

    fn form_of(&mut self, text: Text<'_>) -> Result<Form, InputError> {
        let begins = (text.bytes.iter().copied()).filter(|byte| !byte.is_ascii_whitespace());
        if begins
            .take(N::DIALECT.object.len())
            .eq(N::DIALECT.object.iter().copied())
        {
            Ok(Form::Json)
        } else if is_header(&mut self.notation, text) {
            Header::read(text, N::DIALECT).map(Form::Table)
        } else {
            Ok(Form::Plain)
        }
    }
}

/// Whether the first line of an input is the header of a table, or a table without one.
pub(crate) fn is_header(notation: &mut impl Notation, text: Text<'_>) -> bool {
    let fields = split_trimmed(text).ok();
    let fields = fields.as_deref();
    fields.is_some_and(Header::is_named) || notation.is_table(text, fields)
}

impl<R: BufRead, N: Notation> Iterator for Reader<R, N> {
    type Item = Entry<Record<N::Grid>>;

    fn next(&mut self) -> Option<Self::Item> {
        while !matches!(self.form, Form::Ended) {
            let Some(line) = self.lines.take() else {
                break;
            };
            if line.is_blank() || line.is_comment() {
                continue;
            }
            if let Some(result) = self.puzzle(&line) {
                let line = line.number;
                return Some(Entry { line, result });
            }
        }
        self.form = Form::Ended;
        let error = self.lines.failure()?;
        Some(Entry {
            line: error.line,
            result: Err(error),
        })
    }
}
