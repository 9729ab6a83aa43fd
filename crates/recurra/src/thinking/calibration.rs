//! Which setting of a stop rule saves most steps at a stated loss, from recorded trajectories.
//!
//! Every rule that has a setting stops after the first step whose *score* is above a threshold: the halting logit itself;
//! the steps for which the answer has not changed; the negative spread of the confidence, and the negative residual. So
//! one sweep over the scores that occurred finds every threshold that makes a difference, and what it does.

use super::stop::spread;
use super::{
    Calibration, EarlyStopOptimizer, Measured, Plateau, Progress, Rule, RuleKind, StopReason,
    StopRules,
};
use std::time::Duration;

/// What calibration has to know of one step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// [`Progress::halt_logit`].
    pub halt_logit: f32,
    /// [`Progress::confidence`].
    pub confidence: f32,
    /// [`Progress::residual`].
    pub residual: f32,
    /// Whether the answer differs from that of the step before; true for the first step.
    pub changed: bool,
    /// [`Progress::verified`].
    pub verified: Option<bool>,
    /// Whether the answer is the known one, or another that the rules prove.
    pub right: bool,
}

/// What was seen of questions that were thought about for the same number of steps without stopping. A reading takes 16
/// bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct Trajectories {
    max_steps: usize,
    readings: Vec<Reading>,
}

impl Trajectories {
    /// None yet, of so many steps each.
    ///
    /// # Panics
    /// If there is no step.
    pub fn new(max_steps: usize) -> Self {
        assert!(max_steps > 0, "a trajectory has at least one step");
        Trajectories {
            max_steps,
            readings: Vec::new(),
        }
    }

    /// Adds one.
    ///
    /// # Panics
    /// If it has another number of steps.
    pub fn push(&mut self, readings: &[Reading]) {
        assert_eq!(readings.len(), self.max_steps, "steps of a trajectory");
        self.readings.extend_from_slice(readings);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.readings.len() / self.max_steps
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.readings.is_empty()
    }

    /// Steps of each.
    pub fn max_steps(&self) -> usize {
        self.max_steps
    }

    /// One after the other.
    pub fn iter(&self) -> impl Iterator<Item = &[Reading]> {
        self.readings.chunks_exact(self.max_steps)
    }

    /// How many are right after the last step.
    pub fn right_at_the_end(&self) -> usize {
        self.iter().filter(|t| t[self.max_steps - 1].right).count()
    }

    /// For each K from 1 on, how many questions needed K steps: the answer is right after step K and all later ones, but
    /// not after step K - 1. Questions whose last answer is wrong needed more than there are, and are in none.
    pub fn steps_needed(&self) -> Vec<usize> {
        let mut counts = vec![0; self.max_steps];
        for trajectory in self.iter() {
            let wrong = trajectory.iter().rposition(|reading| !reading.right);
            if let Some(count) = counts.get_mut(wrong.map_or(0, |last| last + 1)) {
                *count += 1;
            }
        }
        counts
    }
}

/// Applies rules to a recorded trajectory: after how many steps they stop, and why. The clock stands still.
///
/// # Panics
/// If the rules let it think longer than was recorded.
pub fn replay(trajectory: &[Reading], rules: &StopRules) -> (usize, StopReason) {
    let mut optimizer = EarlyStopOptimizer::new(*rules);
    // Two answers in turn change where the true ones did.
    let mut answer = [0];
    for (i, reading) in trajectory.iter().enumerate() {
        answer[0] ^= u16::from(reading.changed);
        let stop = optimizer.observe(&Progress {
            certainty: &[],
            step: i + 1,
            answer: &answer,
            halt_logit: reading.halt_logit,
            confidence: reading.confidence,
            residual: reading.residual,
            verified: reading.verified,
            elapsed: Duration::ZERO,
        });
        if let Some(reason) = stop {
            return (i + 1, reason);
        }
    }
    panic!(
        "the rules do not stop within {} recorded steps",
        trajectory.len()
    );
}

/// What a rule alone does to the recorded questions; at least one.
pub fn measure(trajectories: &Trajectories, rule: Rule) -> Measured {
    let max_steps = trajectories.max_steps;
    let rules = StopRules::none(max_steps).with(rule);
    let (mut sum, mut right, mut lost, mut won) = (0, 0, 0, 0);
    let (mut fewest, mut most) = (max_steps, 1);
    for trajectory in trajectories.iter() {
        let (steps, _) = replay(trajectory, &rules);
        let (now, in_the_end) = (trajectory[steps - 1].right, trajectory[max_steps - 1].right);
        sum += steps;
        right += usize::from(now);
        lost += u64::from(in_the_end && !now);
        won += u64::from(now && !in_the_end);
        fewest = fewest.min(steps);
        most = most.max(steps);
    }
    let count = trajectories.len() as f64;
    Measured {
        rule,
        mean_steps: sum as f64 / count,
        exact: right as f64 / count,
        lost,
        won,
        fewest_steps: fewest,
        most_steps: most,
    }
}

