//! What the program can do, for a program that has it inside: models in memory, progress told to the caller, nothing on a terminal.

use crate::commands::{import, quantize, train};
use crate::exit::UsageError;
use clap::Parser;
use recurra::TaskSpec;
use recurra::kernels::Precision;
use recurra::model::TrmModel;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

pub use crate::commands::train::Row;
pub use crate::picture::{Frame, Look, Thought, to_svg, write_gif};

/// Whether an error is of the arguments, not of what they name.
pub fn is_usage(error: &anyhow::Error) -> bool {
    error.is::<UsageError>()
}

/// The flags of `recurra train`.
#[derive(Parser)]
#[command(name = "train", no_binary_name = true)]
struct Training {
    #[command(flatten)]
    args: train::Args,
}

/// A training that ended.
#[derive(Debug)]
pub struct Trained {
    /// Where the model lies; beside it, the folder of the training.
    pub model: PathBuf,
    /// Whether `watch` ended it before its time.
    pub interrupted: bool,
}

/// Trains as `recurra train` does with these flags. `watch` sees the state after every training step and says whether to go on.
///
/// # Errors
/// As the program's.
pub fn train(
    flags: impl IntoIterator<Item = OsString>,
    watch: &mut (dyn FnMut(&Row) -> bool + Send),
) -> anyhow::Result<Trained> {
    let Training { args } = Training::try_parse_from(flags).map_err(|e| usage(&e))?;
    if args.dry_run() {
        let text = "--dry-run: expected the program, which prints what it finds";
        return Err(UsageError(text.into()).into());
    }
    let outcome = with_threads(args.threads().count(), |threads| {
        train::train(&args, Some(threads), train::Until::Watch(watch))
    })?;
    Ok(Trained {
        model: args.output().into(),
        interrupted: outcome != train::Outcome::Finished,
    })
}

/// Makes a model smaller as `recurra quantize` does. Gives it, the report that `--json` prints, and what a user of the model should know.
///
/// # Errors
/// As the program's; they call the model `name`.
pub fn quantize(
    model: &TrmModel,
    name: &Path,
    to: Precision,
    calibrate: Option<&Path>,
    limit: Option<usize>,
    threads: usize,
) -> anyhow::Result<(TrmModel, String, Option<String>)> {
    let wish = quantize::Wish {
        name,
        to,
        calibrate,
        limit,
    };
    let made = with_threads(threads, |threads| quantize::make(model, &wish, threads))?;
    let report = serde_json::to_string(&made.report)?;
    Ok((made.model, report, made.warning))
}

/// Reads a checkpoint as `recurra import` does.
///
/// # Errors
/// As the program's.
pub fn import(
    checkpoint: &Path,
    config: &Path,
    seq_len: Option<usize>,
    task: Option<TaskSpec>,
) -> anyhow::Result<TrmModel> {
    import::import(checkpoint, config, seq_len, task)
}

/// Works in a pool of threads that ends with the work: the global one cannot be started twice, and not before a fork.
fn with_threads<T: Send>(
    threads: usize,
    work: impl FnOnce(usize) -> anyhow::Result<T> + Send,
) -> anyhow::Result<T> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|e| anyhow::anyhow!("{threads} threads: {e}"))?;
    pool.install(|| work(threads))
}

/// What clap says of a command line, without what only helps at a terminal.
fn usage(error: &clap::Error) -> anyhow::Error {
    let text = error.to_string();
    let first = text.split("\n\n").next().unwrap_or_default();
    let first = first.strip_prefix("error: ").unwrap_or(first);
    UsageError(first.trim().to_owned()).into()
}
