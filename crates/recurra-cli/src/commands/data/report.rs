//! What was found, for people and as JSON.

use super::distribution::Summary;
use super::keys::Keys;
use super::part::Part;
use super::problems::{Kind, Problems};
use crate::exit;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// What is in one set.
#[derive(Serialize)]
struct PartReport {
    path: String,
    task: String,
    puzzles: u64,
    refused: u64,
    /// Null where there is no answer, or no rule that one can break; the next two where there is no exact search.
    wrong_answers: Option<u64>,
    no_solution: Option<u64>,
    several_solutions: Option<u64>,
    undecided: u64,
    duplicates: u64,
    symmetric_duplicates: Option<u64>,
    repeated_solutions: Option<u64>,
    measures: BTreeMap<&'static str, Summary>,
}

/// What two sets have in common: puzzles of the second that stand in the first.
#[derive(Serialize)]
pub(super) struct Leaks {
    first: String,
    second: String,
    questions: u64,
    symmetric: Option<u64>,
    solutions: Option<u64>,
}

impl Leaks {
    pub(super) fn between(first: &Part, second: &Part, problems: &mut Problems) -> Self {
        // A line is told once, by the closest thing that it shares.
        let mut told = BTreeSet::new();
        let mut leaks = |a: &Keys, b: &Keys, kind: Kind, what: &str| {
            let mut lines: Vec<_> = a.common(b).collect();
            lines.sort_unstable();
            for (line, other) in &lines {
                if told.insert(*line) {
                    let text = format!(
                        "expected a puzzle of its own, found {what} of {}:{other}",
                        first.name
                    );
                    problems.add(&second.name, u64::from(*line), kind, text);
                }
            }
            lines.len() as u64
        };
        let question = "the question";
        let questions = leaks(&first.questions, &second.questions, Kind::Leak, question);
        let mut further = |a: &Option<Keys>, b: &Option<Keys>, kind, what| {
            Some(leaks(a.as_ref()?, b.as_ref()?, kind, what))
        };
        let (forms, solutions) = (
            (&first.forms, &second.forms),
            (&first.solutions, &second.solutions),
        );
        let symmetric = "under a symmetry the question";
        let same = "the solution";
        Leaks {
            first: first.name.clone(),
            second: second.name.clone(),
            questions,
            symmetric: further(forms.0, forms.1, Kind::SymmetricLeak, symmetric),
            solutions: further(solutions.0, solutions.1, Kind::SolutionLeak, same),
        }
    }
}

/// Everything.
#[derive(Default, Serialize)]
pub(super) struct Report {
    good: bool,
    parts: Vec<PartReport>,
    pub(super) leaks: Vec<Leaks>,
    pub(super) problems: Problems,
}

impl Report {
    /// Adds what is in a set, and tells its duplicates.
    pub(super) fn add(&mut self, part: &Part) {
        let mut duplicates: Vec<_> = part.questions.repeated().collect();
        duplicates.sort_unstable();
        for (line, first) in &duplicates {
            let text = format!("expected each question once, found that of line {first}");
            self.problems
                .add(&part.name, u64::from(*line), Kind::Duplicate, text);
        }
        let repeated = |keys: &Option<Keys>| Some(keys.as_ref()?.repeated().count() as u64);
        let count = |kind| self.problems.count(&part.name, kind);
        let measures = part.measures.iter();
        let rules = part.kind.rules();
        let checked = part.answers > 0 && rules.is_some_and(|rules| rules.checks());
        // An answer of no grid at all is wrong by any rules.
        let wrong = Some(count(Kind::WrongAnswer)).filter(|&wrong| checked || wrong > 0);
        let searched = |kind| {
            rules
                .is_some_and(|rules| rules.searches())
                .then(|| count(kind))
        };
        self.parts.push(PartReport {
            path: part.name.clone(),
            task: part.kind.to_string(),
            puzzles: part.puzzles,
            refused: part.refused,
            wrong_answers: wrong,
            no_solution: searched(Kind::NoSolution),
            several_solutions: searched(Kind::SeveralSolutions),
            undecided: part.undecided,
            duplicates: duplicates.len() as u64,
            symmetric_duplicates: repeated(&part.forms),
            repeated_solutions: repeated(&part.solutions),
            measures: measures.map(|(name, all)| (*name, all.summary())).collect(),
        });
    }

    /// Whether anything is wrong.
    pub(super) fn finish(&mut self) -> bool {
        self.good = self.problems.is_empty();
        !self.good
    }

    /// For people.
    pub(super) fn table(&self) -> String {
        let mut text = String::new();
        for part in &self.parts {
            heading(&mut text, &format!("{}: {}", part.path, part.task));
            let counted = |count: u64| Some(count.to_string());
            let maybe = |count: Option<u64>| count.map(|count| count.to_string());
            let checked = |count: Option<u64>| Some(maybe(count).unwrap_or("not checked".into()));
            for (name, value) in [
                ("puzzles", counted(part.puzzles)),
                (Kind::Refused.name(), counted(part.refused)),
                (Kind::WrongAnswer.name(), checked(part.wrong_answers)),
                (Kind::NoSolution.name(), checked(part.no_solution)),
                (
                    Kind::SeveralSolutions.name(),
                    checked(part.several_solutions),
                ),
                (Kind::Duplicate.name(), counted(part.duplicates)),
                (
                    "duplicates under symmetries",
                    maybe(part.symmetric_duplicates),
                ),
                ("repeated solutions", maybe(part.repeated_solutions)),
                (
                    "given up",
                    Some(part.undecided).filter(|n| *n > 0).and_then(counted),
                ),
            ] {
                row(&mut text, name, value);
            }
            for (name, s) in &part.measures {
                let value = format!(
                    "{} to {}, median {}, mean {:.1}, 80 % from {} to {}",
                    s.min, s.max, s.median, s.mean, s.p10, s.p90
                );
                row(&mut text, name, Some(value));
            }
        }
        for leaks in &self.leaks {
            heading(&mut text, &format!("{} in {}", leaks.second, leaks.first));
            for (name, value) in [
                ("the same question", Some(leaks.questions)),
                ("the same under symmetries", leaks.symmetric),
                ("the same solution", leaks.solutions),
            ] {
                row(&mut text, name, value.map(|count| count.to_string()));
            }
        }
        text
    }
}

fn heading(text: &mut String, heading: &str) {
    let blank = if text.is_empty() { "" } else { "\n" };
    let heading = exit::printable(heading);
    writeln!(text, "{blank}{heading}").expect("strings can be written to");
}

/// A line, where there is a value.
fn row(text: &mut String, name: &str, value: Option<String>) {
    if let Some(value) = value {
        writeln!(text, "  {name:<34} {value}").expect("strings can be written to");
    }
}
