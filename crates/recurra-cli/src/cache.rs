//! The flags that say which answers to keep, and what came of it.

use crate::exit;
use recurra::cache::{Store, StoreOptions, TrmCache};
use recurra::model::TrmModel;
use recurra::solver::Solver;
use std::path::PathBuf;
use std::sync::Arc;

/// Which answers to keep.
#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Cache")]
pub(crate) struct CacheFlags {
    /// Keep answers in this file, and look there before thinking
    ///
    /// It is made if it is not there, and one process at a time can use it. A proven answer is given to every puzzle that
    /// is the same but for a symmetry of the task; another answer to the same puzzle under the same flags, and where
    /// neither --time nor --adaptive were given. `recurra cache` tells what is in it
    #[arg(long, value_name = "FILE")]
    cache: Option<PathBuf>,
    /// Most MiB of the file; the oldest answers make room
    #[arg(long, value_name = "MIB", default_value_t = 256, requires = "cache",
          value_parser = clap::value_parser!(u64).range(1..=32 << 10))]
    cache_size: u64,
    /// Keep answers in so many MiB of memory, and look there first [default: 64 with --cache, else none]
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..=1 << 20))]
    cache_memory: Option<u64>,
}

impl CacheFlags {
    /// Whether a cache was asked for.
    pub(crate) fn given(&self) -> bool {
        self.cache.is_some() || self.cache_memory.is_some()
    }

    /// Gives the solver of a model a cache, where that was asked for.
    pub(crate) fn attach(
        &self,
        solver: Solver,
        model: &TrmModel,
    ) -> anyhow::Result<(Solver, Option<Arc<TrmCache>>)> {
        let memory = match (&self.cache, self.cache_memory) {
            (None, None) => return Ok((solver, None)),
            (_, memory) => memory.unwrap_or(64),
        };
        let mut cache = TrmCache::new(solver.cache_config(memory << 20)?);
        if let Some(path) = &self.cache {
            let options = StoreOptions {
                max_bytes: self.cache_size << 20,
                ..StoreOptions::default()
            };
            let store = Store::open(path, options)?;
            cache = cache.with_store(Arc::new(store), model.digest());
        }
        let cache = Arc::new(cache);
        Ok((solver.remembering(cache.clone())?, Some(cache)))
    }
}

/// Says how often the cache knew an answer, and writes what waits for the disk.
pub(crate) fn finish(cache: &TrmCache) -> anyhow::Result<()> {
    let c = cache.counters();
    let known = c.exact + c.stored;
    exit::note(&format!(
        "cache: {known} of {} answers were known ({} in memory, {} on disk), {:.3} s of thinking saved",
        known + c.misses,
        c.exact,
        c.stored,
        c.seconds_saved,
    ));
    Ok(cache.flush()?)
}
