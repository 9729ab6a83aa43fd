//! The moving average of the weights.

use crate::model::TrmWeights;
use recurra_kernels::Isa;
use recurra_kernels::optimizer::MoveAverage;

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
        isa.run(MoveAverage {
            average: average.padded_mut(),
            weight: weight.padded(),
            keep,
        });
    }
}
