//! Puzzles from text: one a line, drawn over several lines, in a table (CSV), or as JSON Lines.
//!
//! Blank lines and lines that begin with `#` say nothing. A blank cell is `.`, `0` or `_`; digits above
//! 9 are letters, large or small. A drawn grid may have lines between its boxes and ends at a blank
//! line. What cannot be read gives one error that says where, and reading goes on after it. Memory is
//! bounded: a line longer than 4096 bytes is an error and is not kept.

mod signs;
#[cfg(test)]
mod tests;

use std::io::BufRead;
use std::str::FromStr;

use super::{Grid, Sudoku};
use crate::reading::{self, Dialect, Field, Given, InputError, Lines, Notation, Place, Text};
use signs::{Sign, Signs};

/// A puzzle as it was read. Its givens do not clash, and an answer is a solution; whether there is one was not asked.
pub type Puzzle = reading::Record<Grid>;

/// One puzzle of an input, or why there is none.
pub type Entry = reading::Entry<Puzzle>;

/// Reads puzzles one by one.
pub type PuzzleReader<R> = reading::Reader<R, SudokuNotation>;

impl<R: BufRead> PuzzleReader<R> {
    /// Reads puzzles of one kind, or (for none) of the kind their number of cells says.
    pub fn new(reader: R, sudoku: Option<Sudoku>) -> Self {
        Self::of(reader, SudokuNotation { sudoku, last: None })
    }
}

/// Reads one puzzle written in one line, of this kind or of any. Givens may clash.
pub fn parse_line(text: &str, sudoku: Option<Sudoku>) -> Result<Grid, InputError> {
    Signs::of(Text::line(1, text.as_bytes())).whole_grid(sudoku)
}

/// Reads one line of 16, 36, 81 or 256 cells. Givens may clash.
impl FromStr for Grid {
    type Err = InputError;

    fn from_str(text: &str) -> Result<Self, InputError> {
        parse_line(text, None)
    }
}

/// How Sudokus are written.
pub struct SudokuNotation {
    sudoku: Option<Sudoku>,
    /// The kind of the last good puzzle. It decides what a line of 16 cells is.
    last: Option<Sudoku>,
}

impl Notation for SudokuNotation {
    type Grid = Grid;

    /// The largest puzzle with its answer needs a seventh of a line.
    const DIALECT: Dialect = Dialect {
        names_told: 2,
        ..Dialect::PLAIN
    };

    fn is_table(&mut self, line: Text<'_>, fields: Option<&[Field]>) -> bool {
        let Some(fields) = fields else {
            return line.bytes.contains(&b',');
        };
        let is_grid = |field: &Field| Signs::of(field.text()).whole_grid(None).is_ok();
        // A comma alone may be a slip of the finger in a puzzle.
        fields.len() > 1 && fields.iter().any(|field| field.is_name() || is_grid(field))
    }

    fn given(
        &mut self,
        question: Given,
        answer: Option<Given>,
    ) -> Result<(Grid, Option<Grid>), InputError> {
        let read = |text: Text<'_>, sudoku| match signs::plain_grid(text.bytes, sudoku) {
            Some(grid) => Ok(grid),
            None => Signs::of(text).whole_grid(sudoku),
        };
        let given = question.joined();
        let text = given.text();
        let question = read(text, self.sudoku)?;
        signs::no_clash(&question, |cell| Signs::of(text).place(cell))?;
        let answer = answer.map(|given| {
            let given = given.joined();
            let text = given.text();
            let answer = read(text, Some(question.sudoku()))?;
            signs::is_answer(&question, &answer, |cell| Signs::of(text).place(cell))?;
            Ok(answer)
        });
        let answer = answer.transpose()?;
        self.last = Some(question.sudoku());
        Ok((question, answer))
    }

    fn plain<R: BufRead>(
        &mut self,
        first: Text<'_>,
        lines: &mut Lines<R>,
    ) -> Option<Result<Grid, InputError>> {
        // 16 cells may be one row of several.
        let plain = signs::plain_grid(first.bytes, self.sudoku);
        let grid = if let Some(grid) = plain.filter(|grid| grid.sudoku().size() > 4) {
            signs::no_clash(&grid, |cell| first.place(cell)).map(|()| grid)
        } else if signs::is_rule(first.bytes) {
            return None;
        } else {
            let signs = Signs::of(first);
            match self.row_of(&signs, lines) {
                Some(sudoku) => self.drawn(sudoku, signs, lines)?,
                None => signs.whole_grid(self.sudoku).and_then(|grid| {
                    signs::no_clash(&grid, |cell| signs.place(cell))?;
                    Ok(grid)
                }),
            }
        };
        if let Ok(grid) = &grid {
            self.last = Some(grid.sudoku());
        }
        Some(grid)
    }
}

