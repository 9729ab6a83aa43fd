//! What the executor promises, with jobs that think about nothing.

mod order;
mod stress;
mod threads;
mod waiting;

use super::*;
use std::sync::Mutex;

type Run = dyn FnOnce(&mut usize, &Cancelled) -> Option<usize> + Send;

/// A job of a test: a function, and how long it says that it takes.
struct Act {
    predicted: f32,
    run: Box<Run>,
}

impl std::fmt::Debug for Act {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a job of {} steps", self.predicted)
    }
}

impl Job for Act {
    /// How many jobs it has run.
    type Worker = usize;
    type Output = usize;

    fn worker(&self) -> usize {
        0
    }

    fn predicted_steps(&self) -> f32 {
        self.predicted
    }

    fn run(self, worker: &mut usize, cancelled: &Cancelled) -> Option<usize> {
        *worker += 1;
        (self.run)(worker, cancelled)
    }
}

fn act(run: impl FnOnce(&mut usize, &Cancelled) -> Option<usize> + Send + 'static) -> Act {
    Act {
        predicted: 1.0,
        run: Box::new(run),
    }
}

/// A job that says its number.
fn say(number: usize) -> Act {
    act(move |_, _| Some(number))
}

/// What has happened, in order.
type Log = Arc<Mutex<Vec<usize>>>;

/// A job that writes its number down.
fn note(log: &Log, number: usize) -> Act {
    let log = log.clone();
    act(move |_, _| {
        log.lock().unwrap().push(number);
        Some(number)
    })
}

fn executor(workers: usize, bound: usize, schedule: Schedule) -> ParallelTrmExecutor<Act> {
    let config = ExecutorConfig {
        workers,
        bound,
        schedule,
    };
    ParallelTrmExecutor::new(config)
}
