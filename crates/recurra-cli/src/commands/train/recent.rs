//! Numbers of a training, smoothed; they go on where a training is resumed.

use recurra::train::StepReport;
use serde::{Deserialize, Serialize};

/// What training steps found of late.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Recent {
    pub(super) loss: f64,
    /// Share of the samples whose thinking ended that are right, and their mean improvement steps.
    pub(super) exact: f64,
    pub(super) steps: f64,
    /// Training steps seen.
    seen: u64,
    /// Samples whose thinking ended, fewer the longer ago.
    ended: f64,
}

/// Training steps over which numbers are smoothed.
const SMOOTH: u64 = 50;

impl Recent {
    pub(super) fn add(&mut self, report: &StepReport) {
        let towards = |mean: &mut f64, value: f64, share: f64| *mean += (value - *mean) * share;
        self.seen += 1;
        let share = 1.0 / self.seen.min(SMOOTH) as f64;
        towards(&mut self.loss, report.loss, share);
        self.ended *= 1.0 - share;
        if report.finished > 0 {
            // By samples, not by training steps: those that end alone are mostly those that end early, since they are easy.
            let finished = report.finished as f64;
            self.ended += finished;
            towards(&mut self.exact, report.exact, finished / self.ended);
            towards(&mut self.steps, report.steps, finished / self.ended);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ended_is_counted_by_samples() {
        let mut recent = Recent::default();
        let mut add = |finished, exact, steps| {
            recent.add(&StepReport {
                step: 1,
                loss: 2.0,
                lm_loss: 2.0,
                halt_loss: 0.0,
                finished,
                exact,
                steps,
                gradient_norm: 1.0,
                lr: 1.0,
            });
            recent
        };
        assert_eq!(add(0, f64::NAN, f64::NAN).exact, 0.0);
        assert_eq!(add(40, 0.25, 16.0).steps, 16.0);
        let all = add(13, 1.0, 1.0);
        // Two thirds of the 40 are left by then.
        let exact = (40.0 * 2.0 / 3.0 * 0.25 + 13.0) / (40.0 * 2.0 / 3.0 + 13.0);
        assert!(
            (all.exact - exact).abs() < 1e-12 && all.loss == 2.0,
            "{all:?}"
        );
        assert!(all.steps < 16.0 && all.steps > 1.0);
    }
}
