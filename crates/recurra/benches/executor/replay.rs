//! The queue's order in virtual time: questions arrive as a Poisson process, and a step takes one unit of time.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use recurra::executor::Schedule;
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

const WORKERS: usize = 2;
const LOAD: f64 = 0.8;
const ARRIVALS: usize = 400_000;

/// What is known of a question.
pub(crate) struct Length {
    pub(crate) blanks: usize,
    /// Steps that the model took.
    pub(crate) measured: usize,
    /// Steps that were made up.
    pub(crate) given: usize,
}

/// One that arrives.
struct Arrival {
    time: f64,
    steps: usize,
    predicted: f32,
}

/// Waits from arrival to the first step.
struct Waits {
    mean: f64,
    p99: f64,
    longest: f64,
}

pub(crate) fn tables(lengths: &[Length]) {
    // The mean of the steps that puzzles with so many blanks took: what a table learned from the data would say.
    let by_blanks = |blanks: usize| {
        let same = lengths.iter().filter(|l| l.blanks == blanks);
        let (count, sum) = same.fold((0, 0), |(n, sum), l| (n + 1, sum + l.measured));
        sum as f32 / count as f32
    };
    let by_blanks: Vec<f32> = lengths.iter().map(|l| by_blanks(l.blanks)).collect();
    let measured: Vec<usize> = lengths.iter().map(|l| l.measured).collect();
    let given: Vec<usize> = lengths.iter().map(|l| l.given).collect();
    table("measured lengths", &measured, Some(&by_blanks));
    table("geometric lengths", &given, None);
}

fn table(title: &str, steps: &[usize], by_blanks: Option<&[f32]>) {
    let mean = steps.iter().sum::<usize>() as f64 / steps.len() as f64;
    println!("{title}, mean {mean:.2}");
    println!("  predicted by     | patience |  mean | 99 % wait less | longest | mean wait cut by");
    let fifo = replay(&arrivals(steps, |_, _| 0.0), Schedule::Fifo);
    row("first come", "", &fifo, &fifo);
    let exact = |i: usize, _: f64| steps[i] as f32;
    // Log-normal: two thirds of the predictions are between 0.6 and 1.6 times the truth.
    let noisy = |i: usize, noise: f64| (steps[i] as f64 * (0.5 * noise).exp()) as f32;
    for patience in [1.0, 4.0, 16.0] {
        let schedule = Schedule::ShortestFirst { patience };
        let patience = patience.to_string();
        let exactly = replay(&arrivals(steps, exact), schedule);
        row("the truth", &patience, &exactly, &fifo);
        row(
            "with noise",
            &patience,
            &replay(&arrivals(steps, noisy), schedule),
            &fifo,
        );
        if let Some(by_blanks) = by_blanks {
            let blanks = arrivals(steps, |i, _| by_blanks[i]);
            row("blanks", &patience, &replay(&blanks, schedule), &fifo);
        }
    }
}

fn row(name: &str, patience: &str, waits: &Waits, fifo: &Waits) {
    let cut = 100.0 * (1.0 - waits.mean / fifo.mean);
    println!(
        "  {name:16} | {patience:>8} | {:5.2} | {:14.1} | {:7.1} | {cut:.0} %",
        waits.mean, waits.p99, waits.longest
    );
}

/// Questions drawn from those known, at random times; `predict` has the question's number and a normal random number.
fn arrivals(steps: &[usize], predict: impl Fn(usize, f64) -> f32) -> Vec<Arrival> {
    let mean = steps.iter().sum::<usize>() as f64 / steps.len() as f64;
    let rate = LOAD * WORKERS as f64 / mean;
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let mut time = 0.0;
    let mut next = |_| {
        time -= (1.0 - rng.random::<f64>()).ln() / rate;
        let i = rng.random_range(0..steps.len());
        // Box and Muller.
        let (radius, angle) = (1.0 - rng.random::<f64>(), rng.random::<f64>());
        let noise = (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos();
        Arrival {
            time,
            steps: steps[i],
            predicted: predict(i, noise),
        }
    };
    (0..ARRIVALS).map(&mut next).collect()
}

fn replay(arrivals: &[Arrival], schedule: Schedule) -> Waits {
    // Nanoseconds, so to speak: whole numbers have an order.
    let ticks = |time: f64| (time * 1e9) as u64;
    let mut free = BinaryHeap::from([Reverse(0); WORKERS]);
    let mut queue = BTreeSet::new();
    let mut coming = arrivals.iter().enumerate().peekable();
    let mut waits = Vec::with_capacity(arrivals.len());
    while waits.len() < arrivals.len() {
        let Reverse(mut now) = free.pop().expect("each worker is free at some time");
        if queue.is_empty() {
            let (_, first) = coming.peek().expect("not all have waited");
            now = now.max(ticks(first.time));
        }
        while let Some((number, arrival)) = coming.next_if(|(_, a)| ticks(a.time) <= now) {
            // The executor's own rule: the place in line, and of equals the first.
            let lateness = u64::from(schedule.lateness(arrival.predicted));
            queue.insert((number as u64 + lateness, number));
        }
        let (_, number) = queue.pop_first().expect("somebody came");
        waits.push(now - ticks(arrivals[number].time));
        free.push(Reverse(now + ticks(arrivals[number].steps as f64)));
    }
    waits.sort_unstable();
    let steps = |ticks: u64| ticks as f64 / 1e9;
    Waits {
        mean: waits.iter().map(|&w| steps(w)).sum::<f64>() / waits.len() as f64,
        p99: steps(waits[waits.len() * 99 / 100]),
        longest: steps(waits[waits.len() - 1]),
    }
}
