//! One call of the network: a stack of layers, each a mixer of positions and a SwiGLU of channels with their norms, forward
//! and backward.

pub(crate) mod arithmetic;
pub(crate) mod backward;
mod channels;
pub(crate) mod config;
pub(crate) mod heads;
pub(crate) mod limits;
pub(crate) mod linear;
pub(crate) mod memory;
pub(crate) mod mixers;
pub(crate) mod pass;
pub(crate) mod scratch;
pub(crate) mod stack;
pub(crate) mod states;
pub(crate) mod tape;
pub(crate) mod team;
pub(crate) mod weights;

pub use config::{Mixer, Positions, SWIGLU_MULTIPLE, TrmConfig};

use memory::ScratchViews;
use mixers::{Mix, Tables};
use recurra_kernels::Isa;
use recurra_kernels::compiled::Follows;
use recurra_kernels::format::F32;
use recurra_kernels::neighbours::Neighbours;
use recurra_kernels::norm::{AddInto, NormRows};
use recurra_kernels::pack::split;
use recurra_kernels::product::{Lhs, Part, Product, Rhs};
use recurra_kernels::swiglu::SwiGluBackward;
use recurra_kernels::view::{Pre, View};
use scratch::Sharing;
use stack::{PackedLayer, Stack};
use tape::LayerTape;
use team::Member;

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
    /// Positions of one sample, of which the state holds one after the other; `l` where it holds one.
    pub(crate) block: usize,
    /// Channels.
    pub(crate) d: usize,
    pub(crate) heads: usize,
    pub(crate) eps: f32,
    pub(crate) mixer: &'static dyn Mix,
    pub(crate) tables: &'a Tables,
    pub(crate) neighbours: Neighbours,
    pub(crate) member: Member<'a>,
    pub(crate) sharing: Sharing,
    layers: &'a [PackedLayer],
}

impl<'a> Network<'a> {
    pub(crate) fn new(stack: &'a Stack, member: Member<'a>) -> Self {
        let Stack { isa, config, .. } = stack;
        let l = config.positions_len();
        Network {
            isa: *isa,
            l,
            block: l,
            d: config.hidden_size,
            heads: config.num_heads,
            eps: config.rms_norm_eps,
            mixer: mixers::of(config.mixer),
            tables: &stack.tables,
            neighbours: config.neighbours(),
            member,
            sharing: Sharing::new(l, member.part().parts),
            layers: &stack.layers,
        }
    }

    /// The same for `rows` rows of samples of `block` rows each, where the mixer takes several: [`Mixer::Tokens`].
    pub(crate) fn of_rows(stack: &'a Stack, member: Member<'a>, rows: usize, block: usize) -> Self {
        Network {
            l: rows,
            block,
            sharing: Sharing::new(rows, member.part().parts),
            ..Network::new(stack, member)
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
            Some(tape) => {
                let (mix, kept) = tape.parts();
                (Some(mix), Some(kept))
            }
            None => (None, None),
        };
        self.mixer
            .forward(self, &weights.mix, z, inject, scratch, mix_tape);
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

    /// Adds the injection to a part of `z` that starts at (row, col).
    pub(crate) fn inject(
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

    /// `act = silu(gate) * up`; gates and ups are lost.
    pub(crate) fn swiglu(&self, gate: View, up: View, act: View, [rows, cols]: [usize; 2]) {
        // The backward kernel computes it beside the gradients; those of a loss that does not change are zero.
        for row in 0..rows {
            // SAFETY: `act` has `rows` rows of at least `cols` numbers.
            unsafe { act.at(row, 0).ptr.write_bytes(0, cols) }
        }
        self.isa.run(SwiGluBackward {
            pre: Pre { gate, up },
            act,
            rows,
            cols,
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

/// The latent state and the input of one sample.
#[derive(Clone, Copy)]
pub(crate) struct Latent {
    pub(crate) x: View,
    pub(crate) z_h: View,
    pub(crate) z_l: View,
}

impl Network<'_> {
    /// One cycle: `l_cycles` updates of z_L, then one of z_H. `tapes` is empty, or one for each layer of each call.
    pub(crate) fn cycle(
        &self,
        l_cycles: usize,
        latent: Latent,
        scratch: ScratchViews,
        tapes: &mut [LayerTape],
    ) {
        let Latent { x, z_h, z_l } = latent;
        let mut tapes = tapes.chunks_mut(self.depth());
        for _ in 0..l_cycles {
            let inject = Inject { a: z_h, b: Some(x) };
            self.call(z_l, inject, scratch, tapes.next().unwrap_or_default());
        }
        let inject = Inject { a: z_l, b: None };
        self.call(z_h, inject, scratch, tapes.next().unwrap_or_default());
    }
}
