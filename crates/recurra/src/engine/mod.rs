//! The recursion: a question goes in, the latent state is improved step by step, an answer can be read
//! after every step.

pub(crate) mod arena;
mod attempt;
pub(crate) mod packed;
pub(crate) mod recursion;
#[cfg(all(test, feature = "import"))]
mod tests;

pub use arena::TrmBufferPool;
pub use attempt::{Attempt, LatentState};
pub use packed::PackedModel;

use crate::error::{Error, Result};
use crate::model::{TrmConfig, TrmModel};
use crate::network::team::Team;
use crate::thinking::{Progress, StopReason, StopRules};
use recurra_kernels::{AlignedMatrix, Isa};
use std::sync::Arc;
use std::time::Duration;

/// One worker: it thinks about one question at a time, with its own state and shared weights.
#[derive(Debug)]
pub struct TrmEngine {
    model: Arc<PackedModel>,
    pool: TrmBufferPool,
    team: Team,
}

/// The answer of a model to one question.
#[derive(Debug, Clone, PartialEq)]
pub struct TrmResult {
    /// The most likely token at each place of the question.
    pub answer: Vec<u16>,
    /// Improvement steps done.
    pub steps: usize,
    /// Why it stopped.
    pub stopped: StopReason,
    /// Logit of "halt" after the last step; above 0 the model believes that its answer is right.
    pub halt_logit: f32,
}

/// Says whether an answer is proven right by the task's own rules.
pub type Check<'a> = &'a dyn Fn(&[u16]) -> bool;

/// What thinking needs from outside: the engine knows neither tasks nor clocks.
#[derive(Default)]
pub struct Surroundings<'a> {
    /// The task's rule check, if it has one.
    pub check: Option<Check<'a>>,
    /// Time since the question was asked; without it no time passes.
    pub elapsed: Option<&'a dyn Fn() -> Duration>,
    /// Sees the state after every step.
    pub watch: Option<&'a mut dyn FnMut(&Progress<'_>)>,
    /// Whether `watch` wants [`Progress::residual`]; otherwise it is there only where a rule reads it.
    pub watch_residual: bool,
}

/// The least work on one sample, in floating-point operations a call of the network, that is worth
/// splitting over threads: below it, meeting twice a layer costs more than is won.
const MIN_SPLIT_FLOPS: u64 = 4_000_000;

impl TrmEngine {
    /// An engine for a model on the fastest instruction set, with `threads` threads on each question (fewer
    /// where a question is too small to share).
    pub fn new(model: &TrmModel, threads: usize) -> Self {
        let packed = PackedModel::new(Isa::detect(), model.config(), &model.weights);
        Self::with_weights(Arc::new(packed), threads)
    }

    /// Another worker on the same weights.
    pub fn with_weights(model: Arc<PackedModel>, threads: usize) -> Self {
        let config = &model.stack.config;
        let flops = config.flops_per_step() / config.calls_per_step() as u64;
        let worth = flops >= MIN_SPLIT_FLOPS && cfg!(feature = "threads");
        let team = Team::new(if worth { threads } else { 1 });
        TrmEngine {
            pool: TrmBufferPool::new(config, team.members(), model.precision()),
            team,
            model,
        }
    }

    /// The architecture.
    pub fn config(&self) -> &TrmConfig {
        &self.model.stack.config
    }

    /// The shared weights.
    pub fn weights(&self) -> &Arc<PackedModel> {
        &self.model
    }

    /// Its own memory.
    pub fn buffers(&self) -> &TrmBufferPool {
        &self.pool
    }

    /// Takes a question of `seq_len` tokens and sets the state to the beginning. `puzzle` is the row of the puzzle
    /// table; 0 for models without one.
    ///
    /// # Errors
    /// [`Error::Question`] for a wrong number of tokens, a token outside the vocabulary, or a row that is not there.
    pub fn start(&mut self, question: &[u16], puzzle: usize) -> Result<()> {
        let model = self.model.clone();
        if let Some(table) = &model.puzzle_emb
            && puzzle >= table.rows()
        {
            return Err(Error::Question {
                what: "puzzle identifier",
                expected: format!("below {}", table.rows()),
                found: puzzle.to_string(),
            });
        }
        self.start_with_row(question, model.puzzle_row(puzzle))
    }

    /// The same with a row of a puzzle table that the model does not have in memory: `puzzle_emb_ndim` numbers.
    ///
    /// # Errors
    /// [`Error::Question`] for a wrong number of tokens or of numbers, or a token outside the vocabulary.
    pub fn start_with_row(&mut self, question: &[u16], row: &[f32]) -> Result<()> {
        let config = &self.model.stack.config;
        if question.len() != config.seq_len {
            return Err(Error::Question {
                what: "question",
                expected: format!("{} tokens", config.seq_len),
                found: question.len().to_string(),
            });
        }
        if let Some(at) = question
            .iter()
            .position(|&t| usize::from(t) >= config.vocab_size)
        {
            return Err(Error::Question {
                what: "question",
                expected: format!("tokens below {}", config.vocab_size),
                found: format!("{} at place {at}", question[at]),
            });
        }
        if row.len() != config.puzzle_emb_ndim {
            return Err(Error::Question {
                what: "row of the puzzle table",
                expected: format!("{} numbers", config.puzzle_emb_ndim),
                found: row.len().to_string(),
            });
        }
        self.model.embed(question, row, &mut self.pool.x);
        self.model
            .reset(&mut self.pool.z_h, &mut self.pool.z_l, None);
        Ok(())
    }

