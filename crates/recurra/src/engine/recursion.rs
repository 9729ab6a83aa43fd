//! One improvement step: the recursion itself.

use super::arena::TrmBufferPool;
use super::packed::PackedModel;
use crate::kernels::AlignedMatrix;
use crate::kernels::product::Rhs;
use crate::kernels::view::View;
use crate::network::team::{Member, Team};
use crate::network::{Latent, Network};

impl PackedModel {
    /// Input embeddings of a question: prefix, tokens, learned positions, scaled.
    ///
    /// Tokens have been checked; `row` is that of the puzzle table, empty if there is none.
    pub(crate) fn embed(&self, question: &[u16], row: &[f32], x: &mut AlignedMatrix) {
        let config = &self.stack.config;
        let scale = (config.hidden_size as f64).sqrt() as f32;
        let mut row = row.iter();
        for p in 0..config.puzzle_emb_len {
            for to in x.row_mut(p) {
                *to = row.next().copied().unwrap_or(0.0);
            }
        }
        for (p, &token) in question.iter().enumerate() {
            x.row_mut(config.puzzle_emb_len + p)
                .copy_from_slice(self.embed_tokens.row(token.into()));
        }
        for p in 0..config.positions_len() {
            let row = x.row_mut(p);
            if let Some(positions) = &self.embed_pos {
                for (to, from) in row.iter_mut().zip(positions.row(p)) {
                    *to = LEARNED_SCALE * (*to + from);
                }
            }
            for to in row {
                *to *= scale;
            }
        }
    }

    /// Sets z_H and z_L to the model's initial states.
    pub(crate) fn reset(&self, z_h: &mut AlignedMatrix, z_l: &mut AlignedMatrix) {
        for p in 0..self.stack.config.positions_len() {
            z_h.row_mut(p).copy_from_slice(self.h_init.row(0));
            z_l.row_mut(p).copy_from_slice(self.l_init.row(0));
        }
    }

    /// Logits of all tokens from z_H.
    pub(crate) fn decode(&self, z_h: View, logits: &mut AlignedMatrix) {
        let config = &self.stack.config;
        let prefix = config.puzzle_emb_len;
        Network::new(&self.stack, Member::ALONE).product(
            config.seq_len,
            config.vocab_size,
            config.hidden_size,
            z_h.at(prefix, 0).lhs(),
            Rhs::Packed(&self.lm_head),
            logits.view().at(prefix, 0).store(),
        );
    }

    /// Logits of "halt" and "continue" from the first position of z_H.
    pub(crate) fn halt_logits(&self, first: &[f32]) -> [f32; 2] {
        [0, 1].map(|i| {
            let dot: f32 = self
                .q_head
                .row(i)
                .iter()
                .zip(first)
                .map(|(a, b)| a * b)
                .sum();
            dot + self.q_bias[i]
        })
    }

    /// One improvement step by a team: `h_cycles` cycles.
    pub(crate) fn step(&self, pool: &mut TrmBufferPool, team: &mut Team) {
        let latent = Latent {
            x: pool.x.view(),
            z_h: pool.z_h.view(),
            z_l: pool.z_l.view(),
        };
        let scratch = pool.scratch.views();
        team.run(&|member| {
            let network = Network::new(&self.stack, member);
            for _ in 0..self.stack.config.h_cycles {
                network.cycle(self.stack.config.l_cycles, latent, scratch, &mut []);
            }
        });
    }
}

/// 1/sqrt(2): token and position embedding together keep the variance of one.
pub(crate) const LEARNED_SCALE: f32 = std::f32::consts::FRAC_1_SQRT_2;
