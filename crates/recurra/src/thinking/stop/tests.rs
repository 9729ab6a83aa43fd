//! Stop rules, each by itself, together, and on numbers that are none.

use super::*;
use crate::thinking::RuleList;
use proptest::prelude::*;

const PROGRESS: Progress<'static> = Progress {
    certainty: &[],
    step: 1,
    answer: &[],
    halt_logit: -1.0,
    confidence: 0.5,
    residual: f32::NAN,
    verified: None,
    elapsed: Duration::ZERO,
};

fn rules(list: &str, max_steps: usize) -> StopRules {
    let list: RuleList = list.parse().unwrap();
    let rules = StopRules::none(max_steps);
    list.rules(None).fold(rules, StopRules::with)
}

/// What is said after each step.
fn watch<'a>(
    rules: StopRules,
    steps: impl IntoIterator<Item = Progress<'a>>,
) -> Vec<Option<StopReason>> {
    let mut optimizer = EarlyStopOptimizer::new(rules);
    let numbered = |(i, p)| Progress { step: i + 1, ..p };
    let steps = steps.into_iter().enumerate().map(numbered);
    steps.map(|p| optimizer.observe(&p)).collect()
}

/// After which step it stops first, and why.
fn first(said: Vec<Option<StopReason>>) -> Option<(usize, StopReason)> {
    let stops = said.iter().enumerate();
    let mut stops = stops.filter_map(|(i, reason)| reason.map(|r| (i + 1, r)));
    stops.next()
}

#[test]
fn proof_comes_first_and_the_halting_head_yields_to_it() {
    let stop = |list: &str, step, halt_logit, verified| {
        EarlyStopOptimizer::new(rules(list, 16)).observe(&Progress {
            step,
            halt_logit,
            verified,
            ..PROGRESS
        })
    };
    let both = "halt, verified";
    assert_eq!(stop(both, 1, -1.0, Some(false)), None);
    assert_eq!(stop(both, 1, 1.0, Some(true)), Some(StopReason::Verified));
    assert_eq!(stop(both, 1, 1.0, None), Some(StopReason::Halt));
    assert_eq!(stop(both, 1, 1.0, Some(false)), None);
    assert_eq!(stop("halt", 1, 1.0, Some(false)), Some(StopReason::Halt));
    assert_eq!(stop("halt=2", 1, 2.0, None), None);
    assert_eq!(stop("halt=2", 1, 2.01, None), Some(StopReason::Halt));
    assert_eq!(stop("halt=-2", 1, -1.0, None), Some(StopReason::Halt));
    assert_eq!(stop(both, 16, -1.0, None), Some(StopReason::MaxSteps));
    assert_eq!(stop("none", 15, 9.0, Some(true)), None);
    assert_eq!(
        stop("none", 16, 9.0, Some(true)),
        Some(StopReason::MaxSteps)
    );
    assert_eq!(StopRules::new(16), rules("verified,halt=0", 16));
}

#[test]
fn stable_counts_steps_that_changed_nothing() {
    let answers = [[1], [2], [2], [1], [1], [1], [1], [2]];
    let said = |list: &str| {
        let steps = answers.iter().map(|answer| Progress { answer, ..PROGRESS });
        watch(rules(list, 99), steps)
    };
    let stable = Some(StopReason::Stable);
    assert_eq!(
        said("stable=1"),
        [None, None, stable, None, stable, stable, stable, None]
    );
    assert_eq!(first(said("stable=2")), Some((6, StopReason::Stable)));
    assert_eq!(first(said("stable=3")), Some((7, StopReason::Stable)));
    assert_eq!(first(said("stable=4")), None);
}

#[test]
fn a_plateau_is_a_narrow_band_and_not_only_equal_ends() {
    let said = |list: &str, confidences: &[f32]| {
        let step = |&confidence: &f32| Progress {
            confidence,
            ..PROGRESS
        };
        first(watch(rules(list, 99), confidences.iter().map(step)))
    };
    let plateau = |step| Some((step, StopReason::Plateau));
    let rising = [0.1, 0.5, 0.7, 0.75, 0.76, 0.76, 0.76];
    assert_eq!(said("plateau=0.3/1", &rising), plateau(3));
    assert_eq!(said("plateau=0.3/2", &rising), plateau(4));
    assert_eq!(said("plateau=0.02/1", &rising), plateau(5));
    assert_eq!(said("plateau=0.001/2", &rising), plateau(7));
    // "Less than": a band of exactly that height is none.
    assert_eq!(said("plateau=0.25/1", &[0.25, 0.5, 0.75]), None);
    // First and last are equal in every window of three.
    assert_eq!(said("plateau=0.1/2", &[0.2, 0.8, 0.2, 0.8, 0.2]), None);
}

#[test]
fn residuals_below_the_threshold_stop() {
    let step = |residual| Progress {
        residual,
        ..PROGRESS
    };
    let said = watch(
        rules("residual=0.1", 99),
        [1.0, f32::NAN, 0.1, 0.09].map(step),
    );
    assert_eq!(first(said), Some((4, StopReason::Residual)));
    assert!(EarlyStopOptimizer::new(rules("residual", 9)).needs_residual());
    assert!(!EarlyStopOptimizer::new(rules("halt,plateau,stable", 9)).needs_residual());
}

