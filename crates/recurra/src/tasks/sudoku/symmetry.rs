//! The symmetries of Sudoku: what can be done to a puzzle without changing what kind of puzzle it is.

use rand::Rng;
use rand::RngExt;
use rand::seq::SliceRandom;

use super::{Grid, Sudoku};

/// A relabelling of the digits together with a permutation of the cells that maps rows, columns and
/// boxes to rows, columns and boxes: bands, stacks, rows within bands and columns within stacks are
/// permuted, and rows exchanged with columns where boxes are square.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symmetry {
    sudoku: Sudoku,
    /// For each cell of the image, the cell it comes from.
    from: [u8; 256],
    /// What each digit becomes; 0 stays 0.
    digits: [u8; 17],
}

impl Symmetry {
    /// The symmetry that changes nothing.
    pub fn identity(sudoku: Sudoku) -> Self {
        Symmetry {
            sudoku,
            from: std::array::from_fn(|cell| cell as u8),
            digits: std::array::from_fn(|digit| digit as u8),
        }
    }

    /// A random symmetry; every one is equally likely.
    pub fn random<R: Rng + ?Sized>(sudoku: Sudoku, rng: &mut R) -> Self {
        let size = sudoku.size();
        let mut digits = std::array::from_fn(|digit| digit as u8);
        digits[1..=size].shuffle(rng);
        let mut rows = [0u8; 16];
        lines(&mut rows[..size], sudoku.box_rows(), rng);
        let mut cols = [0u8; 16];
        lines(&mut cols[..size], sudoku.box_cols(), rng);
        let transpose = sudoku.transposes() && rng.random::<bool>();
        Self::of_lines(sudoku, &rows, &cols, transpose, digits)
    }

    /// The symmetry whose image has these lines: `rows` says where each row comes from, `cols` each
    /// column. When transposing, rows come from columns and columns from rows. Bands must stay together.
    pub(super) fn of_lines(
        sudoku: Sudoku,
        rows: &[u8; 16],
        cols: &[u8; 16],
        transpose: bool,
        digits: [u8; 17],
    ) -> Self {
        let mut symmetry = Self::identity(sudoku);
        symmetry.digits = digits;
        for cell in 0..sudoku.cells() {
            let (row, col) = (rows[sudoku.row(cell)], cols[sudoku.col(cell)]);
            let (row, col) = if transpose { (col, row) } else { (row, col) };
            symmetry.from[cell] = row * sudoku.size() as u8 + col;
        }
        symmetry
    }

    /// The kind of Sudoku this is a symmetry of.
    pub fn sudoku(&self) -> Sudoku {
        self.sudoku
    }

    /// What a digit becomes. Blank stays blank, and what is no digit becomes blank.
    pub fn digit(&self, digit: u8) -> u8 {
        let digits = &self.digits[..=self.sudoku.size()];
        digits.get(usize::from(digit)).copied().unwrap_or(0)
    }

    /// The image of a grid. A grid of another size is returned unchanged.
    pub fn apply(&self, grid: &Grid) -> Grid {
        let mut image = grid.clone();
        if grid.sudoku() == self.sudoku {
            self.apply_into(grid.cells(), image.cells_mut());
        }
        image
    }

    /// The image of cells (0 for blank, else a digit), written over `image`. Allocates nothing. Cells
    /// that are missing count as blank, as do values that are no digit.
    pub fn apply_into(&self, cells: &[u8], image: &mut [u8]) {
        for (place, &from) in image.iter_mut().zip(&self.from[..self.sudoku.cells()]) {
            *place = self.digit(cells.get(usize::from(from)).copied().unwrap_or(0));
        }
    }

    /// The symmetry that undoes this one.
    pub fn inverse(&self) -> Self {
        let mut inverse = Self::identity(self.sudoku);
        for (cell, &from) in self.from.iter().enumerate() {
            inverse.from[usize::from(from)] = cell as u8;
        }
        for (digit, &becomes) in self.digits.iter().enumerate() {
            inverse.digits[usize::from(becomes)] = digit as u8;
        }
        inverse
    }

    /// First this symmetry, then the other. None where they are of different sizes.
    pub fn then(&self, next: &Symmetry) -> Option<Self> {
        (self.sudoku == next.sudoku).then(|| Symmetry {
            sudoku: self.sudoku,
            from: next.from.map(|cell| self.from[usize::from(cell)]),
            digits: self.digits.map(|digit| next.digits[usize::from(digit)]),
        })
    }
}

