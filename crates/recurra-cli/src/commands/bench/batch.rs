//! A batch of samples and the engines that share it.

use rayon::prelude::*;
use recurra::engine::{PackedModel, TrmEngine};
use std::sync::Arc;

/// The most samples that may be asked for.
pub(super) const MOST: usize = 65536;

/// So many samples, shared out to workers.
pub(super) struct Batch {
    size: usize,
    engines: Vec<TrmEngine>,
}

impl Batch {
    /// A batch of `size` samples on `threads` threads: a sample is split only where there are threads to spare.
    pub(super) fn new(
        weights: &Arc<PackedModel>,
        size: usize,
        threads: usize,
    ) -> anyhow::Result<Self> {
        let config = weights.config();
        // Which token stands where does not matter to the time.
        let question: Vec<u16> = (0..config.seq_len)
            .map(|i| (i % config.vocab_size) as u16)
            .collect();
        let workers = threads.min(size);
        let mut engines = Vec::new();
        for _ in 0..workers {
            let mut engine = TrmEngine::with_weights(weights.clone(), threads / workers);
            engine.start(&question, 0)?;
            engines.push(engine);
        }
        Ok(Batch { size, engines })
    }

    /// One improvement step of every sample.
    ///
    /// A worker thinks about one sample after the other in the same memory, as when puzzles are solved.
    pub(super) fn step(&mut self) {
        let (size, workers) = (self.size, self.engines.len());
        let share = |i: usize| size * i / workers..size * (i + 1) / workers;
        if let [engine] = &mut self.engines[..] {
            // No thread has to be woken.
            share(0).for_each(|_| engine.step());
        } else {
            let engines = self.engines.par_iter_mut().enumerate();
            engines.for_each(|(i, engine)| share(i).for_each(|_| engine.step()));
        }
    }

    /// Bytes of the memory of one worker, beside the weights.
    pub(super) fn buffer_bytes(&self) -> usize {
        self.engines[0].buffers().bytes()
    }
}
