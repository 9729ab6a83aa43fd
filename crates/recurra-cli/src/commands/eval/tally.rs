//! Counting right answers.

use super::Known;
use recurra::solver::Answer;
use serde::Serialize;
use std::fmt::Write;
use std::time::Duration;

/// Counts so far.
#[derive(Default)]
pub(super) struct Tally {
    all: Counts,
    levels: [Counts; 4],
    cells: u64,
    cells_right: u64,
    steps: Vec<u64>,
    steps_sum: u64,
    restarts_sum: u64,
    /// Lines that could not be used.
    pub(super) refused: u64,
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

    fn level(self) -> Option<Level> {
        (self.count > 0).then(|| Level {
            count: self.count,
            exact: share(self.exact, self.count),
            verified: share(self.verified, self.count),
        })
    }
}

fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

impl Tally {
    /// Puzzles answered.
    pub(super) fn count(&self) -> u64 {
        self.all.count
    }

    /// Counts an answer.
    pub(super) fn add(&mut self, known: &Known, answer: &Answer) {
        let pairs = || known.answer.cells().iter().zip(answer.grid.cells());
        let right = pairs().filter(|(known, found)| known == found).count();
        self.cells += known.answer.cells().len() as u64;
        self.cells_right += right as u64;
        let exact = known.answer == answer.grid;
        let verified = answer.verified == Some(true);
        self.all.add(exact, verified);
        if let Some(rating) = known.rating {
            let level = match rating {
                0 => 0,
                1..=4 => 1,
                5..=19 => 2,
                _ => 3,
            };
            self.levels[level].add(exact, verified);
        }
        if self.steps.len() < answer.steps {
            self.steps.resize(answer.steps, 0);
        }
        self.steps[answer.steps - 1] += 1;
        self.steps_sum += answer.steps as u64;
        self.restarts_sum += answer.restarts as u64;
    }

    /// One short text for the progress bar.
    pub(super) fn headline(&self) -> String {
        if self.all.count == 0 {
            return String::new();
        }
        let exact = 100.0 * share(self.all.exact, self.all.count);
        format!("exact {exact:.1} %")
    }

    /// The result. At least one puzzle must have been answered.
    pub(super) fn report(self, thinking: Duration, restarts: bool) -> Report {
        let all = self.all;
        let seconds = thinking.as_secs_f64();
        let [easy, medium, hard, extreme] = self.levels.map(Counts::level);
        let rated = [easy, medium, hard, extreme].iter().any(Option::is_some);
        Report {
            count: all.count,
            exact: share(all.exact, all.count),
            cell: share(self.cells_right, self.cells),
            verified: share(all.verified, all.count),
            mean_steps: share(self.steps_sum, all.count),
            mean_restarts: restarts.then(|| share(self.restarts_sum, all.count)),
            steps: self.steps,
            refused: self.refused,
            seconds,
            puzzles_per_second: all.count as f64 / seconds,
            levels: rated.then_some(Levels {
                easy,
                medium,
                hard,
                extreme,
            }),
        }
    }
}

/// What `--json` prints.
#[derive(Serialize)]
pub(super) struct Report {
    count: u64,
    exact: f64,
    cell: f64,
    verified: f64,
    mean_steps: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    mean_restarts: Option<f64>,
    steps: Vec<u64>,
    refused: u64,
    seconds: f64,
    puzzles_per_second: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    levels: Option<Levels>,
}

#[derive(Serialize)]
struct Levels {
    #[serde(skip_serializing_if = "Option::is_none")]
    easy: Option<Level>,
    #[serde(skip_serializing_if = "Option::is_none")]
    medium: Option<Level>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hard: Option<Level>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extreme: Option<Level>,
}

#[derive(Serialize, Clone, Copy)]
struct Level {
    count: u64,
    exact: f64,
    verified: f64,
}

/// Most rows of the histogram for people.
const ROWS: usize = 16;

impl Report {
    /// The same for people.
    pub(super) fn table(&self) -> String {
        let mut text = String::new();
        let mut row = |name: &str, value: String| {
            writeln!(text, "{name:<14} {value:>12}").expect("strings can be written to");
        };
        let percent = |share: f64| format!("{:.2} %", 100.0 * share);
        row("puzzles", self.count.to_string());
        row("refused", self.refused.to_string());
        row("exact", percent(self.exact));
        row("cell", percent(self.cell));
        row("verified", percent(self.verified));
        row("mean steps", format!("{:.2}", self.mean_steps));
        if let Some(restarts) = self.mean_restarts {
            row("mean restarts", format!("{restarts:.2}"));
        }
        row("seconds", format!("{:.2}", self.seconds));
        row("puzzles/s", format!("{:.1}", self.puzzles_per_second));
        if let Some(levels) = &self.levels {
            text += &format!(
                "\n{:<14} {:>12} {:>10} {:>10}\n",
                "level", "puzzles", "exact", "verified"
            );
            for (name, level) in [
                ("easy", levels.easy),
                ("medium", levels.medium),
                ("hard", levels.hard),
                ("extreme", levels.extreme),
            ] {
                if let Some(level) = level {
                    let (exact, verified) = (percent(level.exact), percent(level.verified));
                    text += &format!(
                        "{name:<14} {:>12} {exact:>10} {verified:>10}\n",
                        level.count
                    );
                }
            }
        }
        text += &format!("\n{:<14} {:>12}\n", "steps", "puzzles");
        let width = self.steps.len().div_ceil(ROWS).max(1);
        for (i, counts) in self.steps.chunks(width).enumerate() {
            let (first, last) = (i * width + 1, i * width + counts.len());
            let name = if first == last {
                first.to_string()
            } else {
                format!("{first} to {last}")
            };
            let count: u64 = counts.iter().sum();
            let length = (40.0 * share(count, self.count)).round() as usize;
            let line = format!("{name:<14} {count:>12}  {}", "#".repeat(length));
            text += line.trim_end();
            text.push('\n');
        }
        text
    }
}
