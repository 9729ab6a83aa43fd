//! A bounded queue for several producers and consumers.
//!
//! `super::sync` gives the locks: the standard library's here, loom's in `tests/loom`, which compiles this file and
//! runs it through all interleavings of its threads.

use super::sync::{Condvar, Mutex, MutexGuard};
use std::collections::BTreeMap;
use std::sync::PoisonError;

/// Where an entry stands; the least is served first.
///
/// An entry stands as if it had come `lateness` arrivals later than it did. So of those that came after it, only the
/// next `lateness - 1` can be served before it, however many come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// `arrival + lateness`.
    line: u64,
    /// Number of the arrival; no two entries have the same.
    arrival: u64,
}

/// Why an entry was not taken in, and the entry.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused<T> {
    /// All places are taken.
    Full(T),
    /// The queue was closed.
    Closed(T),
}

impl<T> Refused<T> {
    pub(crate) fn into_inner(self) -> T {
        let (Refused::Full(entry) | Refused::Closed(entry)) = self;
        entry
    }
}

/// A queue of at most `bound` entries.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    bound: usize,
    state: Mutex<State<T>>,
    /// Told of a place that has become free.
    room: Condvar,
    /// Told of an entry.
    work: Condvar,
}

#[derive(Debug)]
struct State<T> {
    entries: BTreeMap<Place, T>,
    arrivals: u64,
    closed: bool,
}

impl<T> State<T> {
    fn insert(&mut self, lateness: u32, entry: T) -> Place {
        let place = Place {
            line: self.arrivals + u64::from(lateness),
            arrival: self.arrivals,
        };
        self.arrivals += 1;
        self.entries.insert(place, entry);
        place
    }
}

impl<T> Queue<T> {
    /// An open queue of at most `bound` entries, and at least one.
    pub(crate) fn new(bound: usize) -> Self {
        Queue {
            bound: bound.max(1),
            state: Mutex::new(State {
                entries: BTreeMap::new(),
                arrivals: 0,
                closed: false,
            }),
            room: Condvar::new(),
            work: Condvar::new(),
        }
    }

    /// The most entries.
    pub(crate) fn bound(&self) -> usize {
        self.bound
    }

    /// Waits for a place and takes it; the entry comes back if the queue is closed.
    pub(crate) fn push(&self, lateness: u32, entry: T) -> Result<Place, T> {
        let mut state = self.lock();
        while state.entries.len() >= self.bound && !state.closed {
            state = wait(&self.room, state);
        }
        if state.closed {
            return Err(entry);
        }
        let place = state.insert(lateness, entry);
        self.work.notify_one();
        Ok(place)
    }

    /// The same without waiting.
    pub(crate) fn try_push(&self, lateness: u32, entry: T) -> Result<Place, Refused<T>> {
        let mut state = self.lock();
        if state.closed {
            return Err(Refused::Closed(entry));
        }
        if state.entries.len() >= self.bound {
            return Err(Refused::Full(entry));
        }
        let place = state.insert(lateness, entry);
        self.work.notify_one();
        Ok(place)
    }

    /// Waits for an entry; `None` when the queue is closed and empty.
    pub(crate) fn pop(&self) -> Option<T> {
        let mut state = self.lock();
        while state.entries.is_empty() && !state.closed {
            state = wait(&self.work, state);
        }
        let (_, entry) = state.entries.pop_first()?;
        self.room.notify_one();
        Some(entry)
    }

    /// The same without waiting: `None` when the queue is empty.
    pub(crate) fn try_pop(&self) -> Option<T> {
        let (_, entry) = self.lock().entries.pop_first()?;
        self.room.notify_one();
        Some(entry)
    }

    /// Takes an entry out before its turn; `None` if it is not there any more.
    pub(crate) fn cancel(&self, place: Place) -> Option<T> {
        let entry = self.lock().entries.remove(&place)?;
        self.room.notify_one();
        Some(entry)
    }

    /// Takes out all entries of which `gone` holds.
    pub(crate) fn cancel_where(&self, mut gone: impl FnMut(&T) -> bool) -> Vec<T> {
        let mut state = self.lock();
        let places: Vec<Place> = state
            .entries
            .iter()
            .filter(|(_, entry)| gone(entry))
            .map(|(place, _)| *place)
            .collect();
        let taken = places.iter().filter_map(|p| state.entries.remove(p));
        let taken = taken.collect();
        self.room.notify_all();
        taken
    }

    /// Refuses entries from now on and wakes all who wait. What is queued can still be popped.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.room.notify_all();
        self.work.notify_all();
    }

    // A panic with the lock held leaves nothing half done: every change of the state is one call.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wait<'a, T>(signal: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    signal.wait(guard).unwrap_or_else(PoisonError::into_inner)
}
