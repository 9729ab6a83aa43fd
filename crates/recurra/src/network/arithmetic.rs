//! The factors of the backward pass's products, in f32 or bfloat16.

use recurra_kernels::compiled::Follows;
use recurra_kernels::format::{Bf16, F32};
use recurra_kernels::pack::per_unit;
use recurra_kernels::product::{Lhs, Part, Product, Rhs};
use recurra_kernels::quantize::{Bf16Cols, Bf16Rows};
use recurra_kernels::swiglu::{Bf16Forms, SwiGluBackward, SwiGluBackwardBf16};
use recurra_kernels::view::{Pre, Units, View, transpose};
use recurra_kernels::{Isa, Precision};

/// How products are computed: sums are f32 in both precisions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arithmetic {
    pub(crate) isa: Isa,
    /// f32 or bfloat16.
    pub(crate) precision: Precision,
}

impl Arithmetic {
    /// Units that `numbers` numbers of an inner sum take.
    pub(crate) fn units(self, numbers: usize) -> usize {
        numbers.div_ceil(per_unit(self.precision))
    }

    /// Whether factors are floats as they stand.
    pub(crate) fn is_f32(self) -> bool {
        self.precision == Precision::F32
    }

    /// `epilogue(lhs * rhs)` with an inner sum of `units` units.
    pub(crate) fn product<E: Follows<F32> + Follows<Bf16>>(
        self,
        (m, n, units): (usize, usize, usize),
        lhs: Lhs,
        rhs: Rhs,
        epilogue: E,
    ) {
        macro_rules! run {
            ($format:expr) => {
                self.isa.run(Product {
                    m,
                    n,
                    units,
                    lhs,
                    rhs,
                    format: $format,
                    epilogue,
                    part: Part::WHOLE,
                })
            };
        }
        if self.is_f32() {
            run!(F32);
        } else {
            run!(Bf16);
        }
    }

    /// The rows of `x` as units along them: as they stand, or written to `buffer`.
    pub(crate) fn rows(self, x: View, rows: usize, cols: usize, buffer: Units) -> Units {
        if self.is_f32() {
            return x.units();
        }
        let out = buffer;
        self.isa.run(Bf16Rows { x, out, rows, cols });
        out
    }

    /// The columns of `x` as units along them: as they stand, or written to `buffer`.
    pub(crate) fn cols(self, x: View, rows: usize, cols: usize, buffer: Units) -> Units {
        if self.is_f32() {
            return x.units();
        }
        let out = buffer;
        self.isa.run(Bf16Cols { x, out, rows, cols });
        out
    }

    /// The gradients of gates and ups, and act, from the gradient of act (`[rows, cols]`): in f32 in the places of what they are made of, in
    /// bfloat16 in the forms given.
    pub(crate) fn swiglu_backward(
        self,
        pre: Pre,
        d_act: View,
        (rows, cols): (usize, usize),
        act: Bf16Forms,
        d_pre: [Bf16Forms; 2],
    ) {
        if self.is_f32() {
            self.isa.run(SwiGluBackward {
                pre,
                act: d_act,
                rows,
                cols,
            });
        } else {
            self.isa.run(SwiGluBackwardBf16 {
                pre,
                d_act,
                act,
                d_pre,
                rows,
                cols,
            });
        }
    }

    /// Writes the transposed `x` to `to`, as units along its columns, which are the rows of `x`. `buffer` is scratch space for
    /// [`Arithmetic::rows`].
    pub(crate) fn transpose(self, x: View, rows: usize, cols: usize, to: Units, buffer: Units) {
        let units = self.rows(x, rows, cols, buffer);
        transpose(units, to, rows, self.units(cols));
    }
}
