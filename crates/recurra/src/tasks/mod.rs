//! What a puzzle is: reading, encoding, checking, symmetries, generating. No model in here.

pub mod input;
pub mod spec;
pub mod sudoku;

pub use input::InputError;
pub use spec::TaskSpec;
