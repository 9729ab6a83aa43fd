//! How the numbers of a product are stored and multiplied.

use super::simd::{Bf16s, Bytes, Floats, Instructions, Simd};

/// How the factors of a block of results are multiplied, and how sums become floats.
pub trait Format: Copy {
    /// Sums of one vector of results.
    type Acc<S: Simd>: Copy;
    /// The instructions that it takes.
    type Uses: Instructions;
    /// Most rows of a block, if it is fewer than the instruction set's.
    const ROWS: usize = usize::MAX;
    /// Units that the right factor has for an inner sum of `units` units of the left.
    #[inline(always)]
    fn right_units(units: usize) -> usize {
        units
    }
    /// Where the sums of a vector of results start whose first is (row, col).
    ///
    /// # Safety
    /// The block lies inside its factors, and the format has numbers for all its rows and columns.
    unsafe fn start<S: Simd>(self, s: S, row: usize, col: usize) -> Self::Acc<S>;
    /// Adds the products of a block's factors to its sums.
    ///
    /// # Safety
    /// The block lies inside its factors, and the format has numbers for all its rows and columns.
    unsafe fn accumulate<S: Simd, const MR: usize, const NV: usize>(
        s: S,
        acc: &mut [[Self::Acc<S>; NV]; MR],
        factors: Factors<MR>,
    );
    /// The results, of which the first is (row, col).
    ///
    /// # Safety
    /// The block lies inside its factors, and the format has numbers for all its rows and columns.
    unsafe fn finish<S: Simd>(self, s: S, acc: Self::Acc<S>, row: usize, col: usize) -> S::F;
}

/// The factors of a block of results: where they start and how they step.
pub struct Factors<const MR: usize> {
    /// Of the left factor, for the inner sum.
    pub units: usize,
    /// The left factor.
    pub a: *const u32,
    /// How far each row is from the first.
    pub rows: [usize; MR],
    /// Distance of its columns.
    pub a_col: usize,
    /// The right factor.
    pub b: *const u32,
    /// Distance of its rows.
    pub b_row: usize,
    /// Units that the loop takes at a time.
    pub together: usize,
    /// Where the next panel of weights lies that this block brings into the cache, and by how many bytes it goes on
    /// with each unit of the inner sum.
    pub next: *const u8,
    /// Bytes for each unit.
    pub next_step: usize,
}

/// A format whose right factor has a vector of units for each unit of the left.
pub trait UnitByUnit: Format {
    /// A vector of units.
    type Vec<S: Simd>: Copy;
    /// Units of the right factor.
    ///
    /// # Safety
    /// The block lies inside its factors, and the format has numbers for all its rows and columns.
    unsafe fn load<S: Simd>(s: S, p: *const u32) -> Self::Vec<S>;
    /// A unit of the left factor, in every lane.
    fn splat<S: Simd>(s: S, unit: u32) -> Self::Vec<S>;
    /// `acc` and the products.
    fn multiply_add<S: Simd>(
        s: S,
        left: Self::Vec<S>,
        right: Self::Vec<S>,
        acc: Self::Acc<S>,
    ) -> Self::Acc<S>;
    /// Whether [`UnitByUnit::multiply_add_two`] is faster than two of the others.
    #[inline(always)]
    fn in_twos<S: Simd>() -> bool {
        false
    }
    /// `acc` and the products of two units that follow one another.
    #[inline(always)]
    fn multiply_add_two<S: Simd>(
        s: S,
        left: [Self::Vec<S>; 2],
        right: [Self::Vec<S>; 2],
        acc: Self::Acc<S>,
    ) -> Self::Acc<S> {
        let acc = Self::multiply_add(s, left[0], right[0], acc);
        Self::multiply_add(s, left[1], right[1], acc)
    }
}

