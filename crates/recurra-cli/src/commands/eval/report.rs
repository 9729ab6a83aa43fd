//! The result of an evaluation, as JSON and for people.

use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;

/// What `--json` prints.
#[derive(Serialize)]
pub(super) struct Report {
    pub(super) count: u64,
    pub(super) exact: f64,
    pub(super) cell: f64,
    /// Null where the task has no rules that prove an answer.
    pub(super) verified: Option<f64>,
    /// Verified answers that are not the known one.
    pub(super) verified_other: Option<u64>,
    /// What the task counts besides: shares of all answers.
    #[serde(flatten)]
    pub(super) judged: BTreeMap<&'static str, f64>,
    pub(super) mean_steps: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mean_restarts: Option<f64>,
    pub(super) steps: Vec<u64>,
    /// Null where nothing stopped.
    pub(super) exact_by_steps: Vec<Option<f64>>,
    /// Only reasons that occurred.
    pub(super) stopped: BTreeMap<&'static str, u64>,
    pub(super) refused: u64,
    pub(super) seconds: f64,
    pub(super) puzzles_per_second: f64,
    pub(super) mean_seconds: f64,
    pub(super) p99_seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) levels: Option<Levels>,
}

#[derive(Serialize)]
pub(super) struct Levels {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) easy: Option<Level>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) medium: Option<Level>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hard: Option<Level>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) extreme: Option<Level>,
}

#[derive(Serialize, Clone, Copy)]
pub(super) struct Level {
    pub(super) count: u64,
    pub(super) exact: f64,
    pub(super) verified: Option<f64>,
}

/// What people read where nothing could be checked.
pub(super) const NOT_CHECKED: &str = "not checked";
/// Most rows of the histogram for people.
const ROWS: usize = 16;

impl Report {
    /// The same for people.
    pub(super) fn table(&self) -> String {
        let mut text = String::new();
        let mut row = |name: &str, value: String| {
            writeln!(text, "{name:<14} {value:>12}").expect("strings can be written to");
        };
        row("puzzles", self.count.to_string());
        row("refused", self.refused.to_string());
        row("exact", percent(self.exact));
        row("cell", percent(self.cell));
        row(
            "verified",
            self.verified.map_or(NOT_CHECKED.into(), percent),
        );
        if let Some(other) = self.verified_other {
            row("of them other answers", other.to_string());
        }
        for (name, &share) in &self.judged {
            row(name, percent(share));
        }
        row("mean steps", format!("{:.2}", self.mean_steps));
        if let Some(restarts) = self.mean_restarts {
            row("mean restarts", format!("{restarts:.2}"));
        }
        row("seconds", format!("{:.2}", self.seconds));
        row("puzzles/s", format!("{:.1}", self.puzzles_per_second));
        row("mean of one", time(self.mean_seconds));
        row("99 % within", time(self.p99_seconds));
        text += &format!("\n{:<14} {:>12} {:>10}\n", "stopped by", "puzzles", "share");
        for (reason, &count) in &self.stopped {
            let share = percent(count as f64 / self.count as f64);
            text += &format!("{reason:<14} {count:>12} {share:>10}\n");
        }
        if let Some(levels) = &self.levels {
            text += &format!(
                "\n{:<14} {:>12} {:>10} {:>10}\n",
                "level", "puzzles", "exact", "verified"
            );
            for (name, level) in [
                ("easy", levels.easy),
                ("medium", levels.medium),
                ("hard", levels.hard),
                ("extreme", levels.extreme),
            ] {
                if let Some(level) = level {
                    let exact = percent(level.exact);
                    let verified = level.verified.map_or(NOT_CHECKED.into(), percent);
                    text += &format!(
                        "{name:<14} {:>12} {exact:>10} {verified:>10}\n",
                        level.count
                    );
                }
            }
        }
        text += &format!("\n{:<14} {:>12} {:>10}\n", "steps", "puzzles", "exact");
        let width = self.steps.len().div_ceil(ROWS).max(1);
        let shares = self.exact_by_steps.chunks(width);
        for (i, (counts, shares)) in self.steps.chunks(width).zip(shares).enumerate() {
            let (first, last) = (i * width + 1, i * width + counts.len());
            let name = if first == last {
                first.to_string()
            } else {
                format!("{first} to {last}")
            };
            let count: u64 = counts.iter().sum();
            let exact = counts.iter().zip(shares);
            let exact: f64 = exact
                .map(|(&n, share)| n as f64 * share.unwrap_or(0.0))
                .sum();
            let exact = match count {
                0 => String::new(),
                _ => percent(exact / count as f64),
            };
            let length = (40.0 * count as f64 / self.count as f64).round() as usize;
            let line = format!("{name:<14} {count:>12} {exact:>10}  {}", "#".repeat(length));
            text += line.trim_end();
            text.push('\n');
        }
        text
    }
}

/// A share for people.
pub(super) fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

/// A time for people.
pub(super) fn time(seconds: f64) -> String {
    match seconds {
        s if s < 1e-3 => format!("{:.1} us", 1e6 * s),
        s if s < 1.0 => format!("{:.2} ms", 1e3 * s),
        s => format!("{s:.2} s"),
    }
}
