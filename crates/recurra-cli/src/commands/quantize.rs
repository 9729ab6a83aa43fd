//! `recurra quantize`: a model in fewer bits.

use crate::exit::{self, Exit, message};
use crate::general::GENERAL;
use crate::input::Puzzles;
use crate::output::{OutputFile, refuse_inputs};
use crate::progress;
use crate::shipped;
use crate::threads::Threads;
use anyhow::{anyhow, bail};
use clap::builder::RangedU64ValueParser;
use rayon::prelude::*;
use recurra::kernels::Precision;
use recurra::model::TrmModel;
use recurra::quantize::{Fidelity, compare, moments, quantize};
use recurra::tasks::task::Tokens;
use recurra::tasks::{HeldOut, Task, TaskSpec};
use recurra::train::{IGNORE_LABEL, Sample};
use serde::Serialize;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Make a model smaller: its weights in 16, 8 or 4 bits
///
/// For 8 and 4 bits the model first answers some questions, and the inputs of its layers in all steps decide how
/// their weights are rounded. The questions are those of --calibrate (answers are not needed), or generated from a
/// fixed seed where the task has a generator. A quarter of them is set aside to compare the result with
/// the original model. There is a warning if the two differ too much.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Model file, in f32
    #[arg(value_parser = shipped::model())]
    model: PathBuf,
    /// Precision of the weights
    #[arg(long, value_enum)]
    to: To,
    /// Puzzles to calibrate with; `-` is standard input
    #[arg(long, value_name = "DATA")]
    calibrate: Option<PathBuf>,
    /// Use at most so many questions [default: 256, fewer for large models]
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(1..=1_000_000))]
    limit: Option<usize>,
    #[command(flatten)]
    threads: Threads,
    /// Model file to write
    #[arg(short, long, value_name = "MODEL")]
    output: PathBuf,
    /// Print one JSON object
    #[arg(long, help_heading = GENERAL)]
    json: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum To {
    /// bfloat16: half the size
    Bf16,
    /// 8-bit integers: about a quarter
    Q8,
    /// 4-bit integers: about a seventh
    Q4,
}

impl From<To> for Precision {
    fn from(to: To) -> Self {
        match to {
            To::Bf16 => Precision::Bf16,
            To::Q8 => Precision::Q8,
            To::Q4 => Precision::Q4,
        }
    }
}

/// Seed of generated questions.
const SEED: u64 = 0xca11;
/// Questions to use where nobody says how many: more of them change nothing that can be measured.
const QUESTIONS: usize = 256;
/// Fewer where one step on each would take more floating-point operations than this …
const WORK: u64 = 2_000_000_000_000;
/// … but not fewer than these.
const LEAST_QUESTIONS: usize = 64;

#[derive(Serialize)]
pub(crate) struct Report {
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    from: &'static str,
    to: &'static str,
    /// Questions that decided on the rounding.
    calibrated_on: usize,
    bytes_before: usize,
    bytes_after: usize,
    /// Before by after.
    ratio: f64,
    /// Compared with the model it was made from; null without questions.
    fidelity: Option<Fidelity>,
    /// Whether it thinks as that one does; null without questions.
    good: Option<bool>,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> anyhow::Result<Exit> {
    let mut inputs = vec![("MODEL", args.model.as_path())];
    inputs.extend(args.calibrate.as_deref().map(|data| ("--calibrate", data)));
    refuse_inputs(&[("--output", &args.output)], &inputs)?;
    let model = TrmModel::open(&args.model)?;
    let threads = args.threads.start()?;
    let wish = Wish {
        name: &args.model,
        to: args.to.into(),
        calibrate: args.calibrate.as_deref(),
        limit: args.limit,
    };
    let made = make(&model, &wish, threads)?;
    OutputFile::write_whole(&args.output, &made.model.to_bytes())?;
    let report = Report {
        file: Some(args.output.display().to_string()),
        ..made.report
    };
    let text = if args.json {
        serde_json::to_string(&report)? + "\n"
    } else {
        table(&report)
    };
    std::io::stdout().lock().write_all(text.as_bytes())?;
    if let Some(warning) = made.warning {
        message(&warning);
    }
    Ok(Exit::refused(made.refused))
}

/// What is wanted of a model.
pub(crate) struct Wish<'a> {
    /// What messages call the model.
    pub(crate) name: &'a Path,
    pub(crate) to: Precision,
    pub(crate) calibrate: Option<&'a Path>,
    pub(crate) limit: Option<usize>,
}

/// What was made of it.
pub(crate) struct Made {
    pub(crate) model: TrmModel,
    pub(crate) report: Report,
    /// What a user of the model should know.
    pub(crate) warning: Option<String>,
    /// Whether some of the questions were refused.
    refused: bool,
}

