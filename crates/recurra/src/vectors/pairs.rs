//! Questions with the vectors of their right passages.

use super::check;
use crate::error::{Error, Result};
use crate::tasks::vectors::{Embedder, MOST_DIMENSIONS, Norm, VectorSpec};

/// How far a vector of length 1 may be off, to take all vectors of a file for such.
const UNIT: f64 = 0.005;

/// Questions and answers: row `i` of one belongs to row `i` of the other.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pairs {
    /// What the file says of the embedding model.
    pub embedder: Embedder,
    /// Numbers in a vector.
    pub dimension: usize,
    /// Vectors that each question has room for.
    pub width: usize,
    /// `[rows, width, dimension]`.
    pub queries: Vec<f32>,
    /// Vectors that each question has; `None` if all have `width`.
    pub lengths: Option<Vec<usize>>,
    /// `[rows, dimension]`.
    pub answers: Vec<f32>,
    /// `[rows, dimension]`: what is moved; `None` for the questions' first vectors.
    pub initial: Option<Vec<f32>>,
    /// `[rows, k, dimension]`: passages that are near and wrong.
    pub negatives: Option<Vec<f32>>,
    /// `[rows, steps, dimension]`: where each improvement step is to lead in training, the last to the answer; later steps stay
    /// there. `None` where every step is to lead to the answer.
    pub path: Option<Vec<f32>>,
    /// `[n, dimension]`: passages that answer none of these questions, and are searched with the answers.
    pub passages: Option<Vec<f32>>,
}

/// One row of pairs.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// The question's vectors, one after the other.
    pub question: &'a [f32],
    /// What is moved.
    pub initial: &'a [f32],
    /// The right passage.
    pub answer: &'a [f32],
    /// Passages that are near and wrong.
    pub negatives: &'a [f32],
    /// Where each improvement step is to lead; empty where every step is to lead to the answer.
    pub path: &'a [f32],
}

impl Pairs {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.answers.len() / self.dimension.max(1)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Wrong passages of each row.
    pub fn negatives_each(&self) -> usize {
        self.each(&self.negatives)
    }

    /// Vectors of each row's path.
    pub fn path_each(&self) -> usize {
        self.each(&self.path)
    }

    fn each(&self, of: &Option<Vec<f32>>) -> usize {
        of.as_ref().map_or(0, Vec::len) / self.answers.len().max(1)
    }

