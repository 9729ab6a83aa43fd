//! Scalar products of one vector with rows that lie anywhere.

use super::matrix::{AlignedMatrix, LINE};
use super::simd::{Floats, Simd, SimdOp};

/// `out[i] = query . row(ids[i])`, where the rows of all pages are counted through and each page holds `1 << shift`.
///
/// `query` is padded with zeros to the stride of the pages.
///
/// # Panics
/// If a row is not there, or the stride is not the query's length.
pub struct Dots<'a> {
    /// The vector.
    pub query: &'a [f32],
    /// The rows, page after page.
    pub pages: &'a [AlignedMatrix],
    /// Base-2 logarithm of the rows of a page.
    pub shift: u32,
    /// The rows that are multiplied.
    pub ids: &'a [u32],
    /// The products, one for each of them.
    pub out: &'a mut [f32],
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
