//! Puzzles of a task as training samples.

use super::IGNORE_LABEL;
use super::sample::{Sample, SampleSource};
use crate::tasks::task::{PAD, Pair};
use crate::tasks::{HeldOut, Task};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;

/// A pool of puzzles, each drawn under a random symmetry of its task.
///
/// No sample is one that is held out, neither by itself nor through a symmetry.
#[derive(Debug)]
pub struct PuzzleSource {
    task: Arc<dyn Task>,
    puzzles: Vec<Pair>,
    held_out: HeldOut,
}

/// Symmetries tried before a puzzle is taken as it stands.
const TRIES: usize = 16;

impl PuzzleSource {
    /// A source of the given puzzles; those that are held out are left out.
    pub fn new(
        task: Arc<dyn Task>,
        puzzles: impl IntoIterator<Item = Pair>,
        held_out: HeldOut,
    ) -> Self {
        let allowed = |p: &Pair| !held_out.contains(task.split_class(p));
        PuzzleSource {
            puzzles: puzzles.into_iter().filter(allowed).collect(),
            task,
            held_out,
        }
    }

    /// How many puzzles it holds.
    pub fn len(&self) -> usize {
        self.puzzles.len()
    }

    /// Whether it holds none; such a source cannot be drawn from.
    pub fn is_empty(&self) -> bool {
        self.puzzles.is_empty()
    }

    /// A random image of a puzzle that is not held out.
    fn image(&self, puzzle: &Pair, rng: &mut ChaCha8Rng) -> Option<Pair> {
        (0..TRIES).find_map(|_| {
            let symmetry = self.task.random_symmetry(&puzzle.question, rng)?;
            let image = self.task.image(puzzle, &symmetry);
            let held = self.held_out.contains(self.task.split_class(&image));
            (!held).then_some(image)
        })
    }
}

impl SampleSource for PuzzleSource {
    fn draw(&self, rng: &mut ChaCha8Rng, sample: &mut Sample) {
        let puzzle = &self.puzzles[(rng.next_u64() % self.puzzles.len() as u64) as usize];
        let image = self.image(puzzle, rng);
        let pair = image.as_ref().unwrap_or(puzzle);
        sample.question.clone_from(&pair.question);
        sample.labels.clear();
        // Nothing is asked beyond the answer's cells.
        let label = |&token: &u16| if token == PAD { IGNORE_LABEL } else { token };
        sample.labels.extend(pair.answer.iter().map(label));
        (sample.puzzle, sample.kind) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::sudoku::Sudoku;
    use rand::SeedableRng;

    #[test]
    fn no_sample_has_a_held_out_solution() {
        for size in [4, 6, 9] {
            let sudoku = Sudoku::new(size).unwrap();
            let held_out = HeldOut::new(3);
            let puzzle = |test: bool| {
                move |number| {
                    let wanted = |class| held_out.contains(class) == test;
                    sudoku.generate(5, number, &wanted).unwrap()
                }
            };
            let tests = (0..10).map(puzzle(true));
            for test in tests.clone() {
                assert!(held_out.contains(sudoku.split_class(&test)));
                assert_eq!(sudoku.verify(&test.question, &test.answer), Some(true));
            }
            // Test puzzles that slip into the pool are left out.
            let pool = (0..20).map(puzzle(false)).chain(tests);
            let source = PuzzleSource::new(Arc::new(sudoku), pool, held_out);
            assert_eq!(source.len(), 20);
            let mut rng = ChaCha8Rng::seed_from_u64(1);
            let mut sample = Sample::default();
            for _ in 0..300 {
                source.draw(&mut rng, &mut sample);
                let Sample {
                    question, labels, ..
                } = &sample;
                assert_eq!(sudoku.verify(question, labels), Some(true));
                assert!(!held_out.contains(sudoku.class(labels)));
            }
        }
        let four = Sudoku::new(4).unwrap();
        assert!(four.generate(1, 1, &|_| false).is_none());
    }
}
