//! Puzzles from text: one a line, drawn over several lines, in a table (CSV), or as JSON.
//!
//! Blank lines and lines that begin with `#` say nothing. A blank cell is `.`, `0`, `_`, `*`, `-`, `?` or `x`, or a space in a frame. Digits above
//! 9 are letters, large or small (`script.rs`). A drawn grid may have lines between its boxes and ends at a blank
//! line. A line may have other fields beside its puzzle (`fields.rs`). What cannot be read gives one error that says where, and reading
//! goes on after it. Memory is bounded: a line longer than 4096 bytes is an error and is not kept.

mod fields;
mod frames;
mod script;
mod signs;
#[cfg(test)]
mod tests;

use std::io::BufRead;
use std::str::FromStr;

use super::{Grid, Sudoku};
use crate::reading::{self, Dialect, Field, Given, InputError, Lines, Notation, Place, Read, Text};
use script::Script;
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
        Self::of(reader, SudokuNotation::new(sudoku))
    }
}

/// Reads one puzzle written in one line, of this kind or of any. Givens may clash.
pub fn parse_line(text: &str, sudoku: Option<Sudoku>) -> Result<Grid, InputError> {
    Signs::of(Text::line(1, text.as_bytes())).whole_grid(sudoku, None)
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
    /// How the digits of a 16x16 are written in this input, once that is sure.
    script: Option<Script>,
    /// Whether the lines of a section follow that holds no puzzle.
    skipping: bool,
}

impl Notation for SudokuNotation {
    type Grid = Grid;

    /// The largest puzzle with its answer needs a seventh of a line.
    const DIALECT: Dialect = Dialect::PLAIN;

    fn is_table(&mut self, line: Text<'_>, fields: Option<&[Field]>) -> bool {
        let Some(fields) = fields else {
            return line.bytes.contains(&b',');
        };
        // A comma alone may be a slip of the finger in a puzzle, and between cells it is none.
        fields.len() > 1
            && fields.iter().any(Field::is_name)
            && fields::find(line, self.sudoku).is_none()
    }

    fn given(&mut self, question: Given, answer: Option<Given>) -> Result<Read<Grid>, InputError> {
        let (question, answer) = (text_of(question), answer.map(text_of));
        let text = question.text();
        if let Some(grid) = signs::plain_grid(text.bytes, self.sudoku) {
            signs::no_clash(&grid, |cell| Signs::of(text).place(cell))?;
            let answer = answer.map(|answer| {
                let text = answer.text();
                let grid_of = || Signs::of(text).whole_grid(Some(grid.sudoku()), None);
                let found =
                    signs::plain_grid(text.bytes, Some(grid.sudoku())).map_or_else(grid_of, Ok)?;
                signs::is_answer(&grid, &found, |cell| Signs::of(text).place(cell))?;
                Ok(found)
            });
            self.last = Some(grid.sudoku());
            return Ok(Read {
                question: grid,
                answer,
            });
        }
        let signs = Signs::of(text);
        let solved = answer.as_ref().map(|answer| Signs::of(answer.text()));
        self.pair(&signs, solved.as_ref())
    }

    fn plain<R: BufRead>(
        &mut self,
        first: Text<'_>,
        lines: &mut Lines<R>,
    ) -> Option<Result<Read<Grid>, InputError>> {
        // 16 cells may be one row of several.
        let plain = signs::plain_grid(first.bytes.trim_ascii(), self.sudoku)
            .filter(|grid| grid.sudoku().size() > 4);
        if let Some(grid) = plain.filter(|_| !self.skipping) {
            self.last = Some(grid.sudoku());
            let clash = signs::no_clash(&grid, |cell| Signs::of(first).place(cell));
            return Some(clash.map(|()| grid.into()));
        }
        if let Some(holds) = fields::section(first) {
            self.skipping = !holds;
            return None;
        }
        if self.skipping || fields::is_heading(first) {
            return None;
        }
        if let Some((size, signs)) = frames::spaced(first, lines) {
            let sudoku =
                Sudoku::new(size).filter(|sudoku| self.sudoku.is_none_or(|fixed| fixed == *sudoku));
            let grid = signs.whole_grid(sudoku.or(self.sudoku), None);
            return Some(grid.and_then(|grid| self.no_clash(grid, &signs)));
        }
        if signs::is_rule(first.bytes) && !self.is_blank_row(first, lines) {
            return None;
        }
        let signs = Signs::of(first);
        if let Some(sudoku) = self.row_of(&signs, lines) {
            let drawn = self.drawn(sudoku, signs, lines)?;
            return Some(drawn.and_then(|signs| {
                let (grid, script) = self.grid_of(&signs)?;
                self.script = script;
                self.no_clash(grid, &signs)
            }));
        }
        // Fields beside the puzzle explain what its cells do not.
        let (question, answer) = match fields::find(first, self.sudoku) {
            Some(found) => {
                let mut question = Signs::of(found.question);
                fields::without_placed(&mut question.signs);
                (question, found.answer.map(Signs::of))
            }
            None => (signs, None),
        };
        Some(self.pair(&question, answer.as_ref()))
    }
}

