//! How long a hit takes, and how long thinking.

use crate::median;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use recurra::cache::{Ask, Keys, Thought, TrmCache};
use recurra::model::{TrmModel, TrmWeights};
use recurra::solver::{SolveOptions, Solver, Source};
use recurra::tasks::sudoku::{Sudoku, solutions};
use recurra::tasks::task::Tokens;
use recurra::tasks::{Task, TaskSpec};
use recurra::thinking::{StopReason, StopRules};
use recurra::train::preset::preset;
use std::sync::Arc;
use std::time::Instant;

/// Entries in memory, a key of 82 bytes and an answer of 81 each.
const ENTRIES: usize = 100_000;
/// Operations of a thread in one round.
const OPERATIONS: usize = 200_000;
const ROUNDS: usize = 9;

pub(super) fn report() {
    keyed();
    solving();
}

/// Lookups whose key is known.
fn keyed() {
    let keys: Vec<Vec<u8>> = (0..ENTRIES as u64).map(key).collect();
    println!("{ENTRIES} entries, nanoseconds an operation of a thread (median of {ROUNDS} rounds)");
    println!("{:<44} {:>10} {:>10}", "", "1 thread", "2 threads");
    for (name, asked, writes) in [
        ("identical question, key known, of 100", 100, 0),
        ("the same of 100,000", ENTRIES, 0),
        ("90 % reads, 10 % writes, of 100,000", ENTRIES, 10),
    ] {
        let times = [1, 2].map(|threads| {
            let cache = filled(&keys);
            median(
                (0..ROUNDS)
                    .map(|_| round(&cache, &keys[..asked], threads, writes))
                    .collect(),
            )
        });
        println!("{name:<44} {:>10.0} {:>10.0}", times[0], times[1]);
    }
}

fn key(number: u64) -> Vec<u8> {
    let mut rng = ChaCha8Rng::seed_from_u64(number);
    (0..82).map(|_| (rng.next_u32() % 10) as u8).collect()
}

fn thought() -> Thought {
    Thought {
        answer: vec![1; 81].into(),
        verified: Some(true),
        stopped: StopReason::Verified,
        halt: 1.0,
        seconds: 0.1,
    }
}

fn filled(keys: &[Vec<u8>]) -> TrmCache {
    let cache = TrmCache::new(recurra::cache::CacheConfig {
        max_bytes: 64 << 20,
        key_bytes: 82,
        answer_bytes: 81,
    });
    keys.iter().for_each(|key| cache.put(key, thought()));
    cache
}

/// Nanoseconds an operation.
fn round(cache: &TrmCache, keys: &[Vec<u8>], threads: usize, writes: u64) -> f64 {
    let one = |seed: u64| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let began = Instant::now();
        for _ in 0..OPERATIONS {
            let random = rng.next_u64();
            let key = &keys[(random >> 32) as usize % keys.len()];
            if random % 100 < writes {
                cache.put(key, thought());
                continue;
            }
            let asked = Keys {
                canonical: key,
                own: &[],
            };
            assert!(matches!(cache.ask(asked, None), Ask::Hit(_)));
        }
        began.elapsed().as_nanos() as f64 / OPERATIONS as f64
    };
    let times: Vec<f64> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads as u64)
            .map(|seed| scope.spawn(move || one(seed)))
            .collect();
        running.into_iter().map(|t| t.join().unwrap()).collect()
    });
    times.iter().sum::<f64>() / threads as f64
}

/// Whole questions: canonical form, lookup, back to the question's form, rule check; and thinking.
fn solving() {
    let sudoku = Sudoku::new(9).unwrap();
    let (config, _) = preset(&TaskSpec::Sudoku { size: 9 }).unwrap();
    let weights = TrmWeights::random(&config, 1);
    let model = TrmModel::new(config, Some(sudoku.spec()), weights);
    let solver = Solver::new(&model, 1).unwrap();
    let question = |number: u64| sudoku.generate(3, 2 * number, &|_| true).unwrap().question;
    let questions: Vec<Tokens> = (0..200).map(question).collect();
    // With random weights nothing is ever proven, so what a trained model would have found is put in.
    let options = SolveOptions::new(StopRules::new(16));
    let think = |steps: usize| {
        let options = SolveOptions::new(StopRules::none(steps));
        let times = questions[..5].iter().map(|question| {
            let began = Instant::now();
            solver.solve(question, &options).unwrap();
            1e6 * began.elapsed().as_secs_f64()
        });
        median(times.collect())
    };
    let (one, sixteen) = (think(1), think(16));
    let cache = Arc::new(TrmCache::new(solver.cache_config(64 << 20).unwrap()));
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    for question in &questions {
        let answer = sudoku.solve(question).unwrap().unwrap();
        let (form, symmetry) = sudoku.canonical(question).unwrap();
        let bytes = |tokens: &[u16]| -> Vec<u8> { tokens.iter().map(|&t| t as u8).collect() };
        let key = [b"c", &bytes(&form)[..]].concat();
        let answer = bytes(&symmetry.apply(&answer)).into();
        cache.put(
            &key,
            Thought {
                answer,
                ..thought()
            },
        );
    }
    let solver = solver.remembering(cache).expect("a puzzle solver");
    let mut hit = |symmetric: bool| {
        let times = questions.iter().map(|question| {
            let question = match sudoku.random_symmetry(question, &mut rng) {
                Some(symmetry) if symmetric => symmetry.apply(question),
                _ => question.clone(),
            };
            let began = Instant::now();
            let answer = solver.solve(&question, &options).unwrap();
            let time = 1e6 * began.elapsed().as_secs_f64();
            assert_eq!(
                (answer.source, answer.verified),
                (Source::Exact, Some(true))
            );
            time
        });
        median(times.collect())
    };
    let (same, symmetric) = (hit(false), hit(true));
    println!("\n9x9 questions (minimal puzzles; hidden 128, 1 thread), microseconds, median");
    println!("{:<44} {same:>10.1}", "hit, the same question again");
    println!("{:<44} {symmetric:>10.1}", "hit, a symmetric form of it");
    for (name, time) in [("one improvement step", one), ("sixteen", sixteen)] {
        let ratio = time / symmetric;
        println!("{name:<44} {time:>10.0}   {ratio:.0} times a symmetric hit");
    }
    let grid = solutions::random_solution(sudoku, &mut rng).encode();
    let began = Instant::now();
    for _ in 0..10_000 {
        assert_eq!(sudoku.verify(&grid, &grid), Some(true));
    }
    let check = began.elapsed().as_nanos() as f64 / 10_000.0;
    println!("{:<44} {:>10.2}", "of which the rule check", check / 1e3);
}
