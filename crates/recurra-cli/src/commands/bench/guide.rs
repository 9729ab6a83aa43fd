//! `recurra bench guide`: what each optimisation gains on trained models, held against targets that were fixed before.

mod checks;
mod diff;
mod html;
mod kernels;
mod report;
mod statistics;
mod targets;
mod thinking;
mod wasm;

pub(super) use diff::Diff;

use super::machine;
use crate::exit::Exit;
use crate::output::OutputFile;
use crate::threads::Threads;
use anyhow::anyhow;
use recurra::model::TrmModel;
use recurra::tasks::task::Pair;
use recurra::tasks::{HeldOut, TaskSpec};
use report::{ModelFile, Report, Row};
use std::io::Write;
use std::path::{Path, PathBuf};
use targets::Targets;

/// Measure what each optimisation gains on the trained models, and whether the targets hold
///
/// Every row is measured in rounds: with the optimisation and without it, in turn, so that both meet the same noise. The gain
/// is the median of the rounds' ratios, with an interval that covers the true median at 95 % (with fewer than six rounds, the range). What
/// could not be measured says why; it never counts as held. Puzzles are generated from solution grids that no model was trained on. Exit
/// status: 0 if all targets hold, 1 if one falls short or was not measured.
#[derive(clap::Args)]
pub(super) struct Guide {
    /// Folder of the trained models
    #[arg(long, value_name = "DIR", default_value = "models")]
    models: PathBuf,
    /// Fewer rounds and puzzles: a minute or two
    #[arg(long)]
    quick: bool,
    /// Folder of the built npm package, for the row on WebAssembly
    #[arg(long, value_name = "DIR", default_value = "bindings/npm")]
    npm: PathBuf,
    /// Write the report as JSON, which `recurra bench diff` compares
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the report as a page
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    #[command(flatten)]
    threads: Threads,
}

/// How much to measure.
#[derive(Clone, Copy)]
struct Effort {
    rounds: usize,
    /// Puzzles that are thought about in a round.
    puzzles: usize,
    /// Puzzles from which the planner learns before it is measured.
    lessons: usize,
    /// Puzzles by which accuracies are compared.
    judged: usize,
}

const QUICK: Effort = Effort {
    rounds: 3,
    puzzles: 24,
    lessons: 100,
    judged: 40,
};
const FULL: Effort = Effort {
    rounds: 15,
    puzzles: 64,
    lessons: 400,
    judged: 400,
};

/// The models that are measured, and puzzles for them.
struct Subjects {
    effort: Effort,
    threads: usize,
    folder: PathBuf,
}

/// A model with its name.
struct Subject {
    name: &'static str,
    path: PathBuf,
    model: TrmModel,
}

impl Subjects {
    fn open(&self, name: &'static str) -> anyhow::Result<Subject> {
        let path = self.folder.join(format!("{name}.safetensors"));
        let model = TrmModel::open(&path)?;
        Ok(Subject { name, path, model })
    }
}

impl Subject {
    fn task(&self) -> anyhow::Result<&TaskSpec> {
        let task = self.model.header.task.as_ref();
        task.ok_or_else(|| {
            anyhow!(
                "{}: expected a model of a task, found none",
                self.path.display()
            )
        })
    }

    /// So many puzzles of its task whose solution grids are kept from training, from this number on.
    fn puzzles(&self, from: u64, count: usize) -> anyhow::Result<Vec<Pair>> {
        let task = self.task()?.task()?;
        // One solution grid in five is held out, as in training.
        let held_out = HeldOut::new(5);
        let wanted = |class| held_out.contains(class);
        (from..)
            .take(count)
            .map(|number| task.generate(SEED, number, &wanted))
            .map(|pair| {
                pair.ok_or_else(|| anyhow!("{}: expected a task that makes puzzles", self.name))
            })
            .collect()
    }
}

/// Of the puzzles that are generated.
const SEED: u64 = 20_261;

/// Runs the command.
pub(super) fn run(args: &Guide) -> anyhow::Result<Exit> {
    let threads = args.threads.start()?;
    let targets = Targets::fixed();
    let subjects = Subjects {
        effort: if args.quick { QUICK } else { FULL },
        threads,
        folder: args.models.clone(),
    };
    let load = machine::load();
    let mut measured = Vec::new();
    let say = |what: &str| crate::exit::message(&format!("measuring: {what}"));
    say("kernels");
    measured.extend(kernels::measure(&subjects)?);
    say("thinking");
    let thought = thinking::measure(&subjects)?;
    measured.extend(thought.rows);
    say("WebAssembly");
    measured.push(("wasm-simd", wasm::measure(&subjects, &args.npm)));
    say("the checklist");
    let rows: Vec<Row> = targets.judge(measured);
    let checks = checks::check(&subjects, &rows, &thought.stops)?;
    let report = Report {
        version: 1,
        program: env!("RECURRA_VERSION").into(),
        cpu: machine::cpu(),
        instruction_set: recurra::kernels::Isa::detect().name().into(),
        threads,
        load,
        quick: args.quick,
        command: std::env::args().collect::<Vec<_>>().join(" "),
        models: models(&args.models)?,
        rows,
        accuracy: thought.accuracy,
        checks,
    };
    if let Some(path) = &args.json {
        OutputFile::write_whole(
            path,
            (serde_json::to_string_pretty(&report)? + "\n").as_bytes(),
        )?;
    }
    if let Some(path) = &args.html {
        OutputFile::write_whole(path, html::page(&report).as_bytes())?;
    }
    std::io::stdout()
        .lock()
        .write_all(report.table().as_bytes())?;
    Ok(Exit::refused(!report.holds()))
}

/// The models by their weights.
fn models(folder: &Path) -> anyhow::Result<Vec<ModelFile>> {
    let names = [kernels::MODEL, kernels::SMALL]
        .into_iter()
        .chain(thinking::MODELS);
    let mut all: Vec<ModelFile> = Vec::new();
    for name in names {
        if all.iter().all(|known| known.name != name) {
            let model = TrmModel::open(folder.join(format!("{name}.safetensors")))?;
            all.push(ModelFile {
                name: name.into(),
                id: model.id(),
            });
        }
    }
    Ok(all)
}
