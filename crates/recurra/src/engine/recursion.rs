//! One improvement step: the recursion itself.

use super::arena::TrmBufferPool;
use super::packed::PackedModel;
use crate::network::heads::{self, Head};
use crate::network::team::{Member, Team};
use crate::network::{Latent, Network};
use rand_chacha::ChaCha8Rng;
use recurra_kernels::AlignedMatrix;

impl PackedModel {
    pub(crate) fn head_kind(&self) -> &'static dyn Head {
        heads::of(&self.stack.config)
    }

    /// Input embeddings of a question. Tokens have been checked; `row` is that of the puzzle table, empty if there is none.
    pub(crate) fn embed(&self, question: &[u16], row: &[f32], x: &mut AlignedMatrix) {
        let config = &self.stack.config;
        self.head_kind().embed(config, &self.head, question, row, x);
    }

    /// Sets z_H and z_L to the model's initial states, or to random ones.
    pub(crate) fn reset(
        &self,
        z_h: &mut AlignedMatrix,
        z_l: &mut AlignedMatrix,
        random: Option<&mut ChaCha8Rng>,
    ) {
        match random {
            Some(rng) => self.head_kind().random_states([z_h, z_l], rng),
            None => {
                heads::begin(z_h, &self.head.h_init);
                heads::begin(z_l, &self.head.l_init);
            }
        }
    }

    /// Logits of all tokens from z_H.
    pub(crate) fn decode(&self, z_h: &mut AlignedMatrix, logits: &mut AlignedMatrix) {
        let network = Network::new(&self.stack, Member::ALONE);
        let (z_h, logits) = (z_h.view(), logits.view());
        self.head_kind()
            .decode(&network, &self.stack.config, &self.head, z_h, logits);
    }

    /// Logits of "halt" and "continue" from z_H.
    pub(crate) fn halt_logits(&self, z_h: &AlignedMatrix) -> [f32; 2] {
        self.head_kind().halt(&self.head, z_h)
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
