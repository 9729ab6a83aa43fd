//! Transcendental functions against f64.

use recurra_kernels::simd::{Floats, Simd, SimdOp};
use recurra_kernels::{Function, Isa, activation};

/// Floats of every sign and magnitude from minus to plus infinity, in order, with the neighbours of those at which
/// something changes.
fn every_magnitude() -> Vec<f32> {
    let stride = if cfg!(miri) { 9_000_011 } else { 4_099 };
    let mut positive: Vec<u32> = (0..=f32::INFINITY.to_bits()).step_by(stride).collect();
    for edge in [
        0.0,
        f32::MIN_POSITIVE,
        0.625,
        1.0,
        13.0,
        15.0,
        87.3,
        88.3,
        88.72283,
        103.97,
        104.0,
        105.0,
        128.0,
        f32::MAX,
    ] {
        let bits: u32 = f32::to_bits(edge);
        positive.extend(bits.saturating_sub(3)..=bits + 3);
    }
    positive.retain(|&bits| bits <= f32::INFINITY.to_bits());
    positive.push(f32::INFINITY.to_bits());
    positive.sort_unstable();
    let positive = || positive.iter().map(|&bits| f32::from_bits(bits));
    positive().rev().map(|x| -x).chain(positive()).collect()
}

/// The share of the normal distribution beyond `a`, which is not negative.
fn beyond(a: f64) -> f64 {
    let density = (-a * a / 2.0).exp() / std::f64::consts::TAU.sqrt();
    if a < 3.0 {
        let (mut term, mut sum) = (a, a);
        for k in 1..60 {
            term *= a * a / f64::from(2 * k + 1);
            sum += term;
        }
        0.5 - density * sum
    } else {
        density / (1..100).rev().fold(a, |rest, k| a + f64::from(k) / rest)
    }
}

fn exact(function: Function, x: f32) -> f64 {
    let x = f64::from(x);
    // Where the limit at minus infinity is zero.
    let bounded = x.max(-1e4);
    match function {
        Function::Exp => x.exp(),
        Function::Sigmoid => 1.0 / (1.0 + (-x).exp()),
        Function::Silu => bounded / (1.0 + (-bounded).exp()),
        Function::Tanh => x.tanh(),
        Function::Gelu if x < 0.0 => bounded * beyond(-bounded),
        Function::Gelu => x * (1.0 - beyond(x)),
        Function::GeluTanh => {
            let x = bounded;
            let u = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x * x * x);
            x / (1.0 + (-2.0 * u).exp())
        }
        Function::Rsqrt => 1.0 / x.sqrt(),
    }
}

/// Distance in units in the last place of the nearest float; what rounds to infinity is 2^128.
fn ulps(found: f32, exact: f64) -> f64 {
    let found = f64::from(found);
    if found == exact || found.is_nan() && exact.is_nan() {
        return 0.0;
    }
    let top = 2f64.powi(128);
    let size = (exact as f32).abs().clamp(f32::MIN_POSITIVE, f32::MAX);
    let unit = f64::from(f32::from_bits(size.to_bits() & 0x7f80_0000)) * 2f64.powi(-23);
    (found.clamp(-top, top) - exact.clamp(-top, top)).abs() / unit
}

const ALL: [Function; 7] = [
    Function::Exp,
    Function::Sigmoid,
    Function::Silu,
    Function::Tanh,
    Function::Gelu,
    Function::GeluTanh,
    Function::Rsqrt,
];

/// The error that the documentation states, in ULP.
fn stated(function: Function, x: f32) -> f64 {
    match function {
        Function::Exp | Function::Tanh => 1.5,
        Function::Rsqrt => 2.0,
        Function::Sigmoid => 2.5,
        Function::Silu => 3.5,
        Function::GeluTanh if x >= -1.0 => 4.0,
        Function::Gelu => 5.0,
        Function::GeluTanh => 250.0,
    }
}

/// The least and the largest value.
fn range(function: Function) -> std::ops::RangeInclusive<f32> {
    match function {
        Function::Exp => 0.0..=f32::INFINITY,
        Function::Rsqrt => f32::NEG_INFINITY..=f32::INFINITY,
        Function::Sigmoid => 0.0..=1.0,
        Function::Tanh => -1.0..=1.0,
        Function::Silu => -0.278_47..=f32::INFINITY,
        Function::Gelu => -0.169_98..=f32::INFINITY,
        Function::GeluTanh => -0.170_05..=f32::INFINITY,
    }
}

#[test]
fn functions_of_slices_are_as_accurate_as_stated() {
    let xs = every_magnitude();
    for function in ALL {
        let exact: Vec<f64> = xs.iter().map(|&x| exact(function, x)).collect();
        for isa in Isa::available() {
            let mut ys = xs.clone();
            isa.apply(function, &mut ys);
            for ((&x, &y), &exact) in xs.iter().zip(&ys).zip(&exact) {
                let error = ulps(y, exact);
                assert!(
                    error <= stated(function, x),
                    "{} {function:?} of {x:e}: {y:e} for {exact:e}, {error} ULP",
                    isa.name()
                );
                assert!(y.is_nan() || range(function).contains(&y), "{y:e} of {x:e}");
            }
        }
    }
}

