//! The program `recurra`: generates puzzles, runs, measures, shrinks and inspects tiny recursive models.
//!
//! One file per command under `commands`; what several of them need has a file of its own beside this one.

mod arc;
mod cache;
mod chart;
mod commands;
mod exit;
mod general;
mod group;
mod input;
mod known;
mod memory;
mod output;
mod picture;
mod progress;
mod puzzle_file;
mod record;
mod signals;
mod task;
mod terminal;
mod thinking;
mod threads;

use clap::Parser;
use std::process::ExitCode;
use std::time::Instant;

/// Tiny recursive models: networks of a few million weights that answer by thinking again.
///
/// Exit status: 0 if everything was answered, 1 if some input was refused or a file could not be used,
/// 2 for a command line that cannot be understood, or a RECURRA_ISA that names no instruction set of this
/// processor, 3 with `solve --fail-unverified` if an answer was not verified, and 128 and the signal's number (130 for Ctrl-C) if
/// a signal ended it. Answers go to standard output, messages to standard error.
#[derive(Parser)]
#[command(name = "recurra", version = VERSION, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: commands::Command,
    #[command(flatten)]
    general: general::General,
}

/// The version, and the commit that it was built from where that is known.
const VERSION: &str = env!("RECURRA_VERSION");

fn main() -> ExitCode {
    let cli = Cli::parse();
    cli.general.apply();
    let started = Instant::now();
    let result = instruction_set().and_then(|()| cli.command.run());
    exit::detail(|| format!("{:.2} s in all", started.elapsed().as_secs_f64()));
    exit::finish(result)
}

/// Refuses a name in `RECURRA_ISA` that this processor does not know: the library would pick another silently.
fn instruction_set() -> anyhow::Result<()> {
    let unknown = |error| exit::UsageError(format!("RECURRA_ISA: {error}"));
    recurra::kernels::Isa::forced().map_err(unknown)?;
    Ok(())
}
