//! The similar level of the cache: recall, time and memory, fresh and after nine tenths of its entries were replaced.
//!
//! `cargo bench -p recurra --bench similar -- [ENTRIES] [BREADTH] [DATA...]` prints one table; 100000 entries, the
//! default breadth and all data where nothing is said. Recall is the share of questions whose nearest entry, found by
//! comparing all, is the one that the lookup finds. Data, all directions of normally distributed numbers:
//! `clustered`: entries and questions at random around one centre for each 100 entries, cosine 0.8 to it;
//! `near`: entries anywhere, each question near one of them (cosine 0.95), as it is when a cache hits;
//! `uniform`: entries and questions anywhere, so that no entry is near: the hardest case, and none for a cache.
//! Memory is what the process grew by, which only Linux tells.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use recurra::cache::similar::{SimilarCache, SimilarConfig};
use std::time::Instant;

const QUESTIONS: usize = 400;

type Rows = Vec<Vec<f32>>;

fn main() {
    // `cargo bench` adds an argument of its own.
    let args = std::env::args().skip(1).filter(|a| !a.starts_with("--"));
    let (numbers, names): (Vec<_>, Vec<_>) = args.partition(|a| a.parse::<usize>().is_ok());
    let number = |at: usize| numbers.get(at).and_then(|n| n.parse().ok());
    let entries = number(0).unwrap_or(100_000);
    let breadth = number(1).unwrap_or(SimilarConfig::new(1, 0.0).breadth);
    println!("{entries} entries, breadth {breadth}; times in us, medians");
    println!(
        "          |      | recall         | lookup, 1 thread | 2 threads | insertion     | bytes an entry"
    );
    println!(
        "data      | dims | fresh   turned | fresh    turned  |           | fresh  turned | counted  grown"
    );
    for name in ["clustered", "near", "uniform"] {
        if names.is_empty() || names.iter().any(|n| n == name) {
            for dims in [64, 384] {
                row(name, dims, entries, breadth);
            }
        }
    }
}

/// Measures and prints one line.
fn row(name: &str, dims: usize, entries: usize, breadth: usize) {
    let replaced = entries * 9 / 10;
    let (all, questions) = Data::new(dims).draw(name, entries, entries + replaced);
    let config = SimilarConfig {
        max_entries: entries,
        breadth,
        max_bytes: usize::MAX,
        ..SimilarConfig::new(dims, -1.0)
    };
    let before = resident();
    let cache = SimilarCache::new(config, |_: &usize| 0).expect("a configuration");
    let insert = |from: usize, to: usize| {
        let times =
            (from..to).map(|i| timed(|| cache.insert(&all[i], i).expect("a fingerprint")).0);
        median(times.collect())
    };
    let lookup = |questions: &[Vec<f32>]| -> (f64, Vec<usize>) {
        let found = questions
            .iter()
            .map(|q| timed(|| cache.nearest(q).expect("a fingerprint")));
        let (times, found): (Vec<f64>, Vec<_>) = found.unzip();
        (
            median(times),
            found
                .into_iter()
                .map(|n| n.expect("a neighbour").value)
                .collect(),
        )
    };
    let recall = |found: &[usize]| {
        let live: Vec<bool> = all
            .iter()
            .map(|row| {
                cache
                    .nearest(row)
                    .is_ok_and(|n| n.is_some_and(|n| n.similarity == 1.0))
            })
            .collect();
        let right = questions
            .iter()
            .zip(found)
            .filter(|(q, f)| nearest(q, &all, &live) == **f);
        right.count() as f64 / questions.len() as f64
    };

    let fresh_insert = insert(0, entries);
    let grown = resident().saturating_sub(before) / entries;
    let (fresh_lookup, found) = lookup(&questions);
    let fresh = recall(&found);
    let (one, other) = questions.split_at(questions.len() / 2);
    let two = std::thread::scope(|scope| {
        let both = [one, other].map(|half| scope.spawn(|| lookup(half).0));
        both.map(|thread| thread.join().expect("no panic"))
    });
    let turned_insert = insert(entries, entries + replaced);
    let (turned_lookup, found) = lookup(&questions);
    println!(
        "{name:9} | {dims:4} | {fresh:.3}    {:.3} | {fresh_lookup:5.0}   {turned_lookup:8.0} | {:9.0} | {fresh_insert:5.0} {turned_insert:7.0} | {:7} {grown:6}",
        recall(&found),
        (two[0] + two[1]) / 2.0,
        cache.bytes() / entries,
    );
}

