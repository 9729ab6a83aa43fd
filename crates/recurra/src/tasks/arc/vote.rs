//! Votes of augmentations for answers to one test input.

use super::Grid;
use std::collections::HashMap;

/// An answer and its votes.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The answer.
    pub grid: Grid,
    /// How many gave it.
    pub votes: usize,
    /// Mean of their halting probabilities.
    pub confidence: f64,
}

/// Answers to one test input, each turned back before it is added.
#[derive(Clone, Debug, Default)]
pub struct Ballot {
    /// In the order of their first votes; `confidence` is the sum as yet.
    candidates: Vec<Candidate>,
    places: HashMap<Grid, usize>,
    blank: usize,
}

impl Ballot {
    /// An empty ballot.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an answer with its halting logit. Where there is no grid in it, it is a blank vote: the reference
    /// implementation counts those for an empty grid, which no output is, and may spend an attempt on it.
    ///
    /// What is averaged is the sigmoid of the logit, as there; a logit that is not a number counts as "surely not".
    pub fn add(&mut self, answer: Option<Grid>, halt_logit: f32) {
        let Some(grid) = answer else {
            self.blank += 1;
            return;
        };
        let place = *self.places.entry(grid).or_insert_with_key(|grid| {
            self.candidates.push(Candidate {
                grid: grid.clone(),
                votes: 0,
                confidence: 0.0,
            });
            self.candidates.len() - 1
        });
        let candidate = &mut self.candidates[place];
        candidate.votes += 1;
        if !halt_logit.is_nan() {
            candidate.confidence += 1.0 / (1.0 + (-f64::from(halt_logit)).exp());
        }
    }

    /// Votes without a grid.
    pub fn blank(&self) -> usize {
        self.blank
    }

    /// The answers, those with most votes first; of those with equally many the more confident; of those equally
    /// confident the one that came first.
    pub fn ranking(&self) -> Vec<Candidate> {
        let mut ranking = self.candidates.clone();
        for candidate in &mut ranking {
            candidate.confidence /= candidate.votes as f64;
        }
        ranking.sort_by(|a, b| {
            (b.votes.cmp(&a.votes)).then_with(|| b.confidence.total_cmp(&a.confidence))
        });
        ranking
    }
}
