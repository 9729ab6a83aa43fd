//! Backward of `act = silu(gate) * up`.

use super::activation::sigmoid;
use super::simd::{Bf16s, Floats, Simd, SimdOp};
use super::view::{Pre, Units, View};

/// From gate, up and the gradient of act: act, and the gradients of gate and up.
#[inline(always)]
fn backward<S: Simd, const SHORT: bool>(s: S, gate: S::F, up: S::F, d: S::F) -> [S::F; 3] {
    let one = s.splat(1.0);
    let sigma = sigmoid::<S, SHORT>(s, gate);
    let silu = s.mul(gate, sigma);
    // silu' = sigma * (1 + gate * (1 - sigma))
    let slope = s.mul(sigma, s.fma(gate, s.sub(one, sigma), one));
    [s.mul(silu, up), s.mul(s.mul(d, up), slope), s.mul(d, silu)]
}

/// In floats: gradients take the places of gate and up, and act that of its gradient. Nothing else is needed later, and new places
/// would push the rest out of the cache.
pub struct SwiGluBackward {
    /// Gates and ups.
    pub pre: Pre,
    /// The gradient of act, and then act.
    pub act: View,
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub cols: usize,
}

impl SimdOp for SwiGluBackward {
    type Output = ();
    type Uses = Floats;
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for r in 0..self.rows {
            for c in (0..self.cols).step_by(S::LANES) {
                // SAFETY: rows are padded to whole vectors.
                unsafe {
                    let (d_gate, d_up) = (self.pre.gate.at(r, c).ptr, self.pre.up.at(r, c).ptr);
                    let d_act = self.act.at(r, c).ptr;
                    let (gate, up, d) = (s.load(d_gate), s.load(d_up), s.load(d_act));
                    let results = backward::<S, false>(s, gate, up, d);
                    s.store(d_act, results[0]);
                    s.store(d_gate, results[1]);
                    s.store(d_up, results[2]);
                }
            }
        }
    }
}

/// Where a matrix goes as bfloat16.
#[derive(Clone, Copy)]
pub struct Bf16Forms {
    /// Two numbers of a row to a unit.
    pub rows: Option<Units>,
    /// Two rows to a unit.
    pub cols: Option<Units>,
}

impl Bf16Forms {
    /// The part from (row, col), for even ones.
    pub fn at(self, row: usize, col: usize) -> Bf16Forms {
        Bf16Forms {
            rows: self.rows.map(|units| units.at(row, col / 2)),
            cols: self.cols.map(|units| units.at(row / 2, col)),
        }
    }

    /// Takes the vectors from column `col` of rows `row`, which is even, and `row + 1`; `pair` is false behind the last row.
    #[inline(always)]
    unsafe fn put<S: Simd>(self, s: S, row: usize, col: usize, v: [S::F; 2], pair: bool) {
        // SAFETY: the caller has matrices of its size, whose rows are padded to whole vectors.
        unsafe {
            if let Some(rows) = self.rows {
                s.store_bf16(rows.at(row, 0).ptr.cast::<u16>().add(col), v[0]);
                if pair {
                    s.store_bf16(rows.at(row + 1, 0).ptr.cast::<u16>().add(col), v[1]);
                }
            }
            if let Some(cols) = self.cols {
                s.store_units(cols.at(row / 2, col).ptr, s.pack_bf16(v[0], v[1]));
            }
        }
    }
}

/// With results in bfloat16.
pub struct SwiGluBackwardBf16 {
    /// Gates and ups.
    pub pre: Pre,
    /// Gradient of act.
    pub d_act: View,
    /// Where act goes.
    pub act: Bf16Forms,
    /// Gradients of gate and up.
    pub d_pre: [Bf16Forms; 2],
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub cols: usize,
}

impl SimdOp for SwiGluBackwardBf16 {
    type Output = ();
    type Uses = Bf16s;
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for r in (0..self.rows).step_by(2) {
            let pair = r + 1 < self.rows;
            for c in (0..self.cols).step_by(S::LANES) {
                // SAFETY: rows are padded to whole vectors.
                unsafe {
                    let mut results = [[s.splat(0.0); 2]; 3];
                    for i in 0..1 + usize::from(pair) {
                        let gate = s.load(self.pre.gate.at(r + i, c).ptr);
                        let up = s.load(self.pre.up.at(r + i, c).ptr);
                        let d = s.load(self.d_act.at(r + i, c).ptr);
                        let row = backward::<S, true>(s, gate, up, d);
                        for result in 0..3 {
                            results[result][i] = row[result];
                        }
                    }
                    let [act, d_gate, d_up] = results;
                    self.act.put(s, r, c, act, pair);
                    self.d_pre[0].put(s, r, c, d_gate, pair);
                    self.d_pre[1].put(s, r, c, d_up, pair);
                }
            }
        }
    }
}