impl SudokuNotation {
    /// The kind of grid of which a line is the first row; None where it should be a whole puzzle.
    fn row_of<R: BufRead>(&self, row: &Signs, lines: &mut Lines<R>) -> Option<Sudoku> {
        let sudoku = Sudoku::new(row.len()).filter(|sudoku| row.mostly_cells(sudoku.size()))?;
        if let Some(fixed) = self.sudoku {
            return (fixed == sudoku).then_some(sudoku);
        }
        // 16 cells are a 4x4 or one row of a 16x16.
        if row.len() == 16 {
            return match self.last {
                Some(last) if last.size() == 4 => None,
                Some(last) if last.size() == 16 => Some(sudoku),
                _ => rows_ahead_are_wide(row, lines).then_some(sudoku),
            };
        }
        Some(sudoku)
    }

    /// A grid drawn over several lines, of which the first has been taken; None where the input failed before its end.
    fn drawn<R: BufRead>(
        &self,
        sudoku: Sudoku,
        first: Signs,
        lines: &mut Lines<R>,
    ) -> Option<Result<Grid, InputError>> {
        let size = sudoku.size();
        let mut cells = Vec::with_capacity(sudoku.cells());
        let mut signs: Vec<Sign> = Vec::with_capacity(sudoku.cells());
        let mut rows = 0;
        let mut wrong: Option<InputError> = None;
        let mut last_line = first.start;
        let mut row = Some(first);
        let cut_short = |line: Place, rows: usize, by: &str| {
            let expected = format!("{size} rows of a {sudoku} grid");
            line.error(expected, format!("{rows} before {by}"))
        };
        loop {
            if let Some(row) = row.take() {
                match row.full_row(size) {
                    Ok(digits) => cells.extend(digits),
                    // The first error of a grid is told, and the rest of the grid skipped.
                    Err(error) => wrong = wrong.or(Some(error)),
                }
                // A row with a slip is still a row; something else between the rows is not one.
                rows += usize::from(row.resembles_row(size));
                signs.extend(row.signs);
            }
            if rows >= size {
                break;
            }
            let Some(next) = lines.peek(0) else {
                if lines.failed() && wrong.is_none() {
                    // The grid is not at fault: what is told is why reading failed.
                    return None;
                }
                return Some(Err(
                    wrong.unwrap_or_else(|| cut_short(last_line, rows, "the end"))
                ));
            };
            let by = if next.is_blank() {
                Some("a blank line")
            } else {
                let other = next.text().is_ok_and(|text| self.interrupts(text, size));
                other.then_some("another puzzle")
            };
            if let Some(by) = by {
                return Some(Err(wrong.unwrap_or_else(|| cut_short(last_line, rows, by))));
            }
            let Some(next) = lines.take() else {
                break;
            };
            match next.text() {
                Err(error) => wrong = wrong.or(Some(error)),
                Ok(text) if next.is_comment() || signs::is_rule(text.bytes) => continue,
                Ok(text) => row = Some(Signs::of(text)),
            }
            last_line = Place::line(next.number());
        }
        if let Some(error) = wrong {
            return Some(Err(error));
        }
        let Some(grid) = Grid::new(sudoku, cells) else {
            return Some(Err(cut_short(last_line, rows, "the end")));
        };
        let place = |cell: usize| signs.get(cell).map_or(last_line, |sign| sign.place);
        Some(signs::no_clash(&grid, place).map(|()| grid))
    }

    /// Whether a line is no row of a grid of this size, but the beginning of another puzzle.
    fn interrupts(&self, text: Text<'_>, size: usize) -> bool {
        let signs = Signs::of(text);
        if signs.resembles_row(size) || signs::is_rule(text.bytes) {
            return false;
        }
        let row = Sudoku::new(signs.len())
            .filter(|other| self.sudoku.is_none_or(|fixed| fixed == *other))
            .is_some_and(|other| signs.cells(other.size()).is_ok());
        // Too long for any row, it is a puzzle in one line, and has an error of its own if bad.
        row || signs.whole_grid(self.sudoku).is_ok() || signs.len() > 20 && signs.mostly_cells(16)
    }
}

/// Whether most of up to 16 lines with 16 cells have digits that a 4x4 has not.
fn rows_ahead_are_wide<R: BufRead>(first: &Signs, lines: &mut Lines<R>) -> bool {
    let (mut rows, mut wide) = (1, usize::from(first.any_above(4)));
    let mut letters = first.any_above(9);
    // At most three lines between boxes and the frame lie between 16 rows.
    for ahead in 0..20 {
        let Some(text) = lines.peek(ahead).and_then(|line| line.text().ok()) else {
            break;
        };
        if signs::is_rule(text.bytes) {
            continue;
        }
        let signs = Signs::of(text);
        if signs.len() != 16 || rows == 16 {
            break;
        }
        rows += 1;
        wide += usize::from(signs.any_above(4));
        letters |= signs.any_above(9);
    }
    // One wrong line among 4x4 puzzles must not swallow the others.
    2 * wide > rows && (rows == 16 || letters)
}