/// What a rule with one setting does to the recorded questions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CurvePoint {
    /// The rule and its setting.
    pub rule: Rule,
    /// Steps a question, on average.
    pub mean_steps: f64,
    /// Share of the questions that are answered right.
    pub exact: f64,
}

/// Windows over which a plateau is looked for.
const WINDOWS: [usize; 8] = [1, 2, 3, 4, 6, 8, 12, 16];

/// Everything that the settings of a rule can do to the recorded questions, of which there is at least one: at most
/// `most` points, with rising mean steps. Of a plateau's windows, those points that no other window betters. Empty for
/// [`RuleKind::Verified`], which has no setting.
pub fn curve(trajectories: &Trajectories, kind: RuleKind, most: usize) -> Vec<CurvePoint> {
    let count = trajectories.len() as f64;
    let mut points: Vec<CurvePoint> = Vec::new();
    for family in Family::all(kind, trajectories.max_steps) {
        let (mut all, mut i) = (0, 0);
        family.sweep(trajectories, |_| all += 1);
        family.sweep(trajectories, |found| {
            if is_kept(i, all, most) {
                points.extend(found.rule(family).map(|rule| CurvePoint {
                    rule,
                    mean_steps: found.steps as f64 / count,
                    exact: found.right as f64 / count,
                }));
            }
            i += 1;
        });
    }
    points.sort_by(|a, b| {
        let steps = a.mean_steps.total_cmp(&b.mean_steps);
        steps.then(b.exact.total_cmp(&a.exact))
    });
    if kind == RuleKind::Plateau {
        let mut best = f64::NEG_INFINITY;
        points.retain(|point| {
            let better = point.exact > best;
            best = best.max(point.exact);
            better
        });
    }
    let all = points.len();
    let mut numbers = 0..all;
    points.retain(|_| numbers.next().is_some_and(|i| is_kept(i, all, most)));
    points
}

/// Whether item `i` of `all` is one of `most` that are evenly spaced, the first and the last among them.
fn is_kept(i: usize, all: usize, most: usize) -> bool {
    let place = |i: usize| i * most.saturating_sub(1) / (all - 1).max(1);
    i == 0 || place(i) != place(i - 1)
}

/// For each rule the setting that does the fewest steps and leaves the exact accuracy within `loss` percentage points of
/// that after all steps; among equals the more exact, then the stricter one. The setting is a round number between two
/// that occurred. `verified` is measured as it is. A rule that saves nothing at this loss is left out.
///
/// `None` without a question.
pub fn calibrate(trajectories: &Trajectories, loss: f64) -> Option<Calibration> {
    if trajectories.is_empty() {
        return None;
    }
    let (count, max_steps) = (trajectories.len(), trajectories.max_steps);
    let right = trajectories.right_at_the_end();
    let mut rules = Vec::new();
    if trajectories.readings.iter().any(|r| r.verified.is_some()) {
        rules.push(measure(trajectories, Rule::Verified));
    }
    for kind in RuleKind::ALL {
        let mut best: Option<(Found, Family)> = None;
        for family in Family::all(kind, max_steps) {
            family.sweep(trajectories, |found| {
                let lost = right as f64 - found.right as f64;
                // The difference of two shares, but exact.
                if 100.0 * lost > loss * count as f64 || found.rule(family).is_none() {
                    return;
                }
                let key = |f: &Found| (f.steps, count - f.right);
                if best.is_none_or(|(best, b)| {
                    key(&found) < key(&best) || (key(&found) == key(&best) && b == family)
                }) {
                    best = Some((found, family));
                }
            });
        }
        let saves = best.filter(|(found, _)| found.steps < count * max_steps);
        if let Some(rule) = saves.and_then(|(found, family)| found.rule(family)) {
            rules.push(measure(trajectories, rule));
        }
    }
    Some(Calibration {
        count: count as u64,
        max_steps,
        exact: right as f64 / count as f64,
        loss,
        rules,
    })
}

/// A rule with one number left open: the threshold of its score.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Family {
    Halt,
    Stable,
    /// Over so many steps.
    Plateau(usize),
    Residual,
}

/// A range of thresholds that all do the same.
#[derive(Debug, Clone, Copy)]
struct Found {
    /// At least this …
    least: f32,
    /// … and below this.
    below: f32,
    /// Sum of all steps.
    steps: usize,
    /// Answers that are right.
    right: usize,
}

impl Family {
    fn all(kind: RuleKind, max_steps: usize) -> Vec<Family> {
        match kind {
            RuleKind::Verified => Vec::new(),
            RuleKind::Halt => vec![Family::Halt],
            RuleKind::Stable => vec![Family::Stable],
            RuleKind::Residual => vec![Family::Residual],
            RuleKind::Plateau => {
                let windows = WINDOWS.into_iter().filter(|&w| w < max_steps);
                windows.map(Family::Plateau).collect()
            }
        }
    }

