//! The same weights for grids of another size.

use super::file::groups_of;
use super::{TrmConfig, TrmModel, TrmWeights};
use crate::network::config::{Mixer, Positions};
use crate::tasks::TaskSpec;

impl TrmConfig {
    /// The architecture of a model of the task `known` for another task, if no weight depends on what differs: mazes of other
    /// rows and columns, where the mixer is a convolution; any task that declares groups, where it is messages over them.
    pub fn for_task(&self, known: &TaskSpec, task: &TaskSpec) -> Option<TrmConfig> {
        let mut config = self.clone();
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
        (TrmWeights::shapes(&config) == TrmWeights::shapes(self)).then_some(config)
    }
}

impl TrmModel {
    /// The same weights for another task of the kind ([`TrmConfig::for_task`]). Stop rules calibrated for the one size are left out.
    pub fn for_task(mut self, task: &TaskSpec) -> Option<TrmModel> {
        let known = self.header.task.as_ref()?;
        if known == task {
            return Some(self);
        }
        self.header.architecture = self.config().for_task(known, task)?;
        self.header.task = Some(task.clone());
        self.header.thinking = None;
        Some(self)
    }
}
