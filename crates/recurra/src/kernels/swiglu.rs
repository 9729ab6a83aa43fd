//! Backward of `act = silu(gate) * up`.

use super::activation::sigmoid;
use super::simd::{Floats, Simd, SimdOp};
use super::view::View;

/// From gate, up and the gradient of act: the gradients of gate and up, in their places; act is computed again and
/// takes the place of its gradient. Nothing else is needed later, and new places would push the rest out of the cache.
pub(crate) struct SwiGluBackward {
    pub(crate) gate: View,
    pub(crate) up: View,
    pub(crate) act: View,
    pub(crate) rows: usize,
    pub(crate) cols: usize,
}

impl SimdOp for SwiGluBackward {
    type Output = ();
    type Uses = Floats;
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let one = s.splat(1.0);
        for r in 0..self.rows {
            for c in (0..self.cols).step_by(S::LANES) {
                // SAFETY: rows are padded to whole vectors.
                unsafe {
                    let (d_gate, d_up) = (self.gate.at(r, c).ptr, self.up.at(r, c).ptr);
                    let (gate, up) = (s.load(d_gate), s.load(d_up));
                    let act = self.act.at(r, c).ptr;
                    let d = s.load(act);
                    let sigma = sigmoid::<S, false>(s, gate);
                    let silu = s.mul(gate, sigma);
                    // silu' = sigma * (1 + gate * (1 - sigma))
                    let slope = s.mul(sigma, s.fma(gate, s.sub(one, sigma), one));
                    s.store(d_gate, s.mul(s.mul(d, up), slope));
                    s.store(d_up, s.mul(d, silu));
                    s.store(act, s.mul(silu, up));
                }
            }
        }
    }
}
