//! What a configuration costs, and which configurations no model has.

use super::config::{Positions, TrmConfig};
use super::mixers;
use crate::error::{Error, Result};
use recurra_kernels::matrix::LINE;

/// Limits that no tiny model comes near; they keep sizes computed from a hostile file within range.
const MAX_DIM: usize = 1 << 20;
/// Tokens are 16 bits, and the last value means "no label".
const MAX_VOCAB: usize = (1 << 16) - 1;
/// Numbers in the widest matrix of one sample (positions x SwiGLU width): 128 MiB.
const MAX_STATE: usize = 1 << 25;

impl TrmConfig {
    /// Floating-point operations of the matrix products in one improvement step.
    pub fn flops_per_step(&self) -> u64 {
        let (l, d) = (self.positions_len() as u64, self.hidden_size as u64);
        let channels = self.swiglu_flops(self.hidden_size, self.positions_len());
        let mix = mixers::of(self.mixer).flops(self);
        (mix + channels) * (self.num_layers * self.calls_per_step()) as u64
            + 2 * l * d * self.vocab_size as u64
    }

    /// The mixer in words.
    pub fn describe_mixer(&self) -> String {
        mixers::of(self.mixer).describe(self)
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
        let mixer = mixers::of(self.mixer);
        let widest = mixer.widest(self).max(self.swiglu_width(self.hidden_size));
        range("seq_len", self.positions_len(), 1, MAX_STATE / widest)?;
        if let Positions::Grid { cols } = self.positions {
            range("positions.cols", cols, 1, self.seq_len)?;
        }
        mixer.check(self)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::groups::Groups;
    use crate::network::config::{Mixer, SWIGLU_MULTIPLE};
    use std::sync::Arc;

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
            groups: None,
        }
    }

    /// Messages over the rows, columns and boxes of 4 x 4 cells, and a group of two cells.
    pub(crate) fn constraints() -> TrmConfig {
        let line = |i: u16| (0..4).map(move |j| 4 * i + j).collect();
        let column = |j: u16| (0..4).map(move |i| 4 * i + j).collect();
        let square = |b: u16| {
            let first = 8 * (b / 2) + 2 * (b % 2);
            [0, 1, 4, 5].map(|i| first + i).to_vec()
        };
        let groups = (0..4).flat_map(|i| [line(i), column(i), square(i)]);
        TrmConfig {
            mixer: Mixer::Constraints,
            hidden_size: 32,
            swiglu_multiple: 32,
            puzzle_emb_ndim: 0,
            puzzle_emb_len: 0,
            groups: Some(Arc::new(Groups {
                cells: 16,
                symbols: 4,
                tokens: vec![2, 3, 4, 5],
                blank: 1,
                groups: groups.chain([vec![0, 15]]).collect(),
            })),
            ..small()
        }
    }

    /// The same with each mixer of tokens.
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
        let cases: &[(&str, Change)] = &[
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
            ("task", |c| {
                (c.mixer, c.hidden_size) = (Mixer::Constraints, 32);
                (c.puzzle_emb_ndim, c.puzzle_emb_len) = (0, 0);
            }),
        ];
        let over_groups: &[(&str, Change)] = &[
            ("task", |c| c.groups = None),
            ("positions", |c| c.positions = Positions::Learned),
            ("hidden_size", |c| c.hidden_size = 24),
            ("hidden_size", |c| c.hidden_size = 272),
            ("seq_len", |c| c.seq_len = 17),
            ("puzzle_emb_len", |c| {
                (c.puzzle_emb_ndim, c.puzzle_emb_len) = (8, 1);
            }),
            ("rules", |c| {
                let groups = c.groups.as_mut().map(Arc::make_mut).unwrap();
                groups.groups = vec![vec![0, 1]];
            }),
        ];
        for config in each_mixer().into_iter().chain([constraints()]) {
            config.validate().unwrap();
        }
        for (base, cases) in [(small(), cases), (constraints(), over_groups)] {
            for (field, change) in cases {
                let mut config = base.clone();
                change(&mut config);
                let error = config.validate().unwrap_err().to_string();
                assert!(error.contains(&format!("`{field}`")), "{field}: {error}");
            }
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
