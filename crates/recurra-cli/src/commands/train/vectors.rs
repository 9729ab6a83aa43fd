//! Training a model of vectors.

use super::budget::Budget;
use super::flags::{Recipe, set};
use super::folder::RunFolder;
use super::run::SAVE_EVERY;
use super::{Args, HELD_OUT, Outcome, Row, Until};
use crate::exit::{UsageError, count, message, note, report};
use crate::output::OutputFile;
use crate::progress;
use crate::signals::{INTERRUPT, Stop};
use recurra::model::{TrmModel, TrmWeights};
use recurra::tasks::vectors::VectorSpec;
use recurra::train::TrainPrecision;
use recurra::train::vectors::{
    VectorCheckpoint, VectorReport, VectorTrainConfig, VectorTrainer, architecture, calibrate,
};
use recurra::vectors::measure::{Retrieval, measure};
use recurra::vectors::{Pairs, RefineOptions, Refiner};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// What only vectors have.
#[derive(clap::Args)]
#[command(next_help_heading = "Vectors")]
pub(super) struct VectorFlags {
    /// Scores are divided by this before the softmax [default: 0.05]
    #[arg(long, value_name = "X")]
    temperature: Option<f64>,
    /// Wrong passages of each question in the loss that the raw vectors find nearest [default: 4]
    #[arg(long, value_name = "N")]
    mined: Option<usize>,
    /// How much the halting head's loss counts beside that of the vectors [default: 0.5]
    #[arg(long, value_name = "X")]
    halt_weight: Option<f64>,
    /// Length of the random vector that is added to what the network sees [default: 0]
    #[arg(long, value_name = "X")]
    noise: Option<f64>,
    /// Passages that each step retrieves and sees; the model then needs an index wherever it is asked [default: 0]
    #[arg(long, value_name = "N")]
    neighbours: Option<usize>,
    /// Take a question's vectors one after the other: each step begins anew from what the one before has found (with --neighbours,
    /// from the nearest passage) and sees the next vector, as in chains of relations
    #[arg(long)]
    in_turn: bool,
    /// Pairs that measure the model and calibrate it, instead of one answer in so many of those to train on
    #[arg(long, value_name = "PAIRS", conflicts_with = "held_out")]
    measure_on: Option<PathBuf>,
    /// Name of the embedding model, where the pairs do not say it
    #[arg(long, value_name = "NAME")]
    embedder: Option<String>,
    /// Measure on the held-out questions every so many training steps; the best model is kept [default: 50]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    measure_every: Option<u64>,
}

impl VectorFlags {
    /// Refuses them where puzzles are learnt.
    pub(super) fn refuse(&self) -> Result<(), UsageError> {
        let given = [
            ("--temperature", self.temperature.is_some()),
            ("--mined", self.mined.is_some()),
            ("--halt-weight", self.halt_weight.is_some()),
            ("--noise", self.noise.is_some()),
            ("--neighbours", self.neighbours.is_some()),
            ("--in-turn", self.in_turn),
            ("--measure-on", self.measure_on.is_some()),
            ("--embedder", self.embedder.is_some()),
            ("--measure-every", self.measure_every.is_some()),
        ];
        UsageError::refuse(&given, "--task vectors")
    }
}

/// What is kept of a training besides its weights.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Notes {
    data: PathBuf,
    measure_on: Option<PathBuf>,
    held_out: u64,
    measure_every: u64,
    save_every: f64,
    budget: Budget,
    /// Seconds trained.
    seconds: f64,
    /// How well the best model does, once there is one: the mean of one over the rank.
    best: Option<f64>,
}

/// Whether the training that is to be resumed is one of vectors.
pub(super) fn was(model: &Path) -> bool {
    std::fs::read(RunFolder::checkpoint(model)).is_ok_and(|bytes| VectorCheckpoint::is(&bytes))
}

/// Runs the command.
pub(super) fn run(args: &Args, threads: usize, until: Until<'_>) -> anyhow::Result<Outcome> {
    let usage = |text: &str| Err(UsageError(text.into()).into());
    if args.from.is_some() {
        return usage("--task vectors: expected no --from: a training of vectors begins anew");
    }
    if args.patience.is_some() {
        return usage("--task vectors: expected no --patience: the best model is kept anyway");
    }
    if !args.size.is_empty()
        || !args.rules.is_empty()
        || args.shape.mixer.is_some()
        || args.shape.positions.is_some()
    {
        return usage(
            "--task vectors: expected no --size, --rules, --mixer or --positions, which are for puzzles",
        );
    }
    let run = match args.resume {
        true => resume(args, threads)?,
        false => begin(args, threads)?,
    };
    let Some(mut run) = run else {
        return Ok(Outcome::Finished);
    };
    let outcome = run.learn(until)?;
    run.finish(args)?;
    Ok(outcome)
}

