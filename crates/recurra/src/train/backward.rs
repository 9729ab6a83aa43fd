//! Gradients of one call of the network, derived by hand.
//!
//! All of it runs on one thread: training shares samples out over threads, not parts of a sample. Gradients of the state go through
//! every call; those of the weights are products whose factors are kept for several calls and multiplied together.

use super::factors::{Arithmetic, Factors};
use super::gradient::Gradient;
use crate::engine::layer::Network;
use crate::engine::packed::{PackedLayer, PackedMix};
use crate::engine::tape::{LayerTape, MixTape};
use crate::kernels::attention::{Rotate, SoftmaxRowsBackward};
use crate::kernels::epilogue::{Epilogue, StoreScaled};
use crate::kernels::matrix::LINE;
use crate::kernels::norm::{NormColsBackward, NormRowsBackward};
use crate::kernels::pack::per_unit;
use crate::kernels::product::{Lhs, Rhs};
use crate::kernels::swiglu::{Bf16Forms, SwiGluBackward, SwiGluBackwardBf16};
use crate::kernels::view::{Pre, Units, View, copy_rows, transpose};
use crate::kernels::{AlignedMatrix, PackedMatrix, Precision};
use crate::model::TrmConfig;
use crate::model::config::Mixer;
use crate::model::weights::MixWeights;

/// Positions whose gradients of the weights are summed in one product, if a call does not have more by itself: enough to make little
/// of reading and writing the sums.
const TOGETHER: usize = 1024;

/// What a backward pass works with: scratch space, and the factors of the weights' gradients of some calls.
#[derive(Debug)]
pub(crate) struct Backward {
    precision: Precision,
    scratch: Scratch,
    layers: Vec<LayerFactors>,
    /// Calls whose factors are kept, and the most.
    calls: usize,
    most: usize,
}

/// Memory for the gradients of one layer's inner values.
#[derive(Debug)]
struct Scratch {
    /// Gradient of the channels' SwiGLU, `[positions, width]`.
    act: AlignedMatrix,
    /// A matrix in bfloat16, units along rows: `[positions, widest / 2]`.
    rows: AlignedMatrix<u32>,
    mix: MixScratch,
}

#[derive(Debug)]
enum MixScratch {
    Mlp {
        /// Gradient of the SwiGLU, `[width, hidden]`.
        act: AlignedMatrix,
        /// A matrix in bfloat16, units along columns: `[max(width, positions / 2), hidden]`.
        cols: AlignedMatrix<u32>,
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

/// The factors of one layer's gradients.
#[derive(Debug)]
struct LayerFactors {
    mix: MixFactors,
    gate_up: Factors,
    down: Factors,
}

#[derive(Debug)]
enum MixFactors {
    Mlp { gate_up: Factors, down: Factors },
    Attention { qkv: Factors, o: Factors },
    Conv(Factors),
}

impl Backward {
    pub(crate) fn new(config: &TrmConfig, precision: Precision) -> Self {
        let most = (TOGETHER / config.positions_len()).clamp(1, config.l_cycles + 1);
        Backward {
            precision,
            scratch: Scratch::new(config, precision),
            layers: (0..config.num_layers)
                .map(|_| LayerFactors::new(config, precision, most))
                .collect(),
            calls: 0,
            most,
        }
    }

    /// Backward of one call: `dy`, the gradient of its result, becomes the gradient of its input (state plus
    /// injection), and the gradients of the weights are kept, or added to `sums`. `weights` are transposed ones.
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
            arithmetic: self.arithmetic(network),
            call: self.calls,
        };
        let layers = weights.iter().zip(tapes).zip(&mut self.layers);
        for ((weights, tape), factors) in layers.rev() {
            pass.layer(weights, tape, dy, &mut self.scratch, factors);
        }
        self.calls += 1;
        if self.calls == self.most {
            self.flush(network, sums);
        }
    }

    fn arithmetic(&self, network: &Network) -> Arithmetic {
        Arithmetic {
            isa: network.isa,
            precision: self.precision,
        }
    }

