//! The flags that say how to think, the same for every command that does.

use crate::threads::Threads;
use recurra::model::TrmModel;
use recurra::solver::{SolveOptions, Solver};
use recurra::thinking::StopRules;
use std::num::NonZeroUsize;
use std::path::Path;

/// How to think.
#[derive(clap::Args, Debug)]
pub(crate) struct Thinking {
    /// Most improvement steps of one attempt; there is no ceiling [default: the model's own]
    #[arg(long, value_name = "K")]
    max_steps: Option<NonZeroUsize>,
    /// What ends an attempt before that, with commas between: `verified` (the task's rules hold for the
    /// answer), `halt` (the model believes that it is right), or `none`
    #[arg(long, value_name = "RULES", default_value = "verified,halt", value_parser = stop_rules)]
    stop: StopRules,
    /// How often to start again, on another symmetric form of the puzzle, while the rules do not hold
    #[arg(long, value_name = "R", default_value_t = 0)]
    restarts: usize,
    /// Seed of the symmetric forms
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    threads: Threads,
}

impl Thinking {
    /// Opens a model to answer questions with, and starts the threads.
    pub(crate) fn solver(&self, model: &Path) -> anyhow::Result<(Solver, usize)> {
        let opened = TrmModel::open(model)?;
        let threads = self.threads.start()?;
        let solver = Solver::new(&opened, threads).map_err(|e| e.in_file(model))?;
        Ok((solver, threads))
    }

    /// The flags, completed by the model's own limit of steps.
    pub(crate) fn options(&self, solver: &Solver) -> SolveOptions {
        SolveOptions {
            stop: StopRules {
                max_steps: self
                    .max_steps
                    .map_or(solver.default_steps(), NonZeroUsize::get),
                ..self.stop
            },
            restarts: self.restarts,
            seed: self.seed,
        }
    }

    /// Whether more than one attempt was asked for.
    pub(crate) fn restarts(&self) -> bool {
        self.restarts > 0
    }
}

fn stop_rules(list: &str) -> Result<StopRules, String> {
    StopRules::parse(list, 1)
        .map_err(|name| format!("expected verified, halt or none, found `{name}`"))
}
