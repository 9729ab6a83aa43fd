//! The threads that think about a solver's questions.

use super::answer::Answer;
use super::attempts::Audience;
use super::desk::Desk;
use super::events::Event;
use super::question::{Posed, Question};
use super::{SolveOptions, remember};
use crate::engine::{PackedModel, TrmEngine};
use crate::error::{Error, Result};
use crate::executor::{
    self, Batch, Cancelled, ExecutorConfig, JobError, Order, Outcome, ParallelTrmExecutor,
    Schedule, Ticket,
};
use crate::tasks::task::Tokens;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, TryLockError};

/// Questions that wait, for each thread, before who asks must wait too.
const QUEUED: usize = 32;

/// The threads that think about a solver's questions; started with the first that needs them.
pub(super) struct Pool {
    pub(super) desk: Arc<Desk>,
    pub(super) threads: usize,
    /// Several threads on one question, on the thread of who asks.
    alone: Mutex<Option<TrmEngine>>,
    executor: OnceLock<ParallelTrmExecutor<Job>>,
    /// Jobs of the executor that have not ended.
    under_way: Arc<AtomicUsize>,
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool")
            .field("task", &self.desk.task)
            .field("threads", &self.threads)
            .finish_non_exhaustive()
    }
}

impl Pool {
    pub(super) fn new(desk: Arc<Desk>, threads: usize) -> Self {
        Pool {
            desk,
            threads,
            alone: Mutex::default(),
            executor: OnceLock::new(),
            under_way: Arc::default(),
        }
    }

    fn executor(&self) -> &ParallelTrmExecutor<Job> {
        self.executor.get_or_init(|| {
            ParallelTrmExecutor::new(ExecutorConfig {
                workers: self.threads,
                bound: QUEUED * self.threads,
                schedule: Schedule::Fifo,
            })
        })
    }

    /// Answers a question with all threads if nobody else is asking, otherwise in its turn.
    pub(super) fn answer(&self, question: Question, options: &SolveOptions) -> Result<Answer> {
        if self.under_way.load(Ordering::Relaxed) == 0
            && let Some(mut engine) = self.try_alone()
        {
            let posed = question.read(&*self.desk.task)?;
            return self.think_here(&mut engine, &posed, options, None);
        }
        let job = self.job(question, options, None);
        answered(self.executor().submit(job).wait())
    }

    /// Answers a question on this thread, before the eyes of `watch`.
    pub(super) fn watch(
        &self,
        question: Question,
        options: &SolveOptions,
        watch: &mut dyn FnMut(Event),
    ) -> Result<Answer> {
        let posed = question.read(&*self.desk.task)?;
        let answer = match self.try_alone() {
            Some(mut engine) => self.think_here(&mut engine, &posed, options, Some(watch))?,
            // Who has the engine of all threads may keep it for long; it may be this thread, further up.
            None => {
                let mut own = Some(self.desk.engine(1));
                self.think_here(&mut own, &posed, options, Some(watch))?
            }
        };
        watch(Event::Answer(answer.clone()));
        Ok(answer)
    }

    fn think_here(
        &self,
        engine: &mut Option<TrmEngine>,
        posed: &Posed,
        options: &SolveOptions,
        watch: Option<&mut dyn FnMut(Event)>,
    ) -> Result<Answer> {
        let engine = engine.get_or_insert_with(|| self.desk.engine(self.threads));
        let gone = || options.cancel.is_cancelled();
        let mut audience = Audience {
            watch: watch.map(|watch| watch as &mut dyn FnMut(Event)),
            gone: &gone,
        };
        think(engine, &self.desk, posed, options, &mut audience)
    }

