//! Matrix products with what follows them fused in.
//!
//! A product is cut into blocks of results that stay in registers for the whole inner sum ([`Tile`]). Blocks
//! share rows and vectors out evenly, so that 97 rows are 13 blocks of 7 or 8 and not 12 and a sliver.
//! How numbers are multiplied is a [`Format`]; what happens to a finished block is its [`Epilogue`].
//!
//! Factors are made of units of 4 bytes: a float, two bfloat16 or four 8-bit integers along the inner sum.

use super::epilogue::Epilogue;
use super::format::{Factors, Format};
use super::pack::{PackedMatrix, Packing, split_pairs};
use super::simd::{Simd, SimdOp, Tile};
use std::marker::PhantomData;

/// The left factor, `m x k`.
#[derive(Clone, Copy)]
pub enum Lhs<'a> {
    /// Unit (i, j) at `ptr + i * row + j * col`.
    Strided {
        /// Unit (0, 0).
        ptr: *const u32,
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
pub enum Rhs<'a> {
    /// Row-major, rows padded to whole vectors.
    Rows {
        /// Unit (0, 0).
        ptr: *const u32,
        /// Distance of rows.
        stride: usize,
    },
    /// Weights packed as [`Packing::Panels`] or [`Packing::PairPanels`].
    Packed(&'a PackedMatrix),
}

/// The part of a product's blocks that one of several threads computes: blocks are counted panel after panel.
#[derive(Clone, Copy)]
pub struct Part {
    /// Which part, from 0.
    pub part: usize,
    /// Of how many.
    pub parts: usize,
}

impl Part {
    /// All of it.
    pub const WHOLE: Part = Part { part: 0, parts: 1 };

    /// This part of `0..total`, shared out evenly.
    #[inline(always)]
    pub fn of(self, total: usize) -> std::ops::Range<usize> {
        total * self.part / self.parts..total * (self.part + 1) / self.parts
    }
}

/// `epilogue(lhs * rhs)`: `m` rows, `n` columns (rounded up to whole vectors), an inner sum of `units` units.
pub struct Product<'a, F, E> {
    /// Rows of the result.
    pub m: usize,
    /// Columns of the result.
    pub n: usize,
    /// Units of the inner sum.
    pub units: usize,
    /// The left factor.
    pub lhs: Lhs<'a>,
    /// The right factor.
    pub rhs: Rhs<'a>,
    /// How numbers are multiplied.
    pub format: F,
    /// What follows.
    pub epilogue: E,
    /// The part that is computed.
    pub part: Part,
}

/// What the compiler knows of a block's left factor: nothing, that a row's units follow one another, or that it is
/// packed in rows. Known steps need no arithmetic of their own.
mod left {
    pub(super) const ANY: u8 = 0;
    pub(super) const CONTIGUOUS: u8 = 1;
    pub(super) const PACKED: u8 = 2;
}

/// Units of the inner sum that the loop of a block takes at a time where its steps are known.
const UNROLL: usize = 4;

/// One block: where its factors start and how they step.
struct Block<F, E, const MR: usize, const NV: usize, const LEFT: u8> {
    units: usize,
    a: *const u32,
    a_row: usize,
    a_col: usize,
    b: *const u32,
    b_row: usize,
    row: usize,
    col: usize,
    format: F,
    epilogue: E,
    /// Where the next panel of weights lies that this block brings into the cache, and by how many bytes it goes on
    /// with each unit of the inner sum.
    next: *const u8,
    next_step: usize,
    size: PhantomData<[[f32; NV]; MR]>,
}

impl<F: Format, E: Epilogue, const MR: usize, const NV: usize, const LEFT: u8> SimdOp
    for Block<F, E, MR, NV, LEFT>
{
    type Output = ();
    type Uses = F::Uses;
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let (format, row, col) = (self.format, self.row, self.col);
        let (a_row, a_col) = match LEFT {
            left::PACKED => (1, MR),
            left::CONTIGUOUS => (self.a_row, 1),
            _ => (self.a_row, self.a_col),
        };
        debug_assert_eq!((a_row, a_col), (self.a_row, self.a_col));
        // SAFETY: `Product::run` keeps the block inside its factors and its result.
        unsafe {
            // Loops, not closures: a closure that is not inlined would be compiled for any processor.
            let mut acc = [[format.start(s, row, col); NV]; MR];
            for i in 0..MR {
                for j in 0..NV {
                    acc[i][j] = format.start(s, row + i, col + j * S::LANES);
                }
            }
            // Opaque, so that few rows have a register each for their distance: the compiler would add them up anew for
            // every unit.
            let mut rows = [0; MR];
            for i in 0..MR {
                rows[i] = i * a_row;
                if MR <= 6 && LEFT != left::PACKED {
                    rows[i] = std::hint::black_box(rows[i]);
                }
            }
            let factors = Factors {
                units: self.units,
                a: self.a,
                rows,
                a_col,
                b: self.b,
                b_row: self.b_row,
                together: if LEFT == left::ANY { 1 } else { UNROLL },
                next: self.next,
                next_step: self.next_step,
            };
            self.epilogue.begin::<S, MR, NV>(s, row, col);
            F::accumulate(s, &mut acc, factors);
            let mut block = [[s.splat(0.0); NV]; MR];
            for i in 0..MR {
                for j in 0..NV {
                    block[i][j] = format.finish(s, acc[i][j], row + i, col + j * S::LANES);
                }
            }
            self.epilogue.finish(s, &block, row, col);
        }
    }
}

