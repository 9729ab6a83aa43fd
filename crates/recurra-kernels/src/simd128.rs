//! WebAssembly's SIMD: 4 floats a vector; what registers there are is the engine's to know. Relaxed SIMD, where a module is
//! built with it, adds products of bytes as the machine has them.

use super::simd::{Simd, SimdOp, Tile};
use std::arch::wasm32::*;

/// Whether the module is built with relaxed SIMD.
const RELAXED: bool = cfg!(target_feature = "relaxed-simd");

/// Vectors of 128 bits. A module that holds them does not load where they are missing, so a value needs no proof.
#[derive(Debug, Clone, Copy)]
pub struct Simd128;

impl Simd for Simd128 {
    type F = v128;
    type I = v128;
    const LANES: usize = 4;
    // For the 16 registers of x86-64, of which engines keep some to themselves.
    const TILE: Tile = Tile { rows: 5, vecs: 2 };
    const PAIR_TILE: Tile = Tile { rows: 5, vecs: 2 };
    // Relaxed products of bytes take one factor of 7 bits.
    const ACT_ZERO: i32 = if RELAXED { 64 } else { 0 };
    const ACT_MAX: i32 = if RELAXED { 63 } else { 127 };

    #[inline(always)]
    fn vectorize<O: SimdOp>(self, op: O) -> O::Output {
        op.run(self)
    }
    #[inline(always)]
    unsafe fn load(self, p: *const f32) -> v128 {
        // SAFETY: the caller's promise.
        unsafe { v128_load(p.cast()) }
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut f32, v: v128) {
        // SAFETY: the caller's promise.
        unsafe { v128_store(p.cast(), v) }
    }
    #[inline(always)]
    fn splat(self, x: f32) -> v128 {
        f32x4_splat(x)
    }
    #[inline(always)]
    fn add(self, a: v128, b: v128) -> v128 {
        f32x4_add(a, b)
    }
    #[inline(always)]
    fn sub(self, a: v128, b: v128) -> v128 {
        f32x4_sub(a, b)
    }
    #[inline(always)]
    fn mul(self, a: v128, b: v128) -> v128 {
        f32x4_mul(a, b)
    }
    #[inline(always)]
    fn div(self, a: v128, b: v128) -> v128 {
        f32x4_div(a, b)
    }
    #[inline(always)]
    fn fma(self, a: v128, b: v128, c: v128) -> v128 {
        // Relaxed SIMD has it in one instruction, which was slower by a tenth on x86-64 in V8; so floats are the same everywhere.
        f32x4_add(f32x4_mul(a, b), c)
    }
    #[inline(always)]
    fn max(self, a: v128, b: v128) -> v128 {
        // b < a ? a : b, one instruction on x86-64 where `f32x4_max` is many.
        f32x4_pmax(b, a)
    }
    #[inline(always)]
    fn min(self, a: v128, b: v128) -> v128 {
        f32x4_pmin(b, a)
    }
    #[inline(always)]
    fn by_sign(self, x: v128, minus: v128, plus: v128) -> v128 {
        v128_bitselect(minus, plus, i32x4_shr(x, 31))
    }
    #[inline(always)]
    fn round(self, a: v128) -> v128 {
        f32x4_nearest(a)
    }
    #[inline(always)]
    fn scale2(self, a: v128, n: v128) -> v128 {
        // Added to 1.5 * 2^23, `n` stands in the low bits: a conversion would guard against what `n` is not.
        let bits = f32x4_add(n, f32x4_splat(12_582_912.0));
        f32x4_mul(a, i32x4_shl(i32x4_add(bits, i32x4_splat(127)), 23))
    }
    #[inline(always)]
    fn sqrt(self, a: v128) -> v128 {
        f32x4_sqrt(a)
    }
    #[inline(always)]
    fn sum(self, a: v128) -> f32 {
        let s = f32x4_add(a, i32x4_shuffle::<2, 3, 0, 1>(a, a));
        f32x4_extract_lane::<0>(s) + f32x4_extract_lane::<1>(s)
    }
    #[inline(always)]
    fn largest(self, a: v128) -> f32 {
        let s = self.max(a, i32x4_shuffle::<2, 3, 0, 1>(a, a));
        f32x4_extract_lane::<0>(self.max(s, i32x4_shuffle::<1, 0, 3, 2>(s, s)))
    }
    #[inline(always)]
    fn max_magnitude(self, a: v128, top: v128) -> v128 {
        i32x4_max(f32x4_abs(a), top)
    }
    #[inline(always)]
    unsafe fn load_units(self, p: *const u32) -> v128 {
        // SAFETY: the caller's promise.
        unsafe { v128_load(p.cast()) }
    }
    #[inline(always)]
    unsafe fn store_units(self, p: *mut u32, v: v128) {
        // SAFETY: the caller's promise.
        unsafe { v128_store(p.cast(), v) }
    }
    #[inline(always)]
    fn splat_unit(self, x: u32) -> v128 {
        u32x4_splat(x)
    }
    #[inline(always)]
    fn add_i32(self, a: v128, b: v128) -> v128 {
        i32x4_add(a, b)
    }
    #[inline(always)]
    fn to_f32(self, a: v128) -> v128 {
        f32x4_convert_i32x4(a)
    }
    #[inline(always)]
    fn to_i32(self, a: v128) -> v128 {
        i32x4_trunc_sat_f32x4(f32x4_nearest(a))
    }
    #[inline(always)]
    fn dot4(self, acc: v128, act: v128, weight: v128) -> v128 {
        #[cfg(target_feature = "relaxed-simd")]
        return i32x4_relaxed_dot_i8x16_i7x16_add(weight, act, acc);
        // Even and odd bytes, widened apart, so that the sums of pairs already stand in their lanes.
        #[cfg(not(target_feature = "relaxed-simd"))]
        {
            let even = |v: v128| i16x8_shr(i16x8_shl(v, 8), 8);
            let odd = |v: v128| i16x8_shr(v, 8);
            let acc = i32x4_add(acc, i32x4_dot_i16x8(even(act), even(weight)));
            i32x4_add(acc, i32x4_dot_i16x8(odd(act), odd(weight)))
        }
    }
    #[inline(always)]
    fn pack_bytes(self, v: [v128; 4]) -> v128 {
        let [a, b, c, d] = v.map(|v| v128_and(v, u32x4_splat(255)));
        let ab = v128_or(a, i32x4_shl(b, 8));
        let cd = v128_or(c, i32x4_shl(d, 8));
        v128_or(ab, i32x4_shl(cd, 16))
    }
    #[inline(always)]
    unsafe fn store_bytes(self, p: *mut u8, v: v128) {
        let v = i8x16_shuffle::<0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12>(v, v);
        // SAFETY: the caller's promise; the lane's address need not be aligned.
        unsafe { v128_store32_lane::<0>(v, p.cast()) }
    }
}
