//! Calibration on trajectories whose best settings are known, and against trying every setting.

use super::*;
use proptest::prelude::*;

/// Halting logit, confidence, residual, changed, right.
type Numbers = (f32, f32, f32, bool, bool);

/// From what was seen after each step; the rules' proof is the right answer.
fn trajectories<const K: usize>(all: &[[Numbers; K]]) -> Trajectories {
    let mut trajectories = Trajectories::new(K);
    for readings in all {
        let read = |&(halt_logit, confidence, residual, changed, right): &Numbers| Reading {
            halt_logit,
            confidence,
            residual,
            changed,
            verified: Some(right),
            right,
        };
        trajectories.push(&readings.iter().map(read).collect::<Vec<_>>());
    }
    trajectories
}

/// Three questions: right from step 1 on, right from step 3 on, never right.
fn known() -> Trajectories {
    trajectories(&[
        [
            (2.0, 0.90, 0.50, true, true),
            (3.0, 0.91, 0.10, false, true),
            (3.0, 0.91, 0.01, false, true),
            (3.0, 0.91, 0.01, false, true),
        ],
        [
            (1.0, 0.40, 0.90, true, false),
            (-1.0, 0.50, 0.60, true, false),
            (4.0, 0.80, 0.40, true, true),
            (4.0, 0.82, 0.02, false, true),
        ],
        [
            (-3.0, 0.30, 0.80, true, false),
            (-2.0, 0.31, 0.70, true, false),
            (-2.0, 0.60, 0.75, true, false),
            (0.5, 0.30, 0.70, true, false),
        ],
    ])
}

#[test]
fn the_best_settings_of_known_trajectories_are_found() {
    let found = calibrate(&known(), 0.0).unwrap();
    assert_eq!((found.count, found.max_steps), (3, 4));
    assert_eq!(found.exact, 2.0 / 3.0);
    let rules: Vec<String> = found.rules.iter().map(|m| m.rule.to_string()).collect();
    // Logits from 1 (wrong at once) to 2 (right at once): nothing is lost. An answer that stood still once was right.
    // After two steps the confidence of the first moved by 0.01, like that of the third, which cannot be saved.
    assert_eq!(
        rules,
        [
            "verified",
            "halt=1.5",
            "stable=1",
            "plateau=0.06/1",
            "residual=0.55"
        ]
    );
    let means: Vec<f64> = found.rules.iter().map(|m| m.mean_steps * 3.0).collect();
    assert_eq!(means, [8.0, 8.0, 10.0, 8.0, 8.0]);
    for m in &found.rules {
        assert_eq!((m.exact, m.lost, m.won), (2.0 / 3.0, 0, 0), "{}", m.rule);
    }
    assert_eq!(
        (found.rules[1].fewest_steps, found.rules[1].most_steps),
        (1, 4)
    );
    found.validate().unwrap();

    // Two of three answers may be lost: one step is enough for all.
    let lossy = calibrate(&known(), 70.0).unwrap();
    let halt = lossy.rules.iter().find(|m| m.rule.kind() == RuleKind::Halt);
    let halt = halt.unwrap();
    assert_eq!(
        (halt.mean_steps, halt.exact, halt.lost),
        (1.0, 1.0 / 3.0, 1)
    );
}

#[test]
fn an_answer_that_more_steps_would_spoil_is_won() {
    let spoiled = trajectories(&[[
        (1.0, 0.9, 0.5, true, true),
        (1.0, 0.9, 0.5, true, false),
        (1.0, 0.9, 0.5, true, false),
    ]]);
    let halt = measure(&spoiled, Rule::Halt { logit: 0.0 });
    assert_eq!((halt.exact, halt.lost, halt.won), (1.0, 0, 1));
    assert_eq!(spoiled.right_at_the_end(), 0);
}

