//! The network of a model: a stack of layers, each a mixer and a SwiGLU with their norms.

use super::arena::Scratch;
use super::packed::{PackedLayer, PackedModel, RotaryTable};
use super::tape::LayerTape;
use super::team::{on_parts, share};
use crate::kernels::Isa;
use crate::kernels::norm::NormRows;
use crate::kernels::product::{Epilogue, Lhs, Product, Rhs, SwiGluPanels};
use crate::kernels::view::{View, copy_rows};

/// What is added to the state before the first layer: `a`, or `a + b`.
#[derive(Clone, Copy)]
pub(crate) struct Inject {
    pub(crate) a: View,
    pub(crate) b: Option<View>,
}

/// The network with the numbers that every kernel call needs.
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
    /// Threads that work on this sample together.
    pub(crate) parts: usize,
    layers: &'a [PackedLayer],
}

impl<'a> Network<'a> {
    pub(crate) fn new(model: &'a PackedModel, parts: usize) -> Self {
        Network {
            isa: model.isa,
            l: model.config.positions_len(),
            d: model.config.hidden_size,
            heads: model.config.num_heads,
            eps: model.config.rms_norm_eps,
            rotary: model.rotary.as_ref(),
            parts,
            layers: &model.layers,
        }
    }

    /// `z <- f(z + injection)`: all layers, in place. `tapes` is empty, or one for each layer.
    pub(crate) fn call(
        &self,
        z: View,
        inject: Inject,
        scratch: &mut Scratch,
        tapes: &mut [LayerTape],
    ) {
        let mut inject = Some(inject);
        for (i, layer) in self.layers.iter().enumerate() {
            self.layer(layer, z, inject.take(), scratch, tapes.get_mut(i));
        }
    }

    /// One layer.
    fn layer(
        &self,
        weights: &PackedLayer,
        z: View,
        inject: Option<Inject>,
        scratch: &mut Scratch,
        tape: Option<&mut LayerTape>,
    ) {
        let (d, width, parts) = (self.d, weights.down.k, self.parts);
        let act = scratch.act.view();
        let (mix_tape, kept) = match tape {
            Some(t) => {
                let kept = (
                    t.middle.view(),
                    t.pre.view(),
                    t.out.view(),
                    t.inverse.view(),
                );
                (Some(&mut t.mix), Some(kept))
            }
            None => (None, None),
        };
        self.mix(&weights.mix, z, inject, &mut scratch.mix, mix_tape);
        // Positions do not meet in this half layer, so each part takes some of them from end to end.
        on_parts(parts, &|part| {
            let rows = share(self.l, part, parts);
            let (first, count) = (rows.start, rows.len());
            let (z, act) = (z.at(first, 0), act.at(first, 0));
            let rhs = Rhs::Packed(&weights.gate_up);
            match kept {
                Some((middle, pre, ..)) => {
                    copy_rows(z, middle.at(first, 0), count, d);
                    let pre = pre.at(first, 0);
                    let epilogue = SwiGluPanels(act.swiglu_keeping(pre, pre.at(0, width)));
                    self.product(count, 2 * width, d, z.lhs(), rhs, epilogue);
                }
                None => {
                    let epilogue = SwiGluPanels(act.swiglu());
                    self.product(count, 2 * width, d, z.lhs(), rhs, epilogue);
                }
            }
            self.product(
                count,
                d,
                width,
                act.lhs(),
                Rhs::Packed(&weights.down),
                z.add(),
            );
            self.isa.run(NormRows {
                x: z,
                rows: count,
                cols: d,
                eps: self.eps,
                inverse: kept.map(|(.., inverse)| inverse.at(0, first).ptr),
            });
            if let Some((_, _, out, _)) = kept {
                copy_rows(z, out.at(first, 0), count, d);
            }
        });
    }

    /// Layers of the network.
    pub(crate) fn depth(&self) -> usize {
        self.layers.len()
    }

    /// `epilogue(lhs * rhs)`: `m x k` times `k x n`.
    pub(crate) fn product<E: Epilogue>(
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
            k,
            lhs,
            rhs,
            epilogue,
        });
    }
}
