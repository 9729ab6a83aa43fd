//! What is wrong with puzzles, counted and told.

use crate::exit;
use serde::Serialize;
use std::collections::BTreeMap;

/// Problems of a kind that are told on standard error, and that `--json` lists.
const MOST_TOLD: u64 = 10;
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

/// All problems counted, the first of each kind told and listed.
#[derive(Default, Serialize)]
#[serde(transparent)]
pub(super) struct Problems {
    listed: Vec<Problem>,
    #[serde(skip)]
    counts: BTreeMap<(String, Kind), u64>,
}

impl Problems {
    pub(super) fn add(&mut self, path: &str, line: u64, kind: Kind, text: String) {
        let count = self.counts.entry((path.to_owned(), kind)).or_default();
        *count += 1;
        if *count <= MOST_TOLD {
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
    pub(super) fn tell_rest(&self) {
        for ((path, kind), count) in &self.counts {
            if *count > MOST_TOLD {
                let (rest, kind) = (count - MOST_TOLD, kind.name());
                exit::say(&format!("{path}: and {rest} more {kind}"));
            }
        }
    }
}
