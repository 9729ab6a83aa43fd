//! What backward passes of layers do: gradients through linear layers, SwiGLUs and norms.

use super::Network;
use super::arithmetic::Arithmetic;
use recurra_kernels::compiled::Follows;
use recurra_kernels::format::{Bf16, F32};
use recurra_kernels::norm::NormRowsBackward;
use recurra_kernels::product::Rhs;
use recurra_kernels::swiglu::Bf16Forms;
use recurra_kernels::view::{Pre, Units, View};
use recurra_kernels::{AlignedMatrix, PackedMatrix};

/// The backward pass of one call, with the buffers of [`Backward`](super::backward::Backward).
#[derive(Clone, Copy)]
pub(crate) struct Pass<'a> {
    pub(super) network: &'a Network<'a>,
    pub(super) arithmetic: Arithmetic,
    /// Rows that go through linear layers.
    pub(super) count: usize,
    /// Places in bfloat16, as a backward pass has them.
    pub(super) rows: Units,
    pub(super) dy: Units,
    pub(super) input: Units,
    pub(super) output: Units,
}

impl Pass<'_> {
    /// The gradient of what goes into a linear layer from that of what comes out, `dy`.
    pub(super) fn through<E: Follows<F32> + Follows<Bf16>>(
        self,
        weights: &PackedMatrix,
        dy: View,
        epilogue: E,
    ) {
        let (a, count) = (self.arithmetic, self.count);
        let left = a.rows(dy, count, weights.k, self.rows).lhs();
        let size = (count, weights.n, weights.units());
        a.product(size, left, Rhs::Packed(weights), epilogue);
    }

    /// Adds the gradient of a linear layer's weights: of the gradient of what comes out and what goes in, units along columns.
    pub(super) fn add_gradient(self, output: Units, input: Units, to: &mut AlignedMatrix) {
        let a = self.arithmetic;
        let size = (to.rows(), to.cols(), a.units(self.count));
        a.product(size, output.transposed_lhs(), input.rhs(), to.view().add());
    }

    /// The SwiGLU of some rows: `dy` is the gradient of `down(silu(gate) * up)`, and that of `x` goes to the epilogue. In f32,
    /// `pre`, gates and ups, becomes their gradient: nothing else is needed later, and new places would push the rest out of
    /// the cache. `act` is memory for `[count, width]`. `weights` and `to` are gate and up, and down.
    pub(super) fn swiglu<E: Follows<F32> + Follows<Bf16>>(
        self,
        [gate_up, down]: [&PackedMatrix; 2],
        [x, pre]: [View; 2],
        dy: View,
        act: View,
        [to_gate_up, to_down]: [&mut AlignedMatrix; 2],
        dx: E,
    ) {
        self.through(down, dy, act.store());
        let [act, rows, cols] = self.gates(pre, act, down.n);
        let a = self.arithmetic;
        self.add_gradient(a.cols(dy, self.count, down.k, self.dy), act, to_down);
        self.through_gates(gate_up, x, [rows, cols], to_gate_up, dx);
    }

    /// From `act`, the gradient of `silu(gate) * up`: that product, and the gradients of gates and ups with units along rows and
    /// along columns.
    pub(super) fn gates(self, pre: View, act: View, width: usize) -> [Units; 3] {
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
        let (a, d_pre) = (self.arithmetic, [forms, forms.at(0, width)]);
        a.swiglu_backward(both, act, (self.count, width), act_cols, d_pre);
        match a.is_f32() {
            true => [act.units(), pre.units(), pre.units()],
            false => [self.input, self.rows, self.output],
        }
    }

    /// From the gradients of gates and ups to that of what went in, `x`, which goes to the epilogue.
    pub(super) fn through_gates<E: Follows<F32> + Follows<Bf16>>(
        self,
        gate_up: &PackedMatrix,
        x: View,
        [rows, cols]: [Units; 2],
        to: &mut AlignedMatrix,
        dx: E,
    ) {
        let (a, count, d) = (self.arithmetic, self.count, gate_up.n);
        let x = a.cols(x, count, d, self.input);
        self.add_gradient(cols, x, to);
        let size = (count, d, gate_up.units());
        a.product(size, rows.lhs(), Rhs::Packed(gate_up), dx);
    }

    /// `dy`, the gradient of `y`, rows that were divided by their root mean square, becomes that of the rows before.
    pub(super) fn norm_rows(self, y: View, dy: View, inverse: &AlignedMatrix) {
        self.network.isa.run(NormRowsBackward {
            y,
            dy,
            rows: self.network.l,
            cols: self.network.d,
            inverse: inverse.row(0).as_ptr(),
        });
    }
}
