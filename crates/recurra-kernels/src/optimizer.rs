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
        let moments = self.mean.iter_mut().zip(self.square);
        let weights = self.weight.iter_mut().zip(self.gradient).zip(moments);
        let moved = |m: &mut f32, v: &mut f32, g: f32| {
            let g = g * self.scale;
            *m = self.beta1 * *m + (1.0 - self.beta1) * g;
            *v = self.beta2 * *v + (1.0 - self.beta2) * g * g;
            (*m, v.sqrt() * self.root)
        };
        match self.eps {
            Some(eps) => {
                for ((w, &g), (m, v)) in weights {
                    let (m, root) = moved(m, v, g);
                    *w = *w * self.keep - self.step * m / (root + eps);
                }
            }
            None => {
                let correction = self.step / self.lr;
                for ((w, &g), (m, v)) in weights {
                    let (m, root) = moved(m, v, g);
                    *w = *w * self.keep - self.lr * (m * correction).atan2(root);
                }
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
        for (a, &w) in self.average.iter_mut().zip(self.weight) {
            *a = self.keep * *a + (1.0 - self.keep) * w;
        }
    }
}
