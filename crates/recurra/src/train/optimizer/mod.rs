//! How gradients change weights.

mod average;
mod muon;
#[cfg(test)]
mod tests;

use super::gradient::trained_zeros;
use crate::model::{TrmConfig, TrmWeights};
pub(crate) use average::move_average;
use muon::Orthogonal;
use recurra_kernels::optimizer::AdamUpdate;
use recurra_kernels::{AlignedMatrix, Isa};
use serde::{Deserialize, Serialize};

/// The rule by which gradients change weights.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// AdamW: Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019.
    #[default]
    #[serde(rename = "adamw")]
    AdamW,
    /// AdamW with `atan2(mean, root)` for `mean / (root + eps)`, which needs no eps: Everett and others, "Scaling Exponents
    /// Across Parameterizations and Optimizers", 2024, as the reference implementation takes it, without factors.
    AdamAtan2,
    /// Muon for the linear layers, AdamW for all else: Jordan and others, "Muon: An optimizer for hidden layers in neural
    /// networks", 2024, with Nesterov's momentum; updates are as long as AdamW's are (Liu and others, "Muon is Scalable for
    /// LLM Training", 2025), so that both take the same learning rate.
    Muon,
}

/// What an optimiser is told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) rule: Rule,
    /// Decay of the mean gradient.
    pub(crate) beta1: f32,
    /// Decay of the mean square.
    pub(crate) beta2: f32,
    pub(crate) eps: f32,
    /// Relative to the learning rate.
    pub(crate) weight_decay: f32,
    /// Muon: decay of the momentum.
    pub(crate) momentum: f32,
}

/// An optimiser with its moments.
#[derive(Debug)]
pub(crate) struct Optimizer {
    settings: Settings,
    /// Moving mean of the gradient; Muon's momentum.
    pub(crate) mean: TrmWeights,
    /// Moving mean of its square; empty where Muon rules.
    pub(crate) square: TrmWeights,
    /// Steps done.
    pub(crate) steps: u64,
    /// For each linear layer, if Muon rules.
    orthogonal: Vec<Orthogonal>,
}

impl Optimizer {
    pub(crate) fn new(config: &TrmConfig, settings: Settings) -> Self {
        let mean = trained_zeros(config);
        let linears = mean.linears();
        let mut square = trained_zeros(config);
        if settings.rule == Rule::Muon {
            for linear in square.parts_mut().1 {
                *linear = AlignedMatrix::zeros(0, 0);
            }
        }
        Optimizer {
            settings,
            orthogonal: match settings.rule {
                Rule::Muon => linears.into_iter().map(Orthogonal::new).collect(),
                Rule::AdamW | Rule::AdamAtan2 => Vec::new(),
            },
            square,
            mean,
            steps: 0,
        }
    }

    /// One step of length `lr` against `scale * gradient`.
    pub(crate) fn step(
        &mut self,
        isa: Isa,
        weights: &mut TrmWeights,
        gradient: &TrmWeights,
        scale: f32,
        lr: f32,
    ) {
        self.steps += 1;
        let settings = self.settings;
        let correction = |beta: f32| 1.0 - f64::from(beta).powf(self.steps as f64);
        let step = (f64::from(lr) / correction(settings.beta1)) as f32;
        let root = (1.0 / correction(settings.beta2).sqrt()) as f32;
        let keep = 1.0 - lr * settings.weight_decay;
        let (tables, linears) = weights.parts_mut();
        let linear = tables.len();
        let moments = self.mean.tensors_mut().into_iter();
        let moments = moments.zip(self.square.tensors_mut());
        let tensors = tables.into_iter().chain(linears).zip(gradient.tensors());
        for (i, ((weight, gradient), (mean, square))) in tensors.zip(moments).enumerate() {
            if let Some(orthogonal) = i
                .checked_sub(linear)
                .and_then(|i| self.orthogonal.get_mut(i))
            {
                orthogonal.step(
                    isa,
                    weight,
                    mean,
                    gradient,
                    settings.momentum,
                    scale,
                    keep,
                    lr,
                );
                continue;
            }
            isa.run(AdamUpdate {
                weight: weight.padded_mut(),
                mean: mean.padded_mut(),
                square: square.padded_mut(),
                gradient: gradient.padded(),
                scale,
                beta1: settings.beta1,
                beta2: settings.beta2,
                // Muon's other tensors are AdamW's.
                eps: (settings.rule != Rule::AdamAtan2).then_some(settings.eps),
                keep,
                step,
                lr,
                root,
            });
        }
    }
}
