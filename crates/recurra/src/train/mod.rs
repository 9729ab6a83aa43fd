//! Training: deep supervision over improvement steps, gradients derived by hand.
//!
//! Every place of the batch holds a sample and its latent state. A training step does one improvement step on
//! each, takes the gradient through the last cycle, and changes the weights. A sample stays in its place until
//! the halting head says "halt" or its steps are used up; then a new one comes.

mod arc;
mod checkpoint;
mod config;
mod gradient;
mod group;
pub mod loss;
mod optimizer;
pub mod preset;
mod puzzles;
mod sample;
pub mod schedule;
#[cfg(all(test, feature = "import"))]
mod tests;
mod trainer;
pub mod vectors;
mod worker;

pub use arc::ArcSource;
pub use checkpoint::CheckpointHead;
pub use config::{TrainConfig, TrainPrecision};
pub use group::{Alone, Group};
pub use loss::{IGNORE_LABEL, Probabilities};
pub use optimizer::Rule;
pub use puzzles::PuzzleSource;
pub use sample::{Mixture, Sample, SampleSource};
pub use schedule::Decay;
pub use trainer::{StepReport, Trainer};
