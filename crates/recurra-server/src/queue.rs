//! The queue in which the questions of all connections meet: bounded by predicted work, fair between clients.
//!
//! Work is counted in improvement steps. Each client has a line of its own; the next job is that of the client who has been given
//! the least work, so a thousand questions of one do not stand before the one of another. A client may hold as much of the
//! queue as is free, and so at most half of it: there is always room for others.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Who asks.
pub(crate) type Client = Arc<str>;

/// Where a job stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    client: Client,
    number: u64,
}

/// That there is no room.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Full {
    /// Steps that wait.
    pub(crate) waiting: f64,
}

struct Line<T> {
    jobs: BTreeMap<u64, (f64, T)>,
    /// Steps given to this client, as seen by the queue's clock.
    given: f64,
    waiting: f64,
}

struct State<T> {
    lines: HashMap<Client, Line<T>>,
    /// The clients that wait, by what they were given; bits of a float that is never negative sort as it does.
    order: BTreeSet<(u64, Client)>,
    /// What the client was given whose job was taken last: newcomers begin there.
    clock: f64,
    waiting: f64,
    jobs: usize,
    next: u64,
    closed: bool,
}

/// See the module.
pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    work: Condvar,
    /// Most steps that wait.
    most: f64,
}

impl<T> Queue<T> {
    /// An empty queue for so many steps.
    pub(crate) fn new(most: f64) -> Self {
        Queue {
            state: Mutex::new(State {
                lines: HashMap::new(),
                order: BTreeSet::new(),
                clock: 0.0,
                waiting: 0.0,
                jobs: 0,
                next: 0,
                closed: false,
            }),
            work: Condvar::new(),
            most,
        }
    }

    /// Queues all of these jobs, each with its steps, or none.
    pub(crate) fn push(&self, client: &Client, jobs: Vec<(f64, T)>) -> Result<Vec<Place>, Full> {
        let mut state = self.lock();
        let state = &mut *state;
        let cost: f64 = jobs.iter().map(|(cost, _)| cost).sum();
        let own = state.lines.get(client).map_or(0.0, |line| line.waiting);
        // What is larger than the queue must be let in at some time.
        if state.jobs > 0 && own + cost > self.most - state.waiting {
            return Err(Full {
                waiting: state.waiting,
            });
        }
        let line = state.lines.entry(client.clone()).or_insert_with(|| {
            state.order.insert((state.clock.to_bits(), client.clone()));
            Line {
                jobs: BTreeMap::new(),
                given: state.clock,
                waiting: 0.0,
            }
        });
        let mut places = Vec::with_capacity(jobs.len());
        for (cost, job) in jobs {
            let number = state.next;
            state.next += 1;
            state.jobs += 1;
            state.waiting += cost;
            line.waiting += cost;
            line.jobs.insert(number, (cost, job));
            places.push(Place {
                client: client.clone(),
                number,
            });
            self.work.notify_one();
        }
        if line.jobs.is_empty() {
            state.forget(client);
        }
        Ok(places)
    }

