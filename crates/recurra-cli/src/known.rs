//! Puzzles whose answers are known.

use crate::exit;
use crate::input::{Puzzles, describe};
use indicatif::ProgressBar;
use rayon::prelude::*;
use recurra::tasks::sudoku::{Entry, Grid, Outcome, solver};

/// A puzzle whose answer is known.
pub(crate) struct Known {
    pub(crate) question: Grid,
    pub(crate) answer: Grid,
    pub(crate) rating: Option<u32>,
}

/// Values that the exact solver tries on a puzzle without an answer; far above what any 9x9 puzzle needs.
const BUDGET: u64 = 1_000_000;

/// The next puzzles that can be used, from at most `most` entries; `None` at the end. The others are told, and counted
/// in `refused`.
pub(crate) fn chunk(
    puzzles: &mut Puzzles,
    most: usize,
    refused: &mut u64,
    bar: &ProgressBar,
) -> Option<Vec<Known>> {
    let entries = puzzles.chunk(most);
    if entries.is_empty() {
        return None;
    }
    let found: Vec<_> = entries.into_par_iter().map(known).collect();
    let mut good = Vec::with_capacity(found.len());
    for known in found {
        match known {
            Ok(known) => good.push(known),
            Err((line, text)) => {
                *refused += 1;
                let name = puzzles.name();
                bar.suspend(|| exit::say(&format!("{name}:{line}: {text}")));
            }
        }
    }
    Some(good)
}

/// A puzzle with its answer, from the data or the exact solver; else the line and what is wrong.
fn known(entry: Entry) -> Result<Known, (u64, String)> {
    let refuse = |text: String| (entry.line, text);
    let puzzle = entry.result.map_err(|e| refuse(describe(entry.line, &e)))?;
    let answer = match puzzle.answer {
        Some(answer) => answer,
        None => {
            let found = match solver::solve(&puzzle.question, Some(BUDGET)) {
                Outcome::One(answer) => Ok(answer),
                Outcome::None => Err("none"),
                Outcome::Many(..) => Err("more than one"),
                Outcome::Unknown(_) => Err("no proof within the exact solver's limit"),
            };
            let text = |found| format!("expected exactly one solution, found {found}");
            found.map_err(|found| refuse(text(found)))?
        }
    };
    Ok(Known {
        question: puzzle.question,
        answer,
        rating: puzzle.rating,
    })
}
