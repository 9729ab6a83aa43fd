//! A question that its asker thinks about, step by step.

use super::attempts::Attempts;
use super::events::Event;
use super::pool::Pool;
use super::question::{Posed, Question};
use super::{Answer, SolveOptions};
use crate::engine::TrmEngine;
use crate::error::{Error, Result};
use std::sync::Arc;

/// A question under way, for who has something else to do between two steps, such as a browser's worker with its messages:
/// nothing is thought but in [`Thinking::step`], on the thread that calls it. Dropped, it gives the question up.
///
/// It neither looks answers up in a cache nor keeps them.
///
/// ```
/// # fn main() -> recurra::Result<()> {
/// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/sudoku4.safetensors");
/// let solver = recurra::Solver::open(path)?;
/// let mut thinking = solver.think("1.....3..2.....4", &solver.options())?;
/// let answer = loop {
///     if let Some(answer) = thinking.step(None)? {
///         break answer;
///     }
/// };
/// assert_eq!(answer.text, "1342243142133124");
/// # Ok(())
/// # }
/// ```
pub struct Thinking {
    pool: Arc<Pool>,
    /// Lent by the pool, or made for this question where the pool's is lent.
    engine: Option<TrmEngine>,
    posed: Posed,
    options: SolveOptions,
    attempts: Attempts,
    over: bool,
    candidates: Vec<f32>,
}

impl std::fmt::Debug for Thinking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Thinking")
            .field("posed", &self.posed)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl Thinking {
    pub(super) fn new(pool: Arc<Pool>, question: Question, options: &SolveOptions) -> Result<Self> {
        let desk = &pool.desk;
        let posed = question.read(&*desk.task)?;
        desk.check(&posed.tokens)?;
        desk.check_options(options)?;
        let attempts = Attempts::new(desk, &posed.tokens, options)?;
        let engine = pool.lend().unwrap_or_else(|| desk.engine(pool.threads));
        Ok(Thinking {
            engine: Some(engine),
            posed,
            options: options.clone(),
            attempts,
            over: false,
            candidates: Vec::new(),
            pool,
        })
    }

    /// One improvement step of one attempt. Shows its events to `watch`; gives the answer where this was the last step.
    ///
    /// # Errors
    /// [`Error::Cancelled`] where the options' token says so. After an answer there are no more steps: [`Error::Cancelled`].
    pub fn step(&mut self, mut watch: Option<&mut dyn FnMut(Event)>) -> Result<Option<Answer>> {
        let (attempts, Some(engine)) = (&mut self.attempts, &mut self.engine) else {
            return Err(Error::Cancelled);
        };
        if self.over || self.options.cancel.is_cancelled() {
            return Err(Error::Cancelled);
        }
        let desk = &self.pool.desk;
        let Some(found) = attempts.step(engine, desk, &mut watch)? else {
            return Ok(None);
        };
        self.over = true;
        Ok(Some(found.to(&self.posed, &*desk.task)))
    }

    /// After a step: the probability of every token at every place, `[seq_len, vocab_size]`, in the question's own form.
    pub fn candidates(&mut self) -> &[f32] {
        if let Some(engine) = &self.engine {
            self.attempts.candidates(engine, &mut self.candidates);
        }
        &self.candidates
    }
}

impl Drop for Thinking {
    fn drop(&mut self) {
        if let Some(engine) = self.engine.take() {
            self.pool.give_back(engine);
        }
    }
}
