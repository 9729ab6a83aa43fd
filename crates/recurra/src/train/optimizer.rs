//! How gradients change weights.

use super::gradient::trained_zeros;
use crate::kernels::Isa;
use crate::kernels::simd::{Floats, Simd, SimdOp};
use crate::model::{TrmConfig, TrmWeights};

/// AdamW: Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019.
#[derive(Debug)]
pub(crate) struct AdamW {
    /// Moving mean of the gradient.
    pub(crate) mean: TrmWeights,
    /// Moving mean of its square.
    pub(crate) square: TrmWeights,
    /// Steps done.
    pub(crate) steps: u64,
    beta1: f32,
    beta2: f32,
    eps: f32,
    weight_decay: f32,
}

struct Update<'a> {
    weight: &'a mut [f32],
    mean: &'a mut [f32],
    square: &'a mut [f32],
    gradient: &'a [f32],
    /// Factor of the gradient (clipping).
    scale: f32,
    beta1: f32,
    beta2: f32,
    eps: f32,
    /// `1 - lr * weight_decay`.
    keep: f32,
    /// `lr / (1 - beta1^t)`.
    step: f32,
    /// `1 / sqrt(1 - beta2^t)`.
    correction: f32,
}

impl SimdOp for Update<'_> {
    type Output = ();
    type Uses = Floats;
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let moments = self.mean.iter_mut().zip(self.square);
        for ((w, &g), (m, v)) in self.weight.iter_mut().zip(self.gradient).zip(moments) {
            let g = g * self.scale;
            *m = self.beta1 * *m + (1.0 - self.beta1) * g;
            *v = self.beta2 * *v + (1.0 - self.beta2) * g * g;
            let denominator = v.sqrt() * self.correction + self.eps;
            *w = *w * self.keep - self.step * *m / denominator;
        }
    }
}

impl AdamW {
    pub(crate) fn new(
        config: &TrmConfig,
        beta1: f32,
        beta2: f32,
        eps: f32,
        weight_decay: f32,
    ) -> Self {
        AdamW {
            mean: trained_zeros(config),
            square: trained_zeros(config),
            steps: 0,
            beta1,
            beta2,
            eps,
            weight_decay,
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
        let correction = |beta: f32| 1.0 - f64::from(beta).powf(self.steps as f64);
        let tensors = weights.tensors_mut().into_iter().zip(gradient.tensors());
        let moments = self
            .mean
            .tensors_mut()
            .into_iter()
            .zip(self.square.tensors_mut());
        for ((weight, gradient), (mean, square)) in tensors.zip(moments) {
            isa.run(Update {
                weight: weight.padded_mut(),
                mean: mean.padded_mut(),
                square: square.padded_mut(),
                gradient: gradient.padded(),
                scale,
                beta1: self.beta1,
                beta2: self.beta2,
                eps: self.eps,
                keep: 1.0 - lr * self.weight_decay,
                step: (f64::from(lr) / correction(self.beta1)) as f32,
                correction: (1.0 / correction(self.beta2).sqrt()) as f32,
            });
        }
    }
}

struct Average<'a> {
    average: &'a mut [f32],
    weight: &'a [f32],
    keep: f32,
}

impl SimdOp for Average<'_> {
    type Output = ();
    type Uses = Floats;
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        for (a, &w) in self.average.iter_mut().zip(self.weight) {
            *a = self.keep * *a + (1.0 - self.keep) * w;
        }
    }
}

/// Moves an exponential moving average of the weights: `average <- keep * average + (1 - keep) * weights`.
pub(crate) fn move_average(isa: Isa, average: &mut TrmWeights, weights: &TrmWeights, keep: f32) {
    for (average, weight) in average.tensors_mut().into_iter().zip(weights.tensors()) {
        isa.run(Average {
            average: average.padded_mut(),
            weight: weight.padded(),
            keep,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::config::tests::small;

    #[test]
    fn adamw_agrees_with_a_plain_reference() {
        let config = small();
        let start = TrmWeights::random(&config, 1);
        let gradients = [
            TrmWeights::random(&config, 2),
            TrmWeights::random(&config, 3),
        ];
        let (lr, beta1, beta2, eps, decay) = (1e-2, 0.9, 0.95, 1e-8, 0.1);
        for isa in Isa::available() {
            let mut weights = start.clone();
            let mut adam = AdamW::new(
                &config,
                beta1 as f32,
                beta2 as f32,
                eps as f32,
                decay as f32,
            );
            for gradient in &gradients {
                adam.step(isa, &mut weights, gradient, 0.5, lr as f32);
            }
            let find = |w: &TrmWeights| w.layers[1].mlp.down.to_vec();
            let pairs = gradients.each_ref().map(find);
            for (i, (&w, &w0)) in find(&weights).iter().zip(&find(&start)).enumerate() {
                let (mut w1, mut m, mut v) = (f64::from(w0), 0.0, 0.0);
                for (t, gradient) in pairs.iter().enumerate() {
                    let g = f64::from(gradient[i]) * 0.5;
                    m = beta1 * m + (1.0 - beta1) * g;
                    v = beta2 * v + (1.0 - beta2) * g * g;
                    let t = t as i32 + 1;
                    let (mh, vh) = (m / (1.0 - beta1.powi(t)), v / (1.0 - beta2.powi(t)));
                    w1 = w1 * (1.0 - lr * decay) - lr * mh / (vh.sqrt() + eps);
                }
                assert!(
                    (f64::from(w) - w1).abs() < 1e-6,
                    "{}: {w} for {w1}",
                    isa.name()
                );
            }
            assert_eq!(weights.h_init.to_vec(), start.h_init.to_vec());
        }
    }
}
