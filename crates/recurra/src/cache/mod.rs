//! Never think the same thought twice: answers in memory, on disk, and those of near questions.
//!
//! The room knows no task: whoever asks makes keys of its questions. A key is compared in full, so that an answer is never
//! given to another question, and an answer belongs to the model that gave it.

mod counters;
pub(crate) mod exact;
pub mod similar;
#[cfg(feature = "store")]
pub mod store;
mod thought;

pub use counters::CacheCounters;
pub use similar::SimilarConfig;
#[cfg(feature = "store")]
pub use store::{Store, StoreOptions};
pub use thought::Thought;

use crate::error::Result;
#[cfg(feature = "store")]
use crate::model::ModelId;
use counters::Counts;
use exact::{Asked, Exact};
use serde::Serialize;
use similar::{Neighbour, SimilarCache};
use std::sync::Arc;
use std::time::Duration;

/// The size of a cache, and of what it will hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheConfig {
    /// Most bytes of memory, tables included. What a table needs is taken at once.
    pub max_bytes: u64,
    /// Bytes of a usual key. An entry that takes less memory than a usual one counts as much.
    pub key_bytes: usize,
    /// Bytes of a usual answer.
    pub answer_bytes: usize,
}

/// The keys of a question. No key of one kind may equal one of the other.
#[derive(Debug, Clone, Copy)]
pub struct Keys<'a> {
    /// What all questions have in common that are the same but for a symmetry of the task: for proven answers.
    pub canonical: &'a [u8],
    /// The question itself and everything else that decides the answer: for answers without proof.
    pub own: &'a [u8],
}

/// Where a cache had an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CacheLevel {
    /// In memory, under the question's key.
    Exact,
    /// On disk, under the question's key.
    Stored,
    /// In memory, as the answer of a near question.
    Similar,
}

/// An answer that was thought before.
#[derive(Debug, Clone)]
pub struct CacheHit {
    /// The answer, in the form of its key.
    pub thought: Arc<Thought>,
    /// Whether it was kept under [`Keys::own`].
    pub own: bool,
    /// Where it was.
    pub level: CacheLevel,
    /// Cosine of the two questions' fingerprints, for the answer of a near one.
    pub similarity: Option<f32>,
}

/// What came of asking a cache.
#[derive(Debug)]
pub enum Ask<'a> {
    /// The answer is known.
    Hit(CacheHit),
    /// It is not, and the asker shall think. Who asks for the same canonical key meanwhile waits.
    Turn(CacheTurn<'a>),
    /// It is not, and another was still thinking when the patience ended.
    Busy,
}

/// One's turn to think about a question. Dropped without a proven answer, also by a panic, it passes to the next who
/// waits, once that one has looked under its [`Keys::own`].
#[derive(Debug)]
pub struct CacheTurn<'a> {
    cache: &'a TrmCache,
    canonical: &'a [u8],
    turn: exact::Turn<'a, Thought>,
}

/// What one model has thought, for several threads.
#[derive(Debug)]
pub struct TrmCache {
    exact: Exact<Thought>,
    similar: Option<SimilarCache<Arc<Thought>>>,
    #[cfg(feature = "store")]
    store: Option<(Arc<Store>, ModelId)>,
    counts: Counts,
}

impl TrmCache {
    /// An empty cache in memory.
    pub fn new(config: CacheConfig) -> Self {
        let least =
            exact::allocated(config.key_bytes) + Thought::heap_bytes_of(config.answer_bytes);
        TrmCache {
            exact: Exact::new(config.max_bytes, least),
            similar: None,
            #[cfg(feature = "store")]
            store: None,
            counts: Counts::default(),
        }
    }

    /// The same with answers of near questions, in memory of their own: only for tasks whose near questions have near
    /// answers, such as models of vectors. Puzzles have none.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) for numbers out of range.
    pub fn with_similar(self, config: SimilarConfig) -> Result<Self> {
        let heap_bytes = |thought: &Arc<Thought>| Thought::heap_bytes_of(thought.answer.len());
        Ok(TrmCache {
            similar: Some(SimilarCache::new(config, heap_bytes)?),
            ..self
        })
    }

    /// The same before a store on disk: what is not in memory is looked for there, and what is kept goes to both.
    #[cfg(feature = "store")]
    pub fn with_store(self, store: Arc<Store>, model: ModelId) -> Self {
        TrmCache {
            store: Some((store, model)),
            ..self
        }
    }

    /// The answer to a question, or one's turn to think about it; waits while another thinks about its canonical key, at
    /// most for `patience`.
    pub fn ask<'a>(&'a self, keys: Keys<'a>, patience: Option<Duration>) -> Ask<'a> {
        self.ask_unless(keys, patience, &|| false)
    }

