//! Never think the same thought twice: answers in memory, on disk, and those of near questions.
//!
//! The room knows no task: whoever asks makes keys of its questions. A key is compared in full, so that an answer is never
//! given to another question, and an answer belongs to the model that gave it.

mod counters;
pub(crate) mod exact;
mod thought;

pub use counters::CacheCounters;
pub use thought::Thought;

use counters::Counts;
use exact::{Asked, Exact};
use serde::Serialize;
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

/// One's turn to think about a question. Dropped without an answer, also by a panic, it passes to the next who waits.
#[derive(Debug)]
pub struct CacheTurn<'a> {
    cache: &'a TrmCache,
    turn: exact::Turn<'a, Thought>,
}

/// What one model has thought, for several threads.
#[derive(Debug)]
pub struct TrmCache {
    exact: Exact<Thought>,
    counts: Counts,
}

impl TrmCache {
    /// An empty cache in memory.
    pub fn new(config: CacheConfig) -> Self {
        let least =
            exact::allocated(config.key_bytes) + Thought::heap_bytes_of(config.answer_bytes);
        TrmCache {
            exact: Exact::new(config.max_bytes, least),
            counts: Counts::default(),
        }
    }

    /// The answer to a question, or one's turn to think about it; waits while another thinks about its canonical key, at
    /// most for `patience`.
    pub fn ask(&self, keys: Keys<'_>, patience: Option<Duration>) -> Ask<'_> {
        if let Some(thought) = self.exact.get(keys.canonical) {
            return Ask::Hit(self.hit(thought, false, CacheLevel::Exact));
        }
        match self.exact.ask(keys.canonical, patience) {
            Asked::Here(thought) => {
                Counts::add(&self.counts.joined);
                Ask::Hit(self.hit(thought, false, CacheLevel::Exact))
            }
            Asked::Turn(turn) => {
                if let Some(thought) = self.exact.get(keys.own) {
                    return Ask::Hit(self.hit(thought, true, CacheLevel::Exact));
                }
                Counts::add(&self.counts.misses);
                Ask::Turn(CacheTurn { cache: self, turn })
            }
            Asked::Busy => {
                Counts::add(&self.counts.misses);
                Ask::Busy
            }
        }
    }

    /// The answer kept under a key, if there is one. Never waits.
    pub fn get(&self, key: &[u8]) -> Option<CacheHit> {
        let thought = self.exact.get(key)?;
        Some(self.hit(thought, false, CacheLevel::Exact))
    }

    /// Keeps an answer under a key.
    pub fn put(&self, key: &[u8], thought: Thought) {
        self.exact.put(key, Arc::new(thought));
    }

    /// Forgets the answer kept under a key, because it does not hold.
    pub fn refuse(&self, key: &[u8]) {
        Counts::add(&self.counts.refused);
        self.exact.remove(key);
    }

    /// Forgets all answers in memory.
    pub fn clear(&self) {
        self.exact.clear();
    }

    /// What it has done and what it holds.
    pub fn counters(&self) -> CacheCounters {
        CacheCounters {
            evictions: self.exact.evictions(),
            entries: self.exact.len() as u64,
            bytes: self.exact.bytes(),
            ..self.counts.counters()
        }
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
        }
    }
}

impl CacheTurn<'_> {
    /// Keeps a proven answer under [`Keys::canonical`], and hands it to all who wait.
    pub fn prove(self, thought: Thought) {
        self.turn.fill(Arc::new(thought));
    }

    /// Keeps an answer without proof under a key of its own; who waits looks there, or thinks next.
    pub fn keep(self, own: &[u8], thought: Thought) {
        self.cache.put(own, thought);
    }
}

#[cfg(test)]
mod tests;
