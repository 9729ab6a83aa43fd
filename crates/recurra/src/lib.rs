//! Recurra trains and runs *tiny recursive models* (TRM): networks of a few million weights that
//! answer hard questions by thinking again, K improvement steps on the same weights.
//!
//! ```
//! # fn main() -> recurra::Result<()> {
//! # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/sudoku4.safetensors");
//! let solver = recurra::Solver::open(path)?;
//! let answer = solver.ask("1.....3..2.....4")?;
//! println!("{} verified: {:?}, {} steps", answer.text, answer.verified, answer.steps);
//! # assert_eq!((answer.text.as_str(), answer.verified), ("1342243142133124", Some(true)));
//!
//! // A clone goes to another thread: it shares weights, threads and cache.
//! let shared = solver.clone();
//! let other = std::thread::spawn(move || shared.ask("...22.1...3.1..."));
//! assert_eq!(other.join().unwrap()?.verified, Some(true));
//!
//! // Every step, as it happens; dropping the stream gives the question up.
//! let options = solver.options_with_restarts(8, None);
//! for event in solver.stream("1.....3..2.....4", &options)? {
//!     if let recurra::Event::Step(step) = event? {
//!         println!("step {}: {}", step.step, step.text);
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! What stands here is for users and keeps its form. The modules behind it are public for the program, the bindings and the
//! benchmarks of this repository; these pages do not show them, and they change without notice. `docs/architecture.md` says
//! where things are.

#[doc(hidden)]
pub mod cache;
#[doc(hidden)]
pub mod engine;
mod error;
#[doc(hidden)]
pub mod executor;
#[cfg(all(test, feature = "import"))]
mod fixtures;
#[doc(hidden)]
pub mod groups;
pub(crate) mod hash;
#[doc(hidden)]
pub mod model;
pub(crate) mod network;
#[doc(hidden)]
pub mod quantize;
#[doc(hidden)]
pub mod reading;
#[doc(hidden)]
pub mod solver;
#[doc(hidden)]
pub mod tasks;
#[cfg(test)]
mod testing;
#[doc(hidden)]
pub mod thinking;
#[doc(hidden)]
pub mod train;
#[doc(hidden)]
pub mod vectors;

#[doc(hidden)]
pub use recurra_kernels as kernels;

pub use cache::{CacheConfig, TrmCache};
#[cfg(feature = "store")]
pub use cache::{Store, StoreOptions};
pub use error::{Error, Refusal, Result};
pub use model::TrmModel as Model;
#[doc(hidden)]
pub use network::{Mixer, Positions, SWIGLU_MULTIPLE, TrmConfig};
pub use solver::{
    Answer, Answers, CancelToken, Event, Events, Pending, Question, SolveOptions, Solver, Source,
    Step, Thinking,
};
pub use tasks::TaskSpec;
pub use tasks::vectors::{Norm, VectorSpec};
pub use thinking::{StopReason, StopRules, Variation};
pub use vectors::{FlatIndex, RefineOptions, Refined, Refiner, VectorQuestion};
