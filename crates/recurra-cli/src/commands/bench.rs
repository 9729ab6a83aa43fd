//! `recurra bench`: the speed of one improvement step, as a share of what this machine can do.

use crate::exit::Exit;
use crate::progress;
use crate::threads::Threads;
use clap::builder::RangedU64ValueParser;
use rayon::prelude::*;
use recurra::engine::TrmEngine;
use recurra::kernels::{Isa, peak};
use recurra::model::{TrmModel, TrmWeights};
use recurra::{Mixer, Positions, TrmConfig};
use serde::Serialize;
use std::fmt::Write as _;
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Measure the time of one improvement step, and the machine's own peak in the same run
///
/// The peak is multiply-adds on registers, with nothing to load or store. It and the step are measured in turn, and
/// medians are told, so that both see the same clock. A batch of more than one shares its samples out to the threads;
/// a single sample is split over them (if it is large enough to be worth it).
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Model file [default: the reference's Sudoku model of 512 channels, with random weights]
    model: Option<PathBuf>,
    #[command(flatten)]
    threads: Threads,
    /// Samples in the large batch
    #[arg(long, value_name = "B", default_value_t = 32, value_parser = RangedU64ValueParser::<usize>::new().range(1..=65536))]
    batch: usize,
    /// How long to measure, about; three rounds are made in any case
    #[arg(long, value_name = "S", default_value_t = 10.0, value_parser = seconds)]
    seconds: f64,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

const LEAST_ROUNDS: usize = 3;
/// How long one measurement takes at least: clocks are coarse and threads need time to wake up.
const LEAST_TIME: Duration = Duration::from_millis(20);

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.0..=86_400.0).contains(&seconds) => Ok(seconds),
        _ => Err("expected 0 to 86400".into()),
    }
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report {
    model: String,
    weights: usize,
    flops_per_step: u64,
    instruction_set: &'static str,
    rounds: usize,
    peak: Vec<Peak>,
    step: Vec<Step>,
}

/// The machine's f32 peak.
#[derive(Serialize)]
struct Peak {
    threads: usize,
    gflops: f64,
}

