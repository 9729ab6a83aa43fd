//! What runs a job and tells how it ended.

use super::queue::{Place, Queue, Refused};
use super::{Job, Schedule};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Why a job has no output.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JobError {
    /// It was cancelled, or gave up.
    #[error("cancelled")]
    Cancelled,
    /// It panicked, with this message.
    #[error("a job panicked: {0}")]
    Panicked(String),
}

/// Tells a job whether anybody still waits for it. The default is never cancelled.
#[derive(Debug, Clone, Default)]
pub struct Cancelled {
    own: Arc<AtomicBool>,
    /// Counts the cancellations of everything.
    all: Arc<AtomicUsize>,
    /// What `all` was when the job was submitted.
    since: usize,
}

impl Cancelled {
    /// Whether to stop. Two relaxed loads: cheap enough for every step.
    pub fn is_cancelled(&self) -> bool {
        self.own.load(Ordering::Relaxed) || self.all.load(Ordering::Relaxed) != self.since
    }
}

/// Where the outcome of a job goes. Dropped unsent it says "cancelled", so that nobody waits in vain.
pub(super) struct Reply<T> {
    number: usize,
    sender: Option<SyncSender<Numbered<T>>>,
}

/// The number of a job among those of its batch, and its outcome.
pub(super) type Numbered<T> = (usize, Result<T, JobError>);

impl<T> Reply<T> {
    /// The channel must have a place for it.
    pub(super) fn new(number: usize, sender: SyncSender<Numbered<T>>) -> Self {
        Reply {
            number,
            sender: Some(sender),
        }
    }

    fn say(&mut self, outcome: Result<T, JobError>) {
        if let Some(sender) = self.sender.take() {
            // Nobody may be waiting any more.
            sender.send((self.number, outcome)).ok();
        }
    }
}

impl<T> Drop for Reply<T> {
    fn drop(&mut self) {
        self.say(Err(JobError::Cancelled));
    }
}

/// A job in the queue. Its fields are dropped in this order: whoever hears of the end finds the job gone.
pub(super) struct Task<J: Job> {
    pub(super) job: J,
    cancelled: Cancelled,
    reply: Reply<J::Output>,
}

/// A worker's state, made with its first job.
type State<J> = Option<<J as Job>::Worker>;

impl<J: Job> Task<J> {
    fn run(self, state: &mut State<J>) {
        if self.cancelled.is_cancelled() {
            return;
        }
        let Task {
            job,
            cancelled,
            mut reply,
        } = self;
        let run = || {
            let worker = state.get_or_insert_with(|| job.worker());
            job.run(worker, &cancelled)
        };
        let outcome = match catch_unwind(AssertUnwindSafe(run)) {
            Ok(output) => output.ok_or(JobError::Cancelled),
            Err(panic) => {
                // The job may have left it half changed.
                let state = state.take();
                catch_unwind(AssertUnwindSafe(|| drop(state))).ok();
                Err(JobError::Panicked(message(&*panic)))
            }
        };
        reply.say(outcome);
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no message").to_owned()
}

/// What the workers, the executor and all who wait have in common.
pub(super) struct Shared<J: Job> {
    pub(super) queue: Queue<Task<J>>,
    pub(super) schedule: Schedule,
    all: Arc<AtomicUsize>,
    /// Set where there are no threads: the worker that is whichever thread waits.
    waiting: OnceLock<Mutex<State<J>>>,
}

impl<J: Job> Shared<J> {
    pub(super) fn new(bound: usize, schedule: Schedule) -> Self {
        Shared {
            queue: Queue::new(bound),
            schedule,
            all: Arc::default(),
            waiting: OnceLock::new(),
        }
    }

    pub(super) fn hire_who_waits(&self) {
        self.waiting.get_or_init(Mutex::default);
    }

    /// The life of a worker.
    pub(super) fn work(&self) {
        let mut state = None;
        while let Some(task) = self.queue.pop() {
            task.run(&mut state);
        }
    }

    /// Where there are no threads, runs the next job; otherwise, and where there is none, says `false`.
    pub(super) fn help(&self) -> bool {
        let Some(worker) = self.waiting.get() else {
            return false;
        };
        let mut state = worker.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(task) = self.queue.try_pop() else {
            return false;
        };
        task.run(&mut state);
        true
    }

    /// Waits for an outcome that will come.
    pub(super) fn wait<T>(&self, receiver: &Receiver<T>) -> Option<T> {
        loop {
            match receiver.try_recv() {
                Ok(outcome) => return Some(outcome),
                Err(TryRecvError::Disconnected) => return None,
                Err(TryRecvError::Empty) if self.help() => {}
                Err(TryRecvError::Empty) => return receiver.recv().ok(),
            }
        }
    }

    pub(super) fn task(&self, job: J, own: Arc<AtomicBool>, reply: Reply<J::Output>) -> Task<J> {
        let cancelled = Cancelled {
            own,
            all: self.all.clone(),
            since: self.all.load(Ordering::Relaxed),
        };
        Task {
            job,
            cancelled,
            reply,
        }
    }

    fn lateness(&self, task: &Task<J>) -> u32 {
        match self.schedule {
            Schedule::Fifo => 0,
            schedule => schedule.lateness(task.job.predicted_steps()),
        }
    }

    /// Queues a task if there is room.
    pub(super) fn try_push(&self, task: Task<J>) -> Result<Place, Refused<Task<J>>> {
        self.queue.try_push(self.lateness(&task), task)
    }

    /// Queues a task when there is room; a closed queue cancels it.
    pub(super) fn push(&self, mut task: Task<J>) -> Option<Place> {
        if self.waiting.get().is_none() {
            return self.queue.push(self.lateness(&task), task).ok();
        }
        loop {
            match self.try_push(task) {
                Ok(place) => return Some(place),
                Err(Refused::Closed(_)) => return None,
                Err(Refused::Full(back)) => task = back,
            }
            self.help();
        }
    }

    /// Takes all cancelled jobs out of the queue.
    pub(super) fn sweep(&self) {
        // Dropped, and so answered, outside the queue's lock.
        drop(
            self.queue
                .cancel_where(|task| task.cancelled.is_cancelled()),
        );
    }

    pub(super) fn cancel_all(&self) {
        self.all.fetch_add(1, Ordering::Relaxed);
        self.sweep();
    }
}
