//! Puzzles whose answers are known.

use crate::exit::{self, Causes};
use crate::input::Puzzles;
use indicatif::ProgressBar;
use rayon::prelude::*;
use recurra::tasks::Task;
use recurra::tasks::task::{Entry, Pair};

/// A puzzle whose answer is known.
pub(crate) struct Known {
    pub(crate) pair: Pair,
    pub(crate) rating: Option<u32>,
}

/// Lines that could not be used.
#[derive(Default)]
pub(crate) struct Refused {
    pub(crate) count: u64,
    causes: Causes,
}

impl Refused {
    /// Says how many were not told.
    pub(crate) fn tell_rest(&mut self, name: &str) {
        self.causes.tell_rest(name);
    }
}

/// The next puzzles that can be used, from at most `most` entries; `None` at the end. The others are told, and counted
/// in `refused`.
pub(crate) fn chunk(
    puzzles: &mut Puzzles,
    task: &dyn Task,
    most: usize,
    refused: &mut Refused,
    bar: &ProgressBar,
) -> Option<Vec<Known>> {
    let entries = puzzles.chunk(most);
    if entries.is_empty() {
        return None;
    }
    let found: Vec<_> = entries
        .into_par_iter()
        .map(|entry| known(task, entry))
        .collect();
    let mut good = Vec::with_capacity(found.len());
    for known in found {
        match known {
            Ok(known) => good.push(known),
            Err((line, text)) => {
                refused.count += 1;
                if refused.causes.add(&text) {
                    let name = puzzles.name();
                    bar.suspend(|| exit::say(&format!("{name}:{line}: {text}")));
                }
            }
        }
    }
    Some(good)
}

/// A puzzle with its answer, from the data or the exact solver; else the line and what is wrong.
fn known(task: &dyn Task, entry: Entry) -> Result<Known, (u64, String)> {
    let refuse = |text: String| (entry.line, text);
    let puzzle = entry.result.map_err(|e| refuse(e.within(entry.line)))?;
    let answer = match (puzzle.answer, puzzle.objection) {
        (Some(answer), _) => answer,
        // A wrong answer measures nothing.
        (None, Some(objection)) => {
            return Err(refuse(format!("answer: {}", objection.within(entry.line))));
        }
        (None, None) => match task.solve(&puzzle.question) {
            Some(found) => found.map_err(refuse)?,
            None => return Err(refuse("expected an answer to it, found none".into())),
        },
    };
    Ok(Known {
        pair: Pair {
            question: puzzle.question,
            answer,
        },
        rating: puzzle.rating,
    })
}
