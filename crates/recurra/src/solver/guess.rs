//! Hypotheses: attempts that go on from where the first one stalled, with guesses as givens, best first.
//!
//! A guess opens a branch for each symbol that its cell may hold. The attempt follows the likeliest; the others are kept with
//! the state of that moment, and the next attempt takes the one of all that are open that is likeliest to hold the answer: the
//! product of the probabilities that its guesses had. A branch whose sure cells contradict each other ends.

use crate::engine::{LatentState, TrmEngine};
use crate::groups::Groups;
use crate::tasks::Task;
use crate::tasks::task::{PAD, Tokens};
use crate::thinking::StopReason;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A cell whose most likely symbol has at least this probability is not guessed.
const UNSURE: f32 = 0.8;
/// From this probability on a cell's symbol counts in a contradiction.
const SURE: f32 = 0.7;
/// A symbol less likely than this is no branch.
const UNLIKELY: f32 = 0.02;
/// Steps from one guess to the next: what a guess entails shows in them.
const PAUSE: usize = 3;
/// So many steps without an unsure cell end an attempt that is not verified.
const SETTLED: usize = 3;
/// So many steps with a contradiction between sure cells end it.
const CLASHES: usize = 2;
/// Steps after which an attempt is better given up for another guess, where no other number is asked for.
pub(super) const ENOUGH_STEPS: usize = 20;
/// Memory for the states of open branches, in bytes; the least likely ones are given up for it. One is kept in any case.
const MEMORY: usize = 64 << 20;

/// The question with some guesses, and the state from which to go on.
#[derive(Debug)]
struct Branch {
    /// Logarithm of the product of the probabilities that its guesses had.
    log_probability: f32,
    /// Of two alike, the older comes first.
    number: usize,
    tokens: Tokens,
    state: Arc<LatentState>,
    /// Whether its last guess has not been thought about yet.
    fresh: bool,
}

impl Ord for Branch {
    /// The likelier is the greater.
    fn cmp(&self, other: &Self) -> Ordering {
        let likelier = self.log_probability.total_cmp(&other.log_probability);
        likelier.then(other.number.cmp(&self.number))
    }
}

impl PartialOrd for Branch {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Branch {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Branch {}

/// The open branches of a question.
#[derive(Debug, Default)]
pub(super) struct Branches {
    open: BTreeSet<Branch>,
    /// Branches opened so far.
    opened: usize,
}

impl Branches {
    /// Opens a branch.
    fn open(
        &mut self,
        tokens: Tokens,
        log_probability: f32,
        state: &Arc<LatentState>,
        fresh: bool,
    ) {
        self.opened += 1;
        self.open.insert(Branch {
            log_probability,
            number: self.opened,
            tokens,
            state: state.clone(),
            fresh,
        });
        let most = (MEMORY / state.bytes()).max(1);
        if self.open.len() > most {
            self.open.pop_first();
        }
    }

    /// Leaves the state in the engine as a place to go on from.
    pub(super) fn leave(&mut self, engine: &TrmEngine, guess: Option<&Guess>, question: &[u16]) {
        let (tokens, likely) = guess.map_or((question, 0.0), |g| (&g.tokens, g.log_probability));
        self.open(
            tokens.to_vec(),
            likely,
            &Arc::new(engine.copy_state()),
            false,
        );
    }

    /// Takes the likeliest branch into the engine; none where none is open.
    pub(super) fn take(&mut self, engine: &mut TrmEngine) -> Option<Guess> {
        let branch = self.open.pop_last()?;
        engine.start_from(&branch.state);
        engine.replace_question(&branch.tokens, 0);
        Some(Guess {
            pause: if branch.fresh { PAUSE } else { 0 },
            ..Guess::new(branch.tokens, branch.log_probability)
        })
    }
}

/// Of a cell's probabilities by token: the symbols that are worth a branch, the likeliest first, each with its share of what can
/// be given.
fn considered(probabilities: &[f32], task: &dyn Task) -> Vec<(u16, f32)> {
    let mut symbols: Vec<(u16, f32)> = (0..).zip(probabilities.iter().copied()).collect();
    symbols.retain(|&(token, _)| task.is_given(token));
    let sum: f32 = symbols.iter().map(|(_, probability)| probability).sum();
    symbols.iter_mut().for_each(|(_, p)| *p /= sum);
    symbols.retain(|(_, probability)| *probability >= UNLIKELY);
    symbols.sort_by(|a, b| b.1.total_cmp(&a.1));
    symbols
}

/// The first of the cells with the fewest symbols whose likeliest one is the likeliest: few branches, and of them a good one. Each has a symbol.
fn narrowest(
    cells: impl Iterator<Item = (usize, Vec<(u16, f32)>)>,
) -> Option<(usize, Vec<(u16, f32)>)> {
    cells.min_by(|(_, a), (_, b)| {
        let surer = b[0].1.total_cmp(&a[0].1);
        a.len().cmp(&b.len()).then(surer)
    })
}

/// The guesses of one attempt.
#[derive(Debug)]
pub(super) struct Guess {
    /// The question with the guesses in it.
    tokens: Tokens,
    log_probability: f32,
    /// Steps to wait before the next guess.
    pause: usize,
    settled: usize,
    clashes: usize,
}

impl Guess {
    /// No guess yet in the question's tokens, none before some steps.
    pub(super) fn new(tokens: Tokens, log_probability: f32) -> Self {
        Guess {
            tokens,
            log_probability,
            pause: PAUSE,
            settled: 0,
            clashes: 0,
        }
    }