#[test]
fn functions_of_slices_keep_what_is_not_a_number_and_the_sign_of_zero() {
    for (isa, function) in Isa::available().iter().flat_map(|i| ALL.map(|f| (i, f))) {
        let mut x = [f32::NAN, -f32::NAN, 0.0, -0.0, -1.0];
        isa.apply(function, &mut x);
        assert!(x[0].is_nan() && x[1].is_nan(), "{isa:?} {function:?}");
        let zeros = match function {
            Function::Exp => [1.0, 1.0],
            Function::Sigmoid => [0.5, 0.5],
            Function::Rsqrt => [f32::INFINITY, f32::NEG_INFINITY],
            _ => [0.0, -0.0],
        };
        let bits = |v: &[f32]| [v[0].to_bits(), v[1].to_bits()];
        assert_eq!(bits(&x[2..]), bits(&zeros), "{isa:?} {function:?}");
        assert_eq!(x[4].is_nan(), function == Function::Rsqrt);
    }
}

#[test]
fn from_one_float_to_the_next_functions_that_rise_fall_by_an_ulp_at_most() {
    let run = if cfg!(miri) { 20 } else { 5_000 };
    let rising = [Function::Exp, Function::Sigmoid, Function::Tanh];
    for start in [1e-39f32, 1e-3, 0.4, 0.6249, 0.9999, 5.0, 8.3, 40.0, 87.3] {
        let size = |i: u32| f32::from_bits(start.to_bits() + i);
        let up: Vec<f32> = (0..run).map(size).collect();
        let down: Vec<f32> = (0..run).rev().map(|i| -size(i)).collect();
        let halves = [Function::Silu, Function::Gelu].map(|f| (f, &up));
        let all = rising.into_iter().flat_map(|f| [(f, &up), (f, &down)]);
        for (function, xs) in all.chain(halves) {
            for isa in Isa::available() {
                let mut ys = xs.clone();
                isa.apply(function, &mut ys);
                for (pair, &x) in ys.windows(2).zip(xs) {
                    let falls = pair[1] < pair[0] && ulps(pair[1], f64::from(pair[0])) > 1.0;
                    assert!(!falls, "{} {function:?} at {x:e}", isa.name());
                }
            }
        }
    }
}

#[test]
fn slices_of_any_length_and_alignment_are_mapped_and_nothing_beside_them() {
    let numbers = crate::numbers(50, 1);
    for isa in Isa::available() {
        for (from, length) in (0..4).flat_map(|from| (0..40).map(move |length| (from, length))) {
            let mut x = numbers.clone();
            isa.apply(Function::Silu, &mut x[from..from + length]);
            for (i, (&x, &number)) in x.iter().zip(&numbers).enumerate() {
                let mut one = [number];
                if (from..from + length).contains(&i) {
                    isa.apply(Function::Silu, &mut one);
                }
                assert_eq!(x, one[0], "{} {from} {length} {i}", isa.name());
            }
        }
    }
}

#[test]
fn those_in_kernels_are_accurate() {
    struct Map<'a>(&'a mut [f32], &'static str);
    impl SimdOp for Map<'_> {
        type Output = ();
        type Uses = Floats;
        #[inline(always)]
        fn run<S: Simd>(self, s: S) {
            for chunk in self.0.chunks_exact_mut(S::LANES) {
                // SAFETY: a chunk is one vector long.
                unsafe {
                    let x = s.load(chunk.as_ptr());
                    let y = match self.1 {
                        "exp" => activation::exp::<S, false>(s, x),
                        "short exp" => activation::exp::<S, true>(s, x),
                        "sigmoid" => activation::sigmoid::<S, false>(s, x),
                        _ => activation::sigmoid::<S, true>(s, x),
                    };
                    s.store(chunk.as_mut_ptr(), y);
                }
            }
        }
    }
    let xs: Vec<f32> = (-87_000..88_000)
        .step_by(if cfg!(miri) { 7_001 } else { 7 })
        .map(|i| i as f32 / 1000.0)
        .collect();
    let xs = &xs[..xs.len() / 16 * 16];
    for isa in Isa::available() {
        for what in ["exp", "short exp", "sigmoid", "short sigmoid"] {
            let mut ys = xs.to_vec();
            isa.compile(Map(&mut ys, what));
            for (&x, &y) in xs.iter().zip(&ys) {
                let exact = if what.ends_with("sigmoid") {
                    1.0 / (1.0 + (-x as f64).exp())
                } else {
                    (x as f64).exp()
                };
                let error = ((y as f64 - exact) / exact).abs();
                let stated = match what {
                    "exp" => 3e-7,
                    // Near the clamps, the product with log2 e rounds off more.
                    "short exp" => 1e-4,
                    "sigmoid" => 2e-7 + 1e-7 * f64::from(x.abs()),
                    _ => 1.5e-4,
                };
                assert!(
                    error < stated,
                    "{} {what} at {x}: {y} for {exact}",
                    isa.name()
                );
            }
            let mut ys = [f32::NAN; 16];
            isa.compile(Map(&mut ys, what));
            assert!(ys.iter().all(|y| y.is_nan()), "{} {what}", isa.name());
        }
    }
}
