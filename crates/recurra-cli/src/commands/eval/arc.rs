//! ARC tasks: pass@1 and pass@2, the ways in which they are counted.

use super::Args;
use crate::arc::{ArcData, answer};
use crate::exit::{Exit, UsageError};
use recurra::tasks::arc::Score;
use serde::Serialize;
use std::fmt::Write as _;
use std::io::Write;
use std::time::Instant;

/// What `--json` prints.
#[derive(Serialize)]
struct Report {
    tasks: usize,
    outputs: usize,
    /// Tasks whose demonstrations the model has not learnt.
    unknown: usize,
    /// Tasks and files that could not be read.
    refused: usize,
    /// Forms asked of all test inputs.
    votes: usize,
    /// Of those, answers with no grid in them.
    blank: usize,
    #[serde(rename = "pass@1")]
    first: Passed,
    #[serde(rename = "pass@2")]
    second: Passed,
    seconds: f64,
}

#[derive(Serialize, Clone, Copy)]
struct Passed {
    by_task: f64,
    by_output: f64,
    by_whole_task: f64,
    solved: usize,
}

impl From<Score> for Passed {
    fn from(score: Score) -> Self {
        Passed {
            by_task: score.by_task(),
            by_output: score.by_output(),
            by_whole_task: score.by_whole_task(),
            solved: score.solved,
        }
    }
}

/// Runs the command for an ARC model.
pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    if args.curves.is_some() {
        let text = "--curves: expected a model for puzzles, found one for ARC-AGI";
        return Err(UsageError(text.into()).into());
    }
    let (solver, options) = args.thinking.arc_solver(&args.model, &args.arc)?;
    let data = ArcData::open(args.data())?;
    let refused = data.refused.count();
    let mut tasks = data.measured();
    tasks.truncate(args.limit.map_or(usize::MAX, |limit| limit as usize));
    let started = Instant::now();
    let answers = answer(&solver, &options, &tasks)?;
    let submission = &answers.submission;
    let [first, second] = [1, 2].map(|attempts| submission.score(&tasks, attempts));
    let report = Report {
        tasks: first.tasks,
        outputs: first.outputs,
        unknown: tasks
            .iter()
            .filter(|task| !solver.knows(&task.name))
            .count(),
        refused,
        votes: answers.votes,
        blank: answers.blank,
        first: first.into(),
        second: second.into(),
        seconds: started.elapsed().as_secs_f64(),
    };
    args.arc.write(submission)?;
    let text = if args.json {
        serde_json::to_string(&report)? + "\n"
    } else {
        table(&report)
    };
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(Exit::refused(refused > 0))
}

fn table(report: &Report) -> String {
    let mut text = format!(
        "{} tasks, {} test inputs, {:.1} answers to each, {:.1} s\n",
        report.tasks,
        report.outputs,
        report.votes as f64 / report.outputs.max(1) as f64,
        report.seconds
    );
    if report.unknown > 0 {
        writeln!(text, "{} tasks not learnt", report.unknown).expect("a string takes any text");
    }
    for (name, passed) in [("pass@1", report.first), ("pass@2", report.second)] {
        writeln!(
            text,
            "{name}  {:.2} % by task, {:.2} % by output ({} solved), {:.2} % of tasks whole",
            100.0 * passed.by_task,
            100.0 * passed.by_output,
            passed.solved,
            100.0 * passed.by_whole_task
        )
        .expect("a string takes any text");
    }
    text
}
