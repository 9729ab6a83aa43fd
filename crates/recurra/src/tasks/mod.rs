//! What a puzzle is: reading, encoding, checking, symmetries, generating. No model in here.

pub mod arc;
mod class;
pub mod input;
pub mod spec;
pub mod sudoku;
mod text;

pub use input::InputError;
pub use spec::TaskSpec;
