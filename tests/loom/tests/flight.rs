//! A question is thought about by one at a time, and by the next where that one fails: through many interleavings.
//!
//! `exact.rs` is compiled here above a `quick_cache` whose locks and threads are those of shuttle, which runs random
//! schedules and replays the one that failed.

// Compiled for its own sake; not everything in it is asked for here.
#[allow(dead_code, unreachable_pub)]
#[path = "../../../crates/recurra/src/cache/exact.rs"]
mod exact;

use exact::{Asked, Exact, Kept};
use shuttle::sync::atomic::{AtomicUsize, Ordering};
use shuttle::thread;
use std::sync::Arc;
use std::time::Duration;

/// Schedules tried by each test.
const SCHEDULES: usize = 20_000;
const ASKERS: usize = 4;

/// An answer, and by whom it was thought.
struct Answer(usize);

impl Kept for Answer {
    fn heap_bytes(&self) -> usize {
        32
    }
}

fn cache() -> Arc<Exact<Answer>> {
    Arc::new(Exact::new(1 << 16, 64))
}

/// Some ask for the same key; the first `failures` turns end without an answer. Says how many turns there were.
fn flight(failures: usize) {
    let (cache, turns, thinking) = (cache(), counter(), counter());
    let askers: Vec<_> = (0..ASKERS)
        .map(|number| {
            let (cache, turns, thinking) = (cache.clone(), turns.clone(), thinking.clone());
            thread::spawn(move || match cache.ask(b"key", None) {
                Asked::Here(answer) => Some(answer.0),
                Asked::Turn(turn) => {
                    assert_eq!(
                        thinking.fetch_add(1, Ordering::SeqCst),
                        0,
                        "two think at a time"
                    );
                    thread::yield_now();
                    thinking.fetch_sub(1, Ordering::SeqCst);
                    if turns.fetch_add(1, Ordering::SeqCst) < failures {
                        drop(turn);
                        return None;
                    }
                    turn.fill(Arc::new(Answer(number)));
                    Some(number)
                }
                Asked::Busy => panic!("endless patience has ended"),
            })
        })
        .collect();
    let answers: Vec<_> = askers.into_iter().map(|a| a.join().unwrap()).collect();
    // All who did not fail have the one answer, and nobody waits for ever.
    let given: Vec<usize> = answers.iter().flatten().copied().collect();
    assert_eq!(given.len(), ASKERS - failures);
    assert!(given.iter().all(|&by| by == given[0]));
    assert_eq!(turns.load(Ordering::SeqCst), failures + 1);
    assert_eq!(cache.get(b"key").map(|answer| answer.0), Some(given[0]));
}

fn counter() -> Arc<AtomicUsize> {
    Arc::new(AtomicUsize::new(0))
}

#[test]
fn many_wait_for_one() {
    shuttle::check_random(|| flight(0), SCHEDULES);
}

#[test]
fn the_next_takes_over_from_who_fails() {
    shuttle::check_random(|| flight(2), SCHEDULES);
}

#[test]
fn an_answer_put_meanwhile_is_found() {
    let put_meanwhile = || {
        let cache = cache();
        let putting = {
            let cache = cache.clone();
            thread::spawn(move || cache.put(b"key", Arc::new(Answer(1))))
        };
        let asking: Vec<_> = (0..2)
            .map(|_| {
                let cache = cache.clone();
                thread::spawn(move || match cache.ask(b"key", None) {
                    Asked::Here(answer) => assert!(answer.0 < 3),
                    Asked::Turn(turn) => turn.fill(Arc::new(Answer(2))),
                    Asked::Busy => panic!("endless patience has ended"),
                })
            })
            .collect();
        for asker in asking {
            asker.join().unwrap();
        }
        putting.join().unwrap();
        assert!(cache.get(b"key").is_some());
    };
    shuttle::check_random(put_meanwhile, SCHEDULES);
}

#[test]
fn who_has_no_patience_is_told_so() {
    let impatient = || {
        let cache = cache();
        let Asked::Turn(turn) = cache.ask(b"key", None) else {
            panic!("nobody else is there");
        };
        let other = {
            let cache = cache.clone();
            thread::spawn(move || match cache.ask(b"key", Some(Duration::ZERO)) {
                Asked::Busy => true,
                Asked::Here(answer) => answer.0 != 7,
                Asked::Turn(_) => false,
            })
        };
        thread::yield_now();
        turn.fill(Arc::new(Answer(8)));
        assert!(other.join().unwrap());
    };
    shuttle::check_random(impatient, SCHEDULES);
}
