//! Answers on their way to the file: one thread writes what has gathered, others read it as if it were written.

use super::format::key_hash;
use super::log::{Item, Log};
use crate::model::ModelId;
use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

/// What happened to a store since it was opened.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) hits: AtomicU64,
    pub(super) misses: AtomicU64,
    pub(super) written: AtomicU64,
    pub(super) dropped: AtomicU64,
    pub(super) evicted: AtomicU64,
    pub(super) damaged: AtomicU64,
}

/// The queue and the file behind it.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) log: Log,
    pub(super) counters: Counters,
    most_bytes: usize,
    commit_every: Duration,
    state: Mutex<State>,
    /// The writer has something to do.
    work: Condvar,
    /// A batch is through.
    through: Condvar,
}

/// Answers in the order they were put, a newer one in the place of an older of its key.
#[derive(Debug, Default)]
struct Batch {
    items: Vec<Item>,
    /// Where in `items`, by the hash of model and key.
    places: HashMap<u64, usize>,
    /// Of memory.
    bytes: usize,
}

impl Batch {
    fn get(&self, hash: u64) -> Option<&Item> {
        self.places.get(&hash).map(|&place| &self.items[place])
    }

    fn put(&mut self, hash: u64, item: Item) {
        self.bytes += memory(&item);
        match self.places.get(&hash) {
            Some(&place) => {
                self.bytes -= memory(&self.items[place]);
                self.items[place] = item;
            }
            None => {
                self.places.insert(hash, self.items.len());
                self.items.push(item);
            }
        }
    }
}

#[derive(Debug, Default)]
struct State {
    gathered: Batch,
    writing: Arc<Batch>,
    /// The writer is not to wait for more.
    hurry: bool,
    closing: bool,
    /// Batches that the writer took, and those it is through with.
    taken: u64,
    through: u64,
    /// The last batch that failed, and why.
    failed: Option<(u64, io::ErrorKind, String)>,
}

impl State {
    fn bytes(&self) -> usize {
        self.gathered.bytes + self.writing.bytes
    }
}

/// Memory of an answer that waits, with its part of the table.
fn memory(item: &Item) -> usize {
    item.key.len() + item.value.len() + 2 * size_of::<(Item, u64, usize)>()
}

impl Shared {
    pub(super) fn new(log: Log, most_bytes: usize, commit_every: Duration) -> Self {
        Shared {
            log,
            counters: Counters::default(),
            most_bytes,
            commit_every,
            state: Mutex::default(),
            work: Condvar::new(),
            through: Condvar::new(),
        }
    }

    /// Takes an answer; drops it where there is no room.
    pub(super) fn put(&self, item: Item) {
        let hash = key_hash(&item.model, &item.key);
        let new = memory(&item);
        let mut state = self.lock();
        let old = state.gathered.get(hash).map_or(0, memory);
        if state.bytes() - old + new > self.most_bytes {
            drop(state);
            self.counters.dropped.fetch_add(1, Relaxed);
            return;
        }
        state.gathered.put(hash, item);
        state.hurry |= state.gathered.bytes > self.most_bytes / 2;
        let wake = state.hurry || state.gathered.items.len() == 1;
        drop(state);
        if wake {
            self.work.notify_one();
        }
    }

    /// An answer that is not in the file yet.
    pub(super) fn get(&self, model: &ModelId, key: &[u8]) -> Option<Vec<u8>> {
        let state = self.lock();
        if state.gathered.items.is_empty() && state.writing.items.is_empty() {
            return None;
        }
        let hash = key_hash(model, key);
        let found = [&state.gathered, &*state.writing]
            .into_iter()
            .filter_map(|batch| batch.get(hash))
            .find(|item| item.model == *model && *item.key == *key);
        found.map(|item| item.value.to_vec())
    }

    /// Answers that wait, and their memory.
    pub(super) fn waiting(&self) -> (usize, usize) {
        let state = self.lock();
        let entries = state.gathered.items.len() + state.writing.items.len();
        (entries, state.bytes())
    }

    /// Waits until everything that was put before is in the file.
    pub(super) fn flush(&self) -> io::Result<()> {
        let mut state = self.lock();
        let before = state.through;
        let target = state.taken + u64::from(!state.gathered.items.is_empty());
        state.hurry |= !state.gathered.items.is_empty();
        self.work.notify_one();
        let state = self
            .through
            .wait_while(state, |state| state.through < target)
            .expect(NO_PANIC);
        match &state.failed {
            Some((batch, kind, why)) if *batch > before => Err(io::Error::new(*kind, why.clone())),
            _ => Ok(()),
        }
    }

    /// Why the last batch was lost, if it was.
    pub(super) fn failure(&self) -> Option<String> {
        let state = self.lock();
        let failed = state.failed.as_ref();
        let last = failed.filter(|(batch, ..)| *batch == state.through);
        last.map(|(_, _, why)| why.clone())
    }

    /// Lets the writer write the rest and end.
    pub(super) fn close(&self) {
        self.lock().closing = true;
        self.work.notify_one();
    }

    /// What the writer does until the store is closed.
    pub(super) fn write(&self) {
        while let Some(batch) = self.next_batch() {
            let result = self.log.commit(batch.items.iter());
            let count = batch.items.len() as u64;
            drop(batch);
            let mut state = self.lock();
            state.writing = Arc::default();
            state.through = state.taken;
            match result {
                Ok(evicted) => {
                    self.counters.written.fetch_add(count, Relaxed);
                    self.counters.evicted.fetch_add(evicted, Relaxed);
                }
                Err(e) => {
                    self.counters.dropped.fetch_add(count, Relaxed);
                    state.failed = Some((state.through, e.kind(), e.to_string()));
                }
            }
            drop(state);
            self.through.notify_all();
        }
    }

    /// Waits for answers, and then a while for more. None when the store is closed and everything is written.
    fn next_batch(&self) -> Option<Arc<Batch>> {
        let state = self.lock();
        let idle = |state: &mut State| state.gathered.items.is_empty() && !state.closing;
        let state = self.work.wait_while(state, idle).expect(NO_PANIC);
        let patient = |state: &mut State| !state.hurry && !state.closing;
        let (mut state, _) = self
            .work
            .wait_timeout_while(state, self.commit_every, patient)
            .expect(NO_PANIC);
        state.hurry = false;
        if state.gathered.items.is_empty() {
            return None;
        }
        state.writing = Arc::new(std::mem::take(&mut state.gathered));
        state.taken += 1;
        Some(Arc::clone(&state.writing))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect(NO_PANIC)
    }
}

const NO_PANIC: &str = "no one panics with it";
