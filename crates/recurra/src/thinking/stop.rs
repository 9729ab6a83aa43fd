//! When to stop improving an answer.

use super::{Plateau, Rule};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::time::Duration;

/// What can be known after an improvement step.
#[derive(Debug, Clone, Copy)]
pub struct Progress<'a> {
    /// Steps done, from 1.
    pub step: usize,
    /// The answer so far.
    pub answer: &'a [u16],
    /// Logit of "halt".
    pub halt_logit: f32,
    /// Mean, over the places of the answer, of the probability (softmax over the whole vocabulary) of the most likely
    /// token: from 1/vocabulary to 1. NaN where a logit is NaN or infinite.
    pub confidence: f32,
    /// Relative change of the answer state by this step, `|z_H - z_H before| / |z_H|` (2-norms over all positions). NaN
    /// where neither a rule nor an observer asks for it, and where z_H is zero.
    pub residual: f32,
    /// Whether the answer is proven by the task's own rules; `None` where the task has none.
    pub verified: Option<bool>,
    /// Time since the question was asked, by the clock of whoever asked; zero without a clock.
    pub elapsed: Duration,
}

/// Why thinking stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// The task's rules hold.
    Verified,
    /// The halting head said so.
    Halt,
    /// The answer no longer changed.
    Stable,
    /// The confidence no longer changed.
    Plateau,
    /// The answer state hardly changed any more.
    Residual,
    /// The limit of steps was reached.
    MaxSteps,
    /// The time was up.
    Time,
}

impl StopReason {
    /// All of them, in the order in which they are asked.
    pub const ALL: [StopReason; 7] = [
        StopReason::Verified,
        StopReason::Halt,
        StopReason::Stable,
        StopReason::Plateau,
        StopReason::Residual,
        StopReason::MaxSteps,
        StopReason::Time,
    ];

    /// Its name, as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            StopReason::Verified => "verified",
            StopReason::Halt => "halt",
            StopReason::Stable => "stable",
            StopReason::Plateau => "plateau",
            StopReason::Residual => "residual",
            StopReason::MaxSteps => "max_steps",
            StopReason::Time => "time",
        }
    }
}

/// Which rules end thinking, the first that holds, and the limits within which they decide.
///
/// "The last w steps" are those from reading w before the present one to the present one: w + 1 readings, so no such
/// rule holds before step w + 1. A number that is NaN never stops: neither a NaN logit, nor a residual, nor a confidence
/// within the window. Rules that read nothing else then wait for the limits, which always hold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StopRules {
    /// The answer is proven by the task's own rules.
    pub verified: bool,
    /// The halting logit is above this: the halting head believes that the answer is right (0: more likely than not).
    /// Together with `verified` it is not asked where the rules prove the answer wrong.
    pub halt: Option<f32>,
    /// The answer is the same after each of the last so many steps. This and the next two also end attempts that
    /// `verified` proves wrong: they are given up, and a restart may follow.
    pub stable: Option<usize>,
    /// The confidence moved within a small band.
    pub plateau: Option<Plateau>,
    /// The last step changed the answer state by less than this share of its length ([`Progress::residual`]).
    pub residual: Option<f32>,
    /// Before this step no rule is asked but `verified`. The limits below hold all the same.
    pub min_steps: usize,
    /// The most steps; at least one is done. There is no ceiling: a model trained with 16 may think for thousands.
    pub max_steps: usize,
    /// The most time for a question, over all of its attempts ([`Progress::elapsed`]); looked at after each step.
    pub time: Option<Duration>,
}

impl StopRules {
    /// No rule but the limit of steps.
    pub fn none(max_steps: usize) -> Self {
        StopRules {
            verified: false,
            halt: None,
            stable: None,
            plateau: None,
            residual: None,
            min_steps: 1,
            max_steps,
            time: None,
        }
    }

    /// What fits most: stops when the answer is verified or, for tasks without a rule check, when the halting head
    /// believes that it is right.
    pub fn new(max_steps: usize) -> Self {
        Self::none(max_steps)
            .with(Rule::Verified)
            .with(Rule::Halt { logit: 0.0 })
    }

