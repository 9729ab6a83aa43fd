//! What stands before and behind the recursion: a head makes the input of a question, reads an answer and the halting
//! logit from the state, and carries gradients through both. One file each.

mod candidates;
mod tokens;

pub(crate) use candidates::MOST_CHANNELS;

use super::Network;
use super::config::TrmConfig;
use rand_chacha::ChaCha8Rng;
use recurra_kernels::view::View;
use recurra_kernels::{AlignedMatrix, PackedMatrix};

/// A head's weights, as the forward pass reads them.
#[derive(Debug, Clone)]
pub(crate) struct HeadWeights {
    /// `[inputs, hidden]`.
    pub(crate) embed_tokens: AlignedMatrix,
    /// `[outputs, hidden]`, as it stands and packed.
    pub(crate) lm_head: AlignedMatrix,
    pub(crate) lm_head_packed: PackedMatrix,
    /// `[2, hidden]`: halt and continue.
    pub(crate) q_head: AlignedMatrix,
    pub(crate) q_bias: [f32; 2],
    /// `[positions, hidden]`, if positions are learned.
    pub(crate) embed_pos: Option<AlignedMatrix>,
    /// States before the first step: a row for each position, or one for all.
    pub(crate) h_init: AlignedMatrix,
    pub(crate) l_init: AlignedMatrix,
}

/// Where the gradients of a head's weights are summed.
pub(crate) struct HeadSums<'a> {
    pub(crate) embed_tokens: &'a mut AlignedMatrix,
    pub(crate) lm_head: &'a mut AlignedMatrix,
    pub(crate) q_head: &'a mut AlignedMatrix,
    pub(crate) q_bias: &'a mut AlignedMatrix,
    pub(crate) embed_pos: Option<&'a mut AlignedMatrix>,
}

/// A kind of head.
pub(crate) trait Head: Sync {
    /// Rows of the table of inputs, and of that of outputs.
    fn table_rows(&self, config: &TrmConfig) -> [usize; 2];

    /// Input embeddings of a question. Tokens have been checked; `row` is that of the puzzle table, empty if there is none.
    fn embed(
        &self,
        config: &TrmConfig,
        weights: &HeadWeights,
        question: &[u16],
        row: &[f32],
        x: &mut AlignedMatrix,
    );

    /// The model's own z_H and z_L before the first step, as [`HeadWeights`] holds them, of those in its file.
    fn own_states(&self, config: &TrmConfig, stored: [&AlignedMatrix; 2]) -> [AlignedMatrix; 2];

    /// Random states for z_H and z_L to begin in.
    fn random_states(&self, z: [&mut AlignedMatrix; 2], rng: &mut ChaCha8Rng);

    /// Logits of all tokens from z_H, for each place of the question: `[positions, vocab]`, places behind the prefix.
    fn decode(
        &self,
        network: &Network,
        config: &TrmConfig,
        weights: &HeadWeights,
        z_h: View,
        logits: View,
    );

    /// Logits of "halt" and "continue" from z_H.
    fn halt(&self, weights: &HeadWeights, z_h: &AlignedMatrix) -> [f32; 2];

    /// From the gradients of logits (as [`Head::decode`] lays them out) and of the halting logit to `dz`, that of z_H, which is
    /// overwritten. Weights' gradients are added to `sums`.
    #[allow(clippy::too_many_arguments)]
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
    );

    /// From `dx`, the gradient of the input, to the embeddings, and to the row of the puzzle table.
    fn embed_backward(
        &self,
        config: &TrmConfig,
        question: &[u16],
        dx: &AlignedMatrix,
        sums: HeadSums<'_>,
        row: &mut [f32],
    );
}

/// The head of a model: candidates where its task declares groups, otherwise tokens.
pub(crate) fn of(config: &TrmConfig) -> &'static dyn Head {
    match config.groups {
        Some(_) => &candidates::Candidates,
        None => &tokens::TokenHead,
    }
}

/// Sets a state to one of [`HeadWeights`].
pub(crate) fn begin(z: &mut AlignedMatrix, own: &AlignedMatrix) {
    for p in 0..z.rows() {
        z.row_mut(p).copy_from_slice(own.row(p % own.rows()));
    }
}

/// `q_head z + q_bias`.
fn halt_logits(weights: &HeadWeights, z: &[f32]) -> [f32; 2] {
    [0, 1].map(|i| {
        let products = weights.q_head.row(i).iter().zip(z);
        products.map(|(a, b)| a * b).sum::<f32>() + weights.q_bias[i]
    })
}
