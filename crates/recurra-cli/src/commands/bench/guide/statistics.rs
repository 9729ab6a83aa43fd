//! Medians and intervals.

use crate::intervals::wilson;
use serde::{Deserialize, Serialize};

/// How many times as good something is, by rounds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Gain {
    pub(super) median: f64,
    /// Ends of an interval that covers the true median in 95 of 100 cases; with fewer than six rounds, the range.
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) rounds: usize,
    /// What was measured.
    pub(super) of: String,
}

impl Gain {
    /// The gain in these rounds; at least one.
    pub(super) fn new(mut ratios: Vec<f64>, of: String) -> Self {
        ratios.sort_by(f64::total_cmp);
        let n = ratios.len();
        let skip = spare(n);
        Gain {
            median: (ratios[(n - 1) / 2] + ratios[n / 2]) / 2.0,
            low: ratios[skip],
            high: ratios[n - 1 - skip],
            rounds: n,
            of,
        }
    }
}

/// How many of n sorted values can be left out at each end such that the rest covers the true median with probability 0.95: the
/// number of values below the median is binomial with probability 1/2.
fn spare(n: usize) -> usize {
    let (mut tail, mut term, mut skip) = (0.0, 0.5f64.powi(n as i32), 0usize);
    loop {
        tail += term;
        if 2.0 * tail > 0.05 {
            return skip.saturating_sub(1);
        }
        term *= (n - skip) as f64 / (skip + 1) as f64;
        skip += 1;
    }
}

/// A share with its 95 % interval (Wilson 1927).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Share {
    pub(super) right: usize,
    pub(super) of: usize,
    pub(super) share: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}

impl Share {
    /// So many right of so many; at least one.
    pub(super) fn new(right: usize, of: usize) -> Self {
        let share = right as f64 / of as f64;
        let [low, high] = wilson(share, of as u64);
        Share {
            right,
            of,
            share,
            low,
            high,
        }
    }

    /// In percent, with its interval.
    pub(super) fn text(&self) -> String {
        let [share, low, high] = [self.share, self.low, self.high].map(|x| 100.0 * x);
        format!(
            "{share:.1} % ({low:.1} to {high:.1}, {} of {})",
            self.right, self.of
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_those_of_tables() {
        // Order statistics of the median at 95 %: n = 6 from 1st to 6th, 9 from 2nd to 8th, 15 from 4th to 12th, 20 from 6th to 15th.
        for (n, skip) in [(1, 0), (3, 0), (6, 0), (9, 1), (15, 3), (20, 5)] {
            assert_eq!(spare(n), skip, "{n}");
        }
        let gain = Gain::new((1..=15).rev().map(f64::from).collect(), String::new());
        assert_eq!((gain.low, gain.median, gain.high), (4.0, 8.0, 12.0));
    }
}
