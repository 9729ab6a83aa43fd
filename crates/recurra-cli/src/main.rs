//! The program `recurra`: generates puzzles, runs, measures, shrinks and inspects tiny recursive models.
//!
//! One file per command under `commands`; what several of them need has a file of its own beside this one.

mod arc;
mod cache;
mod chart;
mod commands;
mod exit;
mod group;
mod input;
mod known;
mod output;
mod picture;
mod progress;
mod puzzle_file;
mod record;
mod task;
mod terminal;
mod thinking;
mod threads;
mod vectors;

use clap::Parser;
use std::process::ExitCode;

/// Tiny recursive models: networks of a few million weights that answer by thinking again.
///
/// Exit status: 0 if everything was answered, 1 if some input was refused or a file could not be used,
/// 2 for a command line that cannot be understood, or a RECURRA_ISA that names no instruction set of this
/// processor. Answers go to standard output, messages to standard error.
#[derive(Parser)]
#[command(version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: commands::Command,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    exit::finish(instruction_set().and_then(|()| cli.command.run()))
}

/// Refuses a name in `RECURRA_ISA` that this processor does not know: the library would pick another silently.
fn instruction_set() -> anyhow::Result<()> {
    let unknown = |error| exit::UsageError(format!("RECURRA_ISA: {error}"));
    recurra::kernels::Isa::forced().map_err(unknown)?;
    Ok(())
}
