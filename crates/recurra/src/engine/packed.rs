//! A model's weights in the order in which the kernels read them.

use crate::model::{TrmConfig, TrmWeights};
use crate::network::heads::{self, HeadWeights};
use crate::network::stack::{Pack, PackedLayer, Stack};
use recurra_kernels::pack::Entries;
use recurra_kernels::{AlignedMatrix, Isa, PackedMatrix, Packing, Precision};

/// A model ready to run: immutable, shared by all workers.
#[derive(Debug, Clone)]
pub struct PackedModel {
    pub(crate) stack: Stack,
    pub(crate) head: HeadWeights,
    pub(crate) puzzle_emb: Option<AlignedMatrix>,
}

/// Models larger than this do not stay in the second-level cache from one layer to the next.
const STREAM_BYTES: usize = 1 << 20;

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
        let stored = [&weights.h_init, &weights.l_init];
        let [h_init, l_init] = heads::of(config).own_states(config, stored);
        let mut packed = PackedModel {
            stack: Stack::new(isa, config, &weights.layers, pack),
            head: HeadWeights {
                lm_head_packed: weights.lm_head.pack(isa, Packing::Panels),
                lm_head: weights.lm_head.clone(),
                q_head: weights.q_head.clone(),
                q_bias: [weights.q_bias.row(0)[0], weights.q_bias.row(0)[1]],
                embed_tokens: weights.embed_tokens.clone(),
                embed_pos: weights.embed_pos.clone(),
                h_init,
                l_init,
            },
            puzzle_emb: None,
        };
        let stream = packed.bytes() > STREAM_BYTES;
        for matrix in packed.matrices_mut() {
            matrix.stream = stream;
        }
        packed
    }

    /// Packs new values of the same weights, without allocating; all but those of the puzzle table.
    pub fn repack(&mut self, weights: &TrmWeights) {
        let isa = self.stack.isa;
        for (packed, weights) in self.stack.layers.iter_mut().zip(&weights.layers) {
            packed.repack(isa, weights, Entries::of);
        }
        let head = &mut self.head;
        head.lm_head_packed
            .repack(isa, Entries::of(&weights.lm_head));
        let copy = |to: &mut AlignedMatrix, from: &AlignedMatrix| {
            to.padded_mut().copy_from_slice(from.padded());
        };
        copy(&mut head.lm_head, &weights.lm_head);
        copy(&mut head.q_head, &weights.q_head);
        head.q_bias = [weights.q_bias.row(0)[0], weights.q_bias.row(0)[1]];
        copy(&mut head.embed_tokens, &weights.embed_tokens);
        if let (Some(to), Some(from)) = (&mut head.embed_pos, &weights.embed_pos) {
            copy(to, from);
        }
    }

    fn matrices_mut(&mut self) -> impl Iterator<Item = &mut PackedMatrix> {
        let layers = self.stack.layers.iter_mut();
        layers.flat_map(PackedLayer::matrices_mut)
    }

    /// All linear layers and the output layer.
    fn matrices(&self) -> impl Iterator<Item = &PackedMatrix> {
        let layers = self.stack.layers.iter().flat_map(PackedLayer::matrices);
        layers.chain([&self.head.lm_head_packed])
    }

    /// The layers of a model in training, transposed for the backward pass.
    pub(crate) fn transposed(&self, weights: &TrmWeights) -> Vec<PackedLayer> {
        let (precision, stream) = (self.precision(), self.bytes() > STREAM_BYTES);
        let layers = weights.layers.iter();
        let transposed = |w| PackedLayer::transposed(&self.stack, w, precision, stream);
        layers.map(transposed).collect()
    }

    /// The least exact precision in which its linear layers are multiplied.
    pub fn precision(&self) -> Precision {
        let precisions = self.matrices().map(|m| m.precision);
        precisions.max().unwrap_or(Precision::F32)
    }

    /// Bytes of its weights in memory.
    pub fn bytes(&self) -> usize {
        let tables = [
            Some(&self.head.q_head),
            Some(&self.head.embed_tokens),
            self.puzzle_emb.as_ref(),
            self.head.embed_pos.as_ref(),
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
        &self.stack.config
    }

    /// The instruction set it was packed for.
    pub fn isa(&self) -> Isa {
        self.stack.isa
    }
}
