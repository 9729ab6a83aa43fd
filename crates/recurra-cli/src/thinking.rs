//! The flags that say how to think, the same for every command that does.

use crate::arc::ArcFlags;
use crate::exit::UsageError;
use crate::memory;
use crate::task::{Size, TaskName};
use crate::threads::Threads;
use anyhow::anyhow;
use recurra::engine::TrmBufferPool;
use recurra::model::TrmModel;
use recurra::model::file::Header;
use recurra::solver::{ArcOptions, ArcSolver, SolveOptions, Solver};
use recurra::tasks::{Task, TaskSpec};
use recurra::thinking::{
    AdaptiveKSelector, AdaptiveOptions, Calibration, KPredictor, RuleList, StopRules, Variation,
};
use recurra::{Mixer, TrmConfig};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How to think.
#[derive(clap::Args, Debug, Clone)]
pub(crate) struct Thinking {
    /// Most improvement steps of one attempt; there is no ceiling [default: the model's own; with
    /// restarts that guess, at most 20]
    #[arg(long, value_name = "K")]
    max_steps: Option<NonZeroUsize>,
    /// What ends an attempt before that, with commas between (see below), or `none`
    ///
    /// `verified`: the task's rules hold for the answer. `halt[=LOGIT]`: the model believes that it is right, its
    /// halting logit is above LOGIT (0); with `verified` it is not asked where the rules prove the answer wrong.
    /// `stable[=W]`: the answer has not changed for W (2) steps. `plateau[=EPS[/W]]`: the confidence has changed by
    /// less than EPS (0.001) over W (2) steps. `residual[=R]`: the last step has changed the answer state by less than R
    /// (0.1) of its length. A rule without a value has the one that `recurra calibrate` stored in the model file, if
    /// any, else the one in brackets here
    #[arg(long, value_name = "RULES", default_value = RuleList::USUAL)]
    stop: RuleList,
    /// Before this step no rule but `verified` ends an attempt
    #[arg(long, value_name = "K", default_value = "1")]
    min_steps: NonZeroUsize,
    /// Most seconds for a puzzle, restarts and all; looked at after each step, and one step is always done
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    time: Option<Duration>,
    /// How often to start again, another way, while the rules do not hold for the answer
    #[arg(long, value_name = "R", default_value_t = 0)]
    restarts: usize,
    /// What is different about a restart, with commas between
    ///
    /// `symmetry`: it thinks about a random symmetric form of the puzzle. `noise=SIGMA`: normal noise of that standard
    /// deviation is added to its latent state, whose numbers have variance 1. `start`: it begins in a random state. `guess`,
    /// alone: it goes on from where the first attempt ended, and fills in, as if it were given, the cell that has the fewest
    /// likely symbols among those of which it is not sure, step after step, until it succeeds or contradicts itself
    /// [default: symmetry; guess for models over groups]
    #[arg(long, value_name = "LIST")]
    restart_by: Option<Variation>,
    /// How many restarts think side by side, a step each in turn; the first verified answer ends them all
    #[arg(long, value_name = "W", default_value = "1")]
    side_by_side: NonZeroUsize,
    /// Plan how many steps the first attempt at a puzzle gets, learn from each, and keep what was learnt in this file
    ///
    /// It is made if it is not there, and belongs to one model. Budgets keep 99 % of the answers that the most steps would
    /// find. With several threads the answers may depend on which puzzle ended first
    #[arg(long, value_name = "FILE")]
    adaptive: Option<PathBuf>,
    /// Answer puzzles of another size than the model was trained on: `21`, or `20x40` for 20 rows of 40 cells
    ///
    /// For mazes and models whose mixer is a convolution, and for Sudoku and models over groups: their weights do not depend on
    /// the size. Longer paths may need more --max-steps
    #[arg(long, value_name = "SIZE")]
    size: Option<Size>,
    /// Answer puzzles under the rules that this file declares
    ///
    /// For models over groups, of which no weight knows a size, a symbol or a group
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// Seed of all that is random in restarts
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    threads: Threads,
}

