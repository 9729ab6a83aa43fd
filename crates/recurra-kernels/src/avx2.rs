//! AVX2 with FMA: 8 floats a vector, 16 registers.

use super::simd::{Simd, SimdOp, Tile};
use std::arch::x86_64::*;

/// Proof that the processor has AVX2 and FMA, and with `VNNI` AVX-VNNI.
#[derive(Debug, Clone, Copy)]
pub struct Avx2<const VNNI: bool>(());

impl Avx2<false> {
    /// The instruction set, if this processor has it.
    pub fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(Avx2(()))
    }
}

impl Avx2<true> {
    /// The instruction set, if this processor has it.
    pub fn detect() -> Option<Self> {
        let base = Avx2::<false>::detect();
        base.and(is_x86_feature_detected!("avxvnni").then_some(Avx2(())))
    }

    /// The same without AVX-VNNI.
    pub fn base(self) -> Avx2<false> {
        Avx2(())
    }
}

#[target_feature(enable = "avx2,fma")]
fn run<O: SimdOp, const VNNI: bool>(simd: Avx2<VNNI>, op: O) -> O::Output {
    op.run(simd)
}

#[target_feature(enable = "avx2,fma,avxvnni")]
fn run_vnni<O: SimdOp, const VNNI: bool>(simd: Avx2<VNNI>, op: O) -> O::Output {
    op.run(simd)
}

// SAFETY (all blocks below): a value of `Avx2` exists only where the processor has AVX2 and FMA; pointers are
// the caller's promise.
#[allow(clippy::undocumented_unsafe_blocks)]
impl<const VNNI: bool> Simd for Avx2<VNNI> {
    type F = __m256;
    type I = __m256i;
    const LANES: usize = 8;
    const TILE: Tile = Tile { rows: 6, vecs: 2 };
    const PAIR_TILE: Tile = Tile { rows: 6, vecs: 2 };
    const ACT_ZERO: i32 = if VNNI { 128 } else { 64 };
    // Without VNNI, two products of a byte each must fit 16 bits.
    const ACT_MAX: i32 = if VNNI { 127 } else { 63 };
    const DOT8: bool = !VNNI;