/// [`Format::accumulate`] of such a format.
#[inline(always)]
unsafe fn unit_by_unit<F: UnitByUnit, S: Simd, const MR: usize, const NV: usize>(
    s: S,
    acc: &mut [[F::Acc<S>; NV]; MR],
    factors: Factors<MR>,
) {
    let Factors {
        units,
        mut a,
        rows,
        a_col,
        mut b,
        b_row,
        together,
        mut next,
        next_step,
    } = factors;
    // Loops and macros, not closures: a closure that is not inlined would be compiled for any processor.
    macro_rules! load {
        ($b:expr) => {{
            let mut vecs = [F::load(s, $b); NV];
            for j in 1..NV {
                vecs[j] = F::load(s, $b.add(j * S::LANES));
            }
            vecs
        }};
    }
    macro_rules! unit {
        () => {
            // SAFETY: the block lies inside its factors.
            unsafe {
                let vecs = load!(b);
                for i in 0..MR {
                    let splat = F::splat(s, *a.add(rows[i]));
                    for j in 0..NV {
                        acc[i][j] = F::multiply_add(s, splat, vecs[j], acc[i][j]);
                    }
                }
            }
            a = a.wrapping_add(a_col);
            b = b.wrapping_add(b_row);
        };
    }
    macro_rules! two_units {
        () => {
            // SAFETY: as above.
            unsafe {
                let vecs = [load!(b), load!(b.add(b_row))];
                for i in 0..MR {
                    let at = rows[i];
                    let splats = [F::splat(s, *a.add(at)), F::splat(s, *a.add(at + a_col))];
                    for j in 0..NV {
                        acc[i][j] =
                            F::multiply_add_two(s, splats, [vecs[0][j], vecs[1][j]], acc[i][j]);
                    }
                }
            }
            a = a.wrapping_add(2 * a_col);
            b = b.wrapping_add(2 * b_row);
        };
    }
    for _ in 0..units / together {
        if next_step > 0 {
            // Seldom more than a line for so many units.
            s.prefetch(next);
            next = next.wrapping_add(together * next_step);
        }
        if F::in_twos::<S>() && together.is_multiple_of(2) {
            for _ in 0..together / 2 {
                two_units!();
            }
        } else {
            for _ in 0..together {
                unit!();
            }
        }
    }
    for _ in 0..units % together {
        unit!();
    }
}

/// Floats.
#[derive(Clone, Copy)]
pub struct F32;

impl Format for F32 {
    type Acc<S: Simd> = S::F;
    type Uses = Floats;
    #[inline(always)]
    unsafe fn start<S: Simd>(self, s: S, _: usize, _: usize) -> S::F {
        s.splat(0.0)
    }
    #[inline(always)]
    unsafe fn accumulate<S: Simd, const MR: usize, const NV: usize>(
        s: S,
        acc: &mut [[Self::Acc<S>; NV]; MR],
        factors: Factors<MR>,
    ) {
        // SAFETY: the caller's promise.
        unsafe { unit_by_unit::<Self, S, MR, NV>(s, acc, factors) }
    }
    #[inline(always)]
    unsafe fn finish<S: Simd>(self, _: S, acc: S::F, _: usize, _: usize) -> S::F {
        acc
    }
}

impl UnitByUnit for F32 {
    type Vec<S: Simd> = S::F;
    #[inline(always)]
    unsafe fn load<S: Simd>(s: S, p: *const u32) -> S::F {
        // SAFETY: the caller's promise.
        unsafe { s.load(p.cast()) }
    }
    #[inline(always)]
    fn splat<S: Simd>(s: S, unit: u32) -> S::F {
        s.splat(f32::from_bits(unit))
    }
    #[inline(always)]
    fn multiply_add<S: Simd>(s: S, left: S::F, right: S::F, acc: S::F) -> S::F {
        s.fma(left, right, acc)
    }
}

/// Pairs of bfloat16, summed as floats.
#[derive(Clone, Copy)]
pub struct Bf16;

impl Format for Bf16 {
    type Acc<S: Simd> = S::F;
    type Uses = Bf16s;
    #[inline(always)]
    unsafe fn start<S: Simd>(self, s: S, _: usize, _: usize) -> S::F {
        s.splat(0.0)
    }
    #[inline(always)]
    unsafe fn accumulate<S: Simd, const MR: usize, const NV: usize>(
        s: S,
        acc: &mut [[Self::Acc<S>; NV]; MR],
        factors: Factors<MR>,
    ) {
        // SAFETY: the caller's promise.
        unsafe { unit_by_unit::<Self, S, MR, NV>(s, acc, factors) }
    }
    #[inline(always)]
    unsafe fn finish<S: Simd>(self, _: S, acc: S::F, _: usize, _: usize) -> S::F {
        acc
    }
}