#[test]
fn a_rule_that_saves_nothing_is_left_out() {
    // The logit is highest where the answer is wrong; answers always change; nothing converges.
    let hopeless = trajectories(&[
        [
            (9.0, 0.1, f32::NAN, true, false),
            (0.0, 0.9, 0.5, true, false),
            (0.0, 0.1, 0.5, true, true),
        ],
        [
            (9.0, 0.9, f32::NAN, true, false),
            (0.0, f32::NAN, 0.5, true, false),
            (0.0, 0.1, 0.5, true, true),
        ],
    ]);
    let found = calibrate(&hopeless, 0.0).unwrap();
    let kinds: Vec<_> = found.rules.iter().map(|m| m.rule.kind()).collect();
    assert_eq!(kinds, [RuleKind::Verified]);
    assert!(calibrate(&Trajectories::new(3), 0.0).is_none());
}

#[test]
fn steps_needed_are_those_from_which_the_answer_stays_right() {
    assert_eq!(known().steps_needed(), [1, 0, 1, 0]);
    let lapse = trajectories(&[[
        (0.0, 0.0, 0.0, true, true),
        (0.0, 0.0, 0.0, true, false),
        (0.0, 0.0, 0.0, true, true),
    ]]);
    assert_eq!(lapse.steps_needed(), [0, 0, 1]);
}

#[test]
fn thresholds_are_round_numbers_between_what_occurred() {
    for (least, below, expected) in [
        (1.0, 2.0, 1.5),
        (1.2345, 1.2456, 1.24),
        (-120.0, 380.0, 100.0),
        (f32::NEG_INFINITY, 8.0, 7.0),
        (f32::NEG_INFINITY, 0.0, -0.0005),
        (7.0, f32::INFINITY, 8.0),
        (1.0, 1.0f32.next_up(), 1.0),
        (-1e-9, 0.0, -5e-10),
    ] {
        let found = between(least, below);
        let close = |n: f32| n == expected || (n - expected).abs() <= 1e-6 && n != least;
        assert!(found.is_some_and(close), "{least} to {below}: {found:?}");
    }
    for (least, below) in [
        (f32::NEG_INFINITY, f32::MIN),
        (f32::MAX, f32::INFINITY),
        (f32::INFINITY, f32::INFINITY),
    ] {
        assert_eq!(between(least, below), None);
    }
}

#[test]
fn a_reading_takes_16_bytes() {
    assert_eq!(size_of::<Reading>(), 16);
}

/// Few different numbers, so that scores are often equal, and now and then one that is none.
fn any_trajectories() -> impl Strategy<Value = Trajectories> {
    let number = || {
        prop_oneof![
            8 => (-4i8..5).prop_map(|n| f32::from(n) / 4.0),
            2 => -1f32..1.0,
            1 => prop::sample::select(vec![f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0]),
        ]
    };
    let reading = (number(), number(), number(), any::<bool>(), any::<bool>());
    let reading = reading.prop_map(
        |(halt_logit, confidence, residual, changed, right)| Reading {
            halt_logit,
            confidence,
            residual: residual.abs(),
            changed,
            verified: Some(right),
            right,
        },
    );
    (1usize..7, 1usize..12).prop_flat_map(move |(steps, count)| {
        prop::collection::vec(reading.clone(), steps * count).prop_map(move |mut readings| {
            readings
                .chunks_exact_mut(steps)
                .for_each(|t| t[0].changed = true);
            let mut trajectories = Trajectories::new(steps);
            readings
                .chunks_exact(steps)
                .for_each(|t| trajectories.push(t));
            trajectories
        })
    })
}

