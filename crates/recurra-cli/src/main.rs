//! The program `recurra`: generates puzzles, runs, measures, shrinks and inspects tiny recursive models.

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use std::alloc::System;
use std::process::ExitCode;

/// Counts allocations, for `recurra bench guide`.
#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> ExitCode {
    ExitCode::from(recurra_cli::main(std::env::args_os()))
}
