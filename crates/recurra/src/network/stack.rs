//! The layers of a model, packed in the order in which the kernels read them.

use super::config::TrmConfig;
use super::mixers::{self, Tables};
use super::weights::LayerWeights;
use recurra_kernels::pack::Entries;
use recurra_kernels::{AlignedMatrix, Isa, Linear, PackedMatrix, Packing, Precision};

/// Weights of a linear layer that can be packed: a model's own, or the f32 of a training.
pub trait Pack {
    /// Packs them for products on `isa`.
    fn pack(&self, isa: Isa, packing: Packing) -> PackedMatrix;
}

impl Pack for AlignedMatrix {
    fn pack(&self, isa: Isa, packing: Packing) -> PackedMatrix {
        PackedMatrix::of_floats(isa, packing, self)
    }
}

impl Pack for Linear {
    fn pack(&self, isa: Isa, packing: Packing) -> PackedMatrix {
        PackedMatrix::new(isa, packing, self)
    }
}

/// The weights of one layer, packed.
#[derive(Debug, Clone)]
pub(crate) struct PackedLayer {
    /// The mixer's, in its order.
    pub(crate) mix: Vec<PackedMatrix>,
    pub(crate) gate_up: PackedMatrix,
    pub(crate) down: PackedMatrix,
}

impl PackedLayer {
    /// A layer as the forward pass reads it.
    fn new<M>(
        config: &TrmConfig,
        weights: &LayerWeights<M>,
        pack: impl Fn(Packing, &M) -> PackedMatrix,
    ) -> Self {
        let slots = mixers::of(config.mixer).slots(config).into_iter();
        let packings = slots.map(|slot| slot.packing);
        Self::packed_by(weights, packings, Packing::PairPanels, pack)
    }

    /// The weights of a layer in training, transposed, as the backward pass reads them: gradients go through a layer from
    /// its outputs to its inputs.
    pub(crate) fn transposed(
        stack: &Stack,
        weights: &LayerWeights,
        precision: Precision,
        stream: bool,
    ) -> Self {
        let slots = mixers::of(stack.config.mixer)
            .slots(&stack.config)
            .into_iter();
        let packings = slots.map(|slot| slot.transposed);
        Self::packed_by(weights, packings, Packing::Panels, |packing, w| {
            let entries = Entries::transposed(w);
            let mut packed = PackedMatrix::rounded(stack.isa, packing, precision, entries);
            packed.stream = stream;
            packed
        })
    }

    /// `gate_up` says how the first product of the channels' SwiGLU is packed.
    fn packed_by<M>(
        weights: &LayerWeights<M>,
        mix: impl Iterator<Item = Packing>,
        gate_up: Packing,
        pack: impl Fn(Packing, &M) -> PackedMatrix,
    ) -> Self {
        let mix = mix.zip(&weights.mix);
        PackedLayer {
            mix: mix.map(|(packing, w)| pack(packing, w)).collect(),
            gate_up: pack(gate_up, &weights.mlp.gate_up),
            down: pack(Packing::Panels, &weights.mlp.down),
        }
    }

    /// Packs new values of the same weights, as they stand or transposed as they were, without allocating.
    pub(crate) fn repack(
        &mut self,
        isa: Isa,
        weights: &LayerWeights,
        entries: impl Fn(&AlignedMatrix) -> Entries<'_>,
    ) {
        for (packed, weights) in self.matrices_mut().zip(weights.linears()) {
            packed.repack(isa, entries(weights));
        }
    }

    /// All linear layers.
    pub(crate) fn matrices(&self) -> impl Iterator<Item = &PackedMatrix> {
        self.mix.iter().chain([&self.gate_up, &self.down])
    }

    /// All linear layers, to be changed.
    pub(crate) fn matrices_mut(&mut self) -> impl Iterator<Item = &mut PackedMatrix> {
        let PackedLayer { mix, gate_up, down } = self;
        mix.iter_mut().chain([gate_up, down])
    }
}

/// The layers of a model with all that a call of the network needs.
#[derive(Debug, Clone)]
pub(crate) struct Stack {
    pub(crate) isa: Isa,
    pub(crate) config: TrmConfig,
    pub(crate) layers: Vec<PackedLayer>,
    /// The mixer's.
    pub(crate) tables: Tables,
}

impl Stack {
    pub(crate) fn new<M>(
        isa: Isa,
        config: &TrmConfig,
        layers: &[LayerWeights<M>],
        pack: impl Fn(Packing, &M) -> PackedMatrix,
    ) -> Self {
        let layers = layers.iter();
        Stack {
            isa,
            layers: layers
                .map(|layer| PackedLayer::new(config, layer, &pack))
                .collect(),
            tables: mixers::of(config.mixer).tables(config),
            config: config.clone(),
        }
    }
}
