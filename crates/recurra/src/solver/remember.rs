//! Answers from the cache: looking a question up, and keeping what was thought about it.

use super::attempts::{self, Desk};
use super::{Answer, Glimpse, SolveOptions, Source, fits};
use crate::cache::{Ask, CacheHit, CacheLevel, Keys, Thought};
use crate::engine::TrmEngine;
use crate::error::Result;
use crate::tasks::sudoku::{Canonical, Grid, Symmetry, canonical, rules};
use web_time::Instant;

/// The answer from the cache if there is one that knows it, else by thinking.
pub(super) fn answer(
    engine: &mut TrmEngine,
    desk: &Desk,
    question: &Grid,
    options: &SolveOptions,
    watch: &mut dyn FnMut(&Glimpse),
) -> Result<Answer> {
    fits(desk.sudoku, question)?;
    let Some(cache) = &desk.cache else {
        return attempts::think(engine, desk, question, options, watch);
    };
    let started = Instant::now();
    let asked = Asked::new(question, options);
    let turn = loop {
        match cache.ask(asked.keys(), options.stop.time) {
            Ask::Hit(hit) => match asked.recall(&hit) {
                Some(grid) => {
                    return Ok(Answer {
                        grid,
                        verified: hit.thought.verified,
                        steps: 0,
                        restarts: 0,
                        stopped: hit.thought.stopped,
                        halt: hit.thought.halt,
                        seconds: started.elapsed().as_secs_f64(),
                        source: hit.level.into(),
                    });
                }
                // Then it is gone from the cache, and the next round is the last.
                None => cache.refuse(asked.key_of(&hit)),
            },
            Ask::Turn(turn) => break Some(turn),
            Ask::Busy => break None,
        }
    };
    let answer = attempts::think(engine, desk, question, options, watch)?;
    if answer.verified == Some(true) {
        let proof = asked.thought(&asked.to_canonical.apply(&answer.grid), &answer);
        match turn {
            Some(turn) => turn.prove(proof),
            None => cache.put(&asked.canonical, proof),
        }
    } else if options.stop.time.is_none() && desk.planner.is_none() {
        // Thought about again it would be the same. Who waits for the turn finds it.
        cache.put(&asked.own, asked.thought(&answer.grid, &answer));
    }
    Ok(answer)
}

/// A question with its keys.
struct Asked<'a> {
    question: &'a Grid,
    to_canonical: Symmetry,
    canonical: Vec<u8>,
    own: Vec<u8>,
}

impl<'a> Asked<'a> {
    fn new(question: &'a Grid, options: &SolveOptions) -> Self {
        // A puzzle with too many symmetries for a canonical form is known in its own form only.
        let Canonical { grid, symmetry } =
            canonical::canonical(question).unwrap_or_else(|| Canonical {
                grid: question.clone(),
                symmetry: Symmetry::identity(question.sudoku()),
            });
        // Proofs hold whatever the options; another answer depends on all of them. The first byte tells them apart.
        let own = format!("o{question}{options:?}").into_bytes();
        Asked {
            question,
            to_canonical: symmetry,
            canonical: [b"c", grid.cells()].concat(),
            own,
        }
    }

    fn keys(&self) -> Keys<'_> {
        Keys {
            canonical: &self.canonical,
            own: &self.own,
        }
    }

    fn key_of(&self, hit: &CacheHit) -> &[u8] {
        if hit.own { &self.own } else { &self.canonical }
    }

    /// The answer in the question's own form. `None` if it claims a proof that does not hold.
    fn recall(&self, hit: &CacheHit) -> Option<Grid> {
        let grid = Grid::new(self.question.sudoku(), hit.thought.answer.to_vec())?;
        let grid = if hit.own {
            grid
        } else {
            self.to_canonical.inverse().apply(&grid)
        };
        let holds = rules::verifies(self.question, &grid);
        (hit.thought.verified == Some(holds)).then_some(grid)
    }

    fn thought(&self, grid: &Grid, answer: &Answer) -> Thought {
        Thought {
            answer: grid.cells().into(),
            verified: answer.verified,
            stopped: answer.stopped,
            halt: answer.halt,
            seconds: answer.seconds as f32,
        }
    }
}

impl From<CacheLevel> for Source {
    fn from(level: CacheLevel) -> Self {
        match level {
            CacheLevel::Exact => Source::Exact,
            CacheLevel::Stored => Source::Stored,
            CacheLevel::Similar => Source::Similar,
        }
    }
}
