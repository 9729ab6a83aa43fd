//! `recurra train --dry-run`: what a training would take, found out by some of its steps; nothing is written.

use super::data::Notes;
use super::limits::{self, Memory};
use super::run::{Beginning, Budget, Run};
use crate::exit::{UsageError, count};
use crate::memory::{free, resident, told};
use recurra::kernels::Precision;
use recurra::model::TrmWeights;
use recurra::tasks::TaskSpec;
use recurra::train::Group;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// Puzzles that are generated to train on, relative to the samples of a batch: no step is to wait for them.
const BATCHES: usize = 4;
/// How long steps of each depth are measured, at least, and how many are.
const MEASURED: Duration = Duration::from_secs(1);
const STEPS: usize = 3;
/// Shares of a training that is done where its recursion has each of its depths, and how much of the training that is.
const DEPTHS: [(f64, f64); 3] = [(0.0, 0.3), (0.45, 0.3), (0.9, 0.4)];

/// Says what a training would take.
pub(super) fn rehearse(
    output: &Path,
    mut beginning: Beginning,
    threads: usize,
    group: Box<dyn Group>,
) -> anyhow::Result<()> {
    if group.size() > 1 {
        let text = "--dry-run: expected one process; memory and speed are those of each";
        return Err(UsageError(text.into()).into());
    }
    let notes = beginning.notes.clone();
    let least = Memory::of(&beginning.config, &beginning.train, threads).total();
    let weights = TrmWeights::count(&beginning.config);
    let (batch, precision) = (beginning.train.batch_size, beginning.train.precision);
    let budget = notes.budget.unwrap_or(Budget::Seconds(600.0));
    // As many puzzles as make no difference to a step.
    let few = |pool: usize| pool.min(BATCHES * batch);
    beginning.notes.pool = few(notes.pool);
    for part in &mut beginning.notes.others {
        part.pool = few(part.pool);
    }
    let generated: usize = pools(&beginning.notes).sum();
    let began = Instant::now();
    // Those that measure cost nothing where they need not be generated.
    let only_data = notes.data.is_some() && notes.others.is_empty();
    let tests = if only_data { usize::MAX } else { 0 };
    let mut run = Run::assemble(output, beginning, tests, threads, group)?;
    let prepared = began.elapsed().as_secs_f64();

    let mut seconds = Vec::new();
    for (progress, share) in DEPTHS {
        seconds.push((
            run.depth(progress),
            run.time_steps(progress, STEPS, MEASURED)?,
            share,
        ));
    }
    // The steps have taken what all of them need.
    let memory = resident().unwrap_or(least);
    let puzzles = limits::pool_bytes(&notes)?;
    let mean: f64 = seconds
        .iter()
        .map(|(_, seconds, share)| share * seconds)
        .sum();
    let rate = |seconds: f64| {
        let digits = if seconds < 0.1 { 0 } else { 2 };
        format!("{:.digits$}", 1.0 / seconds)
    };

    let mut lines = vec![
        format!(
            "{}: {weights} weights, {}, {}, {} in a batch",
            notes.describe_tasks(),
            Precision::from(precision),
            count(threads as u64, "thread"),
            count(batch as u64, "sample")
        ),
        format!(
            "memory: about {}, of which puzzles take {}; {} more are free",
            told(memory.saturating_add(puzzles)),
            told(puzzles),
            told(free())
        ),
    ];
    if seconds.windows(2).all(|pair| pair[0].0 == pair[1].0) {
        lines.push(format!("speed: {} training steps a second", rate(mean)));
    } else {
        let of = seconds.iter().zip(["at first", "after 30 %", "after 60 %"]);
        let of = of.map(|((_, seconds, _), when)| format!("{} {when}", rate(*seconds)));
        let of = of.collect::<Vec<_>>().join(", ");
        lines.push(format!(
            "speed: {} training steps a second on average ({of})",
            rate(mean)
        ));
    }
    lines.push(match budget {
        Budget::Steps(steps) => format!(
            "{budget}: {} minutes, {} samples",
            minutes(steps as f64 * mean),
            steps * batch as u64
        ),
        Budget::Seconds(seconds) => {
            let steps = (seconds / mean) as u64;
            format!("{budget}: {steps} steps, {} samples", steps * batch as u64)
        }
    });
    lines.push(match notes.data {
        Some(_) => format!("data: {}", run.describe_data()),
        None => {
            let all: usize = pools(&notes).sum();
            let seconds = prepared * all as f64 / generated.max(1) as f64;
            format!(
                "puzzles: {all} to generate first, about {} minutes",
                minutes(seconds)
            )
        }
    });
    lines.push("held-out puzzles are asked up to ten times besides; nothing was written".into());
    Ok(writeln!(std::io::stdout(), "{}", lines.join("\n"))?)
}

/// Puzzles to generate of each task.
fn pools(notes: &Notes) -> impl Iterator<Item = usize> {
    let first = match (&notes.data, &notes.task) {
        (None, task) if *task != TaskSpec::Arc => notes.pool,
        _ => 0,
    };
    std::iter::once(first).chain(notes.others.iter().map(|part| part.pool))
}

/// Seconds as minutes.
fn minutes(seconds: f64) -> String {
    match seconds / 60.0 {
        minutes if minutes < 10.0 => format!("{minutes:.1}"),
        minutes => format!("{minutes:.0}"),
    }
}
