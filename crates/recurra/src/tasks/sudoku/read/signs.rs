//! Characters of a text as cells of a grid.

use crate::reading::{Glyph, InputError, Place, Text, glyphs};
use crate::tasks::sudoku::grid::{digit, letter};
use crate::tasks::sudoku::rules::{self, place};
use crate::tasks::sudoku::{Grid, Sudoku};

/// A glyph and where it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sign {
    pub(super) place: Place,
    glyph: Glyph,
}

impl Sign {
    /// The digit it stands for in a grid of this size, 0 for blank.
    fn digit(self, size: usize) -> Option<u8> {
        match self.glyph {
            Glyph::Char(char) => digit(char).filter(|&digit| usize::from(digit) <= size),
            Glyph::Byte(_) => None,
        }
    }
}

/// What of a text may be a cell, right or wrong.
pub(super) struct Signs {
    pub(super) signs: Vec<Sign>,
    /// The line where the text begins.
    pub(super) start: Place,
}

impl Signs {
    /// All but space and lines between boxes.
    pub(super) fn of(text: Text<'_>) -> Self {
        let between = |glyph: Glyph| match glyph {
            Glyph::Char(char) => char.is_whitespace() || char == '|' || is_box_drawing(char),
            Glyph::Byte(_) => false,
        };
        let mut signs = Vec::new();
        for line in text.lines() {
            // In one line, such characters are slips.
            if text.is_drawn() && is_rule(line.bytes) {
                continue;
            }
            let mut place = line.start;
            for glyph in glyphs(line.bytes) {
                if !between(glyph) {
                    signs.push(Sign { place, glyph });
                }
                place = place.right(1);
            }
        }
        let start = text.first_line();
        Signs { signs, start }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.signs.len()
    }

    /// Where a cell stands.
    pub(super) fn place(&self, cell: usize) -> Place {
        self.signs.get(cell).map_or(self.start, |sign| sign.place)
    }

    /// Whether any sign is a digit above this one.
    pub(super) fn any_above(&self, size: usize) -> bool {
        let above = |digit| usize::from(digit) > size;
        self.signs
            .iter()
            .any(|sign| sign.digit(16).is_some_and(above))
    }

    /// Whether at least half of the signs are cells of a grid of this size.
    pub(super) fn mostly_cells(&self, size: usize) -> bool {
        let good = self.signs.iter().filter(|sign| sign.digit(size).is_some());
        2 * good.count() >= self.len()
    }

    /// Whether they are a row of a grid of this size, if perhaps with a slip.
    pub(super) fn resembles_row(&self, size: usize) -> bool {
        self.len().abs_diff(size) <= 2 && self.mostly_cells(size)
    }

    /// The cells, if every sign is one.
    pub(super) fn cells(&self, size: usize) -> Result<Vec<u8>, InputError> {
        let expected = || match size {
            0..=9 => format!("a digit 1-{size} or a blank (. 0 _)"),
            _ => "a digit 1-9 or A-G or a blank (. 0 _)".into(),
        };
        let cell = |sign: &Sign| {
            let refused = || sign.place.error(expected(), sign.glyph.to_string());
            sign.digit(size).ok_or_else(refused)
        };
        self.signs.iter().map(cell).collect()
    }

    /// The cells, if they are one row.
    pub(super) fn full_row(&self, size: usize) -> Result<Vec<u8>, InputError> {
        let digits = self.cells(size)?;
        if digits.len() == size {
            Ok(digits)
        } else {
            Err(self.wrong_count(size, " in this row"))
        }
    }

    /// An error about the number of cells. It stands at the first that is too many, or after the last.
    fn wrong_count(&self, wanted: usize, unit: &str) -> InputError {
        let after = |last: &Sign| last.place.right(1);
        let place = match self.signs.get(wanted) {
            Some(extra) => extra.place,
            None => self.signs.last().map_or(self.start, after),
        };
        place.error(format!("{wanted} cells{unit}"), self.len().to_string())
    }

