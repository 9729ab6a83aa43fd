//! How often the right passage is found.

use super::flat::FlatIndex;
use super::pairs::Pairs;
use super::refiner::{RefineOptions, Refined, Refiner, VectorQuestion};
use crate::error::Result;
use serde::Serialize;

/// How often a vector finds the right passage among all different answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Retrieval {
    /// The share whose passage comes first.
    pub recall_at_1: f64,
    /// The share whose passage is among the first ten.
    pub recall_at_10: f64,
    /// The mean of one over the passage's rank.
    pub mrr: f64,
}

impl Retrieval {
    /// From ranks, the first being 1.
    pub fn of(ranks: &[usize]) -> Self {
        let n = ranks.len().max(1) as f64;
        let share = |most: usize| ranks.iter().filter(|&&rank| rank <= most).count() as f64 / n;
        Retrieval {
            recall_at_1: share(1),
            recall_at_10: share(10),
            mrr: ranks.iter().map(|&rank| 1.0 / rank as f64).sum::<f64>() / n,
        }
    }
}

/// What was measured of each question of a set.
#[derive(Debug, Clone)]
pub struct Measured {
    /// Different answers, among which the right one was looked for.
    pub passages: usize,
    /// The rank of each question's passage by its refined vector, from 1.
    pub ranks: Vec<usize>,
    /// By its first answer.
    pub raw_ranks: Vec<usize>,
    /// What the model answered.
    pub answers: Vec<Refined>,
}

/// Asks all questions, and ranks all different answers of the set for each. An answer that is as near as the right one counts as nearer.
///
/// # Errors
/// As [`Refiner::reason_many`] and [`Pairs::check`].
pub fn measure(refiner: &Refiner, pairs: &Pairs, options: RefineOptions) -> Result<Measured> {
    pairs.check(refiner.spec())?;
    let (index, right) = passages(refiner, pairs)?;
    // A model that looks at what it retrieves looks at the passages of the set.
    let refiner = match refiner.spec().neighbours {
        0 => refiner.clone(),
        _ => refiner.clone().with_index(index.clone())?,
    };
    let questions: Vec<VectorQuestion> = (0..pairs.len())
        .map(|i| pairs.row(i))
        .map(|row| VectorQuestion {
            question: row.question,
            initial: row.initial,
        })
        .collect();
    let answers = refiner.reason_many(&questions, options)?;
    let answers = answers.into_iter().collect::<Result<Vec<_>>>()?;
    let moved: Vec<f32> = answers.iter().flat_map(|a| &a.vector).copied().collect();
    let raw: Vec<f32> = questions.iter().flat_map(|q| q.initial).copied().collect();
    Ok(Measured {
        passages: index.len(),
        ranks: ranks(&index, &moved, &right),
        raw_ranks: ranks(&index, &raw, &right),
        answers,
    })
}

/// The different answers of a set, and which is each row's.
///
/// # Errors
/// As [`FlatIndex::new`].
pub fn passages(refiner: &Refiner, pairs: &Pairs) -> Result<(FlatIndex, Vec<usize>)> {
    let (answers, right) = pairs.distinct_answers();
    Ok((
        FlatIndex::new(refiner.spec().norm, pairs.dimension, &answers)?,
        right,
    ))
}

/// The rank of the right passage for each of these vectors, which stand one after the other.
pub fn ranks(index: &FlatIndex, vectors: &[f32], right: &[usize]) -> Vec<usize> {
    let d = index.dimension();
    let part = |(vectors, right): (&[f32], &[usize])| {
        let mut ranks = Vec::with_capacity(right.len());
        index.scores(vectors, &mut |i, scores| {
            let right = right[i];
            let score = scores[right];
            let nearer = scores
                .iter()
                .enumerate()
                .filter(|&(j, s)| j != right && *s >= score);
            ranks.push(1 + nearer.count());
        });
        ranks
    };
    const EACH: usize = 256;
    let parts: Vec<_> = vectors.chunks(EACH * d).zip(right.chunks(EACH)).collect();
    #[cfg(feature = "threads")]
    {
        use rayon::prelude::*;
        parts.into_par_iter().flat_map_iter(part).collect()
    }
    #[cfg(not(feature = "threads"))]
    parts.into_iter().flat_map(part).collect()
}

// No browser has such models.
#[cfg(all(test, not(target_family = "wasm")))]
mod tests {
    use super::*;
    use crate::tasks::vectors::Norm;

    #[test]
    fn shares_of_ranks() {
        let found = Retrieval::of(&[1, 2, 10, 11]);
        assert_eq!((found.recall_at_1, found.recall_at_10), (0.25, 0.75));
        assert!((found.mrr - (1.0 + 0.5 + 0.1 + 1.0 / 11.0) / 4.0).abs() < 1e-12);
    }

    #[test]
    fn what_is_as_near_counts_as_nearer() {
        let index = FlatIndex::new(Norm::Unit, 2, &[1.0, 0.0, 0.0, 1.0, -1.0, 0.0]).unwrap();
        // As near to both of the first.
        let vectors = [0.5f32.sqrt(), 0.5f32.sqrt(), 1.0, 0.0];
        assert_eq!(ranks(&index, &vectors, &[0, 2]), [2, 3]);
    }
}
