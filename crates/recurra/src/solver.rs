//! The front desk: takes a question of the model's task, lets the engine think, checks the answer against the
//! task's own rules, and starts again from another side where they do not hold.

mod arc;
mod attempts;
mod planner;
mod record;
mod remember;

use crate::cache::{CacheConfig, TrmCache};
use crate::engine::{PackedModel, TrmEngine};
use crate::error::{Error, Result};
use crate::executor::{
    self, Cancelled, ExecutorConfig, JobError, Order, ParallelTrmExecutor, Schedule,
};
use crate::kernels::Isa;
use crate::model::TrmModel;
use crate::tasks::Task;
use crate::tasks::task::Tokens;
use crate::thinking::{
    AdaptiveKSelector, Calibration, KPredictor, StopReason, StopRules, Variation,
};
pub use arc::{ArcOptions, ArcSolver, PuzzleRows};
use attempts::Desk;
use planner::Planner;
use serde::Serialize;
use std::sync::Arc;

/// How to think about a question.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SolveOptions {
    /// When to stop one attempt; its time is for all attempts together, of which there is at least one.
    pub stop: StopRules,
    /// How often to start again while the task's rules do not hold.
    pub restarts: usize,
    /// What is different about those attempts.
    pub variation: Variation,
    /// How many of them think side by side, a step each in turn; the first verified answer ends them all. At least one.
    pub side_by_side: usize,
    /// Seed of all that is random in them. With the question it decides them, whatever the number of threads.
    pub seed: u64,
}

impl SolveOptions {
    /// One attempt.
    pub fn new(stop: StopRules) -> Self {
        SolveOptions {
            stop,
            restarts: 0,
            variation: Variation::SYMMETRY,
            side_by_side: 1,
            seed: 0,
        }
    }
}

/// Where an answer comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The model thought about this question.
    Model,
    /// It was in memory: this question, or one that is the same but for a symmetry, was answered before.
    Exact,
    /// The same from disk.
    Stored,
    /// A near question was answered before.
    Similar,
}

/// An answer and how it was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The answer's tokens; blank ones where those that the model gave mean nothing.
    pub tokens: Tokens,
    /// Whether the task's own rules hold, for the whole answer and the question's givens. For a puzzle with one
    /// solution that is proof. `None`: the task has no rule check.
    pub verified: Option<bool>,
    /// Improvement steps done for it, over all attempts; none for what was known.
    pub steps: usize,
    /// Attempts that were begun after the first.
    pub restarts: usize,
    /// Why the attempt that gave it stopped, when it was thought.
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
    pub tokens: Tokens,
    /// Halting logit.
    pub halt: f32,
    /// Whether the task's rules hold.
    pub verified: Option<bool>,
}

/// Answers questions with one model on some threads.
#[derive(Debug)]
pub struct Solver {
    desk: Desk,
    calibration: Option<Calibration>,
    /// Several threads on one question.
    alone: TrmEngine,
    threads: usize,
}

impl Solver {
    /// A solver of the model's task.
    ///
    /// # Errors
    /// [`Error::Config`] if the model's file names no task.
    pub fn new(model: &TrmModel, threads: usize) -> Result<Self> {
        let Some(spec) = &model.header.task else {
            return Err(Error::Config {
                field: "task",
                expected: "a task whose questions can be read".into(),
                found: "none".into(),
            });
        };
        let task = spec.task()?;
        let packed = PackedModel::new(Isa::detect(), model.config(), &model.weights);
        Ok(Solver {
            desk: Desk {
                task,
                vocab_size: model.config().vocab_size,
                planner: None,
                cache: None,
            },
            calibration: model.header.thinking.clone(),
            alone: TrmEngine::with_weights(Arc::new(packed), threads),
            threads: threads.max(1),
        })
    }

    /// The task whose questions it answers.
    pub fn task(&self) -> &Arc<dyn Task> {
        &self.desk.task
    }

    /// The model's default limit of improvement steps.
    pub fn default_steps(&self) -> usize {
        self.alone.config().halt_max_steps
    }

    /// The model's calibrated stop rules, if its file has any.
    pub fn calibration(&self) -> Option<&Calibration> {
        self.calibration.as_ref()
    }

