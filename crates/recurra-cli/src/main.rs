//! The program `recurra`: generates puzzles, runs, measures, shrinks and inspects tiny recursive models.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(recurra_cli::main(std::env::args_os()))
}