    /// Adds what is kept to the sums.
    pub(crate) fn flush(&mut self, network: &Network, sums: &mut Gradient) {
        let arithmetic = self.arithmetic(network);
        let positions = self.calls * arithmetic.units(network.l);
        let channels = self.calls * column_units(network.d, self.precision);
        let layers = self.layers.iter_mut().zip(&mut sums.weights.layers);
        for ((factors, to), down_t) in layers.zip(&mut sums.down_transposed) {
            let LayerFactors { mix, gate_up, down } = factors;
            gate_up.add_rows(arithmetic, positions, &mut to.mlp.gate_up);
            down.add_rows(arithmetic, positions, &mut to.mlp.down);
            match (mix, &mut to.mix) {
                (MixFactors::Mlp { gate_up, down }, MixWeights::Mlp(to)) => {
                    gate_up.add_columns(arithmetic, channels, &mut to.gate_up);
                    down.add_columns(arithmetic, channels, down_t);
                }
                (
                    MixFactors::Attention { qkv, o },
                    MixWeights::Attention {
                        qkv: to_qkv,
                        o: to_o,
                    },
                ) => {
                    qkv.add_rows(arithmetic, positions, to_qkv);
                    o.add_rows(arithmetic, positions, to_o);
                }
                (MixFactors::Conv(kernel), MixWeights::Conv(to)) => {
                    kernel.add_rows(arithmetic, positions, to);
                }
                _ => unreachable!("factors of another mixer"),
            }
        }
        self.calls = 0;
    }
}

/// Units that the channels of a call take in a sum over them: rows of whole cache lines of floats.
fn column_units(d: usize, precision: Precision) -> usize {
    d.next_multiple_of(LINE) / per_unit(precision)
}

