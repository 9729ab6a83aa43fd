//! What instructions, fewer bits, kept memory, layout and threads gain in one step.

use super::super::batch::Batch;
use super::super::timed::Timed;
use super::statistics::Gain;
use super::{Subject, Subjects};
use recurra::engine::{PackedModel, TrmEngine};
use recurra::kernels::{Isa, Precision};
use recurra::model::TrmModel;
use recurra::quantize::quantize;
use std::sync::Arc;

/// The model whose steps are timed: large enough that products take most of a step.
pub(super) const MODEL: &str = "sudoku9";
/// A small one, for what does not grow with the model.
pub(super) const SMALL: &str = "sudoku6";
/// The instruction set that every processor has.
pub(super) const PLAIN: &str = "scalar";
/// Samples of the large batch.
const BATCH: usize = 32;

pub(super) type Measured = Vec<(&'static str, Result<Gain, String>)>;

/// How many times as fast `with` is as `without`, by rounds in which they take turns.
pub(super) fn ratio(
    rounds: usize,
    of: String,
    mut without: impl FnMut(),
    mut with: impl FnMut(),
) -> Gain {
    let mut pair = [
        Timed::new(|| {
            without();
            1
        }),
        Timed::new(|| {
            with();
            1
        }),
    ];
    // Nobody's first go counts: caches are cold and pages not there.
    pair.iter_mut().for_each(|timed| timed.measure());
    let mut ratios = Vec::new();
    for _ in 0..rounds {
        pair.iter_mut().for_each(|timed| timed.measure());
        let [without, with] = &pair;
        ratios.push(without.last() / with.last());
    }
    drop(pair);
    Gain::new(ratios, of)
}

/// All rows about one step.
pub(super) fn measure(subjects: &Subjects) -> anyhow::Result<Measured> {
    let subject = subjects.open(MODEL)?;
    let rounds = subjects.effort.rounds;
    let best = Isa::detect();
    let steps = |model: &TrmModel, isa, size, threads| {
        let packed = PackedModel::new(isa, model.config(), &model.weights);
        Batch::new(&Arc::new(packed), size, threads)
    };
    let of = |what: &str| format!("{}, {what}, {}, one thread", subject.name, best.name());
    let mut all: Measured = Vec::new();

    let plain = Isa::available().into_iter().find(|isa| isa.name() == PLAIN);
    let simd = match plain {
        Some(plain) if best.name() != PLAIN => {
            let mut without = steps(&subject.model, plain, 1, 1)?;
            let mut with = steps(&subject.model, best, 1, 1)?;
            Ok(ratio(rounds, of("f32"), || without.step(), || with.step()))
        }
        _ => Err("this processor has no other instructions than plain Rust's".into()),
    };
    all.push(("simd", simd));

    let mut sizes = Vec::new();
    for (row, precision) in [("q8", Precision::Q8), ("q4", Precision::Q4)] {
        let smaller = quantize(&subject.model, precision, None)?;
        sizes.push((precision, smaller.to_bytes().len()));
        let mut without = steps(&subject.model, best, 1, 1)?;
        let mut with = steps(&smaller, best, 1, 1)?;
        let gain = ratio(rounds, of("one sample"), || without.step(), || with.step());
        all.push((row, Ok(gain)));
    }
    let whole = subject.model.to_bytes().len();
    let small = sizes.last().map_or(whole, |&(_, bytes)| bytes);
    let text = format!("{}: {whole} and {small} bytes", subject.name);
    all.push((
        "q4-size",
        Ok(Gain::new(vec![whole as f64 / small as f64], text)),
    ));

    all.push(("buffer-reuse", Ok(buffers(subjects, rounds)?)));
    all.push(("memory-layout", Ok(layout(&subject, rounds)?)));

    let threads = subjects.threads;
    let parallel = if threads < 2 {
        Err("there is one thread".into())
    } else {
        let mut without = steps(&subject.model, best, BATCH, 1)?;
        let mut with = steps(&subject.model, best, BATCH, threads)?;
        let text = format!("{}, f32, {BATCH} samples, {threads} threads", subject.name);
        let mut gain = ratio(rounds, text, || without.step(), || with.step());
        for value in [&mut gain.median, &mut gain.low, &mut gain.high] {
            *value /= threads as f64;
        }
        Ok(gain)
    };
    all.push(("parallel-batch", parallel));
    Ok(all)
}

/// An engine that stays against one that is made for each question.
fn buffers(subjects: &Subjects, rounds: usize) -> anyhow::Result<Gain> {
    let subject = subjects.open(SMALL)?;
    let model = &subject.model;
    let packed = Arc::new(PackedModel::new(
        Isa::detect(),
        model.config(),
        &model.weights,
    ));
    let question = subject.puzzles(0, 1)?.remove(0).question;
    let mut kept = TrmEngine::with_weights(packed.clone(), 1);
    kept.start(&question, 0)?;
    let think = |engine: &mut TrmEngine| {
        // The question has been taken once, above.
        let _ = engine.start(&question, 0);
        engine.step();
    };
    Ok(ratio(
        rounds,
        format!(
            "{}, a question of one step, {}, one thread",
            subject.name,
            Isa::detect().name()
        ),
        || think(&mut TrmEngine::with_weights(packed.clone(), 1)),
        || think(&mut kept),
    ))
}

/// Weights packed once against weights packed for a question of one step.
fn layout(subject: &Subject, rounds: usize) -> anyhow::Result<Gain> {
    let model = &subject.model;
    let pack = || PackedModel::new(Isa::detect(), model.config(), &model.weights);
    let mut once = Batch::new(&Arc::new(pack()), 1, 1)?;
    let mut each = Batch::new(&Arc::new(pack()), 1, 1)?;
    Ok(ratio(
        rounds,
        format!(
            "{}, f32, a question of one step, {}, one thread",
            subject.name,
            Isa::detect().name()
        ),
        || {
            std::hint::black_box(pack());
            each.step();
        },
        || once.step(),
    ))
}
