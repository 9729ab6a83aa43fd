//! The program `recurra`, as a library: the binary and the Python package call it.
//!
//! One file per command under `commands`; what several of them need has a file of its own beside this one.

mod arc;
mod cache;
mod chart;
mod commands;
pub mod embedded;
mod exit;
mod general;
mod group;
mod input;
mod intervals;
mod known;
mod memory;
mod numbers;
mod output;
mod picture;
mod progress;
mod puzzle_file;
mod record;
mod shipped;
mod signals;
mod task;
mod terminal;
mod thinking;
mod threads;
mod vectors;

use clap::Parser;
use std::ffi::OsString;
use std::io::{IsTerminal, Write};
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

/// Runs a command line, of which the first word is the program's name, and gives the exit status.
pub fn main(words: impl IntoIterator<Item = OsString>) -> u8 {
    let cli = match Cli::try_parse_from(words) {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    cli.general.apply();
    let started = Instant::now();
    let result = instruction_set().and_then(|()| cli.command.run());
    exit::detail(|| format!("{:.2} s in all", started.elapsed().as_secs_f64()));
    exit::finish(result)
}

/// Numbers that cannot be read, in the standard library's words and in those of people.
const WORDS: [(&str, &str); 6] = [
    (
        "number would be zero for non-zero type",
        "expected a whole number above 0",
    ),
    ("invalid digit found in string", "expected a whole number"),
    (
        "cannot parse integer from empty string",
        "expected a whole number",
    ),
    (
        "number too large to fit in target type",
        "expected a smaller number",
    ),
    ("invalid float literal", "expected a number"),
    ("cannot parse float from empty string", "expected a number"),
];

/// Says what is wrong with a command line, or the help or the version where these were asked for.
fn usage(error: &clap::Error) -> u8 {
    if !error.use_stderr() {
        // Nobody may be reading on.
        error.print().ok();
        return 0;
    }
    let rendered = error.render();
    let color = std::io::stderr().is_terminal()
        && !general::dumb()
        && std::env::var_os("NO_COLOR").is_none();
    let text = if color {
        rendered.ansi().to_string()
    } else {
        rendered.to_string()
    };
    let text = WORDS
        .iter()
        .fold(text, |text, (from, to)| text.replace(from, to));
    std::io::stderr().write_all(text.as_bytes()).ok();
    2
}

/// Refuses a name in `RECURRA_ISA` that this processor does not know: the library would pick another silently.
fn instruction_set() -> anyhow::Result<()> {
    let unknown = |error| exit::UsageError(format!("RECURRA_ISA: {error}"));
    recurra::kernels::Isa::forced().map_err(unknown)?;
    Ok(())
}
