//! Speed and memory of one training step: hidden 128, 2 layers, MLP mixer, 36 + 16 positions, H 3, L 6, batch 128.
//!
//! `cargo bench -p recurra --bench train_step -- [THREADS] [STEPS] [f32|bf16]` prints samples a CPU-second, their share of the
//! precision's peak measured in the same run, and the largest memory. Linux only: it reads `/proc`.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;
use recurra::kernels::{Isa, peak};
use recurra::train::{Sample, SampleSource, TrainConfig, TrainPrecision, Trainer};
use recurra::{Mixer, Positions, SWIGLU_MULTIPLE, TrmConfig, model::TrmWeights};
use std::time::Instant;

/// Random digits, half of them given.
struct Noise;

impl SampleSource for Noise {
    fn draw(&self, rng: &mut ChaCha8Rng, sample: &mut Sample) {
        for (q, l) in sample.question.iter_mut().zip(&mut sample.labels) {
            *l = 2 + (rng.next_u32() % 6) as u16;
            *q = if rng.next_u32().is_multiple_of(2) {
                *l
            } else {
                1
            };
        }
    }
}

/// CPU time of this process, all threads, in seconds.
fn cpu_seconds() -> f64 {
    let nanoseconds: u64 = std::fs::read_dir("/proc/self/task")
        .expect("/proc is there on Linux")
        .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok())
        .filter_map(|text| text.split(' ').next()?.parse::<u64>().ok())
        .sum();
    nanoseconds as f64 / 1e9
}

/// Largest resident memory so far, in MB.
fn peak_memory() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("/proc is there on Linux");
    let line = status
        .lines()
        .find(|l| l.starts_with("VmHWM"))
        .expect("Linux tells VmHWM");
    let kib: f64 = line
        .split_whitespace()
        .nth(1)
        .and_then(|n| n.parse().ok())
        .expect("a number");
    kib * 1024.0 / 1e6
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    // `cargo bench` adds an argument of its own.
    let mut numbers = std::env::args()
        .skip(1)
        .filter_map(|a| a.parse::<usize>().ok());
    let (threads, steps) = (numbers.next().unwrap_or(1), numbers.next().unwrap_or(8));
    let precision = match std::env::args().any(|a| a == "bf16") {
        true => TrainPrecision::Bf16,
        false => TrainPrecision::F32,
    };
    let config = TrmConfig {
        vocab_size: 8,
        seq_len: 36,
        hidden_size: 128,
        num_heads: 4,
        expansion: 4.0,
        swiglu_multiple: SWIGLU_MULTIPLE,
        num_layers: 2,
        h_cycles: 3,
        l_cycles: 6,
        mixer: Mixer::Mlp,
        positions: Positions::None,
        puzzle_emb_ndim: 16 * 128,
        puzzle_emb_len: 16,
        num_puzzle_identifiers: 1,
        halt_max_steps: 16,
        rms_norm_eps: 1e-5,
        rope_theta: 10000.0,
        groups: None,
    };
    let train = TrainConfig {
        lr: 1e-4,
        precision,
        ..TrainConfig::default()
    };
    let batch = train.batch_size;
    let weights = TrmWeights::random(&config, 1);
    let mut trainer =
        Trainer::new(&config, train, weights, threads).expect("a valid configuration");
    let isa = Isa::detect();
    let (mut rates, mut walls, mut peaks) = (Vec::new(), Vec::new(), Vec::new());
    for step in 0..=steps {
        let start = Instant::now();
        let operations = match precision {
            TrainPrecision::F32 => peak::multiply_adds(isa, 2_000_000),
            TrainPrecision::Bf16 => peak::bf16_dots(isa, 2_000_000),
        };
        let peak = operations as f64 / start.elapsed().as_secs_f64();
        let (cpu, wall) = (cpu_seconds(), Instant::now());
        trainer
            .step(&Noise, 0.0)
            .expect("a short training does not diverge");
        let (cpu, wall) = (cpu_seconds() - cpu, wall.elapsed().as_secs_f64());
        if step > 0 {
            rates.push(batch as f64 / cpu);
            walls.push(batch as f64 / wall);
            peaks.push(peak);
        }
    }
    // Every call forward, the last cycle's calls twice again backward.
    let calls = config.calls_per_step() as f64;
    let backward = 2.0 * (config.l_cycles + 1) as f64;
    let flops = config.flops_per_step() as f64 * (calls + backward) / calls;
    let (rate, wall, peak) = (median(&mut rates), median(&mut walls), median(&mut peaks));
    println!(
        "{} {precision:?} {threads} threads: {rate:.1} samples a CPU-second, {wall:.1} a second",
        isa.name()
    );
    println!(
        "{:.2} GFLOP a sample: {:.1} GFLOP/s a core, peak {:.1}, share {:.2}",
        flops / 1e9,
        rate * flops / 1e9,
        peak / 1e9,
        rate * flops / peak
    );
    println!("largest memory {:.0} MB", peak_memory());
}
