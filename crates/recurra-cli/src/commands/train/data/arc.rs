//! ARC tasks to train on: all pairs of training tasks, and the demonstrations of those that measure the model.

use super::{Data, Measured, Notes};
use crate::arc::ArcData;
use crate::exit::message;
use crate::output::OutputFile;
use anyhow::anyhow;
use recurra::model::TrmModel;
use recurra::solver::{ArcOptions, ArcSolver};
use recurra::tasks::arc::submission::ATTEMPTS;
use recurra::tasks::arc::{ArcTask, Grid, Identifiers, TrainingPairs};
use recurra::thinking::StopRules;
use recurra::train::{ArcSource, SampleSource};
use std::path::Path;
use std::time::Duration;

/// Test inputs that measure a model in training, and how many forms of each are asked: a minute's worth.
const TESTS: usize = 16;
const VOTES: usize = 2;

/// Tasks, their forms, and test inputs with known outputs.
pub(super) struct ArcTraining {
    source: ArcSource,
    tasks: usize,
    identifiers: Identifiers,
    /// Task, input, output.
    tests: Vec<(String, Grid, Grid)>,
}

impl ArcTraining {
    /// Reads the tasks that the notes name.
    pub(super) fn prepare(notes: &Notes, seed: u64) -> anyhow::Result<Self> {
        let folder = notes.data.as_deref();
        let folder = folder.ok_or_else(|| anyhow!("--task arc: expected --data with tasks"))?;
        let ArcData {
            training,
            evaluation,
            ..
        } = ArcData::open(folder)?;
        let selected = TrainingPairs::select(&training, &evaluation);
        let (tasks, pairs) = (selected.same_name, selected.same_pair);
        if tasks + pairs > 0 {
            message(&format!(
                "{}: left out {tasks} training tasks with the name of an evaluation task, and {pairs} pairs that show one of its outputs",
                folder.display()
            ));
        }
        let mut identifiers = Identifiers::new();
        for task in training.iter().chain(&evaluation) {
            identifiers.add(task, notes.augmentations, seed);
        }
        let tests = evaluation.iter().flat_map(known_tests).take(TESTS);
        Ok(ArcTraining {
            tests: tests.collect(),
            tasks: selected.groups.len(),
            source: ArcSource::new(selected.groups, &identifiers)?,
            identifiers,
        })
    }
}

/// A task's test pairs whose outputs are known.
fn known_tests(task: &ArcTask) -> impl Iterator<Item = (String, Grid, Grid)> {
    let pairs = task.test.iter();
    pairs.filter_map(|pair| Some((task.name.clone(), pair.input.clone(), pair.output.clone()?)))
}

impl Data for ArcTraining {
    fn source(&self) -> &dyn SampleSource {
        &self.source
    }

    fn describe(&self) -> String {
        format!(
            "{} pairs of {} tasks in {} forms to train on, {} held-out test inputs to measure",
            self.source.pairs(),
            self.tasks,
            self.identifiers.count() - 1,
            self.tests.len()
        )
    }

    fn puzzle_rows(&self) -> Option<usize> {
        Some(self.identifiers.count())
    }

    /// By two attempts, of few votes; always of all test inputs.
    fn measure(
        &mut self,
        model: &TrmModel,
        threads: usize,
        _: Duration,
    ) -> anyhow::Result<Option<Measured>> {
        let Some(table) = &model.weights.puzzle_emb else {
            return Ok(None);
        };
        if self.tests.is_empty() {
            return Ok(None);
        }
        let solver = ArcSolver::new(model, table, self.identifiers.clone(), threads)?;
        let options = ArcOptions {
            stop: StopRules::new(model.config().halt_max_steps),
            votes: VOTES,
        };
        let mut right = 0;
        for (task, input, output) in &self.tests {
            let ranking = solver.vote(task, input, &options, &|| {})?.ranking();
            right += usize::from(ranking.iter().take(ATTEMPTS).any(|c| c.grid == *output));
        }
        let exact = right as f64 / self.tests.len() as f64;
        Ok(Some(Measured { exact, asked: None }))
    }

    fn save_beside(&self, model: &Path) -> anyhow::Result<()> {
        let names = self.identifiers.to_json();
        OutputFile::write_whole(&Identifiers::beside(model), names.as_bytes())
    }
}
