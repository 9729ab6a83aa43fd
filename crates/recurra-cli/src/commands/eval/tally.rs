//! Counting right answers.

use super::report::{Level, Levels, Report};
use crate::known::Known;
use recurra::solver::Answer;
use recurra::tasks::Task;
use recurra::tasks::dataset::IGNORED;
use recurra::tasks::task::PAD;
use recurra::thinking::StopReason;
use std::collections::BTreeMap;
use std::time::Duration;

/// Counts so far.
#[derive(Default)]
pub(super) struct Tally {
    all: Counts,
    levels: [Counts; 4],
    verified_other: u64,
    judged: BTreeMap<&'static str, u64>,
    cells: u64,
    cells_right: u64,
    /// Answers that stopped after 1, 2, … steps, and how many of them are exact.
    steps: Vec<Counts>,
    steps_sum: u64,
    /// Answers after 0, 1, … restarts.
    restarts: Vec<Counts>,
    restarts_sum: u64,
    /// By [`StopReason::ALL`].
    stopped: [u64; StopReason::ALL.len()],
    /// Of each answer.
    seconds: Vec<f32>,
    /// Lines that could not be used.
    pub(super) refused: u64,
    /// Whether the task's rules can prove an answer.
    proves: bool,
}

#[derive(Default, Clone, Copy)]
struct Counts {
    count: u64,
    exact: u64,
    verified: u64,
}

impl Counts {
    fn add(&mut self, exact: bool, verified: bool) {
        self.count += 1;
        self.exact += u64::from(exact);
        self.verified += u64::from(verified);
    }

    fn share_exact(self) -> Option<f64> {
        (self.count > 0).then(|| share(self.exact, self.count))
    }

    fn level(self, proves: bool) -> Option<Level> {
        (self.count > 0).then(|| Level {
            count: self.count,
            exact: share(self.exact, self.count),
            verified: proves.then(|| share(self.verified, self.count)),
        })
    }
}

/// The count of that place, which is made if it is not there.
fn at(counts: &mut Vec<Counts>, place: usize) -> &mut Counts {
    if counts.len() <= place {
        counts.resize(place + 1, Counts::default());
    }
    &mut counts[place]
}

fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

impl Tally {
    /// Puzzles answered.
    pub(super) fn count(&self) -> u64 {
        self.all.count
    }

    /// Counts an answer. Says whether it is the known one.
    pub(super) fn add(&mut self, task: &dyn Task, known: &Known, answer: &Answer) -> bool {
        let cells = known.pair.answer.iter().zip(&answer.tokens);
        let asked = cells.filter(|(known, _)| ![PAD, IGNORED].contains(*known));
        let mut exact = true;
        for (known, found) in asked {
            self.cells += 1;
            self.cells_right += u64::from(known == found);
            exact &= known == found;
        }
        let verified = answer.verified == Some(true);
        // Rules that are no proof find some answers wrong, and none right.
        self.proves |= answer.verified.is_some() && task.proves();
        self.all.add(exact, verified);
        self.verified_other += u64::from(verified && !exact);
        for (name, holds) in task.judge(&known.pair.question, &answer.tokens) {
            *self.judged.entry(name).or_default() += u64::from(holds);
        }
        if let Some(rating) = known.rating {
            let level = match rating {
                0 => 0,
                1..=4 => 1,
                5..=19 => 2,
                _ => 3,
            };
            self.levels[level].add(exact, verified);
        }
        at(&mut self.steps, answer.steps - 1).add(exact, verified);
        at(&mut self.restarts, answer.restarts).add(exact, verified);
        let reasons = StopReason::ALL.iter().zip(&mut self.stopped);
        for (_, count) in reasons.filter(|(reason, _)| **reason == answer.stopped) {
            *count += 1;
        }
        self.seconds.push(answer.seconds as f32);
        self.steps_sum += answer.steps as u64;
        self.restarts_sum += answer.restarts as u64;
        exact
    }

    /// One short text for the progress bar.
    pub(super) fn headline(&self) -> String {
        if self.all.count == 0 {
            return String::new();
        }
        let exact = 100.0 * share(self.all.exact, self.all.count);
        format!("exact {exact:.1} %")
    }

    /// Shares of exact and of verified answers with at most 0, 1, 2, 4, … restarts, up to the most that were needed. The
    /// last counts all answers.
    pub(super) fn by_restarts(&self) -> Vec<(usize, [f64; 2])> {
        let most = self.restarts.len() - 1;
        let powers = (0..usize::BITS).map(|i| 1 << i);
        let powers = powers.take_while(|&r| r < most);
        let points = [0].into_iter().chain(powers).chain([most]);
        let mut points: Vec<usize> = points.collect();
        points.dedup();
        let shares = |restarts: usize| {
            let within = &self.restarts[..=restarts];
            let exact = within.iter().map(|c| c.exact).sum();
            let verified = within.iter().map(|c| c.verified).sum();
            [exact, verified].map(|count| share(count, self.all.count))
        };
        points.into_iter().map(|r| (r, shares(r))).collect()
    }

    /// The result. At least one puzzle must have been answered.
    pub(super) fn report(mut self, thinking: Duration, restarts: bool) -> Report {
        let all = self.all;
        let seconds = thinking.as_secs_f64();
        let [easy, medium, hard, extreme] = self.levels.map(|counts| counts.level(self.proves));
        let rated = [easy, medium, hard, extreme].iter().any(Option::is_some);
        self.seconds.sort_by(f32::total_cmp);
        // The smallest that 99 of 100 do not exceed.
        let p99 = self.seconds[(self.seconds.len() * 99).div_ceil(100) - 1];
        let of_one = self.seconds.iter().map(|&s| f64::from(s)).sum::<f64>() / all.count as f64;
        let stopped = StopReason::ALL.iter().zip(self.stopped);
        let stopped = stopped.filter(|(_, count)| *count > 0);
        Report {
            count: all.count,
            exact: share(all.exact, all.count),
            cell: share(self.cells_right, self.cells),
            verified: self.proves.then(|| share(all.verified, all.count)),
            verified_other: self.proves.then_some(self.verified_other),
            judged: self
                .judged
                .iter()
                .map(|(&name, &n)| (name, share(n, all.count)))
                .collect(),
            mean_steps: share(self.steps_sum, all.count),
            mean_restarts: restarts.then(|| share(self.restarts_sum, all.count)),
            steps: self.steps.iter().map(|c| c.count).collect(),
            exact_by_steps: self.steps.iter().map(|c| c.share_exact()).collect(),
            stopped: stopped
                .map(|(reason, count)| (reason.name(), count))
                .collect(),
            refused: self.refused,
            seconds,
            puzzles_per_second: all.count as f64 / seconds,
            mean_seconds: of_one,
            p99_seconds: p99.into(),
            levels: rated.then_some(Levels {
                easy,
                medium,
                hard,
                extreme,
            }),
        }
    }
}
