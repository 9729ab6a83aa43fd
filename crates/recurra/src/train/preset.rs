//! Architectures that are known to learn a task on a plain CPU, and how to train them.

use super::{Probabilities, TrainConfig};
use crate::error::Result;
use crate::model::TrmConfig;
use crate::model::file::groups_of;
use crate::network::config::{Mixer, Positions, SWIGLU_MULTIPLE};
use crate::tasks::{TaskSpec, arc};

/// The architecture and training for a task.
///
/// # Errors
/// [`Error::Config`](crate::Error::Config) for a size that the task does not have.
pub fn preset(task: &TaskSpec) -> Result<(TrmConfig, TrainConfig)> {
    let (seq_len, vocab_size) = task.sizes()?;
    let (hidden_size, l_cycles) = match task {
        TaskSpec::Sudoku { size: 4 } => (64, 2),
        TaskSpec::Sudoku { size: 6 } => (96, 3),
        TaskSpec::Sudoku { .. } => (128, 3),
        TaskSpec::Maze { .. } => (32, 3),
        TaskSpec::Grid(spec) => match spec.seq_len() {
            0..=24 => (64, 2),
            25..=64 => (96, 3),
            _ => (128, 3),
        },
        TaskSpec::Arc => return Ok(arc()),
        TaskSpec::Vectors(spec) => {
            let train = super::vectors::VectorTrainConfig::default().train;
            return Ok((super::vectors::architecture(spec), train));
        }
    };
    // On small boards a mixer that sees whole positions learns many times faster than attention; a maze is decided
    // between neighbours.
    let (mixer, positions) = match task {
        TaskSpec::Maze { cols, .. } => (Mixer::Conv, Positions::Grid { cols: *cols }),
        _ => (Mixer::Mlp, Positions::None),
    };
    let config = TrmConfig {
        vocab_size,
        seq_len,
        hidden_size,
        num_heads: 4,
        expansion: 4.0,
        swiglu_multiple: 32,
        num_layers: 2,
        h_cycles: 2,
        l_cycles,
        mixer,
        positions,
        puzzle_emb_ndim: 0,
        puzzle_emb_len: 0,
        num_puzzle_identifiers: 1,
        halt_max_steps: 16,
        rms_norm_eps: 1e-5,
        rope_theta: 10000.0,
        groups: None,
    };
    let train = TrainConfig {
        // The recursion carries a maze's path: a shallow one never gets to its end.
        curriculum: mixer != Mixer::Conv,
        ..recipe()
    };
    Ok((config, train))
}

/// Messages over the groups that a task declares: the architecture and training, by the trials in `docs/constraints.md`.
///
/// # Errors
/// [`Error::Config`](crate::Error::Config) for a task that declares none.
pub fn constraints(task: &TaskSpec) -> Result<(TrmConfig, TrainConfig)> {
    let (config, train) = preset(task)?;
    let config = TrmConfig {
        hidden_size: 32,
        expansion: 3.0,
        swiglu_multiple: 32,
        l_cycles: 3,
        mixer: Mixer::Constraints,
        positions: Positions::None,
        groups: groups_of(Some(task))?,
        ..config
    };
    config.validate()?;
    let train = TrainConfig {
        batch_size: 24,
        lr: 3e-3,
        weight_decay: 0.01,
        // Every start is random: nothing else tells apart candidates that a question treats alike.
        random_start: 1.0,
        curriculum: false,
        ..train
    };
    Ok((config, train))
}

/// What learns fast on a plain CPU, by the trials in `docs/training.md`: small batches, a softmax, a recursion that
/// is shallow at first. [`TrainConfig::default`] is nearer to the reference implementation; attention keeps it until it has been tried.
fn recipe() -> TrainConfig {
    TrainConfig {
        batch_size: 32,
        lr: 4e-3,
        curriculum: true,
        probabilities: Probabilities::Softmax,
        ..TrainConfig::default()
    }
}

/// As the reference implementation has it, on a quarter of its channels: attention, and as many positions for a task's row
/// of the puzzle table as the row fills. How many rows there are is for the caller to say.
fn arc() -> (TrmConfig, TrainConfig) {
    let config = TrmConfig {
        vocab_size: arc::VOCAB_SIZE,
        seq_len: arc::SEQ_LEN,
        hidden_size: 128,
        num_heads: 4,
        expansion: 4.0,
        swiglu_multiple: SWIGLU_MULTIPLE,
        num_layers: 2,
        h_cycles: 2,
        l_cycles: 3,
        mixer: Mixer::Attention,
        positions: Positions::Rotary,
        puzzle_emb_ndim: 512,
        puzzle_emb_len: 4,
        num_puzzle_identifiers: 1,
        halt_max_steps: 16,
        rms_norm_eps: 1e-5,
        rope_theta: 10000.0,
        groups: None,
    };
    let train = TrainConfig {
        // A step on such long questions takes a hundred times as long as one on a Sudoku.
        batch_size: 16,
        ..TrainConfig::default()
    };
    (config, train)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_are_valid() {
        let sudokus = [4, 6, 9, 16].map(|size| TaskSpec::Sudoku { size });
        let maze = TaskSpec::Maze {
            rows: 5,
            cols: 7,
            min_path: 0,
        };
        for task in sudokus.into_iter().chain([maze, TaskSpec::Arc]) {
            let (config, train) = preset(&task).unwrap();
            config.validate().unwrap();
            train.validate().unwrap();
        }
    }
}
