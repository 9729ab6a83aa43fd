//! Targets, and what is said of a measurement by them.

use super::report::{Row, Verdict};
use super::statistics::Gain;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The file of targets, in the program since it was built.
const FILE: &str = include_str!("targets.toml");

/// What an optimisation must gain.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Target {
    title: String,
    guide: String,
    at_least: f64,
    tolerance: f64,
}

/// All targets by their rows' names.
pub(super) struct Targets(BTreeMap<String, Target>);

impl Targets {
    /// Those of the program.
    pub(super) fn fixed() -> Self {
        Targets(toml::from_str(FILE).expect("a test reads the file of targets"))
    }

    /// Holds what was measured, or why it was not, against the targets. A target of which nothing was said was not measured.
    pub(super) fn judge(&self, measured: Vec<(&str, Result<Gain, String>)>) -> Vec<Row> {
        let mut measured: BTreeMap<&str, _> = measured.into_iter().collect();
        let rows = self.0.iter().map(|(name, target)| {
            let found = measured.remove(name.as_str());
            let (gain, reason) = match found.unwrap_or_else(|| Err("nothing measures it".into())) {
                Ok(gain) => (Some(gain), None),
                Err(reason) => (None, Some(reason)),
            };
            let least = target.at_least * (1.0 - target.tolerance);
            let verdict = match &gain {
                None => Verdict::NotMeasured,
                Some(gain) if gain.median >= least => Verdict::Holds,
                Some(_) => Verdict::FallsShort,
            };
            Row {
                name: name.clone(),
                title: target.title.clone(),
                guide: target.guide.clone(),
                at_least: target.at_least,
                tolerance: target.tolerance,
                gain,
                reason,
                verdict,
            }
        });
        rows.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_measured_never_holds() {
        let targets = Targets::fixed();
        let gain = |times: f64| Ok(Gain::new(vec![times], String::new()));
        let rows = targets.judge(vec![
            ("simd", gain(3.0)),
            ("q8", gain(1.08)),
            ("q4", Err("no q4".into())),
        ]);
        let verdict = |name: &str| rows.iter().find(|row| row.name == name).unwrap().verdict;
        assert_eq!(verdict("simd"), Verdict::Holds);
        assert_eq!(verdict("q8"), Verdict::FallsShort);
        assert_eq!(verdict("q4"), Verdict::NotMeasured);
        assert_eq!(verdict("wasm-simd"), Verdict::NotMeasured);
        assert_eq!(rows.len(), targets.0.len());
    }
}
