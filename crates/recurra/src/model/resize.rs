//! The same weights for grids of another size.

use super::config::Positions;
use super::{TrmModel, TrmWeights};
use crate::tasks::TaskSpec;

impl TrmModel {
    /// The same weights for another task of the kind, if none of them depends on its size: mazes of other rows and columns, for
    /// a model whose mixer is a convolution. Stop rules calibrated for the one size are left out.
    pub fn for_task(&self, task: &TaskSpec) -> Option<TrmModel> {
        let known = self.header.task.as_ref()?;
        if known == task {
            return Some(self.clone());
        }
        let (TaskSpec::Maze { .. }, TaskSpec::Maze { .. }) = (known, task) else {
            return None;
        };
        let mut config = self.config().clone();
        (config.seq_len, _) = task.sizes().ok()?;
        if let Positions::Grid { cols } = &mut config.positions {
            *cols = task.cols();
        }
        let same = TrmWeights::shapes(&config) == TrmWeights::shapes(self.config());
        same.then(|| {
            let mut model = self.clone();
            model.header.architecture = config;
            model.header.task = Some(task.clone());
            model.header.thinking = None;
            model
        })
    }
}
