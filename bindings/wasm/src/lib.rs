//! The library for JavaScript: models from bytes, questions step by step, training, generators and checks.
//!
//! Options, answers, events and tasks are JSON with the names that they have everywhere else (`recurra solve --json`).
//! What is called often and reads numbers takes and gives typed arrays. Nothing here waits or starts a thread: the package
//! in `bindings/npm` runs it in workers.

mod engine;
mod memory;
mod model;
mod panic;
mod probe;
mod task;
mod trainer;

pub use engine::Engine;
pub use memory::{allocations, limit_memory, live_bytes, memory_bytes, most_bytes, refused_bytes};
pub use model::{Model, Thinking};
pub use panic::panic_message;
pub use probe::{instruction_set, probe};
pub use task::{check, generate, read};
pub use trainer::Trainer;

use wasm_bindgen::JsError;

/// What went wrong, as JavaScript's `Error`.
fn error(e: impl std::fmt::Display) -> JsError {
    JsError::new(&e.to_string())
}

/// JSON of what cannot fail to be written.
fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("it has no map with other keys than strings")
}
