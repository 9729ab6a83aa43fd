//! What a submitted job can be asked for.

use super::queue::Place;
use super::worker::{Numbered, Reply, Shared, Task};
use super::{Job, JobError, Outcome};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};

/// A submitted job. Dropped, it lets the job run and its output go.
pub struct Ticket<J: Job> {
    shared: Arc<Shared<J>>,
    own: Arc<AtomicBool>,
    receiver: Receiver<Numbered<J::Output>>,
    /// `None`: it was never queued, for the executor is gone.
    pub(super) place: Option<Place>,
}

impl<J: Job> std::fmt::Debug for Ticket<J> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ticket").finish_non_exhaustive()
    }
}

impl<J: Job> Ticket<J> {
    /// A task and its ticket, not queued yet.
    pub(super) fn new(shared: &Arc<Shared<J>>, job: J) -> (Task<J>, Self) {
        let own = Arc::new(AtomicBool::new(false));
        let (sender, receiver) = sync_channel(1);
        let task = shared.task(job, own.clone(), Reply::new(0, sender));
        let shared = shared.clone();
        let ticket = Ticket {
            shared,
            own,
            receiver,
            place: None,
        };
        (task, ticket)
    }

    /// Takes the job out of the queue, or tells it to stop if it runs. Returns whether it was still queued, and so
    /// will never run.
    pub fn cancel(&self) -> bool {
        self.own.store(true, Ordering::Relaxed);
        let task = self.place.and_then(|place| self.shared.queue.cancel(place));
        task.is_some()
    }

    /// Waits for the outcome.
    pub fn wait(self) -> Outcome<J> {
        let outcome = self.shared.wait(&self.receiver);
        outcome.map_or(Err(JobError::Cancelled), |(_, outcome)| outcome)
    }

    /// The outcome if the job has ended. Where there are no threads, it runs the job that is next.
    ///
    /// # Errors
    /// Otherwise the ticket.
    pub fn try_wait(self) -> Result<Outcome<J>, Self> {
        self.shared.help();
        match self.receiver.try_recv() {
            Ok((_, outcome)) => Ok(outcome),
            Err(TryRecvError::Disconnected) => Ok(Err(JobError::Cancelled)),
            Err(TryRecvError::Empty) => Err(self),
        }
    }
}
