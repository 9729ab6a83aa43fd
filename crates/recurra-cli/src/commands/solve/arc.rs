//! ARC tasks: two attempts at every test input.

use super::Args;
use crate::arc::{ArcData, answer};
use crate::exit::{Exit, UsageError, message};
use crate::output::Sink;

/// Runs the command for an ARC model.
pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    if args.cache.given() {
        let text =
            "--cache and --cache-memory: expected a model for puzzles, found one for ARC-AGI";
        return Err(UsageError(text.into()).into());
    }
    if args.json {
        let text = "--json: expected a model for puzzles, found one for ARC-AGI, whose answers are JSON anyway";
        return Err(UsageError(text.into()).into());
    }
    let (solver, options) = args.thinking.arc_solver(&args.model, &args.arc)?;
    let data = ArcData::open_all(&args.files)?;
    // Asked to answer, it answers everything that is there.
    let tasks = || data.training.iter().chain(&data.evaluation);
    let mut refused = data.refused.count() > 0;
    for task in tasks().filter(|task| !solver.knows(&task.name)) {
        refused = true;
        message(&format!(
            "task `{}`: not among the tasks whose demonstrations the model learnt",
            task.name
        ));
    }
    let submission = answer(&solver, &options, tasks())?.submission;
    args.arc.write(&submission)?;
    if args.arc.submission.is_none() || args.output.is_some() {
        let mut sink = Sink::create(args.output.as_deref())?;
        sink.line(&submission.to_json())?;
        sink.finish()?;
    }
    Ok(Exit::refused(refused))
}
