//! Rows and columns of a grid.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The size of a grid: from 1 to [`Shape::MOST`] rows and as many columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "[usize; 2]", into = "[usize; 2]")]
pub struct Shape {
    rows: u8,
    cols: u8,
}

impl Shape {
    /// The most rows or columns.
    pub const MOST: usize = 64;

    /// So many rows and columns.
    pub fn new(rows: usize, cols: usize) -> Option<Self> {
        let sides = 1..=Self::MOST;
        (sides.contains(&rows) && sides.contains(&cols)).then_some(Shape {
            rows: rows as u8,
            cols: cols as u8,
        })
    }

    /// The square of so many cells, where there is one.
    pub(super) fn square(cells: usize) -> Option<Self> {
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

    /// Whether there are as many rows as columns.
    pub fn is_square(self) -> bool {
        self.rows == self.cols
    }

    /// Rows and columns exchanged.
    pub(super) fn transposed(self) -> Self {
        Shape {
            rows: self.cols,
            cols: self.rows,
        }
    }

    /// The smallest shape that has room for both.
    pub(super) fn around(self, other: Shape) -> Self {
        Shape {
            rows: self.rows.max(other.rows),
            cols: self.cols.max(other.cols),
        }
    }

    /// A cell as people name it.
    pub(super) fn place(self, cell: usize) -> String {
        format!(
            "row {}, column {}",
            cell / self.cols() + 1,
            cell % self.cols() + 1
        )
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.rows, self.cols)
    }
}

/// Reads `RxC`, as in `4x6`: 4 rows, 6 columns.
impl FromStr for Shape {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let sides = text.split_once('x');
        let number = |text: &str| text.trim().parse().ok();
        sides
            .and_then(|(rows, cols)| Shape::new(number(rows)?, number(cols)?))
            .ok_or_else(|| format!("expected rows and columns from 1x1 to 64x64, found `{text}`"))
    }
}

impl TryFrom<[usize; 2]> for Shape {
    type Error = String;

    fn try_from([rows, cols]: [usize; 2]) -> Result<Self, String> {
        let found = || format!("expected rows and columns from 1 to 64, found {rows} and {cols}");
        Shape::new(rows, cols).ok_or_else(found)
    }
}

impl From<Shape> for [usize; 2] {
    fn from(shape: Shape) -> Self {
        [shape.rows(), shape.cols()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes() {
        let shape: Shape = "4x6".parse().unwrap();
        assert_eq!((shape.rows(), shape.cols(), shape.cells()), (4, 6, 24));
        assert_eq!(shape.place(7), "row 2, column 2");
        assert_eq!(shape.transposed().to_string(), "6x4");
        assert_eq!(shape.around("5x2".parse().unwrap()).to_string(), "5x6");
        for text in [
            "",
            "4",
            "x",
            "0x4",
            "4x65",
            "4x-1",
            "4x4x4",
            "999999999999999999999x1",
        ] {
            assert!(text.parse::<Shape>().is_err(), "{text}");
        }
        assert_eq!(serde_json::to_string(&shape).unwrap(), "[4,6]");
        assert!(serde_json::from_str::<Shape>("[4,65]").is_err());
        assert_eq!(Shape::square(81), Shape::new(9, 9));
        assert_eq!((Shape::square(80), Shape::square(65 * 65)), (None, None));
    }
}
