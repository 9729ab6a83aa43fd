//! What gradients do to weights, number by number.

use super::simd::{Floats, Simd, SimdOp};

/// One step of AdamW, or of Adam-atan2, on the numbers of one tensor.
pub struct AdamUpdate<'a> {
    /// The weights.
    pub weight: &'a mut [f32],
    /// Moving mean of the gradient.
    pub mean: &'a mut [f32],
    /// Moving mean of its square.
    pub square: &'a mut [f32],
    /// The gradient.
    pub gradient: &'a [f32],
    /// Factor of the gradient (clipping).
    pub scale: f32,
    /// Decay of the mean.
    pub beta1: f32,
    /// Decay of the mean square.
    pub beta2: f32,
    /// Added to the root; none for Adam-atan2.
    pub eps: Option<f32>,
    /// `1 - lr * weight_decay`.
    pub keep: f32,
    /// `lr / (1 - beta1^t)`.
    pub step: f32,
    /// The learning rate.
    pub lr: f32,
    /// `1 / sqrt(1 - beta2^t)`.
    pub root: f32,
}

impl SimdOp for AdamUpdate<'_> {
    type Output = ();
    type Uses = Floats;
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let AdamUpdate {
            weight,
            mean,
            square,
            gradient,
            ..
        } = self;
        // A tensor that is not trained has no moments.
        let n = mean.len();
        let (weight, square) = (&mut weight[..n], &mut square[..n]);
        let gradient = &gradient[..n];
        macro_rules! each {
            (|$m:ident, $root:ident| $step:expr) => {
                for i in 0..n {
                    let g = gradient[i] * self.scale;
                    mean[i] = self.beta1 * mean[i] + (1.0 - self.beta1) * g;
                    square[i] = self.beta2 * square[i] + (1.0 - self.beta2) * g * g;
                    let ($m, $root) = (mean[i], square[i].sqrt() * self.root);
                    weight[i] = weight[i] * self.keep - $step;
                }
            };
        }
        match self.eps {
            Some(eps) => each!(|m, root| self.step * m / (root + eps)),
            None => {
                let correction = self.step / self.lr;
                each!(|m, root| self.lr * (m * correction).atan2(root));
            }
        }
    }
}

/// Moves a moving average: `average <- keep * average + (1 - keep) * weight`.
pub struct MoveAverage<'a> {
    /// Moved.
    pub average: &'a mut [f32],
    /// Of as many numbers.
    pub weight: &'a [f32],
    /// Of the average.
    pub keep: f32,
}

impl SimdOp for MoveAverage<'_> {
    type Output = ();
    type Uses = Floats;
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let (average, weight) = (self.average, self.weight);
        let weight = &weight[..average.len()];
        for i in 0..average.len() {
            average[i] = self.keep * average[i] + (1.0 - self.keep) * weight[i];
        }
    }
}
