//! Sums of rows: what members of a group say together, and what a row hears of its groups.

use super::simd::{Floats, Simd, SimdOp};
use super::view::View;
use std::ops::Range;

/// A sparse matrix, row by row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sparse {
    /// Where each row's entries start, and where the last ends.
    starts: Vec<u32>,
    /// Their columns.
    columns: Vec<u32>,
    /// Their numbers.
    values: Vec<f32>,
}

impl Sparse {
    /// A matrix of rows with their entries: columns and numbers.
    ///
    /// # Panics
    /// If there are 2^32 entries or more.
    pub fn new(rows: impl IntoIterator<Item = Vec<(u32, f32)>>) -> Self {
        let mut sparse = Sparse {
            starts: vec![0],
            ..Sparse::default()
        };
        for row in rows {
            for (column, value) in row {
                sparse.columns.push(column);
                sparse.values.push(value);
            }
            let ends = u32::try_from(sparse.columns.len());
            sparse.starts.push(ends.expect("fewer entries than 2^32"));
        }
        sparse
    }

    /// The transposed matrix, of so many rows.
    pub fn transposed(&self, rows: usize) -> Self {
        let mut transposed = vec![Vec::new(); rows];
        for row in 0..self.rows() {
            for at in self.entries(row) {
                let column = self.columns[at] as usize;
                transposed[column].push((row as u32, self.values[at]));
            }
        }
        Self::new(transposed)
    }

    fn entries(&self, row: usize) -> Range<usize> {
        self.starts[row] as usize..self.starts[row + 1] as usize
    }

    /// Rows.
    pub fn rows(&self) -> usize {
        self.starts.len() - 1
    }
}

/// Some rows of `out = matrix * x`.
pub struct SumRows<'a> {
    /// Its columns are rows of `x`.
    pub matrix: &'a Sparse,
    /// What is summed.
    pub x: View,
    /// Where row 0 of the result goes.
    pub out: View,
    /// Columns of both.
    pub cols: usize,
    /// The rows that are computed.
    pub rows: Range<usize>,
}

impl SimdOp for SumRows<'_> {
    type Output = ();
    type Uses = Floats;
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Sparse {
            columns, values, ..
        } = self.matrix;
        // Two vectors at a time, so that no addition waits for the one before it.
        for row in self.rows {
            let entries = self.matrix.entries(row);
            let out = self.out.at(row, 0).ptr;
            for i in (0..self.cols).step_by(2 * S::LANES) {
                let both = i + S::LANES < self.cols;
                let mut sums = [s.splat(0.0); 2];
                // SAFETY: rows are padded to whole vectors; the matrix's columns are rows of `x`.
                unsafe {
                    for at in entries.clone() {
                        let x = self.x.at(columns[at] as usize, i).ptr;
                        let value = s.splat(values[at]);
                        sums[0] = s.fma(s.load(x), value, sums[0]);
                        if both {
                            sums[1] = s.fma(s.load(x.add(S::LANES)), value, sums[1]);
                        }
                    }
                    s.store(out.add(i), sums[0]);
                    if both {
                        s.store(out.add(i + S::LANES), sums[1]);
                    }
                }
            }
        }
    }
}

/// Rows in blocks that follow one another: to each, the sum of the others of its block times a factor. Its own transposed.
pub struct SumOthers {
    /// What is summed.
    pub x: View,
    /// Where it goes: another matrix.
    pub out: View,
    /// Columns of both.
    pub cols: usize,
    /// Rows of a block.
    pub block: usize,
    /// The blocks that are computed.
    pub blocks: Range<usize>,
    /// What sums are multiplied by.
    pub factor: f32,
}

impl SimdOp for SumOthers {
    type Output = ();
    type Uses = Floats;
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let factor = s.splat(self.factor);
        for block in self.blocks {
            let first = block * self.block;
            for i in (0..self.cols).step_by(S::LANES) {
                let mut sum = s.splat(0.0);
                // SAFETY: rows are padded to whole vectors.
                unsafe {
                    for row in first..first + self.block {
                        sum = s.add(sum, s.load(self.x.at(row, i).ptr));
                    }
                    for row in first..first + self.block {
                        let others = s.sub(sum, s.load(self.x.at(row, i).ptr));
                        s.store(self.out.at(row, i).ptr, s.mul(others, factor));
                    }
                }
            }
        }
    }
}
