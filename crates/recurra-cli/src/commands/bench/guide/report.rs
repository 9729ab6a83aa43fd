//! What `recurra bench guide` tells, as JSON and as a table.

use super::statistics::{Gain, Share};
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

/// What `--json` writes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Report {
    /// Of this form.
    pub(super) version: u32,
    pub(super) program: String,
    pub(super) cpu: Option<String>,
    pub(super) instruction_set: String,
    pub(super) threads: usize,
    /// Processes that wanted to run when it began, as a mean over a minute.
    pub(super) load: Option<f64>,
    pub(super) quick: bool,
    pub(super) command: String,
    pub(super) models: Vec<ModelFile>,
    pub(super) rows: Vec<Row>,
    pub(super) accuracy: Vec<Accuracy>,
    pub(super) checks: Vec<Check>,
}

/// A model that was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct ModelFile {
    pub(super) name: String,
    /// Its weights' hash.
    pub(super) id: String,
}

/// One optimisation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) title: String,
    /// The gain that the guide expects, in its words.
    pub(super) guide: String,
    pub(super) at_least: f64,
    pub(super) tolerance: f64,
    pub(super) gain: Option<Gain>,
    /// Why it was not measured.
    pub(super) reason: Option<String>,
    pub(super) verdict: Verdict,
}

/// Whether a target is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Verdict {
    Holds,
    FallsShort,
    NotMeasured,
}

impl Verdict {
    pub(super) fn text(self) -> &'static str {
        match self {
            Verdict::Holds => "holds",
            Verdict::FallsShort => "falls short",
            Verdict::NotMeasured => "not measured",
        }
    }
}

/// How often one way to think is right.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Accuracy {
    pub(super) model: String,
    /// How it thought.
    pub(super) way: String,
    pub(super) exact: Share,
    /// Improvement steps a puzzle, over all attempts.
    pub(super) mean_steps: f64,
}

/// A point of the checklist.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Check {
    pub(super) title: String,
    /// Whether it passed; none where it was not checked.
    pub(super) passed: Option<bool>,
    pub(super) found: String,
}

impl Report {
    /// Whether all rows and checks hold.
    pub(super) fn holds(&self) -> bool {
        self.rows.iter().all(|row| row.verdict == Verdict::Holds)
            && self.checks.iter().all(|check| check.passed == Some(true))
    }

    /// For people.
    pub(super) fn table(&self) -> String {
        let mut text = String::new();
        let cpu = self.cpu.as_deref().unwrap_or("unknown processor");
        let load = self
            .load
            .map_or(String::new(), |load| format!(", load {load:.1}"));
        let _ = writeln!(
            text,
            "{cpu}, {}, {} threads{load}\n",
            self.instruction_set, self.threads
        );
        for row in &self.rows {
            let found = match (&row.gain, &row.reason) {
                (Some(gain), _) => format!(
                    "{:.2} times ({:.2} to {:.2})",
                    gain.median, gain.low, gain.high
                ),
                (None, reason) => reason.clone().unwrap_or_default(),
            };
            let _ = writeln!(text, "{:<12} {}", row.verdict.text(), row.title);
            let _ = writeln!(
                text,
                "{:<12} {found}; target {}, {}",
                "", row.at_least, row.guide
            );
            if let Some(gain) = &row.gain {
                let _ = writeln!(text, "{:<12} {}", "", gain.of);
            }
        }
        let _ = writeln!(text, "\nDepth against restarts");
        for one in &self.accuracy {
            let (model, way, exact) = (&one.model, &one.way, one.exact.text());
            let _ = writeln!(
                text,
                "{model:<12} {way}: {exact} exact, {:.1} steps a puzzle",
                one.mean_steps
            );
        }
        let _ = writeln!(text, "\nChecklist");
        for check in &self.checks {
            let verdict = match check.passed {
                Some(true) => "passed",
                Some(false) => "failed",
                None => "not checked",
            };
            let _ = writeln!(text, "{verdict:<12} {}: {}", check.title, check.found);
        }
        text
    }
}
