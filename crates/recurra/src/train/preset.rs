//! Architectures that are known to learn a task on a plain CPU, and how to train them.

use super::TrainConfig;
use crate::error::Result;
use crate::model::TrmConfig;
use crate::model::config::{Mixer, Positions};
use crate::tasks::TaskSpec;

/// The architecture and training for a task.
///
/// # Errors
/// [`Error::Config`](crate::Error::Config) for a size that the task does not have.
pub fn preset(task: &TaskSpec) -> Result<(TrmConfig, TrainConfig)> {
    let made = task.task()?;
    let (hidden_size, l_cycles) = match task {
        TaskSpec::Sudoku { size: 4 } => (64, 2),
        TaskSpec::Sudoku { size: 6 } => (96, 3),
        TaskSpec::Sudoku { .. } | TaskSpec::Maze { .. } => (128, 3),
        TaskSpec::Grid(spec) => match spec.seq_len() {
            0..=24 => (64, 2),
            25..=64 => (96, 3),
            _ => (128, 3),
        },
    };
    let config = TrmConfig {
        vocab_size: made.vocab_size(),
        seq_len: made.seq_len(),
        hidden_size,
        num_heads: 4,
        expansion: 4.0,
        num_layers: 2,
        h_cycles: 2,
        l_cycles,
        // On small boards a mixer that sees whole positions learns many times faster than attention.
        mixer: Mixer::Mlp,
        positions: Positions::None,
        puzzle_emb_ndim: 0,
        puzzle_emb_len: 0,
        num_puzzle_identifiers: 1,
        halt_max_steps: 16,
        rms_norm_eps: 1e-5,
        rope_theta: 10000.0,
    };
    Ok((config, TrainConfig::default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_are_valid() {
        for size in [4, 6, 9, 16] {
            let (config, train) = preset(&TaskSpec::Sudoku { size }).unwrap();
            config.validate().unwrap();
            train.validate().unwrap();
        }
    }
}
