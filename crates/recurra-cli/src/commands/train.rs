//! `recurra train`: from nothing, or from a checkpoint, to a model file.

mod budget;
mod data;
mod events;
mod flags;
pub(super) mod folder;
mod kept;
mod limits;
mod lock;
mod recent;
mod rehearsal;
mod run;
mod saved;
mod vectors;

pub use folder::Row;
pub(crate) use run::{Outcome, Until};

use crate::exit::{Exit, UsageError, count, message, note};
use crate::group;
use crate::output::refuse_inputs;
use crate::shipped;
use crate::task::{Size, TaskName};
use crate::threads::Threads;
use anyhow::anyhow;
use budget::Budget;
use clap::builder::RangedU64ValueParser;
use flags::{MixerName, Recipe, Shape};
use recurra::TrmConfig;
use recurra::model::TrmModel;
use recurra::tasks::{Task, TaskSpec};
use recurra::train::preset::{constraints, preset};
use saved::Saved;
use std::path::{Path, PathBuf};

/// Train a model
///
/// Without `--data`, puzzles are generated. Every puzzle is drawn under a random symmetry. Puzzles of one solution grid
/// in five (`--held-out`) are never trained on: they measure the model while it learns.
///
/// ARC-AGI (`--task arc`) is learnt from `--data`: a folder with `training` and `evaluation` (folders of tasks, or files of
/// challenges and solutions with these names). All pairs of training tasks are learnt, of the others only the demonstrations;
/// their test inputs measure the model. `MODEL.identifiers.json` says which task each row of the puzzle table
/// belongs to.
///
/// Embeddings (`--task vectors`) are learnt from `--data`: a safetensors file with `queries` and `answers` (`[rows, dimension]`; row
/// i answers row i), and optionally `negatives`, or a folder of `.npy` arrays of these names. The vectors of one answer in
/// N (`--held-out`), or those of `--measure-on`, measure the model, and the best one is saved.
///
/// Several machines can train one model if the program is built with the feature `mpi`: `mpirun -np N recurra train …`. Each
/// process has its part of every batch; the first one reports, measures and writes.
///
/// The saved model is the moving average of the weights. Beside the model, the folder `MODEL.training` holds the run:
/// `config.json`, `log.csv` with its curves `loss.svg` and `exact.svg`, `metrics.jsonl` and a file for TensorBoard, which grow as
/// it goes on, `best.safetensors`, the model that did best on the held-out puzzles, and `checkpoint.safetensors`, the whole
/// state of the training. `--resume` goes on from there exactly, and Ctrl-C (or TERM, or HUP) saves it. One process at a
/// time can train a model. An existing training is replaced only with `--overwrite`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// What to learn [default: sudoku]
    #[arg(long, value_enum)]
    task: Option<TaskName>,
    /// Digits in a row of a Sudoku: 4, 6, 9 or 16 [default: 9]; rows and columns of a maze, from 2 to 64 [default: 30]; of a
    /// table's grids, where nothing stands between their rows. Several, such as `9,4,6,16`, make one model of all these Sudokus
    #[arg(long, value_name = "N|RxC", value_delimiter = ',')]
    size: Vec<Size>,
    /// What holds for the answers of a table, and its symmetries: a TOML file. Without --data, puzzles are made by these rules.
    /// Several files make one model of all these rules
    #[arg(long, value_name = "FILE")]
    rules: Vec<PathBuf>,
    /// Of several tasks, the share of the samples that are of each, relative to the others: `4,1,1` [default: equal shares]
    #[arg(long, value_name = "X,X", value_delimiter = ',')]
    shares: Vec<f64>,
    /// Generated mazes have a shortest path of more moves than this [default: 55 in 15x15, 110 in 30x30]
    #[arg(long, value_name = "MOVES")]
    min_path: Option<usize>,
    /// Puzzles with answers to train on, instead of generated ones: a CSV table, or a folder of arrays (`all__inputs.npy` …),
    /// of whose `test` those are taken that measure the model. Of several tasks they are of the first, and those of a second
    /// `--data` of the second; puzzles of the others are generated
    #[arg(long, value_name = "FILE")]
    data: Vec<PathBuf>,
    /// ARC-AGI: learn so many augmented forms of each task, which vote when it is asked [default: 100]
    #[arg(long, value_name = "A", value_parser = RangedU64ValueParser::<usize>::new().range(..=100_000))]
    augmentations: Option<usize>,
    /// Puzzles to generate of each task [default: by size]
    #[arg(long, value_name = "N", conflicts_with = "data")]
    pool: Option<usize>,
    /// One solution grid in so many is held out [default: 5]
    #[arg(long, value_name = "PARTS", value_parser = clap::value_parser!(u64).range(2..))]
    held_out: Option<u64>,
    /// How many minutes to train in all, those before --resume among them [default: 10]
    #[arg(long, value_name = "M", conflicts_with = "steps")]
    minutes: Option<f64>,
    /// How many training steps to do in all, those before --resume among them, instead of a time: then the same seed and
    /// threads give the same bytes
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    steps: Option<u64>,
    /// End early when the held-out share has not become better in N measurements in a row, of which a training makes ten; those of a
    /// recursion that is not yet as deep as it is to be do not count
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    patience: Option<u32>,
    /// Write nothing: do a few training steps, and report the weights, the memory, the steps a second, and how far --minutes or --steps would lead
    #[arg(long, conflicts_with_all = ["resume", "overwrite"])]
    dry_run: bool,
    /// Go on from the checkpoint beside MODEL. Everything is as the run began, the time or the steps in all too, unless others
    /// are asked for; other flags that contradict the run are refused
    #[arg(long)]
    resume: bool,
    /// Begin anew where there is a model or a training: both are replaced
    #[arg(long, conflicts_with = "resume")]
    overwrite: bool,
    /// Begin with the architecture and the weights of this model, instead of random ones. Mazes may be of another size
    /// where the weights do not depend on it (convolution)
    #[arg(long, value_name = "MODEL", conflicts_with = "resume", value_parser = shipped::model())]
    from: Option<PathBuf>,
    /// Minutes between checkpoints [default: 2]
    #[arg(long, value_name = "M")]
    save_every: Option<f64>,
    /// The model to write
    #[arg(short, long, value_name = "MODEL", required_unless_present = "dry_run")]
    output: Option<PathBuf>,
    #[command(flatten)]
    shape: Shape,
    #[command(flatten)]
    recipe: Recipe,
    #[command(flatten)]
    vectors: vectors::VectorFlags,
    #[command(flatten)]
    threads: Threads,
}

