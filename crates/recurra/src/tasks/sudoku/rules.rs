//! The rules: no digit twice in a row, a column or a box.

use std::fmt;

use super::grid::letter;
use super::{Grid, Sudoku};

/// A row, column or box, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// From the top.
    Row(usize),
    /// From the left.
    Column(usize),
    /// In reading order.
    Box(usize),
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unit::Row(n) => write!(f, "row {n}"),
            Unit::Column(n) => write!(f, "column {n}"),
            Unit::Box(n) => write!(f, "box {n}"),
        }
    }
}

/// One digit that stands twice in one unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Clash {
    /// Where both stand.
    pub unit: Unit,
    /// The digit.
    pub digit: u8,
    /// Row and column of the first, counted from 1.
    pub first: (usize, usize),
    /// Row and column of the second, counted from 1.
    pub second: (usize, usize),
}

impl fmt::Display for Clash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} twice in {}: at row {}, column {} and at row {}, column {}",
            letter(self.digit),
            self.unit,
            self.first.0,
            self.first.1,
            self.second.0,
            self.second.1
        )
    }
}

/// Of all digits that belong in the rows, columns and boxes, the share that is missing there: 0 for a solution.
pub fn missing(grid: &Grid) -> f32 {
    let sudoku = grid.sudoku();
    // The digits of each unit, for each of the three kinds of unit.
    let mut seen = [[0u32; 16]; 3];
    for (cell, &digit) in grid.cells().iter().enumerate() {
        let units = [sudoku.row(cell), sudoku.col(cell), sudoku.box_of(cell)];
        for (seen, unit) in seen.iter_mut().zip(units) {
            seen[unit] |= u32::from(digit > 0) << digit;
        }
    }
    let there: u32 = seen
        .iter()
        .flatten()
        .map(|digits| digits.count_ones())
        .sum();
    1.0 - there as f32 / (3 * sudoku.cells()) as f32
}

/// The first cell in reading order that repeats an earlier digit of its row, column or box.
pub fn clashes(grid: &Grid) -> Option<Clash> {
    let sudoku = grid.sudoku();
    // Where each digit was last seen, plus one, in each of the three kinds of unit.
    let mut seen = [[[0u16; 17]; 16]; 3];
    for (cell, &digit) in grid.cells().iter().enumerate() {
        if digit == 0 {
            continue;
        }
        let units = [sudoku.row(cell), sudoku.col(cell), sudoku.box_of(cell)];
        for (kind, &unit) in units.iter().enumerate() {
            let before = &mut seen[kind][unit][usize::from(digit)];
            if *before != 0 {
                let name = [Unit::Row, Unit::Column, Unit::Box][kind];
                return Some(Clash {
                    unit: name(unit + 1),
                    digit,
                    first: place(sudoku, usize::from(*before) - 1),
                    second: place(sudoku, cell),
                });
            }
            *before = cell as u16 + 1;
        }
    }
    None
}

/// Row and column of a cell as people count them, from 1.
pub(super) fn place(sudoku: Sudoku, cell: usize) -> (usize, usize) {
    (sudoku.row(cell) + 1, sudoku.col(cell) + 1)
}

/// Whether every cell has a digit and no two clash.
pub fn is_solved(grid: &Grid) -> bool {
    grid.is_complete() && clashes(grid).is_none()
}

/// Whether every given of the question stands in the answer too.
pub fn keeps_givens(question: &Grid, answer: &Grid) -> bool {
    question.sudoku() == answer.sudoku() && moved_given(question, answer).is_none()
}

/// The first given of the question that the answer does not keep.
pub(super) fn moved_given(question: &Grid, answer: &Grid) -> Option<usize> {
    let mut pairs = question.cells().iter().zip(answer.cells());
    pairs.position(|(&given, &digit)| given != 0 && given != digit)
}

/// Whether the answer is a solution of the question: complete, valid, and every given kept.
pub fn verifies(question: &Grid, answer: &Grid) -> bool {
    keeps_givens(question, answer) && is_solved(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOLVED: &str = "1234341221434321";

    fn grid(line: &str) -> Grid {
        line.parse().unwrap()
    }

    #[test]
    fn counts_what_is_missing() {
        assert_eq!(missing(&grid(SOLVED)), 0.0);
        assert_eq!(missing(&grid("................")), 1.0);
        // One digit is missing in a row, a column and a box, of 48.
        assert_eq!(missing(&grid("123434122143.321")), 1.0 - 45.0 / 48.0);
    }

    #[test]
    fn names_the_clash() {
        assert_eq!(clashes(&grid(SOLVED)), None);
        let text = |line| clashes(&grid(line)).unwrap().to_string();
        assert_eq!(
            text("....1..1........"),
            "1 twice in row 2: at row 2, column 1 and at row 2, column 4"
        );
        assert_eq!(
            text(".3...........3.."),
            "3 twice in column 2: at row 1, column 2 and at row 4, column 2"
        );
        assert_eq!(
            text("..........2....2"),
            "2 twice in box 4: at row 3, column 3 and at row 4, column 4"
        );
        let mut large = Grid::blank(Sudoku::new(16).unwrap());
        assert!(large.set(0, 16) && large.set(15, 16));
        assert!(clashes(&large).unwrap().to_string().starts_with("G twice"));
    }

    #[test]
    fn verified_means_solved_and_true_to_the_question() {
        let solved = grid(SOLVED);
        assert!(is_solved(&solved) && !is_solved(&grid("123434122143432.")));
        assert!(!is_solved(&grid("1234341221434322")));
        assert!(verifies(&grid("1..............1"), &solved));
        assert!(!verifies(&grid("2..............1"), &solved));
        assert!(!verifies(
            &grid("1..............1"),
            &grid("1..............1")
        ));
        assert!(!verifies(&Grid::blank(Sudoku::new(9).unwrap()), &solved));
    }
}
