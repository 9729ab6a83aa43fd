//! 8-bit weights for products that add up two units in 16 bits before they widen the sum ([`Simd::DOT8`]).
//!
//! That takes five instructions for two units and not six, of which three and not four are multiplications, and is
//! exact as long as no sum leaves the 16 bits, whatever the activations are. A row of weights of which it is not sure is
//! rounded to a coarser scale: at the worst to half the range, that is to 7 bits as the activations there have anyway.

use super::Isa;
use super::Q8Weights;
use super::simd::{Bytes, Simd, SimdOp};
use std::borrow::Cow;

/// Largest sum in 16 bits.
pub const MOST: i32 = i16::MAX as i32;

/// The weights as products on this instruction set take them.
pub fn fitted(isa: Isa, weights: &Q8Weights) -> Cow<'_, Q8Weights> {
    struct Fits;
    impl SimdOp for Fits {
        type Output = bool;
        type Uses = Bytes;
        #[inline(always)]
        fn run<S: Simd>(self, _: S) -> bool {
            !S::DOT8
        }
    }
    let mut weights = Cow::Borrowed(weights);
    if isa.compile(Fits) {
        return weights;
    }
    let cols = weights.cols;
    for row in 0..weights.rows {
        let values = &weights.values[row * cols..][..cols];
        let most = largest_sum(values);
        if most <= MOST {
            continue;
        }
        let values = values.to_vec();
        let to = weights.to_mut();
        let out = &mut to.values[row * cols..][..cols];
        let mut factor = MOST as f32 / most as f32;
        // At half the range at the latest: four weights of 64 fit.
        loop {
            for (out, &v) in out.iter_mut().zip(&values) {
                *out = (f32::from(v) * factor).round() as i8;
            }
            if largest_sum(out) <= MOST {
                break;
            }
            factor *= 0.99;
        }
        to.scales[row] /= factor;
    }
    weights
}

/// The largest magnitude that a sum of 16 bits of these weights may have: of activations in 1..=127, two from each of
/// two units.
pub fn largest_sum(values: &[i8]) -> i32 {
    let mut most = 0;
    for two in values.chunks(8) {
        for half in [0, 2] {
            let places = [half, half + 1, half + 4, half + 5];
            // Of the positive ones, and of the negative.
            let sums = places
                .iter()
                .filter_map(|&i| two.get(i))
                .fold([0, 0], |[p, n], &v| {
                    let v = i32::from(v);
                    [p + v.max(0), n - v.min(0)]
                });
            most = most.max(127 * sums[0].max(sums[1]) - sums[0].min(sums[1]));
        }
    }
    most
}
