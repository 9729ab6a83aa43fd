//! The part of a layer that mixes channels: a SwiGLU and a norm.

use super::Network;
use super::backward::Pass;
use super::scratch::ScratchViews;
use super::stack::PackedLayer;
use super::tape::Kept;
use super::team::Member;
use super::weights::SwiGluWeights;
use crate::kernels::Precision;
use crate::kernels::product::Rhs;
use crate::kernels::swiglu::Bf16Forms;
use crate::kernels::view::{Pre, View, copy_rows};

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
    /// `dy` is the gradient of `x + down(silu(gate) * up)`, and becomes that of `x`. In f32, `pre`, gates and ups, becomes their
    /// gradient: nothing else is needed later, and new places would push the rest out of the cache.
    pub(super) fn channels(
        self,
        weights: &PackedLayer,
        [x, pre]: [View; 2],
        dy: View,
        act: View,
        to: &mut SwiGluWeights,
    ) {
        let (a, l, d, width) = (
            self.arithmetic,
            self.network.l,
            self.network.d,
            weights.down.n,
        );
        self.through(&weights.down, dy, act.store());
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
        let d_pre = [forms, forms.at(0, width)];
        a.swiglu_backward(both, act, (l, width), act_cols, d_pre);
        let [act, pre_rows, pre_cols] = match a.is_f32() {
            true => [act.units(), pre.units(), pre.units()],
            false => [self.input, self.rows, self.output],
        };
        self.add_gradient(a.cols(dy, l, d, self.dy), act, &mut to.down);
        let x = a.cols(x, l, d, self.input);
        self.add_gradient(pre_cols, x, &mut to.gate_up);
        let size = (l, d, a.units(2 * width));
        a.product(
            size,
            pre_rows.lhs(),
            Rhs::Packed(&weights.gate_up),
            dy.add(),
        );
    }
}
