//! Mazes in a table: one line each, columns named by a header.

use super::{Puzzle, text::Text};
use crate::tasks::InputError;
use crate::tasks::maze::Shape;
use crate::tasks::text::csv::{self, Field, Names};

const NAMES: Names<3> = [
    &["question", "puzzle", "input"],
    &["answer", "solution"],
    &["source"],
];

/// Whether the first line of an input is the header of a table, or a table without one: no maze has a comma.
pub(super) fn looks_like_table(text: &[u8]) -> bool {
    text.contains(&b',')
        || csv::split_trimmed(1, text).is_ok_and(|fields| csv::names_any(&fields, &NAMES))
}

/// Which column holds what.
pub(super) struct Header(csv::Header<3>);

impl Header {
    /// Reads the line that names the columns.
    pub(super) fn read(line: u64, text: &[u8]) -> Result<Self, InputError> {
        csv::Header::read(line, text, &NAMES).map(Header)
    }

    /// Reads one line of the table.
    pub(super) fn puzzle(
        &self,
        line: u64,
        text: &[u8],
        shape: Option<Shape>,
    ) -> Result<Puzzle, InputError> {
        // Spaces are cells, so nothing is taken off.
        let fields = csv::split(line, text)?;
        let (question, [_, answer, source]) = self.0.row(line, fields)?;
        let question = field(line, &question).question(shape)?;
        let answer = answer.map(|answer| field(line, &answer).answer(&question));
        Ok(Puzzle {
            question,
            answer: answer.transpose()?,
            source: source.map(|field| String::from_utf8_lossy(&field.text).trim().to_owned()),
        })
    }
}

/// The text of a field.
fn field(line: u64, field: &Field) -> Text<'_> {
    Text {
        line,
        column: field.column,
        bytes: &field.text,
    }
}
