//! Muon: the momentum of a matrix, made orthogonal, is its update.

use recurra_kernels::format::F32;
use recurra_kernels::product::{Lhs, Part, Product, Rhs};
use recurra_kernels::view::{copy_rows, transpose};
use recurra_kernels::{AlignedMatrix, Isa};

/// Coefficients of the Newton-Schulz iteration `x <- (a + b A + c A^2) x`, `A = x x^T`, whose singular values go to about
/// 1 (Jordan and others).
const COEFFICIENTS: [f32; 3] = [3.4445, -4.7750, 2.0315];
const ITERATIONS: usize = 5;
/// The root mean square of AdamW's updates, relative to the learning rate (Liu and others).
const LENGTH: f32 = 0.2;

/// The memory for one matrix.
#[derive(Debug)]
pub(super) struct Orthogonal {
    /// The update as it stands, with no more rows than columns.
    x: AlignedMatrix,
    x_transposed: AlignedMatrix,
    next: AlignedMatrix,
    gram: AlignedMatrix,
    factor: AlignedMatrix,
}

impl Orthogonal {
    /// Memory for a matrix of this shape.
    pub(super) fn new(like: &AlignedMatrix) -> Self {
        let (r, c) = (like.rows(), like.cols());
        let (short, long) = (r.min(c), r.max(c));
        let zeros = AlignedMatrix::zeros;
        Orthogonal {
            x: zeros(short, long),
            x_transposed: zeros(long, short),
            next: zeros(short, long),
            gram: zeros(short, short),
            factor: zeros(short, short),
        }
    }

    /// `momentum <- decay * momentum + scale * gradient`, and a step of length `lr` against what Nesterov's look ahead makes
    /// of it.
    #[expect(clippy::too_many_arguments, reason = "numbers of one formula")]
    pub(super) fn step(
        &mut self,
        isa: Isa,
        weight: &mut AlignedMatrix,
        momentum: &mut AlignedMatrix,
        gradient: &AlignedMatrix,
        decay: f32,
        scale: f32,
        keep: f32,
        lr: f32,
    ) {
        let (rows, cols) = (weight.rows(), weight.cols());
        let upright = rows > cols;
        let mut square = 0.0;
        for r in 0..rows {
            let pairs = momentum.row_mut(r).iter_mut().zip(gradient.row(r));
            for (c, (m, g)) in pairs.enumerate() {
                let g = scale * g;
                *m = decay * *m + g;
                let ahead = g + decay * *m;
                square += f64::from(ahead * ahead);
                let (r, c) = if upright { (c, r) } else { (r, c) };
                self.x.row_mut(r)[c] = ahead;
            }
        }
        if square == 0.0 {
            // No direction: only the decay of weights is left.
            weight.padded_mut().iter_mut().for_each(|w| *w *= keep);
            return;
        }
        let inverse = (1.0 / square.sqrt()) as f32;
        self.x.padded_mut().iter_mut().for_each(|x| *x *= inverse);
        for _ in 0..ITERATIONS {
            self.iterate(isa);
        }
        let step = lr * LENGTH * (rows.max(cols) as f32).sqrt();
        for r in 0..rows {
            for (c, w) in weight.row_mut(r).iter_mut().enumerate() {
                let (r, c) = if upright { (c, r) } else { (r, c) };
                *w = *w * keep - step * self.x.row(r)[c];
            }
        }
    }

    fn iterate(&mut self, isa: Isa) {
        let [a, b, c] = COEFFICIENTS;
        let (short, long) = (self.x.rows(), self.x.cols());
        let (x, transposed) = (self.x.view(), self.x_transposed.view());
        let (gram, factor, next) = (self.gram.view(), self.factor.view(), self.next.view());
        transpose(x.units(), transposed.units(), short, long);
        product(isa, [short, short, long], x.lhs(), transposed.rhs(), gram);
        product(isa, [short, short, short], gram.lhs(), gram.rhs(), factor);
        for (square, gram) in (self.factor.padded_mut().iter_mut()).zip(self.gram.padded()) {
            *square = b * gram + c * *square;
        }
        product(isa, [short, long, short], factor.lhs(), x.rhs(), next);
        for (next, x) in self.next.padded_mut().iter_mut().zip(self.x.padded()) {
            *next += a * x;
        }
        copy_rows(next, x, short, long);
    }
}

/// `to = lhs * rhs`, `m x n` with an inner sum of `k`.
fn product(isa: Isa, [m, n, k]: [usize; 3], lhs: Lhs, rhs: Rhs, to: recurra_kernels::view::View) {
    isa.run(Product {
        m,
        n,
        units: k,
        lhs,
        rhs,
        format: F32,
        epilogue: to.store(),
        part: Part::WHOLE,
    });
}
