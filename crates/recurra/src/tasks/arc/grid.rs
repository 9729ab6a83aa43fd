//! A grid of colours.

use serde::{Serialize, Serializer};
use std::fmt;

/// Most rows and most columns of a grid.
pub const SIDE: usize = 30;
/// Colours are the numbers below this.
pub const COLOURS: u8 = 10;

/// 1 to 30 rows of 1 to 30 colours from 0 to 9.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Grid {
    rows: u8,
    cols: u8,
    cells: Vec<u8>,
}

impl Grid {
    /// A grid of these cells in reading order. None where they are too many or too few for it, its size is none that
    /// a grid can have, or one is no colour.
    pub fn new(rows: usize, cols: usize, cells: Vec<u8>) -> Option<Self> {
        let side = 1..=SIDE;
        let fits = side.contains(&rows)
            && side.contains(&cols)
            && cells.len() == rows * cols
            && cells.iter().all(|&colour| colour < COLOURS);
        fits.then_some(Grid {
            rows: rows as u8,
            cols: cols as u8,
            cells,
        })
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows.into()
    }

    /// Number of columns.
    pub fn cols(&self) -> usize {
        self.cols.into()
    }

    /// The colours in reading order.
    pub fn cells(&self) -> &[u8] {
        &self.cells
    }

    /// The rows, from the top.
    pub fn lines(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.cells.chunks_exact(self.cols())
    }
}

/// One digit a cell, one line a row.
impl fmt::Display for Grid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, line) in self.lines().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            line.iter().try_for_each(|colour| write!(f, "{colour}"))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Grid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Grid({})", self.to_string().replace('\n', "/"))
    }
}

/// A list of rows, a row a list of numbers, as in the files of tasks.
impl Serialize for Grid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.lines())
    }
}
