//! What a puzzle is: reading, encoding, checking, symmetries, generating. No model in here.

pub mod spec;

pub use spec::TaskSpec;
