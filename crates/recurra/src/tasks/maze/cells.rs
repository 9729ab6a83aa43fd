//! A set of a maze's cells, one bit each.

use super::Shape;

/// Words that hold the cells of the largest maze.
const WORDS: usize = Shape::MOST * Shape::MOST / 64;

/// Some cells of a maze, in reading order.
#[derive(Clone)]
pub(super) struct Cells {
    shape: Shape,
    /// One more than can be needed, so that a row is always cut out of two words.
    words: [u64; WORDS + 1],
}

impl Cells {
    /// No cell.
    pub(super) fn none(shape: Shape) -> Self {
        Cells {
            shape,
            words: [0; WORDS + 1],
        }
    }

    /// Becomes the cells of these, 64 at a time, the first in the lowest bit.
    pub(super) fn fill(&mut self, mut word: impl FnMut() -> u64) {
        let count = self.shape.cells();
        for (i, place) in self.words[..count.div_ceil(64)].iter_mut().enumerate() {
            let beyond = (64 * (i + 1)).saturating_sub(count);
            *place = word() & (u64::MAX >> beyond);
        }
    }

    /// Becomes the cells that are not in another set of the same maze.
    pub(super) fn fill_with_others(&mut self, than: &Cells) {
        let mut words = than.words.iter();
        self.fill(|| !words.next().copied().unwrap_or(0));
    }

    /// The maze's size.
    pub(super) fn shape(&self) -> Shape {
        self.shape
    }

    /// Whether a cell is in the set.
    pub(super) fn has(&self, cell: usize) -> bool {
        self.words[cell / 64] >> (cell % 64) & 1 == 1
    }

    /// Puts a cell in or takes it out, if `really`.
    pub(super) fn flip(&mut self, cell: usize, really: bool) {
        self.words[cell / 64] ^= u64::from(really) << (cell % 64);
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        let words = &self.words[..self.shape.cells().div_ceil(64)];
        words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// The cells of one row, the first in the lowest bit.
    pub(super) fn row(&self, row: usize) -> u64 {
        let cols = self.shape.cols();
        let (word, bit) = (row * cols / 64, row * cols % 64);
        // Two shifts, because one by 64 is not allowed.
        let joined = self.words[word] >> bit | self.words[word + 1] << 1 << (63 - bit);
        joined & (u64::MAX >> (64 - cols))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::maze::grid::tests::any_shape;
    use proptest::prelude::*;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    proptest! {
        #![proptest_config(crate::testing::cases(256))]

        #[test]
        fn rows_and_cells_agree(shape in any_shape(), seed in any::<u64>()) {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let mut cells = Cells::none(shape);
            cells.fill(|| rng.next_u64());
            let mut count = 0;
            for row in 0..shape.rows() {
                let bits = cells.row(row);
                count += bits.count_ones() as usize;
                for col in 0..64 {
                    let has = col < shape.cols() && cells.has(row * shape.cols() + col);
                    prop_assert_eq!(bits >> col & 1 == 1, has);
                }
            }
            prop_assert_eq!(cells.count(), count);
            let mut others = cells.clone();
            others.fill_with_others(&cells);
            prop_assert!((0..shape.cells()).all(|cell| others.has(cell) != cells.has(cell)));
            prop_assert_eq!(others.count(), shape.cells() - count);
            let last = shape.cells() - 1;
            let before = cells.has(last);
            cells.flip(last, false);
            prop_assert_eq!(cells.has(last), before);
            cells.flip(last, true);
            prop_assert_eq!(cells.has(last), !before);
        }
    }
}
