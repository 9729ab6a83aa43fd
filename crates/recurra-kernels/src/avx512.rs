//! AVX-512: 16 floats a vector, 32 registers.

use super::simd::{Simd, SimdOp, Tile};
use std::arch::x86_64::*;

/// Proof that the processor has AVX-512F, BW, DQ and VL; from level 1 also VNNI, from level 2 also BF16.
#[derive(Debug, Clone, Copy)]
pub struct Avx512<const LEVEL: u8>(());

impl Avx512<0> {
    /// The instruction set, if this processor has it.
    pub fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl"))
        .then_some(Avx512(()))
    }
}

impl Avx512<1> {
    /// The instruction set, if this processor has it.
    pub fn detect() -> Option<Self> {
        let base = Avx512::<0>::detect();
        base.and(is_x86_feature_detected!("avx512vnni").then_some(Avx512(())))
    }
}

impl Avx512<2> {
    /// The instruction set, if this processor has it.
    pub fn detect() -> Option<Self> {
        let base = Avx512::<1>::detect();
        base.and(is_x86_feature_detected!("avx512bf16").then_some(Avx512(())))
    }
}

impl<const LEVEL: u8> Avx512<LEVEL> {
    /// The same without VNNI and BF16.
    pub fn base(self) -> Avx512<0> {
        Avx512(())
    }
}

impl Avx512<2> {
    /// Whether a product of bfloat16 takes no longer than the two of floats that it replaces. On Intel's it takes
    /// four times as long (measured: Emerald Rapids); AMD's since Zen 4 are taken to be built for it.
    pub fn pays(self) -> bool {
        // "AuthenticAMD" begins in this register.
        __cpuid(0).ebx == u32::from_le_bytes(*b"Auth")
    }

