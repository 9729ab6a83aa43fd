//! A model: its configuration, its named weights, the files they live in.

pub mod config;
#[cfg(feature = "import")]
pub mod import;
