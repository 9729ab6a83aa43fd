//! What is wrong with puzzles, counted and told.

use crate::exit::{self, Causes};
use serde::Serialize;
use std::collections::BTreeMap;

/// Problems of a kind that `--json` lists.
const MOST_LISTED: u64 = 1000;

/// What is wrong with a puzzle.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Refused,
    WrongAnswer,
    NoSolution,
    SeveralSolutions,
    Duplicate,
    Leak,
    SymmetricLeak,
    SolutionLeak,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Refused => "lines that cannot be read",
            Kind::WrongAnswer => "wrong answers",
            Kind::NoSolution => "questions without a solution",
            Kind::SeveralSolutions => "questions with several solutions",
            Kind::Duplicate => "duplicates",
            Kind::Leak => "leaks",
            Kind::SymmetricLeak => "leaks under symmetries",
            Kind::SolutionLeak => "leaked solutions",
        }
    }
}

/// A problem with its place.
#[derive(Serialize)]
struct Problem {
    path: String,
    line: u64,
    kind: Kind,
    text: String,
}

/// All problems counted, the first of each cause told, and the first of each kind listed.
#[derive(Default, Serialize)]
#[serde(transparent)]
pub(super) struct Problems {
    listed: Vec<Problem>,
    #[serde(skip)]
    counts: BTreeMap<(String, Kind), u64>,
    #[serde(skip)]
    told: BTreeMap<String, Causes>,
}

impl Problems {
    pub(super) fn add(&mut self, path: &str, line: u64, kind: Kind, text: String) {
        // Other lines are named there, which make each message another.
        let cause = match kind {
            Kind::Refused | Kind::WrongAnswer | Kind::NoSolution => text.clone(),
            _ => kind.name().to_owned(),
        };
        let count = self.counts.entry((path.to_owned(), kind)).or_default();
        *count += 1;
        if self.told.entry(path.to_owned()).or_default().add(&cause) {
            exit::say(&format!("{path}:{line}: {text}"));
        }
        if *count <= MOST_LISTED {
            self.listed.push(Problem {
                path: path.to_owned(),
                line,
                kind,
                text,
            });
        }
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// How many there are of a kind.
    pub(super) fn count(&self, path: &str, kind: Kind) -> u64 {
        let count = self.counts.get(&(path.to_owned(), kind));
        count.copied().unwrap_or(0)
    }

    /// Says how many were not told.
    pub(super) fn tell_rest(&mut self) {
        for (path, causes) in &mut self.told {
            causes.tell_rest(path);
        }
    }
}
