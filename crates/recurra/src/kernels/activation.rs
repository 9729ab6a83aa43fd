//! Transcendental functions on vectors.

use super::simd::Simd;

/// e^x to about 1 ULP for x in -87.3..=88.3; clamped outside. With `SHORT`, to `1e-4`, in two thirds of the time.
///
/// x = n ln 2 + r with |r| <= ln 2 / 2, ln 2 in two parts, then a polynomial for e^r (coefficients of the
/// Cephes library's `expf`) and an exact scaling by 2^n. Short: as in [`sigmoid`].
#[inline(always)]
pub(crate) fn exp<S: Simd, const SHORT: bool>(s: S, x: S::F) -> S::F {
    let x = s.min(s.max(x, s.splat(-87.3)), s.splat(88.3));
    if SHORT {
        let t = s.mul(x, s.splat(std::f32::consts::LOG2_E));
        let n = s.round(t);
        return s.scale2(exp2_short(s, s.sub(t, n)), n);
    }
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

/// 2^f for |f| <= 1/2, with a relative error below 7.5e-5, the least possible for its degree.
#[inline(always)]
fn exp2_short<S: Simd>(s: S, f: S::F) -> S::F {
    let mut p = s.splat(5.517_167e-2);
    for c in [2.426_111_3e-1, 6.932_61e-1, 9.999_280_7e-1] {
        p = s.fma(p, f, s.splat(c));
    }
    p
}

/// 1 / (1 + e^-x), with a relative error below `2e-7 + 1e-7 |x|` down to x = -87; 0 or tiny below. With `SHORT`, below
/// `1.5e-4`, in half the time: a thirtieth of a step of an 8-bit activation.
///
/// e^-x = 2^t with t = -x log2 e, in one product: what that rounds off is lost in the 1 for positive x, and for
/// negative x it is a share of a number that is small itself. 2^f for |f| <= 1/2 is a polynomial fitted to the
/// least largest relative error (2e-9, before rounding; short 7.5e-5).
#[inline(always)]
pub(crate) fn sigmoid<S: Simd, const SHORT: bool>(s: S, x: S::F) -> S::F {
    let one = s.splat(1.0);
    // Beyond these the scaling would leave the normal numbers.
    let t = s.mul(x, s.splat(-std::f32::consts::LOG2_E));
    let t = s.min(s.max(t, s.splat(-126.0)), s.splat(126.0));
    let n = s.round(t);
    let f = s.sub(t, n);
    if SHORT {
        return s.recip_short(s.add(one, s.scale2(exp2_short(s, f), n)));
    }
    let mut p = s.splat(1.534_581e-4);
    for c in [
        1.339_993_1e-3,
        9.618_489e-3,
        5.550_328_6e-2,
        2.402_264_6e-1,
        std::f32::consts::LN_2,
        1.0,
    ] {
        p = s.fma(p, f, s.splat(c));
    }
    s.recip(s.add(one, s.scale2(p, n)))
}
