//! Puzzles from text: one a line, drawn over several lines, or in a table (CSV).
//!
//! Blank lines and lines that begin with `#` say nothing. A blank cell is `.`, `0` or `_`; digits above
//! 9 are letters, large or small. A drawn grid may have lines between its boxes and ends at a blank
//! line. What cannot be read gives one error that says where, and reading goes on after it. Memory is
//! bounded: a line longer than 4096 bytes is an error and is not kept.

mod csv;
mod signs;
#[cfg(test)]
mod tests;

use std::io::BufRead;

use super::{Grid, Sudoku};
use crate::tasks::InputError;
use crate::tasks::text::lines::{Line, LineRules, Lines};
use csv::Header;
use signs::Sign;

/// The largest puzzle with its answer needs a seventh of this.
const RULES: LineRules = LineRules {
    most: 4096,
    comment: b'#',
};

/// A puzzle as it was read. Its givens do not clash; whether it has a solution was not asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Puzzle {
    /// Which kind of Sudoku.
    pub sudoku: Sudoku,
    /// The givens.
    pub question: Grid,
    /// A solution of the question, where a table gave one.
    pub answer: Option<Grid>,
    /// Where a table says it is from.
    pub source: Option<String>,
    /// How hard a table says it is, if that was a whole number.
    pub rating: Option<u32>,
}

/// One puzzle of an input, or why there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The line where it begins, counted from 1.
    pub line: u64,
    /// The puzzle; an error names the exact line, which in a drawn grid may be a later one.
    pub result: Result<Puzzle, InputError>,
}

/// Reads one puzzle written in one line, of this kind or of any. Givens may clash.
pub fn parse_line(text: &str, sudoku: Option<Sudoku>) -> Result<Grid, InputError> {
    signs::whole_grid(1, &signs::signs(text.as_bytes(), 1), sudoku)
}

/// What the first line showed the input to be.
enum Form {
    Unknown,
    Plain,
    Table(Header),
    /// Nothing more can be read.
    Ended,
}

/// Reads puzzles one by one. An input without any gives none: whether that is an error is up to the
/// caller.
pub struct PuzzleReader<R> {
    lines: Lines<R>,
    sudoku: Option<Sudoku>,
    form: Form,
    /// The kind of the last good puzzle. It decides what a line of 16 cells is.
    last: Option<Sudoku>,
}

impl<R: BufRead> PuzzleReader<R> {
    /// Reads puzzles of one kind, or (for none) of the kind their number of cells says.
    pub fn new(reader: R, sudoku: Option<Sudoku>) -> Self {
        PuzzleReader {
            lines: Lines::new(reader, RULES),
            sudoku,
            form: Form::Unknown,
            last: None,
        }
    }

    /// A puzzle in plain text that begins with this line; None where the line is only drawn.
    fn plain(&mut self, line: Line) -> Option<Result<Puzzle, InputError>> {
        let Some(text) = &line.text else {
            return Some(Err(RULES.too_long(line.number)));
        };
        let number = line.number;
        // 16 cells may be one row of several.
        let plain = signs::plain_grid(text, self.sudoku).filter(|grid| grid.sudoku().size() > 4);
        let grid = if let Some(grid) = plain {
            signs::no_clash(&grid, |cell| (number, Some(cell + 1))).map(|()| grid)
        } else if signs::is_rule(text) {
            return None;
        } else {
            let signs = signs::signs(text, 1);
            match self.row_of(&signs) {
                Some(sudoku) => self.drawn(sudoku, number, signs),
                None => signs::whole_grid(number, &signs, self.sudoku).and_then(|grid| {
                    let column = |cell| signs.get(cell).map(|sign: &Sign| sign.column);
                    signs::no_clash(&grid, |cell| (number, column(cell))).map(|()| grid)
                }),
            }
        };
        Some(grid.map(|question| Puzzle {
            sudoku: question.sudoku(),
            question,
            answer: None,
            source: None,
            rating: None,
        }))
    }

    /// The kind of grid of which a line is the first row; None where it should be a whole puzzle.
    fn row_of(&mut self, signs: &[Sign]) -> Option<Sudoku> {
        let sudoku =
            Sudoku::new(signs.len()).filter(|sudoku| signs::mostly_cells(signs, sudoku.size()))?;
        if let Some(fixed) = self.sudoku {
            return (fixed == sudoku).then_some(sudoku);
        }
        // 16 cells are a 4x4 or one row of a 16x16.
        if signs.len() == 16 {
            return match self.last {
                Some(last) if last.size() == 4 => None,
                Some(last) if last.size() == 16 => Some(sudoku),
                _ => self.rows_ahead_are_wide(signs).then_some(sudoku),
            };
        }
        Some(sudoku)
    }

    /// Whether most of up to 16 lines with 16 cells have digits that a 4x4 has not.
    fn rows_ahead_are_wide(&mut self, first: &[Sign]) -> bool {
        let (mut rows, mut wide) = (1, usize::from(signs::any_above(first, 4)));
        let mut letters = signs::any_above(first, 9);
        // At most three lines between boxes and the frame lie between 16 rows.
        for ahead in 0..20 {
            let Some(text) = self.lines.peek(ahead).and_then(|line| line.text.as_deref()) else {
                break;
            };
            if signs::is_rule(text) {
                continue;
            }
            let signs = signs::signs(text, 1);
            if signs.len() != 16 || rows == 16 {
                break;
            }
            rows += 1;
            wide += usize::from(signs::any_above(&signs, 4));
            letters |= signs::any_above(&signs, 9);
        }
        // One wrong line among 4x4 puzzles must not swallow the others.
        2 * wide > rows && (rows == 16 || letters)
    }

