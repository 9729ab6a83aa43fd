//! SSE4.1 with SSSE3: 4 floats a vector, 16 registers, no FMA.

use super::simd::{Simd, SimdOp, Tile};
use std::arch::x86_64::*;

/// Proof that the processor has SSE4.1 and SSSE3.
#[derive(Debug, Clone, Copy)]
pub struct Sse41(());

impl Sse41 {
    /// The instruction set, if this processor has it.
    pub fn detect() -> Option<Self> {
        (is_x86_feature_detected!("sse4.1") && is_x86_feature_detected!("ssse3"))
            .then_some(Sse41(()))
    }
}

#[target_feature(enable = "sse4.1,ssse3")]
fn run<O: SimdOp>(simd: Sse41, op: O) -> O::Output {
    op.run(simd)
}

// SAFETY (all blocks below): a value of `Sse41` exists only where the processor has SSE4.1 and SSSE3; pointers are
// the caller's promise.
#[allow(clippy::undocumented_unsafe_blocks)]
impl Simd for Sse41 {
    type F = __m128;
    type I = __m128i;
    const LANES: usize = 4;
    // With two vectors, a splat and a product not yet added, all registers.
    const TILE: Tile = Tile { rows: 6, vecs: 2 };
    const PAIR_TILE: Tile = Tile { rows: 6, vecs: 2 };
    const ACT_ZERO: i32 = 64;
    // Two products of a byte each must fit 16 bits.
    const ACT_MAX: i32 = 63;

    #[inline(always)]
    fn vectorize<O: SimdOp>(self, op: O) -> O::Output {
        unsafe { run(self, op) }
    }
    #[inline(always)]
    unsafe fn load(self, p: *const f32) -> __m128 {
        unsafe { _mm_loadu_ps(p) }
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut f32, v: __m128) {
        unsafe { _mm_storeu_ps(p, v) }
    }
    #[inline(always)]
    fn prefetch(self, p: *const u8) {
        unsafe { _mm_prefetch::<_MM_HINT_T1>(p.cast()) }
    }
    #[inline(always)]
    fn splat(self, x: f32) -> __m128 {
        unsafe { _mm_set1_ps(x) }
    }
    #[inline(always)]
    fn add(self, a: __m128, b: __m128) -> __m128 {
        unsafe { _mm_add_ps(a, b) }
    }
    #[inline(always)]
    fn sub(self, a: __m128, b: __m128) -> __m128 {
        unsafe { _mm_sub_ps(a, b) }
    }
    #[inline(always)]
    fn mul(self, a: __m128, b: __m128) -> __m128 {
        unsafe { _mm_mul_ps(a, b) }
    }
    #[inline(always)]
    fn div(self, a: __m128, b: __m128) -> __m128 {
        unsafe { _mm_div_ps(a, b) }
    }
    #[inline(always)]
    fn fma(self, a: __m128, b: __m128, c: __m128) -> __m128 {
        unsafe { _mm_add_ps(_mm_mul_ps(a, b), c) }
    }
    #[inline(always)]
    fn max(self, a: __m128, b: __m128) -> __m128 {
        unsafe { _mm_max_ps(a, b) }
    }
    #[inline(always)]
    fn min(self, a: __m128, b: __m128) -> __m128 {
        unsafe { _mm_min_ps(a, b) }
    }
    #[inline(always)]
    fn by_sign(self, x: __m128, minus: __m128, plus: __m128) -> __m128 {
        unsafe { _mm_blendv_ps(plus, minus, x) }
    }
    #[inline(always)]
    fn round(self, a: __m128) -> __m128 {
        unsafe { _mm_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a) }
    }
    #[inline(always)]
    fn scale2(self, a: __m128, n: __m128) -> __m128 {
        unsafe {
            let exponent = _mm_add_epi32(_mm_cvtps_epi32(n), _mm_set1_epi32(127));
            _mm_mul_ps(a, _mm_castsi128_ps(_mm_slli_epi32::<23>(exponent)))
        }
    }
    #[inline(always)]
    fn sqrt(self, a: __m128) -> __m128 {
        unsafe { _mm_sqrt_ps(a) }
    }
    #[inline(always)]
    fn sum(self, a: __m128) -> f32 {
        unsafe {
            let s = _mm_add_ps(a, _mm_movehl_ps(a, a));
            _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)))
        }
    }
    #[inline(always)]
    fn largest(self, a: __m128) -> f32 {
        unsafe {
            let s = _mm_max_ps(a, _mm_movehl_ps(a, a));
            _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)))
        }
    }
    #[inline(always)]
    fn max_magnitude(self, a: __m128, top: __m128) -> __m128 {
        unsafe {
            let a = _mm_and_si128(_mm_castps_si128(a), _mm_set1_epi32(i32::MAX));
            _mm_castsi128_ps(_mm_max_epi32(a, _mm_castps_si128(top)))
        }
    }
    #[inline(always)]
    unsafe fn load_units(self, p: *const u32) -> __m128i {
        unsafe { _mm_loadu_si128(p.cast()) }
    }
    #[inline(always)]
    unsafe fn store_units(self, p: *mut u32, v: __m128i) {
        unsafe { _mm_storeu_si128(p.cast(), v) }
    }
    #[inline(always)]
    fn splat_unit(self, x: u32) -> __m128i {
        unsafe { _mm_set1_epi32(x as i32) }
    }
    #[inline(always)]
    fn add_i32(self, a: __m128i, b: __m128i) -> __m128i {
        unsafe { _mm_add_epi32(a, b) }
    }
    #[inline(always)]
    fn to_f32(self, a: __m128i) -> __m128 {
        unsafe { _mm_cvtepi32_ps(a) }
    }
    #[inline(always)]
    fn to_i32(self, a: __m128) -> __m128i {
        unsafe { _mm_cvtps_epi32(a) }
    }
    #[inline(always)]
    fn dot4(self, acc: __m128i, act: __m128i, weight: __m128i) -> __m128i {
        unsafe {
            let pairs = _mm_maddubs_epi16(act, weight);
            _mm_add_epi32(acc, _mm_madd_epi16(pairs, _mm_set1_epi16(1)))
        }
    }
    #[inline(always)]
    fn pack_bytes(self, v: [__m128i; 4]) -> __m128i {
        unsafe {
            let byte = _mm_set1_epi32(255);
            let [a, b, c, d] = v.map(|v| _mm_and_si128(v, byte));
            let ab = _mm_or_si128(a, _mm_slli_epi32::<8>(b));
            let cd = _mm_or_si128(c, _mm_slli_epi32::<8>(d));
            _mm_or_si128(ab, _mm_slli_epi32::<16>(cd))
        }
    }
    #[inline(always)]
    unsafe fn store_bytes(self, p: *mut u8, v: __m128i) {
        unsafe {
            let order = _mm_setr_epi8(0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);
            let v = _mm_cvtsi128_si32(_mm_shuffle_epi8(v, order));
            p.cast::<i32>().write_unaligned(v);
        }
    }
}
