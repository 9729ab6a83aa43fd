//! The weights of the network's layers.

use super::config::TrmConfig;
use super::mixers::{self, Size};
use recurra_kernels::AlignedMatrix;

/// A SwiGLU without bias: `down(silu(gate(x)) * up(x))`.
#[derive(Debug, Clone)]
pub struct SwiGluWeights<M = AlignedMatrix> {
    /// `[2 * width, inputs]`: gate rows first, then up rows.
    pub gate_up: M,
    /// `[inputs, width]`.
    pub down: M,
}

impl<M> SwiGluWeights<M> {
    /// Its linear layers.
    pub fn linears(&self) -> Vec<&M> {
        vec![&self.gate_up, &self.down]
    }
}

/// One layer of the network.
#[derive(Debug, Clone)]
pub struct LayerWeights<M = AlignedMatrix> {
    /// The linear layers that mix positions, in the order in which the mixer lists them.
    pub mix: Vec<M>,
    /// Mixes channels.
    pub mlp: SwiGluWeights<M>,
}

impl<M> LayerWeights<M> {
    /// A layer of so many mixing linear layers, which are taken from `next`.
    pub(crate) fn take(mixing: usize, mut next: impl FnMut() -> M) -> Self {
        LayerWeights {
            mix: (0..mixing).map(|_| next()).collect(),
            mlp: SwiGluWeights {
                gate_up: next(),
                down: next(),
            },
        }
    }

    /// All linear layers.
    pub fn linears(&self) -> impl Iterator<Item = &M> {
        self.mix.iter().chain(self.mlp.linears())
    }

    /// All linear layers, to be changed.
    pub(crate) fn linears_mut(&mut self) -> impl Iterator<Item = &mut M> {
        let SwiGluWeights { gate_up, down } = &mut self.mlp;
        self.mix.iter_mut().chain([gate_up, down])
    }

    /// All linear layers, one by one.
    pub(crate) fn into_linears(self) -> impl Iterator<Item = M> {
        let SwiGluWeights { gate_up, down } = self.mlp;
        self.mix.into_iter().chain([gate_up, down])
    }
}

/// Names, behind that of the layer, and sizes of a layer's linear layers.
pub(crate) fn linears_of(config: &TrmConfig) -> Vec<(String, Size)> {
    let (d, width) = (config.hidden_size, config.swiglu_width(config.hidden_size));
    let slots = mixers::of(config.mixer).slots(config).into_iter();
    let mix = slots.map(|slot| (slot.name, slot.size));
    let mlp = [
        ("mlp.gate_up_proj", [2 * width, d]),
        ("mlp.down_proj", [d, width]),
    ];
    mix.chain(mlp)
        .map(|(name, size)| (format!("{name}.weight"), size))
        .collect()
}
