//! The moving moments of Adam, and what they make of a weight.

use crate::kernels::simd::{Floats, Simd, SimdOp};

/// One step of AdamW, or of Adam-atan2, on the numbers of one tensor.
pub(super) struct Update<'a> {
    pub(super) weight: &'a mut [f32],
    pub(super) mean: &'a mut [f32],
    pub(super) square: &'a mut [f32],
    pub(super) gradient: &'a [f32],
    /// Factor of the gradient (clipping).
    pub(super) scale: f32,
    pub(super) beta1: f32,
    pub(super) beta2: f32,
    /// Added to the root; none for Adam-atan2.
    pub(super) eps: Option<f32>,
    /// `1 - lr * weight_decay`.
    pub(super) keep: f32,
    /// `lr / (1 - beta1^t)`.
    pub(super) step: f32,
    pub(super) lr: f32,
    /// `1 / sqrt(1 - beta2^t)`.
    pub(super) root: f32,
}

impl SimdOp for Update<'_> {
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
