//! A million jobs: none is lost, none runs twice, everyone gets an outcome, and no more are alive than promised.
#![cfg(feature = "threads")]

use super::*;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

const PRODUCERS: usize = 4;
/// Of each producer in each run.
const JOBS: usize = 62_500;
const WORKERS: usize = 3;
const BOUND: usize = 32;
/// That a producer holds at a time: all together many more than the bound.
const TICKETS: usize = 64;

/// What all jobs of a run have in common.
struct Counts {
    alive: AtomicUsize,
    most_alive: AtomicUsize,
    /// How often each job ran.
    runs: Vec<AtomicU8>,
}

impl Counts {
    fn new(jobs: usize) -> Arc<Self> {
        Arc::new(Counts {
            alive: AtomicUsize::new(0),
            most_alive: AtomicUsize::new(0),
            runs: (0..jobs).map(|_| AtomicU8::new(0)).collect(),
        })
    }
}

/// Counts a job as alive, and its output where the job says so.
struct Life(Arc<Counts>);

impl Life {
    fn new(counts: &Arc<Counts>) -> Self {
        let alive = counts.alive.fetch_add(1, Ordering::SeqCst) + 1;
        counts.most_alive.fetch_max(alive, Ordering::SeqCst);
        Life(counts.clone())
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        self.0.alive.fetch_sub(1, Ordering::SeqCst);
    }
}

struct Tiny {
    id: usize,
    predicted: f32,
    life: Life,
    /// Whether the output counts.
    passed_on: bool,
}

impl Job for Tiny {
    type Worker = ();
    type Output = (usize, Option<Life>);

    fn worker(&self) {}

    fn predicted_steps(&self) -> f32 {
        self.predicted
    }

    fn run(self, (): &mut (), cancelled: &Cancelled) -> Option<Self::Output> {
        if cancelled.is_cancelled() {
            return None;
        }
        self.life.0.runs[self.id].fetch_add(1, Ordering::SeqCst);
        Some((self.id, self.passed_on.then_some(self.life)))
    }
}

fn tiny(id: usize, rng: &mut ChaCha8Rng, counts: &Arc<Counts>, passed_on: bool) -> Tiny {
    Tiny {
        id,
        passed_on,
        predicted: (rng.next_u32() % 16) as f32,
        life: Life::new(counts),
    }
}

fn executor(schedule: Schedule) -> ParallelTrmExecutor<Tiny> {
    let config = ExecutorConfig {
        workers: WORKERS,
        bound: BOUND,
        schedule,
    };
    ParallelTrmExecutor::new(config)
}

/// Each producer: a function of the executor, the producer's first job, and the run's counts.
type Produce = fn(&ParallelTrmExecutor<Tiny>, usize, &Arc<Counts>);

fn run(schedule: Schedule, produce: Produce, most_alive: usize) {
    let executor = executor(schedule);
    let counts = Counts::new(PRODUCERS * JOBS);
    std::thread::scope(|scope| {
        for producer in 0..PRODUCERS {
            let (executor, counts) = (&executor, &counts);
            scope.spawn(move || produce(executor, producer * JOBS, counts));
        }
    });
    drop(executor);
    assert_eq!(counts.alive.load(Ordering::SeqCst), 0);
    let found = counts.most_alive.load(Ordering::SeqCst);
    assert!(found <= most_alive, "{found} jobs alive at a time");
}

/// Waits for tickets a few at a time, and cancels every eighth or so at some moment of its life.
fn with_tickets(executor: &ParallelTrmExecutor<Tiny>, first: usize, counts: &Arc<Counts>) {
    let mut rng = ChaCha8Rng::seed_from_u64(first as u64);
    let mut pending = VecDeque::new();
    let settle = |(id, cancelled, ticket): (usize, bool, Ticket<Tiny>)| {
        let runs = match ticket.wait() {
            Ok((found, _)) => {
                assert_eq!(found, id);
                1
            }
            Err(error) => {
                assert!(cancelled && error == JobError::Cancelled, "{id}: {error}");
                0
            }
        };
        assert_eq!(counts.runs[id].load(Ordering::SeqCst), runs);
    };
    for id in first..first + JOBS {
        let job = tiny(id, &mut rng, counts, false);
        let ticket = match rng.random_range(0..4) {
            0 => executor
                .try_submit(job)
                .unwrap_or_else(|job| executor.submit(job)),
            _ => executor.submit(job),
        };
        pending.push_back((id, false, ticket));
        if rng.random_range(0..8) == 0 {
            let at = rng.random_range(0..pending.len());
            pending[at].1 = true;
            pending[at].2.cancel();
        }
        if pending.len() == TICKETS {
            pending.pop_front().map(settle);
        }
    }
    pending.into_iter().for_each(settle);
}

/// Many streams one after the other, of which some are dropped half-way.
fn with_streams(executor: &ParallelTrmExecutor<Tiny>, first: usize, counts: &Arc<Counts>) {
    let mut rng = ChaCha8Rng::seed_from_u64(first as u64);
    let (mut next, end) = (first, first + JOBS);
    while next < end {
        let len = rng.random_range(1..1000).min(end - next);
        let order = [Order::Input, Order::Completion][rng.random_range(0..2)];
        let take = match rng.random_range(0..4) {
            0 => rng.random_range(0..len),
            _ => len,
        };
        let mut seen = vec![false; len];
        let jobs = (next..next + len).map(|id| tiny(id, &mut rng, counts, true));
        let outcomes = executor.stream(jobs, order).take(take);
        for (at, (number, outcome)) in outcomes.enumerate() {
            let (id, _life) = outcome.expect("nobody cancels it");
            assert_eq!(id, next + number);
            assert!(order == Order::Completion || number == at);
            assert!(!std::mem::replace(&mut seen[number], true));
        }
        assert_eq!(seen.iter().filter(|&&seen| seen).count(), take);
        next += len;
    }
    for runs in &counts.runs[first..end] {
        assert!(runs.load(Ordering::SeqCst) <= 1);
    }
}

#[test]
fn a_million_jobs() {
    for schedule in [Schedule::Fifo, Schedule::ShortestFirst { patience: 2.0 }] {
        // Queued, running, and being put in.
        run(schedule, with_tickets, BOUND + WORKERS + PRODUCERS);
        // Each stream has at most BOUND, with its outcomes; a dropped one may leave a running job on each worker.
        run(schedule, with_streams, PRODUCERS * BOUND + WORKERS);
    }
}
