//! A training with its clock, its files and its view.

use super::budget::Budget;
use super::data::{self, Data, Notes};
use super::folder::{Row, RunFolder};
use super::recent::Recent;
use super::saved::Saved;
use crate::exit::{count, message, note, report};
use crate::numbers;
use crate::output::OutputFile;
use crate::signals::{INTERRUPT, Stop};
use anyhow::anyhow;
use indicatif::{ProgressBar, ProgressStyle};
use recurra::TrmConfig;
use recurra::kernels::{Isa, Precision};
use recurra::model::{TrmModel, TrmWeights};
use recurra::train::{CheckpointHead, Group, StepReport, TrainConfig, Trainer};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What ends a training before its time.
pub(crate) enum Until<'a> {
    /// A signal. Progress goes to standard error.
    Signal,
    /// This, which sees the state after every training step and says whether to go on. Nothing goes to standard error.
    Watch(&'a mut dyn FnMut(&Row) -> bool),
}

/// How a training ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Finished,
    /// By a signal of this number.
    Interrupted(i32),
}

/// What a training begins with.
pub(super) struct Beginning {
    pub(super) config: TrmConfig,
    pub(super) train: TrainConfig,
    /// Random ones where there are none.
    pub(super) weights: Option<TrmWeights>,
    pub(super) notes: Notes,
}

/// Measurements of the held-out puzzles in one training, at most.
const MEASUREMENTS: f64 = 10.0;
/// Time between two measurements, at least, relative to what one takes.
const PAUSE: f64 = 10.0;

/// Share of a training's time after which a measurement begins no more puzzles.
const MEASURING: f64 = 0.02;

/// Seconds between checkpoints, unless others were asked for.
pub(super) const SAVE_EVERY: f64 = 120.0;

/// A fall of the share of held-out questions from its best that is told.
const COLLAPSE: f64 = 0.1;

/// A training under way.
pub(super) struct Run {
    trainer: Trainer,
    notes: Notes,
    data: Box<dyn Data>,
    output: PathBuf,
    folder: RunFolder,
    threads: usize,
    began: Instant,
    /// `notes.seconds` when this process began.
    before: f64,
    /// Share of the held-out puzzles answered right, when last measured.
    exact: Option<f64>,
    /// The step after which that was, at the whole depth.
    measured: Option<u64>,
    /// Whether its progress goes to standard error.
    shown: bool,
}

impl Run {
    /// A new training with at most so many held-out puzzles of each task. Touches no file.
    pub(super) fn assemble(
        output: &Path,
        beginning: Beginning,
        most_tests: usize,
        threads: usize,
        group: Box<dyn Group>,
    ) -> anyhow::Result<Self> {
        let Beginning {
            mut config,
            train,
            weights,
            notes,
        } = beginning;
        config.validate()?;
        train.fits(&config)?;
        let others = notes.others.iter().map(|part| {
            part.task.sizes()?;
            config.for_task(&notes.task, &part.task).ok_or_else(|| {
                anyhow!(
                    "several tasks: expected --mixer constraints, and tasks that only keep givens and name cells that differ, found {} and {}",
                    notes.task,
                    part.task
                )
            })
        });
        let others = others.collect::<anyhow::Result<Vec<_>>>()?;
        let data = data::prepare(&notes, train.seed, most_tests)?;
        if let Some(rows) = data.puzzle_rows() {
            if weights.is_some() && rows != config.num_puzzle_identifiers {
                return Err(anyhow!(
                    "--from: expected a puzzle table of {rows} rows for these tasks, found one of {}",
                    config.num_puzzle_identifiers
                ));
            }
            config.num_puzzle_identifiers = rows;
            config.validate()?;
        }
        let weights = weights.unwrap_or_else(|| TrmWeights::random(&config, train.seed));
        let configs: Vec<TrmConfig> = std::iter::once(config).chain(others).collect();
        let trainer = Trainer::of_mixture(&configs, train, weights, threads, group)?;
        let folder = RunFolder::new(output);
        Ok(Self::new(output, folder, trainer, notes, data, threads))
    }