    /// The same without BF16.
    pub fn vnni(self) -> Avx512<1> {
        Avx512(())
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn run<O: SimdOp, const LEVEL: u8>(simd: Avx512<LEVEL>, op: O) -> O::Output {
    op.run(simd)
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,avx512vnni")]
fn run_vnni<O: SimdOp, const LEVEL: u8>(simd: Avx512<LEVEL>, op: O) -> O::Output {
    op.run(simd)
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,avx512bf16")]
fn run_bf16<O: SimdOp, const LEVEL: u8>(simd: Avx512<LEVEL>, op: O) -> O::Output {
    op.run(simd)
}

// SAFETY (all blocks below): a value of `Avx512` exists only where the processor has what its level says; pointers are
// the caller's promise.
#[allow(clippy::undocumented_unsafe_blocks)]
impl<const LEVEL: u8> Simd for Avx512<LEVEL> {
    type F = __m512;
    type I = __m512i;
    const LANES: usize = 16;
    const TILE: Tile = Tile { rows: 8, vecs: 3 };
    const PAIR_TILE: Tile = Tile { rows: 12, vecs: 2 };
    const ACT_ZERO: i32 = if LEVEL >= 1 { 128 } else { 64 };
    // Without VNNI, two products of a byte each must fit 16 bits.
    const ACT_MAX: i32 = if LEVEL >= 1 { 127 } else { 63 };

    #[inline(always)]
    fn vectorize<O: SimdOp>(self, op: O) -> O::Output {
        unsafe {
            match LEVEL {
                0 => run(self, op),
                1 => run_vnni(self, op),
                _ => run_bf16(self, op),
            }
        }
    }
    #[inline(always)]
    unsafe fn load(self, p: *const f32) -> __m512 {
        unsafe { _mm512_loadu_ps(p) }
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut f32, v: __m512) {
        unsafe { _mm512_storeu_ps(p, v) }
    }
    #[inline(always)]
    fn prefetch(self, p: *const u8) {
        unsafe { _mm_prefetch::<_MM_HINT_T1>(p.cast()) }
    }
    #[inline(always)]
    fn splat(self, x: f32) -> __m512 {
        unsafe { _mm512_set1_ps(x) }
    }
    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_add_ps(a, b) }
    }
    #[inline(always)]
    fn sub(self, a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_sub_ps(a, b) }
    }
    #[inline(always)]
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_mul_ps(a, b) }
    }
    #[inline(always)]
    fn div(self, a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_div_ps(a, b) }
    }
    #[inline(always)]
    fn recip(self, a: __m512) -> __m512 {
        // 14 bits, then one step of Newton: a quarter of a division's time.
        unsafe {
            let r = _mm512_rcp14_ps(a);
            _mm512_mul_ps(r, _mm512_fnmadd_ps(a, r, _mm512_set1_ps(2.0)))
        }
    }
    #[inline(always)]
    fn recip_short(self, a: __m512) -> __m512 {
        unsafe { _mm512_rcp14_ps(a) }
    }
    #[inline(always)]
    fn fma(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }
    #[inline(always)]
    fn max(self, a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_max_ps(a, b) }
    }
    #[inline(always)]
    fn min(self, a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_min_ps(a, b) }
    }
    #[inline(always)]
    fn by_sign(self, x: __m512, minus: __m512, plus: __m512) -> __m512 {
        unsafe { _mm512_mask_blend_ps(_mm512_movepi32_mask(_mm512_castps_si512(x)), plus, minus) }
    }
    #[inline(always)]
    fn round(self, a: __m512) -> __m512 {
        unsafe { _mm512_roundscale_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a) }
    }
    #[inline(always)]
    fn scale2(self, a: __m512, n: __m512) -> __m512 {
        unsafe { _mm512_scalef_ps(a, n) }
    }
    #[inline(always)]
    fn sqrt(self, a: __m512) -> __m512 {
        unsafe { _mm512_sqrt_ps(a) }
    }
    #[inline(always)]
    fn sum(self, a: __m512) -> f32 {
        unsafe { _mm512_reduce_add_ps(a) }
    }
    #[inline(always)]
    fn largest(self, a: __m512) -> f32 {
        unsafe { _mm512_reduce_max_ps(a) }
    }
    #[inline(always)]
    fn max_magnitude(self, a: __m512, top: __m512) -> __m512 {
        unsafe {
            let a = _mm512_castps_si512(_mm512_abs_ps(a));
            _mm512_castsi512_ps(_mm512_max_epi32(a, _mm512_castps_si512(top)))
        }
    }
    #[inline(always)]
    fn largest_magnitude(self, a: __m512) -> f32 {
        unsafe { f32::from_bits(_mm512_reduce_max_epi32(_mm512_castps_si512(a)) as u32) }
    }
    #[inline(always)]
    unsafe fn load_units(self, p: *const u32) -> __m512i {
        unsafe { _mm512_loadu_si512(p.cast()) }
    }
    #[inline(always)]
    unsafe fn store_units(self, p: *mut u32, v: __m512i) {
        unsafe { _mm512_storeu_si512(p.cast(), v) }
    }
    #[inline(always)]
    fn splat_unit(self, x: u32) -> __m512i {
        unsafe { _mm512_set1_epi32(x as i32) }
    }
    #[inline(always)]
    fn add_i32(self, a: __m512i, b: __m512i) -> __m512i {
        unsafe { _mm512_add_epi32(a, b) }
    }
    #[inline(always)]
    fn to_f32(self, a: __m512i) -> __m512 {
        unsafe { _mm512_cvtepi32_ps(a) }
    }
    #[inline(always)]
    fn to_i32(self, a: __m512) -> __m512i {
        unsafe { _mm512_cvtps_epi32(a) }
    }
    #[inline(always)]
    fn dot4(self, acc: __m512i, act: __m512i, weight: __m512i) -> __m512i {
        unsafe {
            if LEVEL >= 1 {
                _mm512_dpbusd_epi32(acc, act, weight)
            } else {
                let pairs = _mm512_maddubs_epi16(act, weight);
                _mm512_add_epi32(acc, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)))
            }
        }
    }
    #[inline(always)]
    fn pack_bytes(self, v: [__m512i; 4]) -> __m512i {
        unsafe {
            let byte = _mm512_set1_epi32(255);
            let [a, b, c, d] = v;
            // (b << 8) with the low byte of a, and so on: bitwise choice by the mask.
            let ab = _mm512_ternarylogic_epi32::<0xca>(byte, a, _mm512_slli_epi32::<8>(b));
            let cd = _mm512_ternarylogic_epi32::<0xca>(byte, c, _mm512_slli_epi32::<8>(d));
            let low = _mm512_set1_epi32(0xffff);
            _mm512_ternarylogic_epi32::<0xca>(low, ab, _mm512_slli_epi32::<16>(cd))
        }
    }
    #[inline(always)]
    unsafe fn store_bytes(self, p: *mut u8, v: __m512i) {
        unsafe { _mm_storeu_si128(p.cast(), _mm512_cvtepi32_epi8(v)) }
    }
    #[inline(always)]
    fn dot2(self, acc: __m512, a: __m512i, b: __m512i) -> __m512 {
        const { assert!(LEVEL >= 2) };
        // SAFETY: the same bits; level 2 has BF16.
        unsafe {
            let (a, b) = (
                std::mem::transmute::<__m512i, __m512bh>(a),
                std::mem::transmute::<__m512i, __m512bh>(b),
            );
            _mm512_dpbf16_ps(acc, a, b)
        }
    }
    #[inline(always)]
    fn pack_bf16(self, low: __m512, high: __m512) -> __m512i {
        const { assert!(LEVEL >= 2) };
        // SAFETY: the same bits; level 2 has BF16.
        unsafe {
            let both = std::mem::transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(high, low));
            let low = _mm512_cvtepu16_epi32(_mm512_castsi512_si256(both));
            let high = _mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64::<1>(both));
            _mm512_or_si512(low, _mm512_slli_epi32::<16>(high))
        }
    }
    #[inline(always)]
    unsafe fn store_bf16(self, p: *mut u16, v: __m512) {
        const { assert!(LEVEL >= 2) };
        // SAFETY: the same bits; level 2 has BF16; `p` is the caller's promise.
        unsafe {
            let bits = std::mem::transmute::<__m256bh, __m256i>(_mm512_cvtneps_pbh(v));
            _mm256_storeu_si256(p.cast(), bits);
        }
    }
}
