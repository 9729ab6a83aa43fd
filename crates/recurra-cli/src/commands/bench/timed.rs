//! Timing of many things in turn, so that all of them meet the same noise.

use crate::progress;
use std::time::{Duration, Instant};

const LEAST_ROUNDS: usize = 3;
/// How long one measurement takes at least: clocks are coarse and threads need time to wake up.
pub(super) const LEAST_TIME: Duration = Duration::from_millis(20);

/// One thing to time, again and again.
pub(super) struct Timed<'a> {
    /// Does it once and returns how much that was.
    go: Box<dyn FnMut() -> u64 + 'a>,
    work: u64,
    /// Of one go, for each round.
    seconds: Vec<f64>,
}

impl<'a> Timed<'a> {
    pub(super) fn new(go: impl FnMut() -> u64 + 'a) -> Self {
        Timed {
            go: Box::new(go),
            work: 0,
            seconds: Vec::new(),
        }
    }

    /// Measures once: as many goes as the clock needs.
    pub(super) fn measure(&mut self) {
        let (started, mut goes) = (Instant::now(), 0u32);
        let total = loop {
            self.work = (self.go)();
            goes += 1;
            let elapsed = started.elapsed();
            if elapsed >= LEAST_TIME {
                break elapsed;
            }
        };
        self.seconds.push(total.as_secs_f64() / f64::from(goes));
    }

    /// Seconds of one go.
    pub(super) fn median(&self) -> f64 {
        let mut sorted = self.seconds.clone();
        sorted.sort_by(f64::total_cmp);
        let n = sorted.len();
        (sorted[(n - 1) / 2] + sorted[n / 2]) / 2.0
    }

    /// Seconds of one go in the last round; 0 before the first.
    pub(super) fn last(&self) -> f64 {
        self.seconds.last().copied().unwrap_or(0.0)
    }

    /// Billions of units of work a second.
    pub(super) fn giga_per_second(&self) -> f64 {
        self.work as f64 / self.median() / 1e9
    }
}

/// Measures all in turn for about so long, and returns how many rounds that was.
pub(super) fn in_turn(all: &mut [&mut Timed<'_>], seconds: f64) -> usize {
    let bar = progress::bar(None, "rounds");
    let started = Instant::now();
    let mut rounds = 0;
    while rounds < LEAST_ROUNDS || started.elapsed().as_secs_f64() < seconds {
        all.iter_mut().for_each(|timed| timed.measure());
        rounds += 1;
        bar.inc(1);
    }
    bar.finish_and_clear();
    rounds
}
