//! Scalar products of one vector with rows that lie anywhere.

use super::matrix::{AlignedMatrix, LINE};
use super::simd::{Floats, Simd, SimdOp};

/// `out[i] = query . row(ids[i])`, where the rows of all pages are counted through and each page holds `1 << shift`.
///
/// `query` is padded with zeros to the stride of the pages.
///
/// # Panics
/// If a row is not there, or the stride is not the query's length.
pub(crate) struct Dots<'a> {
    pub(crate) query: &'a [f32],
    pub(crate) pages: &'a [AlignedMatrix],
    pub(crate) shift: u32,
    pub(crate) ids: &'a [u32],
    pub(crate) out: &'a mut [f32],
}

/// So many rows ahead is prefetched.
const AHEAD: usize = 4;
/// Cache lines of a row that are prefetched; the processor goes on by itself.
const LINES: usize = 8;

impl Dots<'_> {
    #[inline(always)]
    fn row(&self, id: u32) -> &[f32] {
        let page = &self.pages[id as usize >> self.shift];
        let row = id as usize & ((1 << self.shift) - 1);
        &page.padded()[row * page.stride()..][..page.stride()]
    }
}

impl SimdOp for Dots<'_> {
    type Output = ();
    type Uses = Floats;
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for (i, &id) in self.ids.iter().enumerate() {
            if let Some(&next) = self.ids.get(i + AHEAD) {
                for line in self.row(next).chunks_exact(LINE).take(LINES) {
                    s.prefetch(line.as_ptr().cast());
                }
            }
            self.out[i] = dot(s, self.query, self.row(id));
        }
    }
}

/// Four sums at a time, so that no addition waits for the one before it.
#[inline(always)]
fn dot<S: Simd>(s: S, a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len(), "a row of another length");
    assert!(a.len().is_multiple_of(LINE), "a row that is not padded");
    let mut sums = [s.splat(0.0); 4];
    let whole = a.len() - a.len() % (4 * S::LANES);
    let (a, b, len) = (a.as_ptr(), b.as_ptr(), a.len());
    // SAFETY: the rows are whole vectors long.
    unsafe {
        for i in (0..whole).step_by(4 * S::LANES) {
            for (k, sum) in sums.iter_mut().enumerate() {
                let at = i + k * S::LANES;
                *sum = s.fma(s.load(a.add(at)), s.load(b.add(at)), *sum);
            }
        }
        for at in (whole..len).step_by(S::LANES) {
            sums[0] = s.fma(s.load(a.add(at)), s.load(b.add(at)), sums[0]);
        }
    }
    let [p, q, r, t] = sums;
    s.sum(s.add(s.add(p, q), s.add(r, t)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::Isa;

    #[test]
    fn products_are_those_of_plain_loops_on_every_instruction_set() {
        for cols in [1, 3, 16, 17, 33, 64, 100, 384] {
            let value =
                |seed: usize| move |i: usize| ((i * 37 + seed * 11) % 29) as f32 / 29.0 - 0.5;
            let pages: Vec<AlignedMatrix> = (0..3)
                .map(|page| {
                    let values: Vec<f32> = (0..4 * cols).map(value(page)).collect();
                    AlignedMatrix::from_slice(4, cols, &values)
                })
                .collect();
            let query: Vec<f32> = (0..cols).map(value(5)).collect();
            let ids = [11, 0, 5, 5, 2, 9, 7];
            for isa in Isa::available() {
                let mut out = [0.0; 7];
                isa.run(Dots {
                    query: AlignedMatrix::from_slice(1, cols, &query).padded(),
                    pages: &pages,
                    shift: 2,
                    ids: &ids,
                    out: &mut out,
                });
                for (&id, &found) in ids.iter().zip(&out) {
                    let row = pages[id as usize / 4].row(id as usize % 4);
                    let products = row
                        .iter()
                        .zip(&query)
                        .map(|(&a, &b)| f64::from(a) * f64::from(b));
                    let expected: f64 = products.sum();
                    assert!((f64::from(found) - expected).abs() < 1e-5, "{}", isa.name());
                }
            }
        }
    }
}
