//! Measures everything in turn, round after round.

use super::batch::Batch;
use super::peaks::{self, Memory};
use super::report::{Against, Bandwidth, Packed, Peak, Report, Step};
use super::{Args, Subject, machine, pack};
use crate::progress;
use recurra::kernels::Isa;
use recurra::model::TrmWeights;
use std::sync::Arc;
use std::time::{Duration, Instant};

const LEAST_ROUNDS: usize = 3;
/// How long one measurement takes at least: clocks are coarse and threads need time to wake up.
pub(super) const LEAST_TIME: Duration = Duration::from_millis(20);

/// One thing to time, again and again.
pub(super) struct Timed<'a> {
    /// Does it once and returns how much that was.
    go: Box<dyn FnMut() -> u64 + 'a>,
    work: u64,
    /// Of one go, for each round.
    seconds: Vec<f64>,
}

impl<'a> Timed<'a> {
    pub(super) fn new(go: impl FnMut() -> u64 + 'a) -> Self {
        Timed {
            go: Box::new(go),
            work: 0,
            seconds: Vec::new(),
        }
    }

    /// Measures once: as many goes as the clock needs.
    fn measure(&mut self) {
        let (started, mut goes) = (Instant::now(), 0u32);
        let total = loop {
            self.work = (self.go)();
            goes += 1;
            let elapsed = started.elapsed();
            if elapsed >= LEAST_TIME {
                break elapsed;
            }
        };
        self.seconds.push(total.as_secs_f64() / f64::from(goes));
    }

    /// Seconds of one go.
    fn median(&self) -> f64 {
        let mut sorted = self.seconds.clone();
        sorted.sort_by(f64::total_cmp);
        let n = sorted.len();
        (sorted[(n - 1) / 2] + sorted[n / 2]) / 2.0
    }

    /// Billions of units of work a second.
    fn giga_per_second(&self) -> f64 {
        self.work as f64 / self.median() / 1e9
    }
}

/// Measures the subject and the machine.
pub(super) fn measure(args: &Args, subject: &Subject, threads: usize) -> anyhow::Result<Report> {
    let (isa, config) = (subject.variants[0].weights.isa(), subject.config());
    let flops = config.flops_per_step();
    let mut counts = vec![1];
    counts.extend((threads > 1).then_some(threads));
    let mut batches = vec![1];
    batches.extend((args.batch > 1).then_some(args.batch));

    let memory = Memory::new(threads);
    let mut arithmetic = peaks::arithmetic(isa, &counts);
    let mut bandwidths = memory.limits(isa, &counts);
    let mut steps = Vec::new();
    for variant in &subject.variants {
        for &size in &batches {
            for &threads in &counts {
                let mut batch = Batch::new(&variant.weights, size, threads)?;
                let bytes = batch.buffer_bytes();
                let timed = Timed::new(move || {
                    batch.step();
                    flops * size as u64
                });
                steps.push((variant, size, threads, bytes, timed));
            }
        }
    }
    let mut against = args.against.map(|isa| other(isa, subject)).transpose()?;

    let mut all: Vec<&mut Timed<'_>> = Vec::new();
    all.extend(arithmetic.iter_mut().map(|limit| &mut limit.timed));
    all.extend(steps.iter_mut().map(|(.., timed)| timed));
    all.extend(against.as_mut().map(|(_, timed)| timed));
    all.extend(bandwidths.iter_mut().map(|limit| &mut limit.timed));
    let rounds = in_turn(&mut all, args.seconds);

    let peak: Vec<Peak> = arithmetic
        .iter()
        .map(|limit| Peak {
            arithmetic: limit.what,
            threads: limit.threads,
            gflops: limit.timed.giga_per_second(),
        })
        .collect();
    let step: Vec<Step> = steps
        .iter()
        .map(|(variant, batch, threads, bytes, timed)| {
            // Of the packed weights: where there are no products of bfloat16, it is multiplied as f32.
            let limit = peaks::limit(variant.weights.precision());
            let (ms, gflops) = (1e3 * timed.median(), timed.giga_per_second());
            let peak = peak
                .iter()
                .find(|p| (p.arithmetic, p.threads) == (limit, *threads));
            Step {
                precision: variant.precision.name(),
                batch: *batch,
                threads: *threads,
                ms_per_step: ms,
                ms_per_sample: ms / *batch as f64,
                gflops,
                share_of_peak: peak.map(|peak| gflops / peak.gflops),
                buffer_bytes: *bytes,
            }
        })
        .collect();
    Ok(Report {
        model: subject.name.clone(),
        weights: TrmWeights::count(config),
        flops_per_step: flops,
        packed: subject.variants.iter().map(Packed::of).collect(),
        cpu: machine::cpu(),
        instruction_set: isa.name(),
        rounds,
        peak,
        memory: bandwidths
            .iter()
            .map(|limit| Bandwidth {
                level: limit.what.level,
                bytes: limit.what.bytes,
                threads: limit.threads,
                gb_per_s: limit.timed.giga_per_second(),
            })
            .collect(),
        against: against.map(|(isa, timed)| {
            let ms = 1e3 * timed.median();
            Against {
                instruction_set: isa.name(),
                ms_per_step: ms,
                times: ms / step[0].ms_per_step,
            }
        }),
        step,
    })
}

/// One sample on one thread on another instruction set, in the first precision.
fn other(isa: Isa, subject: &Subject) -> anyhow::Result<(Isa, Timed<'static>)> {
    let weights = pack(isa, &subject.model, subject.variants[0].precision)?;
    let mut batch = Batch::new(&Arc::new(weights), 1, 1)?;
    let timed = Timed::new(move || {
        batch.step();
        1
    });
    Ok((isa, timed))
}

/// Measures all in turn for about so long, and returns how many rounds that was.
fn in_turn(all: &mut [&mut Timed<'_>], seconds: f64) -> usize {
    let bar = progress::bar(None, "rounds");
    let started = Instant::now();
    let mut rounds = 0;
    while rounds < LEAST_ROUNDS || started.elapsed().as_secs_f64() < seconds {
        all.iter_mut().for_each(|timed| timed.measure());
        rounds += 1;
        bar.inc(1);
    }
    bar.finish_and_clear();
    rounds
}