impl Thinking {
    /// Opens a model to answer questions with, and starts the threads.
    pub(crate) fn solver(&self, model: &Path) -> anyhow::Result<(TrmModel, Solver, usize)> {
        let (opened, solver, threads) =
            open(model, self.size, self.rules.as_deref(), self.threads)?;
        self.fits(opened.config(), threads)?;
        if let Some(file) = &self.adaptive {
            let options = self.options(&solver)?;
            let task = solver.task()?;
            if !options.stop.verified {
                let text = "--adaptive: expected `verified` in --stop, which tells how many steps were needed";
                return Err(UsageError(text.into()).into());
            }
            if !task.proves() {
                let text = "--adaptive: expected a task whose rules prove answers right, found one where nothing tells how many steps were needed";
                return Err(UsageError(text.into()).into());
            }
            let name = opened.id();
            let predictor = if file.exists() {
                KPredictor::open(file, &name)?
            } else {
                KPredictor::new(name)
            };
            let mut plan = AdaptiveOptions::new(options.stop.max_steps);
            plan.limits.min_k = options.stop.min_steps;
            let solver = solver.adapting(AdaptiveKSelector::new(plan, predictor))?;
            return Ok((opened, solver, threads));
        }
        Ok((opened, solver, threads))
    }

    /// Whether something is learnt from the puzzles.
    pub(crate) fn learns(&self) -> bool {
        self.adaptive.is_some()
    }

    /// Keeps what was learnt, where that was asked for.
    pub(crate) fn keep(&self, solver: &Solver) -> anyhow::Result<()> {
        if let Some((file, predictor)) = self.adaptive.as_ref().zip(solver.predictor()) {
            predictor.save(file)?;
        }
        Ok(())
    }

    /// The flags, completed by the model's own limit of steps and calibrated rules.
    pub(crate) fn options(&self, solver: &Solver) -> anyhow::Result<SolveOptions> {
        let default = solver.options_with_restarts(self.restarts, self.restart_by);
        if self.restart_by.is_some_and(|by| by.guess) && !solver.task()?.guessable() {
            let text = "--restart-by guess: expected a task whose answers' symbols can be givens of its questions, found one where they cannot";
            return Err(UsageError(text.into()).into());
        }
        Ok(SolveOptions {
            stop: self.stop_rules(default.stop.max_steps, solver.calibration())?,
            side_by_side: self.side_by_side.get(),
            seed: self.seed,
            ..default
        })
    }

    /// Refuses attempts whose states, or answers, do not fit into memory.
    fn fits(&self, config: &TrmConfig, threads: usize) -> Result<(), UsageError> {
        let (restarts, threads) = (self.restarts as u64, threads as u64);
        // As many as there are restarts think side by side at most.
        let abreast = (self.side_by_side.get() as u64).min(restarts);
        let state = 3 * 4 * (config.positions_len() * config.hidden_size) as u64;
        memory::fits("--side-by-side", abreast, state * threads, "attempts")?;
        // An answer of each is kept until one is elected.
        let answer = 2 * config.seq_len as u64 + 64;
        memory::fits("--restarts", restarts, answer * threads, "restarts")
    }

    /// When to stop, with a model's own limit of steps and calibrated rules.
    fn stop_rules(
        &self,
        default_steps: usize,
        calibration: Option<&Calibration>,
    ) -> anyhow::Result<StopRules> {
        let max_steps = self.max_steps.map_or(default_steps, usize::from);
        let min_steps = self.min_steps.get();
        if min_steps > max_steps {
            let text =
                format!("--min-steps {min_steps}: expected at most {max_steps}, the most steps");
            return Err(UsageError(text).into());
        }
        let limits = StopRules {
            min_steps,
            time: self.time,
            ..StopRules::none(max_steps)
        };
        Ok(limits.with_all(&self.stop, calibration))
    }

