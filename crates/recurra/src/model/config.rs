//! The architecture of a tiny recursive model.

use crate::error::{Error, Result};
use crate::kernels::matrix::LINE;
use crate::kernels::neighbours::Neighbours;
use serde::{Deserialize, Serialize};

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
}

/// What the reference implementation raises the widths of SwiGLUs to multiples of.
pub const SWIGLU_MULTIPLE: usize = 256;

fn reference_multiple() -> usize {
    SWIGLU_MULTIPLE
}

fn is_reference_multiple(multiple: &usize) -> bool {
    *multiple == SWIGLU_MULTIPLE
}

/// Limits that no tiny model comes near; they keep sizes computed from a hostile file within range.
const MAX_DIM: usize = 1 << 20;
/// Tokens are 16 bits, and the last value means "no label".
const MAX_VOCAB: usize = (1 << 16) - 1;
/// Numbers in the widest matrix of one sample (positions x SwiGLU width): 128 MiB.
const MAX_STATE: usize = 1 << 25;

impl TrmConfig {
    /// Positions of the latent state: prefix and tokens.
    pub fn positions_len(&self) -> usize {
        self.puzzle_emb_len + self.seq_len
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

    /// Floating-point operations of the matrix products in one improvement step.
    pub fn flops_per_step(&self) -> u64 {
        let (l, d) = (self.positions_len() as u64, self.hidden_size as u64);
        let swiglu = |n: u64, rows: u64| 6 * n * rows * self.swiglu_width(n as usize) as u64;
        let mix = match self.mixer {
            Mixer::Mlp => swiglu(l, d),
            Mixer::Attention => 8 * l * d * d + 4 * l * l * d,
            Mixer::Conv => 2 * l * d * self.neighbours().width() as u64,
        };
        (mix + swiglu(d, l)) * (self.num_layers * self.calls_per_step()) as u64
            + 2 * l * d * self.vocab_size as u64
    }

    /// Checks every field.
    ///
    /// # Errors
    /// [`Error::Config`] names the first field that no model can have.
    pub fn validate(&self) -> Result<()> {
        let range = |field, value: usize, least: usize, most: usize| {
            if (least..=most).contains(&value) {
                Ok(())
            } else {
                Err(Error::Config {
                    field,
                    expected: format!("{least} to {most}"),
                    found: value.to_string(),
                })
            }
        };
        range("vocab_size", self.vocab_size, 1, MAX_VOCAB)?;
        range("seq_len", self.seq_len, 1, MAX_DIM)?;
        range("hidden_size", self.hidden_size, 1, 1 << 16)?;
        range("num_layers", self.num_layers, 1, 1024)?;
        range("h_cycles", self.h_cycles, 1, 1024)?;
        range("l_cycles", self.l_cycles, 0, 1024)?;
        range("halt_max_steps", self.halt_max_steps, 1, MAX_DIM)?;
        if !(self.expansion > 0.0 && self.expansion <= 64.0) {
            return Err(Error::Config {
                field: "expansion",
                expected: "a number above 0, at most 64".into(),
                found: self.expansion.to_string(),
            });
        }
        range("swiglu_multiple", self.swiglu_multiple, LINE, 1024)?;
        if !self.swiglu_multiple.is_multiple_of(LINE) {
            return Err(Error::Config {
                field: "swiglu_multiple",
                expected: format!("a multiple of {LINE}"),
                found: self.swiglu_multiple.to_string(),
            });
        }
        for (field, value) in [
            ("rms_norm_eps", self.rms_norm_eps),
            ("rope_theta", self.rope_theta),
        ] {
            if !(value > 0.0 && value.is_finite()) {
                return Err(Error::Config {
                    field,
                    expected: "a positive number".into(),
                    found: value.to_string(),
                });
            }
        }
        if self.puzzle_emb_ndim == 0 {
            range("puzzle_emb_len", self.puzzle_emb_len, 0, 0)?;
        } else {
            range("puzzle_emb_len", self.puzzle_emb_len, 1, MAX_DIM)?;
            range(
                "puzzle_emb_ndim",
                self.puzzle_emb_ndim,
                1,
                self.puzzle_emb_len.saturating_mul(self.hidden_size),
            )?;
            range(
                "num_puzzle_identifiers",
                self.num_puzzle_identifiers,
                1,
                1 << 31,
            )?;
        }
        // With attention the length costs no weights; this keeps a small file from asking for much memory.
        let widest = match self.mixer {
            Mixer::Conv => self.neighbours().width(),
            Mixer::Mlp | Mixer::Attention => self.hidden_size,
        };
        let widest = widest.max(self.swiglu_width(self.hidden_size));
        range("seq_len", self.positions_len(), 1, MAX_STATE / widest)?;
        if let Positions::Grid { cols } = self.positions {
            range("positions.cols", cols, 1, self.seq_len)?;
        }
        if self.mixer == Mixer::Attention {
            range("num_heads", self.num_heads, 1, self.hidden_size)?;
            if !self.hidden_size.is_multiple_of(self.num_heads) {
                return Err(Error::Config {
                    field: "num_heads",
                    expected: format!("a divisor of hidden_size = {}", self.hidden_size),
                    found: self.num_heads.to_string(),
                });
            }
        }
        let positions = match self.positions {
            Positions::None => "none",
            Positions::Rotary => "rotary",
            Positions::Learned => "learned",
            Positions::Grid { .. } => "a grid",
        };
        let misplaced = |expected: &str| {
            Err(Error::Config {
                field: "positions",
                expected: expected.into(),
                found: positions.into(),
            })
        };
        let turned_by = |even: usize| {
            if self.head_dim().is_multiple_of(even) {
                return Ok(());
            }
            Err(Error::Config {
                field: "num_heads",
                expected: format!("heads of a multiple of {even} channels, for rotary positions"),
                found: format!("{} heads of {} channels", self.num_heads, self.head_dim()),
            })
        };
        match (self.mixer, self.positions) {
            (Mixer::Mlp, Positions::Rotary | Positions::Grid { .. }) => {
                misplaced("none or learned with the MLP mixer")
            }
            (Mixer::Conv, Positions::Grid { cols }) if !self.seq_len.is_multiple_of(cols) => {
                Err(Error::Config {
                    field: "positions.cols",
                    expected: format!("a divisor of seq_len = {}", self.seq_len),
                    found: cols.to_string(),
                })
            }
            (Mixer::Conv, Positions::None | Positions::Rotary | Positions::Learned) => {
                misplaced("a grid with a convolution")
            }
            (Mixer::Attention, Positions::Rotary) => turned_by(2),
            (Mixer::Attention, Positions::Grid { .. }) => turned_by(4),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A small model with an MLP mixer and a prefix.
    pub(crate) fn small() -> TrmConfig {
        TrmConfig {
            vocab_size: 6,
            seq_len: 16,
            hidden_size: 24,
            num_heads: 4,
            expansion: 4.0,
            swiglu_multiple: SWIGLU_MULTIPLE,
            num_layers: 2,
            h_cycles: 2,
            l_cycles: 2,
            mixer: Mixer::Mlp,
            positions: Positions::None,
            puzzle_emb_ndim: 30,
            puzzle_emb_len: 2,
            num_puzzle_identifiers: 3,
            halt_max_steps: 16,
            rms_norm_eps: 1e-5,
            rope_theta: 10000.0,
        }
    }

    /// The same with each mixer.
    pub(crate) fn each_mixer() -> [TrmConfig; 3] {
        let of = |mixer, positions| TrmConfig {
            mixer,
            positions,
            ..small()
        };
        [
            small(),
            of(Mixer::Attention, Positions::Rotary),
            of(Mixer::Conv, Positions::Grid { cols: 4 }),
        ]
    }

    #[test]
    fn errors_name_the_field() {
        type Change = fn(&mut TrmConfig);
        let cases: [(&str, Change); 22] = [
            ("vocab_size", |c| c.vocab_size = 0),
            ("seq_len", |c| c.seq_len = 0),
            ("seq_len", |c| c.seq_len = usize::MAX),
            ("seq_len", |c| c.seq_len = 1 << 19),
            ("hidden_size", |c| c.hidden_size = 1 << 30),
            ("num_layers", |c| c.num_layers = 0),
            ("h_cycles", |c| c.h_cycles = 0),
            ("l_cycles", |c| c.l_cycles = 5000),
            ("expansion", |c| c.expansion = f64::NAN),
            ("swiglu_multiple", |c| c.swiglu_multiple = 0),
            ("swiglu_multiple", |c| c.swiglu_multiple = 24),
            ("halt_max_steps", |c| c.halt_max_steps = 0),
            ("rms_norm_eps", |c| c.rms_norm_eps = 0.0),
            ("rope_theta", |c| c.rope_theta = f32::INFINITY),
            ("puzzle_emb_len", |c| c.puzzle_emb_ndim = 0),
            ("puzzle_emb_ndim", |c| c.puzzle_emb_ndim = 49),
            ("num_heads", |c| {
                c.mixer = Mixer::Attention;
                c.num_heads = 5;
            }),
            ("positions", |c| c.positions = Positions::Rotary),
            ("positions.cols", |c| {
                c.mixer = Mixer::Attention;
                c.positions = Positions::Grid { cols: 0 };
            }),
            ("num_heads", |c| {
                c.mixer = Mixer::Attention;
                c.positions = Positions::Grid { cols: 4 };
            }),
            ("positions", |c| c.mixer = Mixer::Conv),
            ("positions.cols", |c| {
                c.mixer = Mixer::Conv;
                c.positions = Positions::Grid { cols: 3 };
            }),
        ];
        for config in each_mixer() {
            config.validate().unwrap();
        }
        for (field, change) in cases {
            let mut config = small();
            change(&mut config);
            let error = config.validate().unwrap_err().to_string();
            assert!(error.contains(&format!("`{field}`")), "{field}: {error}");
        }
    }

    #[test]
    fn reference_sizes() {
        let config = TrmConfig {
            seq_len: 81,
            hidden_size: 512,
            puzzle_emb_ndim: 512,
            puzzle_emb_len: 16,
            h_cycles: 3,
            l_cycles: 6,
            ..small()
        };
        assert_eq!(config.positions_len(), 97);
        assert_eq!(config.calls_per_step(), 21);
        assert_eq!(
            (config.swiglu_width(97), config.swiglu_width(512)),
            (512, 1536)
        );
        assert_eq!(config.flops_per_step() / 100_000_000, 256);
        let narrow = TrmConfig {
            swiglu_multiple: 32,
            ..config
        };
        assert_eq!(
            (narrow.swiglu_width(97), narrow.swiglu_width(512)),
            (288, 1376)
        );
    }
}
