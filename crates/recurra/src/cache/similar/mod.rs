//! The similar level of the cache: what was thought of the nearest fingerprint, if one is near enough.
//!
//! A fingerprint is a row of numbers of one length, near to others by its direction: the state after the first step for
//! a puzzle, the embedding itself for a model of vectors. Whether a near question has a near answer is the task's to
//! say; here is only who is near.
//!
//! The index is an HNSW graph of our own, since entries come and go all the time: the graphs of the libraries in Rust
//! keep those that left until they are built anew. Here whoever leaves is gone at once, with all links to it.

mod graph;
mod links;
mod pages;
mod rows;
mod search;
mod store;
#[cfg(test)]
mod tests;

use crate::error::{Error, Result};
use search::Scratch;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use store::Store;

/// Searches' memory that is kept for the next; more threads than that allocate it anew.
const SPARE: usize = 64;

/// Most numbers of a fingerprint.
const MOST_DIMENSIONS: usize = 1 << 16;

/// What a [`SimilarCache`] holds and finds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SimilarConfig {
    /// Numbers of a fingerprint.
    pub dimensions: usize,
    /// The least cosine of a neighbour, in -1..=1.
    pub threshold: f32,
    /// Most entries.
    pub max_entries: usize,
    /// Most bytes of all entries: fingerprints, links, values and what values hold elsewhere. Not counted is what a
    /// lookup works with, an eighth of a byte an entry and thread.
    pub max_bytes: usize,
    /// Candidates that a lookup keeps in view. More find the nearest oftener and take longer.
    pub breadth: usize,
    /// Seed of the graph's levels. With the same seed and the same calls in the same order, all that is found is the
    /// same.
    pub seed: u64,
}

impl SimilarConfig {
    /// Up to 100,000 entries in up to 1 GiB, for fingerprints of so many numbers.
    pub fn new(dimensions: usize, threshold: f32) -> Self {
        SimilarConfig {
            dimensions,
            threshold,
            max_entries: 100_000,
            max_bytes: 1 << 30,
            breadth: 64,
            seed: 0,
        }
    }

    fn check(&self) -> Result<()> {
        let numbers = [
            ("dimensions", self.dimensions, MOST_DIMENSIONS),
            ("max_entries", self.max_entries, u32::MAX as usize),
            ("breadth", self.breadth, 1 << 16),
        ];
        for (field, found, most) in numbers {
            if !(1..=most).contains(&found) {
                return Err(Error::Config {
                    field,
                    expected: format!("1 to {most}"),
                    found: found.to_string(),
                });
            }
        }
        if !(-1.0..=1.0).contains(&self.threshold) {
            return Err(Error::Config {
                field: "threshold",
                expected: "-1 to 1".to_owned(),
                found: self.threshold.to_string(),
            });
        }
        Ok(())
    }
}

/// An entry near to what was looked up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neighbour<V> {
    /// Its value.
    pub value: V,
    /// The cosine of the two fingerprints, within rounding; 1 for the same.
    pub similarity: f32,
}

/// What a [`SimilarCache`] holds and did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SimilarStats {
    /// Entries now.
    pub entries: u64,
    /// Bytes now, as [`SimilarConfig::max_bytes`] counts them.
    pub bytes: u64,
    /// Lookups so far.
    pub lookups: u64,
    /// Those that found a neighbour.
    pub hits: u64,
    /// Entries that made room for others.
    pub evictions: u64,
}

/// A bounded index from fingerprints to values, for any number of threads.
///
/// Lookups run side by side; an insertion or removal is alone for the time it takes. Entries that were not found for
/// the longest make room for new ones (CLOCK).
///
/// ```
/// use recurra::cache::similar::{SimilarCache, SimilarConfig};
/// let cache = SimilarCache::new(SimilarConfig::new(3, 0.9), |_: &&str| 0)?;
/// cache.insert(&[1.0, 0.0, 0.0], "x")?;
/// cache.insert(&[0.0, 1.0, 0.0], "y")?;
/// let near = cache.nearest(&[2.0, 0.5, 0.0])?.expect("a neighbour");
/// assert_eq!(near.value, "x");
/// assert!(cache.nearest(&[0.0, 0.0, 1.0])?.is_none());
/// # Ok::<(), recurra::Error>(())
/// ```
pub struct SimilarCache<V> {
    config: SimilarConfig,
    heap_bytes: fn(&V) -> usize,
    hasher: RandomState,
    store: RwLock<Store<V>>,
    scratches: Mutex<Vec<Scratch>>,
    lookups: AtomicU64,
    hits: AtomicU64,
    evictions: AtomicU64,
}

impl<V: Clone> SimilarCache<V> {
    /// An empty cache; `heap_bytes` tells what a value holds elsewhere.
    ///
    /// # Errors
    /// If a number of the configuration is out of its range, or not even one entry fits into its bytes.
    pub fn new(config: SimilarConfig, heap_bytes: fn(&V) -> usize) -> Result<Self> {
        config.check()?;
        let store = Store::new(config);
        let least = store.least();
        if least > config.max_bytes {
            return Err(Error::Config {
                field: "max_bytes",
                expected: format!("at least {least}, for one entry"),
                found: config.max_bytes.to_string(),
            });
        }
        Ok(SimilarCache {
            config,
            heap_bytes,
            hasher: RandomState::new(),
            store: RwLock::new(store),
            scratches: Mutex::default(),
            lookups: AtomicU64::new(0),
            hits: AtomicU64::new(0),
            evictions: AtomicU64::new(0),
        })
    }

    /// The configuration.
    pub fn config(&self) -> &SimilarConfig {
        &self.config
    }

