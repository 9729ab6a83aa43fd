//! Characters of a line as cells of a grid.

use crate::tasks::InputError;
use crate::tasks::sudoku::grid::{digit, letter};
use crate::tasks::sudoku::rules::{self, place};
use crate::tasks::sudoku::{Grid, Sudoku};
use crate::tasks::text::glyph::{Glyph, glyphs};

/// A glyph and its column, counted from 1.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sign {
    pub(super) column: usize,
    pub(super) glyph: Glyph,
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

/// What of a text may be a cell, right or wrong: all but space and vertical lines between boxes.
pub(super) fn signs(text: &[u8], first_column: usize) -> Vec<Sign> {
    let between = |glyph: Glyph| match glyph {
        Glyph::Char(char) => char.is_whitespace() || char == '|' || is_box_drawing(char),
        Glyph::Byte(_) => false,
    };
    glyphs(text)
        .enumerate()
        .filter(|&(_, glyph)| !between(glyph))
        .map(|(i, glyph)| Sign {
            column: first_column + i,
            glyph,
        })
        .collect()
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

/// Whether any sign is a digit above this one.
pub(super) fn any_above(signs: &[Sign], size: usize) -> bool {
    signs.iter().any(|sign| {
        sign.digit(16)
            .is_some_and(|digit| usize::from(digit) > size)
    })
}

/// Whether at least half of the signs are cells of a grid of this size.
pub(super) fn mostly_cells(signs: &[Sign], size: usize) -> bool {
    let good = signs.iter().filter(|sign| sign.digit(size).is_some());
    2 * good.count() >= signs.len()
}

/// Whether a line is a row of a grid of this size, if perhaps with a slip.
pub(super) fn resembles_row(signs: &[Sign], size: usize) -> bool {
    signs.len().abs_diff(size) <= 2 && mostly_cells(signs, size)
}

/// Which cells a grid of this size takes.
fn alphabet(size: usize) -> String {
    match size {
        0..=9 => format!("a digit 1-{size} or a blank (. 0 _)"),
        _ => "a digit 1-9 or A-G or a blank (. 0 _)".into(),
    }
}

/// The cells, if every sign is one.
pub(super) fn cells(line: u64, signs: &[Sign], size: usize) -> Result<Vec<u8>, InputError> {
    let cell = |sign: &Sign| {
        sign.digit(size).ok_or_else(|| InputError {
            line,
            column: Some(sign.column),
            expected: alphabet(size),
            found: sign.glyph.to_string(),
        })
    };
    signs.iter().map(cell).collect()
}

/// An error about the number of cells. It stands at the first that is too many, or after the last.
pub(super) fn wrong_count(line: u64, signs: &[Sign], wanted: usize, unit: &str) -> InputError {
    let column = match signs.get(wanted) {
        Some(extra) => Some(extra.column),
        None => signs.last().map(|last| last.column + 1),
    };
    InputError {
        line,
        column,
        expected: format!("{wanted} cells{unit}"),
        found: signs.len().to_string(),
    }
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

/// The grid of a text that holds all its cells.
pub(super) fn whole_grid(
    line: u64,
    signs: &[Sign],
    sudoku: Option<Sudoku>,
) -> Result<Grid, InputError> {
    let fits = Sudoku::with_cells(signs.len());
    let Some(wanted) = sudoku.or(fits) else {
        // A character that no grid knows explains more than the number of them.
        cells(line, signs, 16)?;
        return Err(InputError {
            line,
            column: None,
            expected: "16, 36, 81 or 256 cells".into(),
            found: signs.len().to_string(),
        });
    };
    // For a good puzzle of another kind it is the number that explains, not the digits.
    if fits.is_none_or(|fits| fits == wanted) {
        let cells = cells(line, signs, wanted.size())?;
        if let Some(grid) = Grid::new(wanted, cells) {
            return Ok(grid);
        }
    }
    Err(wrong_count(line, signs, wanted.cells(), ""))
}

/// Refuses clashing givens; `at` says where a cell stands.
pub(super) fn no_clash(
    grid: &Grid,
    at: impl Fn(usize) -> (u64, Option<usize>),
) -> Result<(), InputError> {
    let Some(clash) = rules::clashes(grid) else {
        return Ok(());
    };
    let (row, col) = clash.second;
    let (line, column) = at((row - 1) * grid.sudoku().size() + col - 1);
    Err(InputError {
        line,
        column,
        expected: "no digit twice in a row, column or box".into(),
        found: clash.to_string(),
    })
}

/// Refuses an answer that is no solution of its question; `column` says where a cell stands.
pub(super) fn is_answer(
    line: u64,
    question: &Grid,
    answer: &Grid,
    column: impl Fn(usize) -> Option<usize>,
) -> Result<(), InputError> {
    let error = |cell, found| {
        Err(InputError {
            line,
            column: column(cell),
            expected: "a solution of the question".into(),
            found,
        })
    };
    let name = |cell| {
        let (row, col) = place(question.sudoku(), cell);
        format!("row {row}, column {col}")
    };
    if let Some(blank) = answer.cells().iter().position(|&digit| digit == 0) {
        return error(blank, format!("a blank at {}", name(blank)));
    }
    if let Some(cell) = rules::moved_given(question, answer) {
        let (is, was) = (letter(answer.get(cell)), letter(question.get(cell)));
        return error(
            cell,
            format!("{is} at {} where the question has {was}", name(cell)),
        );
    }
    match rules::clashes(answer) {
        None => Ok(()),
        Some(clash) => {
            let (row, col) = clash.second;
            error(
                (row - 1) * answer.sudoku().size() + col - 1,
                clash.to_string(),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters() {
        let signs = signs("é |1\u{2502}2".as_bytes(), 5);
        let columns: Vec<_> = signs.iter().map(|sign| sign.column).collect();
        assert_eq!(columns, [5, 8, 10]);
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
