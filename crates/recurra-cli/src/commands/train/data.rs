//! What a model is trained on, and what it is measured on.

mod arc;
mod puzzles;

use super::budget::Budget;
use super::recent::Recent;
use recurra::model::TrmModel;
use recurra::tasks::TaskSpec;
use recurra::train::SampleSource;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(super) use puzzles::default_pool;

/// What the checkpoint keeps beside the trainer's state.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Notes {
    pub(super) task: TaskSpec,
    /// Puzzles of that task.
    pub(super) data: Option<PathBuf>,
    /// Without them, so many are generated.
    pub(super) pool: usize,
    /// Share of the samples that are of that task, relative to the others.
    #[serde(default = "one")]
    pub(super) share: f64,
    /// The other tasks of a mixture.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) others: Vec<Part>,
    pub(super) held_out: u64,
    /// ARC: augmented forms of each task, beside itself.
    #[serde(default)]
    pub(super) augmentations: usize,
    /// When the training is over; earlier versions did not keep it.
    #[serde(default)]
    pub(super) budget: Option<Budget>,
    /// Seconds between checkpoints, where they were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) save_every: Option<f64>,
    /// Threads, where they were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) threads: Option<usize>,
    /// It ends early after so many measurements without a better share of held-out questions, where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) patience: Option<u32>,
    /// Such measurements so far, one after the other.
    #[serde(default)]
    pub(super) no_better: u32,
    /// Time trained so far.
    pub(super) seconds: f64,
    /// Best share of held-out questions so far.
    #[serde(default)]
    pub(super) best: Option<f64>,
    /// Held-out puzzles of each task that a measurement asks at most, where all of them would take too long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) tests: Option<usize>,
    /// What the last training steps found.
    #[serde(default)]
    pub(super) recent: Recent,
}

impl Notes {
    /// Whether the held-out share has not become better for as long as was to be waited.
    pub(super) fn has_stalled(&self) -> bool {
        self.patience
            .is_some_and(|patience| self.no_better >= patience)
    }

    /// The tasks, one or more, with their puzzles and shares.
    pub(super) fn parts(&self) -> impl Iterator<Item = Part> {
        let first = Part {
            task: self.task.clone(),
            data: self.data.clone(),
            pool: self.pool,
            share: self.share,
        };
        std::iter::once(first).chain(self.others.iter().cloned())
    }

    /// The tasks, one or more.
    pub(super) fn tasks(&self) -> impl Iterator<Item = &TaskSpec> {
        std::iter::once(&self.task).chain(self.others.iter().map(|part| &part.task))
    }

    /// The tasks, in words.
    pub(super) fn describe_tasks(&self) -> String {
        let all = self.tasks().map(TaskSpec::to_string);
        all.collect::<Vec<_>>().join(", ")
    }
}

/// A task of a mixture.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Part {
    pub(super) task: TaskSpec,
    /// Its puzzles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) data: Option<PathBuf>,
    /// Without them, so many are generated.
    pub(super) pool: usize,
    pub(super) share: f64,
}

impl Part {
    /// Puzzles to generate.
    pub(super) fn generated(&self) -> usize {
        match (&self.data, &self.task) {
            (Some(_), _) | (_, TaskSpec::Arc) => 0,
            _ => self.pool,
        }
    }
}

fn one() -> f64 {
    1.0
}

/// A measurement on held-out questions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measured {
    /// The share that is answered right; of a mixture, the mean of its tasks' shares.
    pub(super) exact: f64,
    /// Puzzles of each task that were asked, where the time was up before all were.
    pub(super) asked: Option<usize>,
}

/// The data of a training.
pub(super) trait Data {
    /// Where samples come from.
    fn source(&self) -> &dyn SampleSource;

    /// How much there is, in words.
    fn describe(&self) -> String;

    /// Rows of the puzzle table, where samples have one.
    fn puzzle_rows(&self) -> Option<usize> {
        None
    }

    /// Share of the held-out questions that a model answers right; none where there are none. Begins no further ones when the
    /// time is up: this measurement and all later ones are of those that were asked by then.
    fn measure(
        &mut self,
        model: &TrmModel,
        threads: usize,
        most: Duration,
    ) -> anyhow::Result<Option<Measured>>;

    /// Writes what the model needs beside its own file.
    fn save_beside(&self, model: &Path) -> anyhow::Result<()> {
        let _ = model;
        Ok(())
    }
}

/// Reads or generates what the notes ask for, with at most so many held-out puzzles of each task.
pub(super) fn prepare(notes: &Notes, seed: u64, tests: usize) -> anyhow::Result<Box<dyn Data>> {
    match &notes.task {
        TaskSpec::Arc => Ok(Box::new(arc::ArcTraining::prepare(notes, seed)?)),
        _ => Ok(Box::new(puzzles::PuzzleTraining::prepare(
            notes, seed, tests,
        )?)),
    }
}
