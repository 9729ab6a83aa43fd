//! One solver, many callers.

use super::*;
use crate::error::Error;
use std::sync::atomic::{AtomicUsize, Ordering};

const SOLVED: &str = "3142241342311324";

fn hasty(solver: &Solver) -> SolveOptions {
    SolveOptions {
        stop: StopRules::new(3),
        ..solver.options()
    }
}

#[test]
fn text_goes_in_and_text_comes_out() {
    let solver = solver();
    let answer = solver.ask(PUZZLE).unwrap();
    assert_eq!((answer.line, answer.question.as_str()), (1, PUZZLE));
    assert_eq!(answer.text.len(), 16);
    assert_eq!(tokens(&answer.text), answer.tokens);
    let drawn = format!("# a comment\n{}\n", PUZZLE.replace("1...", "1...\n"));
    assert!(solver.ask(drawn).is_err());
    for (text, line, error) in [
        ("", 1, "expected one puzzle, found none"),
        ("12", 1, "expected"),
        ("1144............", 1, "expected"),
        ("................", 1, "expected"),
        (
            &format!("{PUZZLE}\n{PUZZLE}"),
            2,
            "expected one puzzle, found a second one",
        ),
    ] {
        match solver.ask(text) {
            Err(Error::Refused(refusal)) => {
                assert_eq!(refusal.line, line, "{text}");
                assert!(refusal.error.contains(error), "{}", refusal.error);
            }
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn thinking_step_by_step_is_thinking() {
    let solver = solver();
    for (restarts, side_by_side) in [(0, 1), (3, 1), (5, 2)] {
        let options = SolveOptions {
            restarts,
            side_by_side,
            ..hasty(&solver)
        };
        let mut seen = Vec::new();
        let mut watched = Vec::new();
        let mut see = |event: Event| watched.push(event);
        let answer = solver.watch(PUZZLE, &options, &mut see).unwrap();
        watched.pop();
        let mut thinking = solver.think(PUZZLE, &options).unwrap();
        // Another question takes its turn between two steps.
        let mut other = solver.think(PUZZLE, &options).unwrap();
        let own = loop {
            let ended = thinking.step(Some(&mut |event| seen.push(event))).unwrap();
            other.step(None).ok();
            let rows = thinking.candidates().chunks(6);
            assert!(
                rows.len() == 16
                    && rows
                        .into_iter()
                        .all(|r| (r.iter().sum::<f32>() - 1.0).abs() < 1e-4)
            );
            let Some(Event::Step(step)) = seen.last() else {
                panic!("no step")
            };
            let certain = |(place, row): (usize, &[f32])| {
                let token = usize::from(step.tokens[place]);
                // A token that means nothing in an answer was made blank.
                token < 2 || (row[token] - step.certainty[place]).abs() < 1e-4
            };
            assert!(thinking.candidates().chunks(6).enumerate().all(certain));
            if let Some(answer) = ended {
                break answer;
            }
        };
        assert_eq!(seen, watched);
        assert_eq!(
            (&own.text, own.steps, own.restarts),
            (&answer.text, answer.steps, answer.restarts)
        );
        assert!(matches!(thinking.step(None), Err(Error::Cancelled)));
    }
    let options = solver.options();
    let mut thinking = solver.think(PUZZLE, &options).unwrap();
    options.cancel.cancel();
    assert!(matches!(thinking.step(None), Err(Error::Cancelled)));
}

#[test]
fn an_answer_is_the_line_that_the_program_prints() {
    let answer = Answer {
        finite: true,
        line: 3,
        id: None,
        question: PUZZLE.into(),
        text: SOLVED.into(),
        verified: None,
        steps: 4,
        restarts: 1,
        stopped: StopReason::MaxSteps,
        halt: 1.5,
        seconds: 0.123_456_78,
        source: Source::Exact,
        tokens: tokens(SOLVED),
    };
    assert_eq!(
        serde_json::to_string(&answer).unwrap(),
        format!(
            r#"{{"line":3,"question":"{PUZZLE}","answer":"{SOLVED}","verified":null,"steps":4,"restarts":1,"stopped":"max_steps","halt":1.5,"seconds":0.123457,"source":"exact"}}"#
        )
    );
}

#[test]
fn many_answers_come_in_order_and_are_those_of_one() {
    let solver = solver();
    let options = hasty(&solver);
    let questions = [PUZZLE, "nonsense", SOLVED, PUZZLE];
    let many: Vec<_> = solver.ask_many(questions, &options).unwrap().collect();
    assert_eq!(many.len(), 4);
    assert!(matches!(many[1], Err(Error::Refused(_))));
    for (question, answer) in questions.iter().zip(&many) {
        if let Ok(answer) = answer {
            let alone = solver.ask_with(*question, &options).unwrap();
            assert_eq!((&alone.text, alone.halt), (&answer.text, answer.halt));
        }
    }
    // Endless questions cost bounded memory, and are given up with the iterator.
    let mut endless = solver
        .ask_many(std::iter::repeat(PUZZLE), &options)
        .unwrap();
    for _ in 0..100 {
        assert!(endless.next().unwrap().is_ok());
    }
}

#[test]
fn a_stream_tells_every_step_and_ends_with_the_answer() {
    let solver = solver();
    let options = SolveOptions {
        restarts: 2,
        ..hasty(&solver)
    };
    let mut watched = Vec::new();
    solver
        .watch(PUZZLE, &options, &mut |event| watched.push(event))
        .unwrap();
    let streamed = solver.stream(PUZZLE, &options).unwrap();
    let mut streamed: Vec<Event> = streamed.map(|event| event.unwrap()).collect();
    for events in [&mut watched, &mut streamed] {
        let Some(Event::Answer(answer)) = events.last_mut() else {
            panic!("the last is the answer");
        };
        assert_eq!((answer.steps, answer.restarts), (9, 2));
        answer.seconds = 0.0;
    }
    assert_eq!(watched, streamed);
    // Three attempts of three steps, each announced.
    assert_eq!(streamed.len(), 3 * 4 + 1);
    for event in &streamed {
        if let Event::Step(step) = event {
            assert_eq!((step.tokens.len(), step.certainty.len()), (16, 16));
            assert!(step.certainty.iter().all(|p| (0.1..=1.0).contains(p)));
        }
    }
}

/// Who watches may ask again, though the engine of all threads is taken.
#[test]
fn a_question_may_be_watched_while_another_is() {
    let solver = solver();
    let options = hasty(&solver);
    let expected = solver.ask_with(PUZZLE, &options).unwrap().tokens;
    let mut inner = Vec::new();
    let outer = solver.watch(PUZZLE, &options, &mut |event| {
        if matches!(event, Event::Step(_)) {
            let answer = solver.watch(PUZZLE, &options, &mut |_| {});
            inner.push(answer.unwrap().tokens);
        }
    });
    assert_eq!(outer.unwrap().tokens, expected);
    assert_eq!(inner, [&expected; 3].map(Clone::clone));
}

#[test]
fn cancelling_takes_effect_within_a_step() {
    let solver = solver();
    let forever = SolveOptions {
        stop: StopRules::none(usize::MAX),
        ..solver.options()
    };
    let mut stream = solver.stream(PUZZLE, &forever).unwrap();
    if cfg!(feature = "threads") {
        // Without them nobody thinks but who waits.
        assert!(matches!(stream.next(), Some(Ok(Event::Attempt { .. }))));
    }
    stream.cancel();
    let last = stream.last().unwrap();
    assert!(matches!(last, Err(Error::Cancelled)), "{last:?}");
    // By a token, on the thread that asks: after the step in which it is cancelled there is no other.
    let mut steps = 0;
    let cancel = forever.cancel.clone();
    let result = solver.watch(PUZZLE, &forever, &mut |event| {
        if let Event::Step(step) = event {
            steps = step.step;
            if steps == 5 {
                cancel.cancel();
            }
        }
    });
    assert!(matches!(result, Err(Error::Cancelled)));
    assert_eq!(steps, 5);
    // A queued question is not begun.
    let pending = solver.submit(PUZZLE, &forever).unwrap();
    assert!(matches!(pending.wait(), Err(Error::Cancelled)));
}

#[test]
fn a_question_whose_deadline_has_passed_is_not_begun() {
    let solver = solver();
    let late = SolveOptions {
        deadline: Some(web_time::Instant::now()),
        ..solver.options()
    };
    assert!(matches!(
        solver.ask_with(PUZZLE, &late),
        Err(Error::Deadline)
    ));
    let soon = SolveOptions {
        stop: StopRules::none(usize::MAX),
        deadline: Some(web_time::Instant::now() + Duration::from_millis(20)),
        ..solver.options()
    };
    let answer = solver.ask_with(PUZZLE, &soon).unwrap();
    assert_eq!(answer.stopped, StopReason::Time);
}

#[test]
fn a_full_queue_says_so() {
    let solver = solver();
    let forever = SolveOptions {
        stop: StopRules::none(usize::MAX),
        ..solver.options()
    };
    let mut pending = Vec::new();
    let refused = loop {
        match solver.try_submit(PUZZLE, &forever) {
            Ok(question) => pending.push(question),
            Err(error) => break error,
        }
        assert!(pending.len() < 1000);
    };
    assert!(matches!(refused, Error::Busy));
    forever.cancel.cancel();
    for question in pending {
        assert!(matches!(question.wait(), Err(Error::Cancelled)));
    }
}

/// Sixty-four threads ask, cancel and drop at random; every question is answered or cancelled, once.
#[test]
fn every_question_of_many_callers_ends_once() {
    let shared = solver();
    let options = hasty(&shared);
    let expected = shared.ask_with(PUZZLE, &options).unwrap().text;
    let (answered, cancelled) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let count = |result: Result<Answer>| match result {
        Ok(answer) => {
            assert_eq!(answer.text, expected);
            answered.fetch_add(1, Ordering::Relaxed);
        }
        Err(Error::Cancelled) => {
            cancelled.fetch_add(1, Ordering::Relaxed);
        }
        Err(error) => panic!("{error}"),
    };
    const THREADS: usize = 64;
    const EACH: usize = 24;
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            // Clones come and go with their threads.
            let (solver, count, options) = (shared.clone(), &count, &options);
            scope.spawn(move || {
                let mut random = thread as u64 + 1;
                for _ in 0..EACH {
                    random ^= random << 13;
                    random ^= random >> 7;
                    random ^= random << 17;
                    // Each has a token of its own.
                    let options = SolveOptions {
                        cancel: CancelToken::new(),
                        ..options.clone()
                    };
                    match random % 6 {
                        0 => count(solver.ask_with(PUZZLE, &options)),
                        1 => count(solver.submit(PUZZLE, &options).unwrap().wait()),
                        2 => {
                            let pending = solver.submit(PUZZLE, &options).unwrap();
                            pending.cancel();
                            count(pending.wait());
                        }
                        3 => {
                            let pending = solver.submit(PUZZLE, &options).unwrap();
                            options.cancel.cancel();
                            count(pending.wait());
                        }
                        4 => {
                            let ends = solver.stream(PUZZLE, &options).unwrap();
                            let ends = ends.filter_map(|event| match event {
                                Ok(Event::Answer(answer)) => Some(Ok(answer)),
                                Ok(_) => None,
                                Err(error) => Some(Err(error)),
                            });
                            let mut ends: Vec<_> = ends.collect();
                            assert_eq!(ends.len(), 1);
                            count(ends.remove(0));
                        }
                        _ => {
                            // Given up half-way, by whoever listens.
                            let mut stream = solver.stream(PUZZLE, &options).unwrap();
                            stream.next();
                            drop(stream);
                            cancelled_or_not(&solver, &options, count);
                        }
                    }
                }
            });
        }
    });
    assert_eq!(
        answered.into_inner() + cancelled.into_inner(),
        THREADS * EACH
    );
    // Nothing is left: the last who asks finds the threads free.
    assert_eq!(shared.ask_with(PUZZLE, &options).unwrap().text, expected);
}

/// One more question, so that each turn counts one.
fn cancelled_or_not(solver: &Solver, options: &SolveOptions, count: &dyn Fn(Result<Answer>)) {
    let mut answers = solver.ask_many([PUZZLE], options).unwrap();
    count(answers.next().unwrap());
}

#[test]
fn a_solver_may_end_before_its_questions() {
    let solver = solver();
    let pending = solver.submit(PUZZLE, &hasty(&solver)).unwrap();
    drop(solver);
    assert!(pending.wait().is_ok());
}
