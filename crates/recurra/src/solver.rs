//! The front desk: takes a question, lets the engine think, checks the answer against the task's own rules, and starts
//! again from another side where they do not hold.

mod answer;
mod arc;
mod attempts;
mod cancel;
mod desk;
mod events;
mod guess;
mod options;
mod planner;
mod pool;
mod question;
mod record;
mod remember;
mod stepwise;
mod wishes;

pub use crate::error::Refusal;
pub use answer::{Answer, Source};
pub use arc::{ArcAnswers, ArcOptions, ArcSolver, PuzzleRows};
pub use cancel::CancelToken;
pub use events::{Event, Step};
pub use options::SolveOptions;
pub use pool::{Answers, Events, Pending};
pub use question::Question;
pub use stepwise::Thinking;
pub use wishes::Wishes;

use crate::cache::{CacheConfig, TrmCache};
use crate::engine::PackedModel;
use crate::error::{Error, Result};
use crate::model::TrmModel;
use crate::tasks::task::Tokens;
use crate::tasks::{Task, TaskSpec};
use crate::thinking::{AdaptiveKSelector, Calibration, KPredictor, Variation};
use arc::Votes;
use desk::Desk;
use planner::Planner;
use pool::Pool;
use recurra_kernels::Isa;
use std::sync::Arc;

/// Answers questions with one model.
///
/// A solver owns what it needs and is cheap to clone: clones share weights, threads, cache and queue, so that the questions
/// of many callers meet. Questions may be asked from any thread.
///
/// ```
/// # fn main() -> recurra::Result<()> {
/// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/sudoku4.safetensors");
/// let solver = recurra::Solver::open(path)?;
/// let answer = solver.ask("1.....3..2.....4")?;
/// assert_eq!(answer.text, "1342243142133124");
/// assert_eq!(answer.verified, Some(true));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Solver {
    inner: Inner,
}

#[derive(Debug, Clone)]
enum Inner {
    Puzzles(Arc<Pool>),
    // Behind a trait, so that a program that opens no such model holds nothing of it.
    Arc(Arc<dyn Votes>),
}

impl Solver {
    /// A solver of the model in a file, with a thread for each core. A model for ARC-AGI has its identifiers
    /// [beside it](crate::tasks::arc::Identifiers::beside).
    ///
    /// # Errors
    /// Where the file cannot be read, is no model, or names no task.
    #[cfg(feature = "files")]
    pub fn open(path: impl AsRef<std::path::Path>) -> Result<Self> {
        let path = path.as_ref();
        #[cfg(feature = "import")]
        if crate::model::file::Header::open(path).is_ok_and(|h| h.task == Some(TaskSpec::Arc)) {
            return Ok(ArcSolver::open(path, None, cores())?.into());
        }
        Self::new(&TrmModel::open(path)?, cores()).map_err(|e| e.in_file(path))
    }

    /// A solver of a model with so many threads, at least one.
    ///
    /// # Errors
    /// [`Error::Config`] if the model's file names no task, or one whose questions are not asked one by one.
    pub fn new(model: &TrmModel, threads: usize) -> Result<Self> {
        let Some(spec) = &model.header.task else {
            return Err(Error::Config {
                field: "task",
                expected: "a task whose questions can be read".into(),
                found: "none".into(),
            });
        };
        let weights = PackedModel::new(Isa::detect(), model.config(), &model.weights);
        let desk = Desk::new(spec.task()?, weights, model.header.thinking.clone());
        Ok(Self::of(desk, threads.max(1)))
    }

    fn of(desk: Desk, threads: usize) -> Self {
        Solver {
            inner: Inner::Puzzles(Arc::new(Pool::new(Arc::new(desk), threads))),
        }
    }

    /// A solver of puzzles like this one, with a changed desk: it shares nothing but weights with others.
    fn changed(self, change: impl FnOnce(&mut Desk)) -> Result<Self> {
        let pool = self.puzzles()?;
        let mut desk = (*pool.desk).clone();
        change(&mut desk);
        Ok(Self::of(desk, pool.threads))
    }