    /// A row.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn row(&self, i: usize) -> Row<'_> {
        let (d, k) = (self.dimension, self.negatives_each());
        let room = &self.queries[i * self.width * d..][..self.width * d];
        let vectors = self
            .lengths
            .as_ref()
            .map_or(self.width, |lengths| lengths[i]);
        let question = &room[..vectors * d];
        let initial = self
            .initial
            .as_ref()
            .map_or(&question[..d], |all| &all[i * d..][..d]);
        let several = |of: &'_ Option<Vec<f32>>, k: usize| match of {
            Some(_) => i * k * d..(i + 1) * k * d,
            None => 0..0,
        };
        let negatives = several(&self.negatives, k);
        let path = several(&self.path, self.path_each());
        let none = &[][..];
        Row {
            question,
            initial,
            answer: &self.answers[i * d..][..d],
            negatives: &self.negatives.as_deref().unwrap_or(none)[negatives],
            path: &self.path.as_deref().unwrap_or(none)[path],
        }
    }

    /// Whether all vectors are of length 1.
    pub fn norm(&self) -> Norm {
        let d = self.dimension;
        let unit = |vectors: &[f32]| {
            let mut lengths = vectors.chunks_exact(d).map(check::length);
            lengths.all(|length| (length - 1.0).abs() <= UNIT)
        };
        let mut rows = (0..self.len()).map(|i| self.row(i));
        let all = rows.all(|row| {
            [
                row.question,
                row.initial,
                row.answer,
                row.negatives,
                row.path,
            ]
            .into_iter()
            .all(unit)
        }) && self.passages.as_deref().is_none_or(unit);
        if all { Norm::Unit } else { Norm::Free }
    }

    /// Checks sizes; what [`Pairs::check`] does not.
    ///
    /// # Errors
    /// [`Error::Tensor`] names the first tensor of another size.
    pub fn validate(&self) -> Result<()> {
        let wrong = |name: &str, expected: String, found: usize| {
            Err(Error::Tensor {
                name: name.into(),
                expected,
                found: found.to_string(),
            })
        };
        if !(1..=MOST_DIMENSIONS).contains(&self.dimension) {
            return wrong(
                "answers",
                format!("vectors of 1 to {MOST_DIMENSIONS} numbers"),
                self.dimension,
            );
        }
        let rows = self.len();
        if rows == 0 {
            return wrong("answers", "one row or more".into(), 0);
        }
        let expected = rows * self.width * self.dimension;
        if self.width == 0 || self.queries.len() != expected {
            return wrong(
                "queries",
                format!("{expected} numbers for {rows} answers"),
                self.queries.len(),
            );
        }
        if let Some(lengths) = &self.lengths {
            if lengths.len() != rows {
                return wrong("lengths", format!("{rows} numbers"), lengths.len());
            }
            if let Some(&found) = lengths.iter().find(|n| !(1..=self.width).contains(*n)) {
                return wrong("lengths", format!("1 to {}", self.width), found);
            }
        }
        let expected = rows * self.dimension;
        if let Some(initial) = &self.initial
            && initial.len() != expected
        {
            return wrong("initial", format!("{expected} numbers"), initial.len());
        }
        for (name, tensor, expected) in [
            ("negatives", &self.negatives, expected),
            ("path", &self.path, expected),
            ("passages", &self.passages, self.dimension),
        ] {
            if let Some(found) = tensor
                && (found.is_empty() || found.len() % expected != 0)
            {
                let expected = format!("a multiple of {expected} numbers");
                return wrong(name, expected, found.len());
            }
        }
        Ok(())
    }

    /// Refuses what a model of these vectors cannot take.
    ///
    /// # Errors
    /// [`Error::Question`] for another embedding model; for a vector that cannot be, with its row.
    pub fn check(&self, spec: &VectorSpec) -> Result<()> {
        spec.accept(&Embedder {
            dimension: Some(self.dimension),
            ..self.embedder.clone()
        })?;
        for i in 0..self.len() {
            let row = self.row(i);
            let most = check::most_questions(spec);
            let checks = [
                ("queries", row.question, most),
                ("initial", row.initial, 1),
                ("answers", row.answer, 1),
                ("negatives", row.negatives, usize::MAX),
                ("path", row.path, usize::MAX),
            ];
            for (what, vectors, most) in checks {
                if matches!(what, "negatives" | "path") && vectors.is_empty() {
                    continue;
                }
                let checked = check::vectors(spec, what, vectors, most);
                checked.map_err(|error| Error::Format(format!("row {i}: {error}")))?;
            }
        }
        let passages = self.passages.as_deref().unwrap_or_default();
        for (i, passage) in passages.chunks_exact(self.dimension).enumerate() {
            let checked = check::vectors(spec, "passages", passage, 1);
            checked.map_err(|error| Error::Format(format!("passage {i}: {error}")))?;
        }
        Ok(())
    }

    /// Some of the rows, in their order.
    pub fn only(&self, rows: &[usize]) -> Pairs {
        let pick = |from: &[f32], each: usize| -> Vec<f32> {
            rows.iter()
                .flat_map(|&i| &from[i * each..][..each])
                .copied()
                .collect()
        };
        let d = self.dimension;
        Pairs {
            embedder: self.embedder.clone(),
            dimension: d,
            width: self.width,
            queries: pick(&self.queries, self.width * d),
            lengths: self
                .lengths
                .as_ref()
                .map(|all| rows.iter().map(|&i| all[i]).collect()),
            answers: pick(&self.answers, d),
            initial: self.initial.as_ref().map(|all| pick(all, d)),
            negatives: self
                .negatives
                .as_ref()
                .map(|all| pick(all, self.negatives_each() * d)),
            path: self
                .path
                .as_ref()
                .map(|all| pick(all, self.path_each() * d)),
            passages: self.passages.clone(),
        }
    }

    /// The different answers, one after the other, with the different passages behind them; and which of them is each row's.
    pub fn distinct_answers(&self) -> (Vec<f32>, Vec<usize>) {
        let mut places = std::collections::HashMap::new();
        let (mut all, mut of) = (Vec::new(), Vec::with_capacity(self.len()));
        for answer in self.answers.chunks_exact(self.dimension) {
            let key: Vec<u32> = answer.iter().map(|v| v.to_bits()).collect();
            let next = places.len();
            let place = *places.entry(key).or_insert_with(|| {
                all.extend(answer);
                next
            });
            of.push(place);
        }
        let passages = self.passages.as_deref().unwrap_or_default();
        for passage in passages.chunks_exact(self.dimension) {
            let key: Vec<u32> = passage.iter().map(|v| v.to_bits()).collect();
            let next = places.len();
            places.entry(key).or_insert_with(|| {
                all.extend(passage);
                next
            });
        }
        (all, of)
    }
}
