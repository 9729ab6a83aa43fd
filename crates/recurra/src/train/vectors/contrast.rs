//! The loss: a question's passage against the others of a batch.

use crate::tasks::vectors::Norm;
use crate::train::loss::binary_cross_entropy;
use crate::vectors::check::length;
use crate::vectors::state::direction;
use recurra_kernels::format::F32;
use recurra_kernels::product::{Part, Product, Rhs};
use recurra_kernels::{AlignedMatrix, Isa, PackedMatrix, Packing};

/// The passages of a batch: column `i` is the right one of question `i`, those behind them are wrong for all.
#[derive(Debug)]
pub(super) struct Columns {
    norm: Norm,
    dimension: usize,
    numbers: Vec<f32>,
    /// Passages with the same are the same.
    ids: Vec<u64>,
    /// For each question whether its column is its answer, and no place on the way to it.
    ends: Vec<bool>,
    /// `[columns, dimension]`.
    rows: AlignedMatrix,
    /// Scores of vectors of any length are in proportion to this: the mean square length.
    square: f64,
}

impl Columns {
    pub(super) fn new(norm: Norm, dimension: usize) -> Self {
        Columns {
            norm,
            dimension,
            numbers: Vec::new(),
            ids: Vec::new(),
            ends: Vec::new(),
            rows: AlignedMatrix::zeros(0, dimension),
            square: 1.0,
        }
    }

    /// The next question's own.
    pub(super) fn push_own(&mut self, vector: &[f32], id: u64, end: bool) {
        self.push(vector, id);
        self.ends.push(end);
    }

    /// A passage that is wrong for every question that does not have the same.
    pub(super) fn push(&mut self, vector: &[f32], id: u64) {
        let from = self.numbers.len();
        self.numbers.extend(vector);
        if self.norm == Norm::Unit {
            direction(vector, &mut self.numbers[from..]);
        }
        self.ids.push(id);
    }

    pub(super) fn finish(&mut self) {
        self.rows = AlignedMatrix::from_slice(self.ids.len(), self.dimension, &self.numbers);
        if self.norm == Norm::Free {
            let vectors = self.numbers.chunks_exact(self.dimension);
            let squares = vectors.map(|v| length(v) * length(v)).sum::<f64>();
            self.square = squares / self.ids.len() as f64;
        }
    }
}

/// What one improvement step gave for some questions, and where the gradients go.
pub(super) struct Outcome<'a> {
    /// `[samples, dimension]`: refined vectors, which become the gradient of the loss.
    pub(super) moved: &'a mut AlignedMatrix,
    /// Halting logits, which become their gradients.
    pub(super) halts: &'a mut [f32],
}

/// How vectors are judged.
pub(super) struct Contrast<'a> {
    pub(super) isa: Isa,
    pub(super) columns: &'a Columns,
    pub(super) temperature: f64,
    pub(super) halt_weight: f64,
}

impl Contrast<'_> {
    /// The loss of questions `first..`, times `share`, and how many find their passage.
    pub(super) fn judge(&self, outcome: Outcome, first: usize, share: f64) -> (f64, usize) {
        let Columns {
            dimension,
            ids,
            rows,
            square,
            ..
        } = self.columns;
        let (count, n) = (outcome.moved.rows(), ids.len());
        let factor = 1.0 / (self.temperature * square);
        let packed = PackedMatrix::of_floats(self.isa, Packing::Panels, rows);
        let mut scores = AlignedMatrix::zeros(count, n);
        self.isa.run(Product {
            m: count,
            n,
            units: *dimension,
            lhs: outcome.moved.view().lhs(),
            rhs: Rhs::Packed(&packed),
            format: F32,
            epilogue: scores.view().store(),
            part: Part::WHOLE,
        });
        let (mut loss, mut right) = (0.0, 0);
        for i in 0..count {
            let own = first + i;
            let scores = scores.row_mut(i);
            let mut most = f64::NEG_INFINITY;
            let mut wrong = f64::NEG_INFINITY;
            for (j, score) in scores.iter().enumerate() {
                let same = ids[j] == ids[own];
                if j == own || !same {
                    most = most.max(factor * f64::from(*score));
                }
                if !same {
                    wrong = wrong.max(factor * f64::from(*score));
                }
            }
            let counts = |j: usize| j == own || ids[j] != ids[own];
            let each = |j: usize, score: f32| {
                if counts(j) {
                    (factor * f64::from(score) - most).exp()
                } else {
                    0.0
                }
            };
            let sum: f64 = scores.iter().enumerate().map(|(j, &s)| each(j, s)).sum();
            let score = factor * f64::from(scores[own]);
            loss += share * (most + sum.ln() - score);
            let finds = score > wrong;
            right += usize::from(finds);
            let (halt, slope) =
                binary_cross_entropy(outcome.halts[i], finds && self.columns.ends[own]);
            loss += share * self.halt_weight * halt;
            outcome.halts[i] = (share * self.halt_weight * slope) as f32;
            for (j, score) in scores.iter_mut().enumerate() {
                let p = each(j, *score) / sum - f64::from(u8::from(j == own));
                *score = (share * factor * p) as f32;
            }
        }
        self.isa.run(Product {
            m: count,
            n: *dimension,
            units: n,
            lhs: scores.view().lhs(),
            rhs: rows.view_const().rhs(),
            format: F32,
            epilogue: outcome.moved.view().store(),
            part: Part::WHOLE,
        });
        (loss, right)
    }
}
