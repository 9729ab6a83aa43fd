//! Models of vectors: each behind its memory, which outlives another reading of the models.

use crate::problem::Problem;
use crate::settings::Settings;
use anyhow::anyhow;
use recurra::cache::{Store, StoreOptions};
use recurra::vectors::{Memory, MemoryOptions, Refiner};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A model of vectors that is served.
#[derive(Debug)]
pub(crate) struct Adapter {
    pub(crate) name: String,
    pub(crate) memory: Arc<Memory>,
    /// Where what it was taught is kept.
    learnt: Option<PathBuf>,
    /// Feedback since it was.
    fresh: AtomicU64,
}

/// Feedback after which what was learnt is written.
const WRITE_EVERY: u64 = 32;

impl Adapter {
    /// A model behind a memory: the one of `before`, if that is of the same model.
    pub(crate) fn open(
        name: &str,
        refiner: Refiner,
        settings: &Settings,
        store: Option<&Arc<Store>>,
        before: Option<&Adapter>,
    ) -> anyhow::Result<Self> {
        if refiner.spec().neighbours > 0 {
            return Err(anyhow!(
                "model `{name}`: expected one that retrieves nothing while it thinks: the server has no index"
            ));
        }
        let folder = settings.learnt.as_ref();
        let learnt = folder.map(|folder| folder.join(refiner.id()));
        let same = before.filter(|old| old.memory.refiner().digest() == refiner.digest());
        let memory = match same {
            Some(old) => old.memory.clone(),
            None => {
                let exact_bytes = settings.cache_memory.unwrap_or(64) << 20;
                let usual = MemoryOptions::default();
                let options = MemoryOptions {
                    exact_bytes,
                    similar: settings.similar.unwrap_or(usual.similar),
                    ..usual
                };
                let memory = Memory::new(refiner, options)?;
                let memory = match store {
                    Some(store) => memory.with_store(store.clone()),
                    None => memory,
                };
                if let Some(learnt) = &learnt
                    && learnt.exists()
                {
                    memory.load(learnt)?;
                }
                Arc::new(memory)
            }
        };
        Ok(Adapter {
            name: name.to_owned(),
            memory,
            learnt,
            fresh: AtomicU64::new(0),
        })
    }

    /// Takes in whether an answer was right; whether the answer is known.
    pub(crate) fn feedback(&self, id: u64, right: bool) -> bool {
        let known = self.memory.feedback(id, right);
        if known && self.fresh.fetch_add(1, Ordering::Relaxed) + 1 >= WRITE_EVERY {
            self.write().unwrap_or_else(
                |error| tracing::error!(%error, "what was learnt could not be written"),
            );
        }
        known
    }

    fn write(&self) -> recurra::Result<()> {
        if let Some(folder) = &self.learnt
            && self.fresh.swap(0, Ordering::Relaxed) > 0
        {
            self.memory.save(folder)?;
        }
        Ok(())
    }

    /// Writes what waits for the disk.
    pub(crate) fn flush(&self) -> recurra::Result<()> {
        self.write()?;
        self.memory.flush()
    }
}

/// Opens the store of answers.
pub(crate) fn store(settings: &Settings) -> recurra::Result<Option<Arc<Store>>> {
    let open = |path: &PathBuf| {
        let options = StoreOptions {
            max_bytes: settings.cache_size << 20,
            ..StoreOptions::default()
        };
        Store::open(path, options).map(Arc::new)
    };
    settings.cache.as_ref().map(open).transpose()
}

/// The refusal of a model of the other kind.
pub(crate) fn other_kind(name: &str, expected: &str, found: &str) -> Problem {
    Problem::refused(format!(
        "model `{name}`: expected a model of {expected}, found one of {found}"
    ))
}
