//! Transcendental functions on vectors: those inside kernels, which are fast on the numbers that occur there, and those
//! of [`Function`](super::map::Function), which hold for every float. NaN gives NaN in all of them.

use super::simd::Simd;

/// e^(x + low), with |low| below 0.03, as a number of about 1 and the power of two to scale it by.
///
/// x = n ln 2 + r with |r| <= ln 2 / 2, ln 2 in two parts, then a polynomial for e^r (coefficients of the
/// Cephes library's `expf`).
#[inline(always)]
fn exp_parts<S: Simd>(s: S, x: S::F, low: Option<S::F>) -> (S::F, S::F) {
    let n = s.round(s.mul(x, s.splat(std::f32::consts::LOG2_E)));
    let r = s.fma(n, s.splat(-0.693_359_4), x);
    let mut r = s.fma(n, s.splat(2.121_944_4e-4), r);
    if let Some(low) = low {
        r = s.add(r, low);
    }
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
    (p, n)
}

/// e^x to 1.5 ULP for x in -87.3..=88.3; clamped outside. With `SHORT`, to `1e-4`, in two thirds of the time, as in
/// [`sigmoid`].
#[inline(always)]
pub fn exp<S: Simd, const SHORT: bool>(s: S, x: S::F) -> S::F {
    let x = s.min(s.splat(88.3), s.max(s.splat(-87.3), x));
    if SHORT {
        let t = s.mul(x, s.splat(std::f32::consts::LOG2_E));
        let n = s.round(t);
        return s.scale2(exp2_short(s, s.sub(t, n)), n);
    }
    let (p, n) = exp_parts(s, x, None);
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
pub fn sigmoid<S: Simd, const SHORT: bool>(s: S, x: S::F) -> S::F {
    let one = s.splat(1.0);
    // Beyond these the scaling would leave the normal numbers.
    let t = s.mul(x, s.splat(-std::f32::consts::LOG2_E));
    let t = s.min(s.splat(126.0), s.max(s.splat(-126.0), t));
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

/// |x|
#[inline(always)]
fn abs<S: Simd>(s: S, x: S::F) -> S::F {
    s.by_sign(x, s.sub(s.splat(0.0), x), x)
}

/// As [`exp_parts`], with 2^n in two parts, for every `x`; far from zero what gives infinity or zero.
///
/// One part alone need not be a normal number. Only scaling by the second can round.
#[inline(always)]
fn full_exp_parts<S: Simd>(s: S, x: S::F, low: Option<S::F>) -> (S::F, S::F, S::F) {
    let x = s.min(s.splat(89.0), s.max(s.splat(-110.0), x));
    let (p, n) = exp_parts(s, x, low);
    let half = s.round(s.mul(n, s.splat(0.5)));
    (p, half, s.sub(n, half))
}

/// [`Function::Exp`](super::map::Function::Exp)
#[inline(always)]
pub fn full_exp<S: Simd>(s: S, x: S::F) -> S::F {
    let (p, half, rest) = full_exp_parts(s, x, None);
    s.scale2(s.scale2(p, half), rest)
}

/// v / (1 + e^-x), or v e^x / (1 + e^x) where x is negative, rounded to a subnormal number last.
#[inline(always)]
fn times_sigmoid<S: Simd>(s: S, v: S::F, x: S::F) -> S::F {
    let zero = s.splat(0.0);
    let (p, half, rest) = full_exp_parts(s, s.sub(zero, abs(s, x)), None);
    let e = s.scale2(s.scale2(p, half), rest);
    let v = s.by_sign(x, s.scale2(s.mul(v, p), half), v);
    let v = s.div(v, s.add(s.splat(1.0), e));
    s.scale2(v, s.by_sign(x, rest, zero))
}

/// [`Function::Sigmoid`](super::map::Function::Sigmoid)
#[inline(always)]
pub fn full_sigmoid<S: Simd>(s: S, x: S::F) -> S::F {
    times_sigmoid(s, s.splat(1.0), x)
}

/// [`Function::Silu`](super::map::Function::Silu)
#[inline(always)]
pub fn silu<S: Simd>(s: S, x: S::F) -> S::F {
    // The clamp changes nothing but that minus infinity times zero is zero.
    times_sigmoid(s, s.max(s.splat(-128.0), x), x)
}

/// [`Function::Tanh`](super::map::Function::Tanh): an odd polynomial (coefficients of the Cephes library's `tanhf`) near
/// zero, where 1 - 2 / (e^2|x| + 1), which serves the rest, would cancel.
#[inline(always)]
pub fn tanh<S: Simd>(s: S, x: S::F) -> S::F {
    let (one, two, size) = (s.splat(1.0), s.splat(2.0), abs(s, x));
    let z = s.mul(size, size);
    let mut p = s.splat(-5.704_988_7e-3);
    for c in [2.063_909e-2, -5.373_971_6e-2, 1.333_144_2e-1, -3.333_328e-1] {
        p = s.fma(p, z, s.splat(c));
    }
    let near = s.fma(s.mul(p, z), size, size);
    let far = s.div(two, s.add(exp::<S, false>(s, s.add(size, size)), one));
    let y = s.by_sign(s.sub(size, s.splat(0.625)), near, s.sub(one, far));
    // Times -1, not from 0: that keeps the sign of zero.
    s.by_sign(x, s.mul(y, s.splat(-1.0)), y)
}

/// [`Function::Gelu`](super::map::Function::Gelu): x times the normal distribution up to x.
///
/// The distribution beyond a = |x| is e^(-a^2/2) P(t) / (1 + 0.8 a) with t = (a - 4) / (a + 4) and a polynomial P fitted
/// for a in 0..=15 to the least largest relative error (1.3e-9, before rounding). a^2 is taken in two parts: its
/// rounding would be magnified by the exponential.
#[inline(always)]
pub fn gelu<S: Simd>(s: S, x: S::F) -> S::F {
    let one = s.splat(1.0);
    let a = s.min(s.splat(15.0), abs(s, x));
    // `high` has 12 bits, so that its square is exact: a^2 = high^2 + (a - high) (a + high).
    let high = s.mul(s.round(s.mul(a, s.splat(256.0))), s.splat(1.0 / 256.0));
    let minus_half = s.splat(-0.5);
    let low = s.mul(s.sub(a, high), s.mul(s.add(a, high), minus_half));
    let (e, half, rest) = full_exp_parts(s, s.mul(s.mul(high, high), minus_half), Some(low));
    let four = s.splat(4.0);
    let t = s.div(s.sub(a, four), s.add(a, four));
    let mut p = s.splat(-5.636_231_8e-5);
    for c in [
        -6.084_047_3e-5,
        5.190_347_4e-4,
        -1.126_247e-4,
        -3.902_132_2e-3,
        1.265_308_5e-2,
        -1.958_490_2e-2,
        8.538_567e-3,
        3.607_553_2e-2,
        -1.114_423_2e-1,
        3.965_247e-1,
    ] {
        p = s.fma(p, t, s.splat(c));
    }
    let beyond = s.scale2(s.mul(p, e), half);
    let beyond = s.div(beyond, s.fma(a, s.splat(0.8), one));
    // As in `silu`.
    let minus = s.scale2(s.mul(s.max(s.splat(-15.0), x), beyond), rest);
    let plus = s.mul(x, s.sub(one, s.scale2(beyond, rest)));
    s.by_sign(x, minus, plus)
}

/// [`Function::GeluTanh`](super::map::Function::GeluTanh): (1 + tanh u) / 2 is the sigmoid of 2u.
#[inline(always)]
pub fn gelu_tanh<S: Simd>(s: S, x: S::F) -> S::F {
    // 2 sqrt(2 / pi), and 0.044715 times that.
    let u = s.fma(s.mul(x, x), s.splat(7.135_481_6e-2), s.splat(1.595_769));
    // As in `silu`.
    times_sigmoid(s, s.max(s.splat(-128.0), x), s.mul(x, u))
}

/// [`Function::Rsqrt`](super::map::Function::Rsqrt)
#[inline(always)]
pub fn rsqrt<S: Simd>(s: S, x: S::F) -> S::F {
    s.div(s.splat(1.0), s.sqrt(x))
}
