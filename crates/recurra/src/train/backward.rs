//! Gradients of one call of the network, derived by hand.
//!
//! All of it runs on one thread: training shares samples out over threads, not parts of a sample.

use super::gradient::Gradient;
use crate::engine::layer::Network;
use crate::engine::tape::{LayerTape, MixTape};
use crate::kernels::AlignedMatrix;
use crate::kernels::attention::{Rotate, SoftmaxRowsBackward};
use crate::kernels::epilogue::StoreScaled;
use crate::kernels::matrix::LINE;
use crate::kernels::norm::{NormColsBackward, NormRowsBackward};
use crate::kernels::swiglu::SwiGluBackward;
use crate::kernels::view::{View, copy_rows, transpose};
use crate::model::TrmConfig;
use crate::model::config::Mixer;
use crate::model::weights::{LayerWeights, MixWeights, SwiGluWeights};

/// Memory for the gradients of one layer's inner values.
#[derive(Debug)]
pub(crate) struct BackwardScratch {
    /// SwiGLU of the channels and its gradient, `[positions, width]`.
    act: AlignedMatrix,
    mix: MixBackwardScratch,
}

#[derive(Debug)]
enum MixBackwardScratch {
    Mlp {
        /// `[width, hidden]`.
        act: AlignedMatrix,
        /// `[hidden, positions]`: right factors of the weights' gradients.
        transposed: AlignedMatrix,
    },
    Attention(Box<AttentionScratch>),
    Conv {
        /// What positions see, and then its gradient: `[positions, seen]`.
        seen: AlignedMatrix,
        /// Means of positions, `[2, hidden]`.
        means: AlignedMatrix,
    },
}

#[derive(Debug)]
struct AttentionScratch {
    /// Gradient of what the heads found, `[positions, hidden]`.
    d_out: AlignedMatrix,
    /// Gradient of queries, keys and values, `[positions, 3 * hidden]`.
    d_qkv: AlignedMatrix,
    /// Transposed keys of all heads, as the forward pass lays them out.
    keys: AlignedMatrix,
    /// Probabilities of a head and their gradient, `[positions, positions]`.
    p: AlignedMatrix,
    dp: AlignedMatrix,
    /// One head's rows, `[positions, head_dim]`: right factors start on whole vectors.
    head: AlignedMatrix,
    result: AlignedMatrix,
    /// One head's values transposed, `[head_dim, positions]`.
    values_t: AlignedMatrix,
}

impl BackwardScratch {
    pub(crate) fn new(config: &TrmConfig) -> Self {
        let (l, d) = (config.positions_len(), config.hidden_size);
        let zeros = AlignedMatrix::zeros;
        let width = config.swiglu_width(d);
        BackwardScratch {
            act: zeros(l, width),
            mix: match config.mixer {
                Mixer::Mlp => MixBackwardScratch::Mlp {
                    act: zeros(config.swiglu_width(l), d),
                    transposed: zeros(d, l),
                },
                Mixer::Attention => {
                    let head_dim = config.head_dim();
                    MixBackwardScratch::Attention(Box::new(AttentionScratch {
                        d_out: zeros(l, d + LINE),
                        d_qkv: zeros(l, 3 * d),
                        keys: zeros(d, l),
                        p: zeros(l, l),
                        dp: zeros(l, l),
                        head: zeros(l, head_dim),
                        result: zeros(l, head_dim),
                        values_t: zeros(head_dim, l),
                    }))
                }
                Mixer::Conv => MixBackwardScratch::Conv {
                    seen: zeros(l, config.neighbours().width()),
                    means: zeros(2, d),
                },
            },
        }
    }
}

