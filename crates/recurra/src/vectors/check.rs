//! Which vectors can be refined: one clear message for each that cannot.

use crate::error::{Error, Result};
use crate::network::mixers::MOST_TOKENS;
use crate::tasks::vectors::{Norm, VectorSpec};

/// Lengths beyond these are no embedding model's, and their squares leave the f32.
const LENGTHS: std::ops::RangeInclusive<f64> = 1e-12..=1e12;
/// How far a vector of length 1 may be off: embeddings come rounded to 16 bits, and to 8.
const OFF: f64 = 0.02;

/// Checks the vectors of a question or an answer, one after the other in `numbers`, and returns how many they are.
///
/// # Errors
/// [`Error::Question`] for no number, a number of numbers that is no multiple of the dimension, more vectors than `most`, one
/// that is not finite, and a vector of length 0, of a length that no embedding model has, or that is not 1 where it should be.
pub(crate) fn vectors(
    spec: &VectorSpec,
    what: &'static str,
    numbers: &[f32],
    most: usize,
) -> Result<usize> {
    let d = spec.dimension;
    let wrong = |expected: String, found: String| {
        Err(Error::Question {
            what,
            expected,
            found,
        })
    };
    let count = numbers.len() / d;
    if numbers.is_empty() || !numbers.len().is_multiple_of(d) {
        let expected = match most {
            1 => format!("{d} numbers"),
            _ => format!("{d} numbers for each vector, one vector or more"),
        };
        return wrong(expected, numbers.len().to_string());
    }
    if count > most {
        return wrong(
            format!("at most {most} vectors of {d} numbers"),
            count.to_string(),
        );
    }
    for (i, vector) in numbers.chunks_exact(d).enumerate() {
        if let Some(at) = vector.iter().position(|v| !v.is_finite()) {
            let place = if most == 1 {
                String::new()
            } else {
                format!(" of vector {i}")
            };
            return wrong(
                "finite numbers".into(),
                format!("{} at place {at}{place}", vector[at]),
            );
        }
        let length = length(vector);
        let place = if count == 1 {
            String::new()
        } else {
            format!(" (vector {i})")
        };
        if length == 0.0 {
            return wrong("a vector that is not zero".into(), format!("zeros{place}"));
        }
        if spec.norm == Norm::Unit && (length - 1.0).abs() > OFF {
            return wrong("a vector of length 1".into(), format!("{length:.3}{place}"));
        }
        if !LENGTHS.contains(&length) {
            return wrong(
                "a length from 1e-12 to 1e12".into(),
                format!("{length:e}{place}"),
            );
        }
    }
    Ok(count)
}

/// Vectors that a question may have.
pub(crate) fn most_questions(spec: &VectorSpec) -> usize {
    MOST_TOKENS - 1 - spec.neighbours
}

/// The 2-norm.
pub(crate) fn length(vector: &[f32]) -> f64 {
    vector
        .iter()
        .map(|&v| f64::from(v) * f64::from(v))
        .sum::<f64>()
        .sqrt()
}

// No browser has such models.
#[cfg(all(test, not(target_family = "wasm")))]
mod tests {
    use super::*;

    #[test]
    fn each_bad_input_has_its_message() {
        let unit = VectorSpec {
            embedder: String::new(),
            hash: String::new(),
            dimension: 2,
            norm: Norm::Unit,
            questions: 1,
            neighbours: 0,
            in_turn: false,
        };
        let free = VectorSpec {
            norm: Norm::Free,
            ..unit.clone()
        };
        let cases: [(&VectorSpec, &[f32], usize, &str); 11] = [
            (
                &unit,
                &[],
                3,
                "expected 2 numbers for each vector, one vector or more, found 0",
            ),
            (&unit, &[], 1, "expected 2 numbers, found 0"),
            (&unit, &[1.0, 0.0, 0.0], 3, "2 numbers for each vector"),
            (
                &unit,
                &[1.0, 0.0, 1.0, 0.0],
                1,
                "at most 1 vectors of 2 numbers, found 2",
            ),
            (
                &unit,
                &[1.0, f32::NAN],
                1,
                "expected finite numbers, found NaN at place 1",
            ),
            (
                &unit,
                &[1.0, 0.0, f32::INFINITY, 0.0],
                3,
                "found inf at place 0 of vector 1",
            ),
            (
                &unit,
                &[0.0, -0.0],
                1,
                "expected a vector that is not zero, found zeros",
            ),
            (
                &unit,
                &[0.5, 0.5],
                1,
                "expected a vector of length 1, found 0.707",
            ),
            (
                &unit,
                &[f32::MAX, f32::MAX],
                1,
                "expected a vector of length 1",
            ),
            (
                &free,
                &[f32::MAX, f32::MAX],
                1,
                "expected a length from 1e-12 to 1e12",
            ),
            (
                &free,
                &[1e-30, 0.0],
                1,
                "expected a length from 1e-12 to 1e12",
            ),
        ];
        for (spec, numbers, most, expected) in cases {
            let error = vectors(spec, "question", numbers, most)
                .unwrap_err()
                .to_string();
            assert!(
                error.starts_with("question: ") && error.contains(expected),
                "{error}"
            );
        }
        assert_eq!(
            vectors(&unit, "question", &[0.6, 0.8, 1.0, 0.0], 3).unwrap(),
            2
        );
        assert_eq!(vectors(&free, "question", &[3.0, 4.0], 1).unwrap(), 1);
    }
}
