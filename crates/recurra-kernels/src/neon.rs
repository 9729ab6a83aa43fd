//! NEON of 64-bit ARM: 4 floats a vector, 32 registers, FMA.

use super::simd::{Simd, SimdOp, Tile};
use std::arch::aarch64::*;
use std::arch::{asm, is_aarch64_feature_detected};

/// Proof that the processor has NEON, and with `DOT` the dot products of bytes.
#[derive(Debug, Clone, Copy)]
pub struct Neon<const DOT: bool>(());

impl Neon<false> {
    /// The instruction set, if this processor has it.
    pub fn detect() -> Option<Self> {
        is_aarch64_feature_detected!("neon").then_some(Neon(()))
    }
}

impl Neon<true> {
    /// The instruction set, if this processor has it.
    pub fn detect() -> Option<Self> {
        let base = Neon::<false>::detect();
        base.and(is_aarch64_feature_detected!("dotprod").then_some(Neon(())))
    }

    /// The same without dot products.
    pub fn base(self) -> Neon<false> {
        Neon(())
    }
}

#[target_feature(enable = "neon")]
fn run<O: SimdOp, const DOT: bool>(simd: Neon<DOT>, op: O) -> O::Output {
    op.run(simd)
}

#[target_feature(enable = "neon,dotprod")]
fn run_dot<O: SimdOp, const DOT: bool>(simd: Neon<DOT>, op: O) -> O::Output {
    op.run(simd)
}

