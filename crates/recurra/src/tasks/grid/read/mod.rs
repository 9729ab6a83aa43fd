//! Questions and answers from text: tables (CSV), JSON Lines, or a question in each line.
//!
//! A grid is written as its rows with `/` or, inside quotes, a new line between them. Each character is a cell; where
//! a row has white space or commas, these are between cells of several characters. What cannot be read gives one error
//! that says where, and reading goes on after it. Memory is bounded: a line longer than [`MOST`] bytes is an error and
//! is not kept. There are no comments, as every character may be a cell.

mod json;
mod table;
#[cfg(test)]
mod tests;
mod text;

use super::alphabet::Alphabet;
use super::cells::Grid;
use super::{GridTask, Shape, ShapeRule};
use crate::tasks::InputError;
use crate::tasks::text::csv::{Field, Header, names_any, split_trimmed};
use crate::tasks::text::lines::{Line, LineRules, Lines};
use std::io::BufRead;
use text::Rows;

/// Bytes of a line: two grids of the largest size fit in many times over.
const MOST: usize = 1 << 20;

const RULES: LineRules = LineRules {
    most: MOST,
    comment: b'\0',
};

/// The shapes of grids that are written in one line without a mark between their rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// Of questions. None: one row, or a square if all of them have as many cells as one.
    pub question: Option<Shape>,
    /// The same of answers.
    pub answer: Option<Shape>,
}

impl Layout {
    /// The same shape for questions and answers.
    pub fn both(shape: Shape) -> Self {
        Layout {
            question: Some(shape),
            answer: Some(shape),
        }
    }
}

/// A puzzle as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) question: Grid,
    pub(super) answer: Option<Grid>,
    pub(super) rating: Option<u32>,
    /// Whether nothing marks the rows of the question and of the answer.
    pub(super) flat: [bool; 2],
}

/// What stood in an input, and the line where it begins.
pub(super) struct Found {
    pub(super) line: u64,
    pub(super) result: Result<Record, InputError>,
}

/// How symbols become numbers.
pub(super) enum Symbols {
    /// Those of a task; others are refused.
    Known(GridTask),
    /// Whatever comes.
    Learning(Alphabet),
}

/// What the first line showed the input to be.
enum Form {
    Unknown,
    Table(Header<3>, usize),
    Json,
    Plain,
    Ended,
}

/// Reads puzzles one by one.
pub(super) struct Reader<R> {
    lines: Lines<R>,
    symbols: Symbols,
    layout: Layout,
    form: Form,
}

impl<R: BufRead> Reader<R> {
    /// Learns the symbols of a table.
    pub(super) fn learning(reader: R, layout: Layout) -> Self {
        Self::new(reader, Symbols::Learning(Alphabet::default()), layout)
    }

    /// Reads what a task knows.
    pub(super) fn of(task: GridTask, reader: R) -> Self {
        Self::new(reader, Symbols::Known(task), Layout::default())
    }

    fn new(reader: R, symbols: Symbols, layout: Layout) -> Self {
        Reader {
            lines: Lines::new(reader, RULES),
            symbols,
            layout,
            form: Form::Unknown,
        }
    }

    /// The symbols learned.
    pub(super) fn learned(self) -> Alphabet {
        match self.symbols {
            Symbols::Learning(alphabet) => alphabet,
            Symbols::Known(task) => task.alphabet().clone(),
        }
    }

    /// Shapes into which questions and answers without marks are folded, and whether they must fit.
    fn folds(&self) -> [Option<(Shape, bool)>; 2] {
        match &self.symbols {
            Symbols::Learning(_) => {
                [self.layout.question, self.layout.answer].map(|shape| Some((shape?, true)))
            }
            Symbols::Known(task) => {
                let spec = task.grid_spec();
                [spec.question, spec.answer].map(|rule| match rule {
                    ShapeRule::Fixed(shape) => Some((shape, false)),
                    _ => None,
                })
            }
        }
    }

    fn words(&self) -> bool {
        matches!(&self.symbols, Symbols::Known(task) if task.alphabet().words())
    }

    /// Makes a record of rows; symbols learned from a bad one are forgotten.
    fn record(
        &mut self,
        question: Rows<'_>,
        answer: Option<Rows<'_>>,
        rating: Option<u32>,
    ) -> Result<Record, InputError> {
        let [fold, fold_answer] = self.folds();
        let known = match &self.symbols {
            Symbols::Learning(alphabet) => alphabet.len(),
            Symbols::Known(_) => 0,
        };
        let flat = [question.flat, answer.as_ref().is_some_and(|rows| rows.flat)];
        let symbols = &mut self.symbols;
        let grids = text::grid(&question, "question", symbols, fold).and_then(|question| {
            let answer = answer.as_ref();
            let answer = answer.map(|rows| text::grid(rows, "answer", symbols, fold_answer));
            Ok((question, answer.transpose()?))
        });
        let result = grids.and_then(|(grid, solved)| {
            if let Symbols::Known(task) = &self.symbols {
                task.check(&grid, solved.as_ref()).map_err(|objection| {
                    let of = answer.as_ref().zip(solved.as_ref());
                    let of = of.filter(|_| objection.in_answer);
                    let (rows, grid) = of.unwrap_or((&question, &grid));
                    let at = rows.place(objection.cell, grid.shape.cols());
                    InputError {
                        line: at.0,
                        column: at.1,
                        expected: objection.expected,
                        found: objection.found,
                    }
                })?;
            }
            Ok(Record {
                question: grid,
                answer: solved,
                rating,
                flat,
            })
        });
        if let (Err(_), Symbols::Learning(alphabet)) = (&result, &mut self.symbols) {
            alphabet.truncate(known);
        }
        result
    }

