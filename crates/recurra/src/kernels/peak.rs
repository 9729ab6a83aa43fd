//! The machine's own limit: multiply-adds with nothing to load or store.

use super::Isa;
use super::simd::{Floats, Simd, SimdOp};

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
    std::hint::black_box(isa.run(MultiplyAdds(rounds)));
    rounds * (CHAINS * isa.lanes() * 2) as u64
}
