//! Rounding by its properties, and whole models.

use super::metric::Metric;
use super::*;
use crate::network::limits::tests::{each_mixer, small};
use crate::train::{IGNORE_LABEL, Sample};
use crate::{Mixer, TrmConfig};
use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use recurra_kernels::Q4Weights;

/// So many rows of numbers between -1 and 1, neighbours related.
pub(super) fn numbers(rows: usize, cols: usize, seed: u64) -> AlignedMatrix {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut matrix = AlignedMatrix::zeros(rows, cols);
    for r in 0..rows {
        let mut last = 0.0;
        for v in matrix.row_mut(r) {
            let new = (rng.next_u64() >> 40) as f32 / (1 << 23) as f32 - 1.0;
            last = 0.5 * last + 0.5 * new;
            *v = last;
        }
    }
    matrix
}

/// The moments of these inputs, one a row.
pub(super) fn moment_of(inputs: &AlignedMatrix) -> Moment {
    let size = inputs.cols();
    let mut values = vec![0.0; size * size];
    for r in 0..inputs.rows() {
        for (to, &x) in values.chunks_exact_mut(size).zip(inputs.row(r)) {
            for (to, &y) in to.iter_mut().zip(inputs.row(r)) {
                *to += f64::from(x) * f64::from(y);
            }
        }
    }
    Moment { size, values }
}

fn errors(exact: &AlignedMatrix, rounded: &AlignedMatrix) -> Vec<Vec<f64>> {
    let row = |r| {
        let pairs = exact.row(r).iter().zip(rounded.row(r));
        pairs.map(|(&a, &b)| f64::from(a) - f64::from(b)).collect()
    };
    (0..exact.rows()).map(row).collect()
}

fn cost(metric: &Metric, exact: &AlignedMatrix, rounded: &AlignedMatrix) -> f64 {
    let rows = errors(exact, rounded);
    rows.iter().map(|error| metric.cost(error)).sum()
}

/// Both integer precisions.
fn both(weights: &AlignedMatrix, metric: &Metric) -> [Linear; 2] {
    [
        Linear::Q8(rounding::q8(weights, metric)),
        Linear::Q4(rounding::q4(weights, metric)),
    ]
}

/// What the file format asks of integers and scales.
fn assert_legal(linear: &Linear) {
    let scales = match linear {
        Linear::Q8(w) => {
            assert_eq!(w.values.len(), w.rows * w.cols);
            assert!(w.values.iter().all(|&v| v != i8::MIN));
            &w.scales
        }
        Linear::Q4(w) => {
            assert_eq!(w.nibbles.len(), w.rows * Q4Weights::row_bytes(w.cols));
            assert_eq!(w.multipliers.len(), w.rows * Q4Weights::groups(w.cols));
            assert!(w.multipliers.iter().all(|m| (1..=15).contains(m)));
            &w.scales
        }
        _ => unreachable!(),
    };
    assert_eq!(scales.len(), linear.rows());
    assert!(scales.iter().all(|&s| s >= 0.0 && (s * 127.0).is_finite()));
}

proptest! {
    #![proptest_config(crate::testing::cases(48))]

    #[test]
    fn the_error_of_plain_rounding_is_bounded(rows in 1usize..4, cols in 1usize..100, seed: u64, power in -100i32..100) {
        let mut weights = numbers(rows, cols, seed);
        let factor = 2f32.powi(power);
        weights.padded_mut().iter_mut().for_each(|v| *v *= factor);
        // Half a step of the coarsest kind: one that reaches from zero to the row's largest weight.
        for (linear, most) in both(&weights, &Metric::plain(cols)).iter().zip([127.0, 7.0]) {
            assert_legal(linear);
            for (row, errors) in errors(&weights, &linear.to_f32()).iter().enumerate() {
                let largest = weights.row(row).iter().fold(0.0f32, |a, v| a.max(v.abs()));
                let norm = |e: &[f64]| e.iter().map(|e| e * e).sum::<f64>().sqrt();
                let bound = 0.5001 * f64::from(largest) / most * (cols as f64).sqrt();
                prop_assert!(norm(errors) <= bound, "{} > {bound}", norm(errors));
            }
        }
    }

    #[test]
    fn passing_errors_on_beats_rounding_to_the_nearest(cols in 2usize..100, seed: u64) {
        let weights = numbers(3, cols, seed);
        let metric = Metric::new(&moment_of(&numbers(2 * cols, cols, seed ^ 1)));
        let nearest = both(&weights, &Metric::plain(cols));
        for (found, nearest) in both(&weights, &metric).iter().zip(&nearest) {
            assert_legal(found);
            let [found, nearest] = [found, nearest].map(|w| cost(&metric, &weights, &w.to_f32()));
            prop_assert!(found <= nearest * (1.0 + 1e-6), "{found} > {nearest}");
        }
    }
}

