//! Thinking on without stopping, to learn when one might have stopped.

use super::{Solver, pool::share_out};
use crate::engine::Surroundings;
use crate::error::Result;
use crate::tasks::task::Pair;
use crate::thinking::{Progress, Reading, StopRules};

impl Solver {
    /// Thinks `max_steps` steps about each puzzle, whose answer is known, and notes what was seen after each of them.
    /// The results come in the puzzles' order; `done` is called after each, from any thread.
    ///
    /// # Errors
    /// As [`Solver::task`]; for a puzzle as in [`Solver::solve`].
    pub fn record(
        &self,
        puzzles: &[Pair],
        max_steps: usize,
        done: &(dyn Fn() + Sync),
    ) -> Result<Vec<Result<Vec<Reading>>>> {
        let pool = self.puzzles()?;
        let desk = &*pool.desk;
        let recorded = share_out(&desk.weights, pool.threads, puzzles.len(), &|engine, i| {
            let Pair { question, answer } = &puzzles[i];
            desk.check(question)?;
            desk.check(answer)?;
            let tidy = |tokens: &[u16]| {
                let mut tokens = tokens.to_vec();
                desk.task.tidy(&mut tokens);
                tokens
            };
            let mut readings: Vec<Reading> = Vec::new();
            let mut last = Vec::new();
            let mut watch = |p: &Progress<'_>| {
                readings.push(Reading {
                    halt_logit: p.halt_logit,
                    confidence: p.confidence,
                    residual: p.residual,
                    changed: last != p.answer,
                    verified: p.verified,
                    right: p.verified == Some(true) || tidy(p.answer) == *answer,
                });
                last.clear();
                last.extend_from_slice(p.answer);
            };
            let verify = |tokens: &[u16]| desk.task.verify(question, tokens);
            let check = |tokens: &[u16]| verify(&tidy(tokens)) == Some(true);
            let has_rules = verify(question).is_some();
            let surroundings = Surroundings {
                check: has_rules.then_some(&check),
                watch: Some(&mut watch),
                watch_residual: true,
                ..Surroundings::default()
            };
            engine.reason(question, 0, StopRules::none(max_steps), surroundings)?;
            done();
            Ok(readings)
        });
        Ok(recorded)
    }
}
