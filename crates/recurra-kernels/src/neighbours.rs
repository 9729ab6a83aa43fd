//! What a convolution over the cells of a grid sees: every position's neighbours side by side, and means of positions.

use super::view::View;
use std::slice::{from_raw_parts, from_raw_parts_mut};

/// Cells in a square of three by three: a cell and its neighbours.
pub const SQUARE: usize = 9;
/// Place of the cell itself in its square.
const CENTRE: usize = SQUARE / 2;

/// The positions of a grid: a prefix outside of it, then its cells row by row.
#[derive(Debug, Clone, Copy)]
pub struct Neighbours {
    /// Positions before the cells.
    pub prefix: usize,
    /// Cells.
    pub cells: usize,
    /// Cells in a row.
    pub cols: usize,
    /// Numbers of a position.
    pub channels: usize,
}

impl Neighbours {
    /// Numbers that a position sees.
    #[inline]
    pub fn width(self) -> usize {
        (SQUARE + self.means()) * self.channels
    }

    /// Means that every position sees: of the cells, and of the prefix where there is one.
    #[inline]
    pub fn means(self) -> usize {
        1 + usize::from(self.prefix > 0)
    }

    /// The positions in the square around a position; none beyond the edges, and a position of the prefix has no neighbours.
    fn square(self, position: usize) -> [Option<usize>; SQUARE] {
        let mut square = [None; SQUARE];
        let Some(cell) = position.checked_sub(self.prefix) else {
            square[CENTRE] = Some(position);
            return square;
        };
        let (row, col) = (cell / self.cols, cell % self.cols);
        for place in 0..SQUARE {
            // Both are one too large here, as the square begins one before.
            let (row, col) = (row + place / 3, col + place % 3);
            if row == 0 || col == 0 || col > self.cols {
                continue;
            }
            let neighbour = (row - 1) * self.cols + col - 1;
            if neighbour < self.cells {
                square[place] = Some(self.prefix + neighbour);
            }
        }
        square
    }

    /// Positions of a mean.
    #[inline]
    fn members(self, mean: usize) -> std::ops::Range<usize> {
        match mean {
            0 => self.prefix..self.prefix + self.cells,
            _ => 0..self.prefix,
        }
    }

    /// Means of the positions of `x` (`[positions, channels]`) into the rows of `to` (`[means, channels]`).
    pub fn average(self, x: View, to: View) {
        for mean in 0..self.means() {
            let members = self.members(mean);
            let share = 1.0 / members.len() as f32;
            // SAFETY: both views have rows of `channels` numbers, in different matrices.
            unsafe {
                let to = row_mut(to, mean, 0, self.channels);
                to.fill(0.0);
                for member in members {
                    add(to, row(x, member, 0, self.channels));
                }
                to.iter_mut().for_each(|v| *v *= share);
            }
        }
    }

    /// What the positions `first..first + count` see of `x`, into the rows of `to`: `[count, (9 + means) * channels]`, zeros beyond
    /// the edges. `means` is what [`Neighbours::average`] has made of `x`.
    pub fn gather(self, x: View, means: View, to: View, first: usize, count: usize) {
        let d = self.channels;
        for r in 0..count {
            // SAFETY: the three views have rows of these numbers, and `to` is another matrix than the others.
            unsafe {
                for (place, neighbour) in self.square(first + r).into_iter().enumerate() {
                    let to = row_mut(to, r, place * d, d);
                    match neighbour {
                        Some(position) => to.copy_from_slice(row(x, position, 0, d)),
                        None => to.fill(0.0),
                    }
                }
                for mean in 0..self.means() {
                    row_mut(to, r, (SQUARE + mean) * d, d).copy_from_slice(row(means, mean, 0, d));
                }
            }
        }
    }

    /// What all positions see of `x`, into `to`; `means` (`[means, channels]`) is scratch space.
    #[inline]
    pub fn gather_all(self, x: View, means: View, to: View) {
        self.average(x, means);
        self.gather(x, means, to, 0, self.prefix + self.cells);
    }

    /// The transposed map of [`Neighbours::gather_all`]: adds `from`, the gradient of what all positions see, to `x`, the gradient of the positions. `means`
    /// (`[means, channels]`) is scratch space.
    pub fn scatter(self, from: View, means: View, x: View) {
        let d = self.channels;
        // SAFETY: the three views have rows of these numbers, in different matrices.
        unsafe {
            for mean in 0..self.means() {
                row_mut(means, mean, 0, d).fill(0.0);
            }
            for r in 0..self.prefix + self.cells {
                for (place, neighbour) in self.square(r).into_iter().enumerate() {
                    if let Some(position) = neighbour {
                        add(row_mut(x, position, 0, d), row(from, r, place * d, d));
                    }
                }
                for mean in 0..self.means() {
                    let seen = row(from, r, (SQUARE + mean) * d, d);
                    add(row_mut(means, mean, 0, d), seen);
                }
            }
            for mean in 0..self.means() {
                let members = self.members(mean);
                let share = 1.0 / members.len() as f32;
                let sum = row_mut(means, mean, 0, d);
                sum.iter_mut().for_each(|v| *v *= share);
                for member in members {
                    add(row_mut(x, member, 0, d), sum);
                }
            }
        }
    }
}

fn add(to: &mut [f32], from: &[f32]) {
    let from = &from[..to.len()];
    for i in 0..to.len() {
        to[i] += from[i];
    }
}

/// # Safety
/// The view's matrix has these numbers and outlives their use; nobody writes to them meanwhile.
unsafe fn row<'a>(view: View, row: usize, col: usize, len: usize) -> &'a [f32] {
    // SAFETY: promised by the caller.
    unsafe { from_raw_parts(view.at(row, col).ptr, len) }
}

/// # Safety
/// The view's matrix has these numbers and outlives their use; nobody else uses them meanwhile.
unsafe fn row_mut<'a>(view: View, row: usize, col: usize, len: usize) -> &'a mut [f32] {
    // SAFETY: promised by the caller.
    unsafe { from_raw_parts_mut(view.at(row, col).ptr, len) }
}
