//! The front desk: takes a question of the model's task, lets the engine think, checks the answer against the
//! task's own rules, and starts again from another side where they do not hold.

mod record;

use crate::engine::{PackedModel, Surroundings, TrmEngine};
use crate::error::{Error, Result};
use crate::kernels::Isa;
use crate::model::TrmModel;
use crate::tasks::TaskSpec;
use crate::tasks::sudoku::{Grid, Outcome, Sudoku, Symmetry, rules, solver, split};
use crate::thinking::{Calibration, EarlyStopOptimizer, Progress, StopReason, StopRules};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use web_time::Instant;

/// How to think about a question.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SolveOptions {
    /// When to stop one attempt; its time is for all attempts together, of which there is at least one.
    pub stop: StopRules,
    /// How often to start again, each time on another symmetric form of the question, while the task's rules
    /// do not hold.
    pub restarts: usize,
    /// Seed of the symmetries.
    pub seed: u64,
}

/// Where an answer comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The model thought about this question.
    Model,
}

/// An answer and how it was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The answer; blank cells where the model gave no digit.
    pub grid: Grid,
    /// Whether the task's own rules hold, for the whole answer and the question's givens. For a puzzle with one
    /// solution that is proof. `None`: the task has no rule check.
    pub verified: Option<bool>,
    /// Improvement steps done, over all attempts.
    pub steps: usize,
    /// Attempts after the first.
    pub restarts: usize,
    /// Why the last attempt stopped.
    pub stopped: StopReason,
    /// Halting logit at the end of the attempt that gave the answer.
    pub halt: f32,
    /// Seconds from taking up the question to this answer.
    pub seconds: f64,
    /// Where it comes from.
    pub source: Source,
}

/// What an observer of [`Solver::solve_watched`] sees after each improvement step.
#[derive(Debug, Clone, PartialEq)]
pub struct Glimpse {
    /// Which attempt, from 0.
    pub attempt: usize,
    /// Improvement steps done in this attempt.
    pub step: usize,
    /// The answer so far, in the question's own form.
    pub grid: Grid,
    /// Halting logit.
    pub halt: f32,
    /// Whether the task's rules hold.
    pub verified: Option<bool>,
}

/// Tried values after which the exact solver leaves a puzzle unproven; far above what any 9x9 puzzle needs.
const ADMISSION_BUDGET: u64 = 50_000;

/// Refuses a question that has no answer, or no single one.
///
/// A puzzle too large to decide quickly is admitted.
///
/// # Errors
/// [`Error::Question`].
pub fn admit(question: &Grid) -> Result<()> {
    let found = match solver::solve(question, Some(ADMISSION_BUDGET)) {
        Outcome::None => "none",
        Outcome::Many(..) => "more than one",
        Outcome::One(_) | Outcome::Unknown(_) => return Ok(()),
    };
    Err(Error::Question {
        what: "puzzle",
        expected: "exactly one solution".into(),
        found: found.into(),
    })
}

/// Answers questions with one model on some threads.
#[derive(Debug)]
pub struct Solver {
    sudoku: Sudoku,
    calibration: Option<Calibration>,
    /// Several threads on one question.
    alone: TrmEngine,
    /// One thread on each question.
    crew: Vec<TrmEngine>,
    threads: usize,
}

impl Solver {
    /// A solver of the model's task.
    ///
    /// # Errors
    /// [`Error::Config`] if the model's file names no task.
    pub fn new(model: &TrmModel, threads: usize) -> Result<Self> {
        let Some(TaskSpec::Sudoku { size }) = model.header.task else {
            return Err(Error::Config {
                field: "task",
                expected: "a task whose questions can be read".into(),
                found: "none".into(),
            });
        };
        let sudoku = Sudoku::new(size).ok_or(Error::Config {
            field: "task.size",
            expected: "4, 6, 9 or 16".into(),
            found: size.to_string(),
        })?;
        let packed = PackedModel::new(Isa::detect(), model.config(), &model.weights);
        Ok(Solver {
            sudoku,
            calibration: model.header.thinking.clone(),
            alone: TrmEngine::with_weights(Arc::new(packed), threads),
            crew: Vec::new(),
            threads: threads.max(1),
        })
    }

    /// The kind of puzzle it answers.
    pub fn sudoku(&self) -> Sudoku {
        self.sudoku
    }

    /// The model's default limit of improvement steps.
    pub fn default_steps(&self) -> usize {
        self.alone.config().halt_max_steps
    }

    /// The model's calibrated stop rules, if its file has any.
    pub fn calibration(&self) -> Option<&Calibration> {
        self.calibration.as_ref()
    }

    /// Answers one question with all threads.
    ///
    /// # Errors
    /// [`Error::Question`] if it is of another size than the model's.
    pub fn solve(&mut self, question: &Grid, options: &SolveOptions) -> Result<Answer> {
        self.solve_watched(question, options, &mut |_| {})
    }

