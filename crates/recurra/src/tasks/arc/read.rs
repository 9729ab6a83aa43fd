//! Tasks, their solutions, and single tasks from JSON.

use super::Grid;
use super::error::{ArcError, Step};
use super::json::{Kind, Trail, read_tasks, read_value};
use super::kinds::{Entry, GridKind, ListKind};
use super::task::{ArcTask, Pair, TestPair};
use serde::de::{IgnoredAny, MapAccess};
use std::collections::{HashMap, HashSet};

/// Tasks of a file, and what was wrong in it.
#[derive(Clone, Debug, Default)]
pub struct TaskSet {
    /// Tasks without errors, in the order of the file.
    pub tasks: Vec<ArcTask>,
    /// What was wrong: one error a task that was refused, and one if the file could not be read to its end. Reading ends
    /// after 1,000 of them.
    pub errors: Vec<ArcError>,
    /// Names of tasks that were refused: their solutions are no mistake.
    refused: HashSet<String>,
}

impl TaskSet {
    /// Reads the tasks of a competition's "challenges":
    /// `{name: {"train": [{"input": grid, "output": grid}, …], "test": [{"input": grid}, …]}, …}`. A test pair may have
    /// an output too.
    pub fn read(challenges: &[u8]) -> Self {
        let mut set = TaskSet::default();
        set.errors = read_tasks(
            challenges,
            || TaskKind,
            |name, result| match result {
                Ok(parts) => set.tasks.push(parts.named(name)),
                Err(_) => drop(set.refused.insert(name)),
            },
        );
        // Where a name came twice, its first task stands.
        set
    }

    /// Reads the outputs of the test pairs from a competition's "solutions": `{name: [grid, …], …}`. Tasks whose solutions
    /// are missing keep none; that, and what is wrong, is added to the errors.
    pub fn add_solutions(&mut self, solutions: &[u8]) {
        let places: HashMap<&str, usize> = (self.tasks.iter().enumerate())
            .map(|(place, task)| (task.name.as_str(), place))
            .collect();
        let mut found: Vec<(usize, Vec<Grid>)> = Vec::new();
        let mut mismatches = Vec::new();
        let mut named: HashSet<String> = HashSet::new();
        let errors = read_tasks(
            solutions,
            || SOLUTIONS,
            |name, result| {
                named.insert(name.clone());
                let Ok(grids) = result else { return };
                let mismatch = match places.get(name.as_str()) {
                    Some(&place) => match mismatch(&self.tasks[place], &grids) {
                        None => return found.push((place, grids)),
                        Some(mismatch) => mismatch,
                    },
                    None if self.refused.contains(&name) => return,
                    None => (
                        vec![],
                        "the name of a task of the challenges".into(),
                        "another".into(),
                    ),
                };
                let (steps, expected, found) = mismatch;
                mismatches.push(ArcError {
                    task: Some(name),
                    steps,
                    expected,
                    found,
                });
            },
        );
        for (place, grids) in found {
            for (pair, grid) in self.tasks[place].test.iter_mut().zip(grids) {
                pair.output = Some(grid);
            }
        }
        // Who gives solutions means to give all of them.
        let mut unsolved = Vec::new();
        for task in &self.tasks {
            let unknown = task.test.iter().any(|pair| pair.output.is_none());
            if unknown && !named.contains(&task.name) {
                unsolved.push(ArcError {
                    task: Some(task.name.clone()),
                    steps: vec![],
                    expected: format!("{} solutions, one for each test input", task.test.len()),
                    found: "none: its test outputs are not known".into(),
                });
            }
        }
        self.errors.extend(errors);
        self.errors.extend(mismatches);
        self.errors.extend(unsolved);
    }
}

/// The outputs of a task's test pairs.
const SOLUTIONS: ListKind<GridKind> = ListKind {
    kind: GridKind,
    step: Step::Solution,
};

