//! The same weights for grids of another size.

use super::file::groups_of;
use super::{TrmModel, TrmWeights};
use crate::network::config::{Mixer, Positions};
use crate::tasks::TaskSpec;

impl TrmModel {
    /// The same weights for another task of the kind, if none of them depends on its size: mazes of other rows and columns, for
    /// a model whose mixer is a convolution; any that declares groups, for one whose mixer are messages over them. Stop rules calibrated for the one size are left out.
    pub fn for_task(mut self, task: &TaskSpec) -> Option<TrmModel> {
        let known = self.header.task.as_ref()?;
        if known == task {
            return Some(self);
        }
        let mut config = self.config().clone();
        match (known, task) {
            (TaskSpec::Maze { .. }, TaskSpec::Maze { .. }) => {}
            _ if config.mixer == Mixer::Constraints => {
                config.groups = groups_of(Some(task)).ok()?;
                config.vocab_size = task.sizes().ok()?.1;
            }
            _ => return None,
        }
        (config.seq_len, _) = task.sizes().ok()?;
        if let Positions::Grid { cols } = &mut config.positions {
            *cols = task.cols();
        }
        config.validate().ok()?;
        if TrmWeights::shapes(&config) != TrmWeights::shapes(self.config()) {
            return None;
        }
        self.header.architecture = config;
        self.header.task = Some(task.clone());
        self.header.thinking = None;
        Some(self)
    }
}
