//! How many threads work.

use anyhow::anyhow;
use clap::builder::RangedU64ValueParser;
use std::sync::atomic::{AtomicBool, Ordering};

/// More than any machine has cores; each costs memory.
const MOST: u64 = 1024;

/// The flag `--threads`.
#[derive(clap::Args, Debug, Clone, Copy)]
pub(crate) struct Threads {
    /// Threads to use [default: one per available core]
    #[arg(long, value_name = "T", value_parser = RangedU64ValueParser::<usize>::new().range(1..=MOST))]
    threads: Option<usize>,
}

impl Threads {
    /// So many.
    pub(crate) fn of(threads: Option<usize>) -> Self {
        Threads { threads }
    }

    /// How many were asked for.
    pub(crate) fn asked(self) -> Option<usize> {
        self.threads
    }

    /// How many there will be.
    pub(crate) fn count(self) -> usize {
        self.count_or(None)
    }

    /// The same with what is usual where no number was asked for.
    pub(crate) fn count_or(self, usual: Option<usize>) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let most = MOST as usize;
        self.threads.or(usual).unwrap_or_else(cores).clamp(1, most)
    }

    /// Starts the threads and returns how many there are.
    pub(crate) fn start(self) -> anyhow::Result<usize> {
        let threads = self.count();
        // A command with several models starts them once.
        static STARTED: AtomicBool = AtomicBool::new(false);
        if STARTED.swap(true, Ordering::Relaxed) {
            return Ok(threads);
        }
        // The main thread is one of them: it can hand out work without waking up twice for it.
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .use_current_thread()
            .build_global()
            .map_err(|e| anyhow!("{threads} threads: {e}"))?;
        Ok(threads)
    }
}
