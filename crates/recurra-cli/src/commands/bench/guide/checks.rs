//! The checklist before a release.

use super::kernels::{MODEL, PLAIN, SMALL};
use super::report::{Check, Row, Verdict};
use super::statistics::Share;
use super::{Subject, Subjects};
use recurra::engine::{PackedModel, TrmEngine};
use recurra::kernels::{Isa, Precision, peak};
use recurra::model::TrmModel;
use recurra::quantize::quantize;
use recurra::solver::Solver;
use stats_alloc::INSTRUMENTED_SYSTEM;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

/// All points.
pub(super) fn check(
    subjects: &Subjects,
    rows: &[Row],
    stops: &BTreeMap<&'static str, usize>,
) -> anyhow::Result<Vec<Check>> {
    let large = subjects.open(MODEL)?;
    let small = subjects.open(SMALL)?;
    Ok(vec![
        profile(&large)?,
        instruction_sets(&small)?,
        no_allocations(&small)?,
        four_bits(&small, subjects)?,
        of_row("The cache answers what it knows", rows, "exact-cache"),
        of_row("Planned steps save steps", rows, "k-prediction"),
        stopping(stops),
        memory(&large)?,
        of_row("Batches scale with threads", rows, "parallel-batch"),
    ])
}

fn of_row(title: &str, rows: &[Row], name: &str) -> Check {
    let row = rows.iter().find(|row| row.name == name);
    let (passed, found) = match row {
        Some(Row {
            gain: Some(gain),
            verdict,
            ..
        }) => {
            let found = format!("{:.2} times; {}", gain.median, gain.of);
            (Some(*verdict == Verdict::Holds), found)
        }
        Some(row) => (None, row.reason.clone().unwrap_or_default()),
        None => (None, String::new()),
    };
    Check {
        title: title.into(),
        passed,
        found,
    }
}

/// An engine for a model on one thread, with one of its puzzles.
fn engine(isa: Isa, subject: &Subject, model: &TrmModel) -> anyhow::Result<TrmEngine> {
    let packed = Arc::new(PackedModel::new(isa, model.config(), &model.weights));
    let mut engine = TrmEngine::with_weights(packed, 1);
    engine.start(&subject.puzzles(0, 1)?[0].question, 0)?;
    Ok(engine)
}

/// How much of a step is spent multiplying: the time that the products would take at the arithmetic's peak.
fn profile(subject: &Subject) -> anyhow::Result<Check> {
    const STEPS: u32 = 20;
    const LEAST: f64 = 0.6;
    let isa = Isa::detect();
    let mut engine = engine(isa, subject, &subject.model)?;
    engine.step();
    let mut shares = Vec::new();
    for _ in 0..5 {
        let started = Instant::now();
        let operations = peak::multiply_adds(isa, 2_000_000);
        let peak = operations as f64 / started.elapsed().as_secs_f64();
        let started = Instant::now();
        (0..STEPS).for_each(|_| engine.step());
        let flops = subject.model.config().flops_per_step() * u64::from(STEPS);
        shares.push(flops as f64 / started.elapsed().as_secs_f64() / peak);
    }
    shares.sort_by(f64::total_cmp);
    let share = shares[shares.len() / 2];
    Ok(Check {
        title: format!(
            "Most of a step is products, at {:.0} % of the peak or more over all",
            100.0 * LEAST
        ),
        passed: Some(share >= LEAST),
        found: format!(
            "{:.0} % of the peak of f32 on one thread, {}",
            100.0 * share,
            subject.name
        ),
    })
}

/// All instruction sets of this processor compute the same as plain Rust.
fn instruction_sets(subject: &Subject) -> anyhow::Result<Check> {
    const BOUND: f32 = 1e-3;
    let mut names = Vec::new();
    let mut plain = engine(scalar(), subject, &subject.model)?;
    plain.step();
    let expected: Vec<Vec<f32>> = rows(&mut plain, subject);
    let mut worst = 0f32;
    for isa in Isa::available() {
        let mut engine = engine(isa, subject, &subject.model)?;
        engine.step();
        let found = rows(&mut engine, subject);
        for (expected, found) in expected.iter().flatten().zip(found.iter().flatten()) {
            // Both are minus infinity for tokens that are no symbols; a NaN is no agreement.
            let difference = if expected == found {
                0.0
            } else {
                (expected - found).abs()
            };
            worst = if difference.is_nan() {
                f32::INFINITY
            } else {
                worst.max(difference)
            };
        }
        names.push(isa.name());
    }
    Ok(Check {
        title: "All instruction sets of this processor agree with plain Rust".into(),
        passed: Some(worst <= BOUND),
        found: format!(
            "{}; logits within {worst:.1e} after one step",
            names.join(", ")
        ),
    })
}

