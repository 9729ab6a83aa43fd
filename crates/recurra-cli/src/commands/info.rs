//! `recurra info`: what a model file says of itself.

use crate::exit::{Exit, printable};
use crate::general::GENERAL;
use crate::numbers;
use crate::shipped;
use recurra::kernels::Isa;
use recurra::model::{TrmModel, TrmWeights};
use recurra::tasks::TaskSpec;
use recurra::thinking::Calibration;
use recurra::{Mixer, Positions, TrmConfig};
use serde::Serialize;
use std::io::Write;
use std::path::PathBuf;

/// Print what a model file says of itself: architecture, task, size, provenance
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Model file
    #[arg(value_parser = shipped::model())]
    model: PathBuf,
    /// Print one JSON object
    #[arg(long, help_heading = GENERAL)]
    json: bool,
}

#[derive(Serialize)]
struct Info<'a> {
    file: String,
    bytes: u64,
    task: Option<TaskSpec>,
    weights: usize,
    /// The least exact precision of the linear layers.
    precision: &'static str,
    parts: Vec<PartInfo>,
    flops_per_step: u64,
    instruction_set: &'static str,
    architecture: &'a TrmConfig,
    thinking: Option<&'a Calibration>,
    provenance: serde_json::Map<String, serde_json::Value>,
}

/// A part of the model in its file.
#[derive(Serialize)]
struct PartInfo {
    name: &'static str,
    precision: &'static str,
    bytes: usize,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> anyhow::Result<Exit> {
    let model = TrmModel::open(&args.model)?;
    let config = model.config();
    let mut provenance = model.header.provenance.clone();
    provenance.values_mut().for_each(numbers::shorten);
    let info = Info {
        file: args.model.display().to_string(),
        bytes: std::fs::metadata(&args.model).map_or(0, |m| m.len()),
        task: model.header.task.clone(),
        weights: TrmWeights::count(config),
        precision: model.precision().name(),
        parts: model
            .parts()
            .map(|part| PartInfo {
                name: part.name,
                precision: part.precision.name(),
                bytes: part.bytes,
            })
            .into(),
        flops_per_step: config.flops_per_step(),
        instruction_set: Isa::detect().name(),
        architecture: config,
        thinking: model.header.thinking.as_ref(),
        provenance,
    };
    let text = if args.json {
        serde_json::to_string(&info)? + "\n"
    } else {
        table(&info)
    };
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(Exit::Done)
}

fn table(info: &Info<'_>) -> String {
    let c = info.architecture;
    let mixer = c.describe_mixer();
    let positions = match c.positions {
        Positions::None => "none".to_owned(),
        Positions::Rotary => "rotary".to_owned(),
        Positions::Learned => "learned".to_owned(),
        Positions::Grid { cols } if c.mixer == Mixer::Conv => format!("rows of {cols}"),
        Positions::Grid { .. } => "rotary in two dimensions".to_owned(),
    };
    let prefix = match c.puzzle_emb_ndim {
        0 => "none".to_owned(),
        n => format!(
            "{n} numbers in {} places, {} puzzles",
            c.puzzle_emb_len, c.num_puzzle_identifiers
        ),
    };
    let task = info.task.as_ref();
    let task = task.map_or("none".to_owned(), |task| task.to_string());
    let part = |p: &PartInfo| format!("{} {} ({} bytes)", p.name, p.precision, p.bytes);
    let parts: Vec<String> = info.parts.iter().map(part).collect();
    let mut rows: Vec<(&str, String)> = vec![
        ("file", format!("{}, {} bytes", info.file, info.bytes)),
        ("task", task),
        ("weights", info.weights.to_string()),
        ("precision", parts.join(", ")),
        ("hidden size", c.hidden_size.to_string()),
        ("layers", c.num_layers.to_string()),
        (
            "one step",
            format!(
                "{} x {{ {} updates of z_L, 1 of z_H }}, {} calls of the network, {:.3} GFLOP",
                c.h_cycles,
                c.l_cycles,
                c.calls_per_step(),
                info.flops_per_step as f64 / 1e9
            ),
        ),
        ("default steps", c.halt_max_steps.to_string()),
        ("mixer", mixer),
        ("positions", positions),
        (
            "tokens",
            format!("{} places, vocabulary of {}", c.seq_len, c.vocab_size),
        ),
        ("puzzle prefix", prefix),
        (
            "SwiGLU",
            format!(
                "expansion {}, width {}",
                c.expansion,
                c.swiglu_width(c.hidden_size)
            ),
        ),
        ("instruction set", info.instruction_set.to_owned()),
    ];
    if let Some(c) = info.thinking {
        rows.push((
            "stop rules",
            format!(
                "calibrated on {} questions, {} steps, {:.2} % exact, {} points may be lost",
                c.count,
                c.max_steps,
                100.0 * c.exact,
                c.loss
            ),
        ));
        for m in &c.rules {
            let (rule, exact) = (m.rule, 100.0 * m.exact);
            rows.push((
                "",
                format!("{rule}: {:.2} steps, {exact:.2} % exact", m.mean_steps),
            ));
        }
    }
    for (key, value) in &info.provenance {
        let value = value.as_str().map_or(value.to_string(), str::to_owned);
        rows.push((key, value));
    }
    let line =
        |(name, value): &(&str, String)| format!("{:<16} {}\n", printable(name), printable(value));
    rows.iter().map(line).collect()
}
