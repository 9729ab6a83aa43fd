//! Characters of a text as cells of a grid.

use super::script::{Census, Script, is_blank};
use crate::reading::{Glyph, InputError, Place, Text, glyphs};
use crate::tasks::sudoku::grid::letter;
use crate::tasks::sudoku::rules::{self, place};
use crate::tasks::sudoku::{Grid, Sudoku};

/// What a cell is written as.
#[derive(Clone, Copy, Debug)]
pub(super) enum Mark {
    /// A character.
    Glyph(Glyph),
    /// A number of two digits.
    Number(u8),
    /// A blank cell: a space, or several candidates.
    Blank,
}

/// A mark and where it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sign {
    pub(super) place: Place,
    pub(super) mark: Mark,
}

impl Sign {
    /// The digit it stands for in a grid of this size, 0 for blank.
    fn digit(self, script: Script, size: usize) -> Option<u8> {
        let digit = match self.mark {
            Mark::Glyph(Glyph::Char(char)) => script.digit(char, size),
            Mark::Glyph(Glyph::Byte(_)) => None,
            Mark::Number(number) => Some(number),
            Mark::Blank => Some(0),
        };
        digit.filter(|&digit| usize::from(digit) <= size)
    }

    /// The character, if it is one.
    pub(super) fn char(self) -> Option<char> {
        match self.mark {
            Mark::Glyph(Glyph::Char(char)) => Some(char),
            _ => None,
        }
    }

    fn found(self) -> String {
        match self.mark {
            Mark::Glyph(glyph) => glyph.to_string(),
            Mark::Number(number) => number.to_string(),
            Mark::Blank => "a blank".into(),
        }
    }
}

/// What of a text may be a cell, right or wrong.
pub(super) struct Signs {
    pub(super) signs: Vec<Sign>,
    /// The line where the text begins.
    pub(super) start: Place,
}

/// Whether a character may stand between cells.
pub(super) fn is_between(char: char) -> bool {
    char.is_whitespace() || matches!(char, '|' | ',' | ';') || is_box_drawing(char)
}

