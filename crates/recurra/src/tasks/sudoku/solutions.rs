//! Solution grids: one at random, or all 288 of the smallest size.

use std::sync::OnceLock;

use rand::seq::SliceRandom;
use rand::{Rng, RngExt};

use super::search::{Search, Step};
use super::{Grid, Sudoku, Symmetry};

/// All 288 solution grids of the 4x4, in lexical order.
pub fn all_4x4() -> &'static [Grid] {
    static ALL: OnceLock<Vec<Grid>> = OnceLock::new();
    ALL.get_or_init(|| {
        let mut search = Search::new(&Grid::blank(Sudoku::ALL[0]));
        let mut all = Vec::with_capacity(288);
        while search.next(None) == Step::Solution {
            all.push(search.grid());
        }
        all.sort_by(|a, b| a.cells().cmp(b.cells()));
        all
    })
}

/// A random solution grid: exactly uniform for the 4x4, close to uniform for the other sizes (every
/// grid can come, but not all equally often).
pub fn random_solution<R: Rng + ?Sized>(sudoku: Sudoku, rng: &mut R) -> Grid {
    if sudoku.size() == 4 {
        let all = all_4x4();
        return all[rng.random_range(0..all.len())].clone();
    }
    let mut budget = 1_000;
    loop {
        // One unit can hold any order of digits, so giving it costs no solution and saves guesses.
        let mut first: Vec<u8> = (1..=sudoku.size() as u8).collect();
        first.shuffle(rng);
        let mut grid = Grid::blank(sudoku);
        grid.cells_mut()[..first.len()].copy_from_slice(&first);
        let mut search = Search::new(&grid);
        let pick = |set: u16| {
            let mut set = set;
            for _ in 0..rng.random_range(0..set.count_ones()) {
                set &= set - 1;
            }
            set & set.wrapping_neg()
        };
        // A search that began badly can take very long: another beginning is quicker.
        if search.next_with(Some(budget), pick) == Step::Solution {
            // The search fills the top first; a symmetry spreads what that favours.
            return Symmetry::random(sudoku, rng).apply(&search.grid());
        }
        budget *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::sudoku::rules;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use std::collections::HashSet;

    #[test]
    fn all_small_grids_differ_and_are_solved() {
        let all = all_4x4();
        assert_eq!(all.len(), 288);
        assert!(all.iter().all(rules::is_solved));
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), 288);
        assert_eq!(all[0].to_line(), "1234341221434321");
    }

    #[test]
    fn random_grids_are_solved_and_differ() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for sudoku in Sudoku::ALL {
            let few: HashSet<_> = (0..20).map(|_| random_solution(sudoku, &mut rng)).collect();
            assert!(few.iter().all(rules::is_solved), "{sudoku}");
            assert!(few.len() > 15, "{sudoku}");
        }
    }

    #[test]
    fn random_small_grids_reach_all() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let seen: HashSet<_> = (0..5000)
            .map(|_| random_solution(Sudoku::ALL[0], &mut rng))
            .collect();
        assert_eq!(seen.len(), 288);
    }
}