    /// Waits for a job; `None` when the queue is closed and empty.
    pub(crate) fn pop(&self) -> Option<T> {
        let mut state = self.lock();
        loop {
            if let Some((bits, client)) = state.order.pop_first() {
                return Some(state.take_first(f64::from_bits(bits), client));
            }
            if state.closed {
                return None;
            }
            state = self
                .work
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Takes a job out before its turn; `None` if it is not there any more.
    pub(crate) fn cancel(&self, place: &Place) -> Option<T> {
        let mut state = self.lock();
        let line = state.lines.get_mut(&place.client)?;
        let (cost, job) = line.jobs.remove(&place.number)?;
        line.waiting -= cost;
        let empty = line.jobs.is_empty();
        state.left(cost);
        if empty {
            state.forget(&place.client);
        }
        Some(job)
    }

    /// Steps and jobs that wait.
    pub(crate) fn waiting(&self) -> (f64, usize) {
        let state = self.lock();
        (state.waiting, state.jobs)
    }

    /// Lets no worker wait any more once the queue is empty.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.work.notify_all();
    }

    // A panic with the lock held leaves nothing half done that matters: nothing in here panics.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> State<T> {
    /// The first job of the client, who stands in no order now.
    fn take_first(&mut self, given: f64, client: Client) -> T {
        self.clock = given;
        let line = self.lines.get_mut(&client).expect("who waits has a line");
        let (_, (cost, job)) = line.jobs.pop_first().expect("an empty line is forgotten");
        line.waiting -= cost;
        line.given += cost;
        if line.jobs.is_empty() {
            self.lines.remove(&client);
        } else {
            self.order.insert((line.given.to_bits(), client));
        }
        self.left(cost);
        job
    }

    fn left(&mut self, cost: f64) {
        self.jobs -= 1;
        // Sums of floats drift.
        self.waiting = if self.jobs == 0 {
            0.0
        } else {
            self.waiting - cost
        };
        if self.lines.is_empty() {
            self.clock = 0.0;
        }
    }

    fn forget(&mut self, client: &Client) {
        if let Some(line) = self.lines.remove(client) {
            self.order.remove(&(line.given.to_bits(), client.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(name: &str) -> Client {
        name.into()
    }

    fn steps(costs: &[f64], job: &'static str) -> Vec<(f64, &'static str)> {
        costs.iter().map(|&cost| (cost, job)).collect()
    }

    #[test]
    fn clients_take_turns_by_work() {
        let queue = Queue::new(1000.0);
        queue.push(&client("a"), steps(&[10.0; 4], "a")).unwrap();
        queue.push(&client("b"), steps(&[20.0; 2], "b")).unwrap();
        queue.push(&client("c"), steps(&[1.0], "c")).unwrap();
        let order: Vec<_> = (0..7).map(|_| queue.pop().unwrap()).collect();
        // Each has begun when the first begins anew, and b's jobs count twice.
        assert_eq!(order[..3], ["a", "b", "c"]);
        assert_eq!(order[3..], ["a", "a", "b", "a"]);
        assert_eq!(queue.waiting(), (0.0, 0));
    }

    #[test]
    fn who_comes_late_does_not_get_what_others_had() {
        let queue = Queue::new(1000.0);
        queue.push(&client("a"), steps(&[10.0; 6], "a")).unwrap();
        for _ in 0..4 {
            queue.pop();
        }
        queue.push(&client("b"), steps(&[10.0; 3], "b")).unwrap();
        let order: Vec<_> = (0..5).map(|_| queue.pop().unwrap()).collect();
        assert_eq!(order, ["b", "a", "b", "a", "b"]);
    }

    #[test]
    fn one_client_leaves_room_for_others() {
        let queue = Queue::new(100.0);
        for _ in 0..5 {
            queue.push(&client("a"), steps(&[10.0], "a")).unwrap();
        }
        let full = queue.push(&client("a"), steps(&[10.0], "a")).unwrap_err();
        assert_eq!(full.waiting, 50.0);
        // A batch is refused as a whole, and counts as what is in it.
        assert!(queue.push(&client("b"), steps(&[20.0; 3], "b")).is_err());
        queue.push(&client("b"), steps(&[10.0; 2], "b")).unwrap();
        assert_eq!(queue.waiting(), (70.0, 7));
    }

    #[test]
    fn what_is_larger_than_the_queue_gets_in_when_it_is_empty() {
        let queue = Queue::new(10.0);
        queue.push(&client("a"), steps(&[50.0], "a")).unwrap();
        assert!(queue.push(&client("b"), steps(&[1.0], "b")).is_err());
        queue.pop();
        queue.push(&client("b"), steps(&[1.0], "b")).unwrap();
    }

    #[test]
    fn what_is_cancelled_leaves_and_touches_no_neighbour() {
        let queue = Queue::new(1000.0);
        let a = queue.push(&client("a"), steps(&[10.0], "a")).unwrap();
        let b = queue.push(&client("b"), steps(&[10.0; 2], "b")).unwrap();
        assert_eq!(queue.cancel(&a[0]), Some("a"));
        assert_eq!(queue.cancel(&a[0]), None);
        assert_eq!(queue.cancel(&b[1]), Some("b"));
        assert_eq!(queue.waiting(), (10.0, 1));
        assert_eq!(queue.pop(), Some("b"));
        assert_eq!(queue.cancel(&b[0]), None);
        queue.close();
        assert_eq!(queue.pop(), None);
    }
}
