//! Models of vectors: a question's embedding is moved, step by step, to where its answer lies.
//!
//! [`Refiner`] does that; [`measure`] counts how often the right passage is found with it and without. `docs/vectors.md`
//! says how they are trained and asked.

pub(crate) mod check;
#[cfg(feature = "files")]
mod files;
mod flat;
pub mod measure;
mod memory;
mod pairs;
#[cfg(feature = "parquet")]
mod parquet;
mod refiner;
pub(crate) mod state;

pub use flat::FlatIndex;
pub use memory::{Memory, MemoryOptions, MemoryStats, Recalled, Route};
pub use pairs::{Pairs, Row};
pub(crate) use refiner::sized;
pub use refiner::{RefineOptions, Refined, Refiner, VectorQuestion};