fn scalar() -> Isa {
    let plain = Isa::available().into_iter().find(|isa| isa.name() == PLAIN);
    plain.unwrap_or_else(Isa::detect)
}

fn rows(engine: &mut TrmEngine, subject: &Subject) -> Vec<Vec<f32>> {
    let logits = engine.decode();
    (0..subject.model.config().seq_len)
        .map(|i| logits.row(i).to_vec())
        .collect()
}

/// Steps take no memory from the allocator.
fn no_allocations(subject: &Subject) -> anyhow::Result<Check> {
    let title = "A step allocates nothing".into();
    let mut engine = engine(Isa::detect(), subject, &subject.model)?;
    engine.step();
    let count = || INSTRUMENTED_SYSTEM.stats().allocations;
    let before = count();
    if before == 0 {
        let found = "this program's allocator does not count".into();
        return Ok(Check {
            title,
            passed: None,
            found,
        });
    }
    const STEPS: usize = 100;
    (0..STEPS).for_each(|_| engine.step());
    let made = count() - before;
    Ok(Check {
        title,
        passed: Some(made == 0),
        found: format!("{made} allocations in {STEPS} steps of {}", subject.name),
    })
}

/// Four bits answer as many puzzles as f32 does.
fn four_bits(subject: &Subject, subjects: &Subjects) -> anyhow::Result<Check> {
    const LOSS: f64 = 0.01;
    let puzzles = subject.puzzles(3_000_000, subjects.effort.judged)?;
    let questions: Vec<_> = puzzles.iter().map(|pair| pair.question.clone()).collect();
    let right = |model: &TrmModel| -> anyhow::Result<Share> {
        let solver = Solver::new(model, subjects.threads)?;
        let answers = solver.solve_many(&questions, &solver.options(), &|| ())?;
        let mut right = 0;
        for (answer, pair) in answers.into_iter().zip(&puzzles) {
            right += usize::from(answer?.tokens == pair.answer);
        }
        Ok(Share::new(right, puzzles.len()))
    };
    let (whole, small) = (
        right(&subject.model)?,
        right(&quantize(&subject.model, Precision::Q4, None)?)?,
    );
    Ok(Check {
        title: format!(
            "Four bits lose at most {:.0} % of exact answers, even uncalibrated",
            100.0 * LOSS
        ),
        passed: Some(small.share >= whole.share - LOSS),
        found: format!(
            "{}: f32 {}, q4 {}",
            subject.name,
            whole.text(),
            small.text()
        ),
    })
}

/// Questions end by a rule and not at the limit.
fn stopping(stops: &BTreeMap<&'static str, usize>) -> Check {
    const LEAST: f64 = 0.5;
    let all: usize = stops.values().sum();
    let limit = stops.get("max_steps").copied().unwrap_or(0);
    let text: Vec<_> = stops
        .iter()
        .map(|(reason, count)| format!("{reason} {count}"))
        .collect();
    Check {
        title: "Most questions stop before the limit of steps".into(),
        passed: (all > 0).then(|| (all - limit) as f64 >= LEAST * all as f64),
        found: text.join(", "),
    }
}

/// What a worker needs beside the weights, which all workers share.
fn memory(subject: &Subject) -> anyhow::Result<Check> {
    const BOUND: usize = 16 << 20;
    let engine = engine(Isa::detect(), subject, &subject.model)?;
    let (buffers, weights) = (engine.buffers().bytes(), engine.weights().bytes());
    let mib = |bytes: usize| bytes as f64 / f64::from(1 << 20);
    Ok(Check {
        title: format!("A worker needs at most {:.0} MiB", mib(BOUND)),
        passed: Some(buffers <= BOUND),
        found: format!(
            "{}: {:.2} MiB a worker, {:.2} MiB of weights for all",
            subject.name,
            mib(buffers),
            mib(weights)
        ),
    })
}