/// A training under way.
struct Run {
    trainer: VectorTrainer,
    held_out: Pairs,
    notes: Notes,
    folder: RunFolder,
    output: PathBuf,
    /// The model that did best so far.
    best: Option<TrmModel>,
    began: Instant,
    /// `notes.seconds` when this process began.
    before: f64,
}

fn begin(args: &Args, threads: usize) -> anyhow::Result<Option<Run>> {
    let flags = &args.vectors;
    args.data_fits(1)?;
    let Some(data) = args.data.first() else {
        let text = "--task vectors: expected --data with pairs of vectors";
        return Err(UsageError(text.into()).into());
    };
    let notes = Notes {
        data: data.clone(),
        measure_on: flags.measure_on.clone(),
        held_out: args.held_out.unwrap_or(HELD_OUT),
        measure_every: flags.measure_every.unwrap_or(50),
        save_every: args.save_every.map_or(SAVE_EVERY, |minutes| 60.0 * minutes),
        budget: args.budget().unwrap_or(Budget::USUAL),
        seconds: 0.0,
        best: None,
    };
    let pairs = Pairs::open(data)?;
    let embedder = &pairs.embedder;
    let spec = VectorSpec {
        embedder: flags
            .embedder
            .clone()
            .or(embedder.name.clone())
            .unwrap_or_default(),
        hash: embedder.hash.clone().unwrap_or_default(),
        dimension: pairs.dimension,
        norm: embedder.norm.unwrap_or_else(|| pairs.norm()),
        questions: pairs.width.min(8),
        neighbours: flags.neighbours.unwrap_or(0),
        in_turn: flags.in_turn,
    };
    spec.check()?;
    let (train, held_out) = parts(&notes, pairs, &spec)?;
    let mut config = architecture(&spec);
    args.shape.sizes(&mut config);
    config.validate()?;
    let mut train_config = VectorTrainConfig::default();
    // Samples of a few vectors gain nothing from shorter numbers.
    train_config.train.precision = TrainPrecision::F32;
    recipe(&args.recipe, flags, &mut train_config);
    let weights = TrmWeights::random(&config, train_config.train.seed);
    let trainer = VectorTrainer::new(spec, &config, train_config, train, weights, threads)?;
    let mut folder = RunFolder::new(args.output());
    folder.begin(&serde_json::json!({
        "architecture": trainer.architecture(),
        "training": trainer.config(),
        "data": notes,
    }))?;
    Ok(Some(Run {
        trainer,
        held_out,
        folder,
        output: args.output().into(),
        best: None,
        began: Instant::now(),
        before: 0.0,
        notes,
    }))
}

/// Goes on where a checkpoint was written; none if there is nothing left to do.
fn resume(args: &Args, threads: usize) -> anyhow::Result<Option<Run>> {
    let path = RunFolder::checkpoint(args.output());
    let named = |e: &dyn std::fmt::Display| anyhow::anyhow!("{}: {e}", path.display());
    let bytes = std::fs::read(&path).map_err(|e| named(&e))?;
    let saved = VectorCheckpoint::read(&bytes).map_err(|e| e.in_file(&path))?;
    let mut notes: Notes = serde_json::from_value(saved.notes.clone()).map_err(|e| named(&e))?;
    refuse_contradictions(args, &saved, &notes)?;
    notes.budget = args.budget().unwrap_or(notes.budget);
    if let Some(minutes) = args.save_every {
        notes.save_every = 60.0 * minutes;
    }
    let (step, seconds) = (saved.step, notes.seconds);
    if notes.budget.share(step, seconds) >= 1.0 && args.output().exists() {
        note(&format!(
            "nothing left to do: {} is the model after {step} steps, and {} in all are done; with more `--resume` goes on",
            args.output().display(),
            notes.budget
        ));
        return Ok(None);
    }
    let (train, held_out) = parts(&notes, Pairs::open(&notes.data)?, &saved.spec)?;
    let trainer =
        VectorTrainer::from_checkpoint(&bytes, train, threads).map_err(|e| e.in_file(&path))?;
    let mut folder = RunFolder::resume(args.output(), step);
    folder.open()?;
    let best = match notes.best {
        None => None,
        Some(_) => Some(TrmModel::open(folder.best())?),
    };
    note(&format!(
        "going on after {} of {} in all",
        count(step, "step"),
        notes.budget
    ));
    Ok(Some(Run {
        trainer,
        held_out,
        folder,
        output: args.output().into(),
        best,
        began: Instant::now(),
        before: seconds,
        notes,
    }))
}