struct Data {
    dims: usize,
    rng: ChaCha8Rng,
}

impl Data {
    fn new(dims: usize) -> Self {
        let rng = ChaCha8Rng::seed_from_u64(1);
        Data { dims, rng }
    }

    /// So many fingerprints, of which `entries` are kept at a time, and questions.
    fn draw(&mut self, name: &str, entries: usize, count: usize) -> (Rows, Rows) {
        match name {
            "clustered" => {
                let centres: Rows = (0..entries.div_ceil(100))
                    .map(|_| self.anywhere())
                    .collect();
                let mut draw = |count: usize| {
                    (0..count)
                        .map(|_| self.near_one_of(&centres, 0.75))
                        .collect()
                };
                (draw(count), draw(QUESTIONS))
            }
            "near" => {
                let rows: Rows = (0..count).map(|_| self.anywhere()).collect();
                // Those that are there both before and after the others were replaced.
                let stay = &rows[count - entries..entries];
                let questions = (0..QUESTIONS).map(|_| self.near_one_of(stay, 0.33));
                let questions = questions.collect::<Rows>();
                (rows, questions)
            }
            _ => {
                let mut draw = |count: usize| (0..count).map(|_| self.anywhere()).collect();
                (draw(count), draw(QUESTIONS))
            }
        }
    }

    /// A direction, at length 1.
    fn anywhere(&mut self) -> Vec<f32> {
        let mut normal = || {
            let (u, v) = (self.rng.random::<f64>(), self.rng.random::<f64>());
            (-2.0 * (1.0 - u).ln()).sqrt() * (std::f64::consts::TAU * v).cos()
        };
        let row: Vec<f64> = (0..self.dims).map(|_| normal()).collect();
        let length = row.iter().map(|x| x * x).sum::<f64>().sqrt();
        row.iter().map(|x| (x / length) as f32).collect()
    }

    /// One of the rows, at length 1, and `away` in any direction.
    fn near_one_of(&mut self, rows: &[Vec<f32>], away: f32) -> Vec<f32> {
        let at = self.rng.random_range(0..rows.len());
        let by = self.anywhere();
        rows[at].iter().zip(by).map(|(x, b)| x + away * b).collect()
    }
}

/// The nearest of the live rows, found by comparing all; rows are compared at length 1.
fn nearest(question: &[f32], all: &[Vec<f32>], live: &[bool]) -> usize {
    let cosine = |row: &[f32]| {
        let (mut dots, mut squares) = ([0.0f32; 16], [0.0f32; 16]);
        for (a, b) in row.chunks_exact(16).zip(question.chunks_exact(16)) {
            for i in 0..16 {
                dots[i] += a[i] * b[i];
                squares[i] += a[i] * a[i];
            }
        }
        dots.iter().sum::<f32>() / squares.iter().sum::<f32>().sqrt()
    };
    let rows = (0..all.len()).filter(|&i| live[i]);
    let nearest = rows
        .map(|i| (cosine(&all[i]), i))
        .max_by(|a, b| a.0.total_cmp(&b.0));
    nearest.expect("an entry").1
}

/// Microseconds, and what came of it.
fn timed<T>(run: impl FnOnce() -> T) -> (f64, T) {
    let started = Instant::now();
    let done = run();
    (started.elapsed().as_secs_f64() * 1e6, done)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Bytes of memory that the process has now; 0 where the system does not tell.
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = pages
        .split(' ')
        .nth(1)
        .and_then(|n| n.parse::<usize>().ok());
    pages.unwrap_or(0) * 4096
}
