//! Puzzles from rules alone.

use super::GridTask;
use super::exact::Exact;
use crate::tasks::Task;
use crate::tasks::constraints::{self, Effort, GenerateError};
use crate::tasks::task::Pair;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Puzzles tried for one number of a training, until one is wanted.
const DRAWS: usize = 200;

/// What puzzles are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// Givens in each; none: none to spare.
    pub givens: Option<usize>,
    /// How hard each is at least: wrong guesses of the solver.
    pub min_rating: u64,
}

/// A puzzle with one solution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generated {
    /// Question and answer.
    pub pair: Pair,
    /// How hard it is; none where that takes too long to find out.
    pub rating: Option<u64>,
}

/// A run of puzzles. Each depends on the seed and its own number only, so that a run can be generated in parallel and
/// continued later.
#[derive(Clone, Copy, Debug)]
pub struct Generator<'a> {
    pub(super) task: &'a GridTask,
    pub(super) exact: &'a Exact,
    pub(super) seed: u64,
}

impl Generator<'_> {
    /// The puzzle with this number.
    ///
    /// # Errors
    /// Why there is none, or none was found.
    pub fn puzzle(&self, number: u64, wish: Wish) -> Result<Generated, GenerateError> {
        let rng = &mut self.rng(number);
        let rules = &self.exact.rules;
        let generator = constraints::Generator::new(rules, Effort::of(rules.cells()));
        let solution = |rng: &mut _| self.solution(&generator, rng);
        let made = generator.puzzle_of_any(solution, wish.givens, wish.min_rating, rng)?;
        Ok(Generated {
            pair: self.pair(&made.question, &made.answer),
            rating: made.rating,
        })
    }

    /// The puzzle with this number of an endless run for training, of a split class that passes `wanted`: every other one
    /// with no given that a short search proves to be one to spare, the rest with 30 to 70 % of the cells given (from 40 % in large ones, where fewer are hard to
    /// find), or the fewest that turned up.
    pub(super) fn lesson(&self, number: u64, wanted: &dyn Fn(u64) -> bool) -> Option<Pair> {
        let rng = &mut self.rng(number);
        let rules = &self.exact.rules;
        let cells = rules.cells();
        // Proofs that take long are seldom worth waiting for where thousands of puzzles are wanted.
        let effort = Effort {
            proof: if cells <= 150 { 100_000 } else { 50_000 },
            ..Effort::of(cells)
        };
        let generator = constraints::Generator::new(rules, effort);
        let least = if cells <= 150 { 30 } else { 40 };
        (0..DRAWS).find_map(|_| {
            let answer = self.solution(&generator, rng).ok()?;
            let share = rng.random_range(least..=70);
            let givens = if number % 2 == 1 {
                cells * share / 100
            } else {
                0
            };
            let question = generator.dig(&answer, givens, rng);
            if !question.contains(&0) {
                return None;
            }
            let pair = self.pair(&question, &answer);
            wanted(self.task.split_class(&pair)).then_some(pair)
        })
    }

    fn rng(&self, number: u64) -> impl Rng + use<> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(number);
        rng
    }

    fn pair(&self, question: &[u8], answer: &[u8]) -> Pair {
        let groups = &self.exact.groups;
        Pair {
            question: groups.encode(question),
            answer: groups.encode(answer),
        }
    }

    /// A random solution. The search fills the top first; a symmetry of the task spreads what that favours.
    fn solution(
        &self,
        generator: &constraints::Generator<'_>,
        rng: &mut impl Rng,
    ) -> Result<Vec<u8>, GenerateError> {
        let cells = generator.solution(rng)?;
        let groups = &self.exact.groups;
        let tokens = groups.encode(&cells);
        let image = match self.task.random_symmetry(&tokens, rng) {
            Some(symmetry) => groups.decode(&symmetry.apply(&tokens)),
            None => None,
        };
        Ok(image.unwrap_or(cells))
    }
}
