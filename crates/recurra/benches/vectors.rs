//! How long a model of vectors takes: a question alone, a batch of 1,000, and a question whose answer is known.
//!
//! `cargo bench -p recurra --bench vectors -- [HIDDEN] [DIMENSION] [K]`, by default 256, 384 and 4. The weights are random: thinking takes as long
//! with any. Runs of all kinds take turns; told are medians.

use recurra::model::{TrmConfig, TrmModel, TrmWeights};
use recurra::train::vectors::architecture;
use recurra::vectors::{Memory, MemoryOptions, RefineOptions, Refiner, Route, VectorQuestion};
use recurra::{Norm, TaskSpec, VectorSpec};
use std::hint::black_box;
use std::time::Instant;

/// Rounds in which each kind has its turn.
const ROUNDS: usize = 15;
/// Questions asked one by one in a turn.
const ALONE: usize = 50;
/// Questions of a batch.
const BATCH: usize = 1000;

fn main() {
    let mut numbers = std::env::args()
        .skip(1)
        .filter_map(|a| a.parse::<usize>().ok());
    let mut next = |usual| numbers.next().unwrap_or(usual);
    let (hidden_size, dimension, k) = (next(256), next(384), next(4));
    let spec = VectorSpec {
        embedder: String::new(),
        hash: String::new(),
        dimension,
        norm: Norm::Unit,
        questions: 1,
        neighbours: 0,
    };
    let config = TrmConfig {
        hidden_size,
        ..architecture(&spec)
    };
    let weights = TrmWeights::random(&config, 1);
    let count = TrmWeights::count(&config);
    let refiner = Refiner::new(&TrmModel::new(
        config,
        Some(TaskSpec::Vectors(spec)),
        weights,
    ))
    .unwrap();
    let options = RefineOptions {
        max_steps: k,
        halt_above: 2.0,
        raw_below: 0.0,
    };
    let vectors = unit_vectors(BATCH, dimension);
    let questions: Vec<VectorQuestion> = vectors
        .iter()
        .map(|v| VectorQuestion {
            question: v,
            initial: v,
        })
        .collect();
    let exact = MemoryOptions {
        similar: 2.0,
        plan: false,
        ..MemoryOptions::default()
    };
    let memory = Memory::new(refiner.clone(), exact).unwrap();
    for &question in &questions {
        memory.answer(question, options).unwrap();
    }
    let threads = rayon::current_num_threads();
    let mut times = [const { Vec::new() }; 3];
    for round in 0..ROUNDS {
        let some = || (0..ALONE).map(|i| questions[(round * ALONE + i) % BATCH]);
        let started = Instant::now();
        some()
            .for_each(|question| drop(black_box(refiner.reason_with(question, options).unwrap())));
        times[0].push(started.elapsed().as_secs_f64() / ALONE as f64);
        let started = Instant::now();
        black_box(refiner.reason_many(&questions, options).unwrap());
        times[1].push(started.elapsed().as_secs_f64() / BATCH as f64);
        let started = Instant::now();
        for question in some() {
            let found = memory.answer(question, options).unwrap();
            assert_eq!(found.route, Route::Exact);
        }
        times[2].push(started.elapsed().as_secs_f64() / ALONE as f64);
    }
    let [alone, batch, known] = times.map(median);
    println!("{count} weights, hidden {hidden_size}, {dimension} numbers a vector, K = {k}");
    println!("alone, one thread: {:.1} µs", 1e6 * alone);
    println!(
        "in batches of {BATCH}, {threads} threads: {:.1} µs, {:.0} questions a second",
        1e6 * batch,
        1.0 / batch
    );
    println!(
        "known: {:.2} µs, {:.0} times as fast as thinking alone",
        1e6 * known,
        alone / known
    );
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Vectors of length 1 from a small generator.
fn unit_vectors(count: usize, dimension: usize) -> Vec<Vec<f32>> {
    let mut state = 1u64;
    let mut draw = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    let vector = |_| {
        let v: Vec<f32> = (0..dimension).map(|_| draw()).collect();
        let length = v.iter().map(|v| v * v).sum::<f32>().sqrt();
        v.into_iter().map(|v| v / length).collect()
    };
    (0..count).map(vector).collect()
}
