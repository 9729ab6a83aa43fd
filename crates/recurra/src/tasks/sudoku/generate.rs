//! Puzzles with exactly one solution, reproducible from a seed and a number.

use std::ops::RangeInclusive;

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::search::{Search, Step};
use super::solutions::random_solution;
use super::{Grid, Sudoku};

/// Why no puzzle was generated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GenerateError {
    /// No puzzle with one solution has so few givens, or so many.
    #[error("givens of a {sudoku} puzzle: expected {} to {}, found {asked}", range.start(), range.end())]
    Givens {
        /// The kind of Sudoku.
        sudoku: Sudoku,
        /// What was asked for.
        asked: usize,
        /// What there is.
        range: RangeInclusive<usize>,
    },
    /// So few givens are possible but rare, and none turned up in a bounded search.
    #[error(
        "givens of a {sudoku} puzzle: no puzzle with {asked} found, the least found were {least}; \
         ask for more givens or try another seed"
    )]
    NotFound {
        /// The kind of Sudoku.
        sudoku: Sudoku,
        /// What was asked for.
        asked: usize,
        /// The fewest givens of any puzzle found on the way.
        least: usize,
    },
}

/// A puzzle and its only solution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generated {
    /// The givens.
    pub question: Grid,
    /// The solution.
    pub answer: Grid,
}

/// A run of puzzles. Each depends on the seed and its own number only, so that a run can be generated
/// in parallel and continued later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Generator {
    sudoku: Sudoku,
    givens: Option<usize>,
    seed: u64,
}

impl Generator {
    /// Puzzles with so many givens, or with none to spare.
    pub fn new(sudoku: Sudoku, givens: Option<usize>, seed: u64) -> Result<Self, GenerateError> {
        check(sudoku, givens)?;
        Ok(Generator {
            sudoku,
            givens,
            seed,
        })
    }

    /// The puzzle with this number.
    pub fn puzzle(&self, number: u64) -> Result<Generated, GenerateError> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(number);
        random_puzzle(self.sudoku, self.givens, &mut rng)
    }
}

/// How many givens a puzzle with one solution can have. For the 16x16 the least is the least known.
pub fn givens_range(sudoku: Sudoku) -> RangeInclusive<usize> {
    let least = match sudoku.size() {
        4 => 4,
        6 => 8,
        9 => 17,
        _ => 55,
    };
    least..=sudoku.cells() - 1
}

fn check(sudoku: Sudoku, givens: Option<usize>) -> Result<(), GenerateError> {
    let range = givens_range(sudoku);
    match givens {
        Some(asked) if !range.contains(&asked) => Err(GenerateError::Givens {
            sudoku,
            asked,
            range,
        }),
        _ => Ok(()),
    }
}

/// A random puzzle with one solution and so many givens, or (for none) no given to spare. In the 16x16
/// "to spare" means what a bounded search can prove.
pub fn random_puzzle<R: Rng + ?Sized>(
    sudoku: Sudoku,
    givens: Option<usize>,
    rng: &mut R,
) -> Result<Generated, GenerateError> {
    check(sudoku, givens)?;
    let mut least = usize::MAX;
    for _ in 0..effort(sudoku).grids {
        let answer = random_solution(sudoku, rng);
        match puzzle_of(&answer, givens, rng) {
            Ok(question) => return Ok(Generated { question, answer }),
            Err(found) => least = least.min(found),
        }
    }
    Err(GenerateError::NotFound {
        sudoku,
        asked: givens.unwrap_or(0),
        least,
    })
}

/// Takes random givens away from a solution grid until so many are left, or (for none) no other can be
/// spared. Where that many cannot be reached, the fewest that were.
pub fn puzzle_of<R: Rng + ?Sized>(
    solution: &Grid,
    givens: Option<usize>,
    rng: &mut R,
) -> Result<Grid, usize> {
    let sudoku = solution.sudoku();
    let target = givens.unwrap_or(0);
    let mut order: Vec<u8> = (0..sudoku.cells()).map(|cell| cell as u8).collect();
    order.shuffle(rng);
    let mut best = solution.clone();
    thin(&mut best, &order, target);
    if givens.is_none() || best.givens() == target {
        return Ok(best);
    }
    // None can be spared, yet there are too many: put a few back and take others away.
    for _ in 0..effort(sudoku).rounds {
        let (mut blank, mut given): (Vec<u8>, Vec<u8>) = order
            .iter()
            .partition(|&&cell| best.get(usize::from(cell)) == 0);
        let (back, _) = blank.partial_shuffle(rng, 3);
        let mut next = best.clone();
        for &mut cell in back.iter_mut() {
            next.cells_mut()[usize::from(cell)] = solution.get(usize::from(cell));
        }
        given.shuffle(rng);
        // Those put back go last, or the round would end where it began.
        given.extend_from_slice(back);
        thin(&mut next, &given, target);
        if next.givens() <= best.givens() {
            best = next;
        }
        if best.givens() == target {
            return Ok(best);
        }
    }
    Err(best.givens())
}

