//! A model's weights in the order in which the kernels read them.

use crate::kernels::pack::Entries;
use crate::kernels::{AlignedMatrix, Isa, Linear, PackedMatrix, Packing, Precision};
use crate::model::config::Positions;
use crate::model::weights::{LayerWeights, MixWeights};
use crate::model::{TrmConfig, TrmWeights};

/// The weights of one layer, packed.
#[derive(Debug, Clone)]
pub(crate) struct PackedLayer {
    pub(crate) mix: PackedMix,
    pub(crate) gate_up: PackedMatrix,
    pub(crate) down: PackedMatrix,
}

impl PackedLayer {
    /// The weights of a layer of a model in training, transposed, as the backward pass reads them: gradients go through a layer from its
    /// outputs to its inputs.
    pub(crate) fn transposed(model: &PackedModel, weights: &LayerWeights) -> Self {
        let (isa, precision) = (model.isa, model.precision());
        let pack = |packing, w: &AlignedMatrix| {
            let mut packed = PackedMatrix::rounded(isa, packing, precision, Entries::transposed(w));
            packed.stream = model.bytes() > STREAM_BYTES;
            packed
        };
        Self::packed_by(weights, [Packing::Rows, Packing::Panels], pack)
    }

    /// `gate_up` says how the first product of a SwiGLU is packed, across positions and across channels.
    fn packed_by<M>(
        weights: &LayerWeights<M>,
        gate_up: [Packing; 2],
        pack: impl Fn(Packing, &M) -> PackedMatrix,
    ) -> Self {
        PackedLayer {
            mix: match &weights.mix {
                MixWeights::Mlp(w) => PackedMix::Mlp {
                    gate_up: pack(gate_up[0], &w.gate_up),
                    down: pack(Packing::Rows, &w.down),
                },
                MixWeights::Attention { qkv, o } => PackedMix::Attention {
                    qkv: pack(Packing::Panels, qkv),
                    o: pack(Packing::Panels, o),
                },
                MixWeights::Conv(kernel) => PackedMix::Conv(pack(Packing::Panels, kernel)),
            },
            gate_up: pack(gate_up[1], &weights.mlp.gate_up),
            down: pack(Packing::Panels, &weights.mlp.down),
        }
    }

    /// Packs new values of the same weights, as they stand or transposed as they were, without allocating.
    pub(crate) fn repack(
        &mut self,
        isa: Isa,
        weights: &LayerWeights,
        entries: impl Fn(&AlignedMatrix) -> Entries<'_>,
    ) {
        match (&mut self.mix, &weights.mix) {
            (PackedMix::Mlp { gate_up, down }, MixWeights::Mlp(w)) => {
                gate_up.repack(isa, entries(&w.gate_up));
                down.repack(isa, entries(&w.down));
            }
            (PackedMix::Attention { qkv, o }, MixWeights::Attention { qkv: q, o: p }) => {
                qkv.repack(isa, entries(q));
                o.repack(isa, entries(p));
            }
            (PackedMix::Conv(kernel), MixWeights::Conv(k)) => kernel.repack(isa, entries(k)),
            _ => panic!("weights of another mixer"),
        }
        self.gate_up.repack(isa, entries(&weights.mlp.gate_up));
        self.down.repack(isa, entries(&weights.mlp.down));
    }
}

#[derive(Debug, Clone)]
pub(crate) enum PackedMix {
    Mlp {
        gate_up: PackedMatrix,
        down: PackedMatrix,
    },
    Attention {
        qkv: PackedMatrix,
        o: PackedMatrix,
    },
    Conv(PackedMatrix),
}

/// cos and sin of the rotary angles, `half` numbers a position.
#[derive(Debug, Clone)]
pub(crate) struct RotaryTable {
    pub(crate) cos: Vec<f32>,
    pub(crate) sin: Vec<f32>,
    pub(crate) half: usize,
}

/// A model ready to run: immutable, shared by all workers.
#[derive(Debug, Clone)]
pub struct PackedModel {
    pub(crate) isa: Isa,
    pub(crate) config: TrmConfig,
    pub(crate) layers: Vec<PackedLayer>,
    pub(crate) rotary: Option<RotaryTable>,
    pub(crate) lm_head: PackedMatrix,
    pub(crate) q_head: AlignedMatrix,
    pub(crate) q_bias: [f32; 2],
    pub(crate) embed_tokens: AlignedMatrix,
    pub(crate) puzzle_emb: Option<AlignedMatrix>,
    pub(crate) embed_pos: Option<AlignedMatrix>,
    pub(crate) h_init: AlignedMatrix,
    pub(crate) l_init: AlignedMatrix,
}