/// Makes the smaller model.
pub(crate) fn make(model: &TrmModel, wish: &Wish<'_>, threads: usize) -> anyhow::Result<Made> {
    let to = wish.to;
    let (questions, refused) = questions(wish, model)?;
    // One question alone must do for both.
    let apart = questions.len().div_ceil(4);
    let (to_compare, rest) = questions.split_at(apart);
    let to_calibrate = match (to, rest) {
        (Precision::Bf16, _) => &[],
        (_, []) => to_compare,
        (_, rest) => rest,
    };
    let bar = progress::bar(
        Some((to_compare.len() + to_calibrate.len()) as u64),
        "questions",
    );
    let done = || bar.inc(1);
    let in_model = |e: recurra::Error| e.in_file(wish.name);
    let seen = match to_calibrate {
        [] => None,
        some => Some(moments(model, some, threads, &done).map_err(in_model)?),
    };
    let small = quantize(model, to, seen.as_ref()).map_err(in_model)?;
    let fidelity = compare(model, &small, to_compare, threads, &done).map_err(in_model)?;
    bar.finish_and_clear();
    let (bytes_before, bytes_after) = (model.to_bytes().len(), small.to_bytes().len());
    let report = Report {
        file: None,
        from: model.precision().name(),
        to: to.name(),
        calibrated_on: to_calibrate.len(),
        bytes_before,
        bytes_after,
        ratio: bytes_before as f64 / bytes_after as f64,
        fidelity,
        good: fidelity.map(|f| f.is_good()),
    };
    Ok(Made {
        warning: warning(&report),
        model: small,
        report,
        refused,
    })
}

/// The questions, and whether some of the data was refused.
fn questions(wish: &Wish<'_>, model: &TrmModel) -> anyhow::Result<(Vec<Sample>, bool)> {
    let most = wish.limit.unwrap_or_else(|| {
        let affordable = (WORK / model.config().flops_per_step().max(1)) as usize;
        affordable.clamp(LEAST_QUESTIONS, QUESTIONS)
    });
    // Questions of ARC tasks need the row of their task.
    let spec = model.header.task.as_ref();
    let task = spec.filter(|&spec| !matches!(spec, TaskSpec::Arc | TaskSpec::Vectors(_)));
    let task = task.map(|spec| spec.task());
    match (wish.calibrate, task.transpose()?) {
        (Some(data), Some(task)) => read(data, &*task, most),
        (Some(data), None) => Err(anyhow!(
            "{}: expected a model with a task, whose questions can be read, to calibrate with {}; found none",
            wish.name.display(),
            data.display()
        )),
        (None, Some(task)) => {
            // Of those for training, so that the others still measure how good the result is.
            let held_out = HeldOut::new(5);
            let wanted = |class| !held_out.contains(class);
            let one = |n: usize| task.generate(SEED, n as u64, &wanted);
            let puzzles = (0..most).into_par_iter().filter_map(one);
            let samples = puzzles.map(|puzzle| sample(puzzle.question)).collect();
            Ok((samples, false))
        }
        (None, None) => Ok((Vec::new(), false)),
    }
}

fn sample(question: Tokens) -> Sample {
    Sample {
        labels: vec![IGNORE_LABEL; question.len()],
        question,
        puzzle: 0,
        kind: 0,
    }
}

/// Reads questions from a file; bad lines are told.
fn read(data: &Path, task: &dyn Task, most: usize) -> anyhow::Result<(Vec<Sample>, bool)> {
    let mut puzzles = Puzzles::open(data, task)?;
    let (mut samples, mut refused) = (Vec::new(), false);
    let mut causes = exit::Causes::default();
    while samples.len() < most {
        let entries = puzzles.chunk(most - samples.len());
        if entries.is_empty() {
            break;
        }
        for entry in entries {
            match entry.result {
                Ok(puzzle) => samples.push(sample(puzzle.question)),
                Err(error) => {
                    let (name, line, text) = (puzzles.name(), entry.line, error.within(entry.line));
                    if causes.add(&text) {
                        exit::say(&format!("{name}:{line}: {text}"));
                    }
                    refused = true;
                }
            }
        }
    }
    causes.tell_rest(puzzles.name());
    if samples.is_empty() {
        bail!("{}: no puzzle that could be used", puzzles.name());
    }
    Ok((samples, refused))
}

/// What a user of the result should know.
fn warning(report: &Report) -> Option<String> {
    let Some(fidelity) = &report.fidelity else {
        return Some(
            "warning: the model names no task, so there were no questions to calibrate with or to compare on".into(),
        );
    };
    (!fidelity.is_good()).then(|| {
        let more = match report.to {
            "q4" => "`--to q8`, or more questions like those it will be asked (`--calibrate`)",
            "q8" => "`--to bf16`",
            _ => "the model in f32",
        };
        format!(
            "warning: this model does not quantise well: the cosine of its answer state to that in f32 is {:.3} \
             (mean over {} questions; expected {} or more). Compare both with `recurra eval` before using it, or try {more}",
            fidelity.cosine(),
            fidelity.questions,
            Fidelity::LEAST_COSINE,
        )
    })
}

fn table(report: &Report) -> String {
    let mut rows = vec![
        ("file", report.file.clone().unwrap_or_default()),
        ("precision", format!("{}, from {}", report.to, report.from)),
        (
            "bytes",
            format!(
                "{}, from {}: 1/{:.2}",
                report.bytes_after, report.bytes_before, report.ratio
            ),
        ),
        (
            "calibrated on",
            format!("{} questions", report.calibrated_on),
        ),
    ];
    if let Some(f) = &report.fidelity {
        let cosine = |c: recurra::quantize::LeastAndMean| {
            format!("cosine to f32 {:.5} (mean), {:.5} (least)", c.mean, c.least)
        };
        rows.push(("compared on", format!("{} questions", f.questions)));
        rows.push(("first step", cosine(f.first_step)));
        rows.push(("last step", cosine(f.last_step)));
        rows.push(("same answers", format!("{:.2} %", 100.0 * f.same_answers)));
    }
    let line = |(name, value): &(&str, String)| format!("{name:<14} {}\n", exit::printable(value));
    rows.iter().map(line).collect()
}
