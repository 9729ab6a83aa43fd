//! How a model is trained, and what of it can be.

use super::loss::Probabilities;
use super::optimizer::{Rule, Settings};
use super::schedule::Decay;
use crate::error::{Error, Result};
use crate::model::TrmConfig;
use recurra_kernels::{Isa, Precision};
use serde::{Deserialize, Serialize};

/// The numbers that linear layers multiply in training. Sums, weights, the optimiser's state and all else are f32 in both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TrainPrecision {
    /// 32-bit floats.
    #[default]
    F32,
    /// Weights, activations and gradients rounded to bfloat16 on the way into a product. Fast where
    /// [`Isa::has_bf16`] says yes; elsewhere plain Rust multiplies.
    Bf16,
}

impl TrainPrecision {
    /// The faster one.
    pub fn fastest(isa: Isa) -> Self {
        if isa.has_bf16() {
            TrainPrecision::Bf16
        } else {
            TrainPrecision::F32
        }
    }
}

impl From<TrainPrecision> for Precision {
    fn from(precision: TrainPrecision) -> Self {
        match precision {
            TrainPrecision::F32 => Precision::F32,
            TrainPrecision::Bf16 => Precision::Bf16,
        }
    }
}

/// How a model is trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainConfig {
    /// Samples in a batch.
    pub batch_size: usize,
    /// Peak learning rate.
    pub lr: f64,
    /// Steps of the linear warm-up.
    pub warmup: u64,
    /// What the learning rate does after it.
    pub decay: Decay,
    /// Learning rate at the end of a cosine, relative to the peak.
    pub least_lr: f64,
    /// How gradients change weights.
    #[serde(default)]
    pub optimizer: Rule,
    /// Adam: decay of the mean gradient.
    pub beta1: f64,
    /// Adam: decay of the mean square.
    pub beta2: f64,
    /// AdamW: added to the root.
    pub eps: f64,
    /// Muon: decay of the momentum.
    #[serde(default = "default_momentum")]
    pub momentum: f64,
    /// Decoupled weight decay, relative to the learning rate.
    pub weight_decay: f64,
    /// Largest 2-norm of the gradient; 0 for no limit.
    pub clip: f64,
    /// Decay of the moving average of the weights, which is the model that is saved; less in the first steps,
    /// `(1 + step) / (10 + step)` at most.
    pub ema: f64,
    /// Share of samples that must think for a random number of steps before they may halt.
    pub halt_exploration: f64,
    /// Whether the recursion is shallow at first ([`schedule::depth`](super::schedule::depth)).
    #[serde(default)]
    pub curriculum: bool,
    /// Share of samples that begin in random states instead of the model's own.
    #[serde(default)]
    pub random_start: f64,
    /// States in which thinking about a sample may begin: the first and others that are random. After one improvement step
    /// the best of them is trained, the others are forgotten (winner takes all).
    #[serde(default = "default_starts")]
    pub starts: usize,
    /// What logits become for the loss.
    #[serde(default)]
    pub probabilities: Probabilities,
    /// The numbers that linear layers multiply, forward and backward.
    #[serde(default)]
    pub precision: TrainPrecision,
    /// Share of each label that is shared out evenly to all tokens.
    #[serde(default)]
    pub label_smoothing: f64,
    /// Learning rate of the puzzle table (sign descent).
    pub puzzle_lr: f64,
    /// Weight decay of the puzzle table.
    pub puzzle_weight_decay: f64,
    /// Seed of everything random.
    pub seed: u64,
}

impl Default for TrainConfig {
    fn default() -> Self {
        TrainConfig {
            batch_size: 128,
            lr: 2e-3,
            warmup: 100,
            decay: Decay::Cosine,
            least_lr: 0.05,
            optimizer: Rule::default(),
            momentum: default_momentum(),
            beta1: 0.9,
            beta2: 0.95,
            eps: 1e-8,
            weight_decay: 0.1,
            clip: 1.0,
            ema: 0.995,
            halt_exploration: 0.1,
            curriculum: false,
            random_start: 0.0,
            starts: default_starts(),
            probabilities: Probabilities::default(),
            precision: TrainPrecision::default(),
            label_smoothing: 0.0,
            puzzle_lr: 1e-2,
            puzzle_weight_decay: 0.1,
            seed: 0,
        }
    }
}

fn default_starts() -> usize {
    1
}

fn default_momentum() -> f64 {
    0.95
}

impl TrainConfig {
    /// What the optimiser needs of it.
    pub(super) fn optimizer_settings(&self) -> Settings {
        Settings {
            rule: self.optimizer,
            beta1: self.beta1 as f32,
            beta2: self.beta2 as f32,
            eps: self.eps as f32,
            weight_decay: self.weight_decay as f32,
            momentum: self.momentum as f32,
        }
    }

    /// Checks every field.
    ///
    /// # Errors
    /// [`Error::Config`] names the first field that cannot be.
    pub fn validate(&self) -> Result<()> {
        let fail = |field, expected: &str, found: String| {
            Err(Error::Config {
                field,
                expected: expected.into(),
                found,
            })
        };
        if self.batch_size == 0 || self.batch_size > 1 << 20 {
            return fail("batch_size", "1 to 1048576", self.batch_size.to_string());
        }
        if self.starts == 0 || self.starts > 1 << 10 {
            return fail("starts", "1 to 1024", self.starts.to_string());
        }
        for (field, value, least, most) in [
            ("lr", self.lr, 1e-12, 10.0),
            ("least_lr", self.least_lr, 0.0, 1.0),
            ("beta1", self.beta1, 0.0, 0.999_999),
            ("beta2", self.beta2, 0.0, 0.999_999),
            ("eps", self.eps, 1e-30, 1.0),
            ("momentum", self.momentum, 0.0, 0.999_999),
            ("weight_decay", self.weight_decay, 0.0, 1e3),
            ("clip", self.clip, 0.0, f64::MAX),
            ("ema", self.ema, 0.0, 0.999_999_9),
            ("label_smoothing", self.label_smoothing, 0.0, 1.0),
            ("random_start", self.random_start, 0.0, 1.0),
            ("halt_exploration", self.halt_exploration, 0.0, 1.0),
            ("puzzle_lr", self.puzzle_lr, 0.0, 10.0),
            ("puzzle_weight_decay", self.puzzle_weight_decay, 0.0, 1e3),
        ] {
            if !(least..=most).contains(&value) {
                return fail(field, &format!("{least} to {most}"), value.to_string());
            }
        }
        Ok(())
    }

    /// Checks every field, and that a model of this architecture can be trained so.
    ///
    /// # Errors
    /// As [`TrainConfig::validate`].
    pub fn fits(&self, model: &TrmConfig) -> Result<()> {
        self.validate()?;
        if model.groups.is_none() {
            return Ok(());
        }
        // Tokens that are no symbols have no logits there, and so no share of a label and no stablemax.
        let (field, found) = if self.probabilities != Probabilities::Softmax {
            ("probabilities", "stablemax".to_owned())
        } else if self.label_smoothing > 0.0 {
            ("label_smoothing", self.label_smoothing.to_string())
        } else {
            return Ok(());
        };
        Err(Error::Config {
            field,
            expected: "softmax without label smoothing for a model over groups".into(),
            found,
        })
    }
}