    /// The grid of a text that holds all its cells.
    pub(super) fn whole_grid(&self, sudoku: Option<Sudoku>) -> Result<Grid, InputError> {
        let fits = Sudoku::with_cells(self.len());
        let Some(wanted) = sudoku.or(fits) else {
            // A character that no grid knows explains more than the number of them.
            self.cells(16)?;
            let found = self.len().to_string();
            return Err(self.start.error("16, 36, 81 or 256 cells", found));
        };
        // For a good puzzle of another kind it is the number that explains, not the digits.
        if fits.is_none_or(|fits| fits == wanted) {
            let cells = self.cells(wanted.size())?;
            if let Some(grid) = Grid::new(wanted, cells) {
                return Ok(grid);
            }
        }
        Err(self.wrong_count(wanted.cells(), ""))
    }
}

/// Whether a line is only drawn between boxes.
pub(super) fn is_rule(text: &[u8]) -> bool {
    let mut drawn = false;
    glyphs(text).all(|glyph| match glyph {
        Glyph::Char('-' | '+' | '|' | '=') => {
            drawn = true;
            true
        }
        Glyph::Char(char) => {
            drawn |= is_box_drawing(char);
            char.is_whitespace() || is_box_drawing(char)
        }
        Glyph::Byte(_) => false,
    }) && drawn
}

fn is_box_drawing(char: char) -> bool {
    ('\u{2500}'..='\u{257f}').contains(&char)
}

/// The grid of a text that is nothing but its cells, one byte each; None says nothing about the text.
/// Most puzzles are of this form, and millions of them are read.
pub(super) fn plain_grid(text: &[u8], sudoku: Option<Sudoku>) -> Option<Grid> {
    let fits = Sudoku::with_cells(text.len())?;
    if sudoku.is_some_and(|sudoku| sudoku != fits) {
        return None;
    }
    let mut cells = vec![0; text.len()];
    for (cell, &byte) in cells.iter_mut().zip(text) {
        *cell = digit(char::from(byte))?;
    }
    Grid::new(fits, cells)
}

/// Refuses clashing givens; `place` says where a cell stands.
pub(super) fn no_clash(grid: &Grid, place: impl Fn(usize) -> Place) -> Result<(), InputError> {
    let Some(clash) = rules::clashes(grid) else {
        return Ok(());
    };
    let (row, col) = clash.second;
    let place = place((row - 1) * grid.sudoku().size() + col - 1);
    Err(place.error("no digit twice in a row, column or box", clash.to_string()))
}

/// Refuses an answer that is no solution of its question; `at` says where a cell stands.
pub(super) fn is_answer(
    question: &Grid,
    answer: &Grid,
    at: impl Fn(usize) -> Place,
) -> Result<(), InputError> {
    let error = |cell, found| Err(at(cell).error("a solution of the question", found));
    let name = |cell| {
        let (row, col) = place(question.sudoku(), cell);
        format!("row {row}, column {col}")
    };
    if let Some(blank) = answer.cells().iter().position(|&digit| digit == 0) {
        return error(blank, format!("a blank at {}", name(blank)));
    }
    if let Some(cell) = rules::moved_given(question, answer) {
        let (is, was) = (letter(answer.get(cell)), letter(question.get(cell)));
        let found = format!("{is} at {} where the question has {was}", name(cell));
        return error(cell, found);
    }
    match rules::clashes(answer) {
        None => Ok(()),
        Some(clash) => {
            let (row, col) = clash.second;
            let cell = (row - 1) * answer.sudoku().size() + col - 1;
            error(cell, clash.to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters() {
        let mut text = Text::line(1, "é |1\u{2502}2".as_bytes());
        text.start.column = Some(5);
        let signs = Signs::of(text).signs;
        let columns = signs.iter().filter_map(|sign| sign.place.column);
        assert!(columns.eq([5, 8, 10]));
    }

    #[test]
    fn lines_between_boxes() {
        for text in ["---+---", " - - | - -", "===", "├───┼───┤", "|"] {
            assert!(is_rule(text.as_bytes()), "{text}");
        }
        for text in ["", "  ", "--1", "-x-"] {
            assert!(!is_rule(text.as_bytes()), "{text}");
        }
    }
}
