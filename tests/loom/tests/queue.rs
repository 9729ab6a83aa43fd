//! Every interleaving of a few threads at the executor's queue. Loom itself fails a test whose threads wait for ever.
//!
//! The file under test takes its locks from `super::sync`; here they are loom's.

mod sync {
    pub(crate) use loom::sync::{Condvar, Mutex, MutexGuard};
}

#[path = "../../../crates/recurra/src/executor/queue.rs"]
#[allow(dead_code)]
mod queue;

use loom::sync::Arc;
use loom::thread::{self, JoinHandle};
use queue::{Queue, Refused};

fn start<R: 'static>(
    queue: &Arc<Queue<u32>>,
    run: impl FnOnce(&Queue<u32>) -> R + 'static,
) -> JoinHandle<R> {
    let queue = queue.clone();
    thread::spawn(move || run(&queue))
}

fn drain(queue: &Queue<u32>) -> Vec<u32> {
    std::iter::from_fn(|| queue.pop()).collect()
}

#[test]
fn two_producers_and_two_consumers_lose_and_double_nothing() {
    // Three threads beside the first, with one place: producers wait for consumers and the other way round.
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(2);
    model.check(|| {
        let queue = Arc::new(Queue::new(1));
        let producers = [1, 2].map(|n| start(&queue, move |q| q.push(0, n).is_ok()));
        let consumer = start(&queue, |q| q.pop());
        let mut popped = vec![queue.pop()];
        for producer in producers {
            assert!(producer.join().unwrap());
        }
        popped.push(consumer.join().unwrap());
        popped.sort();
        assert_eq!(popped, [Some(1), Some(2)]);
    });
}

#[test]
fn back_pressure_ends() {
    loom::model(|| {
        let queue = Arc::new(Queue::new(1));
        let producer = start(&queue, |q| {
            for n in 0..3 {
                q.push(0, n).unwrap();
            }
            q.close();
        });
        assert_eq!(drain(&queue), [0, 1, 2]);
        producer.join().unwrap();
    });
}

#[test]
fn closing_wakes_all_consumers() {
    loom::model(|| {
        let queue = Arc::new(Queue::new(1));
        let consumers = [(); 2].map(|()| start(&queue, |q| q.pop()));
        queue.close();
        for consumer in consumers {
            assert_eq!(consumer.join().unwrap(), None);
        }
    });
}

#[test]
fn closing_wakes_all_producers() {
    loom::model(|| {
        let queue = Arc::new(Queue::new(1));
        queue.push(0, 0).unwrap();
        let producers = [1, 2].map(|n| start(&queue, move |q| q.push(0, n)));
        queue.close();
        for (producer, n) in producers.into_iter().zip([1, 2]) {
            assert_eq!(producer.join().unwrap(), Err(n));
        }
        assert_eq!(drain(&queue), [0]);
    });
}

#[test]
fn a_push_racing_the_close_is_refused_or_popped() {
    loom::model(|| {
        let queue = Arc::new(Queue::new(1));
        let producer = start(&queue, |q| q.push(0, 7).is_ok());
        let other = start(&queue, |q| q.try_push(0, 8));
        queue.close();
        let left = drain(&queue);
        let mut pushed = Vec::new();
        // Closed and drained: what was not popped must have been refused.
        pushed.extend(producer.join().unwrap().then_some(7));
        match other.join().unwrap() {
            Ok(_) => pushed.push(8),
            Err(Refused::Full(n) | Refused::Closed(n)) => assert_eq!(n, 8),
        }
        assert_eq!(left, pushed);
    });
}

#[test]
fn of_cancel_and_pop_exactly_one_wins() {
    loom::model(|| {
        let queue = Arc::new(Queue::new(2));
        let place = queue.push(0, 1).unwrap();
        let canceller = start(&queue, move |q| q.cancel(place));
        let popped = queue.try_pop();
        let cancelled = canceller.join().unwrap();
        assert_eq!(popped.xor(cancelled), Some(1));
        assert_eq!(queue.try_pop(), None);
    });
}

#[test]
fn two_cancels_have_one_winner() {
    loom::model(|| {
        let queue = Arc::new(Queue::new(2));
        let place = queue.push(0, 1).unwrap();
        let one = start(&queue, move |q| q.cancel(place));
        let all = queue.cancel_where(|_| true);
        assert_eq!(one.join().unwrap().xor(all.first().copied()), Some(1));
    });
}

#[test]
fn a_cancelled_entry_frees_its_place() {
    loom::model(|| {
        let queue = Arc::new(Queue::new(1));
        let place = queue.push(0, 1).unwrap();
        let producer = start(&queue, |q| q.push(0, 2).is_ok());
        assert_eq!(queue.cancel(place), Some(1));
        assert!(producer.join().unwrap());
        assert_eq!(queue.pop(), Some(2));
    });
}

#[test]
fn cancelling_all_frees_all_places() {
    loom::model(|| {
        let queue = Arc::new(Queue::new(2));
        queue.push(0, 1).unwrap();
        queue.push(0, 1).unwrap();
        let producers = [2, 3].map(|n| start(&queue, move |q| q.push(0, n).is_ok()));
        let gone = queue.cancel_where(|&n| n == 1);
        assert_eq!(gone, [1, 1]);
        for producer in producers {
            assert!(producer.join().unwrap());
        }
        let mut left = [queue.pop(), queue.pop()];
        left.sort();
        assert_eq!(left, [Some(2), Some(3)]);
    });
}
