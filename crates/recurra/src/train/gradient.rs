//! Sums of gradients, in the shape of the weights.

use crate::model::weights::PUZZLE_TABLE;
use crate::model::{TrmConfig, TrmWeights};
use crate::network::backward::LayerSums;
use crate::network::heads::HeadSums;
use crate::network::mixers;
use recurra_kernels::AlignedMatrix;
use recurra_kernels::view::transpose;

/// The gradient of everything that an optimiser trains.
///
/// Tensors that it does not train are empty here: the initial states are fixed, and of the puzzle table only
/// the rows in use have gradients, which their samples keep.
#[derive(Debug)]
pub(crate) struct Gradient {
    pub(crate) weights: TrmWeights,
    /// For each layer, the mixer's gradients that are summed transposed, and empty matrices for the others.
    transposed: Vec<Vec<AlignedMatrix>>,
}

/// Whether the optimiser trains the tensor of this name.
pub(crate) fn is_trained(name: &str) -> bool {
    !matches!(name, "H_init" | "L_init" | PUZZLE_TABLE)
}

/// Zeros in the shapes of `config`, empty where the optimiser has nothing to do.
pub(crate) fn trained_zeros(config: &TrmConfig) -> TrmWeights {
    TrmWeights::build(config, |name, shape| {
        Ok(match shape {
            _ if !is_trained(name) => AlignedMatrix::zeros(0, 0),
            [cols] => AlignedMatrix::zeros(1, *cols),
            shape => AlignedMatrix::zeros(shape[0], shape[1]),
        })
    })
    .expect("zeros are always there")
}

impl Gradient {
    pub(crate) fn new(config: &TrmConfig) -> Self {
        let weights = trained_zeros(config);
        let slots = mixers::of(config.mixer).slots(config);
        let transposed = slots.iter().map(|slot| match slot.sum_transposed {
            true => AlignedMatrix::zeros(slot.size[1], slot.size[0]),
            false => AlignedMatrix::zeros(0, 0),
        });
        let transposed: Vec<AlignedMatrix> = transposed.collect();
        Gradient {
            transposed: vec![transposed; config.num_layers],
            weights,
        }
    }

    /// Where the head's gradients are summed.
    pub(crate) fn head(&mut self) -> HeadSums<'_> {
        let weights = &mut self.weights;
        HeadSums {
            embed_tokens: &mut weights.embed_tokens,
            lm_head: &mut weights.lm_head,
            q_head: &mut weights.q_head,
            q_bias: &mut weights.q_bias,
            embed_pos: weights.embed_pos.as_mut(),
        }
    }

    /// Where each layer's gradients are summed.
    pub(crate) fn layers(
        &mut self,
    ) -> impl DoubleEndedIterator<Item = LayerSums<'_>> + ExactSizeIterator {
        let layers = self.weights.layers.iter_mut().zip(&mut self.transposed);
        layers.map(|(weights, transposed)| LayerSums {
            weights,
            transposed,
        })
    }

    pub(crate) fn clear(&mut self) {
        for matrix in self.weights.tensors_mut() {
            matrix.padded_mut().fill(0.0);
        }
        for matrix in self.transposed.iter_mut().flatten() {
            matrix.padded_mut().fill(0.0);
        }
    }

    /// Brings all sums into the shape of the weights.
    pub(crate) fn finish(&mut self) {
        for LayerSums {
            weights,
            transposed,
        } in self.layers()
        {
            let pairs = weights.mix.iter_mut().zip(transposed);
            for (to, from) in pairs.filter(|(_, from)| from.rows() > 0) {
                let (rows, cols) = (from.rows(), from.cols());
                transpose(from.view().units(), to.view().units(), rows, cols);
            }
        }
    }

    /// Adds another finished gradient.
    pub(crate) fn add(&mut self, other: &Gradient) {
        for (to, from) in self
            .weights
            .tensors_mut()
            .into_iter()
            .zip(other.weights.tensors())
        {
            for (a, b) in to.padded_mut().iter_mut().zip(from.padded()) {
                *a += b;
            }
        }
    }

    /// The 2-norm over everything.
    pub(crate) fn norm(&self) -> f64 {
        let squares = |m: &AlignedMatrix| {
            // Rows first: a sum of many small squares in one f32 would lose them.
            let row = |r: &[f32]| f64::from(r.iter().map(|v| v * v).sum::<f32>());
            m.padded().chunks(256).map(row).sum::<f64>()
        };
        self.weights
            .tensors()
            .into_iter()
            .map(squares)
            .sum::<f64>()
            .sqrt()
    }
}