impl Network<'_> {
    /// Backward of one call: `dy`, the gradient of its result, becomes the gradient of its input (state plus
    /// injection), and the gradients of the weights are added to `sums`.
    pub(crate) fn call_backward(
        &self,
        weights: &[LayerWeights],
        tapes: &mut [LayerTape],
        dy: View,
        scratch: &mut BackwardScratch,
        sums: &mut Gradient,
    ) {
        let layers = weights.iter().zip(tapes).zip(&mut sums.weights.layers);
        for (((weights, tape), to), down_t) in layers.zip(&mut sums.down_transposed).rev() {
            let LayerTape {
                mix,
                middle,
                pre,
                out,
                inverse,
            } = tape;
            self.norm_rows_backward(out, dy, inverse);
            self.mlp_backward(
                &weights.mlp,
                middle.view(),
                pre.view(),
                dy,
                scratch,
                &mut to.mlp,
            );
            match (&weights.mix, mix, &mut scratch.mix, &mut to.mix) {
                (
                    MixWeights::Mlp(weights),
                    MixTape::Mlp { x, pre, inverse },
                    MixBackwardScratch::Mlp { act, transposed },
                    MixWeights::Mlp(to),
                ) => {
                    self.isa.run(NormColsBackward {
                        y: middle.view(),
                        dy,
                        rows: self.l,
                        cols: self.d,
                        inverse: inverse.row(0).as_ptr(),
                    });
                    let views = [act.view(), transposed.view()];
                    let to = [to.gate_up.view(), down_t.view()];
                    self.mix_mlp_backward(weights, x.view(), pre.view(), dy, views, to);
                }
                (
                    MixWeights::Attention { qkv: w_qkv, o: w_o },
                    MixTape::Attention {
                        x,
                        qkv,
                        out,
                        inverse,
                    },
                    MixBackwardScratch::Attention(scratch),
                    MixWeights::Attention {
                        qkv: to_qkv,
                        o: to_o,
                    },
                ) => {
                    self.norm_rows_backward(middle, dy, inverse);
                    let kept = [x.view(), qkv.view(), out.view()];
                    let weights = [w_qkv.view_const(), w_o.view_const()];
                    let to = [to_qkv.view(), to_o.view()];
                    self.attention_backward(weights, kept, dy, scratch, to);
                }
                (
                    MixWeights::Conv(kernel),
                    MixTape::Conv { x, inverse },
                    MixBackwardScratch::Conv { seen, means },
                    MixWeights::Conv(to),
                ) => {
                    self.norm_rows_backward(middle, dy, inverse);
                    let views = [seen.view(), means.view()];
                    self.conv_backward(kernel.view_const(), x.view(), dy, views, to.view());
                }
                _ => unreachable!("a tape of another mixer"),
            }
        }
    }

    /// `dy` is the gradient of `x + down(silu(gate) * up)`, and becomes that of `x`; `pre`, gates and ups, becomes
    /// their gradient.
    fn mlp_backward(
        &self,
        weights: &SwiGluWeights,
        x: View,
        pre: View,
        dy: View,
        scratch: &mut BackwardScratch,
        to: &mut SwiGluWeights,
    ) {
        let (l, d, width) = (self.l, self.d, weights.down.cols());
        let act = scratch.act.view();
        let (gate_up, down) = (weights.gate_up.view_const(), weights.down.view_const());
        self.product(l, width, d, dy.lhs(), down.rhs(), act.store());
        self.isa.run(SwiGluBackward {
            gate: pre,
            up: pre.at(0, width),
            act,
            rows: l,
            cols: width,
        });
        self.product(
            d,
            width,
            l,
            dy.transposed_lhs(),
            act.rhs(),
            to.down.view().add(),
        );
        self.product(
            2 * width,
            d,
            l,
            pre.transposed_lhs(),
            x.rhs(),
            to.gate_up.view().add(),
        );
        self.product(l, d, 2 * width, pre.lhs(), gate_up.rhs(), dy.add());
    }

    /// The same across positions. Scratch: act, a transposed matrix.
    /// Results: gradients of `gate_up` and of `down` transposed.
    fn mix_mlp_backward(
        &self,
        weights: &SwiGluWeights,
        x: View,
        pre: View,
        dy: View,
        [act, transposed]: [View; 2],
        [to_gate_up, to_down_t]: [View; 2],
    ) {
        let (l, d, width) = (self.l, self.d, weights.down.cols());
        let (gate_up, down) = (weights.gate_up.view_const(), weights.down.view_const());
        self.product(width, d, l, down.transposed_lhs(), dy.rhs(), act.store());
        self.isa.run(SwiGluBackward {
            gate: pre,
            up: pre.at(width, 0),
            act,
            rows: width,
            cols: d,
        });
        transpose(dy, transposed, l, d);
        self.product(width, l, d, act.lhs(), transposed.rhs(), to_down_t.add());
        transpose(x, transposed, l, d);
        self.product(
            2 * width,
            l,
            d,
            pre.lhs(),
            transposed.rhs(),
            to_gate_up.add(),
        );
        self.product(
            l,
            d,
            2 * width,
            gate_up.transposed_lhs(),
            pre.rhs(),
            dy.add(),
        );
    }

    /// `dy` is the gradient of `x + kernel(what positions see of x)`, and becomes that of `x`. Scratch: what they see, and means.
    fn conv_backward(
        &self,
        kernel: View,
        x: View,
        dy: View,
        [seen, means]: [View; 2],
        to_kernel: View,
    ) {
        let (l, d, width) = (self.l, self.d, self.neighbours.width());
        self.neighbours.gather_all(x, means, seen);
        self.product(
            d,
            width,
            l,
            dy.transposed_lhs(),
            seen.rhs(),
            to_kernel.add(),
        );
        // From here on `seen` is the gradient of what it was.
        self.product(l, width, d, dy.lhs(), kernel.rhs(), seen.store());
        self.neighbours.scatter(seen, means, dy);
    }

    /// `dy`, the gradient of `y`, rows that were divided by their root mean square, becomes that of the rows before.
    fn norm_rows_backward(&self, y: &mut AlignedMatrix, dy: View, inverse: &AlignedMatrix) {
        self.isa.run(NormRowsBackward {
            y: y.view(),
            dy,
            rows: self.l,
            cols: self.d,
            inverse: inverse.row(0).as_ptr(),
        });
    }

    /// `dy` is the gradient of `x + o(attention(qkv(x)))`, and becomes that of `x`. Probabilities are computed
    /// again: keeping them for every call would cost positions^2 numbers a head.
    fn attention_backward(
        &self,
        [w_qkv, w_o]: [View; 2],
        [x, qkv, out]: [View; 3],
        dy: View,
        scratch: &mut AttentionScratch,
        [to_qkv, to_o]: [View; 2],
    ) {
        let (l, d, heads) = (self.l, self.d, self.heads);
        let head_dim = d / heads;
        let d_out = scratch.d_out.view();
        let d_qkv = scratch.d_qkv.view();
        let keys = scratch.keys.view();
        let (p, dp) = (scratch.p.view(), scratch.dp.view());
        let (head, result) = (scratch.head.view(), scratch.result.view());
        let values_t = scratch.values_t.view();
        self.product(l, d, d, dy.lhs(), w_o.rhs(), d_out.store());
        self.product(d, d, l, dy.transposed_lhs(), out.rhs(), to_o.add());
        self.transpose_keys(qkv, keys, 0, l);
        let scaled = StoreScaled {
            ptr: result.ptr,
            stride: result.stride,
            factor: self.attention_scale(),
        };
        for h in 0..heads {
            let [query, key, value] = [0, 1, 2].map(|part| qkv.at(0, part * d + h * head_dim));
            let [d_query, d_key, d_value] =
                [0, 1, 2].map(|part| d_qkv.at(0, part * d + h * head_dim));
            self.scores(qkv, keys, p, h, (0, l));
            self.softmax(p, l);
            // The head's part of `d_out` is a left factor as it stands, and a right factor once copied.
            let d_head = d_out.at(0, h * head_dim);
            copy_rows(d_head, head, l, head_dim);
            self.product(
                l,
                head_dim,
                l,
                p.transposed_lhs(),
                head.rhs(),
                result.store(),
            );
            copy_rows(result, d_value, l, head_dim);
            transpose(value, values_t, l, head_dim);
            self.product(l, l, head_dim, d_head.lhs(), values_t.rhs(), dp.store());
            self.isa.run(SoftmaxRowsBackward {
                p,
                dp,
                rows: l,
                cols: l,
            });
            copy_rows(key, head, l, head_dim);
            self.product(l, head_dim, l, dp.lhs(), head.rhs(), scaled);
            copy_rows(result, d_query, l, head_dim);
            copy_rows(query, head, l, head_dim);
            self.product(l, head_dim, l, dp.transposed_lhs(), head.rhs(), scaled);
            copy_rows(result, d_key, l, head_dim);
        }
        if let Some(table) = self.rotary {
            self.isa.run(Rotate {
                x: d_qkv,
                rows: l,
                heads: 2 * heads,
                cos: &table.cos,
                sin: &table.sin,
                half: table.half,
                back: true,
            });
        }
        self.product(3 * d, d, l, d_qkv.transposed_lhs(), x.rhs(), to_qkv.add());
        self.product(l, d, 3 * d, d_qkv.lhs(), w_qkv.rhs(), dy.add());
    }
}
