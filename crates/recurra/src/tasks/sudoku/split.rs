//! Training and test puzzles told apart by their solution grid.
//!
//! Two puzzles with the same solution are nearly the same puzzle, so a split by puzzle would leak. The
//! class of a grid is a fixed function of its digits: it is the same on every machine, in every version
//! and for every way of generating, so no list of test grids has to be kept.
//!
//! Augmenting a training puzzle by a [`Symmetry`](super::Symmetry) gives another solution grid, and for
//! the 4x4, where symmetries lead from every grid to 95 or 191 others, surely one that is held out: a
//! trainer must ask [`HeldOut::contains`] again for the image, and draw another symmetry if it is in.

use super::Grid;
use crate::tasks::class::class_of_bytes;

/// A stable hash of a grid's digits: FNV-1a of 64 bits over the cells in reading order (one byte each,
/// 0 for blank), then the finaliser of MurmurHash3.
pub fn solution_class(grid: &Grid) -> u64 {
    class_of_cells(grid.cells())
}

/// The same for cells without a grid around them, as in a training loop.
pub fn class_of_cells(cells: &[u8]) -> u64 {
    class_of_bytes(cells.iter().copied())
}

/// The solution grids kept for testing: one part of so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldOut {
    parts: u64,
}

impl HeldOut {
    /// Holds out one grid in `parts`; none for 0, all for 1.
    pub fn new(parts: u64) -> Self {
        HeldOut { parts }
    }

    /// The number given to [`HeldOut::new`].
    pub fn parts(self) -> u64 {
        self.parts
    }

    /// Whether puzzles with this solution are for testing: `solution_class(grid) % parts == 0`.
    pub fn contains(self, solution: &Grid) -> bool {
        self.contains_cells(solution.cells())
    }

    /// The same for cells without a grid around them.
    pub fn contains_cells(self, solution: &[u8]) -> bool {
        // Nothing is a multiple of 0 parts, except a hash of 0.
        self.parts != 0 && class_of_cells(solution).is_multiple_of(self.parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::sudoku::solutions::all_4x4;

    #[test]
    fn the_hash_never_changes() {
        // Test sets that people keep depend on these numbers.
        assert_eq!(class_of_cells(&[]), 0xefd0_1f60_ba99_2926);
        assert_eq!(solution_class(&all_4x4()[0]), 0x1e9a_02fa_def9_332f);
    }

    #[test]
    fn about_one_in_so_many_is_held_out() {
        let held = |parts| {
            let set = HeldOut::new(parts);
            all_4x4().iter().filter(|grid| set.contains(grid)).count()
        };
        assert_eq!((held(0), held(1)), (0, 288));
        for parts in 2..=10 {
            let (expected, found) = (288.0 / parts as f64, held(parts) as f64);
            assert!(
                (found - expected).abs() < 3.5 * expected.sqrt(),
                "{parts}: {found}"
            );
        }
    }
}
