//! What a training needs of memory, before it takes any.

use super::data::Notes;
use crate::exit::UsageError;
use crate::memory::{fits as fit, free, told};
use recurra::TrmConfig;
use recurra::model::TrmWeights;
use recurra::tasks::TaskSpec;
use recurra::train::TrainConfig;

/// Bytes that a training takes at least.
pub(super) struct Memory {
    /// Weights, their average, the optimiser's moments, and the weights packed for products, forward and backward.
    weights: u64,
    /// States and samples of the batch.
    batch: u64,
    /// Gradients, and what the backward pass reads, of each thread.
    thread: u64,
    threads: u64,
}

/// Numbers that a layer keeps for the backward pass, relative to its input, at least: inputs of its two halves, gates and ups.
const KEPT: u64 = 6;

impl Memory {
    pub(super) fn of(config: &TrmConfig, train: &TrainConfig, threads: usize) -> Self {
        let weights = 4 * TrmWeights::count(config) as u64;
        let state = 4 * (config.positions_len() * config.hidden_size) as u64;
        // The last cycle is the one with a backward pass.
        let calls = (config.l_cycles as u64 + 1) * config.num_layers as u64;
        let samples = 2 * 2 * config.seq_len as u64;
        Memory {
            weights: 6 * weights,
            batch: train.batch_size as u64 * (2 * state + samples),
            thread: weights + calls * KEPT * state,
            threads: threads.min(train.batch_size) as u64,
        }
    }

    /// All of it.
    pub(super) fn total(&self) -> u64 {
        self.weights
            .saturating_add(self.batch)
            .saturating_add(self.thread.saturating_mul(self.threads))
    }
}

/// Refuses a training that does not fit into memory, and names what could be less.
pub(super) fn fits(config: &TrmConfig, train: &TrainConfig, threads: usize) -> anyhow::Result<()> {
    config.validate()?;
    train.validate()?;
    let memory = Memory::of(config, train, threads);
    let (free, needed) = (free(), memory.total());
    if needed <= free {
        return Ok(());
    }
    let rest = free.saturating_sub(memory.weights + memory.batch);
    let most = rest / memory.thread.max(1);
    let text = if memory.weights > free {
        format!(
            "--hidden, --layers: expected a model that fits into memory: its weights and their averages take {}, and {} are free",
            told(memory.weights),
            told(free)
        )
    } else if most > 0 {
        format!(
            "--threads: expected at most {most}, as {} of memory are free and each takes {}; found {}",
            told(free),
            told(memory.thread),
            memory.threads
        )
    } else {
        let sample = memory.batch / train.batch_size as u64;
        let most = free.saturating_sub(memory.weights + memory.thread) / sample.max(1);
        format!(
            "--batch: expected at most {most}, as {} of memory are free and each sample takes {}; found {}",
            told(free),
            told(sample),
            train.batch_size
        )
    };
    Err(UsageError(text).into())
}

/// Bytes of a puzzle: question and answer, two bytes a token, and what a list needs for each.
fn puzzle_bytes(task: &TaskSpec) -> anyhow::Result<u64> {
    Ok(4 * task.sizes()?.0 as u64 + 64)
}

/// Refuses more puzzles than fit into memory.
pub(super) fn pool_fits(task: &TaskSpec, pool: usize) -> anyhow::Result<()> {
    Ok(fit("--pool", pool as u64, puzzle_bytes(task)?, "puzzles")?)
}

/// Bytes of the puzzles that a training generates.
pub(super) fn pool_bytes(notes: &Notes) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for part in notes.parts().filter(|part| part.generated() > 0) {
        bytes += part.pool as u64 * puzzle_bytes(&part.task)?;
    }
    Ok(bytes)
}