    /// The engine of all threads, if nobody has it.
    fn try_alone(&self) -> Option<MutexGuard<'_, Option<TrmEngine>>> {
        match self.alone.try_lock() {
            Ok(engine) => Some(engine),
            // Each question begins anew, whatever a panic has left.
            Err(TryLockError::Poisoned(engine)) => Some(engine.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// The engine of all threads, for a while, if it is there.
    pub(super) fn lend(&self) -> Option<TrmEngine> {
        self.try_alone()?.take()
    }

    /// Takes an engine back.
    pub(super) fn give_back(&self, engine: TrmEngine) {
        if let Some(mut place) = self.try_alone() {
            *place = Some(engine);
        }
    }

    /// Queues a question; waits while the queue is full.
    pub(super) fn submit(self: &Arc<Self>, question: Question, options: &SolveOptions) -> Pending {
        let job = self.job(question, options, None);
        Pending {
            ticket: self.executor().submit(job),
            _pool: self.clone(),
        }
    }

    /// Queues a question if there is room.
    pub(super) fn try_submit(
        self: &Arc<Self>,
        question: Question,
        options: &SolveOptions,
    ) -> Result<Pending> {
        let job = self.job(question, options, None);
        let ticket = self.executor().try_submit(job).map_err(|_| Error::Busy)?;
        Ok(Pending {
            ticket,
            _pool: self.clone(),
        })
    }

    /// Queues a question whose events are told; waits while the queue is full.
    pub(super) fn stream(self: &Arc<Self>, question: Question, options: &SolveOptions) -> Events {
        let (sender, receiver) = channel();
        let behind = Arc::default();
        let feed = Feed {
            sender,
            behind: Arc::clone(&behind),
        };
        let job = self.job(question, options, Some(feed));
        Events {
            ticket: Some(self.executor().submit(job)),
            outcome: None,
            receiver,
            behind,
            threads: self.executor().workers() > 0,
            _pool: self.clone(),
        }
    }

    /// Answers to many questions, in order.
    pub(super) fn answers<I>(self: &Arc<Self>, questions: I, options: &SolveOptions) -> Answers<I> {
        Answers {
            questions: Some(questions),
            options: options.clone(),
            batch: self.executor().batch(Order::Input),
            pool: self.clone(),
        }
    }

    /// Answers many questions, each on one thread, in order; calls `done` after each.
    pub(super) fn solve_many(
        &self,
        questions: &[Tokens],
        options: &SolveOptions,
        done: &dyn Fn(),
    ) -> Vec<Result<Answer>> {
        let jobs = questions.iter();
        let jobs = jobs.map(|tokens| self.job(tokens[..].into(), options, None));
        let mut answers = Vec::with_capacity(questions.len());
        for (number, outcome) in self.executor().stream(jobs, Order::Completion) {
            answers.push((number, answered(outcome)));
            done();
        }
        answers.sort_by_key(|(number, _)| *number);
        answers.into_iter().map(|(_, answer)| answer).collect()
    }

    fn job(&self, question: Question, options: &SolveOptions, feed: Option<Feed>) -> Job {
        self.under_way.fetch_add(1, Ordering::Relaxed);
        Job {
            desk: self.desk.clone(),
            question,
            options: options.clone(),
            feed,
            _under_way: UnderWay(self.under_way.clone()),
        }
    }
}

/// Counts a job until it is dropped.
struct UnderWay(Arc<AtomicUsize>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A question on its way. It knows the desk but not the pool, whose end waits for all jobs.
struct Job {
    desk: Arc<Desk>,
    question: Question,
    options: SolveOptions,
    feed: Option<Feed>,
    _under_way: UnderWay,
}

impl executor::Job for Job {
    type Worker = TrmEngine;
    type Output = Result<Answer>;

    fn worker(&self) -> TrmEngine {
        self.desk.engine(1)
    }

    fn run(self, engine: &mut TrmEngine, cancelled: &Cancelled) -> Option<Result<Answer>> {
        let Job {
            desk,
            question,
            options,
            mut feed,
            _under_way,
        } = self;
        let gone = || cancelled.is_cancelled() || options.cancel.is_cancelled();
        if gone() {
            return None;
        }
        let posed = match question.read(&*desk.task) {
            Ok(posed) => posed,
            Err(error) => return Some(Err(error)),
        };
        let mut tell = feed.as_mut().map(|feed| |event| feed.tell(event));
        let mut audience = Audience {
            watch: tell.as_mut().map(|tell| tell as &mut dyn FnMut(Event)),
            gone: &gone,
        };
        match think(engine, &desk, &posed, &options, &mut audience) {
            Err(Error::Cancelled) => None,
            result => Some(result),
        }
    }
}

fn think(
    engine: &mut TrmEngine,
    desk: &Desk,
    posed: &Posed,
    options: &SolveOptions,
    audience: &mut Audience<'_>,
) -> Result<Answer> {
    let found = remember::answer(engine, desk, &posed.tokens, options, audience)?;
    Ok(found.to(posed, &*desk.task))
}

fn answered(outcome: Result<Result<Answer>, JobError>) -> Result<Answer> {
    match outcome {
        Ok(result) => result,
        Err(JobError::Cancelled) => Err(Error::Cancelled),
        Err(JobError::Panicked(message)) => Err(Error::Panicked(message)),
    }
}

/// A question that was asked and not answered yet. Dropped, it lets the question be answered and the answer go.
#[derive(Debug)]
pub struct Pending {
    ticket: Ticket<Job>,
    _pool: Arc<Pool>,
}

impl Pending {
    /// Waits for the answer.
    ///
    /// # Errors
    /// As [`Solver::ask_with`](super::Solver::ask_with).
    pub fn wait(self) -> Result<Answer> {
        answered(self.ticket.wait())
    }

    /// Gives the question up.
    pub fn cancel(&self) {
        self.ticket.cancel();
    }
}

/// Where the events of a question go.
struct Feed {
    sender: Sender<Event>,
    /// Events that were sent and not taken.
    behind: Arc<AtomicUsize>,
}

impl Feed {
    /// Steps that are kept for who does not take them.
    const MOST: usize = 1024;

    fn tell(&mut self, event: Event) {
        let behind = self.behind.load(Ordering::Relaxed);
        if behind >= Self::MOST && matches!(event, Event::Step(_)) {
            return;
        }
        self.behind.fetch_add(1, Ordering::Relaxed);
        // Nobody may be listening any more.
        self.sender.send(event).ok();
    }
}

/// What happens while a question is thought about, as it happens; the answer, or why there is none, comes last. Who falls
/// behind by more than a thousand steps misses some. Dropped, it cancels the question.
#[derive(Debug)]
pub struct Events {
    ticket: Option<Ticket<Job>>,
    /// How it ended, where that is known before all events were taken.
    outcome: Option<Outcome<Job>>,
    receiver: Receiver<Event>,
    behind: Arc<AtomicUsize>,
    threads: bool,
    _pool: Arc<Pool>,
}

impl Events {
    /// Gives the question up: what comes next is the end.
    pub fn cancel(&self) {
        if let Some(ticket) = &self.ticket {
            ticket.cancel();
        }
    }
}

impl Iterator for Events {
    type Item = Result<Event>;

    fn next(&mut self) -> Option<Result<Event>> {
        if !self.threads
            && let Some(ticket) = self.ticket.take()
        {
            // Nobody thinks but who waits.
            self.outcome = Some(ticket.wait());
        }
        if let Ok(event) = self.receiver.recv() {
            self.behind.fetch_sub(1, Ordering::Relaxed);
            return Some(Ok(event));
        }
        let outcome = self.outcome.take();
        let outcome = outcome.or_else(|| self.ticket.take().map(Ticket::wait))?;
        Some(answered(outcome).map(Event::Answer))
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.cancel();
    }
}

/// Answers to many questions, in the questions' order. Dropped, it cancels those under way.
#[derive(Debug)]
pub struct Answers<I> {
    questions: Option<I>,
    options: SolveOptions,
    batch: Batch<Job>,
    pool: Arc<Pool>,
}

impl<I: Iterator<Item: Into<Question>>> Iterator for Answers<I> {
    type Item = Result<Answer>;

    fn next(&mut self) -> Option<Result<Answer>> {
        while !self.batch.is_full()
            && let Some(questions) = &mut self.questions
        {
            match questions.next() {
                Some(question) => {
                    let job = self.pool.job(question.into(), &self.options, None);
                    self.batch.submit(job).ok();
                }
                None => self.questions = None,
            }
        }
        self.batch.next().map(|(_, outcome)| answered(outcome))
    }
}

/// Does `count` jobs on some threads, each on one; the results come in order.
pub(super) fn share_out<T: Send>(
    weights: &Arc<PackedModel>,
    threads: usize,
    count: usize,
    job: &(dyn Fn(&mut TrmEngine, usize) -> T + Sync),
) -> Vec<T> {
    let threads = threads.min(count);
    let config = ExecutorConfig {
        // One does its work itself.
        workers: if threads > 1 { threads } else { 0 },
        bound: QUEUED * threads,
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