    /// Keeps a value. One that the same fingerprint had is dropped. False if there is no room for it even alone.
    ///
    /// # Errors
    /// If the fingerprint has another length, a number that is not finite, or none but zeros.
    pub fn insert(&self, fingerprint: &[f32], value: V) -> Result<bool> {
        let heap = (self.heap_bytes)(&value);
        let (row, hash) = self.row(fingerprint)?;
        let mut store = self.write();
        let fits = store.fits(heap);
        // Values are dropped when others no longer wait for the lock.
        let (_refused, _replaced, evicted) = if fits {
            let (replaced, evicted) = store.insert(hash, &row, value, heap);
            (None, replaced, evicted)
        } else {
            (Some(value), store.remove(hash, &row), Vec::new())
        };
        drop(store);
        self.evictions
            .fetch_add(evicted.len() as u64, Ordering::Relaxed);
        Ok(fits)
    }

    /// The nearest entry, if its similarity is at least the threshold.
    ///
    /// The very same fingerprint is always found; of others the nearest is found nearly always, and never one that has
    /// left.
    ///
    /// # Errors
    /// As for [`SimilarCache::insert`].
    pub fn nearest(&self, fingerprint: &[f32]) -> Result<Option<Neighbour<V>>> {
        Ok(self.nearest_many(fingerprint, 1)?.pop())
    }

    /// Up to `count` nearest entries of at least the threshold, the nearest first.
    ///
    /// # Errors
    /// As for [`SimilarCache::insert`].
    pub fn nearest_many(&self, fingerprint: &[f32], count: usize) -> Result<Vec<Neighbour<V>>> {
        let (row, hash) = self.row(fingerprint)?;
        self.lookups.fetch_add(1, Ordering::Relaxed);
        let mut scratch = lock(&self.scratches).pop().unwrap_or_default();
        let found = self.search(&row, hash, count, &mut scratch);
        let mut scratches = lock(&self.scratches);
        if scratches.len() < SPARE {
            scratches.push(scratch);
        }
        if !found.is_empty() {
            self.hits.fetch_add(1, Ordering::Relaxed);
        }
        Ok(found)
    }

    fn search(
        &self,
        row: &[f32],
        hash: u64,
        count: usize,
        scratch: &mut Scratch,
    ) -> Vec<Neighbour<V>> {
        let store = self.read();
        let same = store.find(hash, row);
        let neighbour = |id, similarity| Neighbour {
            value: store.serve(id).clone(),
            similarity,
        };
        let mut found: Vec<_> = same.iter().map(|&id| neighbour(id, 1.0)).collect();
        if found.len() < count {
            let width = self.config.breadth.max(count.min(store.len()));
            store.search(row, width, scratch);
            let others = scratch.beam.best.iter().filter(|c| Some(c.id) != same);
            let near = others.map(|c| (c.id, c.cosine.clamp(-1.0, 1.0)));
            let near = near.take_while(|&(_, cosine)| cosine >= self.config.threshold);
            found.extend(
                near.take(count - found.len())
                    .map(|(id, c)| neighbour(id, c)),
            );
        }
        found.truncate(count);
        found
    }

    /// Takes out the value of this very fingerprint.
    ///
    /// # Errors
    /// As for [`SimilarCache::insert`].
    pub fn remove(&self, fingerprint: &[f32]) -> Result<Option<V>> {
        let (row, hash) = self.row(fingerprint)?;
        Ok(self.write().remove(hash, &row))
    }

    /// Takes all entries out. What was counted stays.
    pub fn clear(&self) {
        let mut store = self.write();
        let empty = store.emptied();
        let old = std::mem::replace(&mut *store, empty);
        drop(store);
        drop(old);
    }

    /// Entries now.
    pub fn len(&self) -> usize {
        self.read().len()
    }

    /// Whether there is no entry now.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes now, as [`SimilarConfig::max_bytes`] counts them.
    pub fn bytes(&self) -> usize {
        self.read().bytes()
    }

    /// What it holds and did.
    pub fn stats(&self) -> SimilarStats {
        let store = self.read();
        SimilarStats {
            entries: store.len() as u64,
            bytes: store.bytes() as u64,
            lookups: self.lookups.load(Ordering::Relaxed),
            hits: self.hits.load(Ordering::Relaxed),
            evictions: self.evictions.load(Ordering::Relaxed),
        }
    }

    /// The fingerprint at length 1, and its hash.
    fn row(&self, fingerprint: &[f32]) -> Result<(Vec<f32>, u64)> {
        let refused = |expected: String, found: String| Error::Question {
            what: "fingerprint",
            expected,
            found,
        };
        if fingerprint.len() != self.config.dimensions {
            let expected = format!("{} numbers", self.config.dimensions);
            return Err(refused(expected, fingerprint.len().to_string()));
        }
        if let Some(at) = fingerprint.iter().position(|x| !x.is_finite()) {
            let found = format!("{} at place {}", fingerprint[at], at + 1);
            return Err(refused("finite numbers".to_owned(), found));
        }
        let Some(row) = rows::unit(fingerprint) else {
            let expected = "a number that is not zero".to_owned();
            return Err(refused(expected, "none".to_owned()));
        };
        let hash = self.hasher.hash_one(bytemuck::cast_slice::<f32, u8>(&row));
        Ok((row, hash))
    }

    // A panic with the lock held is a bug in this module: values are cloned under it, but none is changed or dropped.
    fn read(&self) -> RwLockReadGuard<'_, Store<V>> {
        self.store.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Store<V>> {
        self.store.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<V> std::fmt::Debug for SimilarCache<V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SimilarCache")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
