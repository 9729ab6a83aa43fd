//! The MLP mixer on a panel of channels, in the precision of its weights.
//!
//! Nothing is transposed: weights are the left factor, the state is the right one, positions run along the inner sum.

use super::{ACT, ACT_PANEL, PANEL, SCALES};
use crate::network::Network;
use recurra_kernels::compiled::Follows;
use recurra_kernels::epilogue::{ActSink, KeepPre, SwiGluRows};
use recurra_kernels::format::{Bf16, F32, Format, Int8};
use recurra_kernels::product::{Lhs, Part, Product, Rhs};
use recurra_kernels::quantize::{Bf16Cols, QuantizeCols};
use recurra_kernels::view::{Pre, Units, View};
use recurra_kernels::{PackedMatrix, Precision};

/// A mixer's scratch space for one member.
#[derive(Clone, Copy)]
pub(crate) struct PanelScratch {
    pub(crate) act: View,
    pub(crate) panel: Units,
    pub(crate) act_panel: Units,
    /// Two rows: of the panel, and of its SwiGLU.
    pub(crate) scales: View,
}

/// Activations as the right factor of a product.
#[derive(Clone, Copy)]
enum Cols {
    F32(View),
    Bf16(Units),
    /// With a scale for each column.
    Q8(Units, *const f32),
}

impl PanelScratch {
    /// The scratch space of one member for `l` positions and a SwiGLU of `width` rows.
    pub(super) fn of_part(scratch: &[Units], part: usize, l: usize, width: usize) -> Self {
        PanelScratch {
            act: scratch[ACT].view().at(part * width, 0),
            panel: scratch[PANEL].at(part * l.div_ceil(2), 0),
            act_panel: scratch[ACT_PANEL].at(part * width.div_ceil(2), 0),
            scales: scratch[SCALES].view().at(2 * part, 0),
        }
    }
}

impl Network<'_> {
    /// `z <- z + down(swiglu(gate_up z))` for a panel of `cols` channels. A training keeps gates and ups, and has f32 or
    /// bfloat16 throughout.
    pub(crate) fn mix_panel(
        &self,
        gate_up: &PackedMatrix,
        down: &PackedMatrix,
        z: View,
        cols: usize,
        scratch: PanelScratch,
        kept: Option<Pre>,
    ) {
        let PanelScratch {
            act,
            panel,
            act_panel,
            scales,
        } = scratch;
        let (l, width) = (self.l, down.k);
        let input = self.prepare_cols(gate_up, z, l, cols, panel, scales);
        let both_bf16 = (gate_up.precision, down.precision) == (Precision::Bf16, Precision::Bf16);
        match input {
            Cols::F32(x) => {
                self.swiglu_rows(cols, gate_up, x.rhs(), F32, act.acts::<false>(), kept);
            }
            Cols::Bf16(x) if both_bf16 => {
                let acts = act_panel.acts::<true>();
                self.swiglu_rows(cols, gate_up, x.rhs(), Bf16, acts, kept);
            }
            Cols::Bf16(x) => {
                debug_assert!(kept.is_none());
                let epilogue = SwiGluRows(act.acts::<true>());
                self.rows(cols, gate_up, x.rhs(), Bf16, epilogue);
            }
            Cols::Q8(x, scales) => {
                debug_assert!(kept.is_none());
                let epilogue = SwiGluRows(act.acts::<true>());
                self.rows(cols, gate_up, x.rhs(), int8(scales, gate_up), epilogue);
            }
        }
        let input = if both_bf16 {
            Cols::Bf16(act_panel)
        } else {
            self.prepare_cols(down, act, width, cols, act_panel, scales.at(1, 0))
        };
        match input {
            Cols::F32(x) => self.rows(cols, down, x.rhs(), F32, z.add()),
            Cols::Bf16(x) => self.rows(cols, down, x.rhs(), Bf16, z.add()),
            Cols::Q8(x, scales) => self.rows(cols, down, x.rhs(), int8(scales, down), z.add()),
        }
    }

    /// The columns of `x` for a product with these weights: as they are, or written to `out`.
    fn prepare_cols(
        &self,
        weights: &PackedMatrix,
        x: View,
        rows: usize,
        cols: usize,
        out: Units,
        scales: View,
    ) -> Cols {
        match weights.precision {
            Precision::F32 => Cols::F32(x),
            Precision::Bf16 => {
                self.isa.run(Bf16Cols { x, out, rows, cols });
                Cols::Bf16(out)
            }
            Precision::Q8 | Precision::Q4 => {
                self.isa.run(QuantizeCols {
                    x,
                    out,
                    rows,
                    cols,
                    scales: scales.ptr,
                    signed: false,
                    starts: None,
                });
                Cols::Q8(out, scales.ptr)
            }
        }
    }

    fn swiglu_rows<F: Format, A: ActSink>(
        &self,
        cols: usize,
        weights: &PackedMatrix,
        x: Rhs,
        format: F,
        acts: A,
        kept: Option<Pre>,
    ) where
        SwiGluRows<A>: Follows<F>,
        SwiGluRows<KeepPre<A>>: Follows<F>,
    {
        match kept {
            None => self.rows(cols, weights, x, format, SwiGluRows(acts)),
            Some(pre) => self.rows(cols, weights, x, format, SwiGluRows(pre.keep(acts))),
        }
    }

    /// `epilogue(weights * x)`, for weights packed in rows and `cols` columns.
    fn rows<F: Format, E: Follows<F>>(
        &self,
        cols: usize,
        weights: &PackedMatrix,
        x: Rhs,
        format: F,
        epilogue: E,
    ) {
        self.isa.run(Product {
            m: weights.n,
            n: cols,
            units: weights.units(),
            lhs: Lhs::Packed(weights),
            rhs: x,
            format,
            epilogue,
            part: Part::WHOLE,
        });
    }
}

fn int8(col_scales: *const f32, weights: &PackedMatrix) -> Int8<true> {
    Int8 {
        row_scales: weights.scales(),
        col_scales,
        starts: weights.starts(),
    }
}
