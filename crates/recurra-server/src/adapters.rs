//! Models of vectors: each behind its memory, which outlives another reading of the models.

use crate::settings::Settings;
use anyhow::anyhow;
use recurra::cache::Store;
use recurra::vectors::{Memory, MemoryOptions, Refiner};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A model of vectors that is served.
#[derive(Debug)]
pub(crate) struct Adapter {
    pub(crate) name: String,
    pub(crate) memory: Memory,
    /// Where what it was taught is kept.
    learnt: Option<PathBuf>,
    /// Feedback since it was.
    fresh: AtomicU64,
}

/// Feedback after which what was learnt is written.
const WRITE_EVERY: u64 = 32;

impl Adapter {
    /// A model behind a memory of its own.
    pub(crate) fn open(
        name: &str,
        refiner: Refiner,
        settings: &Settings,
        store: Option<&Arc<Store>>,
    ) -> anyhow::Result<Self> {
        if refiner.spec().neighbours > 0 {
            return Err(anyhow!(
                "model `{name}`: expected one that retrieves nothing while it thinks: the server has no index"
            ));
        }
        let folder = settings.learnt.as_ref();
        let learnt = folder.map(|folder| folder.join(refiner.id()));
        let usual = MemoryOptions::default();
        let options = MemoryOptions {
            exact_bytes: settings.cache_memory.unwrap_or(64) << 20,
            similar: settings.similar.unwrap_or(usual.similar),
            ..usual
        };
        let mut memory = Memory::new(refiner, options)?;
        if let Some(store) = store {
            memory = memory.with_store(store.clone());
        }
        if let Some(learnt) = learnt.as_ref().filter(|learnt| learnt.exists()) {
            memory.load(learnt)?;
        }
        Ok(Adapter {
            name: name.to_owned(),
            memory,
            learnt,
            fresh: AtomicU64::new(0),
        })
    }

    /// Whether this is the model that is served here.
    pub(crate) fn is_of(&self, refiner: &Refiner) -> bool {
        self.memory.refiner().digest() == refiner.digest()
    }

    /// Takes in whether an answer was right; whether the answer is known.
    pub(crate) fn feedback(&self, id: u64, right: bool) -> bool {
        let known = self.memory.feedback(id, right);
        if known && self.fresh.fetch_add(1, Ordering::Relaxed) + 1 >= WRITE_EVERY {
            self.write();
        }
        known
    }

    /// Writes what was learnt, or says in the log why it could not.
    pub(crate) fn write(&self) {
        self.save().unwrap_or_else(
            |error| tracing::error!(%error, "what was learnt could not be written"),
        );
    }

    fn save(&self) -> recurra::Result<()> {
        if let Some(folder) = &self.learnt
            && self.fresh.swap(0, Ordering::Relaxed) > 0
        {
            self.memory.save(folder)?;
        }
        Ok(())
    }

    /// Writes what waits for the disk.
    pub(crate) fn flush(&self) -> recurra::Result<()> {
        self.save()?;
        self.memory.flush()
    }
}
