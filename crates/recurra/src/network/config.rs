//! The architecture of a tiny recursive model.

use crate::error::{Error, Result};
use crate::groups::Groups;
use recurra_kernels::neighbours::Neighbours;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How information moves between positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mixer {
    /// Multi-head attention, not causal.
    Attention,
    /// A SwiGLU across the positions, the same for every channel (`mlp_t`).
    Mlp,
    /// A convolution over the cells of a grid: each sees the square of 3 x 3 around it, the mean of all cells, and the
    /// mean of the prefix where there is one. The reference implementation has none; networks that think again
    /// about mazes do ([Schwarzschild et al., 2021](https://arxiv.org/abs/2106.04537)).
    Conv,
    /// Messages between candidates - pairs of a cell and a symbol - over declared groups in which no symbol stands twice. All
    /// weights are shared over cells, symbols and groups.
    Constraints,
    /// Attention among the few vectors of a sample, for models of vectors; many samples at once.
    Tokens,
}

/// How the model knows where a token stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Positions {
    /// It does not (an MLP mixer knows by itself).
    None,
    /// Rotary, by halves, theta [`TrmConfig::rope_theta`]; attention only.
    Rotary,
    /// A learned row per position, added to the input embeddings.
    Learned,
    /// Rotary in two dimensions, for a grid of so many columns: half of each head's channels turn with the row, half with
    /// the column. Positions of the prefix do not turn. For a convolution, which turns nothing, only the columns.
    Grid {
        /// Columns of the grid, whose rows follow one another.
        cols: usize,
    },
}

/// The architecture of a model. Field names follow the reference implementation's `arch` keys.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrmConfig {
    /// Number of different tokens.
    pub vocab_size: usize,
    /// Tokens in a question, and in its answer.
    pub seq_len: usize,
    /// Channels of the latent state.
    pub hidden_size: usize,
    /// Attention heads; divides `hidden_size`. Only attention uses them.
    pub num_heads: usize,
    /// Width of a SwiGLU relative to its input, before rounding (see [`TrmConfig::swiglu_width`]).
    pub expansion: f64,
    /// Widths of SwiGLUs are raised to a multiple of this. A model file that does not say it means the reference
    /// implementation's [`SWIGLU_MULTIPLE`].
    #[serde(
        default = "reference_multiple",
        skip_serializing_if = "is_reference_multiple"
    )]
    pub swiglu_multiple: usize,
    /// Layers of the network.
    pub num_layers: usize,
    /// Updates of the answer state z_H in one improvement step.
    pub h_cycles: usize,
    /// Updates of the reasoning state z_L before each update of z_H.
    pub l_cycles: usize,
    /// How information moves between positions.
    pub mixer: Mixer,
    /// How the model knows where a token stands.
    pub positions: Positions,
    /// Numbers in one row of the puzzle table; 0 if there is none.
    pub puzzle_emb_ndim: usize,
    /// Positions that the puzzle row fills, before the tokens; 0 exactly if `puzzle_emb_ndim` is 0.
    pub puzzle_emb_len: usize,
    /// Rows of the puzzle table.
    pub num_puzzle_identifiers: usize,
    /// Improvement steps in training, and the default limit when answering.
    pub halt_max_steps: usize,
    /// Added to the mean square before the root.
    pub rms_norm_eps: f32,
    /// Base of the rotary frequencies.
    pub rope_theta: f32,
    /// The groups over which the recursion runs, for [`Mixer::Constraints`]. They are the task's: no file holds them.
    #[serde(skip)]
    pub groups: Option<Arc<Groups>>,
}

/// What the reference implementation raises the widths of SwiGLUs to multiples of.
pub const SWIGLU_MULTIPLE: usize = 256;

fn reference_multiple() -> usize {
    SWIGLU_MULTIPLE
}

fn is_reference_multiple(multiple: &usize) -> bool {
    *multiple == SWIGLU_MULTIPLE
}

impl TrmConfig {
    /// Positions of the latent state: prefix and tokens, or candidates.
    pub fn positions_len(&self) -> usize {
        match &self.groups {
            Some(groups) => groups.candidates(),
            None => self.puzzle_emb_len + self.seq_len,
        }
    }

    /// Channels of one attention head.
    pub fn head_dim(&self) -> usize {
        self.hidden_size / self.num_heads
    }

    /// Whether heads are turned by position.
    pub fn is_rotary(&self) -> bool {
        let turned = matches!(self.positions, Positions::Rotary | Positions::Grid { .. });
        turned && self.mixer == Mixer::Attention
    }

    /// What a convolution sees of the positions.
    pub(crate) fn neighbours(&self) -> Neighbours {
        let cols = match self.positions {
            Positions::Grid { cols } => cols,
            _ => self.seq_len,
        };
        Neighbours {
            prefix: self.puzzle_emb_len,
            cells: self.seq_len,
            cols,
            channels: self.hidden_size,
        }
    }

    /// Calls of the network in one improvement step.
    pub fn calls_per_step(&self) -> usize {
        self.h_cycles * (self.l_cycles + 1)
    }

    /// Inner width of a SwiGLU over `n` inputs: `round(expansion * n * 2/3)`, raised to a multiple of
    /// [`swiglu_multiple`](Self::swiglu_multiple).
    pub fn swiglu_width(&self, n: usize) -> usize {
        // Python's `round` goes to the even neighbour at a half, and so does this.
        let raw = (self.expansion * n as f64 * 2.0 / 3.0).round_ties_even() as usize;
        raw.div_ceil(self.swiglu_multiple) * self.swiglu_multiple
    }

    /// Floating-point operations of a SwiGLU over `n` numbers of so many rows.
    pub(crate) fn swiglu_flops(&self, n: usize, rows: usize) -> u64 {
        6 * (n * rows * self.swiglu_width(n)) as u64
    }
}

impl Positions {
    /// Refuses these positions, where others were expected.
    pub(crate) fn misplaced(self, expected: &str) -> Result<()> {
        let found = match self {
            Positions::None => "none",
            Positions::Rotary => "rotary",
            Positions::Learned => "learned",
            Positions::Grid { .. } => "a grid",
        };
        Err(Error::Config {
            field: "positions",
            expected: expected.into(),
            found: found.into(),
        })
    }
}
