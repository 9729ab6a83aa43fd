//! The program `recurra`: generates puzzles, runs, measures, shrinks and inspects tiny recursive models.
//!
//! One file per command under `commands`; what several of them need has a file of its own beside this one.

mod commands;
mod exit;
mod input;
mod output;
mod progress;
mod terminal;
mod thinking;
mod threads;

use clap::Parser;
use std::process::ExitCode;

/// Tiny recursive models: networks of a few million weights that answer by thinking again.
///
/// Exit status: 0 if everything was answered, 1 if some input was refused or a file could not be used,
/// 2 for a command line that cannot be understood. Answers go to standard output, messages to standard error.
#[derive(Parser)]
#[command(version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: commands::Command,
}

fn main() -> ExitCode {
    exit::finish(Cli::parse().command.run())
}
