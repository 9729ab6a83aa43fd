//! What `fit` promises.

use proptest::prelude::*;
use recurra_kernels::fit::*;
use recurra_kernels::{Isa, Q8Weights};
use std::borrow::Cow;

proptest! {
    #![proptest_config(crate::cases(256))]
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
