//! ARC-AGI 1 and 2: tasks of small coloured grids, given by a few demonstrations.
//!
//! A model learns a row of its puzzle table for every augmented form of every task, from the demonstrations. A test
//! input is asked under many of them, the answers are turned back and voted over, and the two best are the attempts.
//! Augmentations, tokens, identifiers, votes and the score are those of the reference implementation
//! (SamsungSAILMontreal/TinyRecursiveModels, `dataset/build_arc_dataset.py` and `evaluators/arc.py`).

pub mod augmentation;
mod distinct;
pub mod encoding;
pub mod error;
pub mod grid;
pub mod identifiers;
mod json;
mod kinds;
pub mod question;
pub mod read;
pub mod score;
pub mod split;
pub mod submission;
pub mod task;
#[cfg(all(test, feature = "files"))]
mod tests;
pub mod vote;

pub use augmentation::Augmentation;
pub use encoding::{SEQ_LEN, Shift, VOCAB_SIZE, crop, encode};
pub use error::{ArcError, Step};
pub use grid::{Grid, SIDE};
pub use identifiers::Identifiers;
pub use question::{Question, questions};
pub use read::{TaskSet, read_task};
pub use score::Score;
pub use split::{Group, TrainingPairs};
pub use submission::{Attempts, Submission};
pub use task::{ArcTask, Pair, TestPair};
pub use vote::{Ballot, Candidate};
