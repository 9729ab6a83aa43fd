//! Answers that outlive the program: a file that maps keys to values, each under the hash of the model that gave it.
//!
//! It is a cache and not a database. What it promises: a value comes back only for its own model and for exactly its key,
//! and only if its checksum holds; the file never grows above its limit; a crash costs what was put in the last second.
//! What it does not: that an answer stays. When the file is full, the segment (256 KiB) that was written first makes room.
//! Not the least recently *used* one: a store stands behind a cache in memory, which answers the questions that are asked
//! often, so what the store sees of use is misleading; and reading then writes nothing.
//!
//! `format` has the bytes, `walk` reads a segment, `load` a file; `index` knows where the records are, `log` writes
//! them, `queue` has those that are still to be written.

mod format;
mod index;
mod load;
mod log;
mod place;
mod queue;
#[cfg(test)]
mod tests;
mod walk;

pub use index::ModelUse;
pub use load::{Damage, Report};

use crate::error::{Error, Result};
use crate::model::ModelId;
use log::{Item, Read};
use queue::Shared;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::JoinHandle;
use std::time::Duration;

/// Limits of a [`Store`].
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// Bytes that the file never grows above; what is outside of 1 MiB to 32 GiB is taken for the nearer of them. Memory is
    /// 30 to 45 bytes for each record in the file.
    pub max_bytes: u64,
    /// Bytes of answers that wait to be written. Those for which there is no room are dropped, and counted: nobody
    /// waits for a slow disk.
    pub max_waiting: usize,
    /// How long answers gather before they are written together. Writing itself comes on top, so that half a second loses at
    /// most a second where a disk writes as fast as answers are given.
    pub commit_every: Duration,
}

impl Default for StoreOptions {
    /// 256 MiB, 8 MiB and half a second.
    fn default() -> Self {
        StoreOptions {
            max_bytes: 256 << 20,
            max_waiting: 8 << 20,
            commit_every: Duration::from_millis(500),
        }
    }
}

/// What a store holds, and what happened to it since it was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stat {
    /// Bytes of the file.
    pub file_bytes: u64,
    /// Bytes that it does not grow above.
    pub max_bytes: u64,
    /// What each model has in the file, in the order of their hashes.
    pub models: Vec<ModelUse>,
    /// Answers that wait to be written.
    pub waiting: u64,
    /// Bytes of memory that they take.
    pub waiting_bytes: u64,
    /// Questions that the store knew.
    pub hits: u64,
    /// Questions that it did not.
    pub misses: u64,
    /// Answers written.
    pub written: u64,
    /// Answers not written, because there was no room for them to wait, they were too large, or writing failed.
    pub dropped: u64,
    /// Answers that had to make room for newer ones.
    pub evicted: u64,
    /// Damaged places found; nothing of them was served.
    pub damaged: u64,
    /// Why the last write failed, if it did.
    pub failure: Option<String>,
}

impl Stat {
    /// Answers in the file.
    pub fn entries(&self) -> u64 {
        self.models.iter().map(|used| used.entries).sum()
    }
}

/// A file of answers; see the [module](self). Threads share it by reference. Dropping it writes what waits.
#[derive(Debug)]
pub struct Store {
    shared: Arc<Shared>,
    writer: Option<JoinHandle<()>>,
}

impl Store {
    /// Most bytes of a key and its value together, and of a key.
    pub const MOST: (usize, usize) = (format::MOST, u16::MAX as usize);

