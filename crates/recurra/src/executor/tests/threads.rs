//! With threads. What must come before what is told through channels, so nothing depends on time.
#![cfg(feature = "threads")]

use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

/// A job that says when it begins and ends when it is told to.
fn gated(number: usize) -> (Act, Receiver<()>, Sender<()>) {
    let (begun, has_begun) = channel();
    let (open, gate) = channel();
    let job = act(move |_, _| {
        begun.send(()).unwrap();
        gate.recv().unwrap();
        Some(number)
    });
    (job, has_begun, open)
}

#[test]
fn outcomes_come_as_jobs_end_or_as_they_were_put_in() {
    for order in [Order::Completion, Order::Input] {
        let executor = executor(2, 8, Schedule::Fifo);
        let (first, _begun, open) = gated(0);
        // The last that fits beside the first lets it end.
        let last = act(move |_, _| {
            open.send(()).unwrap();
            Some(7)
        });
        let jobs = [first].into_iter().chain((1..7).map(say)).chain([last]);
        let mut taken = 0;
        let jobs = jobs.chain((8..20).map(say)).inspect(|_| taken += 1);
        let mut stream = executor.stream(jobs, order);
        let first_out = stream.next();
        let mut rest: Vec<_> = stream.collect();
        match order {
            Order::Completion => {
                assert_eq!(first_out, Some((1, Ok(1))));
                rest.sort_by_key(|(n, _)| *n);
                let numbers = [0].into_iter().chain(2..20);
                assert!(rest.into_iter().eq(numbers.map(|n| (n, Ok(n)))));
            }
            Order::Input => {
                assert_eq!(first_out, Some((0, Ok(0))));
                assert!(rest.into_iter().eq((1..20).map(|n| (n, Ok(n)))));
            }
        }
        assert_eq!(taken, 20);
    }
}

#[test]
fn a_slow_first_job_does_not_let_the_others_pile_up() {
    let executor = executor(2, 4, Schedule::Fifo);
    let (first, _begun, open) = gated(0);
    let ran = Arc::new(AtomicUsize::new(0));
    let mut open = Some(open);
    let count = ran.clone();
    let jobs = [first].into_iter().chain((1..50).map(move |n| {
        let (ran, open) = (count.clone(), (n == 3).then(|| open.take()).flatten());
        act(move |_, _| {
            // Nobody has taken an outcome before the first is there, so no more than these four are taken.
            let before = ran.fetch_add(1, Ordering::SeqCst);
            if let Some(open) = open {
                assert_eq!(before, 2);
                open.send(()).unwrap();
            }
            Some(n)
        })
    }));
    let all: Vec<_> = executor.stream(jobs, Order::Input).collect();
    assert!(all.into_iter().eq((0..50).map(|n| (n, Ok(n)))));
    assert_eq!(ran.load(Ordering::SeqCst), 49);
}

#[test]
fn the_queue_is_bounded_and_a_cancelled_job_frees_its_place() {
    let executor = executor(1, 1, Schedule::Fifo);
    let (running, begun, open) = gated(0);
    let running = executor.submit(running);
    begun.recv().unwrap();
    let queued = executor.try_submit(say(1)).unwrap();
    let refused = executor.try_submit(say(2)).unwrap_err();
    assert!(queued.cancel());
    assert_eq!(queued.wait(), Err(JobError::Cancelled));
    let queued = executor.try_submit(refused).unwrap();
    let running = running.try_wait().unwrap_err();
    open.send(()).unwrap();
    assert_eq!((running.wait(), queued.wait()), (Ok(0), Ok(2)));
}

/// A job that says when it begins, and goes on until it is cancelled.
fn endless() -> (Act, Receiver<()>) {
    let (begun, has_begun) = channel();
    let job = act(move |_, cancelled| {
        begun.send(()).unwrap();
        while !cancelled.is_cancelled() {
            std::thread::yield_now();
        }
        None
    });
    (job, has_begun)
}