#[test]
fn attempts_that_are_proven_wrong_are_given_up_by_all_but_the_halting_head() {
    let wrong = Progress {
        verified: Some(false),
        halt_logit: 9.0,
        residual: 0.0,
        ..PROGRESS
    };
    for (list, expected) in [
        ("verified,halt", (9, StopReason::MaxSteps)),
        ("verified,halt,stable=2", (3, StopReason::Stable)),
        ("verified,halt,plateau=0.1/3", (4, StopReason::Plateau)),
        ("verified,halt,residual=0.1", (1, StopReason::Residual)),
    ] {
        assert_eq!(
            first(watch(rules(list, 9), [wrong; 9])),
            Some(expected),
            "{list}"
        );
    }
}

#[test]
fn the_least_number_of_steps_holds_for_all_rules_but_proof_and_limits() {
    let eager = Progress {
        halt_logit: 9.0,
        residual: 0.0,
        ..PROGRESS
    };
    for list in ["halt", "stable=1", "plateau=0.1/1", "residual=0.1"] {
        let at = |min_steps| {
            let rules = StopRules {
                min_steps,
                ..rules(list, 9)
            };
            first(watch(rules, [eager; 9])).unwrap().0
        };
        assert!(at(0) <= 2 && at(1) == at(0), "{list}");
        // What was seen before counts.
        assert_eq!(at(5), 5, "{list}");
        assert_eq!(at(50), 9, "{list}");
    }
    let proof = Progress {
        verified: Some(true),
        ..PROGRESS
    };
    let rules = StopRules {
        min_steps: 5,
        ..rules("verified", 9)
    };
    assert_eq!(
        first(watch(rules, [proof])),
        Some((1, StopReason::Verified))
    );
}

#[test]
fn time_runs_out_between_steps() {
    let after = |seconds: u64| Progress {
        elapsed: Duration::from_secs(seconds),
        ..PROGRESS
    };
    let timed = StopRules {
        time: Some(Duration::from_secs(5)),
        ..rules("none", 9)
    };
    assert_eq!(
        first(watch(timed, [1, 3, 5, 7].map(after))),
        Some((3, StopReason::Time))
    );
    // A limit of both is told as the steps'.
    assert_eq!(
        first(watch(
            StopRules {
                max_steps: 3,
                ..timed
            },
            [1, 3, 5].map(after)
        )),
        Some((3, StopReason::MaxSteps))
    );
}

#[test]
fn nothing_is_left_of_an_attempt_after_a_reset() {
    let mut optimizer = EarlyStopOptimizer::new(rules("stable=1,plateau=0.1/1", 9));
    assert_eq!(optimizer.observe(&PROGRESS), None);
    assert_eq!(optimizer.observe(&PROGRESS), Some(StopReason::Stable));
    optimizer.reset();
    assert_eq!(optimizer.observe(&PROGRESS), None);
}

#[test]
fn a_million_steps_take_no_more_memory_than_a_window() {
    let (answers, most) = ([[1u16; 81], [2u16; 81]], 1_000_000);
    let mut optimizer = EarlyStopOptimizer::new(rules(
        "verified,halt,stable=5,plateau=0.1/100,residual",
        most,
    ));
    for step in 1..most {
        let p = Progress {
            step,
            answer: &answers[step % 2],
            confidence: (step % 2) as f32,
            ..PROGRESS
        };
        assert_eq!(optimizer.observe(&p), None);
    }
    assert!(optimizer.confidences.capacity() < 300 && optimizer.last_answer.capacity() < 300);
    let last = Progress {
        step: most,
        ..PROGRESS
    };
    assert_eq!(optimizer.observe(&last), Some(StopReason::MaxSteps));
}

#[test]
fn names_are_those_of_json() {
    for reason in StopReason::ALL {
        let json = serde_json::to_string(&reason).unwrap();
        assert_eq!(json, format!("\"{}\"", reason.name()));
    }
}

fn any_number() -> impl Strategy<Value = f32> {
    prop_oneof![
        Just(f32::NAN),
        Just(f32::INFINITY),
        Just(f32::NEG_INFINITY),
        Just(0.0),
        -2f32..2.0,
        any::<f32>(),
    ]
}

proptest! {
    #![proptest_config(crate::testing::cases(256))]

    /// Whatever the numbers, thinking ends, at the latest with the last step.
    #[test]
    fn it_always_ends(
        numbers in prop::collection::vec((any_number(), any_number(), any_number(), 0u16..3), 12),
        thresholds in (any_number(), any_number(), any_number(), 0usize..4, 0usize..20),
        max_steps in 0usize..12,
    ) {
        let (halt, change, below, steps, min_steps) = thresholds;
        let rules = StopRules {
            verified: true,
            halt: Some(halt),
            stable: Some(steps),
            plateau: Some(Plateau { change, steps }),
            residual: Some(below),
            min_steps,
            max_steps,
            time: None,
        };
        let answers: Vec<[u16; 1]> = numbers.iter().map(|n| [n.3]).collect();
        let steps = numbers.iter().zip(&answers).map(|(n, answer)| Progress {
            answer,
            halt_logit: n.0,
            confidence: n.1,
            residual: n.2,
            ..PROGRESS
        });
        let (at, _) = first(watch(rules, steps)).unwrap();
        prop_assert!(at <= max_steps.max(1));
    }

    /// With nothing but NaN, no rule holds that reads numbers.
    #[test]
    fn nan_stops_nothing(halt in any_number(), change in any_number(), below in any_number()) {
        let rules = StopRules {
            halt: Some(halt),
            plateau: Some(Plateau { change, steps: 1 }),
            residual: Some(below),
            ..rules("verified", 6)
        };
        let nan = Progress {
            halt_logit: f32::NAN,
            confidence: f32::NAN,
            residual: f32::NAN,
            ..PROGRESS
        };
        prop_assert_eq!(first(watch(rules, [nan; 6])), Some((6, StopReason::MaxSteps)));
    }
}
