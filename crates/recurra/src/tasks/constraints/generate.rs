//! Puzzles with exactly one solution.

use super::search::{Search, Step, any};
use super::solver::rating;
use super::tables::Constraints;
use rand::seq::SliceRandom;
use rand::{Rng, RngExt};

/// Why no puzzle was generated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GenerateError {
    /// It is certain that the rules cannot be kept.
    #[error("the rules: expected at least one solution, found that there is none")]
    NoSolution,
    /// No grid that keeps the rules turned up in a bounded search.
    #[error(
        "the rules: no solution found in a search of {work} cells looked at; there may be some"
    )]
    SolutionNotFound {
        /// Cells that were looked at.
        work: u64,
    },
    /// More givens than there can be with something left to find.
    #[error("givens: expected at most {most}, found {asked}")]
    Givens {
        /// What was asked for.
        asked: usize,
        /// All cells but one.
        most: usize,
    },
    /// So few givens are impossible or rare, and none turned up in a bounded search.
    #[error(
        "givens: no puzzle with {asked} found, the least found were {least}; ask for more givens or try another seed"
    )]
    NotFound {
        /// What was asked for.
        asked: usize,
        /// The fewest givens of any puzzle found on the way.
        least: usize,
    },
    /// No puzzle so hard turned up in a bounded search.
    #[error("rating: no puzzle of {asked} found, the hardest found had {highest}")]
    TooEasy {
        /// What was asked for.
        asked: u64,
        /// The highest rating found.
        highest: u64,
    },
    /// No puzzle turned up of which a bounded search could tell that it is so hard.
    #[error("rating: no puzzle of {asked} found; those found take too long to rate")]
    Unrated {
        /// What was asked for.
        asked: u64,
    },
    /// Every cell of a solution must be given, or there is a second one.
    #[error("the rules: expected that a cell follows from the others, found none that does")]
    NothingFollows,
}

/// A puzzle and its only solution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generated {
    /// The givens, and 0 where a cell is open.
    pub question: Vec<u8>,
    /// The solution.
    pub answer: Vec<u8>,
    /// How hard it is ([`rating`]); none where that takes too long to find out.
    pub rating: Option<u64>,
}

/// How long to try. Work is counted in cells looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// Work to find a solution.
    pub solution: u64,
    /// Work to prove that a given can be spared.
    pub proof: u64,
    /// Work to rate a puzzle.
    pub rating: u64,
    /// Solutions.
    pub grids: usize,
    /// Rounds of improvement for each of them, where too many givens are left.
    pub rounds: usize,
}

impl Effort {
    /// What puzzles of so many cells are worth: proofs take for ever in large ones, and most of those that take long fail.
    pub fn of(cells: usize) -> Self {
        let (proof, grids, rounds) = match cells {
            0..=100 => (20_000_000, 100, 100),
            101..=150 => (2_000_000, 20, 50),
            151..=300 => (500_000, 4, 20),
            _ => (200_000, 2, 5),
        };
        Effort {
            solution: 2_000_000_000,
            proof,
            rating: 100_000_000,
            grids,
            rounds,
        }
    }
}

/// Makes puzzles. What it makes depends on the rules, the effort and the random numbers only.
#[derive(Clone, Copy, Debug)]
pub struct Generator<'a> {
    rules: &'a Constraints,
    effort: Effort,
}

impl<'a> Generator<'a> {
    /// Puzzles of these rules.
    pub fn new(rules: &'a Constraints, effort: Effort) -> Self {
        Generator { rules, effort }
    }

    /// A random puzzle with so many givens, or (for none) no given that a bounded search proves to be one to spare, and at
    /// least this rating.
    ///
    /// # Errors
    /// Why there is none, or none was found.
    pub fn puzzle<R: Rng>(
        &self,
        givens: Option<usize>,
        min_rating: u64,
        rng: &mut R,
    ) -> Result<Generated, GenerateError> {
        self.puzzle_of_any(|rng: &mut R| self.solution(rng), givens, min_rating, rng)
    }

    /// The same of solutions that come from elsewhere.
    ///
    /// # Errors
    /// Why there is no puzzle, or none was found, or no solution came.
    pub fn puzzle_of_any<R: Rng>(
        &self,
        mut solution: impl FnMut(&mut R) -> Result<Vec<u8>, GenerateError>,
        givens: Option<usize>,
        min_rating: u64,
        rng: &mut R,
    ) -> Result<Generated, GenerateError> {
        let most = self.rules.cells - 1;
        if let Some(asked) = givens.filter(|&asked| asked > most) {
            return Err(GenerateError::Givens { asked, most });
        }
        let (mut least, mut highest, mut found) = (usize::MAX, None, false);
        for _ in 0..self.effort.grids {
            let answer = solution(rng)?;
            match self.puzzle_of(&answer, givens, rng) {
                Err(found) => least = least.min(found),
                Ok(question) if count(&question) > most => least = most + 1,
                Ok(question) => {
                    let rating = rating(self.rules, &question, Some(self.effort.rating));
                    if min_rating == 0 || rating.is_some_and(|rating| rating >= min_rating) {
                        return Ok(Generated {
                            question,
                            answer,
                            rating,
                        });
                    }
                    (highest, found) = (highest.max(rating), true);
                }
            }
        }
        Err(match (highest, givens) {
            (Some(highest), _) => GenerateError::TooEasy {
                asked: min_rating,
                highest,
            },
            _ if found => GenerateError::Unrated { asked: min_rating },
            _ if least > most => GenerateError::NothingFollows,
            (None, asked) => GenerateError::NotFound {
                asked: asked.unwrap_or(0),
                least,
            },
        })
    }

