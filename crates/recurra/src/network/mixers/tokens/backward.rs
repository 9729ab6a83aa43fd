//! Attention among a sample's tokens, backward.

use super::{MOST_TOKENS, Size, W_O, W_QKV, add_scaled, attention, dot, part, part_mut};
use crate::network::config::TrmConfig;
use crate::network::pass::Pass;
use recurra_kernels::view::{Units, View};
use recurra_kernels::{AlignedMatrix, PackedMatrix};

/// Memory: the gradient of what the heads found, `[rows, hidden]`, and of queries, keys and values, `[rows, 3 * hidden]`.
const D_OUT: usize = 0;
const D_QKV: usize = 1;

/// The sizes of that memory.
pub(super) fn space(config: &TrmConfig) -> Vec<Size> {
    let (l, d) = (config.positions_len(), config.hidden_size);
    vec![[l, d], [l, 3 * d]]
}

impl Pass<'_> {
    /// `dy` is the gradient of `x + o(attention(qkv(x)))`, and becomes that of `x`. Probabilities are computed again.
    pub(super) fn tokens(
        self,
        [w_qkv, w_o]: [&PackedMatrix; 2],
        [x, qkv, out]: [View; 3],
        dy: View,
        memory: &[Units],
        to: &mut [AlignedMatrix],
    ) {
        let (network, a) = (self.network, self.arithmetic);
        let (l, d, block) = (network.l, network.d, network.block);
        let (d_out, d_qkv) = (memory[D_OUT].view(), memory[D_QKV].view());
        let found = a.cols(out, l, d, self.input);
        self.add_gradient(a.cols(dy, l, d, self.dy), found, &mut to[W_O]);
        self.through(w_o, dy, d_out.store());
        for row in 0..l {
            // SAFETY: the memory has a row of `3 d` numbers for each of the state.
            unsafe { part_mut(d_qkv, row, 0, 3 * d) }.fill(0.0);
        }
        for sample in 0..l / block {
            // SAFETY: the state has whole samples of `block` rows, and so have the memory and the tape.
            unsafe { self.sample_backward(qkv, d_out, d_qkv, sample * block) }
        }
        let x = a.cols(x, l, d, self.input);
        self.add_gradient(a.cols(d_qkv, l, 3 * d, self.output), x, &mut to[W_QKV]);
        self.through(w_qkv, d_qkv, dy.add());
    }

    /// From `d_out` to `d_qkv`, to which it is added, for the sample that begins at row `first`.
    ///
    /// # Safety
    /// All views hold its rows, and nobody else uses those of `d_qkv`.
    unsafe fn sample_backward(&self, qkv: View, d_out: View, d_qkv: View, first: usize) {
        let (d, block) = (self.network.d, self.network.block);
        let head_dim = d / self.network.heads;
        let scale = 1.0 / (head_dim as f32).sqrt();
        let (mut p, mut dp) = ([0.0; MOST_TOKENS], [0.0; MOST_TOKENS]);
        for head in 0..self.network.heads {
            let at = |part: usize| part * d + head * head_dim;
            for row in 0..block {
                // SAFETY: as the caller promises; no two slices that are used at the same time overlap in `d_qkv`.
                unsafe {
                    attention(qkv, [first, row, block], [head, head_dim, d], &mut p);
                    let dy = part(d_out, first + row, head * head_dim, head_dim);
                    let mut mean = 0.0;
                    for j in 0..block {
                        dp[j] = dot(dy, part(qkv, first + j, at(2), head_dim));
                        mean += p[j] * dp[j];
                        add_scaled(part_mut(d_qkv, first + j, at(2), head_dim), p[j], dy);
                    }
                    let query = part(qkv, first + row, at(0), head_dim);
                    for j in 0..block {
                        let slope = scale * p[j] * (dp[j] - mean);
                        let key = part(qkv, first + j, at(1), head_dim);
                        add_scaled(part_mut(d_qkv, first + row, at(0), head_dim), slope, key);
                        add_scaled(part_mut(d_qkv, first + j, at(1), head_dim), slope, query);
                    }
                }
            }
        }
    }
}
