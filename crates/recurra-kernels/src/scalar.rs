//! Plain Rust, one float at a time: for any processor.

use super::simd::{Simd, SimdOp, Tile};

/// The instruction set every processor has.
#[derive(Debug, Clone, Copy)]
pub struct Scalar;

impl Simd for Scalar {
    type F = f32;
    type I = u32;
    const LANES: usize = 1;
    const TILE: Tile = Tile { rows: 4, vecs: 3 };
    const PAIR_TILE: Tile = Tile { rows: 4, vecs: 2 };
    const ACT_ZERO: i32 = 0;
    const ACT_MAX: i32 = 127;

    #[inline(always)]
    fn vectorize<O: SimdOp>(self, op: O) -> O::Output {
        op.run(self)
    }
    #[inline(always)]
    unsafe fn load(self, p: *const f32) -> f32 {
        // SAFETY: the caller's promise.
        unsafe { *p }
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut f32, v: f32) {
        // SAFETY: the caller's promise.
        unsafe { *p = v }
    }
    #[inline(always)]
    fn splat(self, x: f32) -> f32 {
        x
    }
    #[inline(always)]
    fn add(self, a: f32, b: f32) -> f32 {
        a + b
    }
    #[inline(always)]
    fn sub(self, a: f32, b: f32) -> f32 {
        a - b
    }
    #[inline(always)]
    fn mul(self, a: f32, b: f32) -> f32 {
        a * b
    }
    #[inline(always)]
    fn div(self, a: f32, b: f32) -> f32 {
        a / b
    }
    #[inline(always)]
    fn fma(self, a: f32, b: f32, c: f32) -> f32 {
        // Not `mul_add`: without the instruction it is a library call.
        a * b + c
    }
    #[inline(always)]
    fn max(self, a: f32, b: f32) -> f32 {
        if a > b { a } else { b }
    }
    #[inline(always)]
    fn min(self, a: f32, b: f32) -> f32 {
        if a < b { a } else { b }
    }
    #[inline(always)]
    fn by_sign(self, x: f32, minus: f32, plus: f32) -> f32 {
        if x.is_sign_negative() { minus } else { plus }
    }
    #[inline(always)]
    fn round(self, a: f32) -> f32 {
        a.round_ties_even()
    }
    #[inline(always)]
    fn scale2(self, a: f32, n: f32) -> f32 {
        a * f32::from_bits(((n as i32 + 127) as u32) << 23)
    }
    #[inline(always)]
    fn sqrt(self, a: f32) -> f32 {
        a.sqrt()
    }
    #[inline(always)]
    fn sum(self, a: f32) -> f32 {
        a
    }
    #[inline(always)]
    fn largest(self, a: f32) -> f32 {
        a
    }
    #[inline(always)]
    fn max_magnitude(self, a: f32, top: f32) -> f32 {
        f32::from_bits(a.abs().to_bits().max(top.to_bits()))
    }
    #[inline(always)]
    unsafe fn load_units(self, p: *const u32) -> u32 {
        // SAFETY: the caller's promise.
        unsafe { *p }
    }
    #[inline(always)]
    unsafe fn store_units(self, p: *mut u32, v: u32) {
        // SAFETY: the caller's promise.
        unsafe { *p = v }
    }
    #[inline(always)]
    fn splat_unit(self, x: u32) -> u32 {
        x
    }
    #[inline(always)]
    fn add_i32(self, a: u32, b: u32) -> u32 {
        a.wrapping_add(b)
    }
    #[inline(always)]
    fn to_f32(self, a: u32) -> f32 {
        a as i32 as f32
    }
    #[inline(always)]
    fn to_i32(self, a: f32) -> u32 {
        a.round_ties_even() as i32 as u32
    }
    #[inline(always)]
    fn dot4(self, acc: u32, act: u32, weight: u32) -> u32 {
        let (a, w) = (act.to_le_bytes(), weight.to_le_bytes());
        let product = |i: usize| i32::from(a[i] as i8) * i32::from(w[i] as i8);
        acc.wrapping_add((product(0) + product(1) + product(2) + product(3)) as u32)
    }
    #[inline(always)]
    fn pack_bytes(self, v: [u32; 4]) -> u32 {
        u32::from_le_bytes(v.map(|v| v as u8))
    }
    #[inline(always)]
    unsafe fn store_bytes(self, p: *mut u8, v: u32) {
        // SAFETY: the caller's promise.
        unsafe { *p = v as u8 }
    }
}