    /// From now on plans how many steps the first attempt at a question gets, and learns from each: what comes later
    /// needs fewer steps, and depends on what came before. It takes effect where [`StopRules::verified`] is asked.
    pub fn adapt(&mut self, selector: AdaptiveKSelector) {
        self.desk.planner = Some(Planner::new(selector));
    }

    /// What has been learnt since [`Solver::adapt`].
    pub fn predictor(&self) -> Option<KPredictor> {
        let planner = self.desk.planner.as_ref()?;
        Some(planner.selector().predictor().clone())
    }

    /// A cache of so many bytes that suits this solver's questions.
    pub fn cache_config(&self, max_bytes: u64) -> CacheConfig {
        CacheConfig {
            max_bytes,
            key_bytes: remember::key_bytes(&*self.desk.task),
            answer_bytes: remember::answer_bytes(&*self.desk.task),
        }
    }

    /// From now on looks questions up before it thinks about them, and keeps the answers. The cache must not have been
    /// used with another model. A question that is the same as an earlier one but for a symmetry of the task gets that
    /// one's proven answer; answers without proof are for the same question and the same options only, and are not kept
    /// where they depend on time or on what came before.
    pub fn remember(&mut self, cache: Arc<TrmCache>) {
        self.desk.cache = Some(cache);
    }

    /// Answers one question with all threads.
    ///
    /// # Errors
    /// [`Error::Question`] if it has another length or other tokens than the model's.
    pub fn solve(&mut self, question: &[u16], options: &SolveOptions) -> Result<Answer> {
        self.solve_watched(question, options, &mut |_| {})
    }

    /// The same, with an observer that sees every step.
    ///
    /// # Errors
    /// As [`Solver::solve`].
    pub fn solve_watched(
        &mut self,
        question: &[u16],
        options: &SolveOptions,
        watch: &mut dyn FnMut(&Glimpse),
    ) -> Result<Answer> {
        remember::answer(&mut self.alone, &self.desk, question, options, watch)
    }

    /// Answers many questions, each on one thread; the answers come in the questions' order, whatever the
    /// number of threads. `done` is called after each answer, from any thread.
    pub fn solve_many(
        &mut self,
        questions: &[Tokens],
        options: &SolveOptions,
        done: &(dyn Fn() + Sync),
    ) -> Vec<Result<Answer>> {
        let desk = &self.desk;
        share_out(
            self.alone.weights(),
            self.threads,
            questions.len(),
            &|engine, i| {
                let question = &questions[i];
                let answer = remember::answer(engine, desk, question, options, &mut |_| {});
                done();
                answer
            },
        )
    }
}

/// Does `count` jobs on some threads, each on one; the results come in order.
fn share_out<T: Send>(
    weights: &Arc<PackedModel>,
    threads: usize,
    count: usize,
    job: &(dyn Fn(&mut TrmEngine, usize) -> T + Sync),
) -> Vec<T> {
    let threads = threads.min(count);
    let config = ExecutorConfig {
        // One does its work itself.
        workers: if threads > 1 { threads } else { 0 },
        bound: 32 * threads,
        schedule: Schedule::Fifo,
    };
    let shares = (0..count).map(|number| Share {
        weights,
        job,
        number,
    });
    let mut results: Vec<_> = ParallelTrmExecutor::scoped(config, |executor| {
        executor.stream(shares, Order::Completion).collect()
    });
    results.sort_by_key(|(i, _)| *i);
    // Nobody cancels, so what is missing has panicked.
    let given = |(_, result): (_, Result<T, JobError>)| result.unwrap_or_else(|e| panic!("{e}"));
    results.into_iter().map(given).collect()
}

/// One of many jobs that are done with an engine each.
struct Share<'a, T> {
    weights: &'a Arc<PackedModel>,
    job: &'a (dyn Fn(&mut TrmEngine, usize) -> T + Sync),
    number: usize,
}

impl<T: Send> executor::Job for Share<'_, T> {
    type Worker = TrmEngine;
    type Output = T;

    fn worker(&self) -> TrmEngine {
        TrmEngine::with_weights(self.weights.clone(), 1)
    }

    fn run(self, engine: &mut TrmEngine, _: &Cancelled) -> Option<T> {
        Some((self.job)(engine, self.number))
    }
}

// The browser's clock needs what wasm-bindgen puts around a module, which tests there do without.
#[cfg(all(test, not(target_family = "wasm")))]
mod tests;
