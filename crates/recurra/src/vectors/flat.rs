//! All vectors of a collection, searched one by one: exact, and what training, measuring and retrieving in the loop need.

use super::state::direction;
use crate::error::{Error, Result};
use crate::tasks::vectors::Norm;
use recurra_kernels::format::F32;
use recurra_kernels::product::{Part, Product, Rhs};
use recurra_kernels::{AlignedMatrix, Isa, PackedMatrix, Packing};
use std::sync::Arc;

/// Questions whose scores are computed together.
const BLOCK: usize = 64;
/// Bytes of vectors at most.
const MOST_BYTES: usize = 16 << 30;

/// A collection of vectors; cheap to clone.
#[derive(Debug, Clone)]
pub struct FlatIndex(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    isa: Isa,
    norm: Norm,
    dimension: usize,
    /// In length 1 where that is the norm.
    rows: AlignedMatrix,
    packed: PackedMatrix,
}

impl FlatIndex {
    /// An index of vectors that stand one after the other.
    ///
    /// # Errors
    /// [`Error::Question`] for none, for an incomplete one, for more than 16 GiB, and for one that is zero or not finite.
    pub fn new(norm: Norm, dimension: usize, numbers: &[f32]) -> Result<Self> {
        let wrong = |expected: String, found: String| Error::Question {
            what: "index",
            expected,
            found,
        };
        if dimension == 0 || numbers.is_empty() || !numbers.len().is_multiple_of(dimension) {
            let expected = format!("{dimension} numbers for each vector, one vector or more");
            return Err(wrong(expected, numbers.len().to_string()));
        }
        let count = numbers.len() / dimension;
        if numbers.len() > MOST_BYTES / 4 {
            return Err(wrong(
                format!("at most {MOST_BYTES} bytes"),
                (4 * numbers.len()).to_string(),
            ));
        }
        let mut rows = AlignedMatrix::zeros(count, dimension);
        for (i, vector) in numbers.chunks_exact(dimension).enumerate() {
            let length = super::check::length(vector);
            if !(length > 0.0 && length.is_finite()) {
                let expected = "vectors that are finite and not zero".into();
                return Err(wrong(expected, format!("length {length} of vector {i}")));
            }
            match norm {
                Norm::Unit => direction(vector, rows.row_mut(i)),
                Norm::Free => rows.row_mut(i).copy_from_slice(vector),
            }
        }
        let isa = Isa::detect();
        Ok(FlatIndex(Arc::new(Inner {
            packed: PackedMatrix::of_floats(isa, Packing::Panels, &rows),
            isa,
            norm,
            dimension,
            rows,
        })))
    }

    /// How many vectors it holds.
    pub fn len(&self) -> usize {
        self.0.rows.rows()
    }

    /// Whether it holds none, which it never does.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Numbers in a vector.
    pub fn dimension(&self) -> usize {
        self.0.dimension
    }

    /// A vector, in length 1 where that is the norm.
    pub fn vector(&self, i: usize) -> &[f32] {
        self.0.rows.row(i)
    }

    /// Calls `see(question, scores)` with the scores of all vectors: the cosine, up to the question's length, or the inner
    /// product. Questions stand one after the other.
    pub(crate) fn scores(&self, questions: &[f32], see: &mut dyn FnMut(usize, &[f32])) {
        let Inner {
            isa,
            dimension,
            packed,
            ..
        } = &*self.0;
        let mut left = AlignedMatrix::zeros(BLOCK, *dimension);
        let mut scores = AlignedMatrix::zeros(BLOCK, self.len());
        for (block, questions) in questions.chunks(BLOCK * dimension).enumerate() {
            let count = questions.len() / dimension;
            for (i, question) in questions.chunks_exact(*dimension).enumerate() {
                left.row_mut(i).copy_from_slice(question);
            }
            isa.run(Product {
                m: count,
                n: self.len(),
                units: *dimension,
                lhs: left.view().lhs(),
                rhs: Rhs::Packed(packed),
                format: F32,
                epilogue: scores.view().store(),
                part: Part::WHOLE,
            });
            for i in 0..count {
                see(block * BLOCK + i, scores.row(i));
            }
        }
    }

    /// The `count` nearest of each question, the nearest first.
    pub fn nearest(&self, questions: &[f32], count: usize) -> Vec<Vec<(usize, f32)>> {
        let mut all = Vec::new();
        self.scores(questions, &mut |_, scores| all.push(largest(scores, count)));
        all
    }

    /// How vectors are compared.
    pub fn norm(&self) -> Norm {
        self.0.norm
    }
}

/// The places of the `count` largest numbers, the largest first; of equals the first.
pub(crate) fn largest(scores: &[f32], count: usize) -> Vec<(usize, f32)> {
    let mut best: Vec<(usize, f32)> = Vec::with_capacity(count + 1);
    for (i, &score) in scores.iter().enumerate() {
        if best.len() == count && best.last().is_none_or(|&(_, least)| score <= least) {
            continue;
        }
        let at = best.partition_point(|&(_, better)| better >= score);
        best.insert(at, (i, score));
        best.truncate(count);
    }
    best
}

// No browser has such models.
#[cfg(all(test, not(target_family = "wasm")))]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_come_first() {
        let index = FlatIndex::new(Norm::Unit, 2, &[2.0, 0.0, 0.0, 1.0, 1.0, 1.0]).unwrap();
        let found = index.nearest(&[1.0, 0.1, 0.0, 3.0], 2);
        let places: Vec<Vec<usize>> = found
            .iter()
            .map(|f| f.iter().map(|p| p.0).collect())
            .collect();
        assert_eq!(places, [[0, 2], [1, 2]]);
        let free = FlatIndex::new(Norm::Free, 2, &[1.0, 0.0, 9.0, 9.0]).unwrap();
        assert_eq!(
            free.nearest(&[1.0, 0.0], 5)[0]
                .iter()
                .map(|p| p.0)
                .collect::<Vec<_>>(),
            [1, 0]
        );
    }

    #[test]
    fn bad_vectors_are_refused() {
        for (numbers, expected) in [
            (&[][..], "one vector or more"),
            (&[1.0, 0.0, 1.0], "2 numbers for each vector"),
            (&[1.0, 0.0, 0.0, 0.0], "length 0 of vector 1"),
            (&[f32::NAN, 0.0], "length NaN of vector 0"),
        ] {
            let error = FlatIndex::new(Norm::Unit, 2, numbers)
                .unwrap_err()
                .to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