/// Models larger than this do not stay in the second-level cache from one layer to the next.
const STREAM_BYTES: usize = 1 << 20;

/// Weights of a linear layer that can be packed: a model's own, or the f32 of a training.
pub trait Pack {
    /// Packs them for products on `isa`.
    fn pack(&self, isa: Isa, packing: Packing) -> PackedMatrix;
}

impl Pack for AlignedMatrix {
    fn pack(&self, isa: Isa, packing: Packing) -> PackedMatrix {
        PackedMatrix::of_floats(isa, packing, self)
    }
}

impl Pack for Linear {
    fn pack(&self, isa: Isa, packing: Packing) -> PackedMatrix {
        PackedMatrix::new(isa, packing, self)
    }
}

impl PackedModel {
    /// Packs the weights of a model for an instruction set.
    pub fn new<M: Pack>(isa: Isa, config: &TrmConfig, weights: &TrmWeights<M>) -> Self {
        let mut packed = Self::without_table(isa, config, weights);
        packed.puzzle_emb = weights.puzzle_emb.clone();
        packed
    }

    /// The same without the puzzle table, which may be large: its rows are given with each question.
    pub(crate) fn without_table<M: Pack>(
        isa: Isa,
        config: &TrmConfig,
        weights: &TrmWeights<M>,
    ) -> Self {
        Self::packed_by(isa, config, weights, |packing, w| w.pack(isa, packing))
    }

    /// The weights of a training without its puzzle table, rounded to f32 or bfloat16; see [`PackedModel::repack`].
    pub(crate) fn rounded(
        isa: Isa,
        config: &TrmConfig,
        weights: &TrmWeights,
        precision: Precision,
    ) -> Self {
        Self::packed_by(isa, config, weights, |packing, w| {
            PackedMatrix::rounded(isa, packing, precision, Entries::of(w))
        })
    }

    fn packed_by<M>(
        isa: Isa,
        config: &TrmConfig,
        weights: &TrmWeights<M>,
        pack: impl Fn(Packing, &M) -> PackedMatrix,
    ) -> Self {
        let mut packed = PackedModel {
            isa,
            layers: weights
                .layers
                .iter()
                .map(|layer| {
                    let gate_up = [Packing::PairRows, Packing::PairPanels];
                    PackedLayer::packed_by(layer, gate_up, &pack)
                })
                .collect(),
            rotary: config.is_rotary().then(|| RotaryTable::new(config)),
            lm_head: weights.lm_head.pack(isa, Packing::Panels),
            q_head: weights.q_head.clone(),
            q_bias: [weights.q_bias.row(0)[0], weights.q_bias.row(0)[1]],
            embed_tokens: weights.embed_tokens.clone(),
            puzzle_emb: None,
            embed_pos: weights.embed_pos.clone(),
            h_init: weights.h_init.clone(),
            l_init: weights.l_init.clone(),
            config: config.clone(),
        };
        let stream = packed.bytes() > STREAM_BYTES;
        for matrix in packed.matrices_mut() {
            matrix.stream = stream;
        }
        packed
    }

    /// Packs new values of the same weights, without allocating; all but those of the puzzle table.
    pub fn repack(&mut self, weights: &TrmWeights) {
        let isa = self.isa;
        for (packed, weights) in self.layers.iter_mut().zip(&weights.layers) {
            packed.repack(isa, weights, Entries::of);
        }
        self.lm_head.repack(isa, Entries::of(&weights.lm_head));
        let copy = |to: &mut AlignedMatrix, from: &AlignedMatrix| {
            to.padded_mut().copy_from_slice(from.padded());
        };
        copy(&mut self.q_head, &weights.q_head);
        self.q_bias = [weights.q_bias.row(0)[0], weights.q_bias.row(0)[1]];
        copy(&mut self.embed_tokens, &weights.embed_tokens);
        if let (Some(to), Some(from)) = (&mut self.embed_pos, &weights.embed_pos) {
            copy(to, from);
        }
    }

