//! A line of JSON Lines: an object with a question and perhaps an answer.

use super::text::{Cell, Rows, rows};
use crate::tasks::InputError;
use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};
use std::fmt;

/// One puzzle. Other keys may stand beside these; a key twice is refused.
#[derive(serde::Deserialize)]
pub(super) struct JsonLine {
    pub(super) question: JsonGrid,
    #[serde(default)]
    pub(super) answer: Option<JsonGrid>,
    #[serde(default, deserialize_with = "rating")]
    pub(super) rating: Option<u32>,
}

/// `"ab/cd"`, `["ab", "cd"]` or `[["a", "b"], ["c", "d"]]`, where numbers may stand for texts.
pub(super) enum JsonGrid {
    Text(String),
    Rows(Vec<JsonRow>),
}

/// A row of a grid.
pub(super) enum JsonRow {
    Text(String),
    Cells(Vec<JsonCell>),
}

/// A cell, as a text or a whole number.
pub(super) struct JsonCell(String);

/// Reads a line.
pub(super) fn line(number: u64, text: &[u8]) -> Result<JsonLine, InputError> {
    serde_json::from_slice(text).map_err(|error| {
        // The place is told in front, as everywhere.
        let said = error.to_string();
        let place = format!(" at line {} column {}", error.line(), error.column());
        let said = said.strip_suffix(&place).unwrap_or(&said);
        let (found, expected) = match said.rsplit_once(", expected ") {
            Some((found, expected)) => (found, expected),
            None => (said, "an object with `question` and `answer`"),
        };
        InputError {
            line: number,
            column: Some(error.column()),
            expected: expected.into(),
            found: found.trim_start_matches("invalid type: ").into(),
        }
    })
}

impl JsonGrid {
    /// The rows of the grid, all of which stand in this line.
    pub(super) fn rows(&self, line: u64, words: bool) -> Rows<'_> {
        let at = || Box::new(move |_| (line, None));
        match self {
            JsonGrid::Text(text) => rows(text, words, at()),
            JsonGrid::Rows(given) => {
                let spaced = |row: &JsonRow| matches!(row, JsonRow::Text(text) if text.trim().contains([' ', ',', '\t']));
                let words = words || given.iter().any(spaced);
                let rows = given.iter().map(|row| row.cells(words));
                Rows::new(rows.collect(), false, at())
            }
        }
    }
}

impl JsonRow {
    /// The cells, none of which has a place of its own.
    fn cells(&self, words: bool) -> (usize, Vec<Cell<'_>>) {
        let cells = match self {
            JsonRow::Cells(cells) => {
                let cells = cells.iter();
                cells
                    .map(|JsonCell(text)| Cell { text, offset: 0 })
                    .collect()
            }
            JsonRow::Text(text) => {
                let mut rows = rows(text, words, Box::new(|_| (0, None))).rows;
                match rows.len() {
                    1 => rows.swap_remove(0).1,
                    // A slash is between rows, and here a row is an item of the array: it is no symbol.
                    _ => vec![Cell { text, offset: 0 }],
                }
            }
        };
        (0, cells)
    }
}

/// Ratings in words or fractions are no reason to refuse the puzzle.
fn rating<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(value.as_u64().and_then(|rating| rating.try_into().ok()))
}

struct GridVisitor;

impl<'de> Visitor<'de> for GridVisitor {
    type Value = JsonGrid;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a grid as text or as an array of rows")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<JsonGrid, E> {
        Ok(JsonGrid::Text(text.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<JsonGrid, A::Error> {
        let mut rows = Vec::new();
        while let Some(row) = seq.next_element()? {
            rows.push(row);
        }
        Ok(JsonGrid::Rows(rows))
    }
}

impl<'de> Deserialize<'de> for JsonGrid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(GridVisitor)
    }
}

struct RowVisitor;

impl<'de> Visitor<'de> for RowVisitor {
    type Value = JsonRow;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a row as text or as an array of cells")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<JsonRow, E> {
        Ok(JsonRow::Text(text.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<JsonRow, A::Error> {
        let mut cells = Vec::new();
        while let Some(cell) = seq.next_element()? {
            cells.push(cell);
        }
        Ok(JsonRow::Cells(cells))
    }
}

impl<'de> Deserialize<'de> for JsonRow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RowVisitor)
    }
}

struct CellVisitor;

impl Visitor<'_> for CellVisitor {
    type Value = JsonCell;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a cell as text or as a whole number")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<JsonCell, E> {
        Ok(JsonCell(text.into()))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<JsonCell, E> {
        Ok(JsonCell(number.to_string()))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<JsonCell, E> {
        Ok(JsonCell(number.to_string()))
    }
}

impl<'de> Deserialize<'de> for JsonCell {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CellVisitor)
    }
}
