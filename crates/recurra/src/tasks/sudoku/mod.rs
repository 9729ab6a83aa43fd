//! Sudoku of four sizes: reading, checking, solving exactly, generating, symmetries.
//!
//! ```
//! use recurra::tasks::sudoku::{Grid, solver::{Outcome, solve}};
//!
//! let question: Grid = "1...............".parse().unwrap();
//! assert!(matches!(solve(&question, None), Outcome::Many(..)));
//! ```

pub mod canonical;
pub mod generate;
pub mod grid;
pub mod read;
pub mod rules;
mod search;
pub mod solutions;
pub mod solver;
pub mod split;
pub mod symmetry;
mod tables;

use std::fmt;

pub use canonical::{Canonical, Canonizer};
pub use generate::{GenerateError, Generated, Generator};
pub use grid::Grid;
pub use read::{Entry, Puzzle, PuzzleReader};
pub use rules::{Clash, Unit};
pub use solver::Outcome;
pub use split::HeldOut;
pub use symmetry::Symmetry;

/// A kind of Sudoku: the size of its grid and of its boxes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sudoku {
    box_rows: u8,
    box_cols: u8,
}

impl Sudoku {
    /// Every kind there is, smallest first.
    pub const ALL: [Sudoku; 4] = [
        Sudoku::boxes(2, 2),
        Sudoku::boxes(2, 3),
        Sudoku::boxes(3, 3),
        Sudoku::boxes(4, 4),
    ];

    const fn boxes(box_rows: u8, box_cols: u8) -> Self {
        Sudoku { box_rows, box_cols }
    }

    /// The kind with this many digits: 4, 6 (boxes of 2 rows and 3 columns), 9 or 16.
    pub fn new(size: usize) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.size() == size)
    }

    /// The kind whose grid has this many cells: 16, 36, 81 or 256.
    pub fn with_cells(cells: usize) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.cells() == cells)
    }

    /// Number of digits; also of rows, columns and boxes.
    pub fn size(self) -> usize {
        usize::from(self.box_rows) * usize::from(self.box_cols)
    }

    /// Number of cells of a grid.
    pub fn cells(self) -> usize {
        self.size() * self.size()
    }

    /// Rows of one box.
    pub fn box_rows(self) -> usize {
        usize::from(self.box_rows)
    }

    /// Columns of one box.
    pub fn box_cols(self) -> usize {
        usize::from(self.box_cols)
    }

    /// Number of tokens a model sees: padding, blank and the digits.
    pub fn vocab_size(self) -> usize {
        self.size() + 2
    }

    /// Row of a cell, from 0.
    pub fn row(self, cell: usize) -> usize {
        cell / self.size()
    }

    /// Column of a cell, from 0.
    pub fn col(self, cell: usize) -> usize {
        cell % self.size()
    }

    /// Box of a cell, from 0, in reading order.
    pub fn box_of(self, cell: usize) -> usize {
        let boxes_across = self.size() / self.box_cols();
        self.row(cell) / self.box_rows() * boxes_across + self.col(cell) / self.box_cols()
    }

    /// Whether rows and columns can be exchanged: not where boxes are wider than high.
    pub fn transposes(self) -> bool {
        self.box_rows == self.box_cols
    }

    /// Where this kind stands in [`Sudoku::ALL`].
    fn index(self) -> usize {
        match self.size() {
            4 => 0,
            6 => 1,
            9 => 2,
            _ => 3,
        }
    }
}

impl fmt::Display for Sudoku {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{0}x{0}", self.size())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let sizes: Vec<_> = (0..100).filter(|&n| Sudoku::new(n).is_some()).collect();
        assert_eq!(sizes, [4, 6, 9, 16]);
        for (i, kind) in Sudoku::ALL.into_iter().enumerate() {
            assert_eq!(kind.index(), i);
            assert_eq!(Sudoku::with_cells(kind.cells()), Some(kind));
            assert_eq!(kind.vocab_size(), kind.size() + 2);
        }
        assert_eq!(Sudoku::with_cells(80), None);
        assert_eq!(Sudoku::ALL[3].to_string(), "16x16");
    }

    #[test]
    fn every_box_has_as_many_cells_as_digits() {
        for kind in Sudoku::ALL {
            let mut cells = vec![0; kind.size()];
            for cell in 0..kind.cells() {
                cells[kind.box_of(cell)] += 1;
            }
            assert!(cells.iter().all(|&n| n == kind.size()), "{kind}");
        }
        let six = Sudoku::new(6).unwrap();
        assert_eq!((six.box_rows(), six.box_cols()), (2, 3));
        // Row 2, column 3, counted from 0: the second band, the second stack.
        assert_eq!(six.box_of(2 * 6 + 3), 3);
    }
}
