//! The order of the queue, and its limit to overtaking.

use super::super::queue::{Place, Queue};
use super::*;
use crate::testing::cases;
use proptest::prelude::*;

#[derive(Debug, Clone, Copy)]
enum Do {
    Push(u32),
    Pop,
    /// The n-th of those queued.
    Cancel(usize),
}

fn actions() -> impl Strategy<Value = Vec<Do>> {
    let action = prop_oneof![
        5 => prop_oneof![0..4u32, 0..40u32].prop_map(Do::Push),
        4 => Just(Do::Pop),
        1 => (0..8usize).prop_map(Do::Cancel),
    ];
    prop::collection::vec(action, 0..200)
}

/// A queued entry, and how many later ones were popped before it.
struct Waiting {
    place: Place,
    number: usize,
    lateness: u32,
    overtaken: u32,
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn nobody_is_overtaken_as_often_as_his_lateness(actions in actions()) {
        let queue = Queue::new(12);
        let mut waiting: Vec<Waiting> = Vec::new();
        for (number, action) in actions.into_iter().enumerate() {
            match action {
                Do::Push(lateness) => {
                    let pushed = queue.try_push(lateness, number);
                    prop_assert_eq!(pushed.is_ok(), waiting.len() < 12);
                    if let Ok(place) = pushed {
                        waiting.push(Waiting { place, number, lateness, overtaken: 0 });
                    }
                }
                Do::Pop => {
                    let found = queue.try_pop();
                    prop_assert_eq!(found.is_none(), waiting.is_empty());
                    let Some(number) = found else { continue };
                    let at = waiting.iter().position(|w| w.number == number).expect("queued once");
                    waiting.remove(at);
                    for older in &mut waiting[..at] {
                        older.overtaken += 1;
                        prop_assert!(older.overtaken < older.lateness);
                    }
                }
                Do::Cancel(n) => {
                    let Some(n) = n.checked_rem(waiting.len()) else { continue };
                    let Waiting { place, number, .. } = waiting.remove(n);
                    prop_assert_eq!(queue.cancel(place), Some(number));
                    prop_assert_eq!(queue.cancel(place), None);
                }
            }
        }
    }

    #[test]
    fn the_next_is_the_one_that_stands_first(latenesses in prop::collection::vec(0..30u32, 0..40)) {
        let queue = Queue::new(40);
        let mut line = Vec::new();
        for (arrival, &lateness) in latenesses.iter().enumerate() {
            queue.try_push(lateness, arrival).unwrap();
            line.push((arrival + lateness as usize, arrival));
        }
        line.sort_unstable();
        for (_, arrival) in line {
            prop_assert_eq!(queue.try_pop(), Some(arrival));
        }
    }
}

/// The limit is reached: it could not be lower.
#[test]
fn the_limit_to_overtaking_is_exact() {
    let queue = Queue::new(2);
    queue.try_push(5, usize::MAX).unwrap();
    let mut overtaken = 0;
    loop {
        queue.try_push(0, overtaken).unwrap();
        if queue.try_pop() == Some(usize::MAX) {
            break;
        }
        overtaken += 1;
    }
    assert_eq!(overtaken, 4);
}

#[test]
fn lateness_is_a_number_whatever_was_predicted() {
    let shortest = Schedule::ShortestFirst { patience: 4.0 };
    for (predicted, lateness) in [
        (1.3, 5),
        (0.0, 0),
        (-3.0, 0),
        (f32::NAN, 0),
        (f32::INFINITY, u32::MAX),
    ] {
        assert_eq!(shortest.lateness(predicted), lateness);
        assert_eq!(Schedule::Fifo.lateness(predicted), 0);
    }
}

#[test]
fn the_shortest_goes_first_but_does_not_starve_the_longest() {
    let run = |schedule| {
        let executor = executor(0, 32, schedule);
        let log = Log::default();
        let predicted = [9.0, 2.0, 5.0].into_iter().chain([1.0; 20]);
        let tickets: Vec<_> = predicted
            .enumerate()
            .map(|(number, predicted)| Act {
                predicted,
                ..note(&log, number)
            })
            .map(|job| executor.submit(job))
            .collect();
        for ticket in tickets {
            ticket.wait().unwrap();
        }
        Arc::into_inner(log).unwrap().into_inner().unwrap()
    };
    assert_eq!(run(Schedule::Fifo), (0..23).collect::<Vec<_>>());
    // 1 stands at 1 + 2, 2 at 2 + 5, 0 at 0 + 9; a short one that came as number n at n + 1.
    let found = run(Schedule::ShortestFirst { patience: 1.0 });
    assert_eq!(found[..10], [1, 3, 4, 5, 2, 6, 7, 0, 8, 9]);
    let found = run(Schedule::ShortestFirst { patience: 100.0 });
    assert_eq!(found[..5], [3, 4, 5, 6, 7]);
    assert_eq!(found[20..], [1, 2, 0]);
}
