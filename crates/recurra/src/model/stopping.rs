//! Stop rules as text, and what a model file says of them.
//!
//! One notation serves the command line, model files and tables: `verified`, `halt=0`, `stable=2`, `plateau=0.001/3`,
//! `residual=0.1`.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A rule that ends thinking, with its setting. Exactly when each of them holds is told at
/// `thinking::StopRules`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rule {
    /// The answer is proven by the task's own rules.
    Verified,
    /// The halting logit is above `logit`.
    Halt {
        /// Any finite number.
        logit: f32,
    },
    /// The answer has not changed for `steps` steps.
    Stable {
        /// 1 or more.
        steps: usize,
    },
    /// The confidence has hardly changed for some steps.
    Plateau(Plateau),
    /// The last step has changed the answer state by less than `below` of its length.
    Residual {
        /// Above 0.
        below: f32,
    },
}

/// The largest and the smallest confidence of the last `steps` steps differ by less than `change`.
///
/// The guide to these models has a `window_size`, which counts readings (one more than steps), and compares the first
/// with the last, so that a confidence that swings to and fro may pass for a flat one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plateau {
    /// Above 0 (the guide's `convergence_threshold`).
    pub change: f32,
    /// 1 or more.
    pub steps: usize,
}

/// A rule without its setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RuleKind {
    /// [`Rule::Verified`].
    Verified,
    /// [`Rule::Halt`].
    Halt,
    /// [`Rule::Stable`].
    Stable,
    /// [`Rule::Plateau`].
    Plateau,
    /// [`Rule::Residual`].
    Residual,
}

impl RuleKind {
    /// All of them.
    pub const ALL: [RuleKind; 5] = [
        RuleKind::Verified,
        RuleKind::Halt,
        RuleKind::Stable,
        RuleKind::Plateau,
        RuleKind::Residual,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            RuleKind::Verified => "verified",
            RuleKind::Halt => "halt",
            RuleKind::Stable => "stable",
            RuleKind::Plateau => "plateau",
            RuleKind::Residual => "residual",
        }
    }

    /// The rule with the setting that it has where neither a user nor a model's file names one.
    pub fn default_rule(self) -> Rule {
        match self {
            RuleKind::Verified => Rule::Verified,
            RuleKind::Halt => Rule::Halt { logit: 0.0 },
            RuleKind::Stable => Rule::Stable { steps: 2 },
            RuleKind::Plateau => Rule::Plateau(Plateau {
                change: 1e-3,
                steps: DEFAULT_WINDOW,
            }),
            RuleKind::Residual => Rule::Residual { below: 0.1 },
        }
    }
}

/// Steps over which a plateau is looked for, where only its height is given.
const DEFAULT_WINDOW: usize = 2;
/// The longest such window in a text or file: its confidences are kept in memory.
pub const MAX_WINDOW: usize = 1000;
/// The most steps of an unchanged answer in a text or file.
const MAX_STABLE: usize = 1_000_000;

impl Rule {
    /// Which rule it is.
    pub fn kind(self) -> RuleKind {
        match self {
            Rule::Verified => RuleKind::Verified,
            Rule::Halt { .. } => RuleKind::Halt,
            Rule::Stable { .. } => RuleKind::Stable,
            Rule::Plateau(_) => RuleKind::Plateau,
            Rule::Residual { .. } => RuleKind::Residual,
        }
    }
}

impl fmt::Display for RuleKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind())?;
        match self {
            Rule::Verified => Ok(()),
            Rule::Halt { logit } => write!(f, "={logit}"),
            Rule::Stable { steps } => write!(f, "={steps}"),
            Rule::Plateau(Plateau { change, steps }) => write!(f, "={change}/{steps}"),
            Rule::Residual { below } => write!(f, "={below}"),
        }
    }
}

/// A text that is no stop rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, found `{found}`")]
pub struct RuleError {
    /// What would have been accepted.
    pub expected: String,
    /// What stood there.
    pub found: String,
}

fn wrong(expected: impl Into<String>, found: &str) -> RuleError {
    RuleError {
        expected: expected.into(),
        found: found.to_owned(),
    }
}

fn number(name: &str, text: &str, positive: bool) -> Result<f32, RuleError> {
    let number = text.parse().ok().filter(|n: &f32| n.is_finite());
    let what = if positive {
        "a number above 0"
    } else {
        "a number"
    };
    number
        .filter(|&n| !positive || n > 0.0)
        .ok_or_else(|| wrong(format!("{what} for `{name}`"), text))
}

fn steps(name: &str, text: &str, most: usize) -> Result<usize, RuleError> {
    let steps = text.parse().ok().filter(|n| (1..=most).contains(n));
    steps.ok_or_else(|| wrong(format!("1 to {most} steps for `{name}`"), text))
}

/// Reads a rule; without its setting where none is written.
fn parse_rule(text: &str) -> Result<(RuleKind, Option<Rule>), RuleError> {
    let (name, setting) = match text.split_once('=') {
        Some((name, setting)) => (name.trim_end(), Some(setting.trim_start())),
        None => (text, None),
    };
    let kind = RuleKind::ALL.into_iter().find(|kind| kind.name() == name);
    let kind = kind.ok_or_else(|| {
        let names = RuleKind::ALL.map(RuleKind::name).join(", ");
        wrong(format!("{names} or none"), name)
    })?;
    let Some(setting) = setting else {
        return Ok((kind, None));
    };
    let rule = match kind {
        RuleKind::Verified => return Err(wrong("`verified` without a setting", text)),
        RuleKind::Halt => Rule::Halt {
            logit: number(name, setting, false)?,
        },
        RuleKind::Stable => Rule::Stable {
            steps: steps(name, setting, MAX_STABLE)?,
        },
        RuleKind::Plateau => match setting.split_once('/') {
            Some((change, window)) => Rule::Plateau(Plateau {
                change: number(name, change, true)?,
                steps: steps(name, window, MAX_WINDOW)?,
            }),
            None => Rule::Plateau(Plateau {
                change: number(name, setting, true)?,
                steps: DEFAULT_WINDOW,
            }),
        },
        RuleKind::Residual => Rule::Residual {
            below: number(name, setting, true)?,
        },
    };
    Ok((kind, Some(rule)))
}

