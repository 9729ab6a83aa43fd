//! What is fuzzed: a function for each reader of foreign bytes. It must not panic, and must not take more memory than the bytes
//! justify. Beyond that each says what must hold of what was read: what is written is read again as the same, what the rules
//! prove is proven again, a cache never gives a value that was not put into it.

mod files;
mod memory;
mod models;
pub mod seeds;
// It connects by a Unix socket.
#[cfg(unix)]
mod server;
mod texts;

pub use files::{arrays, pairs, predictor, store};
pub use models::{checkpoint, model, torch, yaml};
#[cfg(unix)]
pub use server::{http, mcp};
pub use texts::{arc, puzzles, rules, survey};

/// Takes the first byte for a choice among so many, and the rest for what is read.
fn choice(bytes: &[u8], choices: usize) -> Option<(usize, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    Some((usize::from(*first) % choices, rest))
}

/// A reader, by the name of its target.
pub type Reader = (&'static str, fn(&[u8]));

/// All of them.
pub const READERS: &[Reader] = &[
    ("arc", arc),
    ("arrays", arrays),
    ("checkpoint", checkpoint),
    #[cfg(unix)]
    ("http", http),
    #[cfg(unix)]
    ("mcp", mcp),
    ("model", model),
    ("pairs", pairs),
    ("predictor", predictor),
    ("puzzles", puzzles),
    ("rules", rules),
    ("store", store),
    ("survey", survey),
    ("torch", torch),
    ("yaml", yaml),
];