#[test]
fn passing_errors_on_wins_much_where_inputs_are_related() {
    let weights = numbers(16, 96, 1);
    let metric = Metric::new(&moment_of(&numbers(400, 96, 2)));
    let nearest = both(&weights, &Metric::plain(96));
    for (found, nearest) in both(&weights, &metric).iter().zip(&nearest) {
        let [found, nearest] = [found, nearest].map(|w| cost(&metric, &weights, &w.to_f32()));
        assert!(found < 0.7 * nearest, "{found} for {nearest}");
    }
}

#[test]
fn rows_that_are_special() {
    let rows: [fn(usize) -> f32; 7] = [
        |_| 0.0,
        |_| -0.75,
        |i| if i == 40 { 1.0 } else { 0.0 },
        |i| if i % 2 == 0 { f32::MAX } else { -f32::MAX },
        |_| f32::from_bits(1),
        |i| if i == 0 { 1e30 } else { 1e-30 },
        |_| f32::MIN_POSITIVE,
    ];
    for cols in [1, 41, 64] {
        let mut weights = AlignedMatrix::zeros(rows.len(), cols);
        for (r, value) in rows.iter().enumerate() {
            let places = weights.row_mut(r).iter_mut().enumerate();
            places.for_each(|(i, v)| *v = value(i));
        }
        let seen = moment_of(&numbers(8, cols, 3));
        for metric in [Metric::plain(cols), Metric::new(&seen)] {
            for linear in both(&weights, &metric) {
                assert_legal(&linear);
                let found = linear.to_f32();
                assert!(found.to_vec().iter().all(|v| v.is_finite()));
                assert!(found.row(0).iter().all(|&v| v == 0.0));
            }
        }
        for linear in both(&weights, &Metric::plain(cols)) {
            let found = linear.to_f32();
            // A constant row has a scale that fits it; a single value is the most that fits.
            assert!(found.row(1).iter().all(|v| (v + 0.75).abs() < 1e-5));
            if cols > 40 {
                assert!((found.row(2)[40] - 1.0).abs() < 1e-5);
            }
        }
    }
}

#[test]
fn bfloat16_stays_finite() {
    assert_eq!(to_bf16(f32::MAX), half::bf16::MAX);
    assert_eq!(to_bf16(-f32::MAX), half::bf16::MIN);
    assert_eq!(to_bf16(1.0 + 1.0 / 128.0).to_f32(), 1.0 + 1.0 / 128.0);
    assert_eq!(to_bf16(f32::from_bits(1)).to_f32(), 0.0);
}

fn questions(config: &TrmConfig, count: usize) -> Vec<Sample> {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let sample = |_| Sample {
        question: (0..config.seq_len)
            .map(|_| (rng.next_u64() % config.vocab_size as u64) as u16)
            .collect(),
        labels: vec![IGNORE_LABEL; config.seq_len],
        puzzle: 0,
        kind: 0,
    };
    (0..count).map(sample).collect()
}

#[test]
fn whole_models_are_quantized() {
    for config in each_mixer() {
        let model = TrmModel::new(config.clone(), None, TrmWeights::random(&config, 1));
        let questions = questions(&config, 20);
        let seen = moments(&model, &questions, 1, &|| {}).unwrap();
        assert!(seen == moments(&model, &questions, 3, &|| {}).unwrap());
        let size = model.to_bytes().len() as f64;
        for (to, ratio) in [
            (Precision::Bf16, 1.8),
            (Precision::Q8, 3.0),
            (Precision::Q4, 4.0),
        ] {
            for seen in [None, Some(&seen)] {
                let small = quantize(&model, to, seen).unwrap();
                assert_eq!(small.precision(), to);
                assert!(small.header.provenance["quantized_by"].is_string());
                let bytes = small.to_bytes();
                assert!(bytes == quantize(&model, to, seen).unwrap().to_bytes());
                assert!(size / bytes.len() as f64 > ratio, "{to}: {}", bytes.len());
                let read = TrmModel::from_bytes(&bytes).unwrap();
                assert!(read.to_bytes() == bytes);
                for again in [
                    quantize(&read, Precision::Q4, None).err(),
                    moments(&read, &questions, 1, &|| {}).err(),
                ] {
                    let message = again.unwrap().to_string();
                    assert!(message.contains(&format!("found {to}")), "{message}");
                }
            }
        }
        let same = quantize(&model, Precision::F32, None).unwrap();
        assert!(same.to_bytes() == model.to_bytes());
    }
}

