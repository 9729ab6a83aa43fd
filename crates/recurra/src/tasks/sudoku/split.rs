//! Training and test puzzles told apart by their solution grid.
//!
//! Two puzzles with the same solution are nearly the same puzzle, so a split by puzzle would leak. The
//! class of a grid is a fixed function of its digits: it is the same on every machine, in every version
//! and for every way of generating, so no list of test grids has to be kept.
//!
//! Augmenting a training puzzle by a [`Symmetry`](super::Symmetry) gives another solution grid, and for
//! the 4x4, where symmetries lead from every grid to 95 or 191 others, surely one that is held out: a
//! trainer must ask [`HeldOut::contains`](crate::tasks::HeldOut::contains) again for the image, and draw another symmetry if it is in.

use super::Grid;
use crate::hash::class_of_bytes;

/// A stable hash of a grid's digits: FNV-1a of 64 bits over the cells in reading order (one byte each,
/// 0 for blank), then the finaliser of MurmurHash3.
pub fn solution_class(grid: &Grid) -> u64 {
    class_of_bytes(grid.cells().iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::HeldOut;
    use crate::tasks::sudoku::solutions::all_4x4;

    #[test]
    fn the_hash_never_changes() {
        // Test sets that people keep depend on these numbers.
        assert_eq!(class_of_bytes([]), 0xefd0_1f60_ba99_2926);
        assert_eq!(solution_class(&all_4x4()[0]), 0x1e9a_02fa_def9_332f);
    }

    #[test]
    fn about_one_in_so_many_is_held_out() {
        let held = |parts| {
            let set = HeldOut::new(parts);
            let classes = all_4x4().iter().map(solution_class);
            classes.filter(|&class| set.contains(class)).count()
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
