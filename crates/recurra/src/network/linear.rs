//! A linear layer on the rows of a matrix, in the precision of its weights.

use super::Network;
use recurra_kernels::compiled::{Follows, FollowsLinear};
use recurra_kernels::epilogue::{ActSink, KeepPre, SwiGluPanels};
use recurra_kernels::format::{Bf16, F32, Format, Int8};
use recurra_kernels::nibbles::Int4;
use recurra_kernels::product::{Lhs, Part, Product, Rhs};
use recurra_kernels::quantize::{Bf16Rows, QuantizeRows};
use recurra_kernels::view::{Pre, Units, View};
use recurra_kernels::{PackedMatrix, Precision};

/// Activations as the left factor of a product with weights of some precision.
#[derive(Clone, Copy)]
pub(crate) enum Rows {
    F32(View),
    Bf16(Units),
    /// With a scale for each row.
    Q8(Units, *const f32),
}

/// Memory for the quantised rows of a matrix.
#[derive(Clone, Copy)]
pub(crate) struct RowBuffer {
    pub(crate) units: Units,
    /// One number a row.
    pub(crate) scales: View,
}

impl RowBuffer {
    /// The part from row `row`.
    pub(crate) fn at(self, row: usize) -> RowBuffer {
        RowBuffer {
            units: self.units.at(row, 0),
            scales: self.scales.at(0, row),
        }
    }
}

impl Network<'_> {
    /// The rows of `x` (`[count, weights.k]`) for a product with these weights: as they are, or written to `buffer`.
    pub(crate) fn prepare_rows(
        &self,
        weights: &PackedMatrix,
        x: View,
        count: usize,
        buffer: RowBuffer,
    ) {
        let (rows, cols, out) = (count, weights.k, buffer.units);
        match weights.precision {
            Precision::F32 => {}
            Precision::Bf16 => self.isa.run(Bf16Rows { x, out, rows, cols }),
            Precision::Q8 | Precision::Q4 => self.isa.run(QuantizeRows {
                x,
                out,
                rows,
                cols,
                scales: buffer.scales.ptr,
            }),
        }
    }

    /// The left factor that [`Network::prepare_rows`] has made of `x`.
    pub(crate) fn prepared(&self, weights: &PackedMatrix, x: View, buffer: RowBuffer) -> Rows {
        match weights.precision {
            Precision::F32 => Rows::F32(x),
            Precision::Bf16 => Rows::Bf16(buffer.units),
            Precision::Q8 | Precision::Q4 => Rows::Q8(buffer.units, buffer.scales.ptr),
        }
    }

    /// A part of `epilogue(x * weights)`, for weights packed in panels.
    pub(crate) fn linear<E: FollowsLinear>(
        &self,
        count: usize,
        x: Rows,
        weights: &PackedMatrix,
        epilogue: E,
        part: Part,
    ) {
        match x {
            Rows::F32(x) => self.panels(count, x.lhs(), F32, weights, epilogue, part),
            Rows::Bf16(x) => self.panels(count, x.lhs(), Bf16, weights, epilogue, part),
            Rows::Q8(x, scales) => {
                self.panels_int(count, x.lhs(), scales, weights, epilogue, part);
            }
        }
    }

    /// A part of the SwiGLU of the product `x * weights`, into `act` in such a form that
    /// [`Network::prepare_rows`] has least to do for a product with `next`. A training keeps gates and ups, and has
    /// f32 or bfloat16 throughout.
    pub(crate) fn linear_swiglu(
        &self,
        count: usize,
        x: Rows,
        weights: &PackedMatrix,
        (next, act, buffer): (&PackedMatrix, View, RowBuffer),
        kept: Option<Pre>,
        part: Part,
    ) {
        match x {
            Rows::F32(x) => {
                self.swiglu_panels(
                    count,
                    x.lhs(),
                    F32,
                    weights,
                    act.acts::<false>(),
                    kept,
                    part,
                );
            }
            Rows::Bf16(x) if next.precision == Precision::Bf16 => {
                let acts = buffer.units.acts::<false>();
                self.swiglu_panels(count, x.lhs(), Bf16, weights, acts, kept, part);
            }
            Rows::Bf16(x) => {
                debug_assert!(kept.is_none());
                let epilogue = SwiGluPanels(act.acts::<true>());
                self.panels(count, x.lhs(), Bf16, weights, epilogue, part);
            }
            Rows::Q8(x, scales) => {
                debug_assert!(kept.is_none());
                let epilogue = SwiGluPanels(act.acts::<true>());
                self.panels_int(count, x.lhs(), scales, weights, epilogue, part);
            }
        }
    }

    /// A part of the SwiGLU of the product `x * weights`, into `act` as floats whatever the precision. A training keeps gates
    /// and ups, and has f32 or bfloat16 throughout.
    pub(crate) fn linear_swiglu_floats(
        &self,
        count: usize,
        x: Rows,
        weights: &PackedMatrix,
        act: View,
        kept: Option<Pre>,
        part: Part,
    ) {
        match x {
            Rows::F32(x) => {
                let acts = act.acts::<false>();
                self.swiglu_panels(count, x.lhs(), F32, weights, acts, kept, part);
            }
            Rows::Bf16(x) => {
                let acts = act.acts::<true>();
                self.swiglu_panels(count, x.lhs(), Bf16, weights, acts, kept, part);
            }
            Rows::Q8(x, scales) => {
                debug_assert!(kept.is_none());
                let epilogue = SwiGluPanels(act.acts::<true>());
                self.panels_int(count, x.lhs(), scales, weights, epilogue, part);
            }
        }
    }

    /// Whether [`Network::linear_swiglu`] leaves acts as a product with `next` takes them.
    pub(crate) fn acts_are_prepared(weights: &PackedMatrix, next: &PackedMatrix) -> bool {
        use Precision::{Bf16, F32};
        matches!((weights.precision, next.precision), (_, F32) | (Bf16, Bf16))
    }

    /// [`Network::panels`] of 8-bit activations, with weights of 8 or 4 bits.
    fn panels_int<E: Follows<Int8<false>> + Follows<Int4>>(
        &self,
        m: usize,
        lhs: Lhs,
        row_scales: *const f32,
        weights: &PackedMatrix,
        epilogue: E,
        part: Part,
    ) {
        let bytes = Int8::<false> {
            row_scales,
            col_scales: weights.scales(),
            starts: weights.starts(),
        };
        if weights.precision == Precision::Q4 {
            self.panels(m, lhs, Int4(bytes), weights, epilogue, part);
        } else {
            self.panels(m, lhs, bytes, weights, epilogue, part);
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn swiglu_panels<F: Format, A: ActSink>(
        &self,
        m: usize,
        lhs: Lhs,
        format: F,
        weights: &PackedMatrix,
        acts: A,
        kept: Option<Pre>,
        part: Part,
    ) where
        SwiGluPanels<A>: Follows<F>,
        SwiGluPanels<KeepPre<A>>: Follows<F>,
    {
        match kept {
            None => self.panels(m, lhs, format, weights, SwiGluPanels(acts), part),
            Some(pre) => {
                let epilogue = SwiGluPanels(pre.keep(acts));
                self.panels(m, lhs, format, weights, epilogue, part);
            }
        }
    }

    fn panels<F: Format, E: Follows<F>>(
        &self,
        m: usize,
        lhs: Lhs,
        format: F,
        weights: &PackedMatrix,
        epilogue: E,
        part: Part,
    ) {
        self.isa.run(Product {
            m,
            n: weights.n,
            units: weights.units(),
            lhs,
            rhs: Rhs::Packed(weights),
            format,
            epilogue,
            part,
        });
    }
}