/// Without the flag, one solution grid in so many is held out.
const HELD_OUT: u64 = 5;

impl Args {
    /// The tasks to learn, one or more.
    fn tasks(&self) -> anyhow::Result<Vec<TaskSpec>> {
        let task = self.task.unwrap_or(TaskName::Sudoku);
        let usage = |text: &str| Err(UsageError(text.into()).into());
        let only = match self.size[..] {
            [] => None,
            [only] => Some(only),
            _ if task == TaskName::Sudoku => None,
            _ => return usage("--size: expected one size; several are for Sudokus"),
        };
        match (task, self.data.first(), &self.rules[..]) {
            (TaskName::Grid, Some(table), []) => {
                Ok(vec![TaskName::of_table(table, None, only)?.spec()])
            }
            (TaskName::Grid, data, [first, rest @ ..]) => {
                let first = match data {
                    Some(table) => TaskName::of_table(table, Some(first), only)?,
                    None => TaskName::of_rules(first, only)?,
                };
                let rest = rest.iter().map(|rules| TaskName::of_rules(rules, only));
                let all = std::iter::once(Ok(first)).chain(rest);
                all.map(|task| Ok(task?.spec())).collect()
            }
            (TaskName::Arc, None, _) => usage("--task arc: expected --data with tasks"),
            (TaskName::Arc, ..)
                if only.is_some() || self.pool.is_some() || self.held_out.is_some() =>
            {
                usage(
                    "--size, --pool and --held-out: expected a task of puzzles, found ARC-AGI, whose tasks say their sizes and which are held out",
                )
            }
            (_, _, [_, ..]) => usage("--rules: expected --task grid"),
            (TaskName::Sudoku, _, []) if self.size.len() > 1 => {
                let sizes = self.size.iter();
                sizes.map(|&size| task.spec(Some(size), None)).collect()
            }
            (task, _, []) => Ok(vec![task.spec(only, self.min_path)?]),
        }
    }

