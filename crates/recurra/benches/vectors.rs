//! How long a model of vectors takes: a question alone, a batch of 1,000, and a question whose answer is known.
//!
//! `cargo bench -p recurra --bench vectors -- [HIDDEN] [DIMENSION] [K]`, by default 256, 384 and 4. The weights are random: thinking takes as long
//! with any. Runs of all kinds take turns; told are medians.
//!
//! `cargo bench -p recurra --bench vectors -- MODEL STREAM` asks the questions of pairs one after the other, as they stand there, and tells for
//! several thresholds of the similar cache how many get a near question's answer, how often that is wrong where thinking is right, and
//! the time.

use recurra::model::{TrmConfig, TrmModel, TrmWeights};
use recurra::train::vectors::architecture;
use recurra::vectors::measure::{Retrieval, passages, ranks};
use recurra::vectors::{
    Memory, MemoryOptions, Pairs, RefineOptions, Refiner, Route, VectorQuestion,
};
use recurra::{Norm, TaskSpec, VectorSpec};
use std::hint::black_box;
use std::time::Instant;

/// Rounds in which each kind has its turn.
const ROUNDS: usize = 15;
/// Questions asked one by one in a turn.
const ALONE: usize = 50;
/// Questions of a batch.
const BATCH: usize = 1000;

/// Least cosines of the similar cache that are tried; with the first it finds nothing.
const THRESHOLDS: [f32; 8] = [2.0, 0.999, 0.995, 0.99, 0.98, 0.97, 0.95, 0.9];

fn main() {
    let files: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| std::path::Path::new(a).is_file())
        .collect();
    if let [model, pairs] = &files[..] {
        return stream(model, pairs);
    }
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
        in_turn: false,
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

/// Questions as they come, once for each threshold.
fn stream(model: &str, pairs: &str) {
    let refiner = Refiner::open(model).unwrap();
    let pairs = Pairs::open(pairs).unwrap();
    let (index, right) = passages(&refiner, &pairs).unwrap();
    let options = refiner.options();
    let mut alone = Vec::new();
    println!("{} questions, {} passages", pairs.len(), index.len());
    println!(
        "| cosine at least | from memory | wrong of these, where thinking is right | recall@1 | time |"
    );
    println!("| --- | --- | --- | --- | --- |");
    let mut whole = 0.0;
    for similar in THRESHOLDS {
        let options_of_memory = MemoryOptions {
            similar,
            plan: false,
            ..MemoryOptions::default()
        };
        let memory = Memory::new(refiner.clone(), options_of_memory).unwrap();
        let mut vectors = Vec::with_capacity(pairs.len() * pairs.dimension);
        let mut routes = Vec::with_capacity(pairs.len());
        let started = Instant::now();
        for i in 0..pairs.len() {
            let row = pairs.row(i);
            let question = VectorQuestion {
                question: row.question,
                initial: row.initial,
            };
            let found = memory.answer(question, options).unwrap();
            routes.push(found.route);
            vectors.extend(found.refined.vector);
        }
        let seconds = started.elapsed().as_secs_f64();
        let ranks = ranks(&index, &vectors, &right);
        if alone.is_empty() {
            (alone, whole) = (ranks.clone(), seconds);
        }
        let near = routes.iter().filter(|&&r| r == Route::Similar).count();
        let wrong = (0..ranks.len())
            .filter(|&i| routes[i] == Route::Similar && alone[i] == 1 && ranks[i] > 1)
            .count();
        println!(
            "| {} | {:.1} % | {:.1} % | {:.2} % | {:.0} % |",
            if similar > 1.0 {
                "none".to_owned()
            } else {
                similar.to_string()
            },
            100.0 * near as f64 / ranks.len() as f64,
            100.0 * wrong as f64 / near.max(1) as f64,
            100.0 * Retrieval::of(&ranks).recall_at_1,
            100.0 * seconds / whole
        );
    }
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
