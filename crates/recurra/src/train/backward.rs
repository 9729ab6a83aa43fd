//! Gradients of one call of the network, derived by hand.
//!
//! All of it runs on one thread: training shares samples out over threads, not parts of a sample. In f32, matrices are factors of
//! products as they stand; in bfloat16 they are written in the form in which they are needed.

use super::factors::Arithmetic;
use super::gradient::Gradient;
use crate::engine::layer::Network;
use crate::engine::packed::{PackedLayer, PackedMix};
use crate::engine::tape::{LayerTape, MixTape};
use crate::kernels::attention::{Rotate, SoftmaxRowsBackward};
use crate::kernels::compiled::Follows;
use crate::kernels::epilogue::StoreScaled;
use crate::kernels::format::{Bf16, F32};
use crate::kernels::matrix::LINE;
use crate::kernels::norm::{NormColsBackward, NormRowsBackward};
use crate::kernels::pack::per_unit;
use crate::kernels::product::{Lhs, Rhs};
use crate::kernels::swiglu::Bf16Forms;
use crate::kernels::view::{Pre, Units, View, copy_rows, transpose};
use crate::kernels::{AlignedMatrix, PackedMatrix, Precision};
use crate::model::TrmConfig;
use crate::model::config::Mixer;
use crate::model::weights::{MixWeights, SwiGluWeights};

/// What a backward pass works with: memory for one layer's inner values and their gradients.
#[derive(Debug)]
pub(crate) struct Backward {
    precision: Precision,
    /// SwiGLU of the channels and its gradient, `[positions, width]`.
    act: AlignedMatrix,
    bf16: Bf16Memory,
    mix: MixBackward,
}

/// Matrices in bfloat16; empty for f32.
#[derive(Debug)]
struct Bf16Memory {
    /// Units along rows: `[positions, widest / 2]`.
    rows: AlignedMatrix<u32>,
    /// The gradient of the state, units along columns: `[positions / 2, hidden]`.
    dy: AlignedMatrix<u32>,
    /// What goes into a linear layer, units along columns: `[positions / 2, ...]`.
    input: AlignedMatrix<u32>,
    /// The gradient of what comes out of one, units along columns: `[positions / 2, ...]`.
    output: AlignedMatrix<u32>,
}

#[derive(Debug)]
enum MixBackward {
    Mlp(Box<MlpBackward>),
    Attention(Box<AttentionScratch>),
    Conv {
        /// What positions see, and then its gradient: `[positions, seen]`.
        seen: AlignedMatrix,
        /// Means of positions, `[2, hidden]`.
        means: AlignedMatrix,
    },
}