    /// The same, with an observer that sees every step.
    ///
    /// # Errors
    /// As [`Solver::solve`].
    pub fn solve_watched(
        &mut self,
        question: &Grid,
        options: &SolveOptions,
        watch: &mut dyn FnMut(&Glimpse),
    ) -> Result<Answer> {
        attempt_all(&mut self.alone, self.sudoku, question, options, watch)
    }

    /// Answers many questions, each on one thread; the answers come in the questions' order, whatever the
    /// number of threads. `done` is called after each answer, from any thread.
    pub fn solve_many(
        &mut self,
        questions: &[Grid],
        options: &SolveOptions,
        done: &(dyn Fn() + Sync),
    ) -> Vec<Result<Answer>> {
        let sudoku = self.sudoku;
        self.share_out(questions.len(), &|engine, i| {
            let answer = attempt_all(engine, sudoku, &questions[i], options, &mut |_| {});
            done();
            answer
        })
    }

    /// Does `count` jobs, each on one thread; the results come in order.
    fn share_out<T: Send>(
        &mut self,
        count: usize,
        job: &(dyn Fn(&mut TrmEngine, usize) -> T + Sync),
    ) -> Vec<T> {
        while self.crew.len() < self.threads.min(count) {
            self.crew
                .push(TrmEngine::with_weights(self.alone.weights().clone(), 1));
        }
        // Each worker takes the next job when it is free: some think longer than others.
        let next = AtomicUsize::new(0);
        let work = |engine: &mut TrmEngine| {
            let mut results = Vec::new();
            loop {
                let i = next.fetch_add(1, Ordering::Relaxed);
                if i >= count {
                    return results;
                }
                results.push((i, job(engine, i)));
            }
        };
        #[cfg(feature = "threads")]
        let mut results: Vec<_> = {
            use rayon::prelude::*;
            self.crew.par_iter_mut().flat_map_iter(work).collect()
        };
        #[cfg(not(feature = "threads"))]
        let mut results: Vec<_> = self.crew.iter_mut().flat_map(work).collect();
        results.sort_by_key(|(i, _)| *i);
        results.into_iter().map(|(_, result)| result).collect()
    }
}

/// Refuses a question of another size than the model's.
fn fits(sudoku: Sudoku, question: &Grid) -> Result<()> {
    if question.sudoku() == sudoku {
        return Ok(());
    }
    Err(Error::Question {
        what: "puzzle",
        expected: format!("a {sudoku} grid, which the model was made for"),
        found: format!("a {} grid", question.sudoku()),
    })
}

/// Thinks about a question and, while it is not verified, about symmetric forms of it.
fn attempt_all(
    engine: &mut TrmEngine,
    sudoku: Sudoku,
    question: &Grid,
    options: &SolveOptions,
    watch: &mut dyn FnMut(&Glimpse),
) -> Result<Answer> {
    fits(sudoku, question)?;
    let started = Instant::now();
    let mut stop = EarlyStopOptimizer::new(options.stop);
    // The symmetries depend on the question and the seed alone, not on its place among others.
    let mut rng = ChaCha8Rng::seed_from_u64(options.seed ^ split::solution_class(question));
    let mut best: Option<Answer> = None;
    let mut steps = 0;
    for attempt in 0..=options.restarts {
        let symmetry = match attempt {
            0 => Symmetry::identity(sudoku),
            _ => Symmetry::random(sudoku, &mut rng),
        };
        let back = symmetry.inverse();
        let grid = |tokens: &[u16]| back.apply(&Grid::decode(sudoku, tokens));
        let check = |tokens: &[u16]| rules::verifies(question, &grid(tokens));
        let mut observe = |p: &Progress<'_>| {
            watch(&Glimpse {
                attempt,
                step: p.step,
                grid: grid(p.answer),
                halt: p.halt_logit,
                verified: p.verified,
            });
        };
        let tokens = symmetry.apply(question).encode();
        let surroundings = Surroundings {
            check: Some(&check),
            // Of all attempts together, so that each has what the others left.
            elapsed: Some(&|| started.elapsed()),
            watch: Some(&mut observe),
            watch_residual: false,
        };
        let result = engine.reason(&tokens, 0, &mut stop, surroundings)?;
        steps += result.steps;
        let verified = check(&result.answer);
        let better = best
            .as_ref()
            .is_none_or(|b| verified || result.halt_logit > b.halt);
        if better {
            best = Some(Answer {
                grid: grid(&result.answer),
                verified: Some(verified),
                steps,
                restarts: attempt,
                stopped: result.stopped,
                halt: result.halt_logit,
                seconds: 0.0,
                source: Source::Model,
            });
        }
        let best = best.as_mut().expect("the first attempt is the best so far");
        (best.steps, best.restarts, best.stopped) = (steps, attempt, result.stopped);
        best.seconds = started.elapsed().as_secs_f64();
        if verified || result.stopped == StopReason::Time {
            break;
        }
    }
    Ok(best.expect("there is at least one attempt"))
}

// The browser's clock needs what wasm-bindgen puts around a module, which tests there do without.
#[cfg(all(test, not(target_family = "wasm")))]
mod tests;
