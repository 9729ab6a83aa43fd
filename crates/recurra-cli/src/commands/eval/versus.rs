//! Several models on the same puzzles, side by side.

use super::report::{NOT_CHECKED, Report, percent, time};
use crate::intervals::{Z, wilson};
use serde::Serialize;
use std::fmt::Write;

/// Characters of a file's name in the table.
const NAME: usize = 16;

/// What `--json` prints of several models.
#[derive(Serialize)]
pub(super) struct Versus {
    models: Vec<Contender>,
    /// Of each further model.
    against_first: Vec<Against>,
}

#[derive(Serialize)]
struct Contender {
    file: String,
    /// 95 % interval of `exact` (Wilson).
    exact_interval: [f64; 2],
    /// Null where nothing was checked.
    verified_interval: Option<[f64; 2]>,
    #[serde(flatten)]
    report: Report,
}

/// A model against the first: on how many puzzles both, one or neither of them are exact.
#[derive(Serialize)]
struct Against {
    file: String,
    both: u64,
    only_first: u64,
    only_this: u64,
    neither: u64,
    /// Share of exact answers less that of the first.
    difference: f64,
    /// 95 % interval of it, for pairs (Bonett and Price).
    difference_interval: [f64; 2],
}

/// On how many puzzles a model and the first are exact: neither, only this, only the first, both.
pub(super) type Pairs = [u64; 4];

impl Versus {
    /// Of reports with their files and pairs; those of the first are not looked at.
    pub(super) fn new(reports: Vec<(String, Report, Pairs)>) -> Self {
        let against = reports.iter().skip(1);
        let against = against.map(|(file, _, pairs)| Against::new(file, *pairs));
        let against_first = against.collect();
        let models = reports.into_iter().map(|(file, report, _)| Contender {
            file,
            exact_interval: wilson(report.exact, report.count),
            verified_interval: (report.verified).map(|verified| wilson(verified, report.count)),
            report,
        });
        Versus {
            models: models.collect(),
            against_first,
        }
    }

    /// The same for people.
    pub(super) fn table(&self) -> String {
        let mut text = String::new();
        let mut row = |name: &str, value: &dyn Fn(&Contender) -> String| {
            write!(text, "{name:<14}").expect("strings can be written to");
            for model in &self.models {
                write!(text, " {:>NAME$}", value(model)).expect("strings can be written to");
            }
            text.push('\n');
        };
        let interval = |[low, high]: [f64; 2]| format!("{:.2} to {:.2}", 100.0 * low, 100.0 * high);
        row("model", &|m| end_of(&m.file));
        row("puzzles", &|m| m.report.count.to_string());
        row("exact", &|m| percent(m.report.exact));
        row("  95 % within", &|m| interval(m.exact_interval));
        let or_not = |text: Option<String>| text.unwrap_or_else(|| NOT_CHECKED.into());
        row("verified", &|m| or_not(m.report.verified.map(percent)));
        row("  95 % within", &|m| {
            or_not(m.verified_interval.map(interval))
        });
        row("cell", &|m| percent(m.report.cell));
        row("mean steps", &|m| format!("{:.2}", m.report.mean_steps));
        if self.models.iter().all(|m| m.report.mean_restarts.is_some()) {
            let restarts = |m: &Contender| m.report.mean_restarts.unwrap_or(0.0);
            row("mean restarts", &|m| format!("{:.2}", restarts(m)));
        }
        row("puzzles/s", &|m| {
            format!("{:.1}", m.report.puzzles_per_second)
        });
        row("mean of one", &|m| time(m.report.mean_seconds));
        row("99 % within", &|m| time(m.report.p99_seconds));
        let first = end_of(&self.models[0].file);
        for against in &self.against_first {
            let [low, high] = against.difference_interval.map(|share| 100.0 * share);
            text += &format!(
                "\n{} against {first}: {:+.2} points exact (95 % within {low:+.2} to {high:+.2})\nboth exact {}, only {first} {}, only {} {}, neither {}\n",
                end_of(&against.file),
                100.0 * against.difference,
                against.both,
                against.only_first,
                end_of(&against.file),
                against.only_this,
                against.neither,
            );
        }
        text
    }
}

impl Against {
    fn new(file: &str, [neither, only_this, only_first, both]: Pairs) -> Self {
        let count = (neither + only_this + only_first + both) as f64;
        // One pair more of each kind: few pairs, or none, do not make the interval a point.
        let [this, first] = [only_this, only_first].map(|n| (n + 1) as f64 / (count + 2.0));
        let error = ((this + first - (this - first).powi(2)) / (count + 2.0)).sqrt();
        let middle = this - first;
        Against {
            file: file.into(),
            both,
            only_first,
            only_this,
            neither,
            difference: (only_this as f64 - only_first as f64) / count,
            difference_interval: [middle - Z * error, middle + Z * error],
        }
    }
}

/// The name of a file without its folder and its ending; of a long one, its end.
fn end_of(file: &str) -> String {
    let stem = std::path::Path::new(file).file_stem();
    let name: Vec<char> = stem
        .map_or(file.into(), |s| s.to_string_lossy())
        .chars()
        .collect();
    name[name.len().saturating_sub(NAME)..].iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of the formula of Bonett and Price by hand.
    #[test]
    fn intervals() {
        let close = |found: [f64; 2], expected: [f64; 2]| {
            let far = found
                .iter()
                .zip(expected)
                .any(|(f, e)| (f - e).abs() > 5e-5);
            assert!(!far, "{found:?}");
        };
        let against = Against::new("b", [10, 15, 5, 70]);
        assert_eq!(against.difference, 0.1);
        // (16 - 6) / 102 ± 1.96 sqrt((22/102 - (10/102)^2) / 102)
        close(against.difference_interval, [0.0099, 0.1861]);
    }
}
