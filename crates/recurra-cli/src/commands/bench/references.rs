//! Architectures of the reference implementation, to measure without a trained model.

use recurra::{Mixer, Positions, SWIGLU_MULTIPLE, TrmConfig};

/// A model of the reference's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Reference {
    /// 9x9 Sudoku: MLP mixer, 97 positions
    Sudoku,
    /// 30x30 maze: attention, 916 positions
    Maze,
}

impl Reference {
    /// For people.
    pub(super) fn title(self) -> String {
        let name = match self {
            Reference::Sudoku => "Sudoku",
            Reference::Maze => "maze",
        };
        format!("reference {name} model, random weights")
    }

    /// Its architecture.
    pub(super) fn config(self) -> TrmConfig {
        let sudoku = TrmConfig {
            vocab_size: 11,
            seq_len: 81,
            hidden_size: 512,
            num_heads: 8,
            expansion: 4.0,
            swiglu_multiple: SWIGLU_MULTIPLE,
            num_layers: 2,
            h_cycles: 3,
            l_cycles: 6,
            mixer: Mixer::Mlp,
            positions: Positions::None,
            puzzle_emb_ndim: 512,
            puzzle_emb_len: 16,
            num_puzzle_identifiers: 1,
            halt_max_steps: 16,
            rms_norm_eps: 1e-5,
            rope_theta: 10000.0,
            groups: None,
        };
        match self {
            Reference::Sudoku => sudoku,
            Reference::Maze => TrmConfig {
                vocab_size: 6,
                seq_len: 900,
                l_cycles: 4,
                mixer: Mixer::Attention,
                positions: Positions::Rotary,
                ..sudoku
            },
        }
    }
}
