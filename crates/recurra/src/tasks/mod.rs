//! What a puzzle is: reading, encoding, checking, symmetries, generating. No model in here.

pub mod arc;
pub mod constraints;
#[cfg(feature = "files")]
pub mod data;
pub mod grid;
pub mod held_out;
pub mod maze;
pub mod spec;
pub mod sudoku;
pub mod task;
pub mod vectors;

pub use crate::groups::Groups;
pub use crate::reading::{InputError, arrays as dataset};
pub use held_out::HeldOut;
pub use spec::TaskSpec;
pub use task::Task;
