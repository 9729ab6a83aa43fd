//! Trajectories of thinking, as many as memory is meant for.

use crate::exit;
use crate::known::Known;
use recurra::solver::Solver;
use recurra::thinking::Trajectories;

/// The most readings (a step of a puzzle, 16 bytes) that are kept.
pub(crate) const MOST_READINGS: usize = 1 << 22;

/// Records puzzles while there is room; says so once where some are left out.
pub(crate) struct Recorder {
    pub(crate) trajectories: Trajectories,
    most: usize,
    left_out: bool,
}

impl Recorder {
    /// For trajectories of so many steps; at most [`MOST_READINGS`].
    pub(crate) fn new(max_steps: usize) -> Self {
        Recorder {
            trajectories: Trajectories::new(max_steps),
            most: MOST_READINGS / max_steps,
            left_out: false,
        }
    }

    /// How many more puzzles there is room for.
    pub(crate) fn room(&self) -> usize {
        self.most - self.trajectories.len()
    }

    /// Thinks about puzzles without stopping; those for which there is no room are left out.
    pub(crate) fn add(
        &mut self,
        solver: &Solver,
        known: &[Known],
        done: &(dyn Fn() + Sync),
    ) -> anyhow::Result<()> {
        let fitting = &known[..known.len().min(self.room())];
        let puzzles: Vec<_> = fitting.iter().map(|k| k.pair.clone()).collect();
        let recorded = solver.record(&puzzles, self.trajectories.max_steps(), done)?;
        for readings in recorded {
            self.trajectories.push(&readings?);
        }
        if fitting.len() < known.len() && !self.left_out {
            self.left_out = true;
            let (count, steps) = (self.trajectories.len(), self.trajectories.max_steps());
            exit::note(&format!(
                "note: {steps} steps of the first {count} puzzles are recorded; there is no room for more"
            ));
        }
        Ok(())
    }

    /// Whether some were left out.
    pub(crate) fn left_out(&self) -> bool {
        self.left_out
    }
}
