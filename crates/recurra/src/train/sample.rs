//! Where training samples come from.

use super::IGNORE_LABEL;
use crate::error::{Error, Result};
use crate::model::TrmConfig;
use rand_chacha::ChaCha8Rng;

/// One question with its labels.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sample {
    /// `seq_len` tokens.
    pub question: Vec<u16>,
    /// `seq_len` tokens, or [`IGNORE_LABEL`] where the answer does not count.
    pub labels: Vec<u16>,
    /// Row of the puzzle table; 0 where there is none.
    pub puzzle: usize,
}

impl Sample {
    /// Refuses a sample that does not fit the architecture.
    pub(crate) fn check(&self, config: &TrmConfig) -> Result<()> {
        let known = |&t: &u16| usize::from(t) < config.vocab_size;
        let fits = self.question.len() == config.seq_len
            && self.labels.len() == config.seq_len
            && self.question.iter().all(known)
            && self.labels.iter().all(|t| known(t) || *t == IGNORE_LABEL)
            && (config.puzzle_emb_ndim == 0 || self.puzzle < config.num_puzzle_identifiers);
        if fits {
            return Ok(());
        }
        Err(Error::Question {
            what: "training sample",
            expected: format!("{} tokens below {}", config.seq_len, config.vocab_size),
            found: "others".into(),
        })
    }
}

/// A source of training samples.
pub trait SampleSource: Sync {
    /// Draws a sample with the given random numbers and nothing else: the same numbers give the same sample.
    fn draw(&self, rng: &mut ChaCha8Rng, sample: &mut Sample);
}
