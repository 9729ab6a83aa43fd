//! The same weights for grids of another size.

use super::{TrmModel, TrmWeights};
use crate::network::config::Positions;
use crate::tasks::TaskSpec;

impl TrmModel {
    /// The same weights for another task of the kind, if none of them depends on its size: mazes of other rows and columns, for
    /// a model whose mixer is a convolution. Stop rules calibrated for the one size are left out.
    pub fn for_task(mut self, task: &TaskSpec) -> Option<TrmModel> {
        let known = self.header.task.as_ref()?;
        if known == task {
            return Some(self);
        }
        let (TaskSpec::Maze { .. }, TaskSpec::Maze { .. }) = (known, task) else {
            return None;
        };
        let mut config = self.config().clone();
        (config.seq_len, _) = task.sizes().ok()?;
        if let Positions::Grid { cols } = &mut config.positions {
            *cols = task.cols();
        }
        if TrmWeights::shapes(&config) != TrmWeights::shapes(self.config()) {
            return None;
        }
        self.header.architecture = config;
        self.header.task = Some(task.clone());
        self.header.thinking = None;
        Some(self)
    }
}