    /// The same solver, which plans how many steps the first attempt at a question gets, and learns from each: what comes
    /// later needs fewer steps, and depends on what came before. It takes effect where
    /// [`StopRules::verified`](crate::thinking::StopRules::verified) is asked.
    ///
    /// # Errors
    /// As [`Solver::task`].
    pub fn adapting(self, selector: AdaptiveKSelector) -> Result<Self> {
        self.changed(|desk| desk.planner = Some(Arc::new(Planner::new(selector))))
    }

    /// The same solver, which looks questions up before it thinks about them, and keeps the answers. The cache must not
    /// have been used with another model. A question that is the same as an earlier one but for a symmetry of the task gets
    /// that one's proven answer; answers without proof are for the same question and the same options only, and are not
    /// kept where they depend on time or on what came before.
    ///
    /// # Errors
    /// As [`Solver::task`].
    pub fn remembering(self, cache: Arc<TrmCache>) -> Result<Self> {
        self.changed(|desk| desk.cache = Some(cache))
    }

    fn puzzles(&self) -> Result<&Arc<Pool>> {
        match &self.inner {
            Inner::Puzzles(pool) => Ok(pool),
            // The message of who asks for its task.
            Inner::Arc(_) => Err(TaskSpec::Arc.task().expect_err("it is no such task")),
        }
    }

    /// The task whose questions it answers.
    ///
    /// # Errors
    /// [`Error::Config`] for ARC-AGI, whose answers are voted over.
    pub fn task(&self) -> Result<&Arc<dyn Task>> {
        Ok(&self.puzzles()?.desk.task)
    }

    /// The model's calibrated stop rules, if its file has any.
    pub fn calibration(&self) -> Option<&Calibration> {
        self.puzzles().ok()?.desk.calibration.as_ref()
    }

    /// What has been learnt since [`Solver::adapting`].
    pub fn predictor(&self) -> Option<KPredictor> {
        let planner = self.puzzles().ok()?.desk.planner.as_ref()?;
        Some(planner.predictor())
    }

    /// A cache of so many bytes that suits this solver's questions.
    ///
    /// # Errors
    /// As [`Solver::task`].
    pub fn cache_config(&self, max_bytes: u64) -> Result<CacheConfig> {
        let task = &**self.task()?;
        Ok(CacheConfig {
            max_bytes,
            key_bytes: remember::key_bytes(task),
            answer_bytes: remember::answer_bytes(task),
        })
    }

    /// The options of [`Solver::ask`]: the model's own limit of steps, and the rules `verified` and `halt` as they were
    /// calibrated for it.
    pub fn options(&self) -> SolveOptions {
        match &self.inner {
            Inner::Puzzles(pool) => pool.desk.options(),
            Inner::Arc(arc) => arc.solve_options(),
        }
    }

    /// The same with restarts, which differ in the model's own way or `by` another. Attempts that guess are short: more of
    /// them find more than longer ones do at equal work (`docs/constraints.md`).
    pub fn options_with_restarts(&self, restarts: usize, by: Option<Variation>) -> SolveOptions {
        let mut options = self.options();
        options.restarts = restarts;
        options.variation = by.unwrap_or(options.variation);
        if restarts > 0 && options.variation.guess {
            options.stop.max_steps = options.stop.max_steps.min(guess::ENOUGH_STEPS);
        }
        options
    }

    /// Answers a question, in the form in which its task is written. A model for ARC-AGI is asked a file of challenges, and
    /// answers two attempts at each test input in the competition's form.
    ///
    /// # Errors
    /// [`Error::Refused`] for what is no question, or has no answer or several where a proof rests on there being one.
    pub fn ask(&self, question: impl Into<Question>) -> Result<Answer> {
        self.ask_with(question, &self.options())
    }

