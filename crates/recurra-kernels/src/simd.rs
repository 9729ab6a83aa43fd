//! The one interface between the kernels and the instruction sets.
//!
//! A kernel is a [`SimdOp`], written once for any [`Simd`]; an instruction set is a value that can only be
//! had where the processor has it, so that running a kernel on it is safe.

use super::Isa;
use super::matrix::LINE;

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
    /// A vector of as many 32-bit units: an i32, four 8-bit integers or two bfloat16 each.
    type I: Copy;
    /// Floats in a vector; divides [`LINE`].
    const LANES: usize;
    /// Block of a plain product.
    const TILE: Tile;
    /// Block of a product whose vectors are half gates, half values of a SwiGLU.
    const PAIR_TILE: Tile;

    /// What is added to a quantised activation so that its byte is what [`Simd::dot4`] takes.
    const ACT_ZERO: i32;
    /// The largest quantised activation; the least is its negative.
    const ACT_MAX: i32;
    /// Whether [`Simd::dot8`] is faster than two [`Simd::dot4`]. Where it is, weights are fitted to it
    /// when they are packed.
    const DOT8: bool = false;
    /// The largest number that is quantised as a weight in the midst of a step.
    const WEIGHT_MAX: i32 = if Self::DOT8 { 64 } else { 127 };

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
    /// `1 / a` for such `a`, with a relative error below 1e-4.
    #[inline(always)]
    fn recip_short(self, a: Self::F) -> Self::F {
        self.recip(a)
    }
    /// `a * b + c`, rounded once where the processor can.
    fn fma(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    /// The larger; where either is NaN, `b` or NaN. So what may be NaN and is to stay so stands second.
    fn max(self, a: Self::F, b: Self::F) -> Self::F;
    /// The smaller; where either is NaN, `b` or NaN.
    fn min(self, a: Self::F, b: Self::F) -> Self::F;
    /// `minus` where the sign bit of `x` is set, otherwise `plus`.
    fn by_sign(self, x: Self::F, minus: Self::F, plus: Self::F) -> Self::F;
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

    /// The larger of `|a|` and `top`, which is not negative; NaN counts as larger than all.
    fn max_magnitude(self, a: Self::F, top: Self::F) -> Self::F;
    /// The largest lane of `a`, none of which is negative; NaN counts as larger than all.
    #[inline(always)]
    fn largest_magnitude(self, a: Self::F) -> f32 {
        let mut lanes = [0.0f32; LINE];
        // SAFETY: no vector is longer than a line.
        unsafe { self.store(lanes.as_mut_ptr(), a) };
        f32::from_bits(lanes.iter().fold(0, |top, v| top.max(v.to_bits())))
    }

    /// Loads a vector of units.
    ///
    /// # Safety
    /// `p` is readable for `LANES` units.
    unsafe fn load_units(self, p: *const u32) -> Self::I;
    /// Stores a vector of units.
    ///
    /// # Safety
    /// `p` is writable for `LANES` units.
    unsafe fn store_units(self, p: *mut u32, v: Self::I);
    /// The same unit in every lane.
    fn splat_unit(self, x: u32) -> Self::I;
    /// `a + b`, wrapping.
    fn add_i32(self, a: Self::I, b: Self::I) -> Self::I;
    /// The nearest floats.
    fn to_f32(self, a: Self::I) -> Self::F;
    /// The nearest integers, halves to the even one; `a` is within the range of i32.
    fn to_i32(self, a: Self::F) -> Self::I;
    /// In each lane, `acc` and the four products of an activation's byte (with [`Simd::ACT_ZERO`] in it) and a
    /// weight's (signed, not -128).
    fn dot4(self, acc: Self::I, act: Self::I, weight: Self::I) -> Self::I;
    /// [`Simd::dot4`] of two activations and weights that follow one another.
    #[inline(always)]
    fn dot8(self, acc: Self::I, act: [Self::I; 2], weight: [Self::I; 2]) -> Self::I {
        self.dot4(self.dot4(acc, act[0], weight[0]), act[1], weight[1])
    }
    /// Units of the low bytes of four vectors, the first lowest.
    fn pack_bytes(self, v: [Self::I; 4]) -> Self::I;
    /// Stores the low bytes of a vector.
    ///
    /// # Safety
    /// `p` is writable for `LANES` bytes.
    unsafe fn store_bytes(self, p: *mut u8, v: Self::I);

    /// The low halves of a vector's bytes less 8, and the high ones: integers of 8 bits.
    #[inline(always)]
    fn nibbles(self, v: Self::I) -> [Self::I; 2] {
        [0, 4].map(|shift| {
            self.by_lane([v; 3], |[v, ..]| {
                let bytes = v.to_le_bytes();
                u32::from_le_bytes(bytes.map(|b| (b >> shift & 15).wrapping_sub(8)))
            })
        })
    }
    /// In each half of a lane, as integers of 16 bits, `acc` and two of the products that [`Simd::dot4`] adds up; none
    /// of the sums may be beyond 16 bits.
    #[inline(always)]
    fn dot_pairs(self, acc: Self::I, act: Self::I, weight: Self::I) -> Self::I {
        self.by_lane([acc, act, weight], |[acc, act, weight]| {
            let (act, weight) = (act.to_le_bytes(), weight.to_le_bytes());
            let act = act.map(|v| match Self::ACT_ZERO {
                0 => i32::from(v as i8),
                _ => i32::from(v),
            });
            let product = |i: usize| act[i] * i32::from(weight[i] as i8);
            let sum = |half: u32, i: usize| (half as i32 + product(i) + product(i + 1)) as u32;
            sum(acc, 0) & 0xffff | sum(acc >> 16, 2) << 16
        })
    }
    /// In each lane, `acc` and the two products of the integers of 16 bits of `a` and `b`.
    #[inline(always)]
    fn add_products(self, acc: Self::I, a: Self::I, b: Self::I) -> Self::I {
        self.by_lane([acc, a, b], |[acc, a, b]| {
            let high = (a as i32 >> 16) * (b as i32 >> 16);
            let low = i32::from(a as i16) * i32::from(b as i16);
            acc.wrapping_add((high + low) as u32)
        })
    }
    /// `f` of the lanes of three vectors, one after the other: for what an instruction set has no instructions for.
    #[inline(always)]
    fn by_lane(self, v: [Self::I; 3], f: impl Fn([u32; 3]) -> u32) -> Self::I {
        let (mut lanes, mut out) = ([[0; LINE]; 3], [0; LINE]);
        // SAFETY: no vector is longer than a line.
        unsafe {
            for (lanes, v) in lanes.iter_mut().zip(v) {
                self.store_units(lanes.as_mut_ptr(), v);
            }
            for i in 0..Self::LANES {
                out[i] = f([lanes[0][i], lanes[1][i], lanes[2][i]]);
            }
            self.load_units(out.as_ptr())
        }
    }

    /// In each lane, `acc` and the two products of the bfloat16 of `a` and `b`, with f32 sums; subnormal numbers may
    /// count as zero.
    #[inline(always)]
    fn dot2(self, acc: Self::F, a: Self::I, b: Self::I) -> Self::F {
        let (mut sum, mut x, mut y) = ([0.0; LINE], [0; LINE], [0; LINE]);
        // SAFETY: no vector is longer than a line.
        unsafe {
            self.store(sum.as_mut_ptr(), acc);
            self.store_units(x.as_mut_ptr(), a);
            self.store_units(y.as_mut_ptr(), b);
            for i in 0..Self::LANES {
                let half = |v: u32| [f32::from_bits(v << 16), f32::from_bits(v & 0xffff_0000)];
                let ([a0, a1], [b0, b1]) = (half(x[i]), half(y[i]));
                sum[i] += a0 * b0 + a1 * b1;
            }
            self.load(sum.as_ptr())
        }
    }
    /// Units of the nearest bfloat16 of two vectors, `low` in the low half.
    #[inline(always)]
    fn pack_bf16(self, low: Self::F, high: Self::F) -> Self::I {
        let (mut x, mut y, mut out) = ([0.0; LINE], [0.0; LINE], [0; LINE]);
        // SAFETY: no vector is longer than a line.
        unsafe {
            self.store(x.as_mut_ptr(), low);
            self.store(y.as_mut_ptr(), high);
            for i in 0..Self::LANES {
                let bits = |v: f32| u32::from(half::bf16::from_f32(v).to_bits());
                out[i] = bits(x[i]) | bits(y[i]) << 16;
            }
            self.load_units(out.as_ptr())
        }
    }
    /// Stores the nearest bfloat16 of a vector.
    ///
    /// # Safety
    /// `p` is writable for `LANES` numbers of 16 bits.
    #[inline(always)]
    unsafe fn store_bf16(self, p: *mut u16, v: Self::F) {
        let mut x = [0.0; LINE];
        // SAFETY: no vector is longer than a line; `p` is the caller's promise.
        unsafe {
            self.store(x.as_mut_ptr(), v);
            for (i, &x) in x.iter().take(Self::LANES).enumerate() {
                *p.add(i) = half::bf16::from_f32(x).to_bits();
            }
        }
    }
}

/// A kernel: code that is compiled anew for each instruction set.
pub trait SimdOp {
    /// What it returns.
    type Output;
    /// The instructions that it uses.
    type Uses: Instructions;
    /// Its body. Mark it `#[inline(always)]`, and all that it calls.
    fn run<S: Simd>(self, simd: S) -> Self::Output;
}

/// The instructions that a kernel uses beyond those on floats: it is compiled for the least instruction set that has
/// them, once for all that are alike in them.
pub trait Instructions: 'static {
    /// Runs a kernel.
    fn run<O: SimdOp>(isa: Isa, op: O) -> O::Output;
}

/// Floats only.
#[derive(Debug)]
pub struct Floats;
/// Products of 8-bit integers.
#[derive(Debug)]
pub struct Bytes;
/// Products of bfloat16.
#[derive(Debug)]
pub struct Bf16s;
/// Products of 4-bit integers with sums of 16 bits.
#[derive(Debug)]
pub struct Nibbles;
