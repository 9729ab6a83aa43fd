//! Thinking on without stopping, to learn when one might have stopped.

use super::{Solver, fits};
use crate::engine::Surroundings;
use crate::error::Result;
use crate::tasks::sudoku::{Grid, rules};
use crate::thinking::{Progress, Reading, StopRules};

impl Solver {
    /// Thinks `max_steps` steps about each puzzle, whose answer is known, and notes what was seen after each of them.
    /// The results come in the puzzles' order; `done` is called after each, from any thread.
    ///
    /// # Errors
    /// For a puzzle as in [`Solver::solve`].
    pub fn record(
        &mut self,
        puzzles: &[(Grid, Grid)],
        max_steps: usize,
        done: &(dyn Fn() + Sync),
    ) -> Vec<Result<Vec<Reading>>> {
        let sudoku = self.desk.sudoku;
        self.share_out(puzzles.len(), &|engine, i| {
            let (question, known) = &puzzles[i];
            fits(sudoku, question)?;
            fits(sudoku, known)?;
            let known_tokens = known.encode();
            let mut readings: Vec<Reading> = Vec::new();
            let mut last = Vec::new();
            let mut watch = |p: &Progress<'_>| {
                readings.push(Reading {
                    halt_logit: p.halt_logit,
                    confidence: p.confidence,
                    residual: p.residual,
                    changed: last != p.answer,
                    verified: p.verified,
                    right: known_tokens == p.answer,
                });
                last.clear();
                last.extend_from_slice(p.answer);
            };
            let check = |tokens: &[u16]| rules::verifies(question, &Grid::decode(sudoku, tokens));
            let surroundings = Surroundings {
                check: Some(&check),
                watch: Some(&mut watch),
                watch_residual: true,
                ..Surroundings::default()
            };
            engine.reason(
                &question.encode(),
                0,
                StopRules::none(max_steps),
                surroundings,
            )?;
            done();
            Ok(readings)
        })
    }
}