    /// The same with options.
    ///
    /// # Errors
    /// As [`Solver::ask`]; [`Error::Cancelled`] and [`Error::Deadline`] where the options ask for them, and
    /// [`Error::Config`] for guesses where the symbols of answers cannot be givens.
    pub fn ask_with(
        &self,
        question: impl Into<Question>,
        options: &SolveOptions,
    ) -> Result<Answer> {
        match &self.inner {
            Inner::Arc(arc) => arc.ask(&question.into(), options),
            Inner::Puzzles(pool) => pool.answer(question.into(), options),
        }
    }

    /// Answers many questions side by side. The answers come in the questions' order, as soon as they are there; questions
    /// are taken as there is room, so that an endless iterator costs bounded memory.
    ///
    /// # Errors
    /// As [`Solver::task`]; each answer as in [`Solver::ask_with`].
    pub fn ask_many<I>(&self, questions: I, options: &SolveOptions) -> Result<Answers<I::IntoIter>>
    where
        I: IntoIterator<Item: Into<Question>>,
    {
        Ok(self.puzzles()?.answers(questions.into_iter(), options))
    }

    /// Asks a question, to be answered while the caller goes on. Waits while the queue is full.
    ///
    /// # Errors
    /// As [`Solver::task`].
    pub fn submit(&self, question: impl Into<Question>, options: &SolveOptions) -> Result<Pending> {
        Ok(self.puzzles()?.submit(question.into(), options))
    }

    /// The same where the queue is not full.
    ///
    /// # Errors
    /// As [`Solver::task`]; [`Error::Busy`] where it is full.
    pub fn try_submit(
        &self,
        question: impl Into<Question>,
        options: &SolveOptions,
    ) -> Result<Pending> {
        self.puzzles()?.try_submit(question.into(), options)
    }

    /// Asks a question and gives what happens, event by event, as it happens: the last is the answer. Dropped before, it
    /// cancels the question.
    ///
    /// # Errors
    /// As [`Solver::task`].
    pub fn stream(&self, question: impl Into<Question>, options: &SolveOptions) -> Result<Events> {
        Ok(self.puzzles()?.stream(question.into(), options))
    }

    /// Answers a question on this thread and shows every event to `watch`.
    ///
    /// # Errors
    /// As [`Solver::ask_with`].
    pub fn watch(
        &self,
        question: impl Into<Question>,
        options: &SolveOptions,
        watch: &mut dyn FnMut(Event),
    ) -> Result<Answer> {
        self.puzzles()?.watch(question.into(), options, watch)
    }

    /// Begins a question that the caller thinks about, step by step, where no thread of its own can.
    ///
    /// # Errors
    /// As [`Solver::ask_with`].
    pub fn think(&self, question: impl Into<Question>, options: &SolveOptions) -> Result<Thinking> {
        Thinking::new(self.puzzles()?.clone(), question.into(), options)
    }

    /// Answers one question in tokens.
    ///
    /// # Errors
    /// [`Error::Question`] if it has another length or other tokens than the model's; otherwise as [`Solver::ask_with`].
    pub fn solve(&self, question: &[u16], options: &SolveOptions) -> Result<Answer> {
        self.puzzles()?.answer(question.into(), options)
    }

    /// Answers many questions in tokens, each on one thread; the answers come in the questions' order, whatever the
    /// number of threads. `done` is called after each answer, from any thread.
    ///
    /// # Errors
    /// As [`Solver::task`]; each answer as in [`Solver::solve`].
    pub fn solve_many(
        &self,
        questions: &[Tokens],
        options: &SolveOptions,
        done: &(dyn Fn() + Sync),
    ) -> Result<Vec<Result<Answer>>> {
        Ok(self.puzzles()?.solve_many(questions, options, done))
    }
}

impl From<ArcSolver> for Solver {
    fn from(arc: ArcSolver) -> Self {
        Solver {
            inner: Inner::Arc(Arc::new(arc)),
        }
    }
}

/// Cores of this machine, as far as it tells.
#[cfg(feature = "files")]
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

// The browser's clock needs what wasm-bindgen puts around a module, which tests there do without.
#[cfg(all(test, not(target_family = "wasm")))]
mod tests;
