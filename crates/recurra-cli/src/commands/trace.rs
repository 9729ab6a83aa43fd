//! `recurra trace`: every improvement step, as a picture or as numbers.

mod pictures;
mod tensors;

use crate::exit::{Exit, UsageError};
use crate::output::refuse_inputs;
use crate::shipped;
use crate::task::Size;
use crate::threads::Threads;
use clap::builder::RangedU64ValueParser;
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// Draw a model thinking, or write the numbers of every improvement step
///
/// With --svg or --gif: the grid after each step until `solve` would stop, what changed in it, how sure the model
/// was of each cell (the paler, the less sure), and the halting logit. Where a model over groups is not sure of a cell yet, the
/// symbols that it considers stand there small; they fade as it rules them out.
///
/// With --tensors, to compare with another implementation: IN holds `inputs [batch, seq_len]` (I32, I64 or U8) and, for
/// models with a puzzle table, may hold `puzzle_identifiers [batch]` (0 without). OUT gets, in F32,
/// `logits.S [batch, seq_len, vocab]` and `q_logits.S [batch, 2]` for S = 0 to N-1, and `z_H` and
/// `z_L [batch, positions, hidden]` after the last step.
#[derive(clap::Args)]
#[command(group = clap::ArgGroup::new("form").args(["tensors", "svg", "gif"]).required(true).multiple(true))]
pub(crate) struct Args {
    /// Model file
    #[arg(value_parser = shipped::model())]
    model: PathBuf,
    /// Puzzles to draw, each in one line of text
    #[arg(value_name = "PUZZLE", conflicts_with = "tensors")]
    puzzles: Vec<String>,
    /// Draw puzzles of a file, or of a folder of arrays
    #[arg(long, value_name = "FILE|DIR", conflicts_with = "tensors")]
    data: Option<PathBuf>,
    /// Which puzzles of --data, counted from 1 [default: 1]
    #[arg(long, value_name = "N,…", value_delimiter = ',', requires = "data",
        value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    rows: Vec<usize>,
    /// Write all steps side by side; `-` is standard output
    #[arg(long, value_name = "FILE", conflicts_with = "tensors")]
    svg: Option<PathBuf>,
    /// Write one step after the other; `-` is standard output
    #[arg(long, value_name = "FILE", conflicts_with = "tensors")]
    gif: Option<PathBuf>,
    /// Draw a model over groups, or a maze model, on puzzles of another size
    #[arg(long, value_name = "N|RxC", conflicts_with = "tensors")]
    size: Option<Size>,
    /// Draw a model over groups on puzzles under the rules that this file declares
    #[arg(long, value_name = "FILE", conflicts_with = "tensors")]
    rules: Option<PathBuf>,
    /// Questions, as safetensors
    #[arg(long, value_name = "IN", requires_all = ["steps", "output"])]
    tensors: Option<PathBuf>,
    /// Improvement steps; for pictures the most [default for pictures: the model's]
    #[arg(long, value_name = "N")]
    steps: Option<NonZeroUsize>,
    #[command(flatten)]
    threads: Threads,
    /// File to write the numbers to
    #[arg(short, long, value_name = "OUT", requires = "tensors")]
    output: Option<PathBuf>,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> anyhow::Result<Exit> {
    let given = [
        ("--svg", &args.svg),
        ("--gif", &args.gif),
        ("--output", &args.output),
        ("--data", &args.data),
        ("--rules", &args.rules),
        ("--tensors", &args.tensors),
    ];
    let given = given.into_iter();
    let given = given.filter_map(|(flag, path)| Some((flag, path.as_deref()?)));
    let is_output = |flag: &str| ["--svg", "--gif", "--output"].contains(&flag);
    let (outputs, mut inputs): (Vec<_>, Vec<_>) = given.partition(|(flag, _)| is_output(flag));
    inputs.push(("MODEL", &args.model));
    refuse_inputs(&outputs, &inputs)?;
    match (&args.tensors, &args.output, args.steps) {
        (Some(tensors), Some(output), Some(steps)) => {
            tensors::run(args, tensors, output, steps.get())
        }
        _ if args.puzzles.is_empty() && args.data.is_none() => {
            let text = "expected puzzles to draw, or --data".to_owned();
            Err(UsageError(text).into())
        }
        _ => pictures::run(args),
    }
}