    /// Refuses puzzles of more tasks than there are.
    fn data_fits(&self, tasks: usize) -> Result<(), UsageError> {
        match self.data.len() {
            found if found > tasks => Err(UsageError(format!(
                "--data: expected at most one file for each of {}, found {found}",
                count(tasks as u64, "task")
            ))),
            _ => Ok(()),
        }
    }

    /// The shares of so many tasks, or none where they are equal.
    fn shares(&self, tasks: usize) -> Result<Vec<f64>, UsageError> {
        let found = self.shares.len();
        if found != 0 && found != tasks {
            let text =
                format!("--shares: expected {tasks} numbers, one for each task, found {found}");
            return Err(UsageError(text));
        }
        match self
            .shares
            .iter()
            .find(|&&share| !(share > 0.0 && share.is_finite()))
        {
            Some(share) => Err(UsageError(format!(
                "--shares: expected positive numbers, found {share}"
            ))),
            None => Ok(self.shares.clone()),
        }
    }
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> anyhow::Result<Exit> {
    Ok(match train(args, None, Until::Signal)? {
        Outcome::Finished => Exit::Done,
        Outcome::Interrupted(signal) => {
            message("interrupted; everything is saved, and `--resume` goes on from here");
            Exit::Interrupted(signal)
        }
    })
}

/// Trains as the arguments say, on the threads of the pool that this runs in if their number is told, or else on its own.
pub(crate) fn train(args: &Args, pool: Option<usize>, until: Until<'_>) -> anyhow::Result<Outcome> {
    for (flag, value) in [
        ("--minutes", args.minutes),
        ("--save-every", args.save_every),
    ] {
        if value.is_some_and(|m| !(m > 0.0 && m.is_finite())) {
            return Err(
                UsageError(format!("{flag}: expected a positive number of minutes")).into(),
            );
        }
    }
    args.refuse_inputs()?;
    let was = || args.task.is_none() && args.resume && vectors::was(args.output());
    let of_vectors = args.task == Some(TaskName::Vectors) || was();
    if !of_vectors {
        args.vectors.refuse()?;
    }
    let start = |threads: Threads| pool.map_or_else(|| threads.start(), Ok);
    let group = group::group()?;
    if args.dry_run {
        if of_vectors {
            let text = "--dry-run: expected a task of puzzles, found vectors";
            return Err(UsageError(text.into()).into());
        }
        let threads = start(args.threads)?;
        rehearsal::rehearse(args.output(), args.beginning(threads)?, threads, group)?;
        return Ok(Outcome::Finished);
    }
    // The first process writes for all.
    let _lock = match group.rank() {
        0 => Some(lock::Lock::take(
            args.output(),
            args.resume || args.overwrite,
        )?),
        _ => None,
    };
    if of_vectors {
        return vectors::run(args, start(args.threads)?, until);
    }
    let mut run = if args.resume {
        let mut saved = Saved::open(args.output())?;
        kept::refuse_contradictions(args, &saved)?;
        let budget = saved.budget(args.budget())?;
        saved.notes.patience = args.patience.or(saved.notes.patience);
        if saved.is_finished(args.output(), budget) {
            let (output, step) = (args.output().display(), saved.head.step);
            let why = match saved.notes.has_stalled() {
                true => format!(
                    "it ended early: no better held-out share in {}; with more --patience",
                    count(saved.notes.no_better.into(), "measurement")
                ),
                false => format!("{budget} in all are done; with more"),
            };
            if group.rank() == 0 {
                note(&format!(
                    "nothing left to do: {output} is the model after {step} steps, and {why} `--resume` goes on"
                ));
            }
            return Ok(Outcome::Finished);
        }
        let asked = args.threads.asked().or(saved.notes.threads);
        let threads = start(Threads::of(asked))?;
        run::Run::resume(args.output(), saved, budget, threads, group)?
    } else {
        let threads = start(args.threads)?;
        run::Run::begin(args.output(), args.beginning(threads)?, threads, group)?
    };
    if let Some(minutes) = args.save_every {
        run.save_every(minutes);
    }
    run.train(until)
}

impl Args {
    /// The file that the model goes to. Only `--dry-run` may have none, which writes nothing.
    pub(crate) fn output(&self) -> &Path {
        self.output.as_deref().unwrap_or(Path::new(""))
    }