    /// Makes the sample in the engine think about another question from now on, of the same row of the puzzle table as it
    /// was started with.
    ///
    /// # Panics
    /// If question or row do not fit the model.
    pub(crate) fn replace_question(&mut self, question: &[u16], puzzle: usize) {
        let config = &self.model.stack.config;
        let row = self.model.puzzle_row(puzzle);
        assert_eq!(
            (question.len(), row.len()),
            (config.seq_len, config.puzzle_emb_ndim)
        );
        self.model.embed(question, row, &mut self.pool.x);
    }

    /// One improvement step. Allocates nothing.
    pub fn step(&mut self) {
        self.model.step(&mut self.pool, &mut self.team);
    }

    /// One improvement step, and the relative change of the answer state by it, as in [`Progress::residual`].
    /// Allocates nothing.
    pub fn step_with_residual(&mut self) -> f32 {
        let TrmBufferPool { z_h, z_before, .. } = &mut self.pool;
        z_before.padded_mut().copy_from_slice(z_h.padded());
        self.step();
        residual(&self.pool.z_before, &self.pool.z_h)
    }

    /// Logits of the answer, `[seq_len, vocab]` from row `puzzle_emb_len` on: `logits(i)` is the row of place `i`.
    pub fn decode(&mut self) -> Logits<'_> {
        self.model.decode(&mut self.pool.z_h, &mut self.pool.logits);
        Logits {
            matrix: &self.pool.logits,
            prefix: self.model.stack.config.puzzle_emb_len,
        }
    }

    /// The logits of the last [`TrmEngine::decode`].
    pub fn logits(&self) -> Logits<'_> {
        Logits {
            matrix: &self.pool.logits,
            prefix: self.model.stack.config.puzzle_emb_len,
        }
    }

    /// Logits of "halt" and "continue".
    pub fn halt_logits(&self) -> [f32; 2] {
        self.model.halt_logits(&self.pool.z_h)
    }

    /// Input embeddings, `[positions, hidden]`.
    pub fn x(&self) -> &AlignedMatrix {
        &self.pool.x
    }

    /// The answer state, `[positions, hidden]`.
    pub fn z_h(&self) -> &AlignedMatrix {
        &self.pool.z_h
    }

    /// The reasoning state, `[positions, hidden]`.
    pub fn z_l(&self) -> &AlignedMatrix {
        &self.pool.z_l
    }

    /// Thinks about a question until a rule says stop.
    ///
    /// # Errors
    /// As [`TrmEngine::start`].
    pub fn reason(
        &mut self,
        question: &[u16],
        puzzle: usize,
        rules: StopRules,
        mut surroundings: Surroundings<'_>,
    ) -> Result<TrmResult> {
        self.start(question, puzzle)?;
        let mut attempt = Attempt::new(rules, question.len());
        let stopped = loop {
            if let Some(stopped) = self.advance(&mut attempt, &mut surroundings) {
                break stopped;
            }
        };
        Ok(TrmResult {
            answer: attempt.answer,
            steps: attempt.steps,
            stopped,
            halt_logit: attempt.halt_logit,
        })
    }
}

/// `|after - before| / |after|`, 2-norms over all positions and channels; padding is zero in both.
fn residual(before: &AlignedMatrix, after: &AlignedMatrix) -> f32 {
    let (mut change, mut length) = (0.0, 0.0);
    for row in 0..after.rows() {
        // Sums of a row in f32, of rows in f64: fast, and exact enough for any length.
        let (mut row_change, mut row_length) = (0.0f32, 0.0f32);
        for (a, b) in after.row(row).iter().zip(before.row(row)) {
            row_change += (a - b) * (a - b);
            row_length += a * a;
        }
        change += f64::from(row_change);
        length += f64::from(row_length);
    }
    (change / length).sqrt() as f32
}

/// The logits of an answer.
#[derive(Debug, Clone, Copy)]
pub struct Logits<'a> {
    matrix: &'a AlignedMatrix,
    prefix: usize,
}

impl Logits<'_> {
    /// The logits of all tokens at place `i` of the answer.
    pub fn row(&self, i: usize) -> &[f32] {
        self.matrix.row(self.prefix + i)
    }

    /// The most likely token at each place; the first of equals.
    pub fn answer_into(&self, answer: &mut [u16]) {
        for (i, token) in answer.iter_mut().enumerate() {
            *token = largest(self.row(i)) as u16;
        }
    }

    /// Softmax probability of the most likely token at place `i`.
    pub fn probability(&self, i: usize) -> f32 {
        let row = self.row(i);
        let most = row[largest(row)];
        1.0 / row.iter().map(|v| (v - most).exp()).sum::<f32>()
    }

    /// Softmax probability of every token at place `i`.
    pub fn probabilities_into(&self, i: usize, probabilities: &mut [f32]) {
        let row = self.row(i);
        let most = row[largest(row)];
        for (probability, v) in probabilities.iter_mut().zip(row) {
            *probability = (v - most).exp();
        }
        let sum: f32 = probabilities.iter().sum();
        probabilities.iter_mut().for_each(|p| *p /= sum);
    }

    /// [`Logits::probability`] of each place.
    pub fn certainty_into(&self, certainty: &mut [f32]) {
        for (i, probability) in certainty.iter_mut().enumerate() {
            *probability = self.probability(i);
        }
    }
}

/// Index of the largest number; the first of equals.
pub(crate) fn largest(row: &[f32]) -> usize {
    let mut best = 0;
    for (i, v) in row.iter().enumerate() {
        if *v > row[best] {
            best = i;
        }
    }
    best
}