/// Refuses flags that say other than the run began with. Those that say the same are welcome.
fn refuse_contradictions(
    args: &Args,
    saved: &VectorCheckpoint,
    notes: &Notes,
) -> anyhow::Result<()> {
    let flags = &args.vectors;
    let (mut config, mut train) = (saved.architecture.clone(), saved.config.clone());
    args.shape.sizes(&mut config);
    recipe(&args.recipe, flags, &mut train);
    let real = |path: &Path| std::fs::canonicalize(path).unwrap_or(path.into());
    let same_file = |asked: &[PathBuf], has: Option<&Path>| {
        asked.iter().all(|asked| has.map(real) == Some(real(asked)))
    };
    let embedder = |name: &String| *name == saved.spec.embedder;
    let checks = [
        ("the architecture", config == saved.architecture),
        ("the recipe", train == saved.config),
        ("--data", same_file(&args.data, Some(&notes.data))),
        (
            "--measure-on",
            same_file(flags.measure_on.as_slice(), notes.measure_on.as_deref()),
        ),
        (
            "--held-out",
            args.held_out.is_none_or(|n| n == notes.held_out),
        ),
        (
            "--neighbours",
            flags.neighbours.is_none_or(|n| n == saved.spec.neighbours),
        ),
        ("--in-turn", !flags.in_turn || saved.spec.in_turn),
        ("--embedder", flags.embedder.as_ref().is_none_or(embedder)),
        (
            "--measure-every",
            flags.measure_every.is_none_or(|n| n == notes.measure_every),
        ),
    ];
    match checks.iter().find(|(_, same)| !same) {
        None => Ok(()),
        Some((what, _)) => {
            let text = format!(
                "--resume: expected flags that say the same as the training began with, found another of {what}"
            );
            Err(UsageError(text).into())
        }
    }
}

/// What was asked for, and else what is there.
fn recipe(recipe: &Recipe, flags: &VectorFlags, config: &mut VectorTrainConfig) {
    let precision = config.train.precision;
    recipe.apply(&mut config.train);
    config.train.precision = recipe.precision.map_or(precision, TrainPrecision::from);
    set(&mut config.temperature, flags.temperature);
    set(&mut config.mined, flags.mined);
    set(&mut config.noise, flags.noise);
    set(&mut config.halt_weight, flags.halt_weight);
}

/// Pairs to train on, and those that measure.
fn parts(notes: &Notes, pairs: Pairs, spec: &VectorSpec) -> anyhow::Result<(Arc<Pairs>, Pairs)> {
    let data = &notes.data;
    pairs.check(spec).map_err(|e| e.in_file(data))?;
    let (train, held_out) = match &notes.measure_on {
        None => split(&pairs, notes.held_out),
        Some(path) => {
            let held_out = Pairs::open(path)?;
            held_out.check(spec).map_err(|e| e.in_file(path))?;
            (pairs, held_out)
        }
    };
    if train.len() < 2 || held_out.is_empty() {
        return Err(anyhow::anyhow!(
            "{}: expected pairs of several different answers, of which one in {} is held out, found {} pairs to train on and {} held out",
            data.display(),
            notes.held_out,
            train.len(),
            held_out.len()
        ));
    }
    Ok((Arc::new(train), held_out))
}

/// Pairs to train on, and those of one answer in so many, which measure.
fn split(pairs: &Pairs, held_out: u64) -> (Pairs, Pairs) {
    let (_, answer) = pairs.distinct_answers();
    // By the answer's number, so that no answer is on both sides.
    let out = |i: &usize| (answer[*i] as u64).is_multiple_of(held_out);
    let (test, train): (Vec<usize>, Vec<usize>) = (0..pairs.len()).partition(out);
    (pairs.only(&train), pairs.only(&test))
}

impl Run {
    fn seconds(&self) -> f64 {
        self.before + self.began.elapsed().as_secs_f64()
    }

    fn progress(&self) -> f64 {
        let steps = self.trainer.steps_done();
        self.notes.budget.share(steps, self.seconds())
    }

