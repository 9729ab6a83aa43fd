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
const MOST: i32 = i16::MAX as i32;

/// The weights as products on this instruction set take them.
pub(crate) fn fitted(isa: Isa, weights: &Q8Weights) -> Cow<'_, Q8Weights> {
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
    if isa.run(Fits) {
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
fn largest_sum(values: &[i8]) -> i32 {
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(crate::testing::cases(256))]
        #[test]
        fn fitted_weights_fit_and_are_near(
            values in prop::collection::vec(-127i8..=127, 1..200),
            wide in any::<bool>(),
        ) {
            let values: Vec<i8> = if wide {
                values.iter().map(|&v| if v < 0 { -127 } else { 127 }).collect()
            } else {
                values
            };
            let weights = Q8Weights { rows: 1, cols: values.len(), values, scales: vec![0.5] };
            for isa in Isa::available() {
                let fitted = fitted(isa, &weights);
                if let Cow::Owned(fitted) = &fitted {
                    prop_assert!(largest_sum(&fitted.values) <= MOST);
                    prop_assert!(fitted.scales[0] > 0.5 && fitted.scales[0] < 1.02);
                }
                for (&new, &old) in fitted.values.iter().zip(&weights.values) {
                    let error = f32::from(new) * fitted.scales[0] - f32::from(old) * 0.5;
                    prop_assert!(error.abs() <= 0.501 * fitted.scales[0]);
                }
            }
        }
    }

    #[test]
    fn sums_are_of_the_worst_activations() {
        // Places 0, 1, 4 and 5 are added up, and 2, 3, 6 and 7.
        assert_eq!(largest_sum(&[1, 2, 100, 0, 3, -4, 100, 0, 7]), 127 * 200);
        assert_eq!(largest_sum(&[10, -20]), 127 * 20 - 10);
        assert_eq!(largest_sum(&[-127; 8]), 127 * 508);
        assert_eq!(largest_sum(&[]), 0);
    }
}
