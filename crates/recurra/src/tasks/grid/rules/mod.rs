//! What a table's author declares: rules that answers keep, and symmetries.
//!
//! | key | what it says |
//! | --- | --- |
//! | `blank` | the symbol of a cell that is yet to be filled in |
//! | `fill` | the symbols an answer consists of; without it all but `blank` |
//! | `keep` | `"givens"`: cells that are not blank stay in the answer; or the symbols that stay |
//! | `permutation` | in each of these units, every symbol of `fill` stands exactly once |
//! | `different` | in each of these units, no symbol stands twice |
//! | `equal_counts` | in each of these units, all symbols of `fill` stand equally often |
//! | `same_counts` | in each of these units, each symbol stands in the answer as often as in the question |
//! | `unlike` | no two of these units are the same: `row`, `column` or both |
//! | `longest_run` | so many cells in succession, along a row or a column, may be the same |
//! | `regions` | a grid of letters, rows as lines: cells of one letter are a region, `.` belongs to none; or several such drawings |
//! | `proof` | an answer that keeps all these rules is right |
//! | `symmetries` | [`Symmetry`] |
//!
//! Units are `row`, `column`, `box RxC`, `region`, `diagonal` (the two long ones of a square) and `grid` (all cells).
//!
//! A file of rules may also say the `size` of all grids, as in `"9x9"`. With that, or with drawings, and with `fill`, rules make a
//! task without any table ([`RulesFile::alone`]).

mod bound;
mod file;
mod forms;
#[cfg(test)]
mod tests;
mod units;

pub(super) use bound::{Bound, Objection, drawings, number, sample};
pub use file::RulesFile;
pub use forms::{Keep, Symmetry};
pub(super) use units::Parting;
use units::Regions;
pub use units::Units;

use crate::error::Error;
use serde::{Deserialize, Serialize};

/// The rules and symmetries of a table, as they are declared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rules {
    /// The symbol of a cell that is yet to be filled in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blank: Option<String>,
    /// The symbols an answer consists of.
    #[serde(with = "forms::symbols", skip_serializing_if = "Vec::is_empty")]
    pub fill: Vec<String>,
    /// Which cells of a question stay in the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep: Option<Keep>,
    /// Units in which every symbol stands once.
    #[serde(with = "forms::list", skip_serializing_if = "Vec::is_empty")]
    pub permutation: Vec<Units>,
    /// Units in which no symbol stands twice.
    #[serde(with = "forms::list", skip_serializing_if = "Vec::is_empty")]
    pub different: Vec<Units>,
    /// Units in which all symbols stand equally often.
    #[serde(with = "forms::list", skip_serializing_if = "Vec::is_empty")]
    pub equal_counts: Vec<Units>,
    /// Units in which each symbol stands as often as in the question.
    #[serde(with = "forms::list", skip_serializing_if = "Vec::is_empty")]
    pub same_counts: Vec<Units>,
    /// Rows or columns of which no two are the same.
    #[serde(with = "forms::list", skip_serializing_if = "Vec::is_empty")]
    pub unlike: Vec<Units>,
    /// How many cells in succession may be the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub longest_run: Option<usize>,
    /// Drawings: grids of letters.
    #[serde(with = "forms::drawings", skip_serializing_if = "Vec::is_empty")]
    pub regions: Vec<String>,
    /// Whether an answer that keeps all rules is right.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub proof: bool,
    /// What can be done to a question and its answer alike.
    #[serde(with = "forms::list", skip_serializing_if = "Vec::is_empty")]
    pub symmetries: Vec<Symmetry>,
}

impl Rules {
    /// The lists of units, with their keys.
    pub(super) fn unit_lists(&self) -> [(&'static str, &[Units]); 5] {
        [
            ("permutation", &self.permutation),
            ("different", &self.different),
            ("equal_counts", &self.equal_counts),
            ("same_counts", &self.same_counts),
            ("unlike", &self.unlike),
        ]
    }
}

/// A declaration that contradicts the table or another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RuleError {
    /// The key.
    pub(super) key: &'static str,
    pub(super) expected: String,
    pub(super) found: String,
}

impl RuleError {
    pub(super) fn new(
        key: &'static str,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        RuleError {
            key,
            expected: expected.into(),
            found: found.into(),
        }
    }
}

impl From<RuleError> for Error {
    fn from(error: RuleError) -> Self {
        Error::Config {
            field: error.key,
            // What is expected "for a key" in a file's message ends with a comma where a reason was given.
            expected: error.expected.trim_end_matches(',').to_owned(),
            found: error.found,
        }
    }
}
