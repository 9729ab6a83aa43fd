//! The part of a layer that mixes channels: a SwiGLU and a norm.

use super::Network;
use super::memory::ScratchViews;
use super::pass::Pass;
use super::stack::PackedLayer;
use super::tape::Kept;
use super::team::Member;
use super::weights::SwiGluWeights;
use recurra_kernels::Precision;
use recurra_kernels::view::{Pre, View, copy_rows};

impl Network<'_> {
    /// `z <- norm(z + swiglu(z))` for some rows. What the backward pass needs is kept by a member that is alone.
    pub(super) fn channels(
        &self,
        weights: &PackedLayer,
        z: View,
        count: usize,
        scratch: ScratchViews,
        member: Member,
        kept: Option<Kept>,
    ) {
        let PackedLayer { gate_up, down, .. } = weights;
        let ScratchViews {
            act,
            z_rows,
            act_rows,
            ..
        } = scratch;
        let part = member.part();
        let mine = part.of(count);
        let (first, rows) = (mine.start, mine.len());
        if let Some(kept) = kept {
            copy_rows(z, kept.middle, count, self.d);
        }
        if gate_up.precision != Precision::F32 {
            self.prepare_rows(gate_up, z.at(first, 0), rows, z_rows.at(first));
            member.meet();
        }
        let input = self.prepared(gate_up, z, z_rows);
        let pre = kept.map(|kept| Pre {
            gate: kept.pre,
            up: kept.pre.at(0, down.k),
        });
        self.linear_swiglu(count, input, gate_up, (down, act, act_rows), pre, part);
        member.meet();
        if !Self::acts_are_prepared(gate_up, down) {
            self.prepare_rows(down, act.at(first, 0), rows, act_rows.at(first));
            member.meet();
        }
        let input = self.prepared(down, act, act_rows);
        self.linear(count, input, down, z.add(), part);
        member.meet();
        self.norm_rows(z.at(first, 0), rows, kept.map(|kept| kept.inverse));
        if let Some(kept) = kept {
            copy_rows(z, kept.out, count, self.d);
        }
    }
}

impl Pass<'_> {
    /// `dy` is the gradient of `x + down(silu(gate) * up)`, and becomes that of `x`.
    pub(super) fn channels(
        self,
        weights: &PackedLayer,
        kept: [View; 2],
        dy: View,
        act: View,
        to: &mut SwiGluWeights,
    ) {
        let weights = [&weights.gate_up, &weights.down];
        let to = [&mut to.gate_up, &mut to.down];
        self.swiglu(weights, kept, dy, act, to, dy.add());
    }
}
