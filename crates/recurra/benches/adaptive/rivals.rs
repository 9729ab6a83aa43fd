//! Simpler predictors, to compare with.

use super::traces::Trace;
use recurra::thinking::adaptive::{FEATURES, QUESTION_FEATURES};

/// A way to predict K, with its name.
pub(crate) type Rival<'a> = (&'a str, &'a dyn Fn(&Trace) -> f64);

/// Features in standard deviations of those of the examples.
fn standardise(examples: &[Trace]) -> impl Fn(&Trace) -> [f64; FEATURES] + use<> {
    let count = examples.len() as f64;
    let (mut mean, mut deviation) = ([0.0; FEATURES], [0.0; FEATURES]);
    for example in examples {
        for (mean, value) in mean.iter_mut().zip(example.values()) {
            *mean += value / count;
        }
    }
    for example in examples {
        for (i, value) in example.values().into_iter().enumerate() {
            deviation[i] += (value - mean[i]).powi(2) / count;
        }
    }
    move |trace| {
        let values = trace.values();
        std::array::from_fn(|i| (values[i] - mean[i]) / deviation[i].sqrt().max(1e-5))
    }
}

/// The rounded exponential of ridge regression on ln K, by Gauss-Seidel iteration.
pub(crate) fn least_squares(examples: &[Trace]) -> impl Fn(&Trace) -> f64 + use<> {
    // One for what is known before the first step, one for all.
    let fit = |before: bool| {
        let examples: Vec<Trace> = examples
            .iter()
            .filter(|example| example.needed.is_some())
            .map(|example| {
                if before {
                    example.before()
                } else {
                    example.clone()
                }
            })
            .collect();
        let standard = standardise(&examples);
        let y = |example: &Trace| (example.needed.unwrap_or(1) as f64).ln();
        let mean = examples.iter().map(y).sum::<f64>() / examples.len() as f64;
        let (mut a, mut b) = ([[0.0; FEATURES]; FEATURES], [0.0; FEATURES]);
        for example in &examples {
            let z = standard(example);
            for i in 0..FEATURES {
                (0..FEATURES).for_each(|j| a[i][j] += z[i] * z[j]);
                b[i] += z[i] * (y(example) - mean);
            }
        }
        (0..FEATURES).for_each(|i| a[i][i] += 5.0);
        let mut w = [0.0; FEATURES];
        for _ in 0..2000 {
            for i in 0..FEATURES {
                let rest: f64 = (0..FEATURES)
                    .filter(|&j| j != i)
                    .map(|j| a[i][j] * w[j])
                    .sum();
                w[i] = (b[i] - rest) / a[i][i];
            }
        }
        move |trace: &Trace| {
            let z = standard(trace);
            let score = mean + (0..FEATURES).map(|i| w[i] * z[i]).sum::<f64>();
            score.exp().round().max(1.0)
        }
    };
    let (before, after) = (fit(true), fit(false));
    move |trace| {
        if trace.state.knows_state() {
            after(trace)
        } else {
            before(trace)
        }
    }
}

/// The median K of the 15 examples with the nearest features, all of which it remembers.
pub(crate) fn nearest(examples: &[Trace]) -> impl Fn(&Trace) -> f64 + use<> {
    let solved: Vec<Trace> = examples
        .iter()
        .filter(|example| example.needed.is_some())
        .cloned()
        .collect();
    let standard = standardise(&solved);
    let points: Vec<_> = solved
        .iter()
        .map(|example| (standard(example), example.needed))
        .collect();
    move |trace| {
        let z = standard(trace);
        let known = if trace.state.knows_state() {
            FEATURES
        } else {
            QUESTION_FEATURES
        };
        let distance = |point: &[f64; FEATURES]| -> f64 {
            (0..known).map(|i| (point[i] - z[i]).powi(2)).sum()
        };
        let mut near: Vec<_> = points
            .iter()
            .map(|(point, needed)| (distance(point), needed.unwrap_or(1)))
            .collect();
        near.sort_by(|a, b| a.0.total_cmp(&b.0));
        near.truncate(15);
        near.sort_by_key(|(_, needed)| *needed);
        near[near.len() / 2].1 as f64
    }
}
