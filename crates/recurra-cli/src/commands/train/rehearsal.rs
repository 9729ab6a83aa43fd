//! `recurra train --dry-run`: what a training would take, found out by some of its steps; nothing is written.

use super::budget::Budget;
use super::data::Notes;
use super::limits::{self, Memory};
use super::run::{Beginning, Run};
use crate::exit::{UsageError, count};
use crate::memory::{free, resident, told};
use recurra::kernels::Precision;
use recurra::model::TrmWeights;
use recurra::train::Group;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// Puzzles that are generated to train on, relative to the samples of a batch: no step is to wait for them.
const BATCHES: usize = 4;
/// How long steps of each depth are measured, at least, and how many are.
const MEASURED: Duration = Duration::from_secs(1);
const STEPS: usize = 3;
/// Parts of a training at which the depth of its recursion is looked at.
const PARTS: u32 = 20;

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
    let budget = notes.budget.unwrap_or(Budget::USUAL);
    // As many puzzles as make no difference to a step.
    let few = |pool: usize| pool.min(BATCHES * batch);
    beginning.notes.pool = few(notes.pool);
    for part in &mut beginning.notes.others {
        part.pool = few(part.pool);
    }
    let generated = to_generate(&beginning.notes);
    let began = Instant::now();
    // Those that measure cost nothing where they need not be generated.
    let tests = if generated == 0 { usize::MAX } else { 0 };
    let mut run = Run::assemble(output, beginning, tests, threads, group)?;
    let prepared = began.elapsed().as_secs_f64();

    let mut phases = phases(&run);
    for phase in &mut phases {
        phase.seconds = run.time_steps(phase.begin, STEPS, MEASURED)?;
    }
    // The steps have taken what all of them need.
    let memory = resident().unwrap_or(least);
    let puzzles = limits::pool_bytes(&notes)?;
    let mean: f64 = phases.iter().map(|p| p.share * p.seconds).sum();
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
    let mean_rate = rate(mean);
    lines.push(match &phases[..] {
        [_] => format!("speed: {mean_rate} training steps a second"),
        several => {
            let of = several.iter().map(|phase| match phase.begin {
                0.0 => format!("{} at first", rate(phase.seconds)),
                begin => format!("{} after {:.0} %", rate(phase.seconds), 100.0 * begin),
            });
            let of = of.collect::<Vec<_>>().join(", ");
            format!("speed: {mean_rate} training steps a second on average ({of})")
        }
    });
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
    lines.push(match to_generate(&notes) {
        0 => format!("data: {}", run.describe_data()),
        all => {
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

/// A part of a training whose recursion has one depth.
struct Phase {
    /// The share of the training that is done when it begins, and its own.
    begin: f64,
    share: f64,
    /// Of one of its steps.
    seconds: f64,
}

fn phases(run: &Run) -> Vec<Phase> {
    let mut phases: Vec<Phase> = Vec::new();
    let (part, mut last) = (1.0 / f64::from(PARTS), None);
    for number in 0..PARTS {
        let begin = f64::from(number) * part;
        let depth = Some(run.depth(begin + 0.5 * part));
        match phases.last_mut().filter(|_| depth == last) {
            Some(phase) => phase.share += part,
            None => phases.push(Phase {
                begin,
                share: part,
                seconds: 0.0,
            }),
        }
        last = depth;
    }
    phases
}

/// Puzzles to generate, of all tasks.
fn to_generate(notes: &Notes) -> usize {
    notes.parts().map(|part| part.generated()).sum()
}

/// Seconds as minutes.
fn minutes(seconds: f64) -> String {
    match seconds / 60.0 {
        minutes if minutes < 10.0 => format!("{minutes:.1}"),
        minutes => format!("{minutes:.0}"),
    }
}
