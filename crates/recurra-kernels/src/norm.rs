//! Sums and RMS norms (no gain, no bias) of rows and of columns, forward and backward.
//!
//! `y = x * r` with `r = 1 / sqrt(mean(x^2) + eps)`; backward, `dx = r * (dy - y * mean(y * dy))`.

use super::activation::rsqrt;
use super::simd::{Floats, Simd, SimdOp};
use super::view::View;

/// `z <- z + a`, or `z <- z + (a + b)`.
pub struct AddInto {
    /// Changed in place.
    pub z: View,
    /// Added to it.
    pub a: View,
    /// Added too.
    pub b: Option<View>,
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub cols: usize,
}

impl SimdOp for AddInto {
    type Output = ();
    type Uses = Floats;
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for r in 0..self.rows {
            let (z, a) = (self.z.at(r, 0).ptr, self.a.at(r, 0).ptr);
            for i in (0..self.cols).step_by(S::LANES) {
                // SAFETY: rows are padded to whole vectors.
                unsafe {
                    let mut sum = s.load(a.add(i));
                    if let Some(b) = self.b {
                        sum = s.add(sum, s.load(b.at(r, i).ptr));
                    }
                    s.store(z.add(i), s.add(s.load(z.add(i)), sum));
                }
            }
        }
    }
}

/// RMS norm of each row, in place; `inverse` (one number a row) receives `r` for the backward pass.
pub struct NormRows {
    /// Normed in place.
    pub x: View,
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub cols: usize,
    /// Added to the mean square.
    pub eps: f32,
    /// Receives what was multiplied by.
    pub inverse: Option<*mut f32>,
}

impl SimdOp for NormRows {
    type Output = ();
    type Uses = Floats;
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for row in 0..self.rows {
            let x = self.x.at(row, 0).ptr;
            let mut squares = s.splat(0.0);
            // SAFETY: rows are padded to whole vectors, with zeros; `inverse` has a place for each row.
            unsafe {
                for i in (0..self.cols).step_by(S::LANES) {
                    let v = s.load(x.add(i));
                    squares = s.fma(v, v, squares);
                }
                let r = 1.0 / (s.sum(squares) / self.cols as f32 + self.eps).sqrt();
                for i in (0..self.cols).step_by(S::LANES) {
                    s.store(x.add(i), s.mul(s.load(x.add(i)), s.splat(r)));
                }
                if let Some(inverse) = self.inverse {
                    *inverse.add(row) = r;
                }
            }
        }
    }
}

/// RMS norm of each column, in place; `inverse` (one number a column, padded) receives `r`.
pub struct NormCols {
    /// Normed in place.
    pub x: View,
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub cols: usize,
    /// Added to the mean square.
    pub eps: f32,
    /// Receives what was multiplied by.
    pub inverse: Option<*mut f32>,
}

impl SimdOp for NormCols {
    type Output = ();
    type Uses = Floats;
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let (n, eps) = (s.splat(self.rows as f32), s.splat(self.eps));
        for c in (0..self.cols).step_by(S::LANES) {
            let mut squares = s.splat(0.0);
            // SAFETY: rows are padded to whole vectors; so is `inverse`.
            unsafe {
                for row in 0..self.rows {
                    let v = s.load(self.x.at(row, c).ptr);
                    squares = s.fma(v, v, squares);
                }
                let r = rsqrt(s, s.add(s.div(squares, n), eps));
                for row in 0..self.rows {
                    let p = self.x.at(row, c).ptr;
                    s.store(p, s.mul(s.load(p), r));
                }
                if let Some(inverse) = self.inverse {
                    s.store(inverse.add(c), r);
                }
            }
        }
    }
}

/// Backward of [`NormRows`]: `dy` becomes `dx`.
pub struct NormRowsBackward {
    /// The result of the forward pass.
    pub y: View,
    /// Its gradient, and then that of what was normed.
    pub dy: View,
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub cols: usize,
    /// What was multiplied by.
    pub inverse: *const f32,
}

impl SimdOp for NormRowsBackward {
    type Output = ();
    type Uses = Floats;
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for row in 0..self.rows {
            let (y, dy) = (self.y.at(row, 0).ptr, self.dy.at(row, 0).ptr);
            let mut dot = s.splat(0.0);
            // SAFETY: rows are padded to whole vectors, with zeros; `inverse` has a number for each row.
            unsafe {
                for i in (0..self.cols).step_by(S::LANES) {
                    dot = s.fma(s.load(y.add(i)), s.load(dy.add(i)), dot);
                }
                let mean = s.splat(-s.sum(dot) / self.cols as f32);
                let r = s.splat(*self.inverse.add(row));
                for i in (0..self.cols).step_by(S::LANES) {
                    let d = s.fma(s.load(y.add(i)), mean, s.load(dy.add(i)));
                    s.store(dy.add(i), s.mul(r, d));
                }
            }
        }
    }
}

/// Backward of [`NormCols`]: `dy` becomes `dx`.
pub struct NormColsBackward {
    /// The result of the forward pass.
    pub y: View,
    /// Its gradient, and then that of what was normed.
    pub dy: View,
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub cols: usize,
    /// What was multiplied by.
    pub inverse: *const f32,
}

impl SimdOp for NormColsBackward {
    type Output = ();
    type Uses = Floats;
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let n = s.splat(-(self.rows as f32));
        for c in (0..self.cols).step_by(S::LANES) {
            let mut dot = s.splat(0.0);
            // SAFETY: rows are padded to whole vectors; so is `inverse`.
            unsafe {
                for row in 0..self.rows {
                    dot = s.fma(
                        s.load(self.y.at(row, c).ptr),
                        s.load(self.dy.at(row, c).ptr),
                        dot,
                    );
                }
                let mean = s.div(dot, n);
                let r = s.load(self.inverse.add(c));
                for row in 0..self.rows {
                    let p = self.dy.at(row, c).ptr;
                    let d = s.fma(s.load(self.y.at(row, c).ptr), mean, s.load(p));
                    s.store(p, s.mul(r, d));
                }
            }
        }
    }
}