    fn json(&mut self, number: u64, text: &[u8]) -> Result<Record, InputError> {
        let line = json::line(number, text)?;
        let words = self.words();
        let answer = line
            .answer
            .as_ref()
            .map(|answer| answer.rows(number, words));
        self.record(line.question.rows(number, words), answer, line.rating)
    }

    fn row(&mut self, number: u64, text: &[u8], header: &Header<3>) -> Result<Record, InputError> {
        let (question, [_, answer, rating]) = header.row(number, split_trimmed(number, text)?)?;
        let whole = utf8(number, text)?;
        let words = self.words();
        let text = |field: &Field| String::from_utf8_lossy(&field.text).into_owned();
        let (given, solved) = (text(&question), answer.as_ref().map(text));
        let answer = answer.as_ref().zip(solved.as_deref());
        let answer = answer.map(|(field, inside)| field_rows(number, whole, field, inside, words));
        let question = field_rows(number, whole, &question, &given, words);
        // Tables rate with words or fractions too: no reason to refuse the puzzle.
        let rating = rating.and_then(|field| text(&field).parse().ok());
        self.record(question, answer, rating)
    }

    fn plain(&mut self, number: u64, text: &[u8]) -> Result<Record, InputError> {
        let text = utf8(number, text)?;
        let at = move |byte: usize| (number, Some(text[..byte].chars().count() + 1));
        let rows = text::rows(text, self.words(), Box::new(at));
        self.record(rows, None, None)
    }

    /// What the first line shows the input to be. It has been used up where it names columns.
    fn form(&mut self, number: u64, text: &[u8]) -> Result<Form, InputError> {
        if text.trim_ascii_start().starts_with(b"{") {
            return Ok(Form::Json);
        }
        let named =
            split_trimmed(number, text).is_ok_and(|fields| names_any(&fields, &table::NAMES));
        // A model knows its symbols, so a question is told from a header with a slip.
        let plain = matches!(self.symbols, Symbols::Known(_)) && !named;
        if plain && (self.plain(number, text).is_ok() || !text.contains(&b',')) {
            return Ok(Form::Plain);
        }
        let header = table::header(number, text)?;
        let columns = split_trimmed(number, text)?.len();
        Ok(Form::Table(header, columns))
    }

    fn next_found(&mut self) -> Option<Found> {
        while !matches!(self.form, Form::Ended) {
            let Some(line) = self.lines.take() else {
                break;
            };
            if line.is_blank() {
                continue;
            }
            let number = line.number;
            if matches!(self.form, Form::Unknown) {
                let text = line.text.as_deref();
                match text.map_or(Err(RULES.too_long(number)), |text| self.form(number, text)) {
                    Ok(form) => self.form = form,
                    Err(error) => {
                        self.form = Form::Ended;
                        return Some(Found {
                            line: number,
                            result: Err(error),
                        });
                    }
                }
                if matches!(self.form, Form::Table(..)) {
                    continue;
                }
            }
            return Some(Found {
                line: number,
                result: self.entry(line),
            });
        }
        self.form = Form::Ended;
        let error = self.lines.failure()?;
        Some(Found {
            line: error.line,
            result: Err(error),
        })
    }

    fn entry(&mut self, line: Line) -> Result<Record, InputError> {
        let (number, text) = match &self.form {
            Form::Table(_, columns) => table::whole(&mut self.lines, line, *columns, MOST),
            _ => (line.number, line.text),
        };
        let text = text.ok_or_else(|| RULES.too_long(number))?;
        match &self.form {
            Form::Table(header, _) => {
                let header = header.clone();
                self.row(number, &text, &header)
            }
            Form::Json => self.json(number, &text),
            _ => self.plain(number, &text),
        }
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        self.next_found()
    }
}

/// The rows of a field of a row of a table, which is `inside`.
fn field_rows<'a>(
    line: u64,
    row: &'a str,
    field: &Field,
    inside: &'a str,
    words: bool,
) -> Rows<'a> {
    let start = field.column;
    // Columns are counted from where the field begins; doubled quotes in it would shift them.
    let at = move |byte: usize| {
        let (line, column) = table::place(line, row, start + inside[..byte].chars().count());
        (line, Some(column))
    };
    text::rows(inside, words, Box::new(at))
}

/// The text, where it is one.
fn utf8(line: u64, text: &[u8]) -> Result<&str, InputError> {
    std::str::from_utf8(text).map_err(|error| {
        let (good, bad) = text.split_at(error.valid_up_to());
        let good = String::from_utf8_lossy(good);
        let (line, column) = table::place(line, &good, 1 + good.chars().count());
        InputError {
            line,
            column: Some(column),
            expected: "UTF-8".into(),
            found: format!("the byte '\\x{:02x}'", bad[0]),
        }
    })
}