    /// A grid drawn over several lines, of which the first has been taken.
    fn drawn(&mut self, sudoku: Sudoku, number: u64, first: Vec<Sign>) -> Result<Grid, InputError> {
        let size = sudoku.size();
        let mut cells = Vec::with_capacity(sudoku.cells());
        let mut places: Vec<(u64, usize)> = Vec::with_capacity(sudoku.cells());
        let mut rows = 0;
        let mut wrong: Option<InputError> = None;
        let mut last_line = number;
        let mut row = Some((number, first));
        loop {
            if let Some((line, signs)) = row.take() {
                match full_row(line, &signs, size) {
                    Ok(digits) => cells.extend(digits),
                    // The first error of a grid is told, and the rest of the grid skipped.
                    Err(error) => wrong = wrong.or(Some(error)),
                }
                places.extend(signs.iter().map(|sign| (line, sign.column)));
                // A row with a slip is still a row; something else between the rows is not one.
                rows += usize::from(signs::resembles_row(&signs, size));
            }
            if rows >= size {
                break;
            }
            let Some(next) = self.lines.peek(0) else {
                if self.lines.failed() && wrong.is_none() {
                    // The grid is not at fault: what is told is why reading failed.
                    self.form = Form::Ended;
                }
                return Err(wrong.unwrap_or_else(|| cut_short(last_line, sudoku, rows, "the end")));
            };
            let blank = next.is_blank();
            if blank || self.interrupts(sudoku) {
                let by = if blank {
                    "a blank line"
                } else {
                    "another puzzle"
                };
                return Err(wrong.unwrap_or_else(|| cut_short(last_line, sudoku, rows, by)));
            }
            let Some(next) = self.lines.take() else {
                break;
            };
            match &next.text {
                None => wrong = wrong.or(Some(RULES.too_long(next.number))),
                Some(text) if next.is_comment() || signs::is_rule(text) => continue,
                Some(text) => row = Some((next.number, signs::signs(text, 1))),
            }
            last_line = next.number;
        }
        if let Some(error) = wrong {
            return Err(error);
        }
        let grid = Grid::new(sudoku, cells)
            .ok_or_else(|| cut_short(last_line, sudoku, rows, "the end"))?;
        signs::no_clash(&grid, |cell| match places.get(cell) {
            Some(&(line, column)) => (line, Some(column)),
            None => (last_line, None),
        })?;
        Ok(grid)
    }

    /// Whether the next line is no row of this grid, but the beginning of another puzzle.
    fn interrupts(&mut self, sudoku: Sudoku) -> bool {
        let fixed = self.sudoku;
        let Some(text) = self.lines.peek(0).and_then(|line| line.text.as_deref()) else {
            return false;
        };
        let signs = signs::signs(text, 1);
        let size = sudoku.size();
        if signs::resembles_row(&signs, size) || signs::is_rule(text) {
            return false;
        }
        let row = Sudoku::new(signs.len())
            .filter(|other| fixed.is_none_or(|fixed| fixed == *other))
            .is_some_and(|other| signs::cells(0, &signs, other.size()).is_ok());
        // Too long for any row, it is a puzzle in one line, and has an error of its own if bad.
        row || signs::whole_grid(0, &signs, fixed).is_ok()
            || signs.len() > 20 && signs::mostly_cells(&signs, 16)
    }

    fn next_entry(&mut self) -> Option<Entry> {
        while !matches!(self.form, Form::Ended) {
            let Some(line) = self.lines.take() else {
                break;
            };
            if line.is_blank() || line.is_comment() {
                continue;
            }
            let number = line.number;
            if matches!(self.form, Form::Unknown) {
                self.form = Form::Plain;
                if let Some(text) = line
                    .text
                    .as_deref()
                    .filter(|text| csv::looks_like_table(text))
                {
                    match Header::read(number, text) {
                        Ok(header) => self.form = Form::Table(header),
                        Err(error) => {
                            self.form = Form::Ended;
                            return Some(Entry {
                                line: number,
                                result: Err(error),
                            });
                        }
                    }
                    continue;
                }
            }
            let result = match (&self.form, &line.text) {
                (Form::Table(header), Some(text)) => header.puzzle(number, text, self.sudoku),
                (Form::Table(_), None) => Err(RULES.too_long(number)),
                _ => match self.plain(line) {
                    _ if matches!(self.form, Form::Ended) => break,
                    Some(result) => result,
                    None => continue,
                },
            };
            if let Ok(puzzle) = &result {
                self.last = Some(puzzle.sudoku);
            }
            return Some(Entry {
                line: number,
                result,
            });
        }
        self.form = Form::Ended;
        let error = self.lines.failure()?;
        Some(Entry {
            line: error.line,
            result: Err(error),
        })
    }
}

impl<R: BufRead> Iterator for PuzzleReader<R> {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        self.next_entry()
    }
}

fn full_row(line: u64, signs: &[Sign], size: usize) -> Result<Vec<u8>, InputError> {
    let digits = signs::cells(line, signs, size)?;
    if digits.len() == size {
        Ok(digits)
    } else {
        Err(signs::wrong_count(line, signs, size, " in this row"))
    }
}

fn cut_short(line: u64, sudoku: Sudoku, rows: usize, by: &str) -> InputError {
    InputError {
        line,
        column: None,
        expected: format!("{} rows of a {sudoku} grid", sudoku.size()),
        found: format!("{rows} before {by}"),
    }
}
