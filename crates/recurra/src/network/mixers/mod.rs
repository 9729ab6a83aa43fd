//! The parts of a layer that mix positions: one folder each, with everything that is a mixer's own.
//!
//! A mixer lists the matrices that it needs - weights, scratch space, what a call keeps for the backward pass - and holders
//! make them without knowing what they are for. Its code finds them by their places in these lists.

mod attention;
mod constraints;
mod conv;
mod mlp;
mod tokens;

use super::config::{Mixer, TrmConfig};
pub(crate) use super::memory::Size;
use super::memory::{ScratchViews, Space};
use super::pass::Pass;
use super::{Inject, Network};
use crate::error::Result;
use recurra_kernels::messages::Sparse;
use recurra_kernels::view::{Units, View};
use recurra_kernels::{AlignedMatrix, PackedMatrix, Packing, Precision};
pub(crate) use tokens::MOST_TOKENS;

/// A linear layer of a mixer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Slot {
    /// Its tensor's name behind that of the layer, without `.weight`.
    pub(crate) name: &'static str,
    /// Outputs and inputs.
    pub(crate) size: Size,
    /// How it is packed.
    pub(crate) packing: Packing,
    /// How it is packed transposed, for the backward pass.
    pub(crate) transposed: Packing,
    /// Whether its gradient is summed transposed, which spares transposing a large factor in every call.
    pub(crate) sum_transposed: bool,
}

impl Slot {
    /// A right factor.
    fn panels(name: &'static str, size: Size) -> Self {
        Slot {
            name,
            size,
            packing: Packing::Panels,
            transposed: Packing::Panels,
            sum_transposed: false,
        }
    }
}

/// Tables that a mixer makes of a configuration, and that do not change.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tables {
    pub(crate) floats: Vec<Vec<f32>>,
    pub(crate) sparse: Vec<Sparse>,
    /// Rows that follow one another and belong together.
    pub(crate) block: usize,
}

/// What a backward pass of a mixer needs.
#[derive(Debug, Clone, Default)]
pub(crate) struct BackwardSpace {
    /// Its own memory.
    pub(crate) own: Vec<Size>,
    /// The most numbers of a position that go into one of its linear layers along the positions, and that come out.
    pub(crate) widest_input: usize,
    pub(crate) widest_output: usize,
}

/// Where the gradients of a mixer's weights are summed.
pub(crate) struct Sums<'a> {
    /// In the shape of the weights.
    pub(crate) weights: &'a mut [AlignedMatrix],
    /// Transposed, for slots that want it so; empty for the others.
    pub(crate) transposed: &'a mut [AlignedMatrix],
}

/// Takes the inputs of a product: `rows` inputs of `size` numbers each.
pub(crate) type Inputs<'a> = &'a mut dyn FnMut(View, usize, usize);

/// A kind of mixer.
///
/// Forward, a mixer makes of the state z, after the injection, `norm(z + mix(z))`.
pub(crate) trait Mix: Sync {
    /// In words.
    fn describe(&self, config: &TrmConfig) -> String;

    /// Checks what is its own in a configuration.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) names the first field that no such model can have.
    fn check(&self, config: &TrmConfig) -> Result<()>;

    /// Its linear layers.
    fn slots(&self, config: &TrmConfig) -> Vec<Slot>;

    /// Floating-point operations of its products in one call.
    fn flops(&self, config: &TrmConfig) -> u64;

    /// The most numbers that a position has in it.
    fn widest(&self, config: &TrmConfig) -> usize {
        config.hidden_size
    }

    /// Its tables.
    fn tables(&self, config: &TrmConfig) -> Tables {
        let _ = config;
        Tables::default()
    }

    /// Scratch space of the forward pass, in units of 4 bytes.
    fn scratch(&self, config: &TrmConfig, space: Space) -> Vec<Size>;

    /// What a call keeps for the backward pass, in floats.
    fn tape(&self, config: &TrmConfig) -> Vec<Size>;

    /// Memory of the backward pass, in units of 4 bytes.
    fn backward_space(&self, config: &TrmConfig, precision: Precision) -> BackwardSpace;

    /// `z <- norm(z + mix(z))` after the injection, by one member of a team.
    fn forward(
        &self,
        network: &Network,
        weights: &[PackedMatrix],
        z: View,
        inject: Option<Inject>,
        scratch: ScratchViews,
        tape: Option<&mut [AlignedMatrix]>,
    );

    /// Of `result`, what the forward pass gave and its gradient, the gradient becomes that of what went in, and the weights'
    /// gradients are added to `sums`. `weights` are transposed ones.
    fn backward(
        &self,
        pass: Pass,
        weights: &[PackedMatrix],
        tape: &mut [AlignedMatrix],
        result: [View; 2],
        memory: &[Units],
        sums: Sums<'_>,
    );

    /// Memory of [`Mix::inputs`], in floats.
    fn inputs_space(&self, config: &TrmConfig) -> Vec<Size> {
        let _ = config;
        Vec::new()
    }

    /// The inputs of its linear layers in a call, in their order. What the tape holds may be lost.
    fn inputs(
        &self,
        network: &Network,
        tape: &mut [AlignedMatrix],
        memory: &[View],
        take: Inputs<'_>,
    );
}

/// The mixer of this kind.
pub(crate) fn of(mixer: Mixer) -> &'static dyn Mix {
    match mixer {
        Mixer::Mlp => &mlp::Mlp,
        Mixer::Attention => &attention::Attention,
        Mixer::Conv => &conv::Conv,
        Mixer::Constraints => &constraints::Constraints,
        Mixer::Tokens => &tokens::Tokens,
    }
}