    /// Whether nothing is to be trained.
    pub(crate) fn dry_run(&self) -> bool {
        self.dry_run
    }

    /// The threads that were asked for.
    pub(crate) fn threads(&self) -> Threads {
        self.threads
    }

    /// The budget that was asked for.
    fn budget(&self) -> Option<Budget> {
        let steps = self.steps.map(Budget::Steps);
        steps.or(self.minutes.map(|minutes| Budget::Seconds(60.0 * minutes)))
    }

    /// Refuses to write over what is read.
    fn refuse_inputs(&self) -> Result<(), UsageError> {
        let data = self.data.iter().map(|path| ("--data", path.as_path()));
        let from = self.from.iter().map(|path| ("--from", path.as_path()));
        let rules = self.rules.iter().map(|path| ("--rules", path.as_path()));
        let inputs: Vec<_> = data.chain(from).chain(rules).collect();
        let output = self.output.iter().map(|path| ("--output", path.as_path()));
        refuse_inputs(&output.collect::<Vec<_>>(), &inputs)
    }

    /// What a new training begins with.
    fn beginning(&self, threads: usize) -> anyhow::Result<run::Beginning> {
        let args = self;
        let mut tasks = args.tasks()?;
        let task = tasks.remove(0);
        let (mut config, mut train) = match args.shape.mixer {
            Some(MixerName::Constraints) => constraints(&task)?,
            // No other mixer learns several tasks.
            None if !tasks.is_empty() => constraints(&task)?,
            _ => preset(&task)?,
        };
        let mut weights = None;
        if let Some(path) = &args.from {
            let model = TrmModel::open(path)?
                .for_task(&task)
                .ok_or_else(|| anyhow!("{}: expected a model of {task}", path.display()))?;
            config = model.config().clone();
            weights = Some(model.weights.to_f32());
        }
        let architecture = config.clone();
        args.shape.apply(&mut config, task.cols())?;
        // The same weights can be cycled through more or less often.
        let same_weights = TrmConfig {
            halt_max_steps: architecture.halt_max_steps,
            h_cycles: architecture.h_cycles,
            l_cycles: architecture.l_cycles,
            ..config.clone()
        };
        if weights.is_some() && same_weights != architecture {
            let text =
                "--from: expected no other architecture than the model's, but for the cycles";
            return Err(UsageError(text.into()).into());
        }
        args.recipe.apply(&mut train);
        limits::fits(&config, &train, threads)?;
        let pools = std::iter::once(&task).chain(&tasks);
        for task in pools.filter(|_| args.pool.is_some()) {
            limits::pool_fits(task, args.pool.unwrap_or(0))?;
        }
        args.data_fits(1 + tasks.len())?;
        let mut shares = args.shares(1 + tasks.len())?.into_iter();
        let mut files = args.data.iter().cloned();
        let mut part = |task: TaskSpec| data::Part {
            data: files.next(),
            pool: args.pool.unwrap_or(data::default_pool(&task)),
            share: shares.next().unwrap_or(1.0),
            task,
        };
        let data::Part {
            task,
            data,
            pool,
            share,
        } = part(task);
        let notes = data::Notes {
            data,
            pool,
            share,
            others: tasks.into_iter().map(part).collect(),
            held_out: args.held_out.unwrap_or(HELD_OUT),
            augmentations: args.augmentations.unwrap_or(100),
            task,
            budget: Some(args.budget().unwrap_or(Budget::USUAL)),
            save_every: None,
            threads: args.threads.asked(),
            patience: args.patience,
            no_better: 0,
            seconds: 0.0,
            best: None,
            tests: None,
            recent: recent::Recent::default(),
        };
        Ok(run::Beginning {
            config,
            train,
            weights,
            notes,
        })
    }
}
