//! The exact level: what was thought, in memory, under keys that are compared in full; bounded by bytes; each key is
//! thought about by one thread at a time.
//!
//! `tests/loom` compiles this file with a scheduler of its own under `quick_cache` and runs it through many interleavings.

use quick_cache::sync::{Cache, GuardResult, PlaceholderGuard};
use quick_cache::{DefaultHashBuilder, Lifecycle, OptionsBuilder, Weighter};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What is kept.
pub(crate) trait Kept {
    /// Bytes of the heap that it takes behind an [`Arc`].
    fn heap_bytes(&self) -> usize;
}

type Key = Vec<u8>;
type Table<V> = Cache<Key, Arc<V>, HeapWeight, DefaultHashBuilder, CountEvictions>;
type Guard<'a, V> =
    PlaceholderGuard<'a, Key, Arc<V>, HeapWeight, DefaultHashBuilder, CountEvictions>;

/// Entries for several threads.
pub(crate) struct Exact<V> {
    table: Table<V>,
    /// Bytes of the table itself: slots and index, all reserved at the beginning.
    table_bytes: u64,
    evictions: Arc<AtomicU64>,
}

/// What came of asking for a key.
pub(crate) enum Asked<'a, V> {
    /// It is here.
    Here(Arc<V>),
    /// The asker shall think; who asks meanwhile for the same key waits.
    Turn(Turn<'a, V>),
    /// Another was still thinking when the patience ended.
    Busy,
}

/// One's turn to think about a key. Dropped without an entry, it passes to the next who waits.
pub(crate) struct Turn<'a, V>(Guard<'a, V>);

/// Bytes of one of the table's slots; a test with a counting allocator holds it to account.
const SLOT: usize = 56;
/// Bytes of a slot's place in the index, at least: so no fewer slots are reserved than can be needed.
const INDEXED: usize = 5;
/// Slots for entries on their way in and out, in each part.
const PASSING: usize = 8;
/// Evicted keys that the table remembers (a slot each) for each entry: what is asked for again soon then stays longer.
const GHOSTS: f64 = 0.25;
/// A part of the table has a lock of its own. Smaller parts would be full of few entries.
const LEAST_PART: u64 = 1 << 18;
const MOST_PARTS: u64 = 16;

impl<V: Kept> Exact<V> {
    /// Room for so many bytes, the table included. Keys and entries are expected to take `least` bytes of the heap
    /// together; smaller ones count as much.
    pub(crate) fn new(max_bytes: u64, least: usize) -> Self {
        let slots = |entries: usize| (entries as f64 * (1.0 + GHOSTS)) as usize;
        let each = least + slots(SLOT + INDEXED);
        let entries = usize::try_from(max_bytes).unwrap_or(usize::MAX) / each;
        let options = OptionsBuilder::new()
            .shards((max_bytes / LEAST_PART).clamp(1, MOST_PARTS) as usize)
            .estimated_items_capacity(entries)
            .ghost_allocation(GHOSTS)
            .weight_capacity(max_bytes)
            .build()
            .expect("all settings are there");
        let evictions = Arc::new(AtomicU64::new(0));
        let table = Cache::with_options(
            options,
            HeapWeight { least },
            DefaultHashBuilder::default(),
            CountEvictions(evictions.clone()),
        );
        // A table that grows by doubling would hold up to half its bytes for nothing.
        table.reserve(entries + PASSING * table.num_shards());
        let table_bytes = (slots(entries) * SLOT + table.memory_used().map) as u64;
        table.set_capacity(max_bytes.saturating_sub(table_bytes));
        Exact {
            table,
            table_bytes,
            evictions,
        }
    }

    /// The entry of a key, if it is here.
    pub(crate) fn get(&self, key: &[u8]) -> Option<Arc<V>> {
        self.table.get(key)
    }

    /// The entry of a key, or one's turn to think about it; waits while another has it, at most for `patience`.
    pub(crate) fn ask(&self, key: &[u8], patience: Option<Duration>) -> Asked<'_, V> {
        match self.table.get_value_or_guard(key, patience) {
            GuardResult::Value(entry) => Asked::Here(entry),
            GuardResult::Guard(guard) => Asked::Turn(Turn(guard)),
            GuardResult::Timeout => Asked::Busy,
        }
    }

    /// Keeps an entry, whoever's turn it is.
    pub(crate) fn put(&self, key: &[u8], entry: Arc<V>) {
        self.table.insert(key.to_vec(), entry);
    }

    /// Forgets the entry of a key.
    pub(crate) fn remove(&self, key: &[u8]) {
        self.table.remove(key);
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) {
        self.table.clear();
    }

    /// Entries.
    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    /// Bytes taken: those of keys and entries, and the table's own.
    pub(crate) fn bytes(&self) -> u64 {
        self.table.weight() + self.table_bytes
    }

    /// Entries that had to go for others.
    pub(crate) fn evictions(&self) -> u64 {
        self.evictions.load(Ordering::Relaxed)
    }
}

impl<V: Kept> Turn<'_, V> {
    /// Keeps the entry and hands it to all who wait for it.
    pub(crate) fn fill(self, entry: Arc<V>) {
        // Where somebody has put another entry there meanwhile, that one stays.
        self.0.insert(entry).ok();
    }
}

impl<V> fmt::Debug for Exact<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exact").finish_non_exhaustive()
    }
}

impl<V> fmt::Debug for Turn<'_, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn").finish_non_exhaustive()
    }
}

/// Bytes that common allocators take for an object of this size: 8 for themselves, in steps of 16.
pub(crate) fn allocated(bytes: usize) -> usize {
    (bytes + 8).next_multiple_of(16).max(32)
}

/// Weighs entries by the heap they take.
#[derive(Clone)]
struct HeapWeight {
    least: usize,
}

impl<V: Kept> Weighter<Key, Arc<V>> for HeapWeight {
    fn weight(&self, key: &Key, entry: &Arc<V>) -> u64 {
        let heap = allocated(key.len()) + entry.heap_bytes();
        heap.max(self.least) as u64
    }
}

#[derive(Clone)]
struct CountEvictions(Arc<AtomicU64>);

impl<K, V> Lifecycle<K, V> for CountEvictions {
    type RequestState = ();

    fn on_evict(&self, (): &mut (), _: K, _: V) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}