#[test]
fn a_running_job_hears_of_its_cancellation() {
    let executor = executor(1, 4, Schedule::Fifo);
    let (job, begun) = endless();
    let ticket = executor.submit(job);
    begun.recv().unwrap();
    assert!(!ticket.cancel());
    assert_eq!(ticket.wait(), Err(JobError::Cancelled));

    let (job, begun) = endless();
    let (running, queued) = (executor.submit(job), executor.submit(say(1)));
    begun.recv().unwrap();
    executor.cancel_all();
    assert_eq!(running.wait(), Err(JobError::Cancelled));
    assert_eq!(queued.wait(), Err(JobError::Cancelled));

    let (job, begun) = endless();
    let mut stream = executor.stream([say(0), job, say(2)], Order::Input);
    assert_eq!(stream.next(), Some((0, Ok(0))));
    begun.recv().unwrap();
    drop(stream);
    assert_eq!(executor.submit(say(3)).wait(), Ok(3));

    let (job, begun) = endless();
    let ticket = executor.submit(job);
    begun.recv().unwrap();
    drop(executor);
    assert_eq!(ticket.wait(), Err(JobError::Cancelled));
}

#[test]
fn a_dropped_ticket_lets_its_job_run() {
    let executor = executor(1, 4, Schedule::Fifo);
    let log = Log::default();
    drop(executor.submit(note(&log, 1)));
    assert_eq!(executor.submit(say(2)).wait(), Ok(2));
    assert_eq!(*log.lock().unwrap(), [1]);
}

// A browser's module does not outlive a panic; this one would be there without threads too.
#[test]
fn a_panic_is_the_outcome_of_its_job_alone() {
    for workers in [0, 1, 3] {
        let executor = executor(workers, 4, Schedule::Fifo);
        let jobs = (0..40).map(|n| {
            act(move |worker, _| {
                assert!(n % 4 != 2, "job {n} on purpose");
                assert!(n != 5, "on purpose");
                Some(*worker)
            })
        });
        let outcomes: Vec<_> = executor.stream(jobs, Order::Input).collect();
        assert_eq!(outcomes.len(), 40);
        for (n, outcome) in outcomes {
            let panicked = |text: &str| Err(JobError::Panicked(text.into()));
            match outcome {
                // No worker goes on with what a panic left of its state: with one, a new one comes every four jobs.
                Ok(ran) => assert!(n % 4 != 2 && (ran <= 3 || workers > 1)),
                other if n == 5 => assert_eq!(other, panicked("on purpose")),
                other => assert_eq!(other, panicked(&format!("job {n} on purpose"))),
            }
        }
    }
}

struct Unmakeable;

impl Job for Unmakeable {
    type Worker = ();
    type Output = ();

    fn worker(&self) {
        panic!("no memory")
    }

    fn run(self, (): &mut (), _: &Cancelled) -> Option<()> {
        Some(())
    }
}

#[test]
fn a_state_that_cannot_be_made_is_told_as_a_panic() {
    let config = ExecutorConfig {
        workers: 2,
        bound: 4,
        schedule: Schedule::Fifo,
    };
    let executor = ParallelTrmExecutor::new(config);
    for _ in 0..5 {
        let outcome = executor.submit(Unmakeable).wait();
        assert_eq!(outcome, Err(JobError::Panicked("no memory".into())));
    }
}

/// Adds to a number that somebody else owns.
struct Borrow<'a>(&'a AtomicUsize, usize);

impl<'a> Job for Borrow<'a> {
    type Worker = &'a AtomicUsize;
    type Output = usize;

    fn worker(&self) -> &'a AtomicUsize {
        self.0
    }

    fn run(self, sum: &mut &'a AtomicUsize, _: &Cancelled) -> Option<usize> {
        sum.fetch_add(self.1, Ordering::Relaxed);
        Some(self.1)
    }
}

#[test]
fn jobs_of_a_scope_may_borrow() {
    for workers in [0, 2] {
        let config = ExecutorConfig {
            workers,
            bound: 4,
            schedule: Schedule::Fifo,
        };
        let sum = AtomicUsize::new(0);
        let outcomes = ParallelTrmExecutor::scoped(config, |executor| {
            assert_eq!(executor.workers(), workers);
            let jobs = (0..100).map(|n| Borrow(&sum, n));
            executor.stream(jobs, Order::Input).collect::<Vec<_>>()
        });
        assert!(outcomes.into_iter().eq((0..100).map(|n| (n, Ok(n)))));
        assert_eq!(sum.into_inner(), 4950);
    }
}
