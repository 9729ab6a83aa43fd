//! How many solutions a question has, and how hard it is.

use super::search::{Search, Step};
use super::tables::Constraints;
use rand::Rng;

/// What an exact search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// No solution; so it is where givens clash.
    None,
    /// Exactly one solution.
    One(Vec<u8>),
    /// At least these two different solutions.
    Many(Vec<u8>, Vec<u8>),
    /// The work allowed was done before it was certain. A solution found on the way is here.
    Unknown(Option<Vec<u8>>),
}

/// Searches until there are two solutions, or it is certain that there are not.
///
/// `budget` bounds the cells that are looked at, one after the other: some 10⁸ a second. A 9x9 Sudoku seldom needs 10⁶; large
/// grids with few givens may never end without a budget.
pub fn solve(rules: &Constraints, cells: &[u8], budget: Option<u64>) -> Outcome {
    let mut search = Search::of(rules, cells);
    let first = match search.next(budget) {
        Step::Solution => search.cells(),
        Step::Exhausted => return Outcome::None,
        Step::Budget => return Outcome::Unknown(None),
    };
    match search.next(budget) {
        Step::Solution => Outcome::Many(first, search.cells()),
        Step::Exhausted => Outcome::One(first),
        Step::Budget => Outcome::Unknown(Some(first)),
    }
}

/// How hard a question is: the wrong guesses of a fixed search, as [Sudoku's](crate::tasks::sudoku::solver::rating).
///
/// Naked singles, and in permutations hidden ones, are filled in until nothing changes; then the cell with the fewest candidates
/// (the first in reading order among equals) is tried value by value, and so on until the whole tree is exhausted. The
/// rating is the number of tried values that led to no solution. None where there is not exactly one solution, or the
/// work allowed was done.
pub fn rating(rules: &Constraints, cells: &[u8], budget: Option<u64>) -> Option<u64> {
    let mut search = Search::of(rules, cells);
    while search.solutions < 2 {
        match search.next(budget) {
            Step::Solution => (),
            Step::Exhausted if search.solutions == 1 => return Some(search.wrong),
            _ => return None,
        }
    }
    None
}

/// One attempt without any model, to hold models against: singles are filled in, and where none is left, a random one of the
/// cells with the fewest candidates gets a random one of these, until all cells are filled or the rules are broken.
pub fn attempt(rules: &Constraints, cells: &[u8], rng: &mut impl Rng) -> Option<Vec<u8>> {
    let mut search = Search::of(rules, cells);
    search.descend(rng).then(|| search.cells())
}
