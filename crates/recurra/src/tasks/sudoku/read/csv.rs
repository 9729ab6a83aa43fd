//! Puzzles in a table: one line each, columns named by a header.

use super::Puzzle;
use super::signs::{is_answer, no_clash, plain_grid, signs, whole_grid};
use crate::tasks::InputError;
use crate::tasks::sudoku::{Grid, Sudoku};
use crate::tasks::text::csv::{self, Field, Names};

/// The grid of a field.
fn grid(field: &Field, line: u64, sudoku: Option<Sudoku>) -> Result<Grid, InputError> {
    match plain_grid(&field.text, sudoku) {
        Some(grid) => Ok(grid),
        None => whole_grid(line, &signs(&field.text, field.column), sudoku),
    }
}

/// Where in the line a cell of a field's grid stands.
fn column_of(field: &Field, cell: usize) -> Option<usize> {
    let signs = signs(&field.text, field.column);
    signs.get(cell).map(|sign| sign.column)
}

const NAMES: Names<4> = [
    &["question", "puzzle"],
    &["answer", "solution"],
    &["source"],
    &["rating", "difficulty"],
];

/// Whether the first line of an input is the header of a table, or a table without one.
pub(super) fn looks_like_table(text: &[u8]) -> bool {
    let Ok(fields) = csv::split_trimmed(1, text) else {
        return text.contains(&b',');
    };
    // A comma alone may be a slip of the finger in a puzzle.
    csv::names_any(&fields, &NAMES)
        || fields.len() > 1
            && fields
                .iter()
                .any(|field| field.is_name() || whole_grid(1, &signs(&field.text, 1), None).is_ok())
}

/// Which column holds what.
pub(super) struct Header(csv::Header<4>);

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
        sudoku: Option<Sudoku>,
    ) -> Result<Puzzle, InputError> {
        let fields = csv::split_trimmed(line, text)?;
        let (given, [_, answer, source, rating]) = self.0.row(line, fields)?;
        let question = grid(&given, line, sudoku)?;
        no_clash(&question, |cell| (line, column_of(&given, cell)))?;
        let answer = match answer {
            None => None,
            Some(given) => {
                let answer = grid(&given, line, Some(question.sudoku()))?;
                is_answer(line, &question, &answer, |cell| column_of(&given, cell))?;
                Some(answer)
            }
        };
        let lossy = |field: Field| String::from_utf8_lossy(&field.text).into_owned();
        Ok(Puzzle {
            sudoku: question.sudoku(),
            question,
            answer,
            source: source.map(lossy),
            // Tables rate with words or fractions too: no reason to refuse the puzzle.
            rating: rating.and_then(|field| lossy(field).parse().ok()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_told_from_puzzles() {
        for text in [
            "question",
            "puzzle,solution",
            "id,grid",
            "\"Rating\"",
            "................,1",
        ] {
            assert!(looks_like_table(text.as_bytes()), "{text}");
        }
        for text in ["", "................", "1,34............", "hello"] {
            assert!(!looks_like_table(text.as_bytes()), "{text}");
        }
    }
}
