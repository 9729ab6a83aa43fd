//! `recurra bench diff`: two reports side by side.

use super::report::{Report, Row};
use crate::exit::Exit;
use anyhow::anyhow;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Compare two reports of `recurra bench guide --json`
///
/// A row has changed where the two intervals have nothing in common. Changed targets, models, processors and threads are told, since
/// gains may differ because of them. Exit status 1 if a row that held does not any more.
#[derive(clap::Args)]
pub(in crate::commands::bench) struct Diff {
    /// The report of before
    before: PathBuf,
    /// The report of now
    now: PathBuf,
}

fn read(path: &Path) -> anyhow::Result<Report> {
    let named = |e: &dyn std::fmt::Display| anyhow!("{}: {e}", path.display());
    let bytes = std::fs::read(path).map_err(|e| named(&e))?;
    serde_json::from_slice(&bytes).map_err(|e| {
        named(&format!(
            "expected a report of `recurra bench guide --json`: {e}"
        ))
    })
}

impl Diff {
    /// Runs the command.
    pub(in crate::commands::bench) fn run(&self) -> anyhow::Result<Exit> {
        let (before, now) = (read(&self.before)?, read(&self.now)?);
        let (text, worse) = compare(&before, &now);
        std::io::stdout().lock().write_all(text.as_bytes())?;
        Ok(Exit::refused(worse))
    }
}

/// What has changed, and whether a row no longer holds.
fn compare(before: &Report, now: &Report) -> (String, bool) {
    let mut text = String::new();
    let mut differ = |what: &str, a: &str, b: &str| {
        if a != b {
            let _ = writeln!(text, "{what}: {a} before, {b} now");
        }
    };
    let name = |cpu: &Option<String>| cpu.clone().unwrap_or("unknown".into());
    differ("processor", &name(&before.cpu), &name(&now.cpu));
    differ(
        "instructions",
        &before.instruction_set,
        &now.instruction_set,
    );
    differ(
        "threads",
        &before.threads.to_string(),
        &now.threads.to_string(),
    );
    for model in &now.models {
        let old = before.models.iter().find(|old| old.name == model.name);
        differ(
            &format!("model {}", model.name),
            old.map_or("none", |old| &old.id),
            &model.id,
        );
    }
    let mut worse = false;
    for row in &now.rows {
        let old = before.rows.iter().find(|old| old.name == row.name);
        let Some(old) = old else {
            let _ = writeln!(text, "{:<16} new: {}", row.name, gain(row));
            continue;
        };
        if (old.at_least, old.tolerance) != (row.at_least, row.tolerance) {
            let _ = writeln!(
                text,
                "{:<16} THE TARGET CHANGED: {} before, {} now",
                row.name, old.at_least, row.at_least
            );
        }
        let verdict = if old.verdict == row.verdict {
            row.verdict.text().to_owned()
        } else {
            format!("{} before, {} now", old.verdict.text(), row.verdict.text())
        };
        worse |= old.verdict == super::report::Verdict::Holds && row.verdict != old.verdict;
        let apart = old
            .gain
            .as_ref()
            .zip(row.gain.as_ref())
            .is_some_and(|(a, b)| a.high < b.low || b.high < a.low);
        let changed = if apart { "changed" } else { "within the noise" };
        let _ = writeln!(
            text,
            "{:<16} {} -> {}, {changed}; {verdict}",
            row.name,
            gain(old),
            gain(row)
        );
    }
    for old in &before.rows {
        if now.rows.iter().all(|row| row.name != old.name) {
            let _ = writeln!(text, "{:<16} is no longer measured", old.name);
            worse = true;
        }
    }
    (text, worse)
}

fn gain(row: &Row) -> String {
    row.gain
        .as_ref()
        .map_or("-".into(), |gain| format!("{:.2}", gain.median))
}

#[cfg(test)]
mod tests {
    use super::super::report::Verdict;
    use super::super::statistics::Gain;
    use super::*;

    fn report(gain: f64, at_least: f64) -> Report {
        let ratios = vec![gain; 3];
        Report {
            version: 1,
            program: "0".into(),
            cpu: None,
            instruction_set: "scalar".into(),
            threads: 1,
            load: None,
            quick: true,
            command: String::new(),
            models: Vec::new(),
            rows: vec![Row {
                name: "simd".into(),
                title: String::new(),
                guide: String::new(),
                at_least,
                tolerance: 0.0,
                verdict: if gain >= at_least {
                    Verdict::Holds
                } else {
                    Verdict::FallsShort
                },
                gain: Some(Gain::new(ratios, String::new())),
                reason: None,
            }],
            accuracy: Vec::new(),
            checks: Vec::new(),
        }
    }

    #[test]
    fn a_changed_target_and_a_lost_one_show() {
        let (text, worse) = compare(&report(4.0, 3.0), &report(2.0, 3.0));
        assert!(
            worse && text.contains("changed") && !text.contains("TARGET"),
            "{text}"
        );
        let (text, worse) = compare(&report(4.0, 3.0), &report(4.0, 1.0));
        assert!(!worse && text.contains("TARGET CHANGED"), "{text}");
        let (text, worse) = compare(&report(4.0, 3.0), &report(4.0, 3.0));
        assert!(!worse && text.contains("within the noise"), "{text}");
    }
}
