//! Models of vectors: a question's embedding is moved, step by step, to where its answer lies.
//!
//! [`Refiner`] does that; [`Memory`] stands in front of it with what was refined before, plans how many steps a question
//! gets and learns from feedback. `docs/vectors.md` says how well it works, and where not.

pub(crate) mod check;
#[cfg(feature = "files")]
mod files;
mod flat;
pub mod measure;
mod pairs;
mod refiner;
pub(crate) mod state;

pub use flat::FlatIndex;
pub use pairs::{Pairs, Row};
pub(crate) use refiner::{role, sized};
pub use refiner::{RefineOptions, Refined, Refiner, VectorQuestion};
