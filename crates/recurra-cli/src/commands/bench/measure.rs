//! Measures everything in turn, round after round.

use super::batch::Batch;
use super::peaks::{self, Memory};
use super::report::{Against, Bandwidth, Packed, Peak, Report, Step};
use super::timed::{Timed, in_turn};
use super::{Args, Subject, machine, pack};
use recurra::kernels::Isa;
use recurra::model::TrmWeights;
use std::sync::Arc;

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
