//! Fingerprints with their values, bounded: what [`SimilarCache`](super::SimilarCache) keeps behind its lock.

use super::SimilarConfig;
use super::graph::Graph;
use super::pages::Pages;
use super::search::Scratch;
use hashbrown::HashTable;
use std::sync::atomic::{AtomicBool, Ordering};

/// A value and what is known of it.
struct Entry<V> {
    value: V,
    /// Bytes that the value holds elsewhere.
    heap: usize,
    /// Of its row.
    hash: u64,
    /// Whether it was of use since the hand last passed.
    used: AtomicBool,
}

/// The entries. Entry `i` has row `i` of the graph.
pub(super) struct Store<V> {
    config: SimilarConfig,
    graph: Graph,
    entries: Pages<Entry<V>>,
    /// Numbers of the entries, by the hash of their rows.
    table: HashTable<u32>,
    /// Bytes that values hold elsewhere.
    heap: usize,
    /// The entry that is asked first whether it is still of use.
    hand: u32,
    /// Bytes that a single entry may take, besides what its value holds elsewhere.
    least: usize,
}

impl<V> Store<V> {
    pub(super) fn new(config: SimilarConfig) -> Self {
        let mut store = Store {
            config,
            graph: Graph::new(config.dimensions, config.seed),
            entries: Pages::new(),
            table: HashTable::new(),
            heap: 0,
            hand: 0,
            least: 0,
        };
        store.least = store.bytes_of_next();
        store
    }

    /// Bytes that a single entry may take, besides what its value holds elsewhere.
    pub(super) fn least(&self) -> usize {
        self.least
    }

    /// An empty one of the same bounds.
    pub(super) fn emptied(&self) -> Self {
        Self::new(self.config)
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Bytes of entries, graph, table and values.
    pub(super) fn bytes(&self) -> usize {
        let entries = self.entries.bytes() + self.heap;
        entries + self.graph.bytes() + self.table.allocation_size()
    }

    /// Bytes that one more entry may take, besides what its value holds elsewhere.
    fn bytes_of_next(&self) -> usize {
        let grows = self.len() == self.table.capacity();
        // The least table has less than this.
        let table = usize::from(grows) * self.table.allocation_size().max(64);
        self.graph.bytes_of_next() + self.entries.bytes_of_next() + table
    }

    /// The entry of this very row.
    pub(super) fn find(&self, hash: u64, row: &[f32]) -> Option<u32> {
        let same = |&id: &u32| self.entries[id].hash == hash && self.graph.row(id) == row;
        self.table.find(hash, same).copied()
    }

    /// Leaves in the scratch's beam the entries next to `row`, at most `width`.
    pub(super) fn search(&self, row: &[f32], width: usize, scratch: &mut Scratch) {
        self.graph.search(row, width, scratch);
    }

    /// The value of an entry, which was of use by that.
    pub(super) fn serve(&self, id: u32) -> &V {
        let entry = &self.entries[id];
        // Most are used already: a load leaves the cache line with all who read it.
        if !entry.used.load(Ordering::Relaxed) {
            entry.used.store(true, Ordering::Relaxed);
        }
        &entry.value
    }

    /// Whether there would be room for a value that holds `heap` bytes elsewhere, were it alone.
    pub(super) fn fits(&self, heap: usize) -> bool {
        self.least.saturating_add(heap) <= self.config.max_bytes
    }

    /// Keeps a value that [fits](Self::fits), in the place of the one that its row has. Returns that one, and those that
    /// had to make room, to be dropped where no one waits for it.
    pub(super) fn insert(
        &mut self,
        hash: u64,
        row: &[f32],
        value: V,
        heap: usize,
    ) -> (Option<V>, Vec<V>) {
        let mut replaced = None;
        if let Some(id) = self.find(hash, row) {
            let bytes = self.bytes();
            let entry = &mut self.entries[id];
            if (bytes - entry.heap).saturating_add(heap) <= self.config.max_bytes {
                self.heap = self.heap - entry.heap + heap;
                entry.heap = heap;
                *entry.used.get_mut() = true;
                let old = std::mem::replace(&mut entry.value, value);
                return (Some(old), Vec::new());
            }
            replaced = Some(self.swap_remove(id));
        }
        let mut evicted = Vec::new();
        while self.len() >= self.config.max_entries || !self.has_room(heap) {
            evicted.push(self.evict());
        }
        let id = self.len() as u32;
        self.graph.push(row);
        self.entries.push(Entry {
            value,
            heap,
            hash,
            used: AtomicBool::new(false),
        });
        self.heap += heap;
        let entries = &self.entries;
        self.table.insert_unique(hash, id, |&id| entries[id].hash);
        (replaced, evicted)
    }

    fn has_room(&self, heap: usize) -> bool {
        let bytes = self.bytes() + self.bytes_of_next();
        bytes.saturating_add(heap) <= self.config.max_bytes
    }

    /// Takes out the value of this very row.
    pub(super) fn remove(&mut self, hash: u64, row: &[f32]) -> Option<V> {
        let id = self.find(hash, row)?;
        Some(self.swap_remove(id))
    }

    /// Takes out an entry that was of no use since it was last asked: the hand goes round and asks, and who was of use
    /// is not asked again until the next round (CLOCK, also called second chance). There is an entry.
    fn evict(&mut self) -> V {
        loop {
            if self.hand as usize >= self.len() {
                self.hand = 0;
            }
            if !std::mem::take(self.entries[self.hand].used.get_mut()) {
                // The last entry comes to stand here; as one of the newest, it is asked in the next round.
                let value = self.swap_remove(self.hand);
                self.hand += 1;
                return value;
            }
            self.hand += 1;
        }
    }

    /// Takes an entry out; the last one takes its number.
    fn swap_remove(&mut self, id: u32) -> V {
        let last = self.len() as u32 - 1;
        self.rehash(id, None);
        if id != last {
            self.rehash(last, Some(id));
        }
        self.graph.swap_remove(id);
        let entry = self.entries.swap_remove(id);
        self.heap -= entry.heap;
        if self.len() == 0 {
            // Nor is anything left that a list or the table had grown to.
            *self = self.emptied();
        } else if self.len() < self.table.capacity() / 4 {
            let entries = &self.entries;
            self.table
                .shrink_to(2 * entries.len(), |&id| entries[id].hash);
        }
        entry.value
    }

    /// Gives an entry another number in the table, or takes it out of it.
    fn rehash(&mut self, id: u32, number: Option<u32>) {
        let slot = self.table.find_entry(self.entries[id].hash, |&x| x == id);
        let mut slot = slot.expect("every entry is in the table");
        match number {
            Some(number) => *slot.get_mut() = number,
            None => {
                slot.remove();
            }
        }
    }

    /// Panics unless graph, entries and table are of one mind, for tests.
    #[cfg(test)]
    pub(super) fn check(&self) {
        self.graph.check();
        assert_eq!(self.graph.len(), self.len());
        assert_eq!(self.table.len(), self.len());
        for id in 0..self.len() as u32 {
            let (hash, row) = (self.entries[id].hash, self.graph.row(id));
            assert_eq!(self.find(hash, row), Some(id));
        }
        let heap = (0..self.len() as u32).map(|id| self.entries[id].heap);
        assert_eq!(heap.sum::<usize>(), self.heap);
    }
}