/// One improvement step of a batch.
#[derive(Serialize)]
struct Step {
    batch: usize,
    threads: usize,
    /// Milliseconds for the whole batch.
    ms_per_step: f64,
    gflops: f64,
    /// Share of the peak of as many threads.
    share_of_peak: f64,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> anyhow::Result<Exit> {
    let (name, model) = match &args.model {
        Some(path) => (path.display().to_string(), TrmModel::open(path)?),
        None => {
            let config = reference();
            let weights = TrmWeights::random(&config, 0);
            (
                "reference Sudoku model, random weights".to_owned(),
                TrmModel::new(config, None, weights),
            )
        }
    };
    let threads = args.threads.start()?;
    let report = measure(args, name, &model, threads)?;
    let text = if args.json {
        serde_json::to_string(&report)? + "\n"
    } else {
        table(&report)
    };
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(Exit::Done)
}

/// The architecture of the reference's Sudoku model.
fn reference() -> TrmConfig {
    TrmConfig {
        vocab_size: 11,
        seq_len: 81,
        hidden_size: 512,
        num_heads: 8,
        expansion: 4.0,
        num_layers: 2,
        h_cycles: 3,
        l_cycles: 6,
        mixer: Mixer::Mlp,
        positions: Positions::None,
        puzzle_emb_ndim: 512,
        puzzle_emb_len: 16,
        num_puzzle_identifiers: 1,
        halt_max_steps: 16,
        rms_norm_eps: 1e-5,
        rope_theta: 10000.0,
    }
}

/// One thing to time: seconds for one go at it, and the number of operations in that.
type Timed<'a> = Box<dyn FnMut() -> (f64, u64) + 'a>;

fn measure(args: &Args, name: String, model: &TrmModel, threads: usize) -> anyhow::Result<Report> {
    let isa = Isa::detect();
    let config = model.config().clone();
    let flops = config.flops_per_step();
    let mut counts = vec![1];
    counts.extend((threads > 1).then_some(threads));
    let mut batches = vec![1];
    batches.extend((args.batch > 1).then_some(args.batch));
    let mut things: Vec<Timed<'_>> = Vec::new();
    for &threads in &counts {
        let rounds = peak_rounds(isa);
        things.push(Box::new(move || peak_of(isa, rounds, threads)));
    }
    let first = TrmEngine::new(model, 1);
    let weights = first.weights().clone();
    // Which token stands where does not matter to the time.
    let question: Vec<u16> = (0..config.seq_len)
        .map(|i| (i % config.vocab_size) as u16)
        .collect();
    for &batch in &batches {
        for &threads in &counts {
            // A single sample is split over the threads, the samples of a batch are shared out to them.
            let (workers, split) = if batch == 1 {
                (1, threads)
            } else {
                (threads.min(batch), 1)
            };
            let mut engines = Vec::new();
            for _ in 0..workers {
                let mut engine = TrmEngine::with_weights(weights.clone(), split);
                engine.start(&question, 0)?;
                engines.push(engine);
            }
            let one = move || steps_of(&mut engines, batch, flops);
            things.push(Box::new(repeated(one)));
        }
    }
    let mut times: Vec<Vec<f64>> = vec![Vec::new(); things.len()];
    let mut work = vec![0u64; things.len()];
    let bar = progress::bar(None, "rounds");
    let started = Instant::now();
    let mut rounds = 0;
    while rounds < LEAST_ROUNDS || started.elapsed().as_secs_f64() < args.seconds {
        for (i, thing) in things.iter_mut().enumerate() {
            let (seconds, flops) = thing();
            times[i].push(seconds);
            work[i] = flops;
        }
        rounds += 1;
        bar.inc(1);
    }
    bar.finish_and_clear();
    let medians: Vec<f64> = times.into_iter().map(median).collect();
    let gflops = |i: usize| work[i] as f64 / medians[i] / 1e9;
    let peak: Vec<Peak> = counts
        .iter()
        .enumerate()
        .map(|(i, &threads)| Peak {
            threads,
            gflops: gflops(i),
        })
        .collect();
    let mut step = Vec::new();
    for (b, &batch) in batches.iter().enumerate() {
        for (t, &threads) in counts.iter().enumerate() {
            let i = counts.len() * (1 + b) + t;
            step.push(Step {
                batch,
                threads,
                ms_per_step: 1e3 * medians[i],
                gflops: gflops(i),
                share_of_peak: gflops(i) / peak[t].gflops,
            });
        }
    }
    Ok(Report {
        model: name,
        weights: TrmWeights::count(&config),
        flops_per_step: flops,
        instruction_set: isa.name(),
        rounds,
        peak,
        step,
    })
}

/// Rounds of multiply-adds that take one thread about as long as a measurement should.
fn peak_rounds(isa: Isa) -> u64 {
    let mut rounds = 10_000;
    loop {
        let started = Instant::now();
        peak::multiply_adds(isa, rounds);
        if started.elapsed() >= LEAST_TIME {
            return rounds;
        }
        rounds *= 2;
    }
}

fn peak_of(isa: Isa, rounds: u64, threads: usize) -> (f64, u64) {
    let started = Instant::now();
    let flops = if threads == 1 {
        peak::multiply_adds(isa, rounds)
    } else {
        rayon::broadcast(|_| peak::multiply_adds(isa, rounds))
            .iter()
            .sum()
    };
    (started.elapsed().as_secs_f64(), flops)
}

/// One step of each of so many samples, shared out to the engines.
fn steps_of(engines: &mut [TrmEngine], batch: usize, flops: u64) -> (f64, u64) {
    let started = Instant::now();
    if let [engine] = engines {
        for _ in 0..batch {
            engine.step();
        }
    } else {
        let workers = engines.len();
        engines.par_iter_mut().enumerate().for_each(|(i, engine)| {
            for _ in batch * i / workers..batch * (i + 1) / workers {
                engine.step();
            }
        });
    }
    (started.elapsed().as_secs_f64(), flops * batch as u64)
}

/// The time of one go, taken from as many as a measurement needs.
fn repeated(mut one: impl FnMut() -> (f64, u64)) -> impl FnMut() -> (f64, u64) {
    move || {
        let (mut seconds, mut goes) = (0.0, 0);
        loop {
            let (more, flops) = one();
            seconds += more;
            goes += 1;
            if seconds >= LEAST_TIME.as_secs_f64() {
                return (seconds / f64::from(goes), flops);
            }
        }
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    (values[(n - 1) / 2] + values[n / 2]) / 2.0
}

fn table(report: &Report) -> String {
    let mut text = format!(
        "{}\n{} weights, {:.3} GFLOP a step and sample, {}, medians of {} rounds\n\n",
        report.model,
        report.weights,
        report.flops_per_step as f64 / 1e9,
        report.instruction_set,
        report.rounds
    );
    for peak in &report.peak {
        let (threads, gflops) = (peak.threads, peak.gflops);
        writeln!(text, "peak, threads {threads}: {gflops:.1} GFLOP/s")
            .expect("strings can be written to");
    }
    writeln!(
        text,
        "\n{:>6} {:>8} {:>12} {:>12} {:>10} {:>8}",
        "batch", "threads", "ms/step", "ms/sample", "GFLOP/s", "of peak"
    )
    .expect("strings can be written to");
    for step in &report.step {
        writeln!(
            text,
            "{:>6} {:>8} {:>12.3} {:>12.3} {:>10.1} {:>6.1} %",
            step.batch,
            step.threads,
            step.ms_per_step,
            step.ms_per_step / step.batch as f64,
            step.gflops,
            100.0 * step.share_of_peak
        )
        .expect("strings can be written to");
    }
    text
}
