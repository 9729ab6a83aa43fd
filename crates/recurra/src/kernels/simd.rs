//! The one interface between the kernels and the instruction sets.
//!
//! A kernel is a [`SimdOp`], written once for any [`Simd`]; an instruction set is a value that can only be
//! had where the processor has it, so that running a kernel on it is safe.

/// Rows and vectors of the block of results that a product keeps in registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tile {
    /// Most rows of a block.
    pub rows: usize,
    /// Most vectors in a row of a block.
    pub vecs: usize,
}

/// A vector instruction set. Values exist only where the processor has it.
///
/// The arithmetic methods are to be called inside [`Simd::vectorize`] only: elsewhere they are correct, but
/// each is a call.
pub trait Simd: Copy + Send + Sync + 'static {
    /// A vector of [`Simd::LANES`] floats.
    type F: Copy;
    /// Floats in a vector; divides [`LINE`](super::matrix::LINE).
    const LANES: usize;
    /// Block of a plain product.
    const TILE: Tile;
    /// Block of a product whose vectors are half gates, half values of a SwiGLU.
    const PAIR_TILE: Tile;

    /// Runs `op` compiled for this instruction set.
    fn vectorize<O: SimdOp>(self, op: O) -> O::Output;

    /// Loads a vector.
    ///
    /// # Safety
    /// `p` is readable for `LANES` floats.
    unsafe fn load(self, p: *const f32) -> Self::F;
    /// Stores a vector.
    ///
    /// # Safety
    /// `p` is writable for `LANES` floats.
    unsafe fn store(self, p: *mut f32, v: Self::F);
    /// Brings a cache line into the second-level cache, where there is an instruction for it. Any address will do.
    #[inline(always)]
    fn prefetch(self, _: *const u8) {}
    /// The same number in every lane.
    fn splat(self, x: f32) -> Self::F;
    /// `a + b`
    fn add(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a - b`
    fn sub(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a * b`
    fn mul(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a / b`
    fn div(self, a: Self::F, b: Self::F) -> Self::F;
    /// `1 / a` for normal `a` whose inverse is normal, within 2 ULP.
    #[inline(always)]
    fn recip(self, a: Self::F) -> Self::F {
        self.div(self.splat(1.0), a)
    }
    /// `a * b + c`, rounded once where the processor can.
    fn fma(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    /// The larger; `b` where either is NaN.
    fn max(self, a: Self::F, b: Self::F) -> Self::F;
    /// The smaller; `b` where either is NaN.
    fn min(self, a: Self::F, b: Self::F) -> Self::F;
    /// Rounded to the nearest integer, halves to the even one.
    fn round(self, a: Self::F) -> Self::F;
    /// `a * 2^n` for integral `n` in -126..=127.
    fn scale2(self, a: Self::F, n: Self::F) -> Self::F;
    /// The square root.
    fn sqrt(self, a: Self::F) -> Self::F;
    /// The sum of all lanes.
    fn sum(self, a: Self::F) -> f32;
    /// The largest lane.
    fn largest(self, a: Self::F) -> f32;
}

/// A kernel: code that is compiled anew for each instruction set.
pub trait SimdOp {
    /// What it returns.
    type Output;
    /// Its body. Mark it `#[inline(always)]`, and all that it calls.
    fn run<S: Simd>(self, simd: S) -> Self::Output;
}
