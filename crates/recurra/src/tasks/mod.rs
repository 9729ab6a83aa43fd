//! What a puzzle is: reading, encoding, checking, symmetries, generating. No model in here.

pub mod arc;
mod class;
pub mod constraints;
#[cfg(feature = "files")]
pub mod data;
pub mod dataset;
pub mod grid;
pub mod groups;
pub mod held_out;
pub mod input;
pub mod maze;
pub mod spec;
pub mod sudoku;
pub mod task;
mod text;

pub use groups::Groups;
pub use held_out::HeldOut;
pub use input::InputError;
pub use spec::TaskSpec;
pub use task::Task;
