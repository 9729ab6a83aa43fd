//! Where training samples come from.

use super::IGNORE_LABEL;
use crate::error::{Error, Result};
use crate::model::TrmConfig;
use rand::Rng;
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
    /// Which task of a mixture it belongs to; 0 where there is one.
    pub kind: usize,
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
pub trait SampleSource: Send + Sync {
    /// Draws a sample with the given random numbers and nothing else: the same numbers give the same sample.
    fn draw(&self, rng: &mut ChaCha8Rng, sample: &mut Sample);
}

/// A random number from 0 to 1.
pub(super) fn share(rng: &mut ChaCha8Rng) -> f64 {
    (rng.next_u64() >> 11) as f64 / ((1u64 << 53) as f64)
}

/// Several tasks to learn at once: which one a sample is of is drawn first.
pub struct Mixture {
    sources: Vec<Box<dyn SampleSource>>,
    /// Sums of the shares, up to and with each source.
    sums: Vec<f64>,
}

impl Mixture {
    /// A mixture of sources, each with its share of the samples relative to the others'. The place of a source is its samples'
    /// [`Sample::kind`].
    ///
    /// # Errors
    /// [`Error::Config`] for no source, or for a share that is not a positive number.
    pub fn new(parts: Vec<(Box<dyn SampleSource>, f64)>) -> Result<Self> {
        let bad = parts
            .iter()
            .find(|(_, share)| !(*share > 0.0 && share.is_finite()));
        if bad.is_some() || parts.is_empty() {
            return Err(Error::Config {
                field: "shares",
                expected: "a positive number for each task".into(),
                found: bad.map_or("none".into(), |(_, share)| share.to_string()),
            });
        }
        let mut sum = 0.0;
        let (sources, sums) = parts
            .into_iter()
            .map(|(source, share)| {
                sum += share;
                (source, sum)
            })
            .unzip();
        Ok(Mixture { sources, sums })
    }
}

impl SampleSource for Mixture {
    fn draw(&self, rng: &mut ChaCha8Rng, sample: &mut Sample) {
        let all = self.sums[self.sums.len() - 1];
        let drawn = share(rng) * all;
        let kind = self.sums.partition_point(|&sum| sum <= drawn);
        // The product may be rounded up to the whole.
        let kind = kind.min(self.sources.len() - 1);
        self.sources[kind].draw(rng, sample);
        sample.kind = kind;
    }
}
