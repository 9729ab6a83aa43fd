//! The part of a layer that mixes positions, forward; attention and the convolution have files of their own.

use super::arena::{MixViews, PANEL_LINES, ScratchViews};
use super::layer::{Inject, Network};
use super::packed::PackedMix;
use super::tape::MixTape;
use crate::kernels::PackedMatrix;
use crate::kernels::matrix::LINE;
use crate::kernels::norm::{AddInto, NormCols};
use crate::kernels::pack::split;
use crate::kernels::view::{Pre, View, copy_rows};

impl Network<'_> {
    /// `z <- norm(z + mix(z))` after the injection. The norm runs along the positions for the MLP mixer, and
    /// along the channels for the others.
    pub(super) fn mix(
        &self,
        weights: &PackedMix,
        z: View,
        inject: Option<Inject>,
        scratch: ScratchViews,
        tape: Option<&mut MixTape>,
    ) {
        match (weights, scratch.mix, tape) {
            (PackedMix::Mlp { gate_up, down }, MixViews::Mlp { .. }, tape) => {
                let kept = tape.map(|tape| match tape {
                    MixTape::Mlp { x, pre, inverse } => MlpKept {
                        x: x.view(),
                        pre: pre.view(),
                        inverse: inverse.view(),
                    },
                    _ => unreachable!("a tape of another mixer"),
                });
                self.mix_mlp(gate_up, down, z, inject, scratch.mix, kept);
            }
            (PackedMix::Attention { qkv, o }, MixViews::Attention(_), tape) => {
                self.mix_attention([qkv, o], z, inject, scratch, tape);
            }
            (PackedMix::Conv(kernel), MixViews::Conv(views), tape) => {
                let kept = tape.map(|tape| match tape {
                    MixTape::Conv { x, inverse } => [x.view(), inverse.view()],
                    _ => unreachable!("a tape of another mixer"),
                });
                self.mix_conv(kernel, z, inject, views, kept);
            }
            _ => unreachable!("scratch space of another mixer"),
        }
    }

    /// Channels do not meet in this half layer, so each member takes panels of them from end to end.
    fn mix_mlp(
        &self,
        gate_up: &PackedMatrix,
        down: &PackedMatrix,
        z: View,
        inject: Option<Inject>,
        scratch: MixViews,
        kept: Option<MlpKept>,
    ) {
        let (l, d, width) = (self.l, self.d, down.k);
        let part = self.member.part();
        let scratch = scratch.of_part(part.part, l, width);
        let lines = part.of(d.div_ceil(LINE));
        for (from, to) in split(lines.len(), PANEL_LINES) {
            let first = (lines.start + from) * LINE;
            let cols = ((to - from) * LINE).min(d - first);
            let z = z.at(0, first);
            self.inject(inject, z, 0, first, l, cols);
            let pre = kept.map(|kept| {
                copy_rows(z, kept.x.at(0, first), l, cols);
                let gate = kept.pre.at(0, first);
                let up = gate.at(width, 0);
                Pre { gate, up }
            });
            self.mix_panel(gate_up, down, z, cols, scratch, pre);
            let inverse = kept.map(|kept| kept.inverse.at(0, first).ptr);
            self.isa.run(NormCols {
                x: z,
                rows: l,
                cols,
                eps: self.eps,
                inverse,
            });
        }
    }

    /// Adds the injection to a part of `z` that starts at (row, col).
    pub(super) fn inject(
        &self,
        inject: Option<Inject>,
        z: View,
        row: usize,
        col: usize,
        rows: usize,
        cols: usize,
    ) {
        if let Some(Inject { a, b }) = inject {
            self.isa.run(AddInto {
                z,
                a: a.at(row, col),
                b: b.map(|b| b.at(row, col)),
                rows,
                cols,
            });
        }
    }
}

/// Where the MLP mixer keeps what its backward pass needs.
#[derive(Clone, Copy)]
struct MlpKept {
    x: View,
    pre: View,
    inverse: View,
}
