//! The network of a model: a stack of layers, each a mixer and a SwiGLU with their norms.

use super::arena::{ScratchViews, Sharing};
use super::packed::{PackedLayer, PackedModel, RotaryTable};
use super::tape::LayerTape;
use super::team::Member;
use crate::kernels::compiled::Follows;
use crate::kernels::format::F32;
use crate::kernels::neighbours::Neighbours;
use crate::kernels::norm::NormRows;
use crate::kernels::pack::split;
use crate::kernels::product::{Lhs, Part, Product, Rhs};
use crate::kernels::view::{Pre, View, copy_rows};
use crate::kernels::{Isa, Precision};

/// What is added to the state before the first layer: `a`, or `a + b`.
#[derive(Clone, Copy)]
pub(crate) struct Inject {
    pub(crate) a: View,
    pub(crate) b: Option<View>,
}

/// The network with the numbers that every kernel call needs, as one member of a team sees it.
#[derive(Clone, Copy)]
pub(crate) struct Network<'a> {
    pub(crate) isa: Isa,
    /// Positions.
    pub(crate) l: usize,
    /// Channels.
    pub(crate) d: usize,
    pub(crate) heads: usize,
    pub(crate) eps: f32,
    pub(crate) rotary: Option<&'a RotaryTable>,
    pub(crate) neighbours: Neighbours,
    pub(crate) member: Member<'a>,
    pub(crate) sharing: Sharing,
    layers: &'a [PackedLayer],
}

impl<'a> Network<'a> {
    pub(crate) fn new(model: &'a PackedModel, member: Member<'a>) -> Self {
        let l = model.config.positions_len();
        Network {
            isa: model.isa,
            l,
            d: model.config.hidden_size,
            heads: model.config.num_heads,
            eps: model.config.rms_norm_eps,
            rotary: model.rotary.as_ref(),
            neighbours: model.config.neighbours(),
            member,
            sharing: Sharing::new(l, member.part().parts),
            layers: &model.layers,
        }
    }

    /// `z <- f(z + injection)`: all layers, in place. `tapes` is empty, or one for each layer.
    pub(crate) fn call(
        &self,
        z: View,
        inject: Inject,
        scratch: ScratchViews,
        tapes: &mut [LayerTape],
    ) {
        let mut inject = Some(inject);
        for (i, layer) in self.layers.iter().enumerate() {
            let tape = tapes.get_mut(i);
            self.layer(layer, z, inject.take(), scratch, tape);
        }
    }

    /// One layer.
    fn layer(
        &self,
        weights: &PackedLayer,
        z: View,
        inject: Option<Inject>,
        scratch: ScratchViews,
        tape: Option<&mut LayerTape>,
    ) {
        let (mix_tape, kept) = match tape {
            Some(t) => {
                let kept = Kept {
                    middle: t.middle.view(),
                    pre: t.pre.view(),
                    out: t.out.view(),
                    inverse: t.inverse.view(),
                };
                (Some(&mut t.mix), Some(kept))
            }
            None => (None, None),
        };
        self.mix(&weights.mix, z, inject, scratch, mix_tape);
        self.member.meet();
        self.on_rows(&mut |member, first, count, at| {
            let kept = kept.map(|kept| kept.at(first));
            let (z, scratch) = (z.at(first, 0), scratch.at_row(at));
            self.channels(weights, z, count, scratch, member, kept);
        });
        self.member.meet();
    }

    /// Calls `work(member, first row, rows, first row of the scratch space)` for the rows of this member, or for all
    /// rows if the members share weights.
    pub(crate) fn on_rows(&self, work: &mut dyn FnMut(Member, usize, usize, usize)) {
        match self.sharing {
            Sharing::Weights => work(self.member, 0, self.l, 0),
            Sharing::Rows(chunk) => {
                let part = self.member.part();
                let rows = part.of(self.l);
                for (from, to) in split(rows.len(), chunk) {
                    let first = rows.start + from;
                    work(Member::ALONE, first, to - from, part.part * chunk);
                }
            }
        }
    }

    /// `z <- norm(z + swiglu(z))` for some rows. What the backward pass needs is kept by a member that is alone.
    fn channels(
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

    /// RMS norm of some rows of the state; `inverse` receives what the backward pass needs.
    pub(crate) fn norm_rows(&self, z: View, rows: usize, inverse: Option<View>) {
        self.isa.run(NormRows {
            x: z,
            rows,
            cols: self.d,
            eps: self.eps,
            inverse: inverse.map(|v| v.ptr),
        });
    }

    /// Layers of the network.
    pub(crate) fn depth(&self) -> usize {
        self.layers.len()
    }

    /// `epilogue(lhs * rhs)` in f32: `m x k` times `k x n`.
    pub(crate) fn product<E: Follows<F32>>(
        &self,
        m: usize,
        n: usize,
        k: usize,
        lhs: Lhs,
        rhs: Rhs,
        epilogue: E,
    ) {
        self.isa.run(Product {
            m,
            n,
            units: k,
            lhs,
            rhs,
            format: F32,
            epilogue,
            part: Part::WHOLE,
        });
    }
}

/// Where the channels' half of a layer keeps what its backward pass needs.
#[derive(Clone, Copy)]
struct Kept {
    middle: View,
    pre: View,
    out: View,
    inverse: View,
}

impl Kept {
    fn at(self, row: usize) -> Kept {
        Kept {
            middle: self.middle.at(row, 0),
            pre: self.pre.at(row, 0),
            out: self.out.at(row, 0),
            inverse: self.inverse.at(0, row),
        }
    }
}
