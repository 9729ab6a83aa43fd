//! Without threads, as in a browser: whoever waits does the work.

use super::*;

#[test]
fn jobs_run_on_the_thread_that_waits_and_not_before() {
    let executor = executor(0, 8, Schedule::Fifo);
    assert_eq!(executor.workers(), 0);
    let log = Log::default();
    let me = std::thread::current().id();
    let ran_here = executor.submit(act(move |_, _| {
        Some(usize::from(std::thread::current().id() == me))
    }));
    let second = executor.submit(note(&log, 2));
    let third = executor.submit(note(&log, 3));
    assert_eq!(ran_here.wait(), Ok(1));
    assert!(log.lock().unwrap().is_empty());
    let third = third.try_wait().unwrap_err();
    assert_eq!(*log.lock().unwrap(), [2]);
    assert_eq!(third.wait(), Ok(3));
    assert_eq!(second.wait(), Ok(2));
}

#[test]
fn who_finds_the_queue_full_makes_room() {
    let executor = executor(0, 2, Schedule::Fifo);
    let log = Log::default();
    let tickets: Vec<_> = (0..5).map(|n| executor.submit(note(&log, n))).collect();
    assert_eq!(*log.lock().unwrap(), [0, 1, 2]);
    assert!(executor.try_submit(say(9)).is_err());
    let sum: usize = tickets.into_iter().map(|t| t.wait().unwrap()).sum();
    assert_eq!(sum, 10);
}

#[test]
fn a_stream_takes_no_more_than_it_may_hold() {
    for order in [Order::Input, Order::Completion] {
        let executor = executor(0, 4, Schedule::Fifo);
        let log = Log::default();
        let mut taken = 0;
        // The iterator has no end.
        let jobs = (0..).map(|n| {
            taken = n + 1;
            note(&log, n)
        });
        let mut stream = executor.stream(jobs, order);
        for n in 0..100 {
            assert_eq!(stream.next(), Some((n, Ok(n))));
        }
        drop(stream);
        assert_eq!(taken, 103);
        // What was taken and not begun does not run any more.
        assert!(matches!(executor.submit(say(1)).wait(), Ok(1)));
        assert_eq!(*log.lock().unwrap(), Vec::from_iter(0..100));
    }
}

#[test]
fn a_batch_can_be_filled_again() {
    let executor = executor(0, 2, Schedule::Fifo);
    let mut batch = executor.batch(Order::Input);
    assert!(batch.next().is_none());
    assert_eq!(batch.submit(say(5)).ok(), Some(0));
    assert_eq!(batch.submit(say(6)).ok(), Some(1));
    assert!(batch.is_full() && batch.submit(say(7)).is_err());
    assert_eq!(batch.next(), Some((0, Ok(5))));
    assert_eq!(batch.submit(say(7)).ok(), Some(2));
    assert_eq!(batch.by_ref().last(), Some((2, Ok(7))));
    assert!(batch.is_empty() && batch.next().is_none());
}

#[test]
fn cancelled_jobs_do_not_run_and_are_answered() {
    let executor = executor(0, 8, Schedule::Fifo);
    let log = Log::default();
    let tickets: Vec<_> = (0..6).map(|n| executor.submit(note(&log, n))).collect();
    assert!(tickets[1].cancel());
    assert!(!tickets[1].cancel());
    let outcomes: Vec<_> = tickets.into_iter().map(Ticket::wait).collect();
    for (n, outcome) in outcomes.into_iter().enumerate() {
        let expected = if n == 1 {
            Err(JobError::Cancelled)
        } else {
            Ok(n)
        };
        assert_eq!(outcome, expected);
    }
    let before = executor.submit(say(1));
    let mut batch = executor.batch(Order::Completion);
    batch.submit(say(2)).ok();
    executor.cancel_all();
    let after = executor.submit(say(3));
    assert_eq!(before.wait(), Err(JobError::Cancelled));
    assert_eq!(batch.next(), Some((0, Err(JobError::Cancelled))));
    assert_eq!(after.wait(), Ok(3));
    let last = executor.submit(say(4));
    drop(executor);
    assert_eq!(last.wait(), Err(JobError::Cancelled));
    batch.submit(say(5)).ok();
    assert_eq!(batch.next(), Some((1, Err(JobError::Cancelled))));
}