#[derive(Debug)]
struct MlpBackward {
    /// SwiGLU and its gradient, `[width, hidden]`.
    act: AlignedMatrix,
    /// `[hidden / unit, positions]`: right factors of the weights' gradients.
    transposed: AlignedMatrix<u32>,
    /// In bfloat16: gates and ups' gradient, units along rows and along columns, `[2 * width, hidden / 2]` and `[width, hidden]`.
    pre_rows: AlignedMatrix<u32>,
    pre_cols: AlignedMatrix<u32>,
    /// In bfloat16: the SwiGLU, `[width, hidden / 2]`.
    act_rows: AlignedMatrix<u32>,
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

impl Backward {
    pub(crate) fn new(config: &TrmConfig, precision: Precision) -> Self {
        let (l, d) = (config.positions_len(), config.hidden_size);
        let zeros = AlignedMatrix::zeros;
        // In f32, matrices are factors as they stand.
        let some = per_unit(precision) - 1;
        let bf16 = |rows: usize, cols: usize| AlignedMatrix::zeros(some * rows, cols);
        let width = config.swiglu_width(d);
        let (seen, qkv) = match config.mixer {
            Mixer::Mlp => (0, 0),
            Mixer::Attention => (0, 3 * d),
            Mixer::Conv => (config.neighbours().width(), 0),
        };
        let output = (2 * width).max(qkv);
        Backward {
            precision,
            act: zeros(l, width),
            bf16: Bf16Memory {
                rows: bf16(l, output.div_ceil(2)),
                dy: bf16(l.div_ceil(2), d),
                input: bf16(l.div_ceil(2), width.max(d).max(seen)),
                output: bf16(l.div_ceil(2), output),
            },
            mix: match config.mixer {
                Mixer::Mlp => {
                    let width = config.swiglu_width(l);
                    MixBackward::Mlp(Box::new(MlpBackward {
                        act: zeros(width, d),
                        transposed: AlignedMatrix::zeros(d.div_ceil(per_unit(precision)), l),
                        pre_rows: bf16(2 * width, d.div_ceil(2)),
                        pre_cols: bf16(width, d),
                        act_rows: bf16(width, d.div_ceil(2)),
                    }))
                }
                Mixer::Attention => {
                    let head_dim = config.head_dim();
                    MixBackward::Attention(Box::new(AttentionScratch {
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
                Mixer::Conv => MixBackward::Conv {
                    seen: zeros(l, config.neighbours().width()),
                    means: zeros(2, d),
                },
            },
        }
    }

    /// Backward of one call: `dy`, the gradient of its result, becomes the gradient of its input (state plus
    /// injection), and the gradients of the weights are added to `sums`. `weights` are transposed ones.
    pub(crate) fn call(
        &mut self,
        network: &Network,
        weights: &[PackedLayer],
        tapes: &mut [LayerTape],
        dy: View,
        sums: &mut Gradient,
    ) {
        let pass = Pass {
            network,
            arithmetic: Arithmetic {
                isa: network.isa,
                precision: self.precision,
            },
            rows: self.bf16.rows.units(),
            dy: self.bf16.dy.units(),
            input: self.bf16.input.units(),
            output: self.bf16.output.units(),
        };
        let layers = weights.iter().zip(tapes).zip(&mut sums.weights.layers);
        for (((weights, tape), to), down_t) in layers.zip(&mut sums.down_transposed).rev() {
            let LayerTape {
                mix,
                middle,
                pre,
                out,
                inverse,
            } = tape;
            pass.norm_rows(out, dy, inverse);
            let kept = [middle.view(), pre.view()];
            pass.mlp(weights, kept, dy, self.act.view(), &mut to.mlp);
            match (&weights.mix, mix, &mut self.mix, &mut to.mix) {
                (
                    PackedMix::Mlp { gate_up, down },
                    MixTape::Mlp { x, pre, inverse },
                    MixBackward::Mlp(scratch),
                    MixWeights::Mlp(to),
                ) => {
                    network.isa.run(NormColsBackward {
                        y: middle.view(),
                        dy,
                        rows: network.l,
                        cols: network.d,
                        inverse: inverse.row(0).as_ptr(),
                    });
                    let to = [to.gate_up.view(), down_t.view()];
                    pass.mix_mlp([gate_up, down], [x.view(), pre.view()], dy, scratch, to);
                }
                (
                    PackedMix::Attention { qkv: w_qkv, o: w_o },
                    MixTape::Attention {
                        x,
                        qkv,
                        out,
                        inverse,
                    },
                    MixBackward::Attention(scratch),
                    MixWeights::Attention {
                        qkv: to_qkv,
                        o: to_o,
                    },
                ) => {
                    pass.norm_rows(middle, dy, inverse);
                    let kept = [x.view(), qkv.view(), out.view()];
                    pass.attention([w_qkv, w_o], kept, dy, scratch, [to_qkv, to_o]);
                }
                (
                    PackedMix::Conv(kernel),
                    MixTape::Conv { x, inverse },
                    MixBackward::Conv { seen, means },
                    MixWeights::Conv(to),
                ) => {
                    pass.norm_rows(middle, dy, inverse);
                    let views = [seen.view(), means.view()];
                    pass.conv(kernel, x.view(), dy, views, to);
                }
                _ => unreachable!("a tape of another mixer"),
            }
        }
    }
}

/// The backward pass of one call, with the buffers of [`Backward`].
#[derive(Clone, Copy)]
struct Pass<'a> {
    network: &'a Network<'a>,
    arithmetic: Arithmetic,
    rows: Units,
    dy: Units,
    input: Units,
    output: Units,
}

impl Pass<'_> {
    /// `dy` is the gradient of `x + down(silu(gate) * up)`, and becomes that of `x`. In f32, `pre`, gates and ups, becomes their
    /// gradient: nothing else is needed later, and new places would push the rest out of the cache.
    fn mlp(
        self,
        weights: &PackedLayer,
        [x, pre]: [View; 2],
        dy: View,
        act: View,
        to: &mut SwiGluWeights,
    ) {
        let (a, l, d, width) = (
            self.arithmetic,
            self.network.l,
            self.network.d,
            weights.down.n,
        );
        self.through(&weights.down, dy, act.store());
        let both = Pre {
            gate: pre,
            up: pre.at(0, width),
        };
        let forms = Bf16Forms {
            rows: Some(self.rows),
            cols: Some(self.output),
        };
        let act_cols = Bf16Forms {
            rows: None,
            cols: Some(self.input),
        };
        let d_pre = [forms, forms.at(0, width)];
        a.swiglu_backward(both, act, (l, width), act_cols, d_pre);
        let [act, pre_rows, pre_cols] = match a.is_f32() {
            true => [act.units(), pre.units(), pre.units()],
            false => [self.input, self.rows, self.output],
        };
        self.add_gradient(a.cols(dy, l, d, self.dy), act, &mut to.down);
        let x = a.cols(x, l, d, self.input);
        self.add_gradient(pre_cols, x, &mut to.gate_up);
        let size = (l, d, a.units(2 * width));
        a.product(
            size,
            pre_rows.lhs(),
            Rhs::Packed(&weights.gate_up),
            dy.add(),
        );
    }

    /// The same across positions. Results: gradients of `gate_up` and of `down` transposed.
    fn mix_mlp(
        self,
        [gate_up, down]: [&PackedMatrix; 2],
        [x, pre]: [View; 2],
        dy: View,
        scratch: &mut MlpBackward,
        [to_gate_up, to_down_t]: [View; 2],
    ) {
        let (a, l, d, width) = (self.arithmetic, self.network.l, self.network.d, down.n);
        let (act, transposed) = (scratch.act.view(), scratch.transposed.units());
        let right = a.cols(dy, l, d, self.dy).rhs();
        a.product(
            (width, d, a.units(l)),
            Lhs::Packed(down),
            right,
            act.store(),
        );
        let both = Pre {
            gate: pre,
            up: pre.at(width, 0),
        };
        let act_rows = scratch.act_rows.units();
        let (rows, cols) = (scratch.pre_rows.units(), scratch.pre_cols.units());
        let forms = Bf16Forms {
            rows: Some(rows),
            cols: Some(cols),
        };
        let act_to = Bf16Forms {
            rows: Some(act_rows),
            cols: None,
        };
        let d_pre = [forms, forms.at(width, 0)];
        a.swiglu_backward(both, act, (width, d), act_to, d_pre);
        let [act, pre_rows, pre_cols] = match a.is_f32() {
            true => [act.units(), pre.units(), pre.units()],
            false => [act_rows, rows, cols],
        };
        let units = a.units(d);
        a.transpose(dy, l, d, transposed, self.rows);
        a.product(
            (width, l, units),
            act.lhs(),
            transposed.rhs(),
            to_down_t.add(),
        );
        a.transpose(x, l, d, transposed, self.rows);
        let size = (2 * width, l, units);
        a.product(size, pre_rows.lhs(), transposed.rhs(), to_gate_up.add());
        let size = (l, d, a.units(2 * width));
        a.product(size, Lhs::Packed(gate_up), pre_cols.rhs(), dy.add());
    }

    /// `dy` is the gradient of `x + kernel(what positions see of x)`, and becomes that of `x`. Scratch: what they see, and means.
    fn conv(
        self,
        kernel: &PackedMatrix,
        x: View,
        dy: View,
        [seen, means]: [View; 2],
        to: &mut AlignedMatrix,
    ) {
        let (a, l, d) = (self.arithmetic, self.network.l, self.network.d);
        let neighbours = self.network.neighbours;
        neighbours.gather_all(x, means, seen);
        let input = a.cols(seen, l, neighbours.width(), self.input);
        self.add_gradient(a.cols(dy, l, d, self.dy), input, to);
        // From here on `seen` is the gradient of what it was.
        self.through(kernel, dy, seen.store());
        neighbours.scatter(seen, means, dy);
    }

    /// The gradient of what goes into a linear layer from that of what comes out, `dy`.
    fn through<E: Follows<F32> + Follows<Bf16>>(
        self,
        weights: &PackedMatrix,
        dy: View,
        epilogue: E,
    ) {
        let (a, l) = (self.arithmetic, self.network.l);
        let left = a.rows(dy, l, weights.k, self.rows).lhs();
        let size = (l, weights.n, weights.units());
        a.product(size, left, Rhs::Packed(weights), epilogue);
    }

    /// Adds the gradient of a linear layer's weights: of the gradient of what comes out and what goes in, units along columns.
    fn add_gradient(self, output: Units, input: Units, to: &mut AlignedMatrix) {
        let (a, l) = (self.arithmetic, self.network.l);
        let size = (to.rows(), to.cols(), a.units(l));
        a.product(size, output.transposed_lhs(), input.rhs(), to.view().add());
    }

    /// `dy`, the gradient of `y`, rows that were divided by their root mean square, becomes that of the rows before.
    fn norm_rows(self, y: &mut AlignedMatrix, dy: View, inverse: &AlignedMatrix) {
        self.network.isa.run(NormRowsBackward {
            y: y.view(),
            dy,
            rows: self.network.l,
            cols: self.network.d,
            inverse: inverse.row(0).as_ptr(),
        });
    }

    /// `dy` is the gradient of `x + o(attention(qkv(x)))`, and becomes that of `x`. Probabilities are computed
    /// again: keeping them for every call would cost positions^2 numbers a head. What heads do between the linear layers is done in
    /// f32.
    fn attention(
        self,
        [w_qkv, w_o]: [&PackedMatrix; 2],
        [x, qkv, out]: [View; 3],
        dy: View,
        scratch: &mut AttentionScratch,
        [to_qkv, to_o]: [&mut AlignedMatrix; 2],
    ) {
        let (network, a) = (self.network, self.arithmetic);
        let (l, d, heads) = (network.l, network.d, network.heads);
        let head_dim = d / heads;
        let d_out = scratch.d_out.view();
        let d_qkv = scratch.d_qkv.view();
        let keys = scratch.keys.view();
        let (p, dp) = (scratch.p.view(), scratch.dp.view());
        let (head, result) = (scratch.head.view(), scratch.result.view());
        let values_t = scratch.values_t.view();
        let found = a.cols(out, l, d, self.input);
        self.add_gradient(a.cols(dy, l, d, self.dy), found, to_o);
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
        if let Some(table) = network.rotary {
            network.isa.run(Rotate {
                x: d_qkv,
                rows: l,
                heads: 2 * heads,
                cos: &table.cos,
                sin: &table.sin,
                half: table.half,
                back: true,
            });
        }
        let x = a.cols(x, l, d, self.input);
        self.add_gradient(a.cols(d_qkv, l, 3 * d, self.output), x, to_qkv);
        self.through(w_qkv, d_qkv, dy.add());
    }
}
