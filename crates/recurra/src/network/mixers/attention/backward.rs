//! Attention, backward.

use super::{Size, W_O, W_QKV};
use crate::network::config::TrmConfig;
use crate::network::pass::Pass;
use recurra_kernels::attention::{Rotate, SoftmaxRowsBackward};
use recurra_kernels::epilogue::StoreScaled;
use recurra_kernels::matrix::LINE;
use recurra_kernels::view::{Units, View, copy_rows, transpose};
use recurra_kernels::{AlignedMatrix, PackedMatrix};

/// Memory: the gradient of what the heads found, `[positions, hidden]`, and of queries, keys and values, `[positions, 3 *
/// hidden]`; keys of all heads transposed, as the forward pass lays them out; probabilities of a head and their gradient,
/// `[positions, positions]`; one head's rows and a result, `[positions, head_dim]`, as right factors start on whole vectors; its
/// values transposed, `[head_dim, positions]`.
const D_OUT: usize = 0;
const D_QKV: usize = 1;
const KEYS: usize = 2;
const P: usize = 3;
const DP: usize = 4;
const HEAD: usize = 5;
const RESULT: usize = 6;
const VALUES_T: usize = 7;

/// The sizes of that memory.
pub(super) fn space(config: &TrmConfig) -> Vec<Size> {
    let (l, d, head_dim) = (
        config.positions_len(),
        config.hidden_size,
        config.head_dim(),
    );
    vec![
        [l, d + LINE],
        [l, 3 * d],
        [d, l],
        [l, l],
        [l, l],
        [l, head_dim],
        [l, head_dim],
        [head_dim, l],
    ]
}

impl Pass<'_> {
    /// `dy` is the gradient of `x + o(attention(qkv(x)))`, and becomes that of `x`. Probabilities are computed
    /// again: keeping them for every call would cost positions^2 numbers a head. What heads do between the linear layers is done in
    /// f32.
    pub(super) fn attention(
        self,
        [w_qkv, w_o]: [&PackedMatrix; 2],
        [x, qkv, out]: [View; 3],
        dy: View,
        memory: &[Units],
        to: &mut [AlignedMatrix],
    ) {
        let (network, a) = (self.network, self.arithmetic);
        let (l, d, heads) = (network.l, network.d, network.heads);
        let head_dim = d / heads;
        let view = |i: usize| memory[i].view();
        let (d_out, d_qkv, keys) = (view(D_OUT), view(D_QKV), view(KEYS));
        let (p, dp) = (view(P), view(DP));
        let (head, result, values_t) = (view(HEAD), view(RESULT), view(VALUES_T));
        let found = a.cols(out, l, d, self.input);
        self.add_gradient(a.cols(dy, l, d, self.dy), found, &mut to[W_O]);
        self.through(w_o, dy, d_out.store());
        network.transpose_keys(qkv, keys, 0, l);
        let scaled = StoreScaled {
            ptr: result.ptr,
            stride: result.stride,
            factor: network.attention_scale(),
        };
        for h in 0..heads {
            let [query, key, value] = [0, 1, 2].map(|part| qkv.at(0, part * d + h * head_dim));
            let [d_query, d_key, d_value] =
                [0, 1, 2].map(|part| d_qkv.at(0, part * d + h * head_dim));
            network.scores(qkv, keys, p, h, (0, l));
            network.softmax(p, l);
            // The head's part of `d_out` is a left factor as it stands, and a right factor once copied.
            let d_head = d_out.at(0, h * head_dim);
            copy_rows(d_head, head, l, head_dim);
            network.product(
                l,
                head_dim,
                l,
                p.transposed_lhs(),
                head.rhs(),
                result.store(),
            );
            copy_rows(result, d_value, l, head_dim);
            transpose(value.units(), values_t.units(), l, head_dim);
            network.product(l, l, head_dim, d_head.lhs(), values_t.rhs(), dp.store());
            network.isa.run(SoftmaxRowsBackward {
                p,
                dp,
                rows: l,
                cols: l,
            });
            copy_rows(key, head, l, head_dim);
            network.product(l, head_dim, l, dp.lhs(), head.rhs(), scaled);
            copy_rows(result, d_query, l, head_dim);
            copy_rows(query, head, l, head_dim);
            network.product(l, head_dim, l, dp.transposed_lhs(), head.rhs(), scaled);
            copy_rows(result, d_key, l, head_dim);
        }
        if let [cos, sin] = &network.tables.floats[..] {
            network.isa.run(Rotate {
                x: d_qkv,
                rows: l,
                heads: 2 * heads,
                cos,
                sin,
                half: head_dim / 2,
                back: true,
            });
        }
        let x = a.cols(x, l, d, self.input);
        self.add_gradient(a.cols(d_qkv, l, 3 * d, self.output), x, &mut to[W_QKV]);
        self.through(w_qkv, d_qkv, dy.add());
    }
}
