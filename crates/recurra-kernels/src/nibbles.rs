//! Products with 4-bit weights that stay as they are in memory and are taken apart in registers.
//!
//! A group of 32 inputs ([`Q4Weights::GROUP`](super::Q4Weights::GROUP)) is small enough for sums of 16 bits: they are
//! widened once a group, by a multiplication with the group's multiplier, and not once a unit as those of 8-bit weights.
//! So it is faster than these where products of bytes give sums of 16 bits, and half as large. The results are the same.

use super::Q4Weights;
use super::format::{Factors, Format, Int8};
use super::simd::{Nibbles, Simd};

/// Units of a left factor's row in a group.
const UNITS: usize = Q4Weights::GROUP / 4;

/// Units of an output in a group: each of the first holds two units of weights, the first in the low halves of its
/// bytes; the last holds the multiplier twice.
const PACKED: usize = UNITS / 2 + 1;

/// Unit `i` of output `row`, packed. Weights behind the last are zero.
pub fn packed_unit(w: &Q4Weights, row: usize, i: usize) -> u32 {
    let (group, part) = (i / PACKED, i % PACKED);
    if part == PACKED - 1 {
        let multiplier = w.multipliers[row * Q4Weights::groups(w.cols) + group];
        return u32::from(multiplier) * 0x1_0001;
    }
    let nibble = |col: usize| match col < w.cols {
        true => w.nibble(row, col),
        false => 8,
    };
    let first = group * Q4Weights::GROUP + 8 * part;
    u32::from_le_bytes([0, 1, 2, 3].map(|t| nibble(first + t) | nibble(first + 4 + t) << 4))
}

/// Units of an output of `inputs` inputs, packed.
pub fn packed_units(inputs: usize) -> usize {
    Q4Weights::groups(inputs) * PACKED
}

/// 8-bit activations, the left factor, and 4-bit weights with a multiplier each group and a scale each output.
///
/// Rows of the left factor reach to the end of the last group: what stands behind their end meets zeros.
#[derive(Clone, Copy)]
pub struct Int4(pub Int8<false>);

impl Format for Int4 {
    type Acc<S: Simd> = S::I;
    type Uses = Nibbles;
    // A vector of sums has two registers, and one of them is often in memory.
    const ROWS: usize = 5;
    #[inline(always)]
    fn right_units(units: usize) -> usize {
        units.div_ceil(UNITS) * PACKED
    }
    #[inline(always)]
    unsafe fn start<S: Simd>(self, s: S, row: usize, col: usize) -> S::I {
        // SAFETY: passed on.
        unsafe { self.0.start(s, row, col) }
    }
    #[inline(always)]
    unsafe fn accumulate<S: Simd, const MR: usize, const NV: usize>(
        s: S,
        acc: &mut [[S::I; NV]; MR],
        factors: Factors<MR>,
    ) {
        let Factors {
            units,
            mut a,
            rows,
            a_col,
            mut b,
            b_row,
            mut next,
            next_step,
            ..
        } = factors;
        debug_assert_eq!(a_col, 1);
        for _ in 0..units.div_ceil(UNITS) {
            if next_step > 0 {
                s.prefetch(next);
                next = next.wrapping_add(UNITS * next_step);
            }
            let mut sums = [[s.splat_unit(0); NV]; MR];
            // Written out, so that all steps are known.
            macro_rules! pairs {
                ($($pair:literal)*) => {$(
                    let mut vecs = [[s.splat_unit(0); 2]; NV];
                    for j in 0..NV {
                        // SAFETY: the block lies inside its factors.
                        vecs[j] = s.nibbles(unsafe { s.load_units(b.add(j * S::LANES)) });
                    }
                    for half in 0..2 {
                        for i in 0..MR {
                            // SAFETY: as above.
                            let splat = s.splat_unit(unsafe { *a.add(rows[i] + 2 * $pair + half) });
                            for j in 0..NV {
                                sums[i][j] = s.dot_pairs(sums[i][j], splat, vecs[j][half]);
                            }
                        }
                    }
                    b = b.wrapping_add(b_row);
                )*};
            }
            pairs!(0 1 2 3);
            let mut multipliers = [s.splat_unit(0); NV];
            for j in 0..NV {
                // SAFETY: as above.
                multipliers[j] = unsafe { s.load_units(b.add(j * S::LANES)) };
            }
            for i in 0..MR {
                for j in 0..NV {
                    acc[i][j] = s.add_products(acc[i][j], sums[i][j], multipliers[j]);
                }
            }
            b = b.wrapping_add(b_row);
            a = a.wrapping_add(UNITS);
        }
    }
    #[inline(always)]
    unsafe fn finish<S: Simd>(self, s: S, acc: S::I, row: usize, col: usize) -> S::F {
        // SAFETY: passed on.
        unsafe { self.0.finish(s, acc, row, col) }
    }
}
