//! The commands. A new one is a file here, a variant of [`Command`] and a line in [`Command::run`].

mod bench;
mod cache;
mod calibrate;
mod completions;
mod data;
mod eval;
mod generate;
pub(crate) mod import;
mod info;
#[cfg(feature = "server")]
mod mcp;
pub(crate) mod quantize;
mod runs;
#[cfg(feature = "server")]
mod serve;
mod solve;
mod trace;
pub(crate) mod train;

use crate::exit::Exit;
use clap::Subcommand;

/// What `recurra` can do.
#[derive(Subcommand)]
pub(crate) enum Command {
    Solve(solve::Args),
    Eval(eval::Args),
    Calibrate(calibrate::Args),
    Train(Box<train::Args>),
    Runs(runs::Args),
    Generate(generate::Args),
    Data(data::Args),
    Info(info::Args),
    Import(import::Args),
    Quantize(quantize::Args),
    Trace(trace::Args),
    Bench(bench::Args),
    Cache(cache::Args),
    #[cfg(feature = "server")]
    Serve(Box<serve::Args>),
    #[cfg(feature = "server")]
    Mcp(mcp::Args),
    Completions(completions::Completions),
    Man(completions::Man),
}

impl Command {
    /// Does it.
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        match self {
            Command::Solve(args) => solve::run(&args),
            Command::Eval(args) => eval::run(&args),
            Command::Calibrate(args) => calibrate::run(&args),
            Command::Train(args) => train::run(&args),
            Command::Runs(args) => runs::run(&args),
            Command::Generate(args) => generate::run(&args),
            Command::Data(args) => data::run(&args),
            Command::Info(args) => info::run(&args),
            Command::Import(args) => import::run(&args),
            Command::Quantize(args) => quantize::run(&args),
            Command::Trace(args) => trace::run(&args),
            Command::Bench(args) => bench::run(&args),
            Command::Cache(args) => cache::run(&args),
            #[cfg(feature = "server")]
            Command::Serve(args) => serve::run(&args),
            #[cfg(feature = "server")]
            Command::Mcp(args) => mcp::run(&args),
            Command::Completions(args) => args.run(),
            Command::Man(args) => args.run(),
        }
    }
}