    /// Opens an ARC model, and starts the threads.
    pub(crate) fn arc_solver(
        &self,
        model: &Path,
        flags: &ArcFlags,
    ) -> anyhow::Result<(ArcSolver, ArcOptions)> {
        if self.restarts > 0
            || self.restart_by.is_some()
            || self.adaptive.is_some()
            || self.size.is_some()
            || self.rules.is_some()
            || self.side_by_side.get() > 1
        {
            let text = "--restarts, --restart-by, --side-by-side, --adaptive, --size and --rules: expected a model whose answers have a rule check, found one for ARC-AGI";
            return Err(UsageError(text.into()).into());
        }
        let header = Header::open(model)?;
        let solver = flags.solver(model, self.threads.start()?)?;
        let steps = header.architecture.halt_max_steps;
        let options = ArcOptions {
            stop: self.stop_rules(steps, header.thinking.as_ref())?,
            votes: flags.votes.unwrap_or(usize::MAX),
        };
        Ok((solver, options))
    }

    /// The steps asked of a model of vectors, and its threads.
    pub(crate) fn vectors(&self) -> anyhow::Result<(Option<usize>, Threads)> {
        let others = self.restarts > 0
            || self.restart_by.is_some()
            || self.adaptive.is_some()
            || self.size.is_some()
            || self.rules.is_some()
            || self.time.is_some();
        if others {
            let text = "--restarts, --restart-by, --adaptive, --size, --rules and --time: expected a model for puzzles, found one of vectors";
            return Err(UsageError(text.into()).into());
        }
        Ok((self.max_steps.map(usize::from), self.threads))
    }

    /// Whether more than one attempt was asked for.
    pub(crate) fn restarts(&self) -> bool {
        self.restarts > 0
    }
}

/// Opens a model to answer questions with, of another size or under other rules if such are given, and starts the threads.
pub(crate) fn open(
    model: &Path,
    size: Option<Size>,
    rules: Option<&Path>,
    threads: Threads,
) -> anyhow::Result<(TrmModel, Solver, usize)> {
    let opened = open_model(model, size, rules)?;
    let buffers = TrmBufferPool::new(opened.config(), 1, opened.precision()).bytes() as u64;
    memory::fits("--threads", threads.count() as u64, buffers, "threads")?;
    let threads = threads.start()?;
    let solver = Solver::new(&opened, threads).map_err(|e| e.in_file(model))?;
    Ok((opened, solver, threads))
}

/// The model alone.
pub(crate) fn open_model(
    model: &Path,
    size: Option<Size>,
    rules: Option<&Path>,
) -> anyhow::Result<TrmModel> {
    let mut opened = TrmModel::open(model)?;
    // Another task, the flag that asks for it, and the models that can do it.
    let other = match (size, rules) {
        (None, None) => None,
        (size, Some(rules)) => Some((
            TaskName::of_rules(rules, size)?.spec(),
            format!("--rules {}", rules.display()),
            "a model over groups",
        )),
        (Some(size), None) => {
            let name = match &opened.header.task {
                Some(TaskSpec::Sudoku { .. }) => TaskName::Sudoku,
                _ => TaskName::Maze,
            };
            Some((
                // Nothing is generated for it, so how long paths are is of no account.
                name.spec(Some(size), Some(0))?,
                format!("--size {size}"),
                "a maze model whose mixer is a convolution, and which has no learned positions, or a model over groups",
            ))
        }
    };
    if let Some((task, flag, expected)) = other {
        let instance = task.task()?;
        let over_groups = opened.config().mixer == Mixer::Constraints;
        if over_groups && instance.groups().is_none() {
            let expected = "rules that only keep givens and name cells that differ";
            return Err(anyhow!("{flag}: expected {expected}, found others"));
        }
        opened = opened.for_task(&task).ok_or_else(|| {
            UsageError(format!(
                "{flag}: expected {expected}, found {}",
                model.display()
            ))
        })?;
    }
    Ok(opened)
}

fn seconds(text: &str) -> Result<Duration, String> {
    let number = text.parse::<f64>().ok().filter(|&s| s > 0.0);
    let duration = number.and_then(|s| Duration::try_from_secs_f64(s).ok());
    duration.ok_or_else(|| "expected a number of seconds above 0".to_owned())
}
