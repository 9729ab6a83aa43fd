//! A grid as the search sees it: which lines, digits and boxes its givens join.

use crate::tasks::sudoku::{Grid, Sudoku};

/// Number of the first column among the lines; rows have the numbers before it.
pub(super) const COLS: usize = 16;
/// Rows and columns of the largest size.
pub(super) const LINES: usize = 2 * COLS;

/// A given by the numbers of what it joins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Given {
    pub(super) row: u8,
    /// From [`COLS`].
    pub(super) col: u8,
    pub(super) digit: u8,
    pub(super) square: u8,
}

/// The givens of a grid. Lines and digits are numbered anew, without those that have no given: these
/// are all alike, so no order among them can be wrong.
#[derive(Debug)]
pub(super) struct Figure {
    pub(super) sudoku: Sudoku,
    pub(super) givens: Vec<Given>,
    /// How many rows and columns there are.
    pub(super) lines: [usize; 2],
    pub(super) digits: usize,
    /// The band of each row, the stack of each column.
    pub(super) bands: [u8; LINES],
    /// Where each line is in the grid, columns from [`COLS`].
    pub(super) origins: [u8; LINES],
    /// What each digit is in the grid.
    pub(super) names: [u8; 16],
}

impl Default for Figure {
    fn default() -> Self {
        Figure {
            sudoku: Sudoku::ALL[0],
            givens: Vec::new(),
            lines: [0; 2],
            digits: 0,
            bands: [0; LINES],
            origins: [0; LINES],
            names: [0; 16],
        }
    }
}

impl Figure {
    /// Makes this the figure of another grid.
    pub(super) fn read(&mut self, grid: &Grid) {
        let sudoku = grid.sudoku();
        let (size, down, across) = (sudoku.size(), sudoku.box_rows(), sudoku.box_cols());
        self.sudoku = sudoku;
        self.givens.clear();
        self.lines = [0; 2];
        self.digits = 0;
        // What is new for each row, column and digit of the grid, plus one; 0 where none is.
        let (mut cols, mut digits) = ([0u8; 16], [0u8; 17]);
        for (y, cells) in grid.cells().chunks_exact(size).enumerate() {
            let mut row = None;
            for (x, &digit) in cells.iter().enumerate().filter(|(_, digit)| **digit != 0) {
                let row = *row.get_or_insert_with(|| self.add_line(0, y, down));
                if cols[x] == 0 {
                    cols[x] = self.add_line(1, x, across) + 1;
                }
                if digits[usize::from(digit)] == 0 {
                    self.names[self.digits] = digit;
                    self.digits += 1;
                    digits[usize::from(digit)] = self.digits as u8;
                }
                self.givens.push(Given {
                    row,
                    col: cols[x] - 1,
                    digit: digits[usize::from(digit)] - 1,
                    square: (y / down * down + x / across) as u8,
                });
            }
        }
    }

    /// Numbers the next row (side 0) or column (side 1).
    fn add_line(&mut self, side: usize, origin: usize, band: usize) -> u8 {
        let line = side * COLS + self.lines[side];
        self.lines[side] += 1;
        self.origins[line] = (side * COLS + origin) as u8;
        self.bands[line] = (origin / band) as u8;
        line as u8
    }

    /// The numbers of the rows (side 0) or columns (side 1).
    pub(super) fn side(&self, side: usize) -> std::ops::Range<usize> {
        side * COLS..side * COLS + self.lines[side]
    }

    /// How many lines of a side make a band or stack.
    pub(super) fn band_size(&self, side: usize) -> usize {
        match side {
            0 => self.sudoku.box_rows(),
            _ => self.sudoku.box_cols(),
        }
    }
}
