//! Activations as the products of bfloat16 and of 8-bit integers take them.
//!
//! An 8-bit activation is `round(x / scale)` in -[`Simd::ACT_MAX`]..=[`Simd::ACT_MAX`], with a scale for every row (of
//! the factor as the model sees it): the largest magnitude of the row over `ACT_MAX`. NaN and infinity make a row
//! whose results are NaN. Its byte has [`Simd::ACT_ZERO`] added where the instruction set's products want it unsigned.

use super::matrix::LINE;
use super::simd::{Bf16s, Bytes, Simd, SimdOp};
use super::view::{Units, View};

/// The scale for a row's largest magnitude, and the factor by which its elements are multiplied.
///
/// A row of zeros, or of nothing but subnormal numbers, is a row of zeros.
#[inline(always)]
fn scale_of(largest: f32, max: i32) -> (f32, f32) {
    let scale = largest / max as f32;
    if scale < f32::MIN_POSITIVE {
        (0.0, 0.0)
    } else if scale.is_finite() {
        (scale, 1.0 / scale)
    } else {
        (f32::NAN, 0.0)
    }
}

/// Each row of `x` as bytes, four to a unit.
pub struct QuantizeRows {
    /// What is read.
    pub x: View,
    /// Where the units go.
    pub out: Units,
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub cols: usize,
    /// One for each row.
    pub scales: *mut f32,
}

impl SimdOp for QuantizeRows {
    type Output = ();
    type Uses = Bytes;
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let zero = s.splat_unit(S::ACT_ZERO as u32);
        for r in 0..self.rows {
            let (x, out) = (self.x.at(r, 0).ptr, self.out.at(r, 0).ptr.cast::<u8>());
            // SAFETY: rows are padded to whole cache lines, with zeros; there is a scale for each row.
            unsafe {
                let mut top = [s.splat(0.0); 2];
                let mut i = 0;
                while i < self.cols {
                    for t in &mut top {
                        // Behind an odd vector stands padding, or what was seen before.
                        let at = if i < self.cols { i } else { 0 };
                        *t = s.max_magnitude(s.load(x.add(at)), *t);
                        i += S::LANES;
                    }
                }
                let (scale, factor) = scale_of(
                    s.largest_magnitude(s.max_magnitude(top[0], top[1])),
                    S::ACT_MAX,
                );
                *self.scales.add(r) = scale;
                let factor = s.splat(factor);
                for i in (0..self.cols).step_by(S::LANES) {
                    let q = s.to_i32(s.mul(s.load(x.add(i)), factor));
                    s.store_bytes(out.add(i), s.add_i32(q, zero));
                }
            }
        }
    }
}

/// Each column of `x` as bytes, four rows to a unit.
pub struct QuantizeCols {
    /// What is read.
    pub x: View,
    /// Where the units go.
    pub out: Units,
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub cols: usize,
    /// One for each column, padded to whole vectors.
    pub scales: *mut f32,
    /// Whether bytes are signed as weights are: the other factor of a product of two activations.
    pub signed: bool,
    /// Where the sums of each column start ([`Int8`](super::format::Int8)) when it is taken as weights.
    pub starts: Option<*mut u32>,
}

impl SimdOp for QuantizeCols {
    type Output = ();
    type Uses = Bytes;
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let (zero, max) = if self.signed {
            (0, S::WEIGHT_MAX)
        } else {
            (S::ACT_ZERO, S::ACT_MAX)
        };
        let zero = s.splat_unit(zero as u32);
        for c in (0..self.cols).step_by(S::LANES) {
            // SAFETY: rows are padded to whole vectors, and so are the scales.
            unsafe {
                let mut top = [s.splat(0.0); 4];
                for r in (0..self.rows).step_by(4) {
                    for (i, t) in top.iter_mut().enumerate().take(self.rows - r) {
                        *t = s.max_magnitude(s.load(self.x.at(r + i, c).ptr), *t);
                    }
                }
                let mut factors = [0.0; LINE];
                let [t0, t1, t2, t3] = top;
                let top = s.max_magnitude(s.max_magnitude(t0, t1), s.max_magnitude(t2, t3));
                s.store(factors.as_mut_ptr(), top);
                for (lane, factor) in factors.iter_mut().take(S::LANES).enumerate() {
                    let scale;
                    (scale, *factor) = scale_of(*factor, max);
                    *self.scales.add(c + lane) = scale;
                }
                let factor = s.load(factors.as_ptr());
                let mut sum = s.splat_unit(0);
                for r in (0..self.rows).step_by(4) {
                    // Below the last row stands zero: its weights are zero too.
                    let mut bytes = [zero; 4];
                    for (i, byte) in bytes.iter_mut().enumerate().take(self.rows - r) {
                        let x = s.load(self.x.at(r + i, c).ptr);
                        *byte = s.add_i32(s.to_i32(s.mul(x, factor)), zero);
                        sum = s.add_i32(sum, *byte);
                    }
                    s.store_units(self.out.at(r / 4, c).ptr, s.pack_bytes(bytes));
                }
                if let Some(starts) = self.starts {
                    let start = s.mul(s.to_f32(sum), s.splat(-S::ACT_ZERO as f32));
                    s.store_units(starts.add(c), s.to_i32(start));
                }
            }
        }
    }
}

/// Each row of `x` as bfloat16, two to a unit.
pub struct Bf16Rows {
    /// What is read.
    pub x: View,
    /// Where the units go.
    pub out: Units,
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub cols: usize,
}

impl SimdOp for Bf16Rows {
    type Output = ();
    type Uses = Bf16s;
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for r in 0..self.rows {
            let (x, out) = (self.x.at(r, 0).ptr, self.out.at(r, 0).ptr.cast::<u16>());
            for i in (0..self.cols).step_by(S::LANES) {
                // SAFETY: rows are padded to whole cache lines, with zeros.
                unsafe { s.store_bf16(out.add(i), s.load(x.add(i))) }
            }
        }
    }
}

/// Each column of `x` as bfloat16, two rows to a unit.
pub struct Bf16Cols {
    /// What is read.
    pub x: View,
    /// Where the units go.
    pub out: Units,
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub cols: usize,
}

impl SimdOp for Bf16Cols {
    type Output = ();
    type Uses = Bf16s;
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for c in (0..self.cols).step_by(S::LANES) {
            for r in (0..self.rows).step_by(2) {
                // SAFETY: rows are padded to whole vectors.
                unsafe {
                    let low = s.load(self.x.at(r, c).ptr);
                    let high = if r + 1 < self.rows {
                        s.load(self.x.at(r + 1, c).ptr)
                    } else {
                        s.splat(0.0)
                    };
                    s.store_units(self.out.at(r / 2, c).ptr, s.pack_bf16(low, high));
                }
            }
        }
    }
}
