//! A test input as the questions that a model is asked.

use super::encoding::Shift;
use super::{Augmentation, Grid, Identifiers, crop, encode};

/// A test input under one augmentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// [`SEQ_LEN`](super::SEQ_LEN) tokens.
    pub tokens: Vec<u16>,
    /// Row of the puzzle table.
    pub puzzle: usize,
    /// What was done to the task.
    pub augmentation: Augmentation,
}

impl Question {
    /// The answer's grid, turned back; none where the tokens hold no grid.
    pub fn read_answer(&self, tokens: &[u16]) -> Option<Grid> {
        crop(tokens).map(|grid| self.augmentation.inverse().apply(&grid))
    }
}

/// An input under every augmentation that a table has of its task, in the order of the rows; none where the table does
/// not know the task.
pub fn questions(
    task: &str,
    input: &Grid,
    identifiers: &Identifiers,
) -> impl ExactSizeIterator<Item = Question> {
    identifiers.rows(task).map(|(puzzle, augmentation)| {
        let mut tokens = Vec::new();
        encode(&augmentation.apply(input), Shift::default(), &mut tokens);
        Question {
            tokens,
            puzzle,
            augmentation,
        }
    })
}
