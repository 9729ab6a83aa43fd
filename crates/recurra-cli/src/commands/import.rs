//! `recurra import`: a checkpoint of the reference implementation becomes a model file.

use crate::exit::{Exit, UsageError};
use crate::output::{OutputFile, refuse_inputs};
use crate::task::{Size, TaskName};
use anyhow::anyhow;
use recurra::TrmConfig;
use recurra::model::TrmModel;
use recurra::model::disk;
use recurra::model::import::{config_from_yaml, open_checkpoint, weights_from_tensors};
use recurra::tasks::TaskSpec;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Turn a checkpoint of the reference implementation into a model file
///
/// The checkpoint is a `torch.save` archive (`step_N`, or one of Lightning, with the weights under `state_dict`), the same tensors as
/// safetensors, or the index of several safetensors files (`*.index.json`) beside them. What training puts before the tensors' names is taken
/// away. Nothing in it is executed.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Checkpoint file
    checkpoint: PathBuf,
    /// The `all_config.yaml` that lies beside it
    #[arg(long, value_name = "YAML")]
    config: PathBuf,
    /// Tokens in a question; needed for attention with rotary positions, whose weights do not tell
    #[arg(long, value_name = "N")]
    seq_len: Option<usize>,
    /// What the questions are: without a task the model can be traced, but not asked
    #[arg(long)]
    task: Option<TaskName>,
    /// Size of the task: digits in a row of a Sudoku, rows and columns of a maze
    #[arg(long, value_name = "N|RxC", requires = "task")]
    size: Option<Size>,
    /// Model file to write
    #[arg(short, long, value_name = "MODEL")]
    output: PathBuf,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> anyhow::Result<Exit> {
    let inputs = [
        ("CHECKPOINT", args.checkpoint.as_path()),
        ("--config", &args.config),
    ];
    refuse_inputs(&[("--output", &args.output)], &inputs)?;
    let task = match (args.task, args.size) {
        (None, _) => None,
        (Some(name), None) if name != TaskName::Arc => {
            return Err(UsageError("--task: expected --size with it".into()).into());
        }
        (Some(name), size) => Some(name.spec(size, None)?),
    };
    let model = import(&args.checkpoint, &args.config, args.seq_len, task)?;
    OutputFile::write_whole(&args.output, &model.to_bytes())?;
    Ok(Exit::Done)
}

/// The model of a checkpoint.
pub(crate) fn import(
    checkpoint: &Path,
    config_path: &Path,
    seq_len: Option<usize>,
    task: Option<TaskSpec>,
) -> anyhow::Result<TrmModel> {
    let tensors = open_checkpoint(checkpoint)?;
    let format = format_of(checkpoint)?;
    let in_checkpoint = |e: recurra::Error| {
        // One of several files lacks what is in the others.
        match shard(checkpoint) {
            Some(which) if matches!(e, recurra::Error::Tensor { .. }) => {
                let text =
                    format!("{e}; this is {which}: give the checkpoint's index (`*.index.json`)");
                recurra::Error::Format(text).in_file(checkpoint)
            }
            _ => e.in_file(checkpoint),
        }
    };
    let yaml = String::from_utf8(disk::read(config_path)?)
        .map_err(|_| anyhow!("{}: expected UTF-8 text", config_path.display()))?;
    let config = config_from_yaml(&yaml, &tensors, seq_len).map_err(|e| match e {
        // The configuration is not to blame for what the checkpoint lacks.
        recurra::Error::Tensor { .. } => in_checkpoint(e),
        _ => e.in_file(config_path),
    })?;
    if let Some(task) = &task {
        check_task(task, &config, checkpoint)?;
    }
    let weights = weights_from_tensors(&config, &tensors).map_err(in_checkpoint)?;
    drop(tensors);
    let mut model = TrmModel::new(config, task, weights);
    let name = checkpoint.file_name().unwrap_or_default();
    let provenance = &mut model.header.provenance;
    provenance.insert("imported_from".into(), name.to_string_lossy().into());
    provenance.insert("imported_format".into(), format.into());
    Ok(model)
}

/// The form of a checkpoint, for the model's provenance.
fn format_of(path: &Path) -> anyhow::Result<&'static str> {
    let mut start = [0; 2];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut start));
    read.map_err(|e| anyhow!("{}: {e}", path.display()))?;
    Ok(match &start {
        b"PK" => "torch.save archive",
        _ => "safetensors",
    })
}

/// Which of several files this is, by its name: `model-00001-of-00002.safetensors`.
fn shard(path: &Path) -> Option<String> {
    let stem = path.file_stem()?.to_str()?;
    let (before, of) = stem.rsplit_once("-of-")?;
    let (_, number) = before.rsplit_once('-')?;
    let (number, of): (u32, u32) = (number.parse().ok()?, of.parse().ok()?);
    Some(format!("file {number} of {of}"))
}

fn check_task(task: &TaskSpec, config: &TrmConfig, checkpoint: &Path) -> anyhow::Result<()> {
    let (seq_len, vocab_size) = task.sizes()?;
    if (seq_len, vocab_size) == (config.seq_len, config.vocab_size) {
        return Ok(());
    }
    Err(anyhow!(
        "{}: {task} needs {seq_len} places and a vocabulary of {vocab_size}, the checkpoint has {} and {}",
        checkpoint.display(),
        config.seq_len,
        config.vocab_size
    ))
}