    /// The scores of a trajectory's steps; NaN where the rule cannot hold.
    fn scores(self, trajectory: &[Reading], scores: &mut Vec<f32>) {
        scores.clear();
        let mut unchanged = 0;
        scores.extend((0..trajectory.len()).map(|i| {
            let reading = &trajectory[i];
            let score = match self {
                Family::Halt => reading.halt_logit,
                Family::Residual => -reading.residual,
                Family::Plateau(steps) if i < steps => f32::NAN,
                Family::Plateau(steps) => {
                    -spread(trajectory[i - steps..=i].iter().map(|r| r.confidence))
                }
                Family::Stable => {
                    unchanged = if reading.changed { 0 } else { unchanged + 1 };
                    match unchanged {
                        0 => f32::NAN,
                        steps => steps as f32,
                    }
                }
            };
            // No finite threshold is below; and there is but one zero.
            if score == f32::NEG_INFINITY {
                f32::NAN
            } else {
                score + 0.0
            }
        }));
    }

    /// Tells every range of thresholds, from the laxest on.
    fn sweep(self, trajectories: &Trajectories, mut tell: impl FnMut(Found)) {
        /// A question that stops later where the threshold reaches a score.
        struct Event {
            score: f32,
            steps: u32,
            right: i8,
        }
        let (mut events, mut scores) = (Vec::new(), Vec::new());
        let (mut steps, mut right) = (0, 0);
        let last = trajectories.max_steps - 1;
        for trajectory in trajectories.iter() {
            self.scores(trajectory, &mut scores);
            // The next step whose score is above all before it, or the last.
            let next = |from: usize, above: f32| {
                let mut later = (from..last).filter(|&i| scores[i] > above);
                later.next().unwrap_or(last)
            };
            let mut at = next(0, f32::NEG_INFINITY);
            steps += at + 1;
            right += usize::from(trajectory[at].right);
            while at < last {
                let then = next(at + 1, scores[at]);
                let right = |i: usize| i8::from(trajectory[i].right);
                events.push(Event {
                    score: scores[at],
                    steps: (then - at) as u32,
                    right: right(then) - right(at),
                });
                at = then;
            }
        }
        events.sort_unstable_by(|a, b| a.score.total_cmp(&b.score));
        let mut least = f32::NEG_INFINITY;
        for group in events.chunk_by(|a, b| a.score == b.score) {
            tell(Found {
                least,
                below: group[0].score,
                steps,
                right,
            });
            least = group[0].score;
            for event in group {
                steps += event.steps as usize;
                right = right.wrapping_add_signed(event.right.into());
            }
        }
        tell(Found {
            least,
            below: f32::INFINITY,
            steps,
            right,
        });
    }
}

impl Found {
    /// The rule with a round threshold in the middle of the range; `None` if no setting is there.
    fn rule(self, family: Family) -> Option<Rule> {
        let Found { least, below, .. } = self;
        let positive = |threshold: f32| Some(-threshold).filter(|&t| t > 0.0);
        match family {
            Family::Halt => between(least, below).map(|logit| Rule::Halt { logit }),
            Family::Stable => Some(Rule::Stable {
                steps: 1 + least.max(0.0) as usize,
            }),
            // Above zero no spread and no residual can be small enough: their thresholds end there.
            Family::Plateau(steps) => {
                let change = positive(between(least, below.min(0.0))?)?;
                Some(Rule::Plateau(Plateau { change, steps }))
            }
            Family::Residual => {
                let below = positive(between(least, below.min(0.0))?)?;
                Some(Rule::Residual { below })
            }
        }
    }
}

/// The number with the fewest decimals in the middle half of `least <= number < below`; where one end is open, not much
/// beyond what occurred.
fn between(least: f32, below: f32) -> Option<f32> {
    if least == f32::INFINITY {
        return None;
    }
    let far = |end: f32| if end == 0.0 { 1e-3 } else { end.abs() / 4.0 };
    let (least, below) = match (least.is_finite(), below.is_finite()) {
        (true, true) => (least, below),
        (true, false) => (least, (least + far(least)).min(f32::MAX)),
        (false, true) => ((below - far(below)).max(f32::MIN), below),
        (false, false) => (0.0, 1.0),
    };
    let middle = f64::from(least).midpoint(below.into());
    let quarter = (f64::from(below) - f64::from(least)) / 4.0;
    let rounded = |decimals: i32| {
        let unit = 10f64.powi(decimals);
        ((middle * unit).round() / unit) as f32
    };
    let in_the_middle = |n: &f32| (f64::from(*n) - middle).abs() <= quarter;
    let candidates = (-3..12).map(rounded).filter(in_the_middle);
    let mut candidates = candidates.chain([middle as f32, least]);
    candidates.find(|n| (least..below).contains(n))
}

#[cfg(test)]
mod tests;
