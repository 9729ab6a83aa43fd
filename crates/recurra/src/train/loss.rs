//! The loss of one answer: cross-entropy and the halting loss.

use serde::{Deserialize, Serialize};

/// How logits become the probabilities of the cross-entropy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Probabilities {
    /// `s(x) / sum of s`, with `s(x) = 1 / (1 - x)` below zero and `x + 1` from zero on, as the reference implementation
    /// has it: Prieto and others, "Grokking at the Edge of Numerical Stability", 2025.
    #[default]
    Stablemax,
    /// `exp(x) / sum of exp`.
    Softmax,
}

/// The label of a place that does not count.
pub const IGNORE_LABEL: u16 = u16::MAX;

/// The loss of one sample, before division by the batch size.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct SampleLoss {
    /// Mean over labelled places of the cross-entropy.
    pub lm: f64,
    /// Binary cross-entropy of the halting logit against "the answer is right in every labelled place".
    pub halt: f64,
    /// Labelled places.
    pub places: usize,
    /// Labelled places answered right.
    pub right: usize,
}

impl SampleLoss {
    /// What is minimised: `lm + 0.5 * halt`.
    pub fn total(&self) -> f64 {
        self.lm + HALT_WEIGHT * self.halt
    }

    /// Every labelled place is right.
    pub fn exact(&self) -> bool {
        self.right == self.places
    }
}

/// Weight of the halting loss.
pub(crate) const HALT_WEIGHT: f64 = 0.5;

impl Probabilities {
    /// `weight` times the cross-entropy of one place; `logits` become its gradient. The label's
    /// share of what is asked for is `1 - smoothing`, and `smoothing` is shared out evenly to all tokens.
    pub(crate) fn cross_entropy(
        self,
        logits: &mut [f32],
        label: usize,
        weight: f64,
        smoothing: f64,
    ) -> f64 {
        let most = logits.iter().fold(f32::NEG_INFINITY, |a, &b| a.max(b));
        // What a probability is in proportion to, and its derivative.
        let share = |x: f32| match self {
            Probabilities::Stablemax if x < 0.0 => {
                let s = 1.0 / (1.0 - f64::from(x));
                (s, s * s)
            }
            Probabilities::Stablemax => (f64::from(x) + 1.0, 1.0),
            Probabilities::Softmax => {
                // Above zero, for the logarithm, however far below the largest.
                let s = (f64::from(x) - f64::from(most))
                    .exp()
                    .max(f64::MIN_POSITIVE);
                (s, s)
            }
        };
        let sum: f64 = logits.iter().map(|&x| share(x).0).sum();
        let even = smoothing / logits.len() as f64;
        let mut loss = 0.0;
        for (i, logit) in logits.iter_mut().enumerate() {
            let (value, slope) = share(*logit);
            let asked = if i == label { 1.0 - smoothing } else { 0.0 } + even;
            if asked > 0.0 {
                loss -= asked * (value / sum).ln();
            }
            *logit = ((1.0 / sum - asked / value) * slope * weight) as f32;
        }
        loss * weight
    }
}

/// Binary cross-entropy of a logit, and its gradient.
pub(crate) fn binary_cross_entropy(logit: f32, target: bool) -> (f64, f64) {
    let (x, y) = (f64::from(logit), f64::from(u8::from(target)));
    let loss = x.max(0.0) - x * y + (-x.abs()).exp().ln_1p();
    (loss, 1.0 / (1.0 + (-x).exp()) - y)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gradients_agree_with_finite_differences() {
        let logits = [0.3f32, -1.7, 2.5, -0.01, 0.0];
        let cases = [Probabilities::Stablemax, Probabilities::Softmax].into_iter();
        for (kind, smoothing) in cases.flat_map(|kind| [0.0, 0.1, 1.0].map(|s| (kind, s))) {
            let loss = |x: &[f32]| kind.cross_entropy(&mut x.to_vec(), 1, 0.7, smoothing);
            let mut gradient = logits;
            kind.cross_entropy(&mut gradient, 1, 0.7, smoothing);
            for i in 0..logits.len() - 1 {
                let (mut up, mut down) = (logits, logits);
                up[i] += 1e-3;
                down[i] -= 1e-3;
                let numeric = (loss(&up) - loss(&down)) / f64::from(up[i] - down[i]);
                assert!(
                    (numeric - f64::from(gradient[i])).abs() < 1e-5,
                    "{kind:?} {i}: {numeric}"
                );
            }
        }
        let mut far = [1e4f32, -1e4];
        let loss = Probabilities::Softmax.cross_entropy(&mut far, 1, 1.0, 0.0);
        assert!(loss > 500.0 && loss.is_finite() && far == [1.0, -1.0]);
        for (logit, target) in [(-3.0, true), (0.5, false), (40.0, false), (-90.0, true)] {
            let (loss, gradient) = binary_cross_entropy(logit, target);
            let (up, down) = (logit + 1e-2, logit - 1e-2);
            let slope = (binary_cross_entropy(up, target).0 - binary_cross_entropy(down, target).0)
                / f64::from(up - down);
            assert!(loss >= 0.0 && (slope - gradient).abs() < 1e-4, "{logit}");
        }
    }
}
