//! ARC tasks: two attempts at every test input.

use super::Args;
use crate::arc::{ArcData, attempt};
use crate::exit::{Exit, UsageError, message};
use crate::progress;
use recurra::tasks::arc::{Ballot, Submission};
use std::io::Write;

/// Runs the command for an ARC model.
pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    if args.cache.given() {
        let text =
            "--cache and --cache-memory: expected a model for puzzles, found one for ARC-AGI";
        return Err(UsageError(text.into()).into());
    }
    let (mut solver, options) = args.thinking.arc_solver(&args.model, &args.arc)?;
    let data = ArcData::open(&args.file)?;
    let mut refused = data.refused > 0;
    let mut submission = Submission::default();
    let bar = progress::bar(None, "questions");
    // Asked to answer, it answers everything that is there.
    for task in data.training.iter().chain(&data.evaluation) {
        if !solver.knows(&task.name) {
            refused = true;
            let text = "not among the tasks whose demonstrations the model learnt";
            message(&format!(
                "{}: task `{}`: {text}",
                args.file.display(),
                task.name
            ));
        }
        for pair in &task.test {
            let ballot: Ballot = solver.vote(&task.name, &pair.input, &options, &|| bar.inc(1))?;
            attempt(&mut submission, task, &ballot);
        }
    }
    bar.finish_and_clear();
    args.arc.write(&submission)?;
    if args.arc.submission.is_none() {
        writeln!(std::io::stdout().lock(), "{}", submission.to_json())?;
    }
    Ok(Exit::refused(refused))
}
