//! A token at each position, behind a prefix from the puzzle table.

use super::{Head, HeadSums, HeadWeights, halt_logits};
use crate::network::Network;
use crate::network::config::TrmConfig;
use crate::network::states::random_state;
use rand_chacha::ChaCha8Rng;
use recurra_kernels::AlignedMatrix;
use recurra_kernels::product::Rhs;
use recurra_kernels::view::View;

/// The head of the reference implementation.
pub(super) struct TokenHead;

/// 1/sqrt(2): token and position embedding together keep the variance of one.
const LEARNED_SCALE: f32 = std::f32::consts::FRAC_1_SQRT_2;

impl Head for TokenHead {
    fn table_rows(&self, config: &TrmConfig) -> [usize; 2] {
        [config.vocab_size; 2]
    }

    /// Prefix, tokens, learned positions, scaled.
    fn embed(
        &self,
        config: &TrmConfig,
        weights: &HeadWeights,
        question: &[u16],
        row: &[f32],
        x: &mut AlignedMatrix,
    ) {
        let scale = (config.hidden_size as f64).sqrt() as f32;
        let mut row = row.iter();
        for p in 0..config.puzzle_emb_len {
            for to in x.row_mut(p) {
                *to = row.next().copied().unwrap_or(0.0);
            }
        }
        for (p, &token) in question.iter().enumerate() {
            x.row_mut(config.puzzle_emb_len + p)
                .copy_from_slice(weights.embed_tokens.row(token.into()));
        }
        for p in 0..config.positions_len() {
            let row = x.row_mut(p);
            if let Some(positions) = &weights.embed_pos {
                for (to, from) in row.iter_mut().zip(positions.row(p)) {
                    *to = LEARNED_SCALE * (*to + from);
                }
            }
            for to in row {
                *to *= scale;
            }
        }
    }

    /// The same for all positions.
    fn own_states(&self, _: &TrmConfig, stored: [&AlignedMatrix; 2]) -> [AlignedMatrix; 2] {
        stored.map(AlignedMatrix::clone)
    }

    fn random_states(&self, z: [&mut AlignedMatrix; 2], rng: &mut ChaCha8Rng) {
        z.into_iter().for_each(|z| random_state(z, rng));
    }

    fn decode(
        &self,
        network: &Network,
        config: &TrmConfig,
        weights: &HeadWeights,
        z_h: View,
        logits: View,
    ) {
        let prefix = config.puzzle_emb_len;
        network.product(
            config.seq_len,
            config.vocab_size,
            config.hidden_size,
            z_h.at(prefix, 0).lhs(),
            Rhs::Packed(&weights.lm_head_packed),
            logits.at(prefix, 0).store(),
        );
    }

    /// From the first position.
    fn halt(&self, weights: &HeadWeights, z_h: &AlignedMatrix) -> [f32; 2] {
        halt_logits(weights, z_h.row(0))
    }

    fn outputs_backward(
        &self,
        network: &Network,
        config: &TrmConfig,
        weights: &HeadWeights,
        d_logits: View,
        d_halt: f32,
        z_h: &mut AlignedMatrix,
        dz: &mut AlignedMatrix,
        sums: HeadSums<'_>,
    ) {
        let (prefix, d) = (config.puzzle_emb_len, config.hidden_size);
        let (places, vocab) = (config.seq_len, config.vocab_size);
        dz.padded_mut().fill(0.0);
        let logits = d_logits.at(prefix, 0);
        let head = weights.lm_head.view_const().rhs();
        let to = dz.view().at(prefix, 0).store();
        network.product(places, d, vocab, logits.lhs(), head, to);
        let z = z_h.view().at(prefix, 0).rhs();
        let to = sums.lm_head.view().add();
        network.product(vocab, d, places, logits.transposed_lhs(), z, to);
        for (g, w) in dz.row_mut(0).iter_mut().zip(weights.q_head.row(0)) {
            *g += d_halt * w;
        }
        for (g, z) in sums.q_head.row_mut(0).iter_mut().zip(z_h.row(0)) {
            *g += d_halt * z;
        }
        sums.q_bias.row_mut(0)[0] += d_halt;
    }

    fn embed_backward(
        &self,
        config: &TrmConfig,
        question: &[u16],
        dx: &AlignedMatrix,
        sums: HeadSums<'_>,
        row: &mut [f32],
    ) {
        let (prefix, d) = (config.puzzle_emb_len, config.hidden_size);
        let mut scale = (d as f64).sqrt() as f32;
        if let Some(positions) = sums.embed_pos {
            scale *= LEARNED_SCALE;
            for (to, from) in positions.padded_mut().iter_mut().zip(dx.padded()) {
                *to += scale * from;
            }
        }
        for (i, &token) in question.iter().enumerate() {
            let to = sums.embed_tokens.row_mut(token.into());
            for (to, from) in to.iter_mut().zip(dx.row(prefix + i)) {
                *to += scale * from;
            }
        }
        for (i, to) in row.iter_mut().enumerate() {
            *to = scale * dx.row(i / d)[i % d];
        }
    }
}
