//! `recurra bench --worker`: measures when asked, so that another program can measure rivals in turn with it.

use super::batch::{self, Batch};
use super::{Subject, machine};
use crate::exit::Exit;
use recurra::model::TrmWeights;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::{BufRead, Write};
use std::time::Instant;

/// The first line.
#[derive(Serialize)]
struct Hello<'a> {
    model: &'a str,
    version: &'static str,
    weights: usize,
    flops_per_step: u64,
    precision: &'static str,
    packed_bytes: usize,
    cpu: Option<String>,
    instruction_set: &'static str,
    /// The most that a request may ask for.
    threads: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    batch: usize,
    threads: usize,
    /// How long to go on; one step is made in any case.
    seconds: f64,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Answer {
    Done { ms_per_step: f64, steps: u64 },
    Failed { error: String },
}

/// Answers requests until there are no more.
pub(super) fn run(subject: &Subject, threads: usize) -> anyhow::Result<Exit> {
    let mut out = std::io::stdout().lock();
    let variant = &subject.variants[0];
    let hello = Hello {
        model: &subject.name,
        version: env!("CARGO_PKG_VERSION"),
        weights: TrmWeights::count(subject.config()),
        flops_per_step: subject.config().flops_per_step(),
        precision: variant.precision.name(),
        packed_bytes: variant.weights.bytes(),
        cpu: machine::cpu(),
        instruction_set: variant.weights.isa().name(),
        threads,
    };
    writeln!(out, "{}", serde_json::to_string(&hello)?)?;
    let mut batches = HashMap::new();
    let mut exit = Exit::Done;
    for line in std::io::stdin().lock().lines() {
        let answer = answer(&line?, subject, threads, &mut batches).unwrap_or_else(|error| {
            exit = Exit::Refused;
            let error = error.to_string();
            Answer::Failed { error }
        });
        writeln!(out, "{}", serde_json::to_string(&answer)?)?;
    }
    Ok(exit)
}

/// `batches` keeps the engines of each batch size and number of threads from one request to the next.
fn answer(
    line: &str,
    subject: &Subject,
    most_threads: usize,
    batches: &mut HashMap<(usize, usize), Batch>,
) -> anyhow::Result<Answer> {
    let Request {
        batch,
        threads,
        seconds,
    } = serde_json::from_str(line)?;
    let range = |name: &str, value: usize, most: usize| {
        let fits = (1..=most).contains(&value);
        anyhow::ensure!(fits, "{name}: expected 1 to {most}, found {value}");
        Ok(())
    };
    range("batch", batch, batch::MOST)?;
    range("threads", threads, most_threads)?;
    let fits = (0.0..=86_400.0).contains(&seconds);
    anyhow::ensure!(fits, "seconds: expected 0 to 86400, found {seconds}");
    let batch = match batches.entry((batch, threads)) {
        Entry::Occupied(known) => known.into_mut(),
        Entry::Vacant(new) => new.insert(Batch::new(&subject.variants[0].weights, batch, threads)?),
    };
    let (started, mut steps) = (Instant::now(), 0);
    loop {
        batch.step();
        steps += 1;
        let elapsed = started.elapsed().as_secs_f64();
        if elapsed >= seconds {
            let ms_per_step = 1e3 * elapsed / steps as f64;
            return Ok(Answer::Done { ms_per_step, steps });
        }
    }
}
