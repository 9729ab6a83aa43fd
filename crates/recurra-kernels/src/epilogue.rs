//! What is done with a finished block of a product's results.

use super::activation::sigmoid;
use super::simd::Simd;

/// What is done with a finished block of results.
pub trait Epilogue: Copy {
    /// Whether half the vectors of a block are gates ([`Packing::PairPanels`](super::Packing::PairPanels)).
    const PAIR_PANELS: bool = false;
    /// Whether half the rows of a block are gates ([`Packing::PairRows`](super::Packing::PairRows)).
    const PAIR_ROWS: bool = false;
    /// Is called before a block's sums are computed, so that what [`Epilogue::finish`] needs can be asked for.
    #[inline(always)]
    fn begin<S: Simd, const MR: usize, const NV: usize>(self, _: S, _row: usize, _col: usize) {}
    /// Takes the block whose first row is `row` and whose first vector starts at column `col`.
    ///
    /// # Safety
    /// The results have a place for the whole block.
    unsafe fn finish<S: Simd, const MR: usize, const NV: usize>(
        self,
        s: S,
        block: &[[S::F; NV]; MR],
        row: usize,
        col: usize,
    );
}

/// Runs `$put` for every vector `$v` of a block, which stands at `$at` in a matrix with rows `$stride` numbers apart.
///
/// A macro, not a function of a closure: a closure that is not inlined would be compiled for any processor.
macro_rules! each {
    ($block:ident, $row:ident, $col:ident, $stride:expr, |$at:ident, $v:ident| $put:expr) => {
        for i in 0..MR {
            for j in 0..NV {
                let $v = $block[i][j];
                let $at = ($row + i) * $stride + $col + j * S::LANES;
                // SAFETY: the caller of the product gave a result matrix of its size.
                unsafe { $put }
            }
        }
    };
}

/// Results replace what is there.
#[derive(Clone, Copy)]
pub struct Store {
    /// The first number.
    pub ptr: *mut f32,
    /// Distance of rows.
    pub stride: usize,
}

impl Epilogue for Store {
    #[inline(always)]
    unsafe fn finish<S: Simd, const MR: usize, const NV: usize>(
        self,
        s: S,
        block: &[[S::F; NV]; MR],
        row: usize,
        col: usize,
    ) {
        each!(block, row, col, self.stride, |at, v| {
            s.store(self.ptr.add(at), v);
        });
    }
}

/// Results times a factor replace what is there.
#[derive(Clone, Copy)]
pub struct StoreScaled {
    /// The first number.
    pub ptr: *mut f32,
    /// Distance of rows.
    pub stride: usize,
    /// What results are multiplied by.
    pub factor: f32,
}

impl Epilogue for StoreScaled {
    #[inline(always)]
    unsafe fn finish<S: Simd, const MR: usize, const NV: usize>(
        self,
        s: S,
        block: &[[S::F; NV]; MR],
        row: usize,
        col: usize,
    ) {
        let factor = s.splat(self.factor);
        each!(block, row, col, self.stride, |at, v| {
            s.store(self.ptr.add(at), s.mul(v, factor));
        });
    }
}

/// Results are added to what is there: a residual connection, or a sum of gradients.
#[derive(Clone, Copy)]
pub struct Add {
    /// The first number.
    pub ptr: *mut f32,
    /// Distance of rows.
    pub stride: usize,
}

impl Epilogue for Add {
    /// Sums of gradients are more than the caches near the processor hold.
    #[inline(always)]
    fn begin<S: Simd, const MR: usize, const NV: usize>(self, s: S, row: usize, col: usize) {
        for i in 0..MR {
            for j in 0..NV {
                let at = (row + i) * self.stride + col + j * S::LANES;
                s.prefetch(self.ptr.wrapping_add(at).cast());
            }
        }
    }
    #[inline(always)]
    unsafe fn finish<S: Simd, const MR: usize, const NV: usize>(
        self,
        s: S,
        block: &[[S::F; NV]; MR],
        row: usize,
        col: usize,
    ) {
        each!(block, row, col, self.stride, |at, v| {
            let p = self.ptr.add(at);
            s.store(p, s.add(s.load(p), v));
        });
    }
}

