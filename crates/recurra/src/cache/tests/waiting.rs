//! Several threads at one key, and the clock that their patience asks: the browser has neither.
#![cfg(feature = "threads")]

use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Barrier, mpsc};

#[test]
fn what_is_asked_for_by_many_is_thought_once() {
    const ASKERS: usize = 100;
    let (cache, begun, barrier) = (cache(1 << 20), AtomicUsize::new(0), Barrier::new(ASKERS));
    std::thread::scope(|scope| {
        for _ in 0..ASKERS {
            scope.spawn(|| {
                barrier.wait();
                match cache.ask(keys(b"key"), None) {
                    Ask::Turn(turn) => {
                        // The first two fail: one gives up, one panics with the turn in hand.
                        match begun.fetch_add(1, Ordering::SeqCst) {
                            0 => drop(turn),
                            1 => {
                                let panic = std::panic::AssertUnwindSafe(move || {
                                    let _turn = turn;
                                    std::panic::resume_unwind(Box::new("a thinker fails"));
                                });
                                assert!(std::panic::catch_unwind(panic).is_err());
                            }
                            _ => turn.prove(thought(b"answer")),
                        }
                    }
                    Ask::Hit(hit) => assert_eq!(*hit.thought.answer, *b"answer"),
                    Ask::Busy => panic!("endless patience has ended"),
                }
            });
        }
    });
    assert_eq!(begun.into_inner(), 3);
    let counters = cache.counters();
    assert_eq!((counters.misses, counters.exact), (3, ASKERS as u64 - 3));
    assert!(counters.joined <= counters.exact);
}

#[test]
fn patience_ends() {
    let cache = cache(1 << 20);
    let first = turn(&cache, keys(b"key"));
    for patience in [Duration::ZERO, Duration::from_micros(50)] {
        let asked = cache.ask(keys(b"key"), Some(patience));
        assert!(matches!(asked, Ask::Busy));
    }
    first.prove(thought(b"answer"));
    assert!(!hit(&cache, keys(b"key")).own);
    assert_eq!(cache.counters().misses, 3);
}

#[test]
fn who_waits_goes_on_when_a_turn_ends_without_an_answer() {
    let cache = cache(1 << 20);
    let cache = &cache;
    let first = turn(cache, keys(b"key"));
    std::thread::scope(|scope| {
        let (asking, asked) = mpsc::channel();
        let waiting = scope.spawn(move || {
            asking.send(()).unwrap();
            let own = b"own".as_slice();
            let canonical = b"key".as_slice();
            match cache.ask(Keys { canonical, own }, None) {
                Ask::Hit(hit) => hit.thought.answer.to_vec(),
                other => panic!("expected a hit, found {other:?}"),
            }
        });
        asked.recv().unwrap();
        cache.put(b"own", thought(b"guess"));
        drop(first);
        assert_eq!(waiting.join().unwrap(), b"guess");
    });
}