/// Settings on and between the scores that occurred, and beyond them.
fn every_setting(trajectories: &Trajectories, family: Family) -> Vec<Rule> {
    let (mut all, mut scores) = (vec![0.0], Vec::new());
    for trajectory in trajectories.iter() {
        family.scores(trajectory, &mut scores);
        all.extend(scores.iter().copied().filter(|s| s.is_finite()));
    }
    all.sort_by(f32::total_cmp);
    let between: Vec<f32> = all.windows(2).map(|w| f32::midpoint(w[0], w[1])).collect();
    all.extend([all[0] - 1.0, all[all.len() - 1] + 1.0]);
    all.extend(between);
    let rule = |&t: &f32| match family {
        Family::Halt => Some(Rule::Halt { logit: t }),
        Family::Stable => Some(Rule::Stable {
            steps: t.max(1.0) as usize,
        }),
        Family::Plateau(steps) => (t < 0.0).then_some(Rule::Plateau(Plateau { change: -t, steps })),
        Family::Residual => (t < 0.0).then_some(Rule::Residual { below: -t }),
    };
    all.iter().filter_map(rule).collect()
}

proptest! {
    #![proptest_config(crate::testing::cases(256))]

    /// What the sweep says of a setting is what happens with it.
    #[test]
    fn a_sweep_agrees_with_replaying(trajectories in any_trajectories()) {
        let count = trajectories.len() as f64;
        for family in RuleKind::ALL.into_iter().flat_map(|k| Family::all(k, trajectories.max_steps)) {
            let mut all = Vec::new();
            family.sweep(&trajectories, |found| all.push(found));
            for found in all {
                let Some(rule) = found.rule(family) else { continue };
                let measured = measure(&trajectories, rule);
                prop_assert_eq!(measured.mean_steps, found.steps as f64 / count, "{}", rule);
                prop_assert_eq!(measured.exact, found.right as f64 / count, "{}", rule);
            }
        }
    }

    /// No setting does fewer steps within the loss, and the chosen one stays within it.
    #[test]
    fn nothing_better_is_overlooked(trajectories in any_trajectories(), loss in 0f64..60.0) {
        let calibration = calibrate(&trajectories, loss).unwrap();
        calibration.validate().unwrap();
        let allowed = |exact: f64| exact >= calibration.exact - loss / 100.0 - 1e-12;
        for kind in RuleKind::ALL {
            let chosen = calibration.rules.iter().find(|m| m.rule.kind() == kind);
            if let Some(m) = chosen {
                prop_assert!(kind == RuleKind::Verified || allowed(m.exact), "{}", m.rule);
                prop_assert_eq!(*m, measure(&trajectories, m.rule));
            }
            let best = chosen.map_or(trajectories.max_steps as f64, |m| m.mean_steps);
            for family in Family::all(kind, trajectories.max_steps) {
                for rule in every_setting(&trajectories, family) {
                    let m = measure(&trajectories, rule);
                    prop_assert!(
                        m.mean_steps >= best || m.exact < calibration.exact - loss / 100.0 + 1e-12,
                        "{} is better than {:?}", rule, chosen
                    );
                }
            }
        }
    }

    /// A larger loss never costs steps.
    #[test]
    fn more_loss_never_means_more_steps(trajectories in any_trajectories(), a in 0f64..60.0, b in 0f64..60.0) {
        let [less, more] = [a.min(b), a.max(b)].map(|loss| calibrate(&trajectories, loss).unwrap());
        let steps = |c: &Calibration, kind| {
            let found = c.rules.iter().find(|m| m.rule.kind() == kind);
            found.map_or(trajectories.max_steps as f64, |m| m.mean_steps)
        };
        for kind in RuleKind::ALL {
            prop_assert!(steps(&more, kind) <= steps(&less, kind), "{}", kind);
        }
    }

    #[test]
    fn curves_rise_and_are_not_longer_than_asked(trajectories in any_trajectories(), most in 1usize..6) {
        for kind in RuleKind::ALL {
            let points = curve(&trajectories, kind, most);
            prop_assert!(points.len() <= most, "{} points", points.len());
            prop_assert!(points.is_sorted_by(|a, b| a.mean_steps <= b.mean_steps));
            for point in points {
                let measured = measure(&trajectories, point.rule);
                prop_assert_eq!((measured.mean_steps, measured.exact), (point.mean_steps, point.exact));
            }
        }
    }
}
