//! Tables.

use super::Arguments;
use super::rivals::{Rival, least_squares, nearest};
use super::traces::Trace;
use recurra::thinking::{
    AdaptiveKSelector, AdaptiveOptions, Features, KPredictor, Limits, Outcome,
};
use std::time::Instant;

fn outcome(trace: &Trace, budget: usize) -> Outcome {
    match trace.needed {
        Some(steps) if steps <= budget => Outcome::Solved { steps },
        _ => Outcome::Unsolved { budget },
    }
}

/// How far predictions are from the K of those that were solved: share within 2, mean absolute error.
fn score(pairs: impl Iterator<Item = (f64, usize)>) -> (f64, f64) {
    let (mut count, mut within, mut error) = (0usize, 0usize, 0.0);
    for (predicted, needed) in pairs {
        let off = (predicted - needed as f64).abs();
        count += 1;
        within += usize::from(off <= 2.0);
        error += off;
    }
    (100.0 * within as f64 / count as f64, error / count as f64)
}

fn row(name: &str, before: (f64, f64), after: Option<(f64, f64)>) {
    let cell = |(within, error): (f64, f64)| format!("{within:6.2} % {error:7.3}");
    let after = after.map_or(String::new(), cell);
    println!("  {name:<32} {}   {after}", cell(before));
}

/// Learns from the first traces, and shows how well the last are predicted.
pub(crate) fn print(all: &[Trace], arguments: &Arguments) {
    let (learnt, test) = all.split_at(all.len() - arguments.held_out);
    let limits = |max_k, quantile| Limits {
        min_k: 1,
        max_k,
        quantile,
    };
    let solved: Vec<(usize, &Trace)> = test.iter().filter_map(|t| Some((t.needed?, t))).collect();
    println!(
        "{} questions, the last {} held out; {} of them solved within {} steps: {}",
        all.len(),
        test.len(),
        solved.len(),
        arguments.limit,
        histogram(solved.iter().map(|s| s.0))
    );
    let sizes: Vec<usize> = [250, 1000, 5000, usize::MAX]
        .into_iter()
        .map(|n| n.min(learnt.len()))
        .collect();
    let mut done = 0;
    for &n in &sizes {
        if n == done {
            continue;
        }
        done = n;
        let examples = &learnt[..n];
        let mut predictor = KPredictor::new("");
        let begin = Instant::now();
        for trace in examples {
            predictor.learn(&trace.state, outcome(trace, arguments.limit));
        }
        let learn_us = begin.elapsed().as_secs_f64() * 1e6 / n as f64;
        println!("\nafter {n} examples: within 2, mean absolute error of K, of those solved");
        println!("  {:<32} {:<18} after it", "", "before step 1");
        let predict = |features: &Features| {
            predictor
                .predict(features, &limits(arguments.limit, 0.9))
                .expected as f64
        };
        let adaptive = |of: &dyn Fn(&Trace) -> Features| {
            score(solved.iter().map(|(k, t)| (predict(&of(t)), *k)))
        };
        row(
            "KPredictor",
            adaptive(&|t| t.question),
            Some(adaptive(&|t| t.state)),
        );
        let limit = limits(arguments.limit, 0.9);
        let names = predictor.explain(&Features::UNKNOWN, &limit);
        for (m, (name, ..)) in names.iter().enumerate() {
            let alone = |of: &dyn Fn(&Trace) -> Features| {
                let expected = |t| predictor.explain(&of(t), &limit)[m].2.expected as f64;
                score(solved.iter().map(|(k, t)| (expected(t), *k)))
            };
            row(
                &format!("  {name} alone"),
                alone(&|t| t.question),
                Some(alone(&|t| t.state)),
            );
        }
        let mut needed: Vec<usize> = examples.iter().filter_map(|t| t.needed).collect();
        needed.sort_unstable();
        let mean = needed.iter().sum::<usize>() as f64 / needed.len() as f64;
        let constant = |k: f64| score(solved.iter().map(|(needed, _)| (k, *needed)));
        let rivals: [Rival; 2] = [
            ("least squares on ln K, no more", &least_squares(examples)),
            ("median of the 15 nearest", &nearest(examples)),
        ];
        for (name, expected) in rivals {
            let of = |know: fn(&Trace) -> Trace| {
                score(solved.iter().map(|(k, t)| (expected(&know(t)), *k)))
            };
            row(name, of(Trace::before), Some(of(Trace::clone)));
        }
        row("running mean", constant(mean), None);
        row("running mean, rounded", constant(mean.round()), None);
        row(
            "running median",
            constant(needed[needed.len() / 2] as f64),
            None,
        );
        let constants = (1..=arguments.limit).map(|k| (k, constant(k as f64)));
        let (k, least) = constants
            .clone()
            .min_by(|a, b| a.1.1.total_cmp(&b.1.1))
            .expect("one");
        row(&format!("best constant for error: {k}"), least, None);
        let (k, most) = constants
            .max_by(|a, b| a.1.0.total_cmp(&b.1.0))
            .expect("one");
        row(&format!("best constant for within 2: {k}"), most, None);
        let begin = Instant::now();
        for trace in test {
            std::hint::black_box(predictor.predict(&trace.state, &limits(16, 0.9)));
        }
        let predict_us = begin.elapsed().as_secs_f64() * 1e6 / test.len() as f64;
        println!("  {learn_us:.1} us to learn one, {predict_us:.1} us to predict");
        budgets(&predictor, test, arguments.max_k, &limits);
    }
    online(all, arguments);
}
fn histogram(needed: impl Iterator<Item = usize>) -> String {
    let mut counts = std::collections::BTreeMap::new();
    needed.for_each(|k| *counts.entry(k).or_insert(0usize) += 1);
    let parts: Vec<String> = counts.iter().map(|(k, n)| format!("{k}: {n}")).collect();
    parts.join(", ")
}