/// Why grids cannot be a task's solutions, if they cannot.
fn mismatch(task: &ArcTask, grids: &[Grid]) -> Option<(Vec<Step>, String, String)> {
    if grids.len() != task.test.len() {
        let expected = format!("{} solutions, one for each test input", task.test.len());
        return Some((vec![], expected, grids.len().to_string()));
    }
    let differs =
        |(pair, grid): (&TestPair, &Grid)| pair.output.as_ref().is_some_and(|o| o != grid);
    let place = task.test.iter().zip(grids).position(differs)?;
    Some((
        vec![Step::Solution(place + 1)],
        "the output that stands in the task".into(),
        "another".into(),
    ))
}

/// Reads a file of one task: `{"train": […], "test": […]}`. The name is the caller's, as a rule that of the file.
///
/// # Errors
/// The first thing that is wrong.
pub fn read_task(name: &str, text: &[u8]) -> Result<ArcTask, ArcError> {
    read_value(text, Some(name), TaskKind).map(|parts| parts.named(name.into()))
}

/// A task without its name.
#[derive(Default)]
struct Parts {
    train: Vec<Pair>,
    test: Vec<TestPair>,
}

impl Parts {
    fn named(self, name: String) -> ArcTask {
        let Parts { train, test } = self;
        ArcTask { name, train, test }
    }
}

struct TaskKind;

impl<'de> Kind<'de> for TaskKind {
    type Value = Parts;
    const EXPECTED: &'static str = "an object with `train` and `test`";

    fn object<A: MapAccess<'de>>(
        self,
        mut object: A,
        trail: &mut Trail,
    ) -> Result<Parts, A::Error> {
        let (mut train, mut test) = (Entry::new("train"), Entry::new("test"));
        let demonstrations = ListKind {
            kind: DemonstrationKind,
            step: Step::Demonstration,
        };
        let tests = ListKind {
            kind: TestKind,
            step: Step::Test,
        };
        while let Some(key) = object.next_key::<String>()? {
            match key.as_str() {
                "train" => train.read(&mut object, demonstrations, trail)?,
                "test" => test.read(&mut object, tests, trail)?,
                _ => drop(object.next_value::<IgnoredAny>()?),
            }
        }
        Ok(Parts {
            train: train.needed(trail).unwrap_or_default(),
            test: test.needed(trail).unwrap_or_default(),
        })
    }
}

#[derive(Clone, Copy)]
struct DemonstrationKind;

impl<'de> Kind<'de> for DemonstrationKind {
    type Value = Option<Pair>;
    const EXPECTED: &'static str = "an object with `input` and `output`";

    fn object<A: MapAccess<'de>>(
        self,
        object: A,
        trail: &mut Trail,
    ) -> Result<Option<Pair>, A::Error> {
        let [input, output] = read_pair(object, trail)?;
        Ok(input
            .needed(trail)
            .flatten()
            .zip(output.needed(trail).flatten())
            .map(|(input, output)| Pair { input, output }))
    }
}

#[derive(Clone, Copy)]
struct TestKind;

impl<'de> Kind<'de> for TestKind {
    type Value = Option<TestPair>;
    const EXPECTED: &'static str = "an object with `input`";

    fn object<A: MapAccess<'de>>(
        self,
        object: A,
        trail: &mut Trail,
    ) -> Result<Option<TestPair>, A::Error> {
        let [input, output] = read_pair(object, trail)?;
        let output = output.given().flatten();
        Ok(input
            .needed(trail)
            .flatten()
            .map(|input| TestPair { input, output }))
    }
}

/// Reads what a pair has of input and output.
fn read_pair<'de, A: MapAccess<'de>>(
    mut object: A,
    trail: &mut Trail,
) -> Result<[Entry<Option<Grid>>; 2], A::Error> {
    let mut pair = [Entry::new("input"), Entry::new("output")];
    while let Some(key) = object.next_key::<String>()? {
        let (entry, step) = match key.as_str() {
            "input" => (&mut pair[0], Step::Input),
            "output" => (&mut pair[1], Step::Output),
            _ => {
                object.next_value::<IgnoredAny>()?;
                continue;
            }
        };
        trail.within(step, |trail| entry.read(&mut object, GridKind, trail))?;
    }
    Ok(pair)
}
