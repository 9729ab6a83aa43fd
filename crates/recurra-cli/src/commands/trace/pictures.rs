//! Pictures of a model thinking.

use super::Args;
use crate::exit::{Exit, UsageError};
use crate::output::Sink;
use crate::picture::{self, Frame, Look, Thought};
use crate::progress;
use crate::thinking::open_model;
use anyhow::{anyhow, bail};
use recurra::engine::TrmEngine;
use recurra::tasks::Task;
use recurra::tasks::data::Puzzles;
use recurra::tasks::dataset::Part;
use recurra::tasks::task::{Entry, Puzzle};
use recurra::thinking::StopRules;
use std::path::Path;

/// Steps of all puzzles together: more are no picture to look at.
const MOST_STEPS: usize = 2000;
/// Places of a question: 256 rows and columns.
const MOST_PLACES: usize = 1 << 16;

/// Draws what the arguments ask for.
pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let model = open_model(&args.model, args.size, args.rules.as_deref())?;
    let threads = args.threads.start()?;
    let (config, spec) = (model.config(), model.header.task.as_ref());
    let task = spec.map(|spec| spec.task()).transpose()?;
    if config.seq_len > MOST_PLACES {
        bail!(
            "{}: expected a model for at most {MOST_PLACES} tokens, found {}",
            args.model.display(),
            config.seq_len
        );
    }
    let groups = config.groups.as_deref();
    let look = Look::new(spec, config.seq_len, config.vocab_size, groups);
    let puzzles = puzzles(args, task.as_deref())?;
    let steps = args.steps.map_or(config.halt_max_steps, usize::from);
    if steps.saturating_mul(puzzles.len()) > MOST_STEPS {
        let text = format!(
            "expected at most {MOST_STEPS} steps to draw, found {steps} of {} puzzles",
            puzzles.len()
        );
        return Err(UsageError(text).into());
    }
    let rules = StopRules::usual(steps, model.header.thinking.as_ref());
    let mut engine = TrmEngine::new(&model, threads);
    drop(model);
    let bar = progress::bar(Some(puzzles.len() as u64), "puzzles");
    let mut thoughts = Vec::new();
    for (name, puzzle) in puzzles {
        let frames = think(&mut engine, task.as_deref(), &puzzle, &rules)
            .map_err(|e| anyhow!("{name}: {e}"))?;
        thoughts.push(Thought {
            title: name,
            question: puzzle.question,
            frames,
        });
        bar.inc(1);
    }
    bar.finish_and_clear();
    if let Some(path) = &args.svg {
        Sink::write_whole(path, picture::to_svg(&look, &thoughts).as_bytes())?;
    }
    if let Some(path) = &args.gif {
        let mut bytes = Vec::new();
        picture::write_gif(&mut bytes, &look, &thoughts)
            .map_err(|e| anyhow!("{}: {e}", path.display()))?;
        Sink::write_whole(path, &bytes)?;
    }
    Ok(Exit::Done)
}

/// The puzzles to draw, with names.
fn puzzles(args: &Args, task: Option<&dyn Task>) -> anyhow::Result<Vec<(String, Puzzle)>> {
    let mut puzzles = Vec::new();
    for (i, text) in (1..).zip(&args.puzzles) {
        let name = format!("puzzle {i}");
        let Some(task) = task else {
            bail!("{name}: expected a model whose task is known, or --data with a folder");
        };
        let entry = task.read(Box::new(text.as_bytes())).next();
        puzzles.push(named(name, entry)?);
    }
    if let Some(path) = &args.data {
        puzzles.extend(from_file(path, &args.rows, task)?);
    }
    Ok(puzzles)
}

/// The puzzles of a file with these numbers, or the first.
fn from_file(
    path: &Path,
    rows: &[usize],
    task: Option<&dyn Task>,
) -> anyhow::Result<Vec<(String, Puzzle)>> {
    let mut rows = rows.to_vec();
    rows.sort_unstable();
    rows.dedup();
    if rows.is_empty() {
        rows.push(1);
    }
    let mut found = Vec::new();
    let mut puzzles = Puzzles::open(path, Part::Test, task)?;
    let mut read = 0;
    for row in rows {
        let entry = puzzles.nth(row - 1 - read);
        read = row;
        let name = format!("puzzle {row}");
        found.push(named(name, entry).map_err(|e| anyhow!("{}: {e}", path.display()))?);
    }
    Ok(found)
}

fn named(name: String, entry: Option<Entry>) -> anyhow::Result<(String, Puzzle)> {
    let Some(entry) = entry else {
        bail!("{name}: expected a puzzle, found none");
    };
    match entry.result {
        Ok(puzzle) => Ok((name, puzzle)),
        Err(error) => bail!("{name}: {}", error.within(entry.line)),
    }
}

/// Thinks until `solve` would stop.
fn think(
    engine: &mut TrmEngine,
    task: Option<&dyn Task>,
    puzzle: &Puzzle,
    rules: &StopRules,
) -> recurra::Result<Vec<Frame>> {
    engine.start(&puzzle.question, puzzle.identifier as usize)?;
    let (places, vocab) = (puzzle.question.len(), engine.config().vocab_size);
    let weighs = engine.config().groups.is_some();
    let mut frames = Vec::new();
    for _ in 0..rules.max_steps {
        engine.step();
        let mut answer = vec![0; places];
        let logits = engine.decode();
        logits.answer_into(&mut answer);
        let sure = (0..places).map(|place| logits.probability(place)).collect();
        let mut candidates = vec![0.0; if weighs { places * vocab } else { 0 }];
        for (place, row) in candidates.chunks_exact_mut(vocab).enumerate() {
            logits.probabilities_into(place, row);
        }
        let verified = task.and_then(|task| task.verify(&puzzle.question, &answer));
        let halt = engine.halt_logits()[0];
        frames.push(Frame {
            answer,
            sure,
            candidates,
            halt,
            verified,
        });
        // As `solve` does: the model's belief counts where the rules prove nothing.
        let believed = verified.is_none() && rules.halt.is_some_and(|least| halt > least);
        if verified == Some(true) || believed {
            break;
        }
    }
    Ok(frames)
}
