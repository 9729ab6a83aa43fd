//! Where training samples come from.

use rand_chacha::ChaCha8Rng;

/// One question with its labels.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sample {
    /// `seq_len` tokens.
    pub question: Vec<u16>,
    /// `seq_len` tokens, or [`IGNORE_LABEL`](super::IGNORE_LABEL) where the answer does not count.
    pub labels: Vec<u16>,
    /// Row of the puzzle table; 0 where there is none.
    pub puzzle: usize,
}

/// A source of training samples.
pub trait SampleSource: Sync {
    /// Draws a sample with the given random numbers and nothing else: the same numbers give the same sample.
    fn draw(&self, rng: &mut ChaCha8Rng, sample: &mut Sample);
}
