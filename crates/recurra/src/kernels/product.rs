//! Matrix products with what follows them fused in.
//!
//! A product is cut into blocks of results that stay in registers for the whole inner sum ([`Tile`]). Blocks
//! share rows and vectors out evenly, so that 97 rows are 13 blocks of 7 or 8 and not 12 and a sliver.
//! What happens to a finished block is its [`Epilogue`].

use super::activation::sigmoid;
use super::pack::{PackedMatrix, Packing, split_pairs};
use super::simd::{Simd, SimdOp, Tile};
use std::marker::PhantomData;

/// The left factor, `m x k`.
#[derive(Clone, Copy)]
pub(crate) enum Lhs<'a> {
    /// Element (i, j) at `ptr + i * row + j * col`.
    Strided {
        /// Element (0, 0).
        ptr: *const f32,
        /// Distance of rows.
        row: usize,
        /// Distance of columns.
        col: usize,
    },
    /// Weights packed as [`Packing::Rows`] or [`Packing::PairRows`].
    Packed(&'a PackedMatrix),
}

/// The right factor, `k x n`.
#[derive(Clone, Copy)]
pub(crate) enum Rhs<'a> {
    /// Row-major, rows padded to whole vectors.
    Rows {
        /// Element (0, 0).
        ptr: *const f32,
        /// Distance of rows.
        stride: usize,
    },
    /// Weights packed as [`Packing::Panels`] or [`Packing::PairPanels`].
    Packed(&'a PackedMatrix),
}

/// What is done with a finished block of results.
pub(crate) trait Epilogue: Copy {
    /// Whether half the vectors of a block are gates ([`Packing::PairPanels`]).
    const PAIR_PANELS: bool = false;
    /// Whether half the rows of a block are gates ([`Packing::PairRows`]).
    const PAIR_ROWS: bool = false;
    /// Takes the block whose first row is `row` and whose first vector starts at column `col`.
    unsafe fn finish<S: Simd, const MR: usize, const NV: usize>(
        self,
        s: S,
        block: &[[S::F; NV]; MR],
        row: usize,
        col: usize,
    );
}

/// Results replace what is there.
#[derive(Clone, Copy)]
pub(crate) struct Store {
    pub(crate) ptr: *mut f32,
    pub(crate) stride: usize,
}

/// Results times a factor replace what is there.
#[derive(Clone, Copy)]
pub(crate) struct StoreScaled {
    pub(crate) ptr: *mut f32,
    pub(crate) stride: usize,
    pub(crate) factor: f32,
}

/// Results are added to what is there: a residual connection, or a sum of gradients.
#[derive(Clone, Copy)]
pub(crate) struct Add {
    pub(crate) ptr: *mut f32,
    pub(crate) stride: usize,
}

/// Where a SwiGLU puts its result, `silu(gate) * up`, and with `KEEP` also gate and up for the backward pass.
#[derive(Clone, Copy)]
pub(crate) struct SwiGlu<const KEEP: bool> {
    pub(crate) act: *mut f32,
    pub(crate) act_stride: usize,
    pub(crate) gate: *mut f32,
    pub(crate) up: *mut f32,
    pub(crate) pre_stride: usize,
}

/// A SwiGLU along columns: vectors of a block are gates, then as many ups.
#[derive(Clone, Copy)]
pub(crate) struct SwiGluPanels<const KEEP: bool>(pub(crate) SwiGlu<KEEP>);

/// A SwiGLU along rows: rows of a block are gates, then as many ups.
#[derive(Clone, Copy)]
pub(crate) struct SwiGluRows<const KEEP: bool>(pub(crate) SwiGlu<KEEP>);

