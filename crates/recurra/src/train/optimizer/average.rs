//! The moving average of the weights.

use crate::kernels::Isa;
use crate::kernels::simd::{Floats, Simd, SimdOp};
use crate::model::TrmWeights;

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

/// Moves an exponential moving average of the weights: `average <- keep * average + (1 - keep) * weights`. Tensors that
/// are empty in `moments` are not trained, and stay as they are.
pub(crate) fn move_average(
    isa: Isa,
    average: &mut TrmWeights,
    weights: &TrmWeights,
    moments: &TrmWeights,
    keep: f32,
) {
    let pairs = average.tensors_mut().into_iter().zip(weights.tensors());
    let trained = pairs.zip(moments.tensors()).filter(|(_, m)| m.rows() > 0);
    for ((average, weight), _) in trained {
        isa.run(Average {
            average: average.padded_mut(),
            weight: weight.padded(),
            keep,
        });
    }
}
