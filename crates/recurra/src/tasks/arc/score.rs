//! How many tests were solved, counted the three ways that are in use.

use super::Grid;

/// The place of the right answer among attempts, counted from 0.
pub fn rank<'a>(attempts: impl IntoIterator<Item = &'a Grid>, answer: &Grid) -> Option<usize> {
    attempts.into_iter().position(|attempt| attempt == answer)
}

/// What a number of attempts at each test input solved: "pass@k".
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// Attempts allowed; the competition allows two.
    pub attempts: usize,
    /// Tasks scored.
    pub tasks: usize,
    /// Tasks with every test input solved.
    pub whole_tasks: usize,
    /// Test inputs scored.
    pub outputs: usize,
    /// Test inputs for which one of the attempts was right.
    pub solved: usize,
    /// Sum over tasks of the share of their test inputs that were solved.
    shares: f64,
}

impl Score {
    /// Nothing scored yet.
    pub fn new(attempts: usize) -> Self {
        Score {
            attempts,
            tasks: 0,
            whole_tasks: 0,
            outputs: 0,
            solved: 0,
            shares: 0.0,
        }
    }

    /// Adds a task: for each of its test inputs the [`rank`] of the right answer. A task with none is not counted.
    pub fn add(&mut self, ranks: &[Option<usize>]) {
        if ranks.is_empty() {
            return;
        }
        let right = |rank: &&Option<usize>| rank.is_some_and(|rank| rank < self.attempts);
        let solved = ranks.iter().filter(right).count();
        self.tasks += 1;
        self.whole_tasks += usize::from(solved == ranks.len());
        self.outputs += ranks.len();
        self.solved += solved;
        self.shares += solved as f64 / ranks.len() as f64;
    }

    /// Mean over tasks of the share of test inputs solved: how the ARC Prize scores on its leaderboard, and how the
    /// reference implementation scores. 0 where nothing was scored.
    pub fn by_task(&self) -> f64 {
        self.shares / self.tasks.max(1) as f64
    }

    /// Share of all test inputs that were solved: how the competition on Kaggle scores a submission. 0 where nothing
    /// was scored.
    pub fn by_output(&self) -> f64 {
        self.solved as f64 / self.outputs.max(1) as f64
    }

    /// Share of the tasks with every test input solved: the original definition of 2019. 0 where nothing was scored.
    pub fn by_whole_task(&self) -> f64 {
        self.whole_tasks as f64 / self.tasks.max(1) as f64
    }
}
