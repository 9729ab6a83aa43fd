//! The MLP mixer, forward.

use super::PANEL_LINES;
use super::columns::PanelScratch;
use crate::network::{Inject, Network};
use recurra_kernels::PackedMatrix;
use recurra_kernels::matrix::LINE;
use recurra_kernels::norm::NormCols;
use recurra_kernels::pack::split;
use recurra_kernels::view::{Pre, Units, View, copy_rows};

impl Network<'_> {
    /// Channels do not meet in this half layer, so each member takes panels of them from end to end.
    pub(super) fn mix_mlp(
        &self,
        gate_up: &PackedMatrix,
        down: &PackedMatrix,
        z: View,
        inject: Option<Inject>,
        scratch: &[Units],
        kept: Option<Kept>,
    ) {
        let (l, d, width) = (self.l, self.d, down.k);
        let part = self.member.part();
        let scratch = PanelScratch::of_part(scratch, part.part, l, width);
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
}

/// Where the MLP mixer keeps what its backward pass needs.
#[derive(Clone, Copy)]
pub(super) struct Kept {
    pub(super) x: View,
    pub(super) pre: View,
    pub(super) inverse: View,
}
