//! How often each value occurs.

use serde::Serialize;
use std::collections::BTreeMap;

/// How often each value occurs.
#[derive(Default)]
pub(super) struct Distribution(BTreeMap<u64, u64>);

impl Distribution {
    pub(super) fn add(&mut self, value: u64) {
        *self.0.entry(value).or_default() += 1;
    }

    pub(super) fn summary(&self) -> Summary {
        let count: u64 = self.0.values().sum();
        let sum: f64 = self.0.iter().map(|(&v, &n)| v as f64 * n as f64).sum();
        let at = |share: f64| {
            let rank = ((share * count as f64).ceil() as u64).max(1);
            let mut seen = 0;
            let place = self.0.iter().find(|(_, n)| {
                seen += **n;
                seen >= rank
            });
            place.map_or(0, |(&value, _)| value)
        };
        Summary {
            min: at(0.0),
            p10: at(0.1),
            median: at(0.5),
            p90: at(0.9),
            max: at(1.0),
            mean: sum / count.max(1) as f64,
            counts: self.0.clone(),
        }
    }
}

#[derive(Serialize)]
pub(super) struct Summary {
    pub(super) min: u64,
    pub(super) p10: u64,
    pub(super) median: u64,
    pub(super) p90: u64,
    pub(super) max: u64,
    pub(super) mean: f64,
    pub(super) counts: BTreeMap<u64, u64>,
}
