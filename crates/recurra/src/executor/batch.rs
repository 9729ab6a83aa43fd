//! The samples in flight.

use super::worker::{Numbered, Reply, Shared};
use super::{Job, Outcome};
use std::collections::BTreeMap;
use std::iter::Fuse;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// In which order outcomes come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// As the jobs were put in. Outcomes that come early are kept, and have their place among the bounded number.
    Input,
    /// As the jobs end.
    Completion,
}

/// Samples in flight together: jobs go in one by one, outcomes come out one by one.
///
/// As an iterator it waits for the next outcome, and ends when nothing is in flight; after that more may be put in.
/// Dropped, it cancels what is in flight.
pub struct Batch<J: Job> {
    shared: Arc<Shared<J>>,
    order: Order,
    own: Arc<AtomicBool>,
    sender: SyncSender<Numbered<J::Output>>,
    receiver: Receiver<Numbered<J::Output>>,
    submitted: usize,
    handed_out: usize,
    early: BTreeMap<usize, Outcome<J>>,
}

impl<J: Job> std::fmt::Debug for Batch<J> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Batch")
            .field("order", &self.order)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

impl<J: Job> Batch<J> {
    pub(super) fn new(shared: Arc<Shared<J>>, order: Order) -> Self {
        // A place for each outcome, so that no worker ever waits for whoever takes them.
        let (sender, receiver) = sync_channel(shared.queue.bound());
        Batch {
            shared,
            order,
            own: Arc::default(),
            sender,
            receiver,
            submitted: 0,
            handed_out: 0,
            early: BTreeMap::new(),
        }
    }

    /// Jobs whose outcomes were not yet handed out.
    pub fn len(&self) -> usize {
        self.submitted - self.handed_out
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether an outcome must be taken before the next job.
    pub fn is_full(&self) -> bool {
        self.len() >= self.shared.queue.bound()
    }

    /// Puts a job in and returns its number, from 0; waits while others fill the executor's queue.
    ///
    /// # Errors
    /// The job, if the batch is full.
    pub fn submit(&mut self, job: J) -> Result<usize, J> {
        if self.is_full() {
            return Err(job);
        }
        let number = self.submitted;
        let reply = Reply::new(number, self.sender.clone());
        let task = self.shared.task(job, self.own.clone(), reply);
        self.submitted += 1;
        self.shared.push(task);
        Ok(number)
    }
}

impl<J: Job> Iterator for Batch<J> {
    type Item = (usize, Outcome<J>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_empty() {
            return None;
        }
        let next = self.handed_out;
        let item = match self.early.remove(&next) {
            Some(outcome) => (next, outcome),
            None => loop {
                let (number, outcome) = self.shared.wait(&self.receiver)?;
                if self.order == Order::Completion || number == next {
                    break (number, outcome);
                }
                self.early.insert(number, outcome);
            },
        };
        self.handed_out += 1;
        Some(item)
    }
}

impl<J: Job> Drop for Batch<J> {
    fn drop(&mut self) {
        self.own.store(true, Ordering::Relaxed);
        self.shared.sweep();
    }
}

/// Outcomes of the jobs of an iterator; see [`ParallelTrmExecutor::stream`](super::ParallelTrmExecutor::stream).
#[derive(Debug)]
pub struct Stream<J: Job, I: Iterator<Item = J>> {
    batch: Batch<J>,
    jobs: Fuse<I>,
}

impl<J: Job, I: Iterator<Item = J>> Stream<J, I> {
    pub(super) fn new(batch: Batch<J>, jobs: I) -> Self {
        let jobs = jobs.fuse();
        Stream { batch, jobs }
    }
}

impl<J: Job, I: Iterator<Item = J>> Iterator for Stream<J, I> {
    type Item = (usize, Outcome<J>);

    fn next(&mut self) -> Option<Self::Item> {
        while !self.batch.is_full() {
            let Some(job) = self.jobs.next() else { break };
            self.batch.submit(job).ok();
        }
        self.batch.next()
    }
}
