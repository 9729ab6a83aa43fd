//! Hypotheses: an attempt that goes on from where the first one stalled, with guesses as givens.

use crate::engine::TrmEngine;
use crate::groups::Groups;
use crate::tasks::Task;
use crate::tasks::task::{PAD, Tokens};
use crate::thinking::StopReason;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// A cell whose most likely symbol has at least this probability is sure: it is not guessed.
const SURE: f32 = 0.7;
/// So many steps without an unsure cell end an attempt that is not verified.
const SETTLED: usize = 3;
/// So many steps with a contradiction between sure cells end it.
const CLASHES: usize = 2;

/// The guesses of one attempt.
#[derive(Debug)]
pub(super) struct Guess {
    /// The question with the guesses in it.
    tokens: Tokens,
    rng: ChaCha8Rng,
    settled: usize,
    clashes: usize,
}

impl Guess {
    pub(super) fn new(question: &[u16], rng: ChaCha8Rng) -> Self {
        Guess {
            tokens: question.to_vec(),
            rng,
            settled: 0,
            clashes: 0,
        }
    }

    /// Makes a guess from what the state in the engine believes, and puts it into the engine's question. Tokens that cannot be
    /// givens are not guessed.
    pub(super) fn make(&mut self, engine: &mut TrmEngine, task: &dyn Task) {
        let vocab = engine.config().vocab_size;
        let logits = engine.decode();
        let mut surest: Option<(f32, usize)> = None;
        for (cell, &token) in self.tokens.iter().enumerate() {
            if token == PAD || task.is_given(token) {
                continue;
            }
            let probability = logits.probability(cell);
            if probability < SURE && surest.is_none_or(|(most, _)| probability > most) {
                surest = Some((probability, cell));
            }
        }
        let Some((_, cell)) = surest else { return };
        let row = logits.row(cell);
        let most = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let weight = |token: usize| match task.is_given(token as u16) {
            true => f64::from((row[token] - most).exp()),
            false => 0.0,
        };
        let sum: f64 = (0..vocab).map(weight).sum();
        let uniform = (self.rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
        let mut left = uniform * sum;
        let drawn = (0..vocab).find(|&token| {
            left -= weight(token);
            left < 0.0
        });
        if let Some(token) = drawn {
            self.tokens[cell] = token as u16;
            engine.replace_question(&self.tokens, 0);
        }
    }

    /// After a step with this answer: whether there is no hope in going on.
    pub(super) fn hopeless(
        &mut self,
        answer: &[u16],
        certainty: &[f32],
        groups: Option<&Groups>,
    ) -> Option<StopReason> {
        let unsure = certainty.iter().any(|&probability| probability < SURE);
        self.settled = if unsure { 0 } else { self.settled + 1 };
        let clash = groups.is_some_and(|groups| {
            groups.groups.iter().any(|group| {
                let cells = group.iter().map(|&cell| usize::from(cell));
                let mut sure = cells.filter(|&cell| certainty[cell] >= SURE);
                let mut seen = 0u128;
                sure.any(|cell| {
                    let bit = 1u128.checked_shl(answer[cell].into()).unwrap_or(0);
                    let twice = seen & bit != 0;
                    seen |= bit;
                    twice
                })
            })
        });
        self.clashes = if clash { self.clashes + 1 } else { 0 };
        match (self.clashes >= CLASHES, self.settled >= SETTLED) {
            (true, _) => Some(StopReason::Contradiction),
            (false, true) => Some(StopReason::Stable),
            (false, false) => None,
        }
    }
}
