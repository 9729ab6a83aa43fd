//! Not thinking the same thought twice.

pub mod store;

pub use store::{Store, StoreOptions};
