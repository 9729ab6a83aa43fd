//! Gradients of one call of the network, derived by hand.
//!
//! All of it runs on one thread: training shares samples out over threads, not parts of a sample. In f32, matrices are factors of
//! products as they stand; in bfloat16 they are written in the form in which they are needed.

use super::Network;
use super::arithmetic::Arithmetic;
use super::config::TrmConfig;
use super::memory::Matrices;
use super::mixers::{self, Sums};
use super::pass::Pass;
use super::stack::PackedLayer;
use super::tape::LayerTape;
use super::weights::LayerWeights;
use recurra_kernels::pack::per_unit;
use recurra_kernels::view::View;
use recurra_kernels::{AlignedMatrix, Precision};

/// What a backward pass works with: memory for one layer's inner values and their gradients.
#[derive(Debug)]
pub(crate) struct Backward {
    precision: Precision,
    /// SwiGLU of the channels and its gradient, `[positions, width]`.
    act: AlignedMatrix,
    bf16: Bf16Memory,
    /// The mixer's own.
    mix: Matrices,
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

/// Where the gradients of a layer's weights are summed.
#[derive(Debug)]
pub(crate) struct LayerSums<'a> {
    /// In the shape of the weights.
    pub(crate) weights: &'a mut LayerWeights,
    /// The mixer's that are summed transposed, and empty matrices for the others.
    pub(crate) transposed: &'a mut [AlignedMatrix],
}

impl Backward {
    pub(crate) fn new(config: &TrmConfig, precision: Precision) -> Self {
        let (l, d) = (config.positions_len(), config.hidden_size);
        // In f32, matrices are factors as they stand.
        let some = per_unit(precision) - 1;
        let bf16 = |rows: usize, cols: usize| AlignedMatrix::zeros(some * rows, cols);
        let width = config.swiglu_width(d);
        let mix = mixers::of(config.mixer).backward_space(config, precision);
        let input = width.max(d).max(mix.widest_input);
        let output = (2 * width).max(mix.widest_output);
        Backward {
            precision,
            act: AlignedMatrix::zeros(l, width),
            bf16: Bf16Memory {
                rows: bf16(l, output.div_ceil(2)),
                dy: bf16(l.div_ceil(2), d),
                input: bf16(l.div_ceil(2), input),
                output: bf16(l.div_ceil(2), output),
            },
            mix: Matrices::new(&mix.own),
        }
    }

    /// Backward of one call: `dy`, the gradient of its result, becomes the gradient of its input (state plus
    /// injection), and the gradients of the weights are added to `sums`. `weights` are transposed ones.
    pub(crate) fn call<'a>(
        &mut self,
        network: &Network,
        weights: &[PackedLayer],
        tapes: &mut [LayerTape],
        dy: View,
        sums: impl DoubleEndedIterator<Item = LayerSums<'a>> + ExactSizeIterator,
    ) {
        let pass = Pass {
            network,
            arithmetic: Arithmetic {
                isa: network.isa,
                precision: self.precision,
            },
            count: network.l,
            rows: self.bf16.rows.units(),
            dy: self.bf16.dy.units(),
            input: self.bf16.input.units(),
            output: self.bf16.output.units(),
        };
        for ((weights, tape), sums) in weights.iter().zip(tapes).zip(sums).rev() {
            let LayerTape {
                mix,
                middle,
                pre,
                out,
                inverse,
            } = tape;
            pass.norm_rows(out.view(), dy, inverse);
            let kept = [middle.view(), pre.view()];
            let act = self.act.view();
            pass.channels(weights, kept, dy, act, &mut sums.weights.mlp);
            let to = Sums {
                weights: &mut sums.weights.mix,
                transposed: sums.transposed,
            };
            let memory = self.mix.views();
            let y = middle.view();
            network
                .mixer
                .backward(pass, &weights.mix, mix, [y, dy], memory, to);
        }
    }
}
