//! Two attempts at every test input, in the file that the competition takes.

use super::error::{ArcError, Step};
use super::json::{Kind, Trail, read_tasks};
use super::kinds::{Entry, GridKind, ListKind};
use super::score::rank;
use super::{ArcTask, Candidate, Grid, Score};
use serde::de::{IgnoredAny, MapAccess};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

/// Attempts that the competition allows.
pub const ATTEMPTS: usize = 2;

/// Attempts at the test inputs of tasks: `{name: [{"attempt_1": grid, "attempt_2": grid}, …], …}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Submission {
    /// For each task, two attempts at each of its test inputs, in their order.
    pub tasks: BTreeMap<String, Vec<Attempts>>,
}

/// Two attempts at one test input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempts(pub [Grid; ATTEMPTS]);

impl Attempts {
    /// The two best candidates. The first is repeated where there is only one; where there is none, the attempts are the
    /// smallest grid there is, because the competition wants some.
    pub fn best(ranking: &[Candidate]) -> Self {
        let nothing = || Grid::new(1, 1, vec![0]).expect("one cell is a grid");
        let first = ranking.first().map_or_else(nothing, |c| c.grid.clone());
        let second = ranking.get(1).map_or(&first, |c| &c.grid).clone();
        Attempts([first, second])
    }
}

impl Serialize for Attempts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(Some(ATTEMPTS))?;
        for (key, grid) in KEYS.iter().zip(&self.0) {
            object.serialize_entry(key, grid)?;
        }
        object.end()
    }
}

impl Submission {
    /// The file.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("names are text")
    }

    /// Reads such a file. Tasks with errors are left out; other keys than those of the two attempts are passed over.
    pub fn read(text: &[u8]) -> (Self, Vec<ArcError>) {
        let mut submission = Submission::default();
        let kind = || ListKind {
            kind: AttemptsKind,
            step: Step::Test,
        };
        let errors = read_tasks(text, kind, |name, result| {
            if let Ok(attempts) = result {
                submission.tasks.insert(name, attempts);
            }
        });
        (submission, errors)
    }

    /// The score of these tasks with the first `attempts` attempts (at most 2). Test inputs without attempts count as not
    /// solved; those whose output is not known are not counted, attempts for other tasks neither.
    pub fn score<'a>(
        &self,
        tasks: impl IntoIterator<Item = &'a ArcTask>,
        attempts: usize,
    ) -> Score {
        let mut score = Score::new(attempts);
        for task in tasks {
            let made = self.tasks.get(&task.name).map_or(&[][..], Vec::as_slice);
            let ranks = task.test.iter().enumerate().filter_map(|(i, pair)| {
                let answer = pair.output.as_ref()?;
                Some(made.get(i).and_then(|attempts| rank(&attempts.0, answer)))
            });
            score.add(&ranks.collect::<Vec<_>>());
        }
        score
    }
}

/// Names of the attempts in the file.
const KEYS: [&str; ATTEMPTS] = ["attempt_1", "attempt_2"];

#[derive(Clone, Copy)]
struct AttemptsKind;

impl<'de> Kind<'de> for AttemptsKind {
    type Value = Option<Attempts>;
    const EXPECTED: &'static str = "an object with `attempt_1` and `attempt_2`";

    fn object<A: MapAccess<'de>>(
        self,
        mut object: A,
        trail: &mut Trail,
    ) -> Result<Option<Attempts>, A::Error> {
        let mut entries = KEYS.map(Entry::new);
        while let Some(key) = object.next_key::<String>()? {
            let Some(i) = KEYS.iter().position(|k| *k == key) else {
                object.next_value::<IgnoredAny>()?;
                continue;
            };
            trail.within(Step::Attempt(i + 1), |trail| {
                entries[i].read(&mut object, GridKind, trail)
            })?;
        }
        let [first, second] = entries.map(|entry| entry.needed(trail).flatten());
        Ok(first
            .zip(second)
            .map(|(first, second)| Attempts([first, second])))
    }
}
