//! What `recurra bench` tells, as JSON and as a table.

use super::Variant;
use serde::Serialize;
use std::fmt::{Error, Write as _};

/// What `--json` prints.
#[derive(Serialize)]
pub(super) struct Report {
    pub(super) model: String,
    pub(super) weights: usize,
    pub(super) flops_per_step: u64,
    pub(super) packed: Vec<Packed>,
    pub(super) cpu: Option<String>,
    pub(super) instruction_set: &'static str,
    pub(super) rounds: usize,
    pub(super) peak: Vec<Peak>,
    pub(super) memory: Vec<Bandwidth>,
    pub(super) step: Vec<Step>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) against: Option<Against>,
}

/// The weights in one precision.
#[derive(Serialize)]
pub(super) struct Packed {
    pub(super) precision: &'static str,
    /// Memory, which all workers share.
    pub(super) bytes: usize,
}

impl Packed {
    pub(super) fn of(variant: &Variant) -> Self {
        Packed {
            precision: variant.precision.name(),
            bytes: variant.weights.bytes(),
        }
    }
}

/// A peak of the machine's arithmetic.
#[derive(Serialize)]
pub(super) struct Peak {
    pub(super) arithmetic: &'static str,
    pub(super) threads: usize,
    pub(super) gflops: f64,
}

/// The speed of reading memory.
#[derive(Serialize)]
pub(super) struct Bandwidth {
    pub(super) level: &'static str,
    /// Size of the buffer.
    pub(super) bytes: usize,
    pub(super) threads: usize,
    pub(super) gb_per_s: f64,
}

/// One improvement step of a batch.
#[derive(Serialize)]
pub(super) struct Step {
    pub(super) precision: &'static str,
    pub(super) batch: usize,
    pub(super) threads: usize,
    /// Milliseconds for the whole batch.
    pub(super) ms_per_step: f64,
    pub(super) ms_per_sample: f64,
    pub(super) gflops: f64,
    /// Share of the peak of as many threads in the arithmetic of this precision, where that was measured.
    pub(super) share_of_peak: Option<f64>,
    /// Memory of one worker beside the weights.
    pub(super) buffer_bytes: usize,
}

/// One sample on one thread on another instruction set.
#[derive(Serialize)]
pub(super) struct Against {
    pub(super) instruction_set: &'static str,
    pub(super) ms_per_step: f64,
    /// How many times faster this instruction set is.
    pub(super) times: f64,
}

const MIB: f64 = (1 << 20) as f64;

impl Report {
    /// For people.
    pub(super) fn table(&self) -> String {
        let mut text = String::new();
        self.write(&mut text).expect("strings can be written to");
        text
    }

    fn write(&self, to: &mut String) -> Result<(), Error> {
        writeln!(to, "{}", self.model)?;
        writeln!(
            to,
            "{} weights; {:.3} GFLOP a step and sample",
            self.weights,
            self.flops_per_step as f64 / 1e9
        )?;
        let cpu = self.cpu.as_deref().unwrap_or("unknown processor");
        writeln!(
            to,
            "{cpu}, {}; medians of {} rounds\n",
            self.instruction_set, self.rounds
        )?;
        for packed in &self.packed {
            let (precision, size) = (packed.precision, packed.bytes as f64 / MIB);
            writeln!(to, "weights in {precision:<4} {size:>30.2} MiB")?;
        }
        writeln!(to, "\n{:<24} {:>8} {:>15}", "peak", "threads", "")?;
        for peak in &self.peak {
            let (what, threads, gflops) = (peak.arithmetic, peak.threads, peak.gflops);
            writeln!(to, "{what:<24} {threads:>8} {gflops:>8.1} GFLOP/s")?;
        }
        for read in &self.memory {
            let what = format!("read {}, {:.1} MiB", read.level, read.bytes as f64 / MIB);
            let (threads, speed) = (read.threads, read.gb_per_s);
            writeln!(to, "{what:<24} {threads:>8} {speed:>8.1} GB/s")?;
        }
        writeln!(
            to,
            "\n{:>9} {:>6} {:>8} {:>11} {:>11} {:>9} {:>8} {:>12}",
            "precision",
            "batch",
            "threads",
            "ms/step",
            "ms/sample",
            "GFLOP/s",
            "of peak",
            "MiB a worker"
        )?;
        for step in &self.step {
            let share = step.share_of_peak;
            writeln!(
                to,
                "{:>9} {:>6} {:>8} {:>11.3} {:>11.3} {:>9.1} {:>8} {:>12.2}",
                step.precision,
                step.batch,
                step.threads,
                step.ms_per_step,
                step.ms_per_sample,
                step.gflops,
                share.map_or("-".into(), |share| format!("{:.1} %", 100.0 * share)),
                step.buffer_bytes as f64 / MIB
            )?;
        }
        if let Some(against) = &self.against {
            writeln!(
                to,
                "\n{}: {:.3} ms/step, one sample on one thread; {} is {:.1} times as fast",
                against.instruction_set, against.ms_per_step, self.instruction_set, against.times
            )?;
        }
        Ok(())
    }
}