impl Scratch {
    fn new(config: &TrmConfig, precision: Precision) -> Self {
        let (l, d) = (config.positions_len(), config.hidden_size);
        let zeros = AlignedMatrix::zeros;
        let width = config.swiglu_width(d);
        // In f32, matrices are factors as they stand.
        let bf16 = |rows, cols| AlignedMatrix::zeros(rows * (per_unit(precision) - 1), cols);
        let widest = match config.mixer {
            Mixer::Mlp | Mixer::Conv => 2 * width.max(d),
            Mixer::Attention => (2 * width).max(3 * d),
        };
        Scratch {
            act: zeros(l, width),
            rows: bf16(l, widest.div_ceil(2)),
            mix: match config.mixer {
                Mixer::Mlp => {
                    let width = config.swiglu_width(l);
                    MixScratch::Mlp {
                        act: zeros(width, d),
                        cols: bf16(width.max(l), d),
                    }
                }
                Mixer::Attention => {
                    let head_dim = config.head_dim();
                    MixScratch::Attention(Box::new(AttentionScratch {
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
                Mixer::Conv => MixScratch::Conv {
                    seen: zeros(l, config.neighbours().width()),
                    means: zeros(2, d),
                },
            },
        }
    }
}

impl LayerFactors {
    fn new(config: &TrmConfig, precision: Precision, calls: usize) -> Self {
        let (l, d) = (config.positions_len(), config.hidden_size);
        let positions = calls * l.div_ceil(per_unit(precision));
        let of_rows = |outputs, inputs| Factors::of_rows(positions, outputs, inputs);
        let width = config.swiglu_width(d);
        LayerFactors {
            mix: match config.mixer {
                Mixer::Mlp => {
                    let width = config.swiglu_width(l);
                    let channels = calls * column_units(d, precision);
                    MixFactors::Mlp {
                        gate_up: Factors::of_columns(channels, 2 * width, l),
                        down: Factors::of_columns(channels, width, l),
                    }
                }
                Mixer::Attention => MixFactors::Attention {
                    qkv: of_rows(3 * d, d),
                    o: of_rows(d, d),
                },
                Mixer::Conv => MixFactors::Conv(of_rows(d, config.neighbours().width())),
            },
            gate_up: of_rows(2 * width, d),
            down: of_rows(d, width),
        }
    }
}

/// The backward pass of one call.
#[derive(Clone, Copy)]
struct Pass<'a> {
    network: &'a Network<'a>,
    arithmetic: Arithmetic,
    /// Its place among the calls that are kept.
    call: usize,
}

impl Pass<'_> {
    /// Where this call's part of the factors of a layer on rows begins: left and right.
    fn of_rows(self, factors: &mut Factors) -> [Units; 2] {
        let row = self.call * self.arithmetic.units(self.network.l);
        [
            factors.left.units().at(row, 0),
            factors.right.units().at(row, 0),
        ]
    }

    /// The same for a layer on columns.
    fn of_columns(self, factors: &mut Factors) -> [Units; 2] {
        let at = self.call * column_units(self.network.d, self.arithmetic.precision);
        [
            factors.left.units().at(0, at),
            factors.right.units().at(at, 0),
        ]
    }

    fn layer(
        self,
        weights: &PackedLayer,
        tape: &mut LayerTape,
        dy: View,
        scratch: &mut Scratch,
        factors: &mut LayerFactors,
    ) {
        let LayerTape {
            mix,
            middle,
            pre,
            out,
            inverse,
        } = tape;
        self.norm_rows(out, dy, inverse);
        self.mlp(weights, middle.view(), pre.view(), dy, scratch, factors);
        let rows = scratch.rows.units();
        match (&weights.mix, mix, &mut scratch.mix, &mut factors.mix) {
            (
                PackedMix::Mlp { gate_up, down },
                MixTape::Mlp { x, pre, inverse },
                MixScratch::Mlp { act, cols },
                MixFactors::Mlp {
                    gate_up: to_gate_up,
                    down: to_down,
                },
            ) => {
                self.network.isa.run(NormColsBackward {
                    y: middle.view(),
                    dy,
                    rows: self.network.l,
                    cols: self.network.d,
                    inverse: inverse.row(0).as_ptr(),
                });
                let to = [self.of_columns(to_gate_up), self.of_columns(to_down)];
                let buffers = [rows, cols.units()];
                self.mix_mlp(
                    [gate_up, down],
                    [x.view(), pre.view()],
                    dy,
                    act.view(),
                    buffers,
                    to,
                );
            }
            (
                PackedMix::Attention { qkv: w_qkv, o: w_o },
                MixTape::Attention {
                    x,
                    qkv,
                    out,
                    inverse,
                },
                MixScratch::Attention(scratch),
                MixFactors::Attention {
                    qkv: to_qkv,
                    o: to_o,
                },
            ) => {
                self.norm_rows(middle, dy, inverse);
                let kept = [x.view(), qkv.view(), out.view()];
                let to = [self.of_rows(to_qkv), self.of_rows(to_o)];
                self.attention([w_qkv, w_o], kept, dy, scratch, rows, to);
            }
            (
                PackedMix::Conv(kernel),
                MixTape::Conv { x, inverse },
                MixScratch::Conv { seen, means },
                MixFactors::Conv(to),
            ) => {
                self.norm_rows(middle, dy, inverse);
                let views = [seen.view(), means.view()];
                self.conv(kernel, x.view(), dy, views, rows, self.of_rows(to));
            }
            _ => unreachable!("a tape of another mixer"),
        }
    }

    /// `dy` is the gradient of `x + down(silu(gate) * up)`, and becomes that of `x`.
    fn mlp(
        self,
        weights: &PackedLayer,
        x: View,
        pre: View,
        dy: View,
        scratch: &mut Scratch,
        factors: &mut LayerFactors,
    ) {
        let (l, d, width) = (self.network.l, self.network.d, weights.down.n);
        let (act, buffer) = (scratch.act.view(), scratch.rows.units());
        let [dy_kept, act_kept] = self.of_rows(&mut factors.down);
        let [pre_kept, x_kept] = self.of_rows(&mut factors.gate_up);
        let a = self.arithmetic;
        a.keep_cols(dy, l, d, dy_kept);
        a.keep_cols(x, l, d, x_kept);
        self.through(&weights.down, dy, buffer, act.store());
        let pre = Pre {
            gate: pre,
            up: pre.at(0, width),
        };
        let (rows, cols) = (l, width);
        let d_pre = if a.is_f32() {
            let d_pre = pre_kept.floats();
            a.isa.run(SwiGluBackward {
                pre,
                d_act: act,
                act: act_kept.floats(),
                d_pre: Pre {
                    gate: d_pre,
                    up: d_pre.at(0, width),
                },
                rows,
                cols,
            });
            pre_kept
        } else {
            let both = Bf16Forms {
                rows: Some(buffer),
                cols: Some(pre_kept),
            };
            a.isa.run(SwiGluBackwardBf16 {
                pre,
                d_act: act,
                act: Bf16Forms {
                    rows: None,
                    cols: Some(act_kept),
                },
                d_pre: [both, both.at(0, width)],
                rows,
                cols,
            });
            buffer
        };
        let size = (l, d, a.units(2 * width));
        a.product(size, d_pre.lhs(), Rhs::Packed(&weights.gate_up), dy.add());
    }

    /// The same across positions. Buffers in bfloat16: units along rows, units along columns.
    fn mix_mlp(
        self,
        [gate_up, down]: [&PackedMatrix; 2],
        [x, pre]: [View; 2],
        dy: View,
        act: View,
        [rows_buffer, cols_buffer]: [Units; 2],
        [[pre_kept, x_kept], [act_kept, dy_kept]]: [[Units; 2]; 2],
    ) {
        let (l, d, width) = (self.network.l, self.network.d, down.n);
        let a = self.arithmetic;
        a.keep_transposed(dy, l, d, dy_kept, rows_buffer);
        a.keep_transposed(x, l, d, x_kept, rows_buffer);
        let right = a.cols(dy, l, d, cols_buffer).rhs();
        a.product(
            (width, d, a.units(l)),
            Lhs::Packed(down),
            right,
            act.store(),
        );
        let pre = Pre {
            gate: pre,
            up: pre.at(width, 0),
        };
        let (rows, cols) = (width, d);
        let d_pre = if a.is_f32() {
            let d_pre = pre_kept.floats();
            a.isa.run(SwiGluBackward {
                pre,
                d_act: act,
                act: act_kept.floats(),
                d_pre: Pre {
                    gate: d_pre,
                    up: d_pre.at(width, 0),
                },
                rows,
                cols,
            });
            pre_kept
        } else {
            let both = Bf16Forms {
                rows: Some(pre_kept),
                cols: Some(cols_buffer),
            };
            a.isa.run(SwiGluBackwardBf16 {
                pre,
                d_act: act,
                act: Bf16Forms {
                    rows: Some(act_kept),
                    cols: None,
                },
                d_pre: [both, both.at(width, 0)],
                rows,
                cols,
            });
            cols_buffer
        };
        let size = (l, d, a.units(2 * width));
        a.product(size, Lhs::Packed(gate_up), d_pre.rhs(), dy.add());
    }

    /// `dy` is the gradient of `x + kernel(what positions see of x)`, and becomes that of `x`. Scratch: what they see, and means.
    fn conv(
        self,
        kernel: &PackedMatrix,
        x: View,
        dy: View,
        [seen, means]: [View; 2],
        buffer: Units,
        [dy_kept, seen_kept]: [Units; 2],
    ) {
        let (l, d, neighbours) = (self.network.l, self.network.d, self.network.neighbours);
        let a = self.arithmetic;
        a.keep_cols(dy, l, d, dy_kept);
        if a.is_f32() {
            neighbours.gather_all(x, means, seen_kept.floats());
        } else {
            neighbours.gather_all(x, means, seen);
            a.keep_cols(seen, l, neighbours.width(), seen_kept);
        }
        // From here on `seen` is the gradient of what it was.
        self.through(kernel, dy, buffer, seen.store());
        neighbours.scatter(seen, means, dy);
    }

    /// The gradient of a linear layer's input from that of its result, `dy`.
    fn through<E: Epilogue>(self, weights: &PackedMatrix, dy: View, buffer: Units, epilogue: E) {
        let (l, a) = (self.network.l, self.arithmetic);
        let left = a.rows(dy, l, weights.k, buffer).lhs();
        let size = (l, weights.n, weights.units());
        a.product(size, left, Rhs::Packed(weights), epilogue);
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
        buffer: Units,
        [[d_qkv_kept, x_kept], [dy_kept, out_kept]]: [[Units; 2]; 2],
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
        a.keep_cols(dy, l, d, dy_kept);
        a.keep_cols(out, l, d, out_kept);
        self.through(w_o, dy, buffer, d_out.store());
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
        a.keep_cols(d_qkv, l, 3 * d, d_qkv_kept);
        a.keep_cols(x, l, d, x_kept);
        self.through(w_qkv, d_qkv, buffer, dy.add());
    }
}
