//! Recurra trains and runs *tiny recursive models* (TRM): networks of a few million weights that
//! answer hard questions by thinking again, K improvement steps on the same weights.
//!
//! From the ground up: [`kernels`] multiplies matrices, [`reading`] finds puzzles in files, [`tasks`] knows what a puzzle is, [`model`]
//! holds configuration and weights and reads files.

pub mod cache;
pub mod engine;
pub mod error;
pub mod executor;
#[cfg(all(test, feature = "import"))]
mod fixtures;
mod hash;
pub mod model;
pub(crate) mod network;
pub mod quantize;
pub mod reading;
pub mod solver;
pub mod tasks;
#[cfg(test)]
mod testing;
pub mod thinking;
pub mod train;

pub use error::{Error, Result};
pub use model::TrmModel as Model;
pub use network::{Mixer, Positions, SWIGLU_MULTIPLE, TrmConfig};
pub use recurra_kernels as kernels;
pub use solver::{Answer, CancelToken, Event, SolveOptions, Solver};
