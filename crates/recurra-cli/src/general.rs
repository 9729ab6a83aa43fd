//! The flags of every command: colour, and how much is said.

use std::io::IsTerminal;
use std::sync::OnceLock;

/// Where help lists them, and `--json` of the commands that have it.
pub(crate) const GENERAL: &str = "General options";

/// General flags.
#[derive(clap::Args, Debug, Clone, Copy, Default)]
#[command(next_help_heading = GENERAL)]
pub(crate) struct General {
    /// When to use colour: `auto` on a terminal, where neither NO_COLOR nor TERM=dumb speaks against it
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = When::Auto)]
    color: When,
    /// Say nothing on standard error but what went wrong: no progress and no notes
    #[arg(short, long, global = true)]
    quiet: bool,
    /// Say more on standard error: what works and how long it took
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    verbose: bool,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum When {
    #[default]
    Auto,
    Always,
    Never,
}

static FLAGS: OnceLock<General> = OnceLock::new();

impl General {
    /// Holds from now on, for the whole program.
    pub(crate) fn apply(self) {
        FLAGS.set(self).ok();
    }

    fn get() -> Self {
        FLAGS.get().copied().unwrap_or_default()
    }
}

/// Whether standard output is to have colour.
pub(crate) fn color() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    match General::get().color {
        When::Always => true,
        When::Never => false,
        When::Auto => std::io::stdout().is_terminal() && !dumb() && !set("NO_COLOR"),
    }
}

/// Whether the terminal can do nothing but write on.
pub(crate) fn dumb() -> bool {
    std::env::var_os("TERM").is_none_or(|term| term == "dumb")
}

/// Whether only what went wrong is to be said.
pub(crate) fn quiet() -> bool {
    General::get().quiet
}

/// Whether more is to be said.
pub(crate) fn verbose() -> bool {
    General::get().verbose
}