    #[inline(always)]
    fn vectorize<O: SimdOp>(self, op: O) -> O::Output {
        unsafe {
            if VNNI {
                run_vnni(self, op)
            } else {
                run(self, op)
            }
        }
    }
    #[inline(always)]
    unsafe fn load(self, p: *const f32) -> __m256 {
        unsafe { _mm256_loadu_ps(p) }
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut f32, v: __m256) {
        unsafe { _mm256_storeu_ps(p, v) }
    }
    #[inline(always)]
    fn prefetch(self, p: *const u8) {
        unsafe { _mm_prefetch::<_MM_HINT_T1>(p.cast()) }
    }
    #[inline(always)]
    fn splat(self, x: f32) -> __m256 {
        unsafe { _mm256_set1_ps(x) }
    }
    #[inline(always)]
    fn add(self, a: __m256, b: __m256) -> __m256 {
        unsafe { _mm256_add_ps(a, b) }
    }
    #[inline(always)]
    fn sub(self, a: __m256, b: __m256) -> __m256 {
        unsafe { _mm256_sub_ps(a, b) }
    }
    #[inline(always)]
    fn mul(self, a: __m256, b: __m256) -> __m256 {
        unsafe { _mm256_mul_ps(a, b) }
    }
    #[inline(always)]
    fn div(self, a: __m256, b: __m256) -> __m256 {
        unsafe { _mm256_div_ps(a, b) }
    }
    #[inline(always)]
    fn fma(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        unsafe { _mm256_fmadd_ps(a, b, c) }
    }
    #[inline(always)]
    fn max(self, a: __m256, b: __m256) -> __m256 {
        unsafe { _mm256_max_ps(a, b) }
    }
    #[inline(always)]
    fn min(self, a: __m256, b: __m256) -> __m256 {
        unsafe { _mm256_min_ps(a, b) }
    }
    #[inline(always)]
    fn by_sign(self, x: __m256, minus: __m256, plus: __m256) -> __m256 {
        unsafe { _mm256_blendv_ps(plus, minus, x) }
    }
    #[inline(always)]
    fn round(self, a: __m256) -> __m256 {
        unsafe { _mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a) }
    }
    #[inline(always)]
    fn scale2(self, a: __m256, n: __m256) -> __m256 {
        unsafe {
            let exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
            _mm256_mul_ps(a, _mm256_castsi256_ps(_mm256_slli_epi32::<23>(exponent)))
        }
    }
    #[inline(always)]
    fn sqrt(self, a: __m256) -> __m256 {
        unsafe { _mm256_sqrt_ps(a) }
    }
    #[inline(always)]
    fn sum(self, a: __m256) -> f32 {
        unsafe {
            let s = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps::<1>(a));
            let s = _mm_add_ps(s, _mm_movehl_ps(s, s));
            _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)))
        }
    }
    #[inline(always)]
    fn largest(self, a: __m256) -> f32 {
        unsafe {
            let s = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps::<1>(a));
            let s = _mm_max_ps(s, _mm_movehl_ps(s, s));
            _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)))
        }
    }
    #[inline(always)]
    fn max_magnitude(self, a: __m256, top: __m256) -> __m256 {
        unsafe {
            let a = _mm256_and_si256(_mm256_castps_si256(a), _mm256_set1_epi32(i32::MAX));
            _mm256_castsi256_ps(_mm256_max_epi32(a, _mm256_castps_si256(top)))
        }
    }
    #[inline(always)]
    unsafe fn load_units(self, p: *const u32) -> __m256i {
        unsafe { _mm256_loadu_si256(p.cast()) }
    }
    #[inline(always)]
    unsafe fn store_units(self, p: *mut u32, v: __m256i) {
        unsafe { _mm256_storeu_si256(p.cast(), v) }
    }
    #[inline(always)]
    fn splat_unit(self, x: u32) -> __m256i {
        unsafe { _mm256_set1_epi32(x as i32) }
    }
    #[inline(always)]
    fn add_i32(self, a: __m256i, b: __m256i) -> __m256i {
        unsafe { _mm256_add_epi32(a, b) }
    }
    #[inline(always)]
    fn to_f32(self, a: __m256i) -> __m256 {
        unsafe { _mm256_cvtepi32_ps(a) }
    }
    #[inline(always)]
    fn to_i32(self, a: __m256) -> __m256i {
        unsafe { _mm256_cvtps_epi32(a) }
    }
    #[inline(always)]
    fn dot4(self, acc: __m256i, act: __m256i, weight: __m256i) -> __m256i {
        unsafe {
            if VNNI {
                _mm256_dpbusd_avx_epi32(acc, act, weight)
            } else {
                let pairs = _mm256_maddubs_epi16(act, weight);
                _mm256_add_epi32(acc, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
            }
        }
    }
    #[inline(always)]
    fn dot8(self, acc: __m256i, act: [__m256i; 2], weight: [__m256i; 2]) -> __m256i {
        if VNNI {
            return self.dot4(self.dot4(acc, act[0], weight[0]), act[1], weight[1]);
        }
        unsafe {
            let pairs = self.dot_pairs(_mm256_maddubs_epi16(act[0], weight[0]), act[1], weight[1]);
            self.add_products(acc, pairs, _mm256_set1_epi16(1))
        }
    }
    #[inline(always)]
    fn nibbles(self, v: __m256i) -> [__m256i; 2] {
        unsafe {
            let (mask, eight) = (_mm256_set1_epi8(15), _mm256_set1_epi8(8));
            let high = _mm256_srli_epi16::<4>(v);
            [v, high].map(|v| _mm256_sub_epi8(_mm256_and_si256(v, mask), eight))
        }
    }
    #[inline(always)]
    fn dot_pairs(self, acc: __m256i, act: __m256i, weight: __m256i) -> __m256i {
        unsafe { _mm256_add_epi16(acc, _mm256_maddubs_epi16(act, weight)) }
    }
    #[inline(always)]
    fn add_products(self, acc: __m256i, a: __m256i, b: __m256i) -> __m256i {
        unsafe { _mm256_add_epi32(acc, _mm256_madd_epi16(a, b)) }
    }
    #[inline(always)]
    fn pack_bytes(self, v: [__m256i; 4]) -> __m256i {
        unsafe {
            let byte = _mm256_set1_epi32(255);
            let [a, b, c, d] = v.map(|v| _mm256_and_si256(v, byte));
            let ab = _mm256_or_si256(a, _mm256_slli_epi32::<8>(b));
            let cd = _mm256_or_si256(c, _mm256_slli_epi32::<8>(d));
            _mm256_or_si256(ab, _mm256_slli_epi32::<16>(cd))
        }
    }
    #[inline(always)]
    unsafe fn store_bytes(self, p: *mut u8, v: __m256i) {
        unsafe {
            // The low bytes of each half to its front, then the two fronts together.
            let order = _mm256_setr_epi8(
                0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, //
                0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
            );
            let v = _mm256_shuffle_epi8(v, order);
            let v = _mm_unpacklo_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256::<1>(v));
            _mm_storel_epi64(p.cast(), v);
        }
    }
}