/// `vdotq_s32`, which Rust does not have yet on its stable channel.
#[target_feature(enable = "neon,dotprod")]
#[inline]
fn dot(acc: uint32x4_t, a: uint32x4_t, b: uint32x4_t) -> uint32x4_t {
    let mut sum = acc;
    // SAFETY: the instruction is there, as the attribute says, and touches these registers only.
    unsafe {
        asm!(
            "sdot {sum:v}.4s, {a:v}.16b, {b:v}.16b",
            sum = inout(vreg) sum, a = in(vreg) a, b = in(vreg) b,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
    sum
}

// SAFETY (all blocks below): a value of `Neon` exists only where the processor has NEON, with `DOT` also the dot
// products; pointers are the caller's promise.
#[allow(clippy::undocumented_unsafe_blocks)]
impl<const DOT: bool> Simd for Neon<DOT> {
    type F = float32x4_t;
    type I = uint32x4_t;
    const LANES: usize = 4;
    const TILE: Tile = Tile { rows: 8, vecs: 3 };
    const PAIR_TILE: Tile = Tile { rows: 12, vecs: 2 };
    const ACT_ZERO: i32 = 0;
    const ACT_MAX: i32 = 127;

    #[inline(always)]
    fn vectorize<O: SimdOp>(self, op: O) -> O::Output {
        unsafe {
            if DOT {
                run_dot(self, op)
            } else {
                run(self, op)
            }
        }
    }
    #[inline(always)]
    unsafe fn load(self, p: *const f32) -> float32x4_t {
        unsafe { vld1q_f32(p) }
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut f32, v: float32x4_t) {
        unsafe { vst1q_f32(p, v) }
    }
    #[inline(always)]
    fn prefetch(self, p: *const u8) {
        // SAFETY: a hint, which no address makes fail.
        unsafe {
            asm!("prfm pldl2keep, [{}]", in(reg) p, options(readonly, nostack, preserves_flags));
        }
    }
    #[inline(always)]
    fn splat(self, x: f32) -> float32x4_t {
        unsafe { vdupq_n_f32(x) }
    }
    #[inline(always)]
    fn add(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        unsafe { vaddq_f32(a, b) }
    }
    #[inline(always)]
    fn sub(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        unsafe { vsubq_f32(a, b) }
    }
    #[inline(always)]
    fn mul(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        unsafe { vmulq_f32(a, b) }
    }
    #[inline(always)]
    fn div(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        unsafe { vdivq_f32(a, b) }
    }
    #[inline(always)]
    fn fma(self, a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
        unsafe { vfmaq_f32(c, a, b) }
    }
    #[inline(always)]
    fn max(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        unsafe { vmaxq_f32(a, b) }
    }
    #[inline(always)]
    fn min(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        unsafe { vminq_f32(a, b) }
    }
    #[inline(always)]
    fn by_sign(self, x: float32x4_t, minus: float32x4_t, plus: float32x4_t) -> float32x4_t {
        unsafe {
            let sign = vshrq_n_s32::<31>(vreinterpretq_s32_f32(x));
            vbslq_f32(vreinterpretq_u32_s32(sign), minus, plus)
        }
    }
    #[inline(always)]
    fn round(self, a: float32x4_t) -> float32x4_t {
        unsafe { vrndnq_f32(a) }
    }
    #[inline(always)]
    fn scale2(self, a: float32x4_t, n: float32x4_t) -> float32x4_t {
        unsafe {
            let exponent = vaddq_s32(vcvtnq_s32_f32(n), vdupq_n_s32(127));
            vmulq_f32(a, vreinterpretq_f32_s32(vshlq_n_s32::<23>(exponent)))
        }
    }
    #[inline(always)]
    fn sqrt(self, a: float32x4_t) -> float32x4_t {
        unsafe { vsqrtq_f32(a) }
    }
    #[inline(always)]
    fn sum(self, a: float32x4_t) -> f32 {
        unsafe { vaddvq_f32(a) }
    }
    #[inline(always)]
    fn largest(self, a: float32x4_t) -> f32 {
        unsafe { vmaxvq_f32(a) }
    }
    #[inline(always)]
    fn max_magnitude(self, a: float32x4_t, top: float32x4_t) -> float32x4_t {
        unsafe {
            let a = vreinterpretq_u32_f32(vabsq_f32(a));
            vreinterpretq_f32_u32(vmaxq_u32(a, vreinterpretq_u32_f32(top)))
        }
    }
    #[inline(always)]
    fn largest_magnitude(self, a: float32x4_t) -> f32 {
        unsafe { f32::from_bits(vmaxvq_u32(vreinterpretq_u32_f32(a))) }
    }
    #[inline(always)]
    unsafe fn load_units(self, p: *const u32) -> uint32x4_t {
        unsafe { vld1q_u32(p) }
    }
    #[inline(always)]
    unsafe fn store_units(self, p: *mut u32, v: uint32x4_t) {
        unsafe { vst1q_u32(p, v) }
    }
    #[inline(always)]
    fn splat_unit(self, x: u32) -> uint32x4_t {
        unsafe { vdupq_n_u32(x) }
    }
    #[inline(always)]
    fn add_i32(self, a: uint32x4_t, b: uint32x4_t) -> uint32x4_t {
        unsafe { vaddq_u32(a, b) }
    }
    #[inline(always)]
    fn to_f32(self, a: uint32x4_t) -> float32x4_t {
        unsafe { vcvtq_f32_s32(vreinterpretq_s32_u32(a)) }
    }
    #[inline(always)]
    fn to_i32(self, a: float32x4_t) -> uint32x4_t {
        unsafe { vreinterpretq_u32_s32(vcvtnq_s32_f32(a)) }
    }
    #[inline(always)]
    fn dot4(self, acc: uint32x4_t, act: uint32x4_t, weight: uint32x4_t) -> uint32x4_t {
        unsafe {
            if DOT {
                dot(acc, act, weight)
            } else {
                let (a, w) = (vreinterpretq_s8_u32(act), vreinterpretq_s8_u32(weight));
                let low = vmull_s8(vget_low_s8(a), vget_low_s8(w));
                // Two products of at most 127 * 127 fit 16 bits.
                let pairs = vpaddq_s16(low, vmull_high_s8(a, w));
                vreinterpretq_u32_s32(vpadalq_s16(vreinterpretq_s32_u32(acc), pairs))
            }
        }
    }
    #[inline(always)]
    fn pack_bytes(self, v: [uint32x4_t; 4]) -> uint32x4_t {
        unsafe {
            // Each insertion keeps the low bits of its first operand.
            let [a, b, c, d] = v;
            vsliq_n_u32::<16>(vsliq_n_u32::<8>(a, b), vsliq_n_u32::<8>(c, d))
        }
    }
    #[inline(always)]
    unsafe fn store_bytes(self, p: *mut u8, v: uint32x4_t) {
        unsafe {
            let half = vmovn_u32(v);
            let bytes = vmovn_u16(vcombine_u16(half, half));
            let unit = vget_lane_u32::<0>(vreinterpret_u32_u8(bytes));
            p.cast::<u32>().write_unaligned(unit);
        }
    }
}