/// Where a SwiGLU puts its result, `silu(gate) * up`.
pub trait ActSink: Copy {
    /// Whether the short sigmoid is exact enough.
    const SHORT: bool;
    /// Whether two rows that follow one another are put together.
    const PAIRS: bool = false;
    /// Takes the vector whose first element is (row, col), with its gate and up.
    ///
    /// # Safety
    /// The results have a place for the whole block.
    unsafe fn put<S: Simd>(self, s: S, row: usize, col: usize, act: S::F, pre: (S::F, S::F));
    /// Takes the same vector of rows `row`, which is even, and `row + 1`.
    ///
    /// # Safety
    /// The results have a place for the whole block.
    unsafe fn put_pair<S: Simd>(
        self,
        _: S,
        _row: usize,
        _col: usize,
        _acts: [S::F; 2],
        _pre: [(S::F, S::F); 2],
    ) {
        unreachable!("only a sink of pairs is given pairs")
    }
}

/// Acts are stored as floats, computed with the short sigmoid where they are to be quantised.
#[derive(Clone, Copy)]
pub struct Acts<const SHORT: bool> {
    /// The first number.
    pub ptr: *mut f32,
    /// Distance of rows.
    pub stride: usize,
}

impl<const SHORT: bool> ActSink for Acts<SHORT> {
    const SHORT: bool = SHORT;
    #[inline(always)]
    unsafe fn put<S: Simd>(self, s: S, row: usize, col: usize, act: S::F, _: (S::F, S::F)) {
        // SAFETY: the caller of the product gave a result matrix of its size.
        unsafe { s.store(self.ptr.add(row * self.stride + col), act) }
    }
}

/// Acts are stored as bfloat16: from panels row by row, from rows as units of two rows.
#[derive(Clone, Copy)]
pub struct ActsBf16<const PAIRS: bool> {
    /// The first unit.
    pub ptr: *mut u32,
    /// In units.
    pub stride: usize,
}

impl<const PAIRS: bool> ActSink for ActsBf16<PAIRS> {
    const SHORT: bool = true;
    const PAIRS: bool = PAIRS;
    #[inline(always)]
    unsafe fn put<S: Simd>(self, s: S, row: usize, col: usize, act: S::F, _: (S::F, S::F)) {
        // SAFETY: the caller of the product gave a result matrix of its size.
        unsafe { s.store_bf16(self.ptr.add(row * self.stride).cast::<u16>().add(col), act) }
    }
    #[inline(always)]
    unsafe fn put_pair<S: Simd>(
        self,
        s: S,
        row: usize,
        col: usize,
        acts: [S::F; 2],
        _: [(S::F, S::F); 2],
    ) {
        // SAFETY: the caller of the product gave a result matrix of its size.
        unsafe {
            s.store_units(
                self.ptr.add(row / 2 * self.stride + col),
                s.pack_bf16(acts[0], acts[1]),
            );
        }
    }
}

/// Acts go on to another sink; gates and ups are kept for the backward pass.
#[derive(Clone, Copy)]
pub struct KeepPre<A> {
    /// Where acts go.
    pub acts: A,
    /// The first gate.
    pub gate: *mut f32,
    /// The first up.
    pub up: *mut f32,
    /// Distance of rows.
    pub stride: usize,
}

impl<A> KeepPre<A> {
    #[inline(always)]
    unsafe fn keep<S: Simd>(&self, s: S, row: usize, col: usize, pre: (S::F, S::F)) {
        // SAFETY: the caller of the product gave result matrices of its size.
        unsafe {
            s.store(self.gate.add(row * self.stride + col), pre.0);
            s.store(self.up.add(row * self.stride + col), pre.1);
        }
    }
}