    fn matrices_mut(&mut self) -> impl Iterator<Item = &mut PackedMatrix> {
        self.layers.iter_mut().flat_map(|layer| {
            let (a, b) = match &mut layer.mix {
                PackedMix::Mlp { gate_up, down } => (gate_up, Some(down)),
                PackedMix::Attention { qkv, o } => (qkv, Some(o)),
                PackedMix::Conv(kernel) => (kernel, None),
            };
            let mix = std::iter::once(a).chain(b);
            mix.chain([&mut layer.gate_up, &mut layer.down])
        })
    }

    /// All linear layers and the output layer.
    fn matrices(&self) -> impl Iterator<Item = &PackedMatrix> {
        let layers = self.layers.iter().flat_map(|layer| {
            let (a, b) = match &layer.mix {
                PackedMix::Mlp { gate_up, down } => (gate_up, Some(down)),
                PackedMix::Attention { qkv, o } => (qkv, Some(o)),
                PackedMix::Conv(kernel) => (kernel, None),
            };
            let mix = std::iter::once(a).chain(b);
            mix.chain([&layer.gate_up, &layer.down])
        });
        layers.chain([&self.lm_head])
    }

    /// The least exact precision in which its linear layers are multiplied.
    pub fn precision(&self) -> Precision {
        let precisions = self.matrices().map(|m| m.precision);
        precisions.max().unwrap_or(Precision::F32)
    }

    /// Bytes of its weights in memory.
    pub fn bytes(&self) -> usize {
        let tables = [
            Some(&self.q_head),
            Some(&self.embed_tokens),
            self.puzzle_emb.as_ref(),
            self.embed_pos.as_ref(),
        ];
        let tables = tables.into_iter().flatten().map(AlignedMatrix::bytes);
        self.matrices().map(PackedMatrix::bytes).sum::<usize>() + tables.sum::<usize>()
    }

    /// A row of the puzzle table; empty where there is none.
    pub(crate) fn puzzle_row(&self, puzzle: usize) -> &[f32] {
        self.puzzle_emb
            .as_ref()
            .map_or(&[], |table| table.row(puzzle))
    }

    /// The architecture.
    pub fn config(&self) -> &TrmConfig {
        &self.config
    }

    /// The instruction set it was packed for.
    pub fn isa(&self) -> Isa {
        self.isa
    }
}

impl RotaryTable {
    fn new(config: &TrmConfig) -> Self {
        let half = config.head_dim() / 2;
        // In f32 throughout, as the reference computes it: channel i of `of` turns with this many radians a position.
        let frequency = |i: usize, of: usize| {
            let exponent = (2 * i) as f32 / (2 * of) as f32;
            1.0 / config.rope_theta.powf(exponent)
        };
        let angle = |position: usize, i: usize| match config.positions {
            Positions::Grid { cols } => match position.checked_sub(config.puzzle_emb_len) {
                // Both halves have the same frequencies, as rows and columns are alike.
                Some(cell) if i < half / 2 => (cell / cols) as f32 * frequency(i, half / 2),
                Some(cell) => (cell % cols) as f32 * frequency(i - half / 2, half / 2),
                None => 0.0,
            },
            _ => position as f32 * frequency(i, half),
        };
        let angles = (0..config.positions_len())
            .flat_map(|position| (0..half).map(move |i| angle(position, i)));
        RotaryTable {
            cos: angles.clone().map(f32::cos).collect(),
            sin: angles.map(f32::sin).collect(),
            half,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::config::{Mixer, tests::small};

    #[test]
    fn a_grids_heads_turn_by_row_and_by_column() {
        let config = TrmConfig {
            mixer: Mixer::Attention,
            positions: Positions::Grid { cols: 4 },
            hidden_size: 32,
            num_heads: 4,
            ..small()
        };
        config.validate().unwrap();
        let RotaryTable { cos, sin, half } = RotaryTable::new(&config);
        assert_eq!((half, cos.len()), (4, 4 * config.positions_len()));
        // Two positions of prefix, then rows of four cells.
        for (position, row, col) in [
            (0, 0, 0),
            (1, 0, 0),
            (2, 0, 0),
            (5, 0, 3),
            (6, 1, 0),
            (17, 3, 3),
        ] {
            for (i, place) in [row, row, col, col].into_iter().enumerate() {
                let frequency = if i % 2 == 0 { 1.0 } else { 1e4f32.powf(-0.5) };
                let angle = place as f32 * frequency;
                let found = [cos[position * half + i], sin[position * half + i]];
                assert!((found[0] - angle.cos()).abs() < 1e-6, "{position}, {i}");
                assert!((found[1] - angle.sin()).abs() < 1e-6, "{position}, {i}");
            }
        }
    }
}
