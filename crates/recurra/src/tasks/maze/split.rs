//! Training and test mazes told apart by their question.
//!
//! The class of a maze is a fixed function of its canonical question, so that the images of a maze under its
//! symmetries are all for training or all for testing: a trainer may reflect and turn as it likes.

use super::{Maze, canonical};
use crate::hash::class_of_bytes;

/// A stable hash of a question: FNV-1a of 64 bits over the numbers of rows and columns and the tokens of the
/// [canonical](canonical()) question in reading order (one byte each), then the finaliser of MurmurHash3. A path in it
/// counts as free, so an answer has the class of its question.
pub fn question_class(question: &Maze) -> u64 {
    let image = canonical(&question.without_path()).maze;
    let shape = image.shape();
    let sides = [shape.rows() as u8, shape.cols() as u8];
    let tokens = image.cells().iter().map(|&cell| cell as u8);
    class_of_bytes(sides.into_iter().chain(tokens))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::HeldOut;
    use crate::tasks::maze::{Generator, Shape, Symmetry, solve};

    #[test]
    fn the_class_never_changes_and_is_that_of_all_images() {
        let question: Maze = "S..#.#..G".parse().unwrap();
        // Test sets that people keep depend on this number.
        assert_eq!(question_class(&question), 3820587639842385546);
        let answer = solve::solve(&question).unwrap();
        for symmetry in Symmetry::all(question.shape()) {
            for maze in [&question, &answer] {
                let image = question_class(&symmetry.apply(maze));
                assert_eq!(image, question_class(&question));
            }
        }
    }

    #[test]
    fn about_one_in_so_many_is_held_out() {
        let generator = Generator::new(Shape::new(8, 8).unwrap(), 8, 1).unwrap();
        let classes: Vec<u64> = (0..500)
            .map(|number| question_class(&generator.puzzle(number).unwrap().question))
            .collect();
        let held = |parts| {
            let set = HeldOut::new(parts);
            classes.iter().filter(|&&class| set.contains(class)).count()
        };
        assert_eq!((held(0), held(1)), (0, 500));
        for parts in 2..=10 {
            let (expected, found) = (500.0 / parts as f64, held(parts) as f64);
            let most = 3.5 * expected.sqrt();
            assert!((found - expected).abs() < most, "{parts}: {found}");
        }
    }
}
