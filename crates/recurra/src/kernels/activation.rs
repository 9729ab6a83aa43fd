//! Transcendental functions on vectors.

use super::simd::Simd;

/// e^x to about 1 ULP for x in -87.3..=88.3; clamped outside.
///
/// x = n ln 2 + r with |r| <= ln 2 / 2, ln 2 in two parts, then a polynomial for e^r (coefficients of the
/// Cephes library's `expf`) and an exact scaling by 2^n.
#[inline(always)]
pub(crate) fn exp<S: Simd>(s: S, x: S::F) -> S::F {
    let x = s.min(s.max(x, s.splat(-87.3)), s.splat(88.3));
    let n = s.round(s.mul(x, s.splat(std::f32::consts::LOG2_E)));
    let r = s.fma(n, s.splat(-0.693_359_4), x);
    let r = s.fma(n, s.splat(2.121_944_4e-4), r);
    let mut p = s.splat(1.987_569_2e-4);
    for c in [
        1.398_199_9e-3,
        8.333_452e-3,
        4.166_579_6e-2,
        1.666_666_5e-1,
        0.5,
    ] {
        p = s.fma(p, r, s.splat(c));
    }
    let p = s.fma(p, s.mul(r, r), s.add(r, s.splat(1.0)));
    s.scale2(p, n)
}

/// 1 / (1 + e^-x)
#[inline(always)]
pub(crate) fn sigmoid<S: Simd>(s: S, x: S::F) -> S::F {
    let one = s.splat(1.0);
    s.recip(s.add(one, exp(s, s.sub(s.splat(0.0), x))))
}
