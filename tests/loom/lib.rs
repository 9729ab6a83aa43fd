//! The queue of `recurra::executor` under loom; see `tests/queue.rs`.
