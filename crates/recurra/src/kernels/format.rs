//! How the numbers of a product are stored and multiplied.

use super::simd::{Bf16s, Bytes, Floats, Instructions, Simd};

/// How units are multiplied, and how sums become floats.
pub(crate) trait Format: Copy {
    /// Sums of one vector of results.
    type Acc<S: Simd>: Copy;
    /// A vector of units.
    type Vec<S: Simd>: Copy;
    /// The instructions that it takes.
    type Uses: Instructions;
    /// Where the sums of a vector of results start whose first is (row, col).
    unsafe fn start<S: Simd>(self, s: S, row: usize, col: usize) -> Self::Acc<S>;
    /// Units of the right factor.
    unsafe fn load<S: Simd>(s: S, p: *const u32) -> Self::Vec<S>;
    /// A unit of the left factor, in every lane.
    fn splat<S: Simd>(s: S, unit: u32) -> Self::Vec<S>;
    /// `acc` and the products.
    fn multiply_add<S: Simd>(
        s: S,
        left: Self::Vec<S>,
        right: Self::Vec<S>,
        acc: Self::Acc<S>,
    ) -> Self::Acc<S>;
    /// The results, of which the first is (row, col).
    unsafe fn finish<S: Simd>(self, s: S, acc: Self::Acc<S>, row: usize, col: usize) -> S::F;
}

/// Floats.
#[derive(Clone, Copy)]
pub(crate) struct F32;

impl Format for F32 {
    type Acc<S: Simd> = S::F;
    type Vec<S: Simd> = S::F;
    type Uses = Floats;
    #[inline(always)]
    unsafe fn start<S: Simd>(self, s: S, _: usize, _: usize) -> S::F {
        s.splat(0.0)
    }
    #[inline(always)]
    unsafe fn load<S: Simd>(s: S, p: *const u32) -> S::F {
        // SAFETY: the caller's promise.
        unsafe { s.load(p.cast()) }
    }
    #[inline(always)]
    fn splat<S: Simd>(s: S, unit: u32) -> S::F {
        s.splat(f32::from_bits(unit))
    }
    #[inline(always)]
    fn multiply_add<S: Simd>(s: S, left: S::F, right: S::F, acc: S::F) -> S::F {
        s.fma(left, right, acc)
    }
    #[inline(always)]
    unsafe fn finish<S: Simd>(self, _: S, acc: S::F, _: usize, _: usize) -> S::F {
        acc
    }
}

/// Pairs of bfloat16, summed as floats.
#[derive(Clone, Copy)]
pub(crate) struct Bf16;

impl Format for Bf16 {
    type Acc<S: Simd> = S::F;
    type Vec<S: Simd> = S::I;
    type Uses = Bf16s;
    #[inline(always)]
    unsafe fn start<S: Simd>(self, s: S, _: usize, _: usize) -> S::F {
        s.splat(0.0)
    }
    #[inline(always)]
    unsafe fn load<S: Simd>(s: S, p: *const u32) -> S::I {
        // SAFETY: the caller's promise.
        unsafe { s.load_units(p) }
    }
    #[inline(always)]
    fn splat<S: Simd>(s: S, unit: u32) -> S::I {
        s.splat_unit(unit)
    }
    #[inline(always)]
    fn multiply_add<S: Simd>(s: S, left: S::I, right: S::I, acc: S::F) -> S::F {
        s.dot2(acc, left, right)
    }
    #[inline(always)]
    unsafe fn finish<S: Simd>(self, _: S, acc: S::F, _: usize, _: usize) -> S::F {
        acc
    }
}

/// Fours of 8-bit integers: activations with a scale each row of their matrix (and the zero point of the instruction
/// set), weights with a scale each output.
///
/// With `WEIGHTS_LEFT`, weights are the left factor and activations the right; otherwise the other way round.
#[derive(Clone, Copy)]
pub(crate) struct Int8<const WEIGHTS_LEFT: bool> {
    /// For each row of the left factor.
    pub(crate) row_scales: *const f32,
    /// For each column of the right factor, padded to whole vectors.
    pub(crate) col_scales: *const f32,
    /// For each output: minus the zero point of the activations times the sum of the weights.
    pub(crate) starts: *const u32,
}

impl<const WEIGHTS_LEFT: bool> Format for Int8<WEIGHTS_LEFT> {
    type Acc<S: Simd> = S::I;
    type Vec<S: Simd> = S::I;
    type Uses = Bytes;
    #[inline(always)]
    unsafe fn start<S: Simd>(self, s: S, row: usize, col: usize) -> S::I {
        // SAFETY: there is a start for each output, padded to whole vectors.
        unsafe {
            if WEIGHTS_LEFT {
                s.splat_unit(*self.starts.add(row))
            } else {
                s.load_units(self.starts.add(col))
            }
        }
    }
    #[inline(always)]
    unsafe fn load<S: Simd>(s: S, p: *const u32) -> S::I {
        // SAFETY: the caller's promise.
        unsafe { s.load_units(p) }
    }
    #[inline(always)]
    fn splat<S: Simd>(s: S, unit: u32) -> S::I {
        s.splat_unit(unit)
    }
    #[inline(always)]
    fn multiply_add<S: Simd>(s: S, left: S::I, right: S::I, acc: S::I) -> S::I {
        if WEIGHTS_LEFT {
            s.dot4(acc, right, left)
        } else {
            s.dot4(acc, left, right)
        }
    }
    #[inline(always)]
    unsafe fn finish<S: Simd>(self, s: S, acc: S::I, row: usize, col: usize) -> S::F {
        // SAFETY: there is a scale for each row, and for each column, padded to whole vectors.
        unsafe {
            let scale = s.mul(
                s.splat(*self.row_scales.add(row)),
                s.load(self.col_scales.add(col)),
            );
            s.mul(s.to_f32(acc), scale)
        }
    }
}
