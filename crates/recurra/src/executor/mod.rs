//! Many jobs on a few threads: the samples in flight are the batch. One that stops leaves at once and the next takes
//! its place, so no step is spent on a sample that is done.
//!
//! On a CPU one sample at a time is the fastest (its state and the weights stay in the core's cache), so a worker runs
//! one job from end to end. What takes part in a job's steps is its worker's alone; threads meet at one queue, once a
//! job.
//!
//! The room knows no task and no engine: a [`Job`] says what to do and what state a worker keeps for it.

mod batch;
mod queue;
#[cfg(test)]
mod tests;
mod ticket;
mod worker;

/// The locks of `queue`; `tests/loom` puts its own here.
mod sync {
    pub(super) use std::sync::{Condvar, Mutex, MutexGuard};
}

pub use batch::{Batch, Order, Stream};
pub use ticket::Ticket;
pub use worker::{Cancelled, JobError};

use queue::Refused;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use worker::Shared;

/// A piece of work that needs no other.
pub trait Job: Send {
    /// What a worker keeps from job to job: an engine with its own memory.
    type Worker: Send;
    /// What comes of it.
    type Output: Send;

    /// Makes that for a worker. Asked of the first job that the worker runs, on its thread, and again after a panic.
    fn worker(&self) -> Self::Worker;

    /// How many steps it will take, as far as can be told beforehand; only [`Schedule::ShortestFirst`] asks.
    fn predicted_steps(&self) -> f32 {
        1.0
    }

    /// Does the work. Looks at `cancelled` once a step, and gives up with `None` where it holds.
    ///
    /// It must not wait for another job of the same executor: all workers could be waiting.
    fn run(self, worker: &mut Self::Worker, cancelled: &Cancelled) -> Option<Self::Output>;
}

/// How a job ended: with its output, or without.
pub type Outcome<J> = Result<<J as Job>::Output, JobError>;

/// Which of the queued jobs is next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Schedule {
    /// The one that came first.
    Fifo,
    /// The one that is predicted to take the fewest steps, within limits: a job stands in line as if it had come
    /// `floor(patience * predicted_steps)` jobs later than it did. So it is overtaken by fewer jobs than that,
    /// however many come. Shortest first all but strictly for patience times a step well above the queue's length;
    /// first come, first served for 0.
    ShortestFirst {
        /// How many later jobs a job lets pass, for each step that it takes longer than they.
        patience: f32,
    },
}

impl Schedule {
    /// How many jobs later than it came a job stands in line: 0 where steps or patience are no positive number, and
    /// at most `u32::MAX`.
    pub fn lateness(self, predicted_steps: f32) -> u32 {
        match self {
            Schedule::Fifo => 0,
            Schedule::ShortestFirst { patience } => (patience * predicted_steps) as u32,
        }
    }
}

/// The size of an executor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExecutorConfig {
    /// Threads that work. Without any, and without the feature `threads`, jobs run on whichever thread waits for one.
    pub workers: usize,
    /// The most jobs that are queued, and the most that a [`Batch`] holds; at least one for each worker.
    pub bound: usize,
    /// Which of the queued jobs is next.
    pub schedule: Schedule,
}

/// Runs jobs on a fixed number of workers behind a bounded queue.
///
/// Dropped, it cancels what is queued, tells running jobs to stop, and waits for them.
pub struct ParallelTrmExecutor<J: Job> {
    shared: Arc<Shared<J>>,
    workers: usize,
    /// Those to wait for at the end; a scope waits for its own.
    threads: Vec<JoinHandle<()>>,
}

impl<J: Job> std::fmt::Debug for ParallelTrmExecutor<J> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ParallelTrmExecutor")
            .field("workers", &self.workers)
            .field("bound", &self.shared.queue.bound())
            .field("schedule", &self.shared.schedule)
            .finish()
    }
}

impl<J: Job> ParallelTrmExecutor<J> {
    /// Starts the workers; fewer if the system gives no more threads.
    pub fn new(config: ExecutorConfig) -> Self
    where
        J: 'static,
    {
        let mut threads = Vec::new();
        let mut executor = Self::start(config, |shared| {
            let thread = Builder::new().spawn(move || shared.work());
            thread.map(|thread| threads.push(thread))
        });
        executor.threads = threads;
        executor
    }

    /// The same for jobs that borrow: the executor is there for `body` only.
    pub fn scoped<R>(config: ExecutorConfig, body: impl FnOnce(&Self) -> R) -> R {
        std::thread::scope(|scope| {
            let executor = Self::start(config, |shared| {
                let thread = Builder::new().spawn_scoped(scope, move || shared.work());
                thread.map(drop)
            });
            body(&executor)
        })
    }

    fn start(
        config: ExecutorConfig,
        mut spawn: impl FnMut(Arc<Shared<J>>) -> std::io::Result<()>,
    ) -> Self {
        let workers = if cfg!(feature = "threads") {
            config.workers
        } else {
            0
        };
        let shared = Arc::new(Shared::new(config.bound.max(workers), config.schedule));
        let workers = (0..workers).take_while(|_| spawn(shared.clone()).is_ok());
        let workers = workers.count();
        if workers == 0 {
            shared.hire_who_waits();
        }
        ParallelTrmExecutor {
            shared,
            workers,
            threads: Vec::new(),
        }
    }

    /// Threads that work.
    pub fn workers(&self) -> usize {
        self.workers
    }

    /// Queues a job; waits while the queue is full.
    pub fn submit(&self, job: J) -> Ticket<J> {
        let (task, mut ticket) = Ticket::new(&self.shared, job);
        ticket.place = self.shared.push(task);
        ticket
    }

    /// Queues a job if the queue is not full.
    ///
    /// # Errors
    /// Otherwise the job.
    pub fn try_submit(&self, job: J) -> Result<Ticket<J>, J> {
        let (task, mut ticket) = Ticket::new(&self.shared, job);
        let place = self.shared.try_push(task).map_err(Refused::into_inner);
        ticket.place = Some(place.map_err(|task| task.job)?);
        Ok(ticket)
    }

    /// An empty set of samples in flight, into which jobs go and from which outcomes come.
    pub fn batch(&self, order: Order) -> Batch<J> {
        Batch::new(self.shared.clone(), order)
    }

    /// The outcomes of jobs that are taken from `jobs` as there is room, each with its number, from 0.
    ///
    /// At most [`ExecutorConfig::bound`] jobs are taken whose outcomes were not yet handed out: an endless iterator
    /// costs bounded memory, in input order too. Dropped half-way, it cancels what it has taken.
    pub fn stream<I: IntoIterator<Item = J>>(
        &self,
        jobs: I,
        order: Order,
    ) -> Stream<J, I::IntoIter> {
        Stream::new(self.batch(order), jobs.into_iter())
    }

    /// Cancels all jobs that were submitted until now: the queued ones do not run, and running ones are told to stop.
    pub fn cancel_all(&self) {
        self.shared.cancel_all();
    }
}

impl<J: Job> Drop for ParallelTrmExecutor<J> {
    fn drop(&mut self) {
        self.shared.queue.close();
        self.shared.cancel_all();
        for thread in self.threads.drain(..) {
            // Panics of jobs were told as their outcomes.
            thread.join().ok();
        }
    }
}