/// The text of a grid. Numbers that an object lists are cells each.
fn text_of(given: Given) -> Field {
    given.joined()
}

impl SudokuNotation {
    pub(super) fn new(sudoku: Option<Sudoku>) -> Self {
        SudokuNotation {
            sudoku,
            last: None,
            script: None,
            skipping: false,
        }
    }

    /// A question, and perhaps its answer.
    fn pair(&mut self, question: &Signs, answer: Option<&Signs>) -> Result<Read<Grid>, InputError> {
        let size = self
            .sudoku
            .or(Sudoku::with_cells(question.len()))
            .map_or(9, Sudoku::size);
        let mut census = question.census();
        if let Some(answer) = answer.filter(|_| size > 9) {
            census.add(answer);
        }
        let (script, sure) = census
            .script(size, self.script)
            .map_err(|objection| objection.at(question))?;
        let grid = question.whole_grid(self.sudoku, Some(script))?;
        signs::no_clash(&grid, |cell| question.place(cell))?;
        let answer = answer.map(|answer| {
            let script = if size > 9 {
                script
            } else {
                answer
                    .census()
                    .script(size, None)
                    .map_err(|objection| objection.at(answer))?
                    .0
            };
            let found = answer.whole_grid(Some(grid.sudoku()), Some(script))?;
            signs::is_answer(&grid, &found, |cell| answer.place(cell))?;
            Ok(found)
        });
        if sure && size > 9 {
            self.script = Some(script);
        }
        self.last = Some(grid.sudoku());
        Ok(Read {
            question: grid,
            answer,
        })
    }

    /// The grid of all its signs, and how the digits of the input are written now.
    fn grid_of(&self, signs: &Signs) -> Result<(Grid, Option<Script>), InputError> {
        let size = Sudoku::with_cells(signs.len()).map_or(9, Sudoku::size);
        let (script, sure) = signs
            .census()
            .script(size, self.script)
            .map_err(|objection| objection.at(signs))?;
        let grid = signs.whole_grid(self.sudoku, Some(script))?;
        Ok((
            grid,
            if sure && size > 9 {
                Some(script)
            } else {
                self.script
            },
        ))
    }

    fn no_clash(&mut self, grid: Grid, signs: &Signs) -> Result<Read<Grid>, InputError> {
        signs::no_clash(&grid, |cell| signs.place(cell))?;
        self.last = Some(grid.sudoku());
        Ok(grid.into())
    }