    /// Before a step: when it is time, makes a guess from what the state in the engine believes, and puts it into the engine's
    /// question. The cell is, of those that are unsure, one with the fewest symbols to branch over, of these the surest. Tokens that
    /// cannot be givens are not guessed.
    pub(super) fn make(
        &mut self,
        engine: &mut TrmEngine,
        task: &dyn Task,
        branches: &mut Branches,
    ) {
        if self.pause > 0 {
            self.pause -= 1;
            return;
        }
        let mut probabilities = vec![0.0; engine.config().vocab_size];
        let logits = engine.decode();
        let open = (0..).zip(&self.tokens);
        let open = open.filter(|&(_, &token)| token != PAD && !task.is_given(token));
        let unsure = open.filter(|&(cell, _)| logits.probability(cell) < UNSURE);
        let choices = unsure.filter_map(|(cell, _)| {
            logits.probabilities_into(cell, &mut probabilities);
            let symbols = considered(&probabilities, task);
            (!symbols.is_empty()).then_some((cell, symbols))
        });
        let Some((cell, symbols)) = narrowest(choices) else {
            return;
        };
        let ((likeliest, probability), others) = (symbols[0], &symbols[1..]);
        if !others.is_empty() {
            let state = Arc::new(engine.copy_state());
            for &(token, probability) in others {
                let mut tokens = self.tokens.clone();
                tokens[cell] = token;
                let all = self.log_probability + probability.ln();
                branches.open(tokens, all, &state, true);
            }
        }
        self.tokens[cell] = likeliest;
        self.log_probability += probability.ln();
        self.pause = PAUSE - 1;
        engine.replace_question(&self.tokens, 0);
    }

    /// After a step with this answer: whether there is no hope in going on.
    pub(super) fn hopeless(
        &mut self,
        answer: &[u16],
        certainty: &[f32],
        groups: Option<&Groups>,
    ) -> Option<StopReason> {
        let unsure = certainty.iter().any(|&probability| probability < UNSURE);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{TrmModel, TrmWeights};
    use crate::tasks::TaskSpec;
    use crate::train::preset::constraints;

    fn engine() -> TrmEngine {
        let spec = TaskSpec::Sudoku { size: 4 };
        let (config, _) = constraints(&spec).unwrap();
        let weights = TrmWeights::random(&config, 1);
        TrmEngine::new(&TrmModel::new(config, Some(spec), weights), 1)
    }

    #[test]
    fn the_likeliest_branch_is_taken_and_of_two_alike_the_older() {
        let mut engine = engine();
        let state = Arc::new(engine.copy_state());
        let mut branches = Branches::default();
        for (token, likely) in [(2, -3.0), (3, -1.0), (4, -2.0), (5, -1.0)] {
            branches.open(vec![token; 16], likely, &state, true);
        }
        let taken = std::iter::from_fn(|| branches.take(&mut engine));
        let tokens: Vec<u16> = taken.map(|guess| guess.tokens[0]).collect();
        assert_eq!(tokens, [3, 5, 4, 2]);
    }

    #[test]
    fn beyond_the_memory_the_least_likely_are_given_up() {
        let mut engine = engine();
        let state = Arc::new(engine.copy_state());
        let most = MEMORY / state.bytes();
        let mut branches = Branches::default();
        for number in 0..most + 5 {
            branches.open(vec![2; 16], -(number as f32), &state, true);
        }
        assert_eq!(branches.open.len(), most);
        let last = std::iter::from_fn(|| branches.take(&mut engine)).last();
        assert_eq!(last.unwrap().log_probability, 1.0 - most as f32);
    }

    #[test]
    fn the_narrowest_cell_is_guessed_and_of_those_the_surest() {
        let task = TaskSpec::Sudoku { size: 4 }.task().unwrap();
        // Tokens: padding, blank, then the symbols.
        let cells = [
            [0.0, 0.0, 0.6, 0.2, 0.2, 0.0],
            [0.0, 0.0, 0.5, 0.49, 0.01, 0.0],
            [0.0, 0.0, 0.3, 0.0, 0.0, 0.7],
            [0.0, 0.0, 0.7, 0.3, 0.0, 0.0],
        ];
        let all = cells.map(|probabilities| considered(&probabilities, &*task));
        assert_eq!(all[1].len(), 2);
        let (cell, symbols) = narrowest((0..).zip(all)).unwrap();
        assert_eq!((cell, symbols), (2, vec![(5, 0.7), (2, 0.3)]));
        assert_eq!(narrowest(std::iter::empty()), None);
    }

    #[test]
    fn a_guess_leaves_its_alternatives_behind() {
        let mut engine = engine();
        let task = TaskSpec::Sudoku { size: 4 }.task().unwrap();
        let question: Tokens = [[1; 15].as_slice(), &[2]].concat();
        engine.start(&question, 0).unwrap();
        engine.step();
        let mut branches = Branches::default();
        branches.leave(&engine, None, &question);
        let mut guess = branches.take(&mut engine).unwrap();
        guess.make(&mut engine, &*task, &mut branches);
        let cell = (0..16).find(|&cell| guess.tokens[cell] != question[cell]);
        let cell = cell.expect("an untrained model is sure of nothing");
        let mut seen = vec![guess.tokens[cell]];
        let mut sum = guess.log_probability.exp();
        let mut before = guess.log_probability;
        while let Some(other) = branches.take(&mut engine) {
            assert!(other.log_probability <= before);
            before = other.log_probability;
            sum += before.exp();
            seen.push(other.tokens[cell]);
            // It thinks about its guess before it makes another.
            assert_eq!(other.pause, PAUSE);
        }
        seen.sort_unstable();
        assert_eq!(seen, [2, 3, 4, 5]);
        assert!((sum - 1.0).abs() < 1e-5, "{sum}");
    }
}
