//! Data sets in the form of the published programs: for each part a folder with `dataset.json` and five arrays.
//!
//! | array | shape | holds |
//! | --- | --- | --- |
//! | `all__inputs.npy` | examples x `seq_len` | the questions, a token a place |
//! | `all__labels.npy` | examples x `seq_len` | the answers; -100 and `ignore_label_id` do not count |
//! | `all__puzzle_indices.npy` | puzzles + 1 | the example with which each puzzle begins, and their number |
//! | `all__puzzle_identifiers.npy` | puzzles | the row of the puzzle table that belongs to each puzzle, 0 for none |
//! | `all__group_indices.npy` | groups + 1 | the puzzle with which each group begins, and their number |
//!
//! Examples of one puzzle share a puzzle vector; puzzles of one group were made from one another by augmentation, and
//! training draws one of them an epoch. Files are read row by row and never held in memory.

#[cfg(feature = "files")]
mod examples;
#[cfg(feature = "files")]
pub(crate) mod floats;
#[cfg(feature = "files")]
mod folder;
pub(super) mod header;
mod metadata;
pub mod npy;
pub(super) mod number;
#[cfg(all(test, feature = "files"))]
mod tests;
mod writer;

#[cfg(feature = "files")]
pub use examples::Examples;
#[cfg(feature = "files")]
pub use folder::{Dataset, Part, part_of};
pub use metadata::Metadata;
pub use writer::{Finished, Layout, Writer, identifiers_json};

/// Stands in an answer where it does not count, as in [`crate::train`].
pub const IGNORED: u16 = u16::MAX;

/// A question with its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// A token a place.
    pub question: Vec<u16>,
    /// A token a place, or [`IGNORED`].
    pub answer: Vec<u16>,
    /// Row of the puzzle table.
    pub identifier: u32,
    /// Number of its puzzle in the file, from 0.
    pub puzzle: u64,
    /// Number of its group in the file, from 0.
    pub group: u64,
}
