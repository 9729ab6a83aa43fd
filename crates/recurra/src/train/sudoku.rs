//! Sudoku puzzles as training samples.

use super::sample::{Sample, SampleSource};
use crate::tasks::sudoku::{Generated, HeldOut, Sudoku, Symmetry, generate, solutions};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A pool of puzzles, each drawn under a random symmetry.
///
/// No sample has a solution grid that is held out, neither by itself nor through a symmetry.
#[derive(Debug)]
pub struct SudokuSource {
    sudoku: Sudoku,
    puzzles: Vec<Generated>,
    held_out: HeldOut,
}

/// Symmetries tried before a puzzle is taken as it stands.
const TRIES: usize = 16;
/// Solution grids tried for one puzzle.
const DRAWS: usize = 10_000;

impl SudokuSource {
    /// A source of the given puzzles; those of another size or with a held-out solution are left out.
    pub fn new(
        sudoku: Sudoku,
        puzzles: impl IntoIterator<Item = Generated>,
        held_out: HeldOut,
    ) -> Self {
        let fits = |p: &Generated| p.question.sudoku() == sudoku && !held_out.contains(&p.answer);
        SudokuSource {
            sudoku,
            puzzles: puzzles.into_iter().filter(fits).collect(),
            held_out,
        }
    }

    /// The `number`-th puzzle of a mixed run: every other one minimal, the rest with 30 to 70 % of the cells given
    /// (from 45 % in the 16x16, where fewer are hard to find). With `test` its solution grid is one that is held
    /// out, else one that is not. `None` if there seems to be no such grid.
    pub fn mixed(
        sudoku: Sudoku,
        held_out: HeldOut,
        test: bool,
        seed: u64,
        number: u64,
    ) -> Option<Generated> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(number);
        let least = if sudoku.size() < 16 { 30 } else { 45 };
        (0..DRAWS).find_map(|_| {
            let answer = solutions::random_solution(sudoku, &mut rng);
            if held_out.contains(&answer) != test {
                return None;
            }
            let share = least + rng.next_u64() % (71 - least);
            let givens =
                (number % 2 == 1).then_some((sudoku.cells() as u64 * share / 100) as usize);
            // Some grids do not go down to that many givens; others do.
            let question = generate::puzzle_of(&answer, givens, &mut rng).ok()?;
            Some(Generated { question, answer })
        })
    }

    /// How many puzzles it holds.
    pub fn len(&self) -> usize {
        self.puzzles.len()
    }

    /// Whether it holds none; such a source cannot be drawn from.
    pub fn is_empty(&self) -> bool {
        self.puzzles.is_empty()
    }
}

/// The token of each cell.
fn tokens(cells: &[u8], to: &mut Vec<u16>) {
    to.clear();
    to.extend(cells.iter().map(|&digit| u16::from(digit) + 1));
}

impl SampleSource for SudokuSource {
    fn draw(&self, rng: &mut ChaCha8Rng, sample: &mut Sample) {
        let puzzle = &self.puzzles[(rng.next_u64() % self.puzzles.len() as u64) as usize];
        let (mut question, mut answer) = ([0; 256], [0; 256]);
        let cells = self.sudoku.cells();
        let symmetry = (0..TRIES)
            .map(|_| Symmetry::random(self.sudoku, rng))
            .find(|symmetry| {
                symmetry.apply_into(puzzle.answer.cells(), &mut answer[..cells]);
                !self.held_out.contains_cells(&answer[..cells])
            })
            .unwrap_or_else(|| Symmetry::identity(self.sudoku));
        symmetry.apply_into(puzzle.answer.cells(), &mut answer[..cells]);
        symmetry.apply_into(puzzle.question.cells(), &mut question[..cells]);
        tokens(&question[..cells], &mut sample.question);
        tokens(&answer[..cells], &mut sample.labels);
        sample.puzzle = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::sudoku::{Grid, rules};

    #[test]
    fn no_sample_has_a_held_out_solution() {
        for size in [4, 6, 9] {
            let sudoku = Sudoku::new(size).unwrap();
            let held_out = HeldOut::new(3);
            let puzzle = |n| SudokuSource::mixed(sudoku, held_out, false, 5, n).unwrap();
            let tests = (0..10).map(|n| SudokuSource::mixed(sudoku, held_out, true, 5, n).unwrap());
            for test in tests.clone() {
                assert!(held_out.contains(&test.answer));
                assert!(rules::verifies(&test.question, &test.answer));
            }
            // Test puzzles that slip into the pool are left out.
            let source = SudokuSource::new(sudoku, (0..20).map(puzzle).chain(tests), held_out);
            assert_eq!(source.len(), 20);
            let mut rng = ChaCha8Rng::seed_from_u64(1);
            let mut sample = Sample::default();
            for _ in 0..300 {
                source.draw(&mut rng, &mut sample);
                let question = Grid::decode(sudoku, &sample.question);
                let answer = Grid::decode(sudoku, &sample.labels);
                assert!(rules::verifies(&question, &answer));
                assert!(!held_out.contains(&answer));
            }
        }
        assert!(
            SudokuSource::mixed(Sudoku::new(4).unwrap(), HeldOut::new(0), true, 1, 1).is_none()
        );
    }
}
