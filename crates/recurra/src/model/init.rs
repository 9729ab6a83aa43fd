//! Weights of an untrained model.

use super::weights::{PUZZLE_TABLE, TrmWeights};
use crate::network::config::{Mixer, TrmConfig};
use crate::network::states::{CUT_NORMAL_STD, cut_normal};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use recurra_kernels::AlignedMatrix;

impl TrmWeights {
    /// Random weights as the reference implementation makes them: truncated normal of variance 1/inputs for
    /// projections and embeddings, of variance 1 for the initial states; the halting head starts at "do not
    /// halt" (weights 0, bias -5), puzzle embeddings at 0.
    pub fn random(config: &TrmConfig, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        Self::build(config, |name, shape| {
            let cols = *shape.last().expect("a tensor has a dimension");
            let rows = if shape.len() == 1 { 1 } else { shape[0] };
            let mut matrix = AlignedMatrix::zeros(rows, cols);
            let std = match name {
                PUZZLE_TABLE | "q_head.weight" => return Ok(matrix),
                // What it adds to an answer is nothing at first.
                "lm_head.weight" if config.mixer == Mixer::Tokens => return Ok(matrix),
                "q_head.bias" if config.mixer == Mixer::Tokens => return Ok(matrix),
                "q_head.bias" => {
                    matrix.row_mut(0).fill(-5.0);
                    return Ok(matrix);
                }
                "H_init" | "L_init" => 1.0,
                // Messages add up: with a third of the variance the recursion is not chaotic from the start.
                _ if config.groups.is_some() && name.starts_with("L_level") => {
                    (3.0 * cols as f64).powf(-0.5)
                }
                _ => (cols as f64).powf(-0.5),
            };
            for r in 0..rows {
                for v in matrix.row_mut(r) {
                    *v = (cut_normal(&mut rng) * std / CUT_NORMAL_STD) as f32;
                }
            }
            Ok(matrix)
        })
        .expect("random numbers are always there")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::limits::tests::small;

    #[test]
    fn random_weights_have_the_stated_spread() {
        let weights = TrmWeights::random(&small(), 7);
        let values = weights.layers[0].mlp.gate_up.to_vec();
        let n = values.len() as f64;
        let mean = values.iter().map(|&v| v as f64).sum::<f64>() / n;
        let variance = values
            .iter()
            .map(|&v| (v as f64 - mean).powi(2))
            .sum::<f64>()
            / n;
        let inputs = small().hidden_size as f64;
        assert!(mean.abs() < 0.01, "{mean}");
        assert!((variance * inputs - 1.0).abs() < 0.05, "{variance}");
        assert_eq!(weights.q_bias.to_vec(), [-5.0, -5.0]);
        assert_eq!(
            TrmWeights::random(&small(), 7).h_init.to_vec(),
            weights.h_init.to_vec()
        );
        assert_ne!(
            TrmWeights::random(&small(), 8).h_init.to_vec(),
            weights.h_init.to_vec()
        );
    }
}