    /// A new training, in its folder.
    pub(super) fn begin(
        output: &Path,
        beginning: Beginning,
        threads: usize,
        group: Box<dyn Group>,
    ) -> anyhow::Result<Self> {
        let mut run = Self::assemble(output, beginning, usize::MAX, threads, group)?;
        let configuration = serde_json::json!({
            "architecture": run.trainer.config(),
            "training": run.trainer.train_config(),
            "data": run.notes,
        });
        if run.is_first() {
            run.folder.begin(&configuration)?;
        }
        Ok(run)
    }

    /// Goes on where a checkpoint was written, to this budget.
    pub(super) fn resume(
        output: &Path,
        saved: Saved,
        budget: Budget,
        threads: usize,
        group: Box<dyn Group>,
    ) -> anyhow::Result<Self> {
        let Saved {
            path,
            bytes,
            head: CheckpointHead { step, .. },
            mut notes,
        } = saved;
        let kept = notes.budget;
        let spent = budget.spent(step, notes.seconds);
        notes.budget = Some(budget);
        let (trainer, _) = Trainer::from_checkpoint_in_group(&bytes, threads, group)
            .map_err(|e| e.in_file(&path))?;
        drop(bytes);
        let most_tests = notes.tests.unwrap_or(usize::MAX);
        let data = data::prepare(&notes, trainer.train_config().seed, most_tests)?;
        let (rows, found) = (data.puzzle_rows(), trainer.config().num_puzzle_identifiers);
        if rows.is_some_and(|rows| rows != found) {
            return Err(anyhow!(
                "{}: the data has changed: other tasks than the training began with",
                path.display()
            ));
        }
        let mut folder = RunFolder::resume(output, trainer.steps_done());
        if trainer.group().rank() == 0 {
            let changed = match kept.filter(|&kept| kept != budget) {
                Some(kept) => format!(" (it was {kept})"),
                None => String::new(),
            };
            note(&format!(
                "going on after {spent} of {budget} in all{changed}"
            ));
            folder.open()?;
        }
        Ok(Self::new(output, folder, trainer, notes, data, threads))
    }

    fn new(
        output: &Path,
        folder: RunFolder,
        trainer: Trainer,
        notes: Notes,
        data: Box<dyn Data>,
        threads: usize,
    ) -> Self {
        Run {
            before: notes.seconds,
            trainer,
            notes,
            data,
            output: output.into(),
            folder,
            threads,
            began: Instant::now(),
            exact: None,
            measured: None,
            shown: true,
        }
    }

    /// What it is trained on, in words.
    pub(super) fn describe_data(&self) -> String {
        self.data.describe()
    }

    /// Cycles, and updates in each, when a share of it is done.
    pub(super) fn depth(&self, progress: f64) -> (usize, usize) {
        self.trainer.depth(progress)
    }

    /// Seconds of a training step when a share of the training is done: the mean of at least so many steps and so much time, after a first.
    pub(super) fn time_steps(
        &mut self,
        progress: f64,
        least: usize,
        time: Duration,
    ) -> anyhow::Result<f64> {
        self.trainer.step(self.data.source(), progress)?;
        let (began, mut done) = (Instant::now(), 0);
        while done < least || began.elapsed() < time {
            self.trainer.step(self.data.source(), progress)?;
            done += 1;
        }
        Ok(began.elapsed().as_secs_f64() / done as f64)
    }

    /// Writes checkpoints every so many minutes, from now on and after interruptions.
    pub(super) fn save_every(&mut self, minutes: f64) {
        self.notes.save_every = Some(60.0 * minutes);
    }

    /// When it is over.
    fn budget(&self) -> Budget {
        self.notes.budget.expect("who begins or resumes it says so")
    }