    /// The kind of grid of which a line is the first row; None where it should be a whole puzzle.
    fn row_of<R: BufRead>(&self, row: &Signs, lines: &mut Lines<R>) -> Option<Sudoku> {
        let exact = Sudoku::new(row.len()).filter(|sudoku| row.mostly_cells(sudoku.size()));
        let Some(sudoku) = exact else {
            // The first row of a grid may have a slip: the next tells.
            if !(3..20).contains(&row.len()) || !row.mostly_cells(9) {
                return None;
            }
            let next = lines
                .peek(0)
                .filter(|line| !line.is_comment())
                .and_then(|line| line.text().ok())?;
            let size = Signs::of(next).len();
            let sudoku = Sudoku::new(size)
                .filter(|_| size != 16 || self.sudoku.is_some_and(|fixed| fixed.size() == 16))?;
            let after = |ahead: usize, lines: &mut Lines<R>| {
                let text = lines.peek(ahead).and_then(|line| line.text().ok());
                text.is_some_and(|text| {
                    !signs::is_rule(text.bytes) && Signs::of(text).check_row(size).is_ok()
                })
            };
            let rows = after(0, lines) && (after(1, lines) || size == 4);
            return (rows && row.len() > 1 && row.resembles_row(size)).then_some(sudoku);
        };
        if let Some(fixed) = self.sudoku.filter(|fixed| *fixed != sudoku) {
            // A whole grid of another size is one mistake.
            let other = row.len() != fixed.cells() && self.rows_follow(row.len(), lines);
            return other.then_some(sudoku);
        }
        if self.sudoku.is_some() {
            return Some(sudoku);
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

    /// Whether the next line, or the one behind a rule, is a row of so many cells, too.
    fn rows_follow<R: BufRead>(&self, size: usize, lines: &mut Lines<R>) -> bool {
        for ahead in 0..2 {
            let Some(text) = lines.peek(ahead).and_then(|line| line.text().ok()) else {
                return false;
            };
            if !signs::is_rule(text.bytes) {
                return Signs::of(text).check_row(size).is_ok();
            }
        }
        false
    }

    /// Whether a line of nothing but hyphens is a row of blanks: they stand for blanks in the next row.
    fn is_blank_row<R: BufRead>(&self, line: Text<'_>, lines: &mut Lines<R>) -> bool {
        let Some(size) = signs::hyphens(line.bytes).filter(|&count| Sudoku::new(count).is_some())
        else {
            return false;
        };
        for ahead in 0..size {
            let Some(text) = lines
                .peek(ahead)
                .filter(|line| !line.is_comment())
                .and_then(|line| line.text().ok())
            else {
                return false;
            };
            if text.is_blank() {
                return false;
            }
            if !signs::is_rule(text.bytes) {
                return text.bytes.contains(&b'-') && Signs::of(text).check_row(size).is_ok();
            }
        }
        false
    }

    /// A grid drawn over several lines, of which the first has been taken; None where the input failed before its end.
    fn drawn<R: BufRead>(
        &self,
        sudoku: Sudoku,
        first: Signs,
        lines: &mut Lines<R>,
    ) -> Option<Result<Signs, InputError>> {
        let size = sudoku.size();
        let start = first.start;
        let mut hyphens = first.has_hyphens();
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
                // The first error of a grid is told, and the rest of the grid skipped.
                wrong = wrong.or(row.check_row(size).err());
                // A row with a slip is still a row; something else between the rows is not one.
                rows += usize::from(
                    row.resembles_row(size)
                        || (2..2 * size).contains(&row.len()) && row.mostly_cells(size),
                );
                hyphens |= row.has_hyphens();
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
                Ok(_) if next.is_comment() => continue,
                Ok(text) if signs::is_rule(text.bytes) => {
                    // Where blanks are hyphens, a row of blanks looks like a line between boxes.
                    if signs::hyphens(text.bytes) != Some(size)
                        || !hyphens && !self.is_blank_row(text, lines)
                    {
                        continue;
                    }
                    row = Some(Signs::of(text));
                }
                Ok(text) => row = Some(Signs::of(text)),
            }
            last_line = Place::line(next.number());
        }
        if let Some(error) = wrong {
            return Some(Err(error));
        }
        if signs.len() != sudoku.cells() {
            return Some(Err(cut_short(last_line, rows, "the end")));
        }
        if let Some(fixed) = self.sudoku.filter(|fixed| *fixed != sudoku) {
            let expected = format!("{} cells ({fixed})", fixed.cells());
            return Some(Err(Place::line(start.line).error(
                expected,
                format!("{}: this looks like {sudoku}", sudoku.cells()),
            )));
        }
        Some(Ok(Signs { signs, start }))
    }

    /// Whether a line is no row of a grid of this size, but the beginning of another puzzle.
    fn interrupts(&self, text: Text<'_>, size: usize) -> bool {
        let signs = Signs::of(text);
        if signs.resembles_row(size) || signs::is_rule(text.bytes) {
            return false;
        }
        if fields::section(text).is_some() || fields::is_heading(text) {
            return true;
        }
        let row = Sudoku::new(signs.len())
            .filter(|other| self.sudoku.is_none_or(|fixed| fixed == *other))
            .is_some_and(|other| signs.check_row(other.size()).is_ok());
        // Too long for any row, it is a puzzle in one line, and has an error of its own if bad.
        row || signs.whole_grid(self.sudoku, None).is_ok()
            || signs.len() > 20 && signs.mostly_cells(16)
            || fields::find(text, self.sudoku).is_some()
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
