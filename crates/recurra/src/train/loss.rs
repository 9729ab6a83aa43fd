//! The loss of one answer: stablemax cross-entropy and the halting loss.

/// The label of a place that does not count.
pub const IGNORE_LABEL: u16 = u16::MAX;

/// The loss of one sample, before division by the batch size.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct SampleLoss {
    /// Mean over labelled places of the stablemax cross-entropy.
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

/// `s(x)` of the stablemax: `1 / (1 - x)` below zero, `x + 1` from zero on; and its derivative.
///
/// Prieto et al., "Grokking at the Edge of Numerical Stability", 2025.
fn s(x: f64) -> (f64, f64) {
    if x < 0.0 {
        let s = 1.0 / (1.0 - x);
        (s, s * s)
    } else {
        (x + 1.0, 1.0)
    }
}

/// Cross-entropy of `-log(s(logit) / sum of s(logits))` times `weight`; `logits` become its gradient. The label's share of
/// what is asked for is `1 - smoothing`, and `smoothing` is shared out evenly to all tokens.
pub(crate) fn stablemax_cross_entropy(
    logits: &mut [f32],
    label: usize,
    weight: f64,
    smoothing: f64,
) -> f64 {
    let sum: f64 = logits.iter().map(|&x| s(x.into()).0).sum();
    let even = smoothing / logits.len() as f64;
    let mut loss = 0.0;
    for (i, logit) in logits.iter_mut().enumerate() {
        let (value, slope) = s((*logit).into());
        let asked = if i == label { 1.0 - smoothing } else { 0.0 } + even;
        if asked > 0.0 {
            loss -= asked * (value / sum).ln();
        }
        *logit = ((1.0 / sum - asked / value) * slope * weight) as f32;
    }
    loss * weight
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
        for smoothing in [0.0, 0.1, 1.0] {
            let loss = |x: &[f32]| stablemax_cross_entropy(&mut x.to_vec(), 1, 0.7, smoothing);
            let mut gradient = logits;
            stablemax_cross_entropy(&mut gradient, 1, 0.7, smoothing);
            for i in 0..logits.len() - 1 {
                let (mut up, mut down) = (logits, logits);
                up[i] += 1e-3;
                down[i] -= 1e-3;
                let numeric = (loss(&up) - loss(&down)) / f64::from(up[i] - down[i]);
                assert!(
                    (numeric - f64::from(gradient[i])).abs() < 1e-5,
                    "{i}: {numeric}"
                );
            }
        }
        for (logit, target) in [(-3.0, true), (0.5, false), (40.0, false), (-90.0, true)] {
            let (loss, gradient) = binary_cross_entropy(logit, target);
            let (up, down) = (logit + 1e-2, logit - 1e-2);
            let slope = (binary_cross_entropy(up, target).0 - binary_cross_entropy(down, target).0)
                / f64::from(up - down);
            assert!(loss >= 0.0 && (slope - gradient).abs() < 1e-4, "{logit}");
        }
    }
}