impl Epilogue for Store {
    #[inline(always)]
    unsafe fn finish<S: Simd, const MR: usize, const NV: usize>(
        self,
        s: S,
        block: &[[S::F; NV]; MR],
        row: usize,
        col: usize,
    ) {
        for (i, vecs) in block.iter().enumerate() {
            for (j, &v) in vecs.iter().enumerate() {
                // SAFETY: the caller of the product gave a result matrix of its size.
                unsafe {
                    s.store(
                        self.ptr.add((row + i) * self.stride + col + j * S::LANES),
                        v,
                    )
                }
            }
        }
    }
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
        for (i, vecs) in block.iter().enumerate() {
            for (j, &v) in vecs.iter().enumerate() {
                // SAFETY: the caller of the product gave a result matrix of its size.
                unsafe {
                    s.store(
                        self.ptr.add((row + i) * self.stride + col + j * S::LANES),
                        s.mul(v, factor),
                    )
                }
            }
        }
    }
}

impl Epilogue for Add {
    #[inline(always)]
    unsafe fn finish<S: Simd, const MR: usize, const NV: usize>(
        self,
        s: S,
        block: &[[S::F; NV]; MR],
        row: usize,
        col: usize,
    ) {
        for (i, vecs) in block.iter().enumerate() {
            for (j, &v) in vecs.iter().enumerate() {
                // SAFETY: the caller of the product gave a result matrix of its size.
                unsafe {
                    let p = self.ptr.add((row + i) * self.stride + col + j * S::LANES);
                    s.store(p, s.add(s.load(p), v));
                }
            }
        }
    }
}

impl<const KEEP: bool> SwiGlu<KEEP> {
    #[inline(always)]
    unsafe fn put<S: Simd>(self, s: S, gate: S::F, up: S::F, row: usize, col: usize) {
        // SAFETY: the caller of the product gave result matrices of its size.
        unsafe {
            let act = s.mul(s.mul(gate, sigmoid(s, gate)), up);
            s.store(self.act.add(row * self.act_stride + col), act);
            if KEEP {
                s.store(self.gate.add(row * self.pre_stride + col), gate);
                s.store(self.up.add(row * self.pre_stride + col), up);
            }
        }
    }
}

impl<const KEEP: bool> Epilogue for SwiGluPanels<KEEP> {
    const PAIR_PANELS: bool = true;
    #[inline(always)]
    unsafe fn finish<S: Simd, const MR: usize, const NV: usize>(
        self,
        s: S,
        block: &[[S::F; NV]; MR],
        row: usize,
        col: usize,
    ) {
        for (i, vecs) in block.iter().enumerate() {
            for j in 0..NV / 2 {
                // SAFETY: passed on. Half the columns are gates, so results stand at half the column.
                unsafe {
                    self.0.put(
                        s,
                        vecs[j],
                        vecs[j + NV / 2],
                        row + i,
                        col / 2 + j * S::LANES,
                    )
                }
            }
        }
    }
}

impl<const KEEP: bool> Epilogue for SwiGluRows<KEEP> {
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
        for i in 0..MR / 2 {
            for j in 0..NV {
                // SAFETY: passed on. Half the rows are gates, so results stand at half the row.
                unsafe {
                    self.0.put(
                        s,
                        block[i][j],
                        block[i + MR / 2][j],
                        row / 2 + i,
                        col + j * S::LANES,
                    )
                }
            }
        }
    }
}

/// `epilogue(lhs * rhs)`: `m` rows, `n` columns (rounded up to whole vectors), an inner sum of `k`.
pub(crate) struct Product<'a, E> {
    pub(crate) m: usize,
    pub(crate) n: usize,
    pub(crate) k: usize,
    pub(crate) lhs: Lhs<'a>,
    pub(crate) rhs: Rhs<'a>,
    pub(crate) epilogue: E,
}

/// Weights larger than this do not stay in the second-level cache from one use to the next, so that it pays to ask
/// for them ahead. For smaller ones it costs a tenth of the time.
const STREAM_BYTES: usize = 1 << 20;

/// One block: where its factors start and how they step.
struct Block<E, const MR: usize, const NV: usize> {
    k: usize,
    a: *const f32,
    a_row: usize,
    a_col: usize,
    b: *const f32,
    b_row: usize,
    row: usize,
    col: usize,
    epilogue: E,
    /// Where the next panel of weights lies that this block brings into the cache, and by how many bytes it goes on
    /// with each element of the inner sum.
    next: *const u8,
    next_step: usize,
    size: PhantomData<[[f32; NV]; MR]>,
}

