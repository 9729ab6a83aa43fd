//! `recurra bench`: the speed of one improvement step, as a share of what this machine can do.

mod batch;
mod guide;
mod machine;
mod measure;
mod peaks;
mod references;
mod report;
mod timed;
mod worker;

use crate::exit::Exit;
use crate::general::GENERAL;
use crate::shipped;
use crate::threads::Threads;
use clap::builder::RangedU64ValueParser;
use recurra::TrmConfig;
use recurra::engine::PackedModel;
use recurra::kernels::{Isa, Precision};
use recurra::model::{TrmModel, TrmWeights};
use recurra::quantize::quantize;
use references::Reference;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

/// Measure the time of one improvement step, and the machine's own peaks in the same run
///
/// Peaks are multiply-adds on registers with nothing to load, and loads with nothing to compute: from a buffer that
/// fits the second-level cache, and from one much larger than all caches. They and the step are measured in turn, and
/// medians are given, so that all see the same clock. A batch is divided among the threads; if there are
/// more threads than samples, each sample is split over some (if it is large enough).
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    other: Option<Other>,
    /// Model file [default: an architecture of the reference, with random weights]
    #[arg(value_parser = shipped::model())]
    model: Option<PathBuf>,
    /// Which architecture of the reference
    #[arg(
        long,
        value_name = "NAME",
        default_value = "sudoku",
        conflicts_with = "model"
    )]
    reference: Reference,
    /// Precisions to measure, with commas between; a model in f32 is rounded to the others (accuracy is not the matter
    /// here) [default: f32,bf16,q8,q4, or the precision of the model file]
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = precision)]
    precision: Vec<Precision>,
    #[command(flatten)]
    threads: Threads,
    /// Samples in the large batch
    #[arg(long, value_name = "B", default_value_t = 32, value_parser = RangedU64ValueParser::<usize>::new().range(1..=batch::MOST as u64))]
    batch: usize,
    /// How long to measure, about; three rounds are made in any case
    #[arg(long, value_name = "S", default_value_t = 10.0, value_parser = seconds)]
    seconds: f64,
    /// Measure one sample on one thread on this instruction set as well, and tell the ratio
    #[arg(long, value_name = "ISA", value_parser = instruction_set)]
    against: Option<Isa>,
    /// Print one JSON object
    #[arg(long, help_heading = GENERAL)]
    json: bool,
    /// Answer requests on standard input instead, one JSON object a line each way, until it ends
    ///
    /// A request `{"batch":1,"threads":1,"seconds":0.4}` is answered by `{"ms_per_step":180.2,"steps":3}`, or by
    /// `{"error":"..."}`. A step is one improvement step of the whole batch; at least one is made. The first line tells
    /// what is measured.
    #[arg(long, conflicts_with_all = ["json", "batch", "seconds", "against"])]
    worker: bool,
}

/// What else is measured and compared.
#[derive(clap::Subcommand)]
enum Other {
    Guide(guide::Guide),
    Diff(guide::Diff),
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.0..=86_400.0).contains(&seconds) => Ok(seconds),
        _ => Err("expected 0 to 86400".into()),
    }
}

fn instruction_set(text: &str) -> Result<Isa, String> {
    let all = Isa::available();
    let found = all.iter().find(|isa| isa.name() == text);
    found.copied().ok_or_else(|| {
        let names: Vec<_> = all.iter().map(|isa| isa.name()).collect();
        format!("expected one that this processor has: {}", names.join(", "))
    })
}

fn precision(text: &str) -> Result<Precision, String> {
    let found = Precision::ALL.into_iter().find(|p| p.name() == text);
    found.ok_or_else(|| "expected f32, bf16, q8 or q4".into())
}

/// What is measured.
struct Subject {
    /// For people.
    name: String,
    model: TrmModel,
    variants: Vec<Variant>,
}

/// The model in one precision.
struct Variant {
    /// Of the file.
    precision: Precision,
    /// Packed for the instruction set that `recurra` would use.
    weights: Arc<PackedModel>,
}

impl Subject {
    fn new(args: &Args) -> anyhow::Result<Self> {
        let (name, model) = match &args.model {
            Some(path) => (path.display().to_string(), TrmModel::open(path)?),
            None => {
                let config = args.reference.config();
                let weights = TrmWeights::random(&config, 0);
                let model = TrmModel::new(config, None, weights);
                (args.reference.title(), model)
            }
        };
        let own = model.precision();
        let precisions = match &args.precision[..] {
            [] if own == Precision::F32 && !args.worker => &Precision::ALL[..],
            [] => &[own],
            some => some,
        };
        let variants = precisions.iter().map(|&precision| {
            let weights = Arc::new(pack(Isa::detect(), &model, precision)?);
            anyhow::Ok(Variant { precision, weights })
        });
        Ok(Subject {
            name,
            variants: variants.collect::<anyhow::Result<_>>()?,
            model,
        })
    }

    fn config(&self) -> &TrmConfig {
        self.model.config()
    }
}

/// Packs a model in its own precision, or rounded to another.
fn pack(isa: Isa, model: &TrmModel, precision: Precision) -> anyhow::Result<PackedModel> {
    let rounded;
    let weights = if precision == model.precision() {
        &model.weights
    } else {
        rounded = quantize(model, precision, None)?;
        &rounded.weights
    };
    Ok(PackedModel::new(isa, model.config(), weights))
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> anyhow::Result<Exit> {
    match &args.other {
        Some(Other::Guide(args)) => return guide::run(args),
        Some(Other::Diff(args)) => return args.run(),
        None => (),
    }
    // First: rounding a model works on all threads.
    let threads = args.threads.start()?;
    let subject = Subject::new(args)?;
    if args.worker {
        return worker::run(&subject, threads);
    }
    let report = measure::measure(args, &subject, threads)?;
    let text = if args.json {
        serde_json::to_string(&report)? + "\n"
    } else {
        report.table()
    };
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(Exit::Done)
}
