//! What a cache has done, counted.

use serde::Serialize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What a cache has done since it was made, and what it holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct CacheCounters {
    /// Answers given from memory.
    pub exact: u64,
    /// Of those, the ones that another was thinking about when they were asked for.
    pub joined: u64,
    /// Answers given from disk.
    pub stored: u64,
    /// Answers of near questions.
    pub similar: u64,
    /// Questions that had to be thought about.
    pub misses: u64,
    /// Answers that were there and did not hold.
    pub refused: u64,
    /// Failed readings from disk, without which thinking goes on.
    pub store_errors: u64,
    /// Entries in memory that had to go for others.
    pub evictions: u64,
    /// Entries in memory.
    pub entries: u64,
    /// Bytes of memory taken, the tables included.
    pub bytes: u64,
    /// Seconds of thinking that answers from the cache took when they were thought.
    pub seconds_saved: f64,
}

/// The counts that are kept while it works.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) exact: AtomicU64,
    pub(super) joined: AtomicU64,
    pub(super) stored: AtomicU64,
    pub(super) similar: AtomicU64,
    pub(super) misses: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) store_errors: AtomicU64,
    nanoseconds_saved: AtomicU64,
}

impl Counts {
    pub(super) fn add(count: &AtomicU64) {
        count.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn saved(&self, seconds: f32) {
        // A time that is no time, from a damaged file, saves nothing.
        let saved = Duration::try_from_secs_f32(seconds).unwrap_or_default();
        let nanoseconds = u64::try_from(saved.as_nanos()).unwrap_or(0);
        self.nanoseconds_saved
            .fetch_add(nanoseconds, Ordering::Relaxed);
    }

    pub(super) fn counters(&self) -> CacheCounters {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        CacheCounters {
            exact: read(&self.exact),
            joined: read(&self.joined),
            stored: read(&self.stored),
            similar: read(&self.similar),
            misses: read(&self.misses),
            refused: read(&self.refused),
            store_errors: read(&self.store_errors),
            seconds_saved: read(&self.nanoseconds_saved) as f64 * 1e-9,
            ..CacheCounters::default()
        }
    }
}