    /// Trains until the budget is spent, or what is told asks for the end; saves the checkpoint and the model either way.
    pub(super) fn train(&mut self, mut until: Until<'_>) -> anyhow::Result<Outcome> {
        self.shown = matches!(until, Until::Signal);
        let stop = match until {
            Until::Signal => Some(Stop::listen(|_| {})?),
            Until::Watch(_) => None,
        };
        let signal = || stop.as_ref().and_then(Stop::asked);
        let mut enough = false;
        let save_every = self.notes.save_every.unwrap_or(SAVE_EVERY);
        let config = self.trainer.config();
        let processes = match self.trainer.group().size() {
            1 => String::new(),
            size => format!(" in each of {size} processes"),
        };
        let precision = Precision::from(self.trainer.train_config().precision);
        let how = if precision == Precision::Bf16 && !Isa::detect().has_bf16() {
            ", which this processor does not multiply: plain Rust does, and f32 would be faster"
        } else {
            ""
        };
        self.say(&format!(
            "{}: {} weights, {}, {}{processes}, {precision}{how}",
            self.notes.describe_tasks(),
            TrmWeights::count(config),
            self.data.describe(),
            count(self.threads as u64, "thread")
        ));
        if let Some(patience) = self.notes.patience {
            self.say(&format!(
                "it ends early after {} in a row without a better held-out share",
                count(patience.into(), "measurement")
            ));
        }
        let bar = if self.is_first() && self.shown {
            view()
        } else {
            ProgressBar::hidden()
        };
        // Measured in fixed places, so that an interrupted training ends as early as one that was not.
        let part = |progress: f64| (progress * MEASUREMENTS) as u64;
        let (mut saved, mut measured) = (self.seconds(), part(self.progress()));
        let mut not_before = 0.0;
        let mut last = None;
        let interrupted = loop {
            // The clock of the first process rules; Ctrl-C may reach any.
            let saves = self.seconds() - saved >= save_every;
            // Who waits no longer is at the end.
            let stalled = self.notes.has_stalled();
            let progress = if stalled { 1.0 } else { self.progress() };
            let mine = [progress, f64::from(u8::from(saves))];
            let asked = f64::from(u8::from(enough || signal().is_some()));
            let [progress, saves, asked] = self.agree(mine, asked);
            if saves > 0.0 {
                saved = self.seconds();
                self.save()?;
            }
            // Whoever presses Ctrl-C wants the state on disk now, not another measurement.
            let interrupted = asked > 0.0;
            if progress >= 1.0 || interrupted {
                break interrupted;
            }
            let report = match self.trainer.step(self.data.source(), progress) {
                Ok(report) => report,
                Err(error) => {
                    // The weights of before the bad step are worth keeping.
                    self.save()?;
                    return Err(error.into());
                }
            };
            self.notes.recent.add(&report);
            let recent = self.notes.recent;
            self.show(&bar, &report, recent);
            let mut held_out = None;
            let due = part(self.progress()) > measured;
            // Who waits for a better share wants all of them.
            let may = self.notes.patience.is_some() || self.seconds() >= not_before;
            if due && may && self.is_first() {
                measured = part(self.progress());
                let began = self.seconds();
                held_out = self.measure(progress)?;
                not_before = self.seconds() + PAUSE * (self.seconds() - began);
                self.log(&bar, recent);
            }
            let row = self.row(&report, recent, held_out);
            if let Until::Watch(watch) = &mut until {
                enough = !watch(&row);
            }
            if held_out.is_some() || self.folder.is_due(self.seconds()) {
                self.folder.add(row)?;
            }
            last = Some(report);
        };
        // It may have been measured just now.
        let unmeasured = self.measured != Some(self.trainer.steps_done());
        if !interrupted && self.is_first() && unmeasured {
            let held_out = self.measure(1.0)?;
            if let Some(report) = last {
                let row = self.row(&report, self.notes.recent, held_out);
                if let Until::Watch(watch) = &mut until {
                    watch(&row);
                }
                self.folder.add(row)?;
            }
        }
        if interrupted || unmeasured {
            self.log(&bar, self.notes.recent);
        }
        bar.finish_and_clear();
        if !interrupted && self.notes.has_stalled() {
            let without = count(self.notes.no_better.into(), "measurement");
            self.say(&format!(
                "ended early: no better held-out share in {without}; `--resume` with more --patience goes on"
            ));
        }
        self.save()?;
        if self.is_first() {
            self.save_model()?;
        }
        Ok(match signal().filter(|_| interrupted) {
            Some(signal) => Outcome::Interrupted(signal),
            // Another process of the group was asked, or who watches.
            None if interrupted => Outcome::Interrupted(INTERRUPT),
            None => Outcome::Finished,
        })
    }