    /// Trains until the budget is spent, or what is told asks for the end.
    fn learn(&mut self, mut until: Until<'_>) -> anyhow::Result<Outcome> {
        let stop = match until {
            Until::Signal => Some(Stop::listen(|_| {})?),
            Until::Watch(_) => None,
        };
        let bar = match stop {
            Some(_) => {
                report(&format!(
                    "{}: {} weights, {} pairs to train on, {} held-out ones to measure, {}",
                    self.trainer.spec(),
                    TrmWeights::count(self.trainer.architecture()),
                    self.trainer.pairs().len(),
                    self.held_out.len(),
                    count(self.trainer.threads() as u64, "thread")
                ));
                let steps = match self.notes.budget {
                    Budget::Steps(steps) => Some(steps),
                    Budget::Seconds(_) => None,
                };
                progress::bar(steps, "steps")
            }
            None => indicatif::ProgressBar::hidden(),
        };
        bar.set_position(self.trainer.steps_done());
        let (mut saved, mut enough) = (self.seconds(), false);
        let signal = || stop.as_ref().and_then(Stop::asked);
        let mut last: Option<(VectorReport, bool)> = None;
        let interrupted = loop {
            let interrupted = enough || signal().is_some();
            let progress = self.progress();
            let over = progress >= 1.0 || interrupted;
            if over {
                let measured = last.is_some_and(|(_, measured)| measured);
                if progress < 1.0 {
                    // Whoever asks for the end wants what there is now, but a model is to be there.
                    if self.best.is_none() {
                        self.measure()?;
                        // What goes on later chooses among the models that it would have had without the interruption.
                        self.notes.best = None;
                    }
                } else if !measured {
                    // The last model may be the best.
                    let found = self.measure()?;
                    if let Some((report, _)) = last {
                        let row = self.row(&report, Some(found));
                        if let Until::Watch(watch) = &mut until {
                            watch(&row);
                        }
                        self.folder.add(row)?;
                    }
                }
                break progress < 1.0;
            }
            let report = match self.trainer.step(progress) {
                Ok(report) => report,
                Err(error) => {
                    // The weights of before the bad step are worth keeping.
                    self.save()?;
                    return Err(error.into());
                }
            };
            let due = report.step.is_multiple_of(self.notes.measure_every);
            let held_out = due.then(|| self.measure()).transpose()?;
            if let Some(found) = held_out {
                bar.set_message(format!("recall@1 {:.2} %", 100.0 * found));
            }
            let row = self.row(&report, held_out);
            if let Until::Watch(watch) = &mut until {
                enough = !watch(&row);
            }
            if held_out.is_some() || self.folder.is_due(self.seconds()) {
                self.folder.add(row)?;
            }
            last = Some((report, due));
            bar.inc(1);
            if self.seconds() - saved >= self.notes.save_every {
                self.save()?;
                saved = self.seconds();
            }
        };
        bar.finish_and_clear();
        self.save()?;
        Ok(match (interrupted, signal()) {
            (false, _) => Outcome::Finished,
            (true, Some(signal)) => Outcome::Interrupted(signal),
            (true, None) => Outcome::Interrupted(INTERRUPT),
        })
    }

    /// Recall@1 of the held-out questions; the model is kept if it is the best so far.
    fn measure(&mut self) -> anyhow::Result<f64> {
        let model = self.trainer.model();
        let refiner = Refiner::new(&model)?;
        let options = RefineOptions {
            halt_above: 2.0,
            ..refiner.options()
        };
        let found = Retrieval::of(&measure(&refiner, &self.held_out, options)?.ranks);
        if self.notes.best.is_none_or(|best| found.mrr > best) {
            self.notes.best = Some(found.mrr);
            self.best = Some(model);
        }
        Ok(found.recall_at_1)
    }

    fn row(&self, report: &VectorReport, held_out: Option<f64>) -> Row {
        let train = &self.trainer.config().train;
        Row {
            step: report.step,
            samples: report.step * train.batch_size as u64,
            seconds: self.seconds(),
            lr: report.lr,
            loss: report.loss,
            exact: report.first,
            steps: self.trainer.architecture().halt_max_steps as f64,
            gradient: report.gradient_norm,
            held_out,
        }
    }

    /// Writes everything that `--resume` needs, and the log.
    fn save(&mut self) -> anyhow::Result<()> {
        self.notes.seconds = self.seconds();
        if let Some(best) = &self.best {
            best.save(self.folder.best())?;
        }
        let bytes = self
            .trainer
            .to_checkpoint(&serde_json::to_value(&self.notes)?);
        OutputFile::write_whole(&RunFolder::checkpoint(&self.output), &bytes)?;
        self.folder.save()
    }

    /// Calibrates the best model, and writes it.
    fn finish(&mut self, args: &Args) -> anyhow::Result<()> {
        let model = self.best.as_mut().expect("the last model was measured");
        let found = calibrate(model, &self.held_out)?;
        let seconds = self.notes.seconds.round() as u64;
        let notes = &mut model.header.provenance;
        notes.insert("training_steps".into(), self.trainer.steps_done().into());
        notes.insert("training_seconds".into(), seconds.into());
        notes.insert("seed".into(), self.trainer.config().train.seed.into());
        model.save(args.output())?;
        message(&format!(
            "{} held-out questions: recall@1 {:.2} % (raw {:.2} %)",
            found.questions,
            100.0 * found.recall_at_1,
            100.0 * found.raw_recall_at_1
        ));
        Ok(())
    }
}
