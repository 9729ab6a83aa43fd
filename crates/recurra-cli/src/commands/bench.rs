//! `recurra bench`: the speed of one improvement step, as a share of what this machine can do.

mod batch;
mod machine;
mod measure;
mod peaks;
mod references;
mod report;
mod worker;

use crate::exit::Exit;
use crate::threads::Threads;
use clap::builder::RangedU64ValueParser;
use recurra::TrmConfig;
use recurra::engine::PackedModel;
use recurra::kernels::{Isa, Precision};
use recurra::model::{TrmModel, TrmWeights};
use references::Reference;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

/// Measure the time of one improvement step, and the machine's own peaks in the same run
///
/// Peaks are multiply-adds on registers with nothing to load, and loads with nothing to compute: from a buffer that
/// fits the second-level cache, and from one much larger than all caches. They and the step are measured in turn, and
/// medians are told, so that all see the same clock. A batch shares its samples out to the threads; where there are
/// more threads than samples, each sample is split over some (if it is large enough to be worth it).
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Model file [default: an architecture of the reference, with random weights]
    model: Option<PathBuf>,
    /// Which architecture of the reference
    #[arg(
        long,
        value_name = "NAME",
        default_value = "sudoku",
        conflicts_with = "model"
    )]
    reference: Reference,
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
    #[arg(long)]
    json: bool,
    /// Answer requests on standard input instead, one JSON object a line each way, until it ends
    ///
    /// A request `{"batch":1,"threads":1,"seconds":0.4}` is answered by `{"ms_per_step":180.2,"steps":3}`, or by
    /// `{"error":"..."}`. A step is one improvement step of the whole batch; at least one is made. The first line tells
    /// what is measured.
    #[arg(long, conflicts_with_all = ["json", "batch", "seconds", "against"])]
    worker: bool,
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

/// What is measured.
struct Subject {
    /// For people.
    name: String,
    model: TrmModel,
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
        let subject = Subject {
            name,
            precision: Precision::F32,
            weights: Arc::new(pack(Isa::detect(), &model)),
            model,
        };
        Ok(subject)
    }

    fn config(&self) -> &TrmConfig {
        self.model.config()
    }
}

fn pack(isa: Isa, model: &TrmModel) -> PackedModel {
    PackedModel::new(isa, model.config(), &model.weights)
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> anyhow::Result<Exit> {
    let subject = Subject::new(args)?;
    let threads = args.threads.start()?;
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
