//! What a training left when it was interrupted.

use super::budget::Budget;
use super::data::Notes;
use super::folder::RunFolder;
use crate::exit::UsageError;
use anyhow::anyhow;
use recurra::model::disk;
use recurra::model::file::Header;
use recurra::train::CheckpointHead;
use std::path::{Path, PathBuf};

/// A training as its checkpoint has it.
pub(super) struct Saved {
    pub(super) path: PathBuf,
    pub(super) bytes: Vec<u8>,
    pub(super) head: CheckpointHead,
    pub(super) notes: Notes,
}

impl Saved {
    /// Reads the checkpoint beside a model.
    pub(super) fn open(output: &Path) -> anyhow::Result<Self> {
        let path = RunFolder::checkpoint(output);
        let bytes = disk::read(&path)?;
        let head = CheckpointHead::read(&bytes).map_err(|e| e.in_file(&path))?;
        let notes = serde_json::from_value(head.notes.clone());
        let notes = notes.map_err(|e| anyhow!("{}: {e}", path.display()))?;
        Ok(Saved {
            path,
            bytes,
            head,
            notes,
        })
    }

    /// When the training is to be over: as was asked for, or as it was before.
    pub(super) fn budget(&self, asked: Option<Budget>) -> Result<Budget, UsageError> {
        let Some(budget) = asked.or(self.notes.budget) else {
            let text = "--resume: expected --steps or --minutes: this training was begun by an earlier version, which did not keep them";
            return Err(UsageError(text.into()));
        };
        let (step, seconds) = (self.head.step, self.notes.seconds);
        if asked.is_some() && asked != self.notes.budget && budget.share(step, seconds) > 1.0 {
            let spent = budget.spent(step, seconds);
            let flag = match budget {
                Budget::Steps(_) => "--steps",
                Budget::Seconds(_) => "--minutes",
            };
            return Err(UsageError(format!(
                "{flag}: nothing left to do: expected more than the {spent} that are done, found {budget} in all"
            )));
        }
        Ok(budget)
    }

    /// Whether the budget is spent and the model in its place is that of the last step.
    pub(super) fn is_finished(&self, output: &Path, budget: Budget) -> bool {
        let header = Header::open(output).ok();
        let written = header.and_then(|h| h.provenance.get("steps")?.as_u64());
        let step = self.head.step;
        let over = budget.share(step, self.notes.seconds) >= 1.0 || self.notes.has_stalled();
        over && written == Some(step)
    }
}