/// A rule with its setting, as [`Rule`]'s `Display` writes it.
impl FromStr for Rule {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        match parse_rule(text)? {
            (_, Some(rule)) => Ok(rule),
            (RuleKind::Verified, None) => Ok(Rule::Verified),
            (kind, None) => Err(wrong(format!("a setting of `{kind}`"), text)),
        }
    }
}

impl Serialize for Rule {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rule {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let named = |e| serde::de::Error::custom(format!("stop rule: {e}"));
        text.parse().map_err(named)
    }
}

/// Rules as a user lists them, with commas between; `none` for no rule. A rule may stand without its setting.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RuleList(Vec<(RuleKind, Option<Rule>)>);

impl FromStr for RuleList {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        if text.trim() == "none" {
            return Ok(RuleList::default());
        }
        let mut list = RuleList::default();
        for part in text.split(',').map(str::trim) {
            if part == "none" {
                return Err(wrong("`none` to stand alone", text));
            }
            let (kind, rule) = parse_rule(part)?;
            if list.0.iter().any(|(other, _)| *other == kind) {
                return Err(wrong(format!("`{kind}` once"), text));
            }
            list.0.push((kind, rule));
        }
        Ok(list)
    }
}

impl RuleList {
    /// The rules by which models stop unless somebody says otherwise.
    pub const USUAL: &'static str = "verified,halt";

    /// [`RuleList::USUAL`].
    pub fn usual() -> Self {
        Self::USUAL.parse().expect("a list of rules")
    }

    /// The rules, those without a setting with the calibrated or else the default one.
    pub fn rules(&self, calibration: Option<&Calibration>) -> impl Iterator<Item = Rule> {
        self.0.iter().map(move |&(kind, rule)| {
            let calibrated = || calibration?.rule(kind);
            rule.or_else(calibrated).unwrap_or(kind.default_rule())
        })
    }
}

/// What one rule alone did to questions with known answers, against thinking the most steps about each.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// The rule.
    pub rule: Rule,
    /// Steps a question, on average.
    pub mean_steps: f64,
    /// Share of the questions whose answer was right.
    pub exact: f64,
    /// Answers that were wrong, where more steps would have made or kept them right.
    pub lost: u64,
    /// Answers that were right, where more steps would have made them wrong.
    pub won: u64,
    /// Fewest steps of any question: the best case.
    pub fewest_steps: usize,
    /// Most steps of any question: the worst case.
    pub most_steps: usize,
}

/// Stop rules that were calibrated on questions with known answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// Questions that it was calibrated on.
    pub count: u64,
    /// Steps against which rules were compared.
    pub max_steps: usize,
    /// Share of the questions whose answer is right after so many.
    pub exact: f64,
    /// Exact accuracy that a rule was allowed to lose, in percentage points.
    pub loss: f64,
    /// The rules, each with its setting and what it did by itself; at most one of a kind. A rule that saves no step
    /// at this loss is missing.
    pub rules: Vec<Measured>,
}

impl Calibration {
    /// The rule of this kind with its calibrated setting.
    pub fn rule(&self, kind: RuleKind) -> Option<Rule> {
        let mut rules = self.rules.iter().map(|measured| measured.rule);
        rules.find(|rule| rule.kind() == kind)
    }

    /// Checks every field.
    ///
    /// # Errors
    /// [`Error::Config`] names the first that no calibration can have.
    pub fn validate(&self) -> Result<()> {
        fn within<T: PartialOrd + fmt::Display>(
            field: &'static str,
            value: T,
            [least, most]: [T; 2],
        ) -> Result<()> {
            // NaN is in no range.
            if least <= value && value <= most {
                return Ok(());
            }
            Err(Error::Config {
                field,
                expected: format!("{least} to {most}"),
                found: value.to_string(),
            })
        }
        within("thinking.count", self.count, [1, u64::MAX])?;
        within("thinking.max_steps", self.max_steps, [1, usize::MAX])?;
        within("thinking.exact", self.exact, [0.0, 1.0])?;
        within("thinking.loss", self.loss, [0.0, 100.0])?;
        for (i, m) in self.rules.iter().enumerate() {
            if let Some(other) = self.rules[..i]
                .iter()
                .find(|other| other.rule.kind() == m.rule.kind())
            {
                return Err(Error::Config {
                    field: "thinking.rules",
                    expected: format!("`{}` once", m.rule.kind()),
                    found: format!("`{}` and `{}`", other.rule, m.rule),
                });
            }
            within("thinking.rules.exact", m.exact, [0.0, 1.0])?;
            within("thinking.rules.lost", m.lost, [0, self.count])?;
            within("thinking.rules.won", m.won, [0, self.count])?;
            let (fewest, most) = (m.fewest_steps, m.most_steps);
            within("thinking.rules.most_steps", most, [1, self.max_steps])?;
            within("thinking.rules.fewest_steps", fewest, [1, most])?;
            let range = [fewest as f64, most as f64];
            within("thinking.rules.mean_steps", m.mean_steps, range)?;
        }
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests;