    /// Whether this process speaks and writes for all.
    fn is_first(&self) -> bool {
        self.trainer.group().rank() == 0
    }

    fn say(&self, text: &str) {
        if self.is_first() && self.shown {
            report(text);
        }
    }

    /// What the first process says in `first`, and the sum of what all say in `any`.
    fn agree(&self, first: [f64; 2], any: f64) -> [f64; 3] {
        let [a, b] = if self.is_first() { first } else { [0.0; 2] };
        let mut numbers = [a, b, any];
        self.trainer.group().sum_f64(&mut numbers);
        numbers
    }

    fn seconds(&self) -> f64 {
        self.before + self.began.elapsed().as_secs_f64()
    }

    /// Share of the budget that is spent.
    fn progress(&self) -> f64 {
        self.budget()
            .share(self.trainer.steps_done(), self.seconds())
    }

    /// The average of the weights as a model of this architecture.
    fn model(&self, config: TrmConfig) -> TrmModel {
        TrmModel::new(
            config,
            Some(self.notes.task.clone()),
            self.trainer.average().clone(),
        )
    }

    /// Share of the held-out puzzles that the moving average answers right, thinking as deep as it has been trained by now. The
    /// best model is kept.
    fn measure(&mut self, progress: f64) -> anyhow::Result<Option<f64>> {
        let (h_cycles, l_cycles) = self.trainer.depth(progress);
        let mut model = self.model(TrmConfig {
            h_cycles,
            l_cycles,
            ..self.trainer.config().clone()
        });
        let most = match self.budget() {
            // The same steps make the same measurements.
            Budget::Steps(_) => Duration::MAX,
            Budget::Seconds(all) => {
                Duration::try_from_secs_f64(MEASURING * all).unwrap_or(Duration::MAX)
            }
        };
        let found = self.data.measure(&model, self.threads, most)?;
        self.exact = found.map(|found| found.exact);
        if let Some(asked) = found.and_then(|found| found.asked) {
            self.notes.tests = Some(asked);
            let text = "held-out puzzles of each task measure it from now on: more would take too much of the time";
            self.say(&format!("{asked} {text}"));
        }
        let whole = (h_cycles, l_cycles) == self.trainer.depth(1.0);
        self.measured = whole.then(|| self.trainer.steps_done());
        if let Some(exact) = self.exact {
            let best = self.notes.best.unwrap_or(f64::NEG_INFINITY);
            // A recursion that is to become deeper is not waited for.
            self.notes.no_better = match exact > best || !whole {
                true => 0,
                false => self.notes.no_better + 1,
            };
            if exact >= best {
                self.notes.best = Some(exact);
                self.tell_origin(&mut model)?;
                OutputFile::write_whole(&self.folder.best(), &model.to_bytes())?;
            } else if best - exact > COLLAPSE {
                message(&format!(
                    "held out, {:.1} % are right, where {:.1} % were: the training may have collapsed; {} is the best model",
                    100.0 * exact,
                    100.0 * best,
                    self.folder.best().display()
                ));
            }
        }
        Ok(self.exact)
    }

    /// A line of the log.
    fn row(&self, report: &StepReport, recent: Recent, held_out: Option<f64>) -> Row {
        Row {
            step: report.step,
            samples: report.step * self.trainer.train_config().batch_size as u64,
            seconds: self.seconds(),
            lr: report.lr,
            loss: recent.loss,
            exact: recent.exact,
            steps: recent.steps,
            gradient: report.gradient_norm,
            held_out,
        }
    }

    fn show(&self, bar: &ProgressBar, report: &StepReport, recent: Recent) {
        let progress = self.progress().min(1.0);
        bar.set_position((1000.0 * progress) as u64);
        let rate =
            (report.step as f64 * self.trainer.train_config().batch_size as f64) / self.seconds();
        let left = self.seconds() * (1.0 - progress) / progress.max(1e-9);
        let held_out = self
            .exact
            .map_or(String::new(), |e| format!(", held out {:.1} %", 100.0 * e));
        // A terminal of 80 columns has room for it.
        bar.set_message(format!(
            "loss {:.3}, exact {:.1} %{held_out}, {rate:.0}/s, {}:{:02} left",
            recent.loss,
            100.0 * recent.exact,
            left as u64 / 60,
            left as u64 % 60
        ));
    }

