//! `recurra mcp`: models as tools of a language model.

use super::serve::open;
use crate::exit::Exit;
use crate::threads::Threads;
use recurra_server::{ModelSource, Settings};
use std::path::PathBuf;

/// Offer models as tools to a language model, over standard input and output
///
/// It speaks the Model Context Protocol; docs/llm.md says how to connect it to the usual clients. `recurra serve --mcp` offers the same
/// tools over HTTP.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Model files; NAME=FILE gives another name than the file's
    #[arg(value_name = "MODEL", required = true)]
    models: Vec<String>,
    /// Keep answers in this file, and look there before thinking; one process at a time can use it
    #[arg(long, value_name = "FILE")]
    cache: Option<PathBuf>,
    #[command(flatten)]
    threads: Threads,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> anyhow::Result<Exit> {
    let models = args
        .models
        .iter()
        .map(|m| ModelSource::of_flag(m))
        .collect::<anyhow::Result<_>>()?;
    let settings = Settings {
        models,
        threads: args.threads.count_or(None),
        cache: args.cache.clone(),
        mcp: true,
        // It logs nothing: clients show what stands there.
        ..Settings::default()
    };
    recurra_server::mcp_stdio(settings, open())?;
    Ok(Exit::Done)
}