/// The largest block of a product.
const fn tile<S: Simd, F: Format, E: Epilogue>() -> Tile {
    let most = if E::PAIR_PANELS {
        S::PAIR_TILE
    } else {
        S::TILE
    };
    let rows = if F::ROWS < most.rows {
        F::ROWS
    } else {
        most.rows
    };
    // Pairs stay together.
    let rows = if E::PAIR_ROWS { rows - rows % 2 } else { rows };
    Tile { rows, ..most }
}

/// Whether a product is ever cut into blocks of this size.
const fn cuts<S: Simd, F: Format, E: Epilogue>(rows: usize, vecs: usize) -> bool {
    let most = tile::<S, F, E>();
    rows <= most.rows && vecs <= most.vecs && (!E::PAIR_ROWS || rows.is_multiple_of(2))
}

/// Whether blocks of this size have a form for known steps: the largest, which do most of the work, and only where
/// there are so few registers that a unit of the inner sum is little work beside its steps. On AVX2 that form takes a
/// sixth less time; on AVX-512 it gains nothing.
const fn unrolls<S: Simd, F: Format, E: Epilogue>(rows: usize, vecs: usize) -> bool {
    let most = tile::<S, F, E>();
    most.rows <= 6 && rows + 2 > most.rows && vecs == most.vecs
}

impl<F: Format, E: Epilogue> SimdOp for Product<'_, F, E> {
    type Output = ();
    type Uses = F::Uses;
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Tile { rows, vecs } = tile::<S, F, E>();
        let row_blocks = self.m.div_ceil(rows);
        let panels = self.n.div_ceil(S::LANES).div_ceil(vecs);
        let blocks = self.part.of(row_blocks * panels);
        let panels = split_pairs(self.n.div_ceil(S::LANES), vecs, E::PAIR_PANELS).enumerate();
        for (panel, (v0, v1)) in panels {
            let before = panel * row_blocks;
            let from = blocks.start.max(before) - before;
            let to = blocks.end.max(before).min(before + row_blocks) - before;
            if from >= to {
                continue;
            }
            let (width, col) = ((v1 - v0) * S::LANES, v0 * S::LANES);
            let (b, b_row, stream) = match self.rhs {
                Rhs::Rows { ptr, stride } => (ptr.wrapping_add(col), stride, false),
                Rhs::Packed(p) => {
                    let packing = if E::PAIR_PANELS {
                        Packing::PairPanels
                    } else {
                        Packing::Panels
                    };
                    debug_assert_eq!((p.units(), p.n, p.packing), (self.units, self.n, packing));
                    let panel = p.as_ptr().wrapping_add(col * F::right_units(self.units));
                    (panel, width, p.stream)
                }
            };
            // Each block of rows brings in its share of the next panel, spread over its inner sum. Panels follow one
            // another; behind the last, whatever comes is only a hint.
            let panel_units = width * F::right_units(self.units);
            let next_step = if stream {
                (4 * panel_units).div_ceil(self.units * (to - from))
            } else {
                0
            };
            let rows = split_pairs(self.m, rows, E::PAIR_ROWS);
            for (i, (r0, r1)) in rows.skip(from).take(to - from).enumerate() {
                let next = b.wrapping_add(panel_units).cast::<u8>();
                let next = next.wrapping_add(i * next_step * self.units);
                let (a, a_row, a_col, left) = match self.lhs {
                    Lhs::Strided { ptr, row, col } => {
                        let known = [left::ANY, left::CONTIGUOUS][usize::from(col == 1)];
                        (ptr.wrapping_add(r0 * row), row, col, known)
                    }
                    Lhs::Packed(p) => {
                        let a = p.as_ptr().wrapping_add(r0 * self.units);
                        (a, 1, r1 - r0, left::PACKED)
                    }
                };
                // Blocks that this instruction set never cuts are not compiled: that is half of them, and the slowest.
                macro_rules! blocks {
                    ($($mr:literal)*; $nvs:tt) => { match r1 - r0 { $($mr => blocks!(@ $mr $nvs),)* _ => unreachable!() } };
                    (@ $mr:literal ($($nv:literal)*)) => { match v1 - v0 {
                        $($nv if const { cuts::<S, F, E>($mr, $nv) } => match left {
                            left::CONTIGUOUS if const { unrolls::<S, F, E>($mr, $nv) } => blocks!($mr $nv CONTIGUOUS),
                            left::PACKED if const { unrolls::<S, F, E>($mr, $nv) } => blocks!($mr $nv PACKED),
                            _ => blocks!($mr $nv ANY),
                        },)*
                        _ => unreachable!(),
                    } };
                    ($mr:literal $nv:literal $left:ident) => { s.vectorize(Block::<F, E, $mr, $nv, { left::$left }> {
                        units: self.units, a, a_row, a_col, b, b_row, row: r0, col,
                        format: self.format, epilogue: self.epilogue, next, next_step, size: PhantomData,
                    }) };
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