fn budget_row(
    name: &str,
    plans: impl Iterator<Item = (usize, Option<usize>)>,
    base: Option<f64>,
) -> f64 {
    let (mut count, mut checked, mut full, mut exact) = (0.0, 0.0, 0.0, 0.0);
    for (budget, needed) in plans {
        count += 1.0;
        full += budget as f64;
        checked += needed.map_or(budget, |k| k.min(budget)) as f64;
        exact += f64::from(u8::from(needed.is_some_and(|k| k <= budget)));
    }
    let kept = base.map_or(String::new(), |base| {
        format!("{:7.2} % of those", 100.0 * exact / base)
    });
    println!(
        "  {name:<32} {:6.3} {:8.3}   {:6.2} % {kept}",
        checked / count,
        full / count,
        100.0 * exact / count
    );
    exact
}

/// Plans from the question and the first step.
fn budgets(
    predictor: &KPredictor,
    test: &[Trace],
    max_k: usize,
    limits: &dyn Fn(usize, f32) -> Limits,
) {
    println!("  {:<32} steps: until verified, all; exact", "budgets");
    let always = budget_row(
        &format!("always {max_k}"),
        test.iter().map(|t| (max_k, t.needed)),
        None,
    );
    for quantile in [0.9, 0.95, 0.99, 0.999] {
        let limits = limits(max_k, quantile);
        let plan = |t: &Trace| (predictor.predict(&t.state, &limits).budget, t.needed);
        budget_row(
            &format!("quantile {quantile}"),
            test.iter().map(plan),
            Some(always),
        );
    }
    for k in [2, 4, 8, 12].into_iter().filter(|&k| k < max_k) {
        budget_row(
            &format!("always {k}"),
            test.iter().map(|t| (k, t.needed)),
            Some(always),
        );
    }
}

/// A selector that knows nothing at first and learns only from what its own budgets let it see.
fn online(all: &[Trace], arguments: &Arguments) {
    println!("\nonline over all questions, learning from its own budgets");
    println!("  {:<32} steps: until verified, all; exact", "");
    let max_k = arguments.max_k;
    let always = budget_row(
        &format!("always {max_k}"),
        all.iter().map(|t| (max_k, t.needed)),
        None,
    );
    for quantile in [0.9, 0.99] {
        let mut options = AdaptiveOptions::new(max_k);
        options.limits.quantile = quantile;
        let mut selector = AdaptiveKSelector::new(options, KPredictor::new(""));
        let plans: Vec<_> = all
            .iter()
            .enumerate()
            .map(|(i, trace)| {
                let first = selector.plan(&trace.question, i as u64);
                let plan = selector.refine(&first, &trace.state);
                selector.learn(&trace.state, outcome(trace, plan.budget));
                (plan.budget, trace.needed)
            })
            .collect();
        budget_row(
            &format!("selector, quantile {quantile}"),
            plans.into_iter(),
            Some(always),
        );
    }
}
