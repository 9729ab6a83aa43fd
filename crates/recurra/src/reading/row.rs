//! What a row of a table, or an object, says of a puzzle.

use super::{Place, Text};

/// What a row of a table, or an object, says of a puzzle.
pub(super) struct Row {
    pub(super) question: Given,
    pub(super) answer: Option<Given>,
    pub(super) source: Option<String>,
    pub(super) rating: Option<u32>,
    pub(super) id: Option<String>,
}

/// A question or an answer as a table or an object has it.
#[derive(Debug)]
pub enum Given {
    /// A text.
    Text(Field),
    /// Rows that an object in this line lists.
    Rows(u64, Vec<JsonRow>),
}

impl Given {
    /// One text, in which listed rows are lines.
    pub fn joined(self) -> Field {
        match self {
            Given::Text(field) => field,
            Given::Rows(line, rows) => {
                let lines: Vec<String> = rows.into_iter().map(JsonRow::into_text).collect();
                Field::whole(Place::line(line), lines.join("\n").into_bytes())
            }
        }
    }
}

/// A field, and the place where its text begins.
#[derive(Debug)]
pub struct Field {
    pub(super) bytes: Vec<u8>,
    pub(super) start: Place,
    pub(super) quoted: bool,
}

impl Field {
    /// A text that is no part of a line with commas.
    pub(super) fn whole(start: Place, bytes: Vec<u8>) -> Self {
        let quoted = true;
        Field {
            bytes,
            start,
            quoted,
        }
    }

    /// What stands in it.
    pub fn text(&self) -> Text<'_> {
        Text {
            bytes: &self.bytes,
            start: self.start,
        }
    }

    /// Whether it could name a column. One letter may be a cell.
    pub fn is_name(&self) -> bool {
        let inside = |byte: &u8| byte.is_ascii_alphanumeric() || b"_- ".contains(byte);
        self.bytes.len() > 1 && self.bytes[0].is_ascii_alphabetic() && self.bytes.iter().all(inside)
    }

    /// Without the white space around it, where no quotes say that it belongs to the text.
    pub(super) fn trimmed(mut self) -> Self {
        if !self.quoted {
            let blank = self.bytes.len() - self.bytes.trim_ascii_start().len();
            self.start = self.text().place(blank);
            self.bytes.truncate(self.bytes.trim_ascii_end().len());
            self.bytes.drain(..blank.min(self.bytes.len()));
        }
        self
    }

    pub(super) fn is(&self, name: &str) -> bool {
        self.bytes.eq_ignore_ascii_case(name.as_bytes())
    }

    pub(super) fn into_lossy(self) -> String {
        String::from_utf8_lossy(&self.trimmed().bytes).into_owned()
    }
}

/// A text, or a list.
#[derive(Debug)]
pub enum Listed<T> {
    /// `"ab"`
    Text(String),
    /// `["a", "b"]`
    List(Vec<T>),
}

/// A cell, as a text or a whole number.
#[derive(Debug)]
pub struct Cell {
    /// What it says.
    pub text: String,
    /// Whether it stands where a row could.
    pub(super) alone: bool,
}

impl Cell {
    /// A cell of a row.
    pub(super) fn of(text: impl ToString) -> Self {
        let (text, alone) = (text.to_string(), false);
        Cell { text, alone }
    }
}

/// A row of a grid.
pub type JsonRow = Listed<Cell>;

impl JsonRow {
    /// Its cells as one text. Where one has several characters, spaces are between them.
    pub(super) fn into_text(self) -> String {
        match self {
            Listed::Text(text) => text,
            Listed::List(cells) => {
                let wide = cells.iter().any(|cell| cell.text.chars().count() > 1);
                let cells: Vec<String> = cells.into_iter().map(|cell| cell.text).collect();
                cells.join(if wide { " " } else { "" })
            }
        }
    }
}
