//! Mazes of any rectangle from 2x2 to 64x64: reading, checking, solving exactly, generating, symmetries.
//!
//! ```
//! use recurra::tasks::maze::{Maze, rules, solve};
//!
//! let question: Maze = "S#. ... .#G".replace(' ', "").parse().unwrap();
//! let answer = solve::solve(&question).unwrap();
//! assert_eq!(answer.to_line(), "S# ooo #G");
//! assert!(rules::verifies(&question, &answer));
//! ```

mod cells;
mod flood;
pub mod generate;
pub mod grid;
pub mod read;
pub mod rules;
pub mod solve;
pub mod split;
pub mod symmetry;

use std::fmt;

pub use generate::{GenerateError, Generated, Generator};
pub use grid::{Cell, Maze};
pub use read::{Entry, MazeReader, Puzzle};
pub use rules::{Fault, Path};
pub use split::HeldOut;
pub use symmetry::{Canonical, Symmetry, canonical};

/// The size of a maze.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    rows: u8,
    cols: u8,
}

impl Shape {
    /// The fewest rows or columns a maze can have.
    pub const LEAST: usize = 2;
    /// The most rows or columns a maze can have.
    pub const MOST: usize = 64;

    /// So many rows and columns, each from [`Shape::LEAST`] to [`Shape::MOST`].
    pub fn new(rows: usize, cols: usize) -> Option<Self> {
        let sides = Self::LEAST..=Self::MOST;
        (sides.contains(&rows) && sides.contains(&cols)).then_some(Shape {
            rows: rows as u8,
            cols: cols as u8,
        })
    }

    /// The square of so many cells, where there is one.
    pub fn square_with_cells(cells: usize) -> Option<Self> {
        let side = cells.isqrt();
        Self::new(side, side).filter(|shape| shape.cells() == cells)
    }

    /// Number of rows.
    pub fn rows(self) -> usize {
        usize::from(self.rows)
    }

    /// Number of columns.
    pub fn cols(self) -> usize {
        usize::from(self.cols)
    }

    /// Number of cells.
    pub fn cells(self) -> usize {
        self.rows() * self.cols()
    }

    /// Whether rows and columns can be exchanged.
    pub fn is_square(self) -> bool {
        self.rows == self.cols
    }

    /// Row of a cell, from 0.
    pub fn row(self, cell: usize) -> usize {
        cell / self.cols()
    }

    /// Column of a cell, from 0.
    pub fn col(self, cell: usize) -> usize {
        cell % self.cols()
    }

    /// Row and column of a cell as people count them.
    pub fn place(self, cell: usize) -> Place {
        Place {
            row: self.row(cell) + 1,
            column: self.col(cell) + 1,
        }
    }

    /// The cells beside a cell, in the order of the exact solver: down, left, right, up.
    pub fn neighbours(self, cell: usize) -> impl Iterator<Item = usize> {
        let (row, col, cols) = (self.row(cell), self.col(cell), self.cols());
        [
            (row + 1 < self.rows()).then_some(cell + cols),
            (col > 0).then(|| cell - 1),
            (col + 1 < cols).then_some(cell + 1),
            (row > 0).then(|| cell - cols),
        ]
        .into_iter()
        .flatten()
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.rows, self.cols)
    }
}

/// Where a cell is, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// From the top.
    pub row: usize,
    /// From the left.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "row {}, column {}", self.row, self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes() {
        for (rows, cols) in [(1, 5), (5, 1), (65, 5), (5, 65), (0, 0)] {
            assert_eq!(Shape::new(rows, cols), None);
        }
        let shape = Shape::new(2, 64).unwrap();
        assert_eq!((shape.rows(), shape.cols(), shape.cells()), (2, 64, 128));
        assert_eq!(shape.place(64).to_string(), "row 2, column 1");
        assert_eq!(shape.to_string(), "2x64");
        let squares = (0..5000).filter(|&n| Shape::square_with_cells(n).is_some());
        assert!(squares.eq((2..=64).map(|side| side * side)));
    }

    #[test]
    fn neighbours_come_in_order_and_stay_inside() {
        let shape = Shape::new(3, 4).unwrap();
        let beside = |cell| shape.neighbours(cell).collect::<Vec<_>>();
        assert_eq!(beside(5), [9, 4, 6, 1]);
        assert_eq!(beside(0), [4, 1]);
        assert_eq!(beside(7), [11, 6, 3]);
        assert_eq!(beside(11), [10, 7]);
    }
}