    /// A line that stays; also where standard error is no terminal.
    fn log(&self, bar: &ProgressBar, recent: Recent) {
        bar.suspend(|| self.say(&format!("{:7.1} s  {}", self.seconds(), self.line(recent))));
    }

    fn line(&self, recent: Recent) -> String {
        let held_out = self
            .exact
            .map_or("not measured".into(), |e| format!("{:.1} %", 100.0 * e));
        // Nothing is known before the first samples have ended.
        let exact = match recent.steps {
            0.0 => "not known yet".into(),
            steps => format!("{:.1} % in {steps:.1} steps", 100.0 * recent.exact),
        };
        format!(
            "step {}, loss {:.3}, exact {exact}, held out {held_out}",
            self.trainer.steps_done(),
            recent.loss
        )
    }

    fn save(&mut self) -> anyhow::Result<()> {
        self.notes.seconds = self.seconds();
        let notes = serde_json::to_value(&self.notes)?;
        let bytes = self.trainer.to_checkpoint(&notes);
        if !self.is_first() {
            return Ok(());
        }
        OutputFile::write_whole(&RunFolder::checkpoint(&self.output), &bytes)?;
        self.folder.save()
    }

    /// Puts into a model's header how it was made so far.
    fn tell_origin(&self, model: &mut TrmModel) -> anyhow::Result<()> {
        let train = self.trainer.train_config();
        let samples = self.trainer.steps_done() * train.batch_size as u64;
        let name = |path: PathBuf| Some(path.file_name()?.to_string_lossy().into_owned());
        let files = self.notes.parts().filter_map(|part| part.data);
        let files: Vec<String> = files.filter_map(name).collect();
        let data = match files[..] {
            [] => format!("{} generated puzzles", self.notes.pool),
            _ => files.join(", "),
        };
        let others: Vec<String> = self
            .notes
            .others
            .iter()
            .map(|p| p.task.to_string())
            .collect();
        let mut tell = |key: &str, value: serde_json::Value| {
            model.header.provenance.insert(key.into(), value);
        };
        tell(
            "made_by",
            concat!("recurra ", env!("CARGO_PKG_VERSION")).into(),
        );
        tell("data", data.into());
        if !others.is_empty() {
            tell("other_tasks", others.into());
        }
        tell("held_out_parts", self.notes.held_out.into());
        tell("held_out_exact", self.exact.into());
        if self.notes.has_stalled() {
            tell("ended_early", true.into());
        }
        tell("steps", self.trainer.steps_done().into());
        tell("samples", samples.into());
        tell("seconds", (self.seconds().round() as u64).into());
        tell("threads", self.threads.into());
        tell("training", numbers::plain(train)?);
        Ok(())
    }

    fn save_model(&self) -> anyhow::Result<()> {
        let mut model = self.model(self.trainer.config().clone());
        self.tell_origin(&mut model)?;
        OutputFile::write_whole(&self.output, &model.to_bytes())?;
        self.data.save_beside(&self.output)?;
        let (weights, steps) = (TrmWeights::count(model.config()), self.trainer.steps_done());
        let percent = |share: f64| format!("{:.1} %", 100.0 * share);
        let held_out = self.exact.map_or(String::new(), |exact| {
            format!(", {} of the held-out puzzles right", percent(exact))
        });
        self.say(&format!(
            "{}: {weights} weights after {}{held_out}",
            self.output.display(),
            count(steps, "step")
        ));
        if let Some(best) = self.notes.best.filter(|&best| self.exact < Some(best)) {
            let file = self.folder.best();
            self.say(&format!("{}: the best, {}", file.display(), percent(best)));
        }
        self.say(&format!(
            "next: recurra eval {} DATA, or recurra solve {}",
            self.output.display(),
            self.output.display()
        ));
        Ok(())
    }
}

/// A bar of a thousand parts.
fn view() -> ProgressBar {
    let style =
        ProgressStyle::with_template("{wide_bar} {msg}").expect("the template is well-formed");
    ProgressBar::new(1000).with_style(style)
}