/// Takes givens away in this order where the solution stays the only one, down to `target`.
fn thin(grid: &mut Grid, order: &[u8], target: usize) {
    let budget = effort(grid.sudoku()).budget;
    let mut left = grid.givens();
    for &cell in order {
        if left <= target {
            return;
        }
        let place = usize::from(cell);
        let digit = std::mem::take(&mut grid.cells_mut()[place]);
        if digit == 0 {
            continue;
        }
        // Another solution would have another digit here, because the rest had only one.
        if Search::without(grid, cell, digit).next(budget) == Step::Exhausted {
            left -= 1;
        } else {
            grid.cells_mut()[place] = digit;
        }
    }
}

/// How long to try.
struct Effort {
    /// Values tried to prove that a given can be spared.
    budget: Option<u64>,
    /// Solution grids.
    grids: usize,
    /// Rounds of improvement for each of them.
    rounds: usize,
}

fn effort(sudoku: Sudoku) -> Effort {
    let (budget, grids, rounds) = match sudoku.size() {
        4 => (None, 100, 20),
        6 => (None, 100, 50),
        9 => (None, 60, 150),
        // Proofs can take for ever here, and most of those that take long fail.
        _ => (Some(200), 4, 20),
    };
    Effort {
        budget,
        grids,
        rounds,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::sudoku::{Outcome, rules, solver};
    use std::collections::HashSet;

    fn generator(size: usize, givens: Option<usize>) -> Result<Generator, GenerateError> {
        Generator::new(Sudoku::new(size).unwrap(), givens, 7)
    }

    #[test]
    fn puzzles_have_one_solution_and_nothing_to_spare() {
        for (size, count) in [(4, 50), (6, 20), (9, 10)] {
            let generator = generator(size, None).unwrap();
            for number in 0..count {
                let Generated { question, answer } = generator.puzzle(number).unwrap();
                assert!(rules::verifies(&question, &answer));
                assert_eq!(solver::solve(&question, None), Outcome::One(answer));
                for cell in (0..question.cells().len()).filter(|&c| question.get(c) != 0) {
                    let mut less = question.clone();
                    less.set(cell, 0);
                    assert!(matches!(solver::solve(&less, None), Outcome::Many(..)));
                }
            }
        }
    }

    #[test]
    fn the_number_of_givens_is_met() {
        for (size, givens) in [
            (4, 4),
            (4, 6),
            (4, 15),
            (6, 9),
            (6, 20),
            (9, 23),
            (9, 30),
            (9, 80),
            (16, 150),
        ] {
            let puzzle = generator(size, Some(givens)).unwrap().puzzle(3).unwrap();
            assert_eq!(puzzle.question.givens(), givens);
            let outcome = solver::solve(&puzzle.question, Some(100_000));
            assert_eq!(outcome, Outcome::One(puzzle.answer));
        }
    }

    #[test]
    fn the_largest_size_ends_in_time() {
        let puzzle = generator(16, None).unwrap().puzzle(0).unwrap();
        assert!(
            puzzle.question.givens() < 120,
            "{}",
            puzzle.question.givens()
        );
        assert!(rules::verifies(&puzzle.question, &puzzle.answer));
    }

    #[test]
    fn each_depends_on_seed_and_number_only() {
        let generator = generator(9, Some(30)).unwrap();
        let forth: Vec<_> = (0..8).map(|n| generator.puzzle(n).unwrap()).collect();
        let back: Vec<_> = (0..8).rev().map(|n| generator.puzzle(n).unwrap()).collect();
        assert!(forth.iter().eq(back.iter().rev()));
        let other = Generator::new(Sudoku::new(9).unwrap(), Some(30), 8).unwrap();
        assert_ne!(other.puzzle(0).unwrap(), forth[0]);
        let questions: HashSet<_> = forth.iter().map(|p| &p.question).collect();
        assert_eq!(questions.len(), 8);
        // A seed that people wrote down must go on giving the same puzzle.
        assert_eq!(
            forth[0].question.to_line(),
            ".9....8...369.5........8...3..2.7...1.....532.....17.4915.723.8..73....52.....9.1"
        );
    }

    #[test]
    fn impossible_numbers_are_refused_with_the_range() {
        let text = |size, givens| generator(size, Some(givens)).unwrap_err().to_string();
        assert_eq!(
            text(9, 16),
            "givens of a 9x9 puzzle: expected 17 to 80, found 16"
        );
        assert_eq!(
            text(4, 3),
            "givens of a 4x4 puzzle: expected 4 to 15, found 3"
        );
        assert_eq!(
            text(6, 36),
            "givens of a 6x6 puzzle: expected 8 to 35, found 36"
        );
        assert!(text(16, 54).contains("55 to 255"));
    }
}
