use super::*;
use crate::network::limits::tests::small;
use recurra_kernels::AlignedMatrix;

const LR: f64 = 1e-2;
const DECAY: f64 = 0.1;

fn settings(rule: Rule) -> Settings {
    Settings {
        rule,
        beta1: 0.9,
        beta2: 0.95,
        eps: 1e-8,
        weight_decay: DECAY as f32,
        momentum: 0.95,
    }
}

/// Weights before and after two steps at half the gradients, which come as third and fourth.
fn two_steps(isa: Isa, rule: Rule) -> [TrmWeights; 4] {
    let config = small();
    let start = TrmWeights::random(&config, 1);
    let gradients = [2, 3].map(|seed| TrmWeights::random(&config, seed));
    let mut weights = start.clone();
    let mut optimizer = Optimizer::new(&config, settings(rule));
    for gradient in &gradients {
        optimizer.step(isa, &mut weights, gradient, 0.5, LR as f32);
    }
    let [first, second] = gradients;
    [start, weights, first, second]
}

fn numbers(matrix: &AlignedMatrix) -> Vec<f64> {
    matrix.to_vec().into_iter().map(f64::from).collect()
}

/// Adam in f64, of whose two steps `direction` says what mean and root make.
fn adam(start: f64, gradients: [f64; 2], direction: fn(f64, f64) -> f64) -> f64 {
    let (beta1, beta2): (f64, f64) = (f64::from(0.9f32), f64::from(0.95f32));
    let (mut w, mut m, mut v) = (start, 0.0, 0.0);
    for (t, gradient) in [1, 2].into_iter().zip(gradients) {
        let g = 0.5 * gradient;
        m = beta1 * m + (1.0 - beta1) * g;
        v = beta2 * v + (1.0 - beta2) * g * g;
        let (mean, square) = (m / (1.0 - beta1.powi(t)), v / (1.0 - beta2.powi(t)));
        w = w * (1.0 - LR * DECAY) - LR * direction(mean, square.sqrt());
    }
    w
}

#[track_caller]
fn close(name: &str, found: &[f64], expected: &[f64], most: f64) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!(
            (found - expected).abs() < most,
            "{name}: {found} for {expected}"
        );
    }
}

#[test]
fn adams_agree_with_a_plain_reference() {
    let ratio: fn(f64, f64) -> f64 = |mean, root| mean / (root + 1e-8);
    for (rule, direction) in [(Rule::AdamW, ratio), (Rule::AdamAtan2, f64::atan2)] {
        for isa in Isa::available() {
            let weights = two_steps(isa, rule);
            let [start, after, first, second] = weights
                .each_ref()
                .map(|w| [numbers(&w.layers[1].mlp.down), numbers(&w.embed_tokens)].concat());
            let expected: Vec<f64> = (0..start.len())
                .map(|i| adam(start[i], [first[i], second[i]], direction))
                .collect();
            close(isa.name(), &after, &expected, 1e-6);
            let [start, after, ..] = weights;
            assert_eq!(after.h_init.to_vec(), start.h_init.to_vec());
        }
    }
}

/// `a * b`, `n` columns in `b`.
fn times(a: &[f64], b: &[f64], k: usize, n: usize) -> Vec<f64> {
    let row = |a: &[f64]| -> Vec<f64> {
        let column = |j| (0..k).map(|i| a[i] * b[i * n + j]).sum();
        (0..n).map(column).collect()
    };
    a.chunks(k).flat_map(row).collect()
}

fn transposed(a: &[f64], cols: usize) -> Vec<f64> {
    let column = |c| a.iter().copied().skip(c).step_by(cols);
    (0..cols).flat_map(column).collect()
}

/// Muon in f64.
fn muon(start: &[f64], gradients: [&[f64]; 2], cols: usize) -> Vec<f64> {
    let (rows, decay) = (start.len() / cols, f64::from(0.95f32));
    let mut w = start.to_vec();
    let mut m = vec![0.0; w.len()];
    for gradient in gradients {
        let mut x: Vec<f64> = (m.iter_mut().zip(gradient))
            .map(|(m, g)| {
                let g = 0.5 * g;
                *m = decay * *m + g;
                g + decay * *m
            })
            .collect();
        let norm = x.iter().map(|x| x * x).sum::<f64>().sqrt();
        x.iter_mut().for_each(|x| *x /= norm);
        for _ in 0..5 {
            // x x^T x, whichever side is shorter.
            let cube =
                |x: &[f64]| times(&times(x, &transposed(x, cols), cols, rows), x, rows, cols);
            let third = cube(&x);
            let gram = times(&x, &transposed(&x, cols), cols, rows);
            let fifth = times(&gram, &third, rows, cols);
            for i in 0..x.len() {
                x[i] = 3.4445 * x[i] - 4.7750 * third[i] + 2.0315 * fifth[i];
            }
        }
        let step = LR * 0.2 * (rows.max(cols) as f64).sqrt();
        for (w, x) in w.iter_mut().zip(x) {
            *w = *w * (1.0 - LR * DECAY) - step * x;
        }
    }
    w
}

#[test]
fn muon_agrees_with_a_plain_reference() {
    for isa in Isa::available() {
        let weights = two_steps(isa, Rule::Muon);
        // Wider than high, and the other way round.
        for place in 0..weights[0].linears().len() {
            let cols = weights[0].linears()[place].cols();
            let [start, after, first, second] =
                weights.each_ref().map(|w| numbers(w.linears()[place]));
            let expected = muon(&start, [&first, &second], cols);
            close(isa.name(), &after, &expected, 1e-5);
        }
        let tables = weights.each_ref().map(|w| numbers(&w.lm_head));
        let [start, after, first, second] = tables;
        let ratio = |mean, root| mean / (root + 1e-8);
        let expected: Vec<f64> = (0..start.len())
            .map(|i| adam(start[i], [first[i], second[i]], ratio))
            .collect();
        close(isa.name(), &after, &expected, 1e-6);
    }
}

#[test]
fn muons_updates_are_nearly_orthogonal() {
    let config = small();
    let mut weights = trained_zeros(&config);
    let gradient = TrmWeights::random(&config, 5);
    let mut optimizer = Optimizer::new(&config, settings(Rule::Muon));
    optimizer.step(Isa::detect(), &mut weights, &gradient, 1.0, 1.0);
    for update in weights.linears() {
        let (rows, cols) = (update.rows(), update.cols());
        let x = numbers(update);
        // Singular values are about 1, so the sum of their squares is about their number.
        let length = 0.2 * (rows.max(cols) as f64).sqrt();
        let squares = x.iter().map(|x| (x / length).powi(2)).sum::<f64>();
        let ratio = squares / rows.min(cols) as f64;
        assert!((0.4..1.3).contains(&ratio), "{rows}x{cols}: {ratio}");
    }
}
