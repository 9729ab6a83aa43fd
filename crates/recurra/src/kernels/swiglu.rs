//! Backward of `act = silu(gate) * up`.

use super::activation::sigmoid;
use super::simd::{Simd, SimdOp};
use super::view::View;

/// From gate, up and the gradient of act: the gradients of gate and up; act is computed again and takes the
/// place of its gradient.
pub(crate) struct SwiGluBackward {
    pub(crate) gate: View,
    pub(crate) up: View,
    pub(crate) act: View,
    pub(crate) d_gate: View,
    pub(crate) d_up: View,
    pub(crate) rows: usize,
    pub(crate) cols: usize,
}

impl SimdOp for SwiGluBackward {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let one = s.splat(1.0);
        for r in 0..self.rows {
            for c in (0..self.cols).step_by(S::LANES) {
                // SAFETY: rows are padded to whole vectors.
                unsafe {
                    let (gate, up) = (s.load(self.gate.at(r, c).ptr), s.load(self.up.at(r, c).ptr));
                    let act = self.act.at(r, c).ptr;
                    let d = s.load(act);
                    let sigma = sigmoid(s, gate);
                    let silu = s.mul(gate, sigma);
                    // silu' = sigma * (1 + gate * (1 - sigma))
                    let slope = s.mul(sigma, s.fma(gate, s.sub(one, sigma), one));
                    s.store(self.d_gate.at(r, c).ptr, s.mul(s.mul(d, up), slope));
                    s.store(self.d_up.at(r, c).ptr, s.mul(d, silu));
                    s.store(act, s.mul(silu, up));
                }
            }
        }
    }
}
