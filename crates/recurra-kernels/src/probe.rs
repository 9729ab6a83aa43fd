//! Whether an instruction set computes what it must, by sums whose answers are known: for those of which an engine may make
//! what it likes, such as WebAssembly's relaxed ones.

use super::Isa;
use super::matrix::LINE;
use super::simd::{Bytes, Simd, SimdOp};

/// Whether products of floats and of bytes on this instruction set are what they must be, within what rounding allows.
pub fn knows(isa: Isa) -> bool {
    isa.compile(KnownAnswers)
}

struct KnownAnswers;

impl SimdOp for KnownAnswers {
    type Output = bool;
    type Uses = Bytes;
    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> bool {
        (0..64).all(|round| floats(s, round) && bytes(s, round))
    }
}

#[inline(always)]
fn floats<S: Simd>(s: S, round: i32) -> bool {
    // The product is exact in f64, and may be rounded to f32 before the sum or after it.
    let numbers = |from: i32| {
        std::hint::black_box(std::array::from_fn::<f32, LINE, _>(|i| {
            (from + 37 * round + 11 * i as i32) as f32 / 1024.0 - 1.0
        }))
    };
    let (a, b, c) = (numbers(3), numbers(500), numbers(-700));
    let mut sums = [0.0f32; LINE];
    // SAFETY: no vector is longer than a line.
    unsafe {
        let sum = s.fma(s.load(a.as_ptr()), s.load(b.as_ptr()), s.load(c.as_ptr()));
        s.store(sums.as_mut_ptr(), sum);
    }
    (0..S::LANES).all(|i| {
        let product = f64::from(a[i]) * f64::from(b[i]);
        let exact = product + f64::from(c[i]);
        let most = f64::from(f32::EPSILON) * (product.abs() + exact.abs());
        (f64::from(sums[i]) - exact).abs() <= most
    })
}

#[inline(always)]
fn bytes<S: Simd>(s: S, round: i32) -> bool {
    // All extremes meet one another.
    let act = |i: i32| match (round + i) % 4 {
        0 => S::ACT_MAX,
        1 => -S::ACT_MAX,
        _ => (31 * i + 7 * round) % (S::ACT_MAX + 1),
    };
    let weight = |i: i32| match (round / 4 + i) % 3 {
        0 => 127,
        1 => -127,
        _ => (53 * i + 13 * round) % 128 - 64,
    };
    let unit = |byte: &dyn Fn(i32) -> i32, lane: usize| {
        u32::from_le_bytes(std::array::from_fn(|i| {
            byte(4 * lane as i32 + i as i32) as u8
        }))
    };
    let acts: [u32; LINE] = std::array::from_fn(|lane| unit(&|i| act(i) + S::ACT_ZERO, lane));
    let weights: [u32; LINE] = std::array::from_fn(|lane| unit(&weight, lane));
    let (acts, weights) = std::hint::black_box((acts, weights));
    let mut sums = [0u32; LINE];
    // SAFETY: no vector is longer than a line.
    unsafe {
        let (act, weight) = (s.load_units(acts.as_ptr()), s.load_units(weights.as_ptr()));
        let sum = s.dot4(s.splat_unit(round as u32), act, weight);
        s.store_units(sums.as_mut_ptr(), sum);
    }
    (0..S::LANES).all(|lane| {
        let exact: i32 = (4 * lane as i32..4 * lane as i32 + 4)
            .map(|i| (act(i) + S::ACT_ZERO) * weight(i))
            .sum();
        sums[lane] as i32 == exact + round
    })
}
