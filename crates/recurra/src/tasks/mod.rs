//! What a puzzle is: reading, encoding, checking, symmetries, generating. No model in here.

mod class;
#[cfg(feature = "files")]
pub mod data;
pub mod dataset;
pub mod input;
pub mod maze;
pub mod spec;
pub mod sudoku;
mod text;

pub use input::InputError;
pub use spec::TaskSpec;