/// Rows (or columns) in random order, those of one band staying together.
fn lines<R: Rng + ?Sized>(order: &mut [u8], band: usize, rng: &mut R) {
    let mut bands = [0u8, 1, 2, 3];
    bands[..order.len() / band].shuffle(rng);
    for (lines, &from) in order.chunks_mut(band).zip(&bands) {
        for (i, line) in lines.iter_mut().enumerate() {
            *line = from * band as u8 + i as u8;
        }
        lines.shuffle(rng);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::sudoku::{rules, solutions, solver};
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use std::collections::HashSet;

    /// A size, some symmetries of it, and a grid with any cells.
    fn case() -> impl Strategy<Value = ([Symmetry; 3], Grid, ChaCha8Rng)> {
        (0..4usize, any::<u64>()).prop_map(|(kind, seed)| {
            let sudoku = Sudoku::ALL[kind];
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let symmetries = std::array::from_fn(|_| Symmetry::random(sudoku, &mut rng));
            let cells = (0..sudoku.cells()).map(|_| rng.random_range(0..=sudoku.size() as u8));
            let grid = Grid::new(sudoku, cells.collect()).unwrap();
            (symmetries, grid, rng)
        })
    }

    proptest! {
        #![proptest_config(crate::testing::cases(200))]

        #[test]
        fn group([a, b, c] in case().prop_map(|c| c.0), grid in case().prop_map(|c| c.1)) {
            let id = Symmetry::identity(a.sudoku());
            prop_assert_eq!(&a.then(&a.inverse()).unwrap(), &id);
            prop_assert_eq!(&a.inverse().then(&a).unwrap(), &id);
            let left = a.then(&b).unwrap().then(&c).unwrap();
            let right = a.then(&b.then(&c).unwrap()).unwrap();
            prop_assert_eq!(left, right);
            if grid.sudoku() == a.sudoku() {
                prop_assert_eq!(id.apply(&grid), grid);
            } else {
                prop_assert_eq!(a.apply(&grid), grid);
            }
        }

        #[test]
        fn applying(([a, b, _], grid, _) in case()) {
            prop_assert_eq!(&a.inverse().apply(&a.apply(&grid)), &grid);
            prop_assert_eq!(a.then(&b).unwrap().apply(&grid), b.apply(&a.apply(&grid)));
        }

        #[test]
        fn validity_stays(([a, ..], grid, mut rng) in case()) {
            prop_assert_eq!(rules::clashes(&grid).is_some(), rules::clashes(&a.apply(&grid)).is_some());
            let solved = solutions::random_solution(a.sudoku(), &mut rng);
            prop_assert!(rules::is_solved(&a.apply(&solved)));
        }

        #[test]
        fn the_number_of_solutions_stays(([a, ..], _, mut rng) in case()) {
            let mut grid = solutions::random_solution(a.sudoku(), &mut rng);
            for cell in 0..grid.sudoku().cells() {
                if rng.random_range(0..100) < 55 {
                    grid.set(cell, 0);
                }
            }
            let count = solver::count_solutions(&grid, 20, Some(50_000));
            let image = solver::count_solutions(&a.apply(&grid), 20, Some(50_000));
            if let (Some(count), Some(image)) = (count, image) {
                prop_assert_eq!(count, image);
            }
        }

        #[test]
        fn any_bytes(([a, ..], ..) in case(), bytes in prop::collection::vec(any::<u8>(), 0..300),
                     mut image in prop::collection::vec(any::<u8>(), 0..300)) {
            a.apply_into(&bytes, &mut image);
            let cells = &image[..image.len().min(a.sudoku().cells())];
            prop_assert!(cells.iter().all(|&digit| usize::from(digit) <= a.sudoku().size()));
        }
    }

    #[test]
    fn the_smallest_size_has_two_classes() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let first = &solutions::all_4x4()[0];
        let images: HashSet<_> = (0..10_000)
            .map(|_| Symmetry::random(first.sudoku(), &mut rng).apply(first))
            .collect();
        assert!(
            images.len() == 96 || images.len() == 192,
            "{}",
            images.len()
        );
    }

    #[test]
    fn boxes_that_are_not_square_are_not_transposed() {
        let six = Sudoku::new(6).unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        for _ in 0..200 {
            let symmetry = Symmetry::random(six, &mut rng);
            let rows: HashSet<_> = symmetry.from[..6].iter().map(|&cell| cell / 6).collect();
            assert_eq!(rows.len(), 1, "a row came from several rows");
        }
    }
}
