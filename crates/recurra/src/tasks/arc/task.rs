//! A task: demonstrations, and inputs whose outputs are asked for.

use super::Grid;

/// An input with its output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// What is given.
    pub input: Grid,
    /// What it becomes.
    pub output: Grid,
}

/// An input whose output is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestPair {
    /// What is given.
    pub input: Grid,
    /// What it becomes, where that is known.
    pub output: Option<Grid>,
}

/// A task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArcTask {
    /// Its name; with no [`SEPARATOR`](super::augmentation::SEPARATOR) in it.
    pub name: String,
    /// The demonstrations, at least one.
    pub train: Vec<Pair>,
    /// The test pairs, at least one.
    pub test: Vec<TestPair>,
}