    /// A random grid that keeps the rules; every one can come, but not all equally often.
    ///
    /// # Errors
    /// [`GenerateError::NoSolution`] and [`GenerateError::SolutionNotFound`].
    pub fn solution(&self, rng: &mut impl Rng) -> Result<Vec<u8>, GenerateError> {
        let rules = self.rules;
        let size = |group: &usize| rules.groups.get(*group).len();
        let largest = (0..rules.groups.len()).map(|group| size(&group)).max();
        let largest: Vec<usize> = (0..rules.groups.len())
            .filter(|group| Some(size(group)) == largest)
            .collect();
        let mut symbols: Vec<u8> = (1..=rules.symbols as u8).collect();
        let mut search = Search::new(rules);
        let mut cells = vec![0; rules.cells];
        let mut budget = 50 * (rules.cells * (rules.cells + rules.symbols)).min(20_000) as u64;
        let mut work = 0;
        while work < self.effort.solution {
            // Symbols are all alike to the rules: one group can hold any order of them, so giving it costs no
            // solution and saves guesses.
            cells.fill(0);
            symbols.shuffle(rng);
            if !largest.is_empty() {
                let group = largest[rng.random_range(0..largest.len())];
                for (&cell, &symbol) in rules.groups.get(group).iter().zip(&symbols) {
                    cells[usize::from(cell)] = symbol;
                }
            }
            search.begin(&cells);
            match search.next_with(Some(budget), |set| any(set, rng)) {
                Step::Solution => return Ok(search.cells()),
                Step::Exhausted => return Err(GenerateError::NoSolution),
                // A search that began badly can take very long: another beginning is quicker.
                Step::Budget => work += search.work,
            }
            budget += budget / 2;
        }
        Err(GenerateError::SolutionNotFound { work })
    }

    /// Takes random givens away from a solution, each once, down to `target` or as far as that goes.
    pub fn dig(&self, solution: &[u8], target: usize, rng: &mut impl Rng) -> Vec<u8> {
        let mut order: Vec<u16> = (0..solution.len() as u16).collect();
        order.shuffle(rng);
        let mut cells = solution.to_vec();
        self.thin(&mut Search::new(self.rules), &mut cells, &order, target);
        cells
    }

    /// Takes random givens away from a solution until so many are left, or (for none) no other can be spared.
    ///
    /// # Errors
    /// Where that many cannot be reached, the fewest that were.
    pub fn puzzle_of(
        &self,
        solution: &[u8],
        givens: Option<usize>,
        rng: &mut impl Rng,
    ) -> Result<Vec<u8>, usize> {
        let target = givens.unwrap_or(0);
        let mut best = self.dig(solution, target, rng);
        if givens.is_none() || count(&best) == target {
            return Ok(best);
        }
        let mut search = Search::new(self.rules);
        let order: Vec<u16> = (0..solution.len() as u16).collect();
        // None can be spared, yet there are too many: put a few back and take others away.
        for _ in 0..self.effort.rounds {
            let (mut open, mut given): (Vec<u16>, Vec<u16>) = order
                .iter()
                .partition(|&&cell| best[usize::from(cell)] == 0);
            let (back, _) = open.partial_shuffle(rng, 3);
            let mut next = best.clone();
            for &mut cell in back.iter_mut() {
                next[usize::from(cell)] = solution[usize::from(cell)];
            }
            given.shuffle(rng);
            // Those put back go last, or the round would end where it began.
            given.extend_from_slice(back);
            self.thin(&mut search, &mut next, &given, target);
            if count(&next) <= count(&best) {
                best = next;
            }
            if count(&best) == target {
                return Ok(best);
            }
        }
        Err(count(&best))
    }

    /// Takes givens away in this order where the solution stays the only one, down to `target`.
    fn thin(&self, search: &mut Search<'_>, cells: &mut [u8], order: &[u16], target: usize) {
        let mut left = count(cells);
        for &cell in order {
            if left <= target {
                return;
            }
            let place = usize::from(cell);
            let symbol = std::mem::take(&mut cells[place]);
            if symbol == 0 {
                continue;
            }
            // Another solution would have another symbol here, because the rest had only one.
            search.begin_without(cells, place, symbol);
            if search.next(Some(self.effort.proof)) == Step::Exhausted {
                left -= 1;
            } else {
                cells[place] = symbol;
            }
        }
    }
}

/// Givens of a question.
fn count(cells: &[u8]) -> usize {
    cells.iter().filter(|&&cell| cell != 0).count()
}