impl<E: Epilogue, const MR: usize, const NV: usize> SimdOp for Block<E, MR, NV> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let mut acc = [[s.splat(0.0); NV]; MR];
        let (mut a, mut b, mut next) = (self.a, self.b, self.next);
        for _ in 0..self.k {
            if self.next_step > 0 {
                s.prefetch(next);
                next = next.wrapping_add(self.next_step);
            }
            // SAFETY: `Product::run` keeps the block inside its factors and its result.
            unsafe {
                let mut bv = [s.splat(0.0); NV];
                for (j, v) in bv.iter_mut().enumerate() {
                    *v = s.load(b.add(j * S::LANES));
                }
                for (i, row) in acc.iter_mut().enumerate() {
                    let av = s.splat(*a.add(i * self.a_row));
                    for (c, &v) in row.iter_mut().zip(&bv) {
                        *c = s.fma(av, v, *c);
                    }
                }
                a = a.wrapping_add(self.a_col);
                b = b.wrapping_add(self.b_row);
            }
        }
        // SAFETY: as above.
        unsafe { self.epilogue.finish(s, &acc, self.row, self.col) }
    }
}

impl<E: Epilogue> SimdOp for Product<'_, E> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Tile { rows, vecs } = if E::PAIR_PANELS {
            S::PAIR_TILE
        } else {
            S::TILE
        };
        for (v0, v1) in split_pairs(self.n.div_ceil(S::LANES), vecs, E::PAIR_PANELS) {
            let (width, col) = ((v1 - v0) * S::LANES, v0 * S::LANES);
            let (b, b_row, stream) = match self.rhs {
                Rhs::Rows { ptr, stride } => (ptr.wrapping_add(col), stride, false),
                Rhs::Packed(p) => {
                    debug_assert!(
                        p.k == self.k
                            && p.n == self.n
                            && p.packing
                                == if E::PAIR_PANELS {
                                    Packing::PairPanels
                                } else {
                                    Packing::Panels
                                }
                    );
                    let panel = p.as_ptr().wrapping_add(col * self.k);
                    (panel, width, p.n * p.k * 4 > STREAM_BYTES)
                }
            };
            // Each block of rows brings in its share of the next panel, spread over its inner sum. Panels follow one
            // another; behind the last, whatever comes is only a hint.
            let blocks = self.m.div_ceil(rows);
            let next_step = if stream {
                (width * 4).div_ceil(blocks)
            } else {
                0
            };
            for (i, (r0, r1)) in split_pairs(self.m, rows, E::PAIR_ROWS).enumerate() {
                let next = b.wrapping_add(width * self.k).cast::<u8>();
                let next = next.wrapping_add(i * next_step * self.k);
                let (a, a_row, a_col) = match self.lhs {
                    Lhs::Strided { ptr, row, col } => (ptr.wrapping_add(r0 * row), row, col),
                    Lhs::Packed(p) => (p.as_ptr().wrapping_add(r0 * self.k), 1, r1 - r0),
                };
                macro_rules! blocks {
                    ($($mr:literal)*; $nvs:tt) => { match r1 - r0 { $($mr => blocks!(@ $mr $nvs),)* _ => unreachable!() } };
                    (@ $mr:literal ($($nv:literal)*)) => { match v1 - v0 {
                        $($nv => s.vectorize(Block::<E, $mr, $nv> {
                            k: self.k, a, a_row, a_col, b, b_row, row: r0, col, epilogue: self.epilogue, next, next_step, size: PhantomData,
                        }),)*
                        _ => unreachable!(),
                    } };
                }
                if E::PAIR_PANELS {
                    blocks!(1 2 3 4 5 6 7 8 9 10 11 12; (2));
                } else {
                    blocks!(1 2 3 4 5 6 7 8; (1 2 3));
                }
            }
        }
    }
}