impl Signs {
    /// All but space, commas and lines between boxes. Numbers that stand apart are one sign each.
    pub(super) fn of(text: Text<'_>) -> Self {
        let mut signs = Vec::new();
        for line in text.lines() {
            // In one line, such characters are slips.
            if text.is_drawn() && is_rule(line.bytes) {
                continue;
            }
            let (first, mut place) = (signs.len(), line.start);
            // Where each run of signs ends.
            let mut ends: Vec<usize> = Vec::new();
            for glyph in glyphs(line.bytes) {
                match glyph {
                    Glyph::Char(char) if is_between(char) => {
                        if ends.last().copied().unwrap_or(first) < signs.len() {
                            ends.push(signs.len());
                        }
                    }
                    glyph => signs.push(Sign {
                        place,
                        mark: Mark::Glyph(glyph),
                    }),
                }
                place = place.right(1);
            }
            if ends.last().copied().unwrap_or(first) < signs.len() {
                ends.push(signs.len());
            }
            if ends.len() > 1 && ends.len() < signs.len() - first {
                let apart = numbers(&signs[first..], ends.iter().map(|end| end - first));
                if let Some(apart) = apart {
                    signs.truncate(first);
                    signs.extend(apart);
                }
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
            .any(|sign| sign.digit(Script::Digits, 16).is_some_and(above))
    }

    /// Whether at least half of the signs are cells of a grid of this size, or all are letters that a row may have.
    pub(super) fn mostly_cells(&self, size: usize) -> bool {
        let good = |script| {
            self.signs
                .iter()
                .filter(|sign| sign.digit(script, size).is_some())
                .count()
        };
        2 * good(Script::Digits) >= self.len()
            || good(Script::Letters) == self.len() && self.differ_or_blank()
    }

    /// Whether there is a blank, or no sign stands twice: a word is no row.
    fn differ_or_blank(&self) -> bool {
        let chars: Vec<char> = self.signs.iter().filter_map(|sign| sign.char()).collect();
        chars.iter().any(|&char| is_blank(char))
            || (1..chars.len()).all(|i| !chars[..i].contains(&chars[i]))
    }

    /// Whether they are a row of a grid of this size, if perhaps with a slip.
    pub(super) fn resembles_row(&self, size: usize) -> bool {
        self.len().abs_diff(size) <= 2 && self.mostly_cells(size)
    }

    /// The cells, if every sign is one.
    pub(super) fn cells(&self, script: Script, size: usize) -> Result<Vec<u8>, InputError> {
        let cell = |sign: &Sign| {
            let refused = || sign.place.error(script.expected(size), sign.found());
            sign.digit(script, size).ok_or_else(refused)
        };
        self.signs.iter().map(cell).collect()
    }

    /// Refuses what is no row, in whatever digits the whole grid is written.
    pub(super) fn check_row(&self, size: usize) -> Result<(), InputError> {
        let known = |script| {
            self.signs
                .iter()
                .all(|sign| sign.digit(script, size).is_some())
        };
        if !known(Script::Letters) {
            self.cells(Script::Digits, size)?;
        }
        if self.len() == size {
            Ok(())
        } else {
            Err(self.wrong_count(size, " in this row"))
        }
    }

    /// Whether a hyphen stands among other signs: there it is a blank.
    pub(super) fn has_hyphens(&self) -> bool {
        let is = |sign: &Sign| sign.char() == Some('-');
        self.signs.iter().any(is) && !self.signs.iter().all(is)
    }

    /// What signs there are.
    pub(super) fn census(&self) -> Census {
        let mut census = Census::default();
        census.add(self);
        census
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

    /// The grid of a text that holds all its cells, in these digits or in those that the text itself shows.
    pub(super) fn whole_grid(
        &self,
        sudoku: Option<Sudoku>,
        script: Option<Script>,
    ) -> Result<Grid, InputError> {
        let fits = Sudoku::with_cells(self.len());
        if self.len() == 729 && self.mostly_cells(9) {
            let found = "729, which look like nine candidates a cell";
            return Err(self.start.error("81 cells", found));
        }
        let Some(wanted) = sudoku.or(fits) else {
            // A character that no grid knows explains more than the number of them.
            self.cells(Script::Digits, 16)?;
            let found = self.len().to_string();
            return Err(self.start.error("16, 36, 81 or 256 cells", found));
        };
        // For a good puzzle of another kind it is the number that explains, not the digits.
        if fits.is_none_or(|fits| fits == wanted) {
            let script = match script {
                Some(script) => script,
                None => {
                    self.census()
                        .script(wanted.size(), None)
                        .map_err(|objection| objection.at(self))?
                        .0
                }
            };
            let cells = self.cells(script, wanted.size())?;
            if let Some(grid) = Grid::new(wanted, cells) {
                return Ok(grid);
            }
        }
        let mut error = self.wrong_count(wanted.cells(), "");
        if let Some(fits) = fits.filter(|fits| *fits != wanted) {
            error.expected += &format!(" ({wanted})");
            error.found += &format!(": this looks like {fits}");
        }
        Err(error)
    }
}

/// The signs of a line in which runs of characters stand apart, if each run is a cell: a number up to 16, or the candidates of a cell.
fn numbers(signs: &[Sign], ends: impl Iterator<Item = usize> + Clone) -> Option<Vec<Sign>> {
    let count = ends.clone().count();
    let size = match count {
        4 | 6 | 9 | 16 => count,
        36 | 81 | 256 => count.isqrt(),
        _ => return None,
    };
    let mut first = 0;
    let mut apart = Vec::with_capacity(count);
    for end in ends {
        let run = &signs[std::mem::replace(&mut first, end)..end];
        let digits: Option<Vec<u8>> = run
            .iter()
            .map(|sign| sign.char()?.to_digit(10).map(|d| d as u8))
            .collect();
        let mark = match (run, digits.as_deref()) {
            ([sign], _) => sign.mark,
            (_, Some(&[tens, ones])) if size == 16 => Mark::Number(10 * tens + ones),
            (_, Some(digits))
                if size < 16
                    && digits[0] > 0
                    && digits.windows(2).all(|pair| pair[0] < pair[1]) =>
            {
                Mark::Blank
            }
            _ => return None,
        };
        apart.push(Sign {
            place: run[0].place,
            mark,
        });
    }
    Some(apart)
}

/// Whether a line is only drawn between boxes. Where it has a long stroke, it may have corners.
pub(super) fn is_rule(text: &[u8]) -> bool {
    let stroke = text
        .windows(3)
        .any(|three| matches!(three, b"---" | b"==="));
    let mut drawn = stroke;
    glyphs(text).all(|glyph| match glyph {
        Glyph::Char('-' | '+' | '|' | '=') => {
            drawn = true;
            true
        }
        Glyph::Char('*' | '.' | ':' | '\'' | '`' | ',' | 'o') => stroke,
        Glyph::Char(char) => {
            drawn |= is_box_drawing(char);
            char.is_whitespace() || is_box_drawing(char)
        }
        Glyph::Byte(_) => false,
    }) && drawn
}

/// How many hyphens a line has that has nothing else but space and bars: a rule, or blanks.
pub(super) fn hyphens(text: &[u8]) -> Option<usize> {
    let only = text
        .iter()
        .all(|&byte| byte == b'-' || byte == b'|' || byte.is_ascii_whitespace());
    let count = text.iter().filter(|&&byte| byte == b'-').count();
    (only && count > 0).then_some(count)
}

fn is_box_drawing(char: char) -> bool {
    ('\u{2500}'..='\u{257f}').contains(&char)
}

/// The grid of a text that is nothing but its cells, one byte each; None says nothing about the text.
/// Most puzzles are of this form, and millions of them are read.
pub(super) fn plain_grid(text: &[u8], sudoku: Option<Sudoku>) -> Option<Grid> {
    let fits = Sudoku::with_cells(text.len())?;
    // Digits above 9 are written in several ways.
    if sudoku.is_some_and(|sudoku| sudoku != fits) || fits.size() > 9 {
        return None;
    }
    let mut cells = vec![0; text.len()];
    for (cell, &byte) in cells.iter_mut().zip(text) {
        *cell = match byte {
            b'0'..=b'9' => byte - b'0',
            byte if is_blank(char::from(byte)) => 0,
            _ => return None,
        };
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
