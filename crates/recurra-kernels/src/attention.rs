//! The parts of attention that are not products: rotary positions and softmax.

use super::activation::exp;
use super::simd::{Bytes, Floats, Simd, SimdOp};
use super::view::{Units, View};

/// Rotates pairs (i, i + half) of each head of a row by the angle of its position; with `back`, the other way.
///
/// Half a head need not be whole vectors, so this is plain arithmetic; it is a thousandth of the work.
pub struct Rotate<'a> {
    /// Rows of `heads * 2 * half` numbers.
    pub x: View,
    /// Rows.
    pub rows: usize,
    /// Heads.
    pub heads: usize,
    /// cos and sin for each row: `half` numbers a row.
    pub cos: &'a [f32],
    /// Sines, likewise.
    pub sin: &'a [f32],
    /// Half of a head's width.
    pub half: usize,
    /// Whether to turn back.
    pub back: bool,
}

impl SimdOp for Rotate<'_> {
    type Output = ();
    type Uses = Floats;
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        for r in 0..self.rows {
            let angles = r * self.half..(r + 1) * self.half;
            let (cos, sin) = (&self.cos[angles.clone()], &self.sin[angles]);
            for h in 0..self.heads {
                let p = self.x.at(r, h * 2 * self.half).ptr;
                for i in 0..self.half {
                    let sin = if self.back { -sin[i] } else { sin[i] };
                    // SAFETY: the row holds all heads.
                    unsafe {
                        let (a, b) = (*p.add(i), *p.add(i + self.half));
                        *p.add(i) = a * cos[i] - b * sin;
                        *p.add(i + self.half) = b * cos[i] + a * sin;
                    }
                }
            }
        }
    }
}

/// Softmax of each row times `factor`, in place. Padding is set to zero whatever stood there.
pub struct SoftmaxRows {
    /// Scores, and then probabilities.
    pub x: View,
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub cols: usize,
    /// Not negative.
    pub factor: f32,
}

impl SimdOp for SoftmaxRows {
    type Output = ();
    type Uses = Floats;
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let padded = self.cols.next_multiple_of(S::LANES);
        let factor = s.splat(self.factor);
        for r in 0..self.rows {
            let x = self.x.at(r, 0).ptr;
            // SAFETY: rows are padded to whole vectors.
            unsafe {
                let top = s.splat(-largest_of_row(s, x, self.cols) * self.factor);
                let mut sum = s.splat(0.0);
                for i in (0..padded).step_by(S::LANES) {
                    let e = exp::<S, false>(s, s.fma(s.load(x.add(i)), factor, top));
                    s.store(x.add(i), e);
                    // The padding's e^-87 is lost in a sum of at least one.
                    sum = s.add(sum, e);
                }
                let inverse = s.splat(1.0 / s.sum(sum));
                for i in (0..padded).step_by(S::LANES) {
                    s.store(x.add(i), s.mul(s.load(x.add(i)), inverse));
                }
                for i in self.cols..padded {
                    *x.add(i) = 0.0;
                }
            }
        }
    }
}

/// The largest number of a row; its padding is set to minus infinity.
///
/// # Safety
/// `x` holds `cols` numbers, padded to whole vectors.
#[inline(always)]
unsafe fn largest_of_row<S: Simd>(s: S, x: *mut f32, cols: usize) -> f32 {
    let padded = cols.next_multiple_of(S::LANES);
    // SAFETY: the caller's promise.
    unsafe {
        for i in cols..padded {
            *x.add(i) = f32::NEG_INFINITY;
        }
        let mut top = s.splat(f32::NEG_INFINITY);
        for i in (0..padded).step_by(S::LANES) {
            top = s.max(top, s.load(x.add(i)));
        }
        s.largest(top)
    }
}

/// Softmax of each row times `factor`, as 8-bit integers without a zero point, four to a unit; the row's scale is one
/// over their sum, so that they add up to one as they stand. The largest is the largest byte.
pub struct SoftmaxBytes {
    /// Overwritten.
    pub x: View,
    /// Where the units go.
    pub out: Units,
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub cols: usize,
    /// Not negative.
    pub factor: f32,
    /// One for each row.
    pub scales: *mut f32,
}

impl SimdOp for SoftmaxBytes {
    type Output = ();
    type Uses = Bytes;
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        // Bytes of activations are unsigned where they have a zero point; of 7 bits without VNNI.
        let largest = if S::ACT_ZERO == 128 { 255.0 } else { 127.0 };
        let (factor, largest) = (s.splat(self.factor), s.splat(largest));
        for r in 0..self.rows {
            let (x, out) = (self.x.at(r, 0).ptr, self.out.at(r, 0).ptr.cast::<u8>());
            // SAFETY: rows are padded to whole cache lines; there is a scale for each row.
            unsafe {
                let top = s.splat(-largest_of_row(s, x, self.cols) * self.factor);
                let mut sum = s.splat(0.0);
                for i in (0..self.cols).step_by(S::LANES) {
                    let e = exp::<S, true>(s, s.fma(s.load(x.add(i)), factor, top));
                    // The padding's e^-87 is zero as an integer.
                    let q = s.to_i32(s.mul(e, largest));
                    sum = s.add(sum, s.to_f32(q));
                    s.store_bytes(out.add(i), q);
                }
                *self.scales.add(r) = 1.0 / s.sum(sum);
            }
        }
    }
}

/// Backward of [`SoftmaxRows`]: `dp` becomes the gradient of the scores, `p * (dp - sum(p * dp))`.
pub struct SoftmaxRowsBackward {
    /// Probabilities.
    pub p: View,
    /// Their gradients, and then those of the scores.
    pub dp: View,
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub cols: usize,
}

impl SimdOp for SoftmaxRowsBackward {
    type Output = ();
    type Uses = Floats;
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for r in 0..self.rows {
            let (p, dp) = (self.p.at(r, 0).ptr, self.dp.at(r, 0).ptr);
            let mut dot = s.splat(0.0);
            // SAFETY: rows are padded to whole vectors, with zeros in p.
            unsafe {
                for i in (0..self.cols).step_by(S::LANES) {
                    dot = s.fma(s.load(p.add(i)), s.load(dp.add(i)), dot);
                }
                let dot = s.splat(s.sum(dot));
                for i in (0..self.cols).step_by(S::LANES) {
                    let d = s.mul(s.load(p.add(i)), s.sub(s.load(dp.add(i)), dot));
                    s.store(dp.add(i), d);
                }
            }
        }
    }
}
