//! The machine's own limits: multiply-adds with nothing to load or store, and loads with next to nothing to compute.

use super::Isa;
use super::matrix::LINE;
use super::simd::{Bf16s, Bytes, Floats, Simd, SimdOp};

struct MultiplyAdds(u64);

/// Accumulators: enough to hide the latency of two units, few enough for 16 registers.
const CHAINS: usize = 12;

impl SimdOp for MultiplyAdds {
    type Output = f32;
    type Uses = Floats;
    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> f32 {
        let (x, y) = (
            s.splat(std::hint::black_box(0.999)),
            s.splat(std::hint::black_box(0.001)),
        );
        let mut acc = [y; CHAINS];
        for _ in 0..self.0 {
            for a in acc.iter_mut() {
                *a = s.fma(*a, x, y);
            }
        }
        acc.into_iter().map(|a| s.sum(a)).sum()
    }
}

/// Does `rounds` rounds of independent multiply-adds on registers and returns how many floating-point
/// operations that was. Timed by the caller, it gives the peak of one core.
pub fn multiply_adds(isa: Isa, rounds: u64) -> u64 {
    std::hint::black_box(isa.compile(MultiplyAdds(rounds)));
    rounds * (CHAINS * isa.lanes() * 2) as u64
}

struct Bf16Dots(u64);

impl SimdOp for Bf16Dots {
    type Output = f32;
    type Uses = Bf16s;
    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> f32 {
        // Two ones, and two numbers no sum of which overflows.
        let x = s.splat_unit(std::hint::black_box(0x3f80_3f80));
        let y = s.splat_unit(std::hint::black_box(0x1000_1000));
        let mut acc = [s.splat(0.0); CHAINS];
        for _ in 0..self.0 {
            for a in acc.iter_mut() {
                *a = s.dot2(*a, x, y);
            }
        }
        acc.into_iter().map(|a| s.sum(a)).sum()
    }
}

/// As [`multiply_adds`], of bfloat16 ([`Isa::has_bf16`]).
pub fn bf16_dots(isa: Isa, rounds: u64) -> u64 {
    std::hint::black_box(isa.compile(Bf16Dots(rounds)));
    rounds * (CHAINS * isa.lanes() * 4) as u64
}

struct Int8Dots(u64);

impl SimdOp for Int8Dots {
    type Output = f32;
    type Uses = Bytes;
    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> f32 {
        let x = s.splat_unit(std::hint::black_box(0x0100_0100));
        let y = s.splat_unit(std::hint::black_box(0x0101_0101));
        let mut acc = [s.splat_unit(0); CHAINS];
        if S::ACT_ZERO == 64 {
            // Here a product takes several instructions, and the first of them would be done once for all, were the
            // numbers not new to the compiler in every round.
            let data = [0x0100_0100; CHAINS * LINE];
            for _ in 0..self.0 {
                let data = std::hint::black_box(&data);
                for (a, x) in acc.iter_mut().zip(data.chunks_exact(2 * LINE)) {
                    // SAFETY: no vector is longer than a line.
                    let x = [0, LINE].map(|at| unsafe { s.load_units(x[at..].as_ptr()) });
                    *a = s.dot8(*a, x, [y; 2]);
                }
            }
        } else {
            for _ in 0..self.0 {
                for a in acc.iter_mut() {
                    *a = s.dot4(*a, x, y);
                }
            }
        }
        acc.into_iter().map(|a| s.sum(s.to_f32(a))).sum()
    }
}

/// As [`multiply_adds`], of 8-bit integers.
pub fn int8_dots(isa: Isa, rounds: u64) -> u64 {
    std::hint::black_box(isa.compile(Int8Dots(rounds)));
    rounds * (CHAINS * isa.lanes() * 8) as u64
}

/// The sum of all floats of so many rounds.
pub struct Reads<'a> {
    /// What is read.
    pub data: &'a [f32],
    /// How often.
    pub rounds: u64,
}

impl SimdOp for Reads<'_> {
    type Output = f32;
    type Uses = Floats;
    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> f32 {
        let mut acc = [s.splat(0.0); CHAINS];
        for _ in 0..self.rounds {
            // Opaque, so that no round is taken for the sum of the one before.
            for block in std::hint::black_box(self.data).chunks_exact(CHAINS * S::LANES) {
                for (a, v) in acc.iter_mut().zip(block.chunks_exact(S::LANES)) {
                    // SAFETY: `v` has LANES floats.
                    *a = s.add(*a, unsafe { s.load(v.as_ptr()) });
                }
            }
        }
        acc.into_iter().map(|a| s.sum(a)).sum()
    }
}

/// Reads `data` `rounds` times, but for a few floats at its end, and returns how many bytes that was. Timed by the
/// caller, it gives the read bandwidth of whatever holds `data`; its start should lie on a cache line.
pub fn reads(isa: Isa, data: &[f32], rounds: u64) -> u64 {
    std::hint::black_box(isa.compile(Reads { data, rounds }));
    let block = CHAINS * isa.lanes();
    rounds * (data.len() / block * block * size_of::<f32>()) as u64
}
