//! The factors of the backward pass's products, in f32 or bfloat16.

use crate::kernels::epilogue::Epilogue;
use crate::kernels::format::{Bf16, F32};
use crate::kernels::pack::per_unit;
use crate::kernels::product::{Lhs, Part, Product, Rhs};
use crate::kernels::quantize::{Bf16Cols, Bf16Rows};
use crate::kernels::view::{Units, View, copy_rows, transpose};
use crate::kernels::{AlignedMatrix, Isa, Precision};

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
    pub(crate) fn product<E: Epilogue>(
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

    /// Writes the columns of `x` to `out` as units along them.
    pub(crate) fn keep_cols(self, x: View, rows: usize, cols: usize, out: Units) {
        if self.is_f32() {
            copy_rows(x, out.floats(), rows, cols);
        } else {
            self.isa.run(Bf16Cols { x, out, rows, cols });
        }
    }

    /// Writes the transposed `x` to `out` as units along its columns, which are the rows of `x`. `buffer` is scratch space for
    /// [`Arithmetic::rows`] of it.
    pub(crate) fn keep_transposed(
        self,
        x: View,
        rows: usize,
        cols: usize,
        out: Units,
        buffer: Units,
    ) {
        let units = self.rows(x, rows, cols, buffer);
        transpose(units, out, rows, self.units(cols));
    }
}

/// Both factors of the gradient of a linear layer's weights, of several calls one after the other along the inner sum: so the sums
/// of gradients, which no cache near the processor holds, are brought in once for all of them.
#[derive(Debug)]
pub(crate) struct Factors {
    pub(crate) left: AlignedMatrix<u32>,
    pub(crate) right: AlignedMatrix<u32>,
}

impl Factors {
    /// For a layer on rows: `[units, outputs]` (gradients of its results) and `[units, inputs]`.
    pub(crate) fn of_rows(units: usize, outputs: usize, inputs: usize) -> Self {
        Factors {
            left: AlignedMatrix::zeros(units, outputs),
            right: AlignedMatrix::zeros(units, inputs),
        }
    }

    /// For a layer on columns: `[rows, units]` and `[units, positions]`.
    pub(crate) fn of_columns(units: usize, rows: usize, positions: usize) -> Self {
        Factors {
            left: AlignedMatrix::zeros(rows, units),
            right: AlignedMatrix::zeros(units, positions),
        }
    }

    /// Adds the product of the first `units` units to the gradient of a layer on rows, `[outputs, inputs]`.
    pub(crate) fn add_rows(
        &mut self,
        arithmetic: Arithmetic,
        units: usize,
        to: &mut AlignedMatrix,
    ) {
        let (left, right) = (self.left.units(), self.right.units());
        let size = (to.rows(), to.cols(), units);
        arithmetic.product(size, left.transposed_lhs(), right.rhs(), to.view().add());
    }

    /// The same for a layer on columns.
    pub(crate) fn add_columns(
        &mut self,
        arithmetic: Arithmetic,
        units: usize,
        to: &mut AlignedMatrix,
    ) {
        let (left, right) = (self.left.units(), self.right.units());
        let size = (to.rows(), to.cols(), units);
        arithmetic.product(size, left.lhs(), right.rhs(), to.view().add());
    }
}