/// The inputs of the first layer's first product are the states that go into it: the one thing that can be checked
/// from outside.
#[test]
fn moments_are_those_of_the_inputs() {
    for mut config in each_mixer() {
        (config.h_cycles, config.l_cycles, config.halt_max_steps) = (1, 0, 1);
        let model = TrmModel::new(config.clone(), None, TrmWeights::random(&config, 2));
        let questions = questions(&config, 1);
        let seen = moments(&model, &questions, 1, &|| {}).unwrap();
        // One call: z_H <- f(z_H + z_L), from the initial states.
        let (h, l) = (model.weights.h_init.row(0), model.weights.l_init.row(0));
        let state: Vec<f64> = h.iter().zip(l).map(|(a, b)| f64::from(a + b)).collect();
        let positions = config.positions_len();
        let expected = |i: usize, j: usize| match config.mixer {
            // Vectors along the positions, one a channel.
            Mixer::Mlp => state.iter().map(|v| v * v).sum::<f64>(),
            Mixer::Attention => positions as f64 * state[i] * state[j],
            // Of 4 x 4 cells those whose neighbours at both places are inside; the prefix has none; all see the means.
            Mixer::Conv => {
                let d = state.len();
                let sees = |position: usize, place: usize| {
                    let inside = |at: usize, step: usize| (1..=4).contains(&(at + step));
                    let cell = position.checked_sub(config.puzzle_emb_len);
                    place > 8
                        || cell.map_or(place == 4, |cell| {
                            inside(cell / 4, place / 3) && inside(cell % 4, place % 3)
                        })
                };
                let both = |p: &usize| sees(*p, i / d) && sees(*p, j / d);
                (0..positions).filter(both).count() as f64 * state[i % d] * state[j % d]
            }
            Mixer::Constraints => unreachable!("its initial states are not the model's"),
            Mixer::Tokens => unreachable!("its questions are no tokens"),
        };
        let first = &seen.layers[0];
        for i in 0..first.size {
            for j in 0..first.size {
                let (found, expected) = (first.values[i * first.size + j], expected(i, j));
                assert!(
                    (found - expected).abs() < 1e-3 * expected.abs().max(1.0),
                    "{i} {j}"
                );
            }
        }
        for layer in &seen.layers {
            let diagonal: f64 = layer.values.iter().step_by(layer.size + 1).sum();
            assert!(diagonal > 0.0);
        }
    }
}

#[test]
fn a_model_thinks_like_itself() {
    let config = small();
    let model = TrmModel::new(config.clone(), None, TrmWeights::random(&config, 1));
    let questions = questions(&config, 5);
    let same = compare(&model, &model, &questions, 2, &|| {})
        .unwrap()
        .unwrap();
    assert_eq!((same.questions, same.same_answers), (5, 1.0));
    assert!(same.is_good() && same.cosine() > 0.999_999);
    let other = TrmModel::new(config.clone(), None, TrmWeights::random(&config, 2));
    let other = compare(&model, &other, &questions, 2, &|| {})
        .unwrap()
        .unwrap();
    assert!(!other.is_good() && other.same_answers < 1.0);
    assert_eq!(compare(&model, &model, &[], 2, &|| {}).unwrap(), None);
}

/// The reference implementation's Sudoku model: 97 positions of 512 channels.
#[test]
fn files_of_a_large_model_are_as_small_as_promised() {
    let config = TrmConfig {
        vocab_size: 11,
        seq_len: 81,
        hidden_size: 512,
        num_heads: 8,
        puzzle_emb_ndim: 512,
        puzzle_emb_len: 16,
        expansion: 4.0,
        num_layers: 2,
        ..small()
    };
    let model = TrmModel::new(config.clone(), None, TrmWeights::random(&config, 0));
    let size = model.to_bytes().len() as f64;
    for (to, least, most) in [
        (Precision::Bf16, 1.99, 2.0),
        (Precision::Q8, 3.88, 4.0),
        (Precision::Q4, 6.5, 8.0),
    ] {
        let ratio = size / quantize(&model, to, None).unwrap().to_bytes().len() as f64;
        assert!((least..most).contains(&ratio), "{to}: {ratio}");
        eprintln!("{to}: {size} bytes, 1/{ratio:.3}");
    }
}

#[test]
fn layers_too_wide_for_sums_of_bytes_are_refused() {
    let config = TrmConfig {
        hidden_size: 2048,
        expansion: 64.0,
        ..small()
    };
    let error = refuse_wide(&config).unwrap_err().to_string();
    let expected = "at most 66311 inputs";
    assert!(
        error.contains("down_proj") && error.contains(expected),
        "{error}"
    );
    refuse_wide(&small()).unwrap();
}