    /// Opens a store, or begins one where there is no file or an empty one. Nobody else can open it meanwhile. A file above
    /// `max_bytes` is written anew with what was written last.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Format`] with the file's name for a file that is no store of this version (which is left as
    /// it is), or is in use.
    pub fn open(path: impl AsRef<Path>, options: StoreOptions) -> Result<Self> {
        let path = path.as_ref();
        let max_bytes = options.max_bytes.clamp(1 << 20, load::MOST_BYTES);
        let (log, report) = log::Log::open(path, max_bytes)?;
        let shared = Shared::new(log, options.max_waiting, options.commit_every);
        let damaged = &shared.counters.damaged;
        damaged.store(report.damaged.len() as u64, Relaxed);
        let shared = Arc::new(shared);
        let writer = std::thread::Builder::new()
            .name("recurra store".into())
            .spawn({
                let shared = Arc::clone(&shared);
                move || shared.write()
            })
            .map_err(|source| Error::Io {
                path: path.into(),
                source,
            })?;
        Ok(Store {
            shared,
            writer: Some(writer),
        })
    }

    /// The name of the file.
    pub fn path(&self) -> &Path {
        self.shared.log.path()
    }

    /// The value that was put last for this model and key, if it is still there.
    ///
    /// # Errors
    /// [`Error::Io`]. A damaged record is none: it is dropped, counted, and not there any longer.
    pub fn get(&self, model: &ModelId, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let counters = &self.shared.counters;
        let value = match self.shared.get(model, key) {
            Some(value) => Some(value),
            None => match self.shared.log.get(model, key).map_err(|e| self.io(e))? {
                Read::Answer(value) => Some(value),
                Read::Unknown => None,
                Read::Damaged => {
                    counters.damaged.fetch_add(1, Relaxed);
                    None
                }
            },
        };
        let counter = if value.is_some() {
            &counters.hits
        } else {
            &counters.misses
        };
        counter.fetch_add(1, Relaxed);
        Ok(value)
    }

    /// Takes a value, to be written soon; [`Store::get`] knows it at once. One of more than [`Store::MOST`] bytes, or
    /// one too many, is dropped and counted.
    pub fn put(&self, model: &ModelId, key: &[u8], value: &[u8]) {
        if !format::Head::fits(key.len(), value.len()) {
            self.shared.counters.dropped.fetch_add(1, Relaxed);
            return;
        }
        self.shared.put(Item {
            model: *model,
            key: key.into(),
            value: value.into(),
        });
    }

    /// Waits until the disk has everything that was put before.
    ///
    /// # Errors
    /// [`Error::Io`] if anything of it could not be written. What came before is not touched by that, and later
    /// answers are tried again.
    pub fn flush(&self) -> Result<()> {
        self.shared.flush().map_err(|e| self.io(e))
    }

    /// What it holds, and what happened to it.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn stat(&self) -> Result<Stat> {
        let size = self.shared.log.size().map_err(|e| self.io(e))?;
        let (waiting, waiting_bytes) = self.shared.waiting();
        let c = &self.shared.counters;
        Ok(Stat {
            file_bytes: size.file_bytes,
            max_bytes: self.shared.log.max_bytes(),
            models: size.models,
            waiting: waiting as u64,
            waiting_bytes: waiting_bytes as u64,
            hits: c.hits.load(Relaxed),
            misses: c.misses.load(Relaxed),
            written: c.written.load(Relaxed),
            dropped: c.dropped.load(Relaxed),
            evicted: c.evicted.load(Relaxed),
            damaged: c.damaged.load(Relaxed),
            failure: self.shared.failure(),
        })
    }

    /// Forgets the answers of a model, or all, and gives their room on the disk back. Says how many they were.
    ///
    /// What other models have is copied into a new file beside this one, which then takes its place.
    ///
    /// # Errors
    /// [`Error::Io`]; then nothing was forgotten.
    pub fn clear(&self, model: Option<&ModelId>) -> Result<u64> {
        self.flush()?;
        self.shared.log.clear(model).map_err(|e| self.io(e))
    }

    /// Holds every record in the file against its checksum. Writing waits meanwhile, reading does not.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn verify(&self) -> Result<Report> {
        self.shared.log.verify().map_err(|e| self.io(e))
    }

    fn io(&self, source: std::io::Error) -> Error {
        Error::Io {
            path: PathBuf::from(self.path()),
            source,
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.shared.close();
        if let Some(writer) = self.writer.take() {
            writer.join().ok();
        }
    }
}