impl UnitByUnit for Bf16 {
    type Vec<S: Simd> = S::I;
    #[inline(always)]
    unsafe fn load<S: Simd>(s: S, p: *const u32) -> S::I {
        // SAFETY: the caller's promise.
        unsafe { s.load_units(p) }
    }
    #[inline(always)]
    fn splat<S: Simd>(s: S, unit: u32) -> S::I {
        s.splat_unit(unit)
    }
    #[inline(always)]
    fn multiply_add<S: Simd>(s: S, left: S::I, right: S::I, acc: S::F) -> S::F {
        s.dot2(acc, left, right)
    }
}

/// Fours of 8-bit integers: activations with a scale each row of their matrix (and the zero point of the instruction
/// set), weights with a scale each output.
///
/// With `WEIGHTS_LEFT`, weights are the left factor and activations the right; otherwise the other way round.
#[derive(Clone, Copy)]
pub struct Int8<const WEIGHTS_LEFT: bool> {
    /// For each row of the left factor.
    pub row_scales: *const f32,
    /// For each column of the right factor, padded to whole vectors.
    pub col_scales: *const f32,
    /// For each output: minus the zero point of the activations times the sum of the weights.
    pub starts: *const u32,
}

impl<const WEIGHTS_LEFT: bool> Format for Int8<WEIGHTS_LEFT> {
    type Acc<S: Simd> = S::I;
    type Uses = Bytes;
    #[inline(always)]
    unsafe fn start<S: Simd>(self, s: S, row: usize, col: usize) -> S::I {
        // SAFETY: there is a start for each output, padded to whole vectors.
        unsafe {
            if WEIGHTS_LEFT {
                s.splat_unit(*self.starts.add(row))
            } else {
                s.load_units(self.starts.add(col))
            }
        }
    }
    #[inline(always)]
    unsafe fn accumulate<S: Simd, const MR: usize, const NV: usize>(
        s: S,
        acc: &mut [[Self::Acc<S>; NV]; MR],
        factors: Factors<MR>,
    ) {
        // SAFETY: the caller's promise.
        unsafe { unit_by_unit::<Self, S, MR, NV>(s, acc, factors) }
    }
    #[inline(always)]
    unsafe fn finish<S: Simd>(self, s: S, acc: S::I, row: usize, col: usize) -> S::F {
        // SAFETY: there is a scale for each row, and for each column, padded to whole vectors.
        unsafe {
            let scale = s.mul(
                s.splat(*self.row_scales.add(row)),
                s.load(self.col_scales.add(col)),
            );
            s.mul(s.to_f32(acc), scale)
        }
    }
}

impl<const WEIGHTS_LEFT: bool> UnitByUnit for Int8<WEIGHTS_LEFT> {
    type Vec<S: Simd> = S::I;
    #[inline(always)]
    unsafe fn load<S: Simd>(s: S, p: *const u32) -> S::I {
        // SAFETY: the caller's promise.
        unsafe { s.load_units(p) }
    }
    #[inline(always)]
    fn splat<S: Simd>(s: S, unit: u32) -> S::I {
        s.splat_unit(unit)
    }
    #[inline(always)]
    fn multiply_add<S: Simd>(s: S, left: S::I, right: S::I, acc: S::I) -> S::I {
        if WEIGHTS_LEFT {
            s.dot4(acc, right, left)
        } else {
            s.dot4(acc, left, right)
        }
    }
    #[inline(always)]
    fn in_twos<S: Simd>() -> bool {
        S::DOT8
    }
    #[inline(always)]
    fn multiply_add_two<S: Simd>(s: S, left: [S::I; 2], right: [S::I; 2], acc: S::I) -> S::I {
        if WEIGHTS_LEFT {
            s.dot8(acc, right, left)
        } else {
            s.dot8(acc, left, right)
        }
    }
}
