//! ARC tasks from files and folders, the identifiers beside a model, and a solver of both.

use crate::exit::{Refusals, UsageError};
use crate::progress;
use anyhow::{anyhow, bail};
use recurra::model::disk;
use recurra::model::file::Header;
use recurra::solver::{ArcAnswers, ArcOptions, ArcSolver};
use recurra::tasks::TaskSpec;
use recurra::tasks::arc::{ArcTask, Submission, TaskSet, read_task};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::path::{Path, PathBuf};

/// Tasks of a file or a folder.
#[derive(Debug, Default)]
pub(crate) struct ArcData {
    /// Tasks to learn everything of, test pairs too: those of files or folders with `training` or `concept` in their names.
    pub(crate) training: Vec<ArcTask>,
    /// All others: tasks to learn the demonstrations of, and to be measured on.
    pub(crate) evaluation: Vec<ArcTask>,
    /// Tasks and files that were refused.
    pub(crate) refused: Refusals,
}

/// A file with one task has this key, one with many does not.
#[derive(Deserialize)]
struct Peek {
    train: Option<IgnoredAny>,
}

impl ArcData {
    /// Reads tasks: a file of challenges (with the solutions beside it) or of one task, or a folder of either, or one with
    /// the folders `training` and `evaluation`. What is wrong is told, and the rest is read.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let mut data = ArcData::default();
        let named = |e: std::io::Error| anyhow!("{}: {e}", path.display());
        if std::fs::metadata(path).map_err(named)?.is_dir() {
            let all = json_files(path)?;
            let parts = ["training", "evaluation"].map(|name| path.join(name));
            for part in parts.iter().filter(|part| part.is_dir()) {
                for file in json_files(part)? {
                    data.read(&file, part)?;
                }
            }
            // Where there are challenges, other files are their solutions or a sample submission.
            let challenges = |file: &&PathBuf| file_name(file).contains("challenges");
            let some = all.iter().any(|file| challenges(&file));
            for file in all.iter().filter(|file| !some || challenges(file)) {
                data.read(file, if some { file } else { path })?;
            }
        } else {
            data.read(path, path)?;
        }
        data.refused.tell_rest(path, "tasks");
        if data.training.is_empty() && data.evaluation.is_empty() {
            bail!("{}: no ARC task in it", path.display());
        }
        Ok(data)
    }

    /// Reads the tasks of several files or folders.
    pub(crate) fn open_all(paths: &[PathBuf]) -> anyhow::Result<Self> {
        let mut all = ArcData::default();
        for path in paths {
            let data = Self::open(path)?;
            for (to, tasks) in [
                (&mut all.training, data.training),
                (&mut all.evaluation, data.evaluation),
            ] {
                for task in tasks {
                    if to.iter().any(|other| other.name == task.name) {
                        let text =
                            format!("task `{}`: another of this name came before it", task.name);
                        all.refused.add(path, &text);
                    } else {
                        to.push(task);
                    }
                }
            }
            all.refused.join(&data.refused);
        }
        Ok(all)
    }

    /// Reads a file, of the part that `place` names.
    fn read(&mut self, file: &Path, place: &Path) -> anyhow::Result<()> {
        let bytes = disk::read(file)?;
        let mut tasks = Vec::new();
        if let Some(items) = bytes.trim_ascii_start().strip_prefix(b"[") {
            let text = "expected an object with `train` and `test`, or such objects by their names, found a list";
            // To leave tasks out that are just written another way would be to train on the rest.
            if items.trim_ascii_start().starts_with(b"{") {
                bail!(
                    "{}: {text} (of pairs? it does not say which are demonstrations)",
                    file.display()
                );
            }
            self.refused.add(file, &text);
            return Ok(());
        }
        if serde_json::from_slice::<Peek>(&bytes).is_ok_and(|peek| peek.train.is_some()) {
            let name = file.file_stem().unwrap_or_default().to_string_lossy();
            match read_task(&name, &bytes) {
                Ok(task) => tasks.push(task),
                Err(error) => self.refused.add(file, &error),
            }
        } else {
            let mut set = TaskSet::read(&bytes);
            let told = set.errors.len();
            let solutions = file.with_file_name(file_name(file).replace("challenges", "solutions"));
            if solutions != file && solutions.is_file() {
                set.add_solutions(&disk::read(&solutions)?);
            }
            for (i, error) in set.errors.iter().enumerate() {
                let file = if i < told { file } else { &solutions };
                self.refused.add(file, error);
            }
            tasks = set.tasks;
        }
        let name = file_name(place);
        let learnt = ["training", "concept"]
            .iter()
            .any(|part| name.contains(part));
        let part = if learnt {
            &mut self.training
        } else {
            &mut self.evaluation
        };
        for task in tasks {
            if part.iter().any(|other| other.name == task.name) {
                let text = format!("task `{}`: another of this name came before it", task.name);
                self.refused.add(file, &text);
            } else {
                part.push(task);
            }
        }
        Ok(())
    }

    /// The tasks that a model is measured on: those for evaluation, or all where there are none.
    pub(crate) fn measured(self) -> Vec<ArcTask> {
        if self.evaluation.is_empty() {
            self.training
        } else {
            self.evaluation
        }
    }
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// The JSON files of a folder, in the order of their names.
fn json_files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let named = |e: std::io::Error| anyhow!("{}: {e}", folder.display());
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(named)? {
        let path = entry.map_err(named)?.path();
        if path.extension().is_some_and(|e| e == "json") && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Whether a model file is one for ARC. A file that cannot be read is not: whoever opens it next says why.
pub(crate) fn is_arc(model: &Path) -> bool {
    Header::open(model).is_ok_and(|header| header.task == Some(TaskSpec::Arc))
}

/// How ARC models are asked.
#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Models for ARC-AGI")]
pub(crate) struct ArcFlags {
    /// Ask at most so many forms of a test input, whose answers are voted over [default: all that the model learnt]
    #[arg(long, value_name = "N", value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..))]
    pub(crate) votes: Option<usize>,
    /// Write two attempts at every test input into this file, in the competition's form
    #[arg(long, value_name = "FILE")]
    pub(crate) submission: Option<PathBuf>,
    /// Which task each row of the puzzle table belongs to [default: MODEL.identifiers.json]
    #[arg(long, value_name = "FILE")]
    identifiers: Option<PathBuf>,
}

impl ArcFlags {
    /// The file that is written.
    pub(crate) fn file(&self) -> &Option<PathBuf> {
        &self.submission
    }

    /// Refuses them for other models, to which they mean nothing.
    pub(crate) fn refuse(&self) -> Result<(), UsageError> {
        let flags = [
            ("--votes", self.votes.is_some()),
            ("--submission", self.submission.is_some()),
            ("--identifiers", self.identifiers.is_some()),
        ];
        UsageError::refuse(&flags, "a model for ARC-AGI")
    }

    /// Opens a model, whose puzzle table stays in its file.
    pub(crate) fn solver(&self, model: &Path, threads: usize) -> anyhow::Result<ArcSolver> {
        Ok(ArcSolver::open(
            model,
            self.identifiers.as_deref(),
            threads,
        )?)
    }

    /// Writes the attempts, where that was asked for.
    pub(crate) fn write(&self, submission: &Submission) -> anyhow::Result<()> {
        match &self.submission {
            Some(file) => {
                crate::output::OutputFile::write_whole(file, submission.to_json().as_bytes())
            }
            None => Ok(()),
        }
    }
}

/// Answers the test inputs of tasks.
pub(crate) fn answer<'a>(
    solver: &ArcSolver,
    options: &ArcOptions,
    tasks: impl IntoIterator<Item = &'a ArcTask>,
) -> anyhow::Result<ArcAnswers> {
    let bar = progress::bar(None, "questions");
    let answers = solver.answer(tasks, options, &|| bar.inc(1))?;
    bar.finish_and_clear();
    Ok(answers)
}
