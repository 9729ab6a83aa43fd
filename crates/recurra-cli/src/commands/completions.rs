//! `recurra completions` and `recurra man`: what shells and readers of manuals need, made from the command line's own description.

use crate::Cli;
use crate::exit::Exit;
use anyhow::anyhow;
use clap::CommandFactory;
use clap_complete::Shell;
use std::io::Write;
use std::path::PathBuf;

/// Print the completions of a shell
///
/// For bash: `recurra completions bash > /etc/bash_completion.d/recurra`; for zsh, a file `_recurra` in a folder of `$fpath`; for
/// fish, `~/.config/fish/completions/recurra.fish`.
#[derive(clap::Args)]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    /// Runs the command.
    pub(crate) fn run(&self) -> anyhow::Result<Exit> {
        let mut text = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "recurra", &mut text);
        std::io::stdout().lock().write_all(&text)?;
        Ok(Exit::Done)
    }
}

/// Write the manual pages, one for each command, into a folder
#[derive(clap::Args)]
pub(crate) struct Man {
    /// The folder, which must be there; `man -M` wants its parent, and this one to be called `man1`
    folder: PathBuf,
}

impl Man {
    /// Runs the command.
    pub(crate) fn run(&self) -> anyhow::Result<Exit> {
        clap_mangen::generate_to(Cli::command(), &self.folder)
            .map_err(|e| anyhow!("{}: {e}", self.folder.display()))?;
        Ok(Exit::Done)
    }
}