impl<A: ActSink> ActSink for KeepPre<A> {
    const SHORT: bool = A::SHORT;
    const PAIRS: bool = A::PAIRS;
    #[inline(always)]
    unsafe fn put<S: Simd>(self, s: S, row: usize, col: usize, act: S::F, pre: (S::F, S::F)) {
        // SAFETY: passed on.
        unsafe {
            self.keep(s, row, col, pre);
            self.acts.put(s, row, col, act, pre);
        }
    }
    #[inline(always)]
    unsafe fn put_pair<S: Simd>(
        self,
        s: S,
        row: usize,
        col: usize,
        acts: [S::F; 2],
        pre: [(S::F, S::F); 2],
    ) {
        // SAFETY: passed on.
        unsafe {
            self.keep(s, row, col, pre[0]);
            self.keep(s, row + 1, col, pre[1]);
            self.acts.put_pair(s, row, col, acts, pre);
        }
    }
}

#[inline(always)]
fn swiglu<S: Simd, A: ActSink>(s: S, gate: S::F, up: S::F) -> S::F {
    let sigma = if A::SHORT {
        sigmoid::<S, true>(s, gate)
    } else {
        sigmoid::<S, false>(s, gate)
    };
    s.mul(s.mul(gate, sigma), up)
}

/// A SwiGLU along columns: vectors of a block are gates, then as many ups.
#[derive(Clone, Copy)]
pub struct SwiGluPanels<A>(pub A);

impl<A: ActSink> Epilogue for SwiGluPanels<A> {
    const PAIR_PANELS: bool = true;
    #[inline(always)]
    unsafe fn finish<S: Simd, const MR: usize, const NV: usize>(
        self,
        s: S,
        block: &[[S::F; NV]; MR],
        row: usize,
        col: usize,
    ) {
        for i in 0..MR {
            for j in 0..NV / 2 {
                let (gate, up) = (block[i][j], block[i][j + NV / 2]);
                let act = swiglu::<S, A>(s, gate, up);
                // Half the columns are gates, so results stand at half the column.
                let col = col / 2 + j * S::LANES;
                // SAFETY: passed on.
                unsafe { self.0.put(s, row + i, col, act, (gate, up)) }
            }
        }
    }
}

/// A SwiGLU along rows: rows of a block are gates, then as many ups.
#[derive(Clone, Copy)]
pub struct SwiGluRows<A>(pub A);

impl<A: ActSink> Epilogue for SwiGluRows<A> {
    const PAIR_ROWS: bool = true;
    #[inline(always)]
    // Two rows of the block share the index.
    #[allow(clippy::needless_range_loop)]
    unsafe fn finish<S: Simd, const MR: usize, const NV: usize>(
        self,
        s: S,
        block: &[[S::F; NV]; MR],
        row: usize,
        col: usize,
    ) {
        // Half the rows are gates, so results stand at half the row.
        let (half, row) = (MR / 2, row / 2);
        for j in 0..NV {
            let col = col + j * S::LANES;
            if A::PAIRS {
                debug_assert!(half.is_multiple_of(2) && row.is_multiple_of(2));
                for i in (0..half).step_by(2) {
                    let even = (block[i][j], block[i + half][j]);
                    let odd = (block[i + 1][j], block[i + 1 + half][j]);
                    let acts = [
                        swiglu::<S, A>(s, even.0, even.1),
                        swiglu::<S, A>(s, odd.0, odd.1),
                    ];
                    // SAFETY: passed on.
                    unsafe { self.0.put_pair(s, row + i, col, acts, [even, odd]) }
                }
            } else {
                for i in 0..half {
                    let pre = (block[i][j], block[i + half][j]);
                    let act = swiglu::<S, A>(s, pre.0, pre.1);
                    // SAFETY: passed on.
                    unsafe { self.0.put(s, row + i, col, act, pre) }
                }
            }
        }
    }
}
