//! Reads puzzles one by one from any text.

use super::dialect::Dialect;
use super::lines::{Line, Lines};
use super::place::InputError;
use super::row::{Field, Given, Row};
use super::table::{Header, split_somehow};
use super::{Text, json, quoted};
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
    /// What is wrong with the question. Where only the answer is wrong, that is told beside the question.
    fn given(
        &mut self,
        question: Given,
        answer: Option<Given>,
    ) -> Result<Read<Self::Grid>, InputError>;

    /// Reads a question in plain text that begins with this line. None if there is none: the line is only drawn, or the
    /// input failed before the question's end.
    fn plain<R: BufRead>(
        &mut self,
        first: Text<'_>,
        lines: &mut Lines<R>,
    ) -> Option<Result<Read<Self::Grid>, InputError>>;
}

/// A question as it was read.
#[derive(Debug)]
pub struct Read<G> {
    /// The question.
    pub question: G,
    /// Its answer, where the input has one, or why that is none.
    pub answer: Option<Result<G, InputError>>,
}

impl<G> From<G> for Read<G> {
    fn from(question: G) -> Self {
        let answer = None;
        Read { question, answer }
    }
}

/// A puzzle as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record<G> {
    /// The question.
    pub question: G,
    /// Its answer, where the input has a right one.
    pub answer: Option<G>,
    /// Why the answer that the input has is none: who asks the question alone need not care.
    pub objection: Option<InputError>,
    /// Where the input says it is from.
    pub source: Option<String>,
    /// How hard the input says it is, if that was a whole number.
    pub rating: Option<u32>,
    /// The puzzle's name in the input.
    pub id: Option<String>,
}

/// One puzzle of an input, or why there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<P> {
    /// The line where it begins, counted from 1.
    pub line: u64,
    /// The puzzle; an error names the exact line, which may be a later one.
    pub result: Result<P, InputError>,
    /// What else is to be told of the input, once: a part of it that is not used.
    pub note: Option<Box<str>>,
}

impl<P> Entry<P> {
    /// The same entry with what is made of its puzzle.
    pub fn map<Q>(self, of: impl FnOnce(P) -> Q) -> Entry<Q> {
        Entry {
            line: self.line,
            result: self.result.map(of),
            note: self.note,
        }
    }
}

/// What the first line showed the input to be.
enum Form {
    Unknown,
    Plain,
    Table(Header),
    Json,
    /// JSON that is not written one object a line.
    Values,
    /// Nothing more can be read.
    Ended,
}

/// Reads puzzles one by one. An input without any gives none: whether that is an error is up to the caller.
pub struct Reader<R: BufRead, N> {
    lines: Lines<R>,
    notation: N,
    form: Form,
    /// What the next entry tells.
    note: Option<Box<str>>,
    /// Whether no object was read yet.
    first: bool,
}

impl<R: BufRead, N: Notation> Reader<R, N> {
    /// Reads puzzles that are written like this.
    pub fn of(reader: R, notation: N) -> Self {
        Reader {
            lines: Lines::new(reader, N::DIALECT),
            notation,
            form: Form::Unknown,
            note: None,
            first: true,
        }
    }

    /// What it has remembered.
    pub fn into_notation(self) -> N {
        self.notation
    }

    /// The puzzle that begins with this line; none where none does.
    fn puzzle(&mut self, line: &Line) -> Option<Result<Record<N::Grid>, InputError>> {
        if matches!(self.form, Form::Unknown) {
            let form = match line.is_value {
                true => Ok(Form::Values),
                false => line
                    .text()
                    .map_or(Ok(Form::Plain), |text| self.form_of(text)),
            };
            self.form = match form {
                Ok(Form::Table(header)) => {
                    self.note = not_used("columns", &header.unused);
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
            Form::Json | Form::Values => {
                let read = if matches!(self.form, Form::Json) {
                    json::row
                } else {
                    json::value
                };
                line.text().and_then(read).map(|(row, unused)| {
                    if std::mem::take(&mut self.first) {
                        self.note = not_used("keys", &unused);
                    }
                    row
                })
            }
            _ => {
                let read = match line.text() {
                    Ok(text) => self.notation.plain(text, &mut self.lines)?,
                    Err(error) => Err(error),
                };
                return Some(read.map(|read| record(read, None, None, None)));
            }
        };
        let notation = &mut self.notation;
        Some(row.and_then(|row: Row| {
            let read = notation.given(row.question, row.answer)?;
            Ok(record(read, row.source, row.rating, row.id))
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

/// What is told of parts that are not used.
fn not_used(parts: &str, names: &[String]) -> Option<Box<str>> {
    const TOLD: usize = 12;
    let mut told: Vec<String> = names.iter().take(TOLD).map(|name| quoted(name)).collect();
    if names.len() > TOLD {
        told.push(format!("{} more", names.len() - TOLD));
    }
    (!names.is_empty()).then(|| format!("{parts} that are not used: {}", told.join(", ")).into())
}

fn record<G>(
    read: Read<G>,
    source: Option<String>,
    rating: Option<u32>,
    id: Option<String>,
) -> Record<G> {
    let Read { question, answer } = read;
    let (answer, objection) = match answer {
        None => (None, None),
        Some(Ok(answer)) => (Some(answer), None),
        Some(Err(error)) => (None, Some(error)),
    };
    Record {
        question,
        answer,
        objection,
        source,
        rating,
        id,
    }
}

/// Whether the first line of an input is the header of a table, or a table without one.
pub(crate) fn is_header(notation: &mut impl Notation, text: Text<'_>) -> bool {
    let fields = split_somehow(text).map(|fields| fields.1).ok();
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
                let (line, note) = (line.number, self.note.take());
                return Some(Entry { line, result, note });
            }
        }
        self.form = Form::Ended;
        let error = self.lines.failure()?;
        Some(Entry {
            line: error.line,
            result: Err(error),
            note: None,
        })
    }
}