    /// The same, but waits no longer than until `gone` holds, which is asked a hundred times a second.
    pub fn ask_unless<'a>(
        &'a self,
        keys: Keys<'a>,
        patience: Option<Duration>,
        gone: &dyn Fn() -> bool,
    ) -> Ask<'a> {
        const SLICE: Duration = Duration::from_millis(10);
        let Keys { canonical, own } = keys;
        if let Some(thought) = self.exact.get(canonical) {
            return Ask::Hit(self.hit(thought, false, CacheLevel::Exact));
        }
        let mut left = patience;
        let asked = loop {
            // Without threads nobody else thinks, and there is no clock to wait by.
            let slice = match left {
                None if cfg!(not(feature = "threads")) => None,
                left => Some(left.map_or(SLICE, |left| left.min(SLICE))),
            };
            match self.exact.ask(canonical, slice) {
                Asked::Busy if left != slice && !gone() => {
                    left = left.map(|left| left - SLICE);
                }
                asked => break asked,
            }
        };
        let turn = match asked {
            Asked::Here(thought) => {
                Counts::add(&self.counts.joined);
                return Ask::Hit(self.hit(thought, false, CacheLevel::Exact));
            }
            Asked::Turn(turn) => turn,
            Asked::Busy => {
                Counts::add(&self.counts.misses);
                return Ask::Busy;
            }
        };
        if let Some(thought) = self.stored(canonical) {
            turn.fill(thought.clone());
            return Ask::Hit(self.hit(thought, false, CacheLevel::Stored));
        }
        if let Some(hit) = self.get(own) {
            return Ask::Hit(CacheHit { own: true, ..hit });
        }
        Counts::add(&self.counts.misses);
        Ask::Turn(CacheTurn {
            cache: self,
            canonical,
            turn,
        })
    }

    /// The answer kept under a key, if there is one. Never waits for who thinks.
    pub fn get(&self, key: &[u8]) -> Option<CacheHit> {
        if let Some(thought) = self.exact.get(key) {
            return Some(self.hit(thought, false, CacheLevel::Exact));
        }
        let thought = self.stored(key)?;
        self.exact.put(key, thought.clone());
        Some(self.hit(thought, false, CacheLevel::Stored))
    }

    /// Keeps an answer under a key.
    pub fn put(&self, key: &[u8], thought: Thought) {
        self.store(key, &thought);
        self.exact.put(key, Arc::new(thought));
    }

    /// The answer to the question whose fingerprint is nearest to this one, if it is near enough. What is found is
    /// another question's answer, and says how near.
    ///
    /// # Errors
    /// [`Error::Question`](crate::Error::Question) for a fingerprint of another length, or that has no direction.
    pub fn near(&self, fingerprint: &[f32]) -> Result<Option<CacheHit>> {
        let Some(similar) = &self.similar else {
            return Ok(None);
        };
        let found = similar.nearest(fingerprint)?;
        Ok(found.map(|Neighbour { value, similarity }| CacheHit {
            similarity: Some(similarity),
            ..self.hit(value, false, CacheLevel::Similar)
        }))
    }

    /// Keeps an answer for questions near to the one of this fingerprint.
    ///
    /// # Errors
    /// As [`TrmCache::near`].
    pub fn put_near(&self, fingerprint: &[f32], thought: Thought) -> Result<()> {
        if let Some(similar) = &self.similar {
            similar.insert(fingerprint, Arc::new(thought))?;
        }
        Ok(())
    }

    /// Forgets the answer in memory under a key, because it does not hold; on disk, the next one put there takes its
    /// place.
    pub fn refuse(&self, key: &[u8]) {
        Counts::add(&self.counts.refused);
        self.exact.remove(key);
    }

    /// Forgets the answer under a key, in memory and on disk.
    pub fn forget(&self, key: &[u8]) {
        self.refuse(key);
        // What is no answer is none.
        #[cfg(feature = "store")]
        if let Some((store, model)) = &self.store {
            store.put(model, key, &[]);
        }
    }

    /// Forgets all answers in memory.
    pub fn clear(&self) {
        self.exact.clear();
        if let Some(similar) = &self.similar {
            similar.clear();
        }
    }

    /// Waits until the disk has everything that was kept.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) if it could not be written.
    pub fn flush(&self) -> Result<()> {
        #[cfg(feature = "store")]
        if let Some((store, _)) = &self.store {
            return store.flush();
        }
        Ok(())
    }

    /// What it has done and what it holds.
    pub fn counters(&self) -> CacheCounters {
        let near = self.similar.as_ref().map(SimilarCache::stats);
        let near = near.unwrap_or_default();
        CacheCounters {
            evictions: self.exact.evictions() + near.evictions,
            entries: self.exact.len() as u64 + near.entries,
            bytes: self.exact.bytes() + near.bytes,
            ..self.counts.counters()
        }
    }

    #[cfg(feature = "store")]
    fn stored(&self, key: &[u8]) -> Option<Arc<Thought>> {
        let (store, model) = self.store.as_ref()?;
        let found = store.get(model, key).unwrap_or_else(|_| {
            Counts::add(&self.counts.store_errors);
            None
        });
        Thought::from_bytes(&found?).map(Arc::new)
    }

    #[cfg(not(feature = "store"))]
    fn stored(&self, _: &[u8]) -> Option<Arc<Thought>> {
        None
    }

    fn store(&self, key: &[u8], thought: &Thought) {
        #[cfg(feature = "store")]
        if let Some((store, model)) = &self.store {
            store.put(model, key, &thought.to_bytes());
        }
        #[cfg(not(feature = "store"))]
        let _ = (key, thought);
    }

    fn hit(&self, thought: Arc<Thought>, own: bool, level: CacheLevel) -> CacheHit {
        Counts::add(match level {
            CacheLevel::Exact => &self.counts.exact,
            CacheLevel::Stored => &self.counts.stored,
            CacheLevel::Similar => &self.counts.similar,
        });
        self.counts.saved(thought.seconds);
        CacheHit {
            thought,
            own,
            level,
            similarity: None,
        }
    }
}

impl CacheTurn<'_> {
    /// Keeps a proven answer under [`Keys::canonical`], and hands it to all who wait.
    pub fn prove(self, thought: Thought) {
        self.cache.store(self.canonical, &thought);
        self.turn.fill(Arc::new(thought));
    }
}

#[cfg(test)]
mod tests;