    /// These rules and one more; it takes the place of one of its kind.
    #[must_use]
    pub fn with(mut self, rule: Rule) -> Self {
        match rule {
            Rule::Verified => self.verified = true,
            Rule::Halt { logit } => self.halt = Some(logit),
            Rule::Stable { steps } => self.stable = Some(steps),
            Rule::Plateau(plateau) => self.plateau = Some(plateau),
            Rule::Residual { below } => self.residual = Some(below),
        }
        self
    }
}

/// Applies [`StopRules`] to one attempt, step after step.
///
/// It remembers the last answer and the confidences of one window, however long the attempt.
#[derive(Debug, Clone)]
pub struct EarlyStopOptimizer {
    rules: StopRules,
    /// The answer of the last step; only where a rule looks at it.
    last_answer: Vec<u16>,
    /// For how many steps it has not changed; none before the first step.
    unchanged: Option<usize>,
    /// The latest confidences, at most one more than the steps of the window.
    confidences: VecDeque<f32>,
}

impl EarlyStopOptimizer {
    /// For an attempt that is about to begin.
    pub fn new(rules: StopRules) -> Self {
        EarlyStopOptimizer {
            rules,
            last_answer: Vec::new(),
            unchanged: None,
            confidences: VecDeque::new(),
        }
    }

    /// The rules.
    pub fn rules(&self) -> &StopRules {
        &self.rules
    }

    /// Whether a rule reads [`Progress::residual`].
    pub fn needs_residual(&self) -> bool {
        self.rules.residual.is_some()
    }

    /// Forgets the attempt: another begins.
    pub fn reset(&mut self) {
        self.last_answer.clear();
        self.unchanged = None;
        self.confidences.clear();
    }

    /// Takes note of a step, and says whether to stop after it, and why. To be called once after every step.
    pub fn observe(&mut self, progress: &Progress<'_>) -> Option<StopReason> {
        self.remember(progress);
        let rules = &self.rules;
        let wrong = rules.verified && progress.verified == Some(false);
        let held = |reason| match reason {
            StopReason::Verified => rules.verified && progress.verified == Some(true),
            StopReason::Halt => rules.halt.is_some_and(|t| progress.halt_logit > t) && !wrong,
            StopReason::Stable => rules
                .stable
                .is_some_and(|w| self.unchanged >= Some(w.max(1))),
            StopReason::Plateau => rules.plateau.is_some_and(|p| self.is_flat(p)),
            StopReason::Residual => rules.residual.is_some_and(|r| progress.residual < r),
            StopReason::MaxSteps => progress.step >= rules.max_steps,
            StopReason::Time => rules.time.is_some_and(|most| progress.elapsed >= most),
        };
        let due = |reason| match reason {
            StopReason::Verified | StopReason::MaxSteps | StopReason::Time => true,
            _ => progress.step >= rules.min_steps,
        };
        let mut reasons = StopReason::ALL.into_iter();
        reasons.find(|&reason| due(reason) && held(reason))
    }

    fn remember(&mut self, progress: &Progress<'_>) {
        if self.rules.stable.is_some() {
            self.unchanged = match self.unchanged {
                Some(steps) if self.last_answer == progress.answer => Some(steps + 1),
                _ => Some(0),
            };
            self.last_answer.clear();
            self.last_answer.extend_from_slice(progress.answer);
        }
        if let Some(plateau) = self.rules.plateau {
            if self.confidences.len() > plateau.steps.max(1) {
                self.confidences.pop_front();
            }
            self.confidences.push_back(progress.confidence);
        }
    }

    fn is_flat(&self, plateau: Plateau) -> bool {
        let whole = self.confidences.len() > plateau.steps.max(1);
        whole && spread(self.confidences.iter().copied()) < plateau.change
    }
}

/// The largest number less the smallest; NaN if one of them is.
pub(super) fn spread(numbers: impl Iterator<Item = f32>) -> f32 {
    let (mut least, mut most) = (f32::INFINITY, f32::NEG_INFINITY);
    for number in numbers {
        if number.is_nan() {
            return f32::NAN;
        }
        least = least.min(number);
        most = most.max(number);
    }
    most - least
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::thinking::RuleList;
    use proptest::prelude::*;

    const PROGRESS: Progress<'static> = Progress {
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
}
