//! Whether two grids are images of each other, found by trying: slow, and written without the canonical form.

use recurra::tasks::sudoku::Grid;

/// What all images of a grid have in common: how many givens share a line, box, band or digit with each.
pub(crate) fn profile(grid: &Grid) -> Vec<[u8; 4]> {
    let sudoku = grid.sudoku();
    let count = |same: &dyn Fn(usize) -> bool| {
        let cells = (0..sudoku.cells()).filter(|&cell| grid.get(cell) != 0 && same(cell));
        cells.count() as u8
    };
    let mut profile: Vec<_> = (0..sudoku.cells())
        .filter(|&cell| grid.get(cell) != 0)
        .map(|cell| {
            let (row, col, square) = (sudoku.row(cell), sudoku.col(cell), sudoku.box_of(cell));
            let row = count(&|other| sudoku.row(other) == row);
            let col = count(&|other| sudoku.col(other) == col);
            let square = count(&|other| sudoku.box_of(other) == square);
            let digit = count(&|other| grid.get(other) == grid.get(cell));
            [row.min(col), row.max(col), square, digit]
        })
        .collect();
    profile.sort_unstable();
    profile
}

/// Whether a symmetry maps one grid to the other.
pub(crate) fn same_class(a: &Grid, b: &Grid) -> bool {
    let sudoku = a.sudoku();
    let size = sudoku.size();
    let rows =
        |grid: &Grid| -> Vec<Vec<u8>> { grid.cells().chunks(size).map(<[u8]>::to_vec).collect() };
    let (upright, target) = (rows(a), rows(b));
    let turned = (0..size).map(|col| upright.iter().map(|row| row[col]).collect());
    let turned: Vec<Vec<u8>> = turned.collect();
    let matches = |rows| {
        let matching = Matching {
            rows,
            target: &target,
            bands: [sudoku.box_rows(), sudoku.box_cols()],
        };
        matching.rows(&mut Vec::new())
    };
    matches(&upright) || sudoku.transposes() && matches(&turned)
}

struct Matching<'a> {
    rows: &'a [Vec<u8>],
    target: &'a [Vec<u8>],
    bands: [usize; 2],
}

impl Matching<'_> {
    /// Tries all rows for the next one.
    fn rows(&self, order: &mut Vec<usize>) -> bool {
        let Some(target) = self.target.get(order.len()) else {
            return self.cols(order, &mut Vec::new(), [0; 17]);
        };
        let givens = |row: &[u8]| row.iter().filter(|&&digit| digit != 0).count();
        (0..self.rows.len()).any(|row| {
            let fits = fits(order, row, self.bands[0]) && givens(&self.rows[row]) == givens(target);
            fits && {
                order.push(row);
                let found = self.rows(order);
                order.pop();
                found
            }
        })
    }

    /// Tries all columns for the next one, where `digits` says what each digit of the target was.
    fn cols(&self, rows: &[usize], order: &mut Vec<usize>, digits: [u8; 17]) -> bool {
        let next = order.len();
        if next == self.rows.len() {
            return true;
        }
        (0..self.rows.len()).any(|col| {
            let mut digits = digits;
            let fits = fits(order, col, self.bands[1])
                && rows.iter().zip(self.target).all(|(&row, target)| {
                    let (digit, image) = (self.rows[row][col], target[next]);
                    match digits[usize::from(image)] {
                        _ if digit == 0 || image == 0 => digit == image,
                        0 if !digits.contains(&digit) => {
                            digits[usize::from(image)] = digit;
                            true
                        }
                        known => known == digit,
                    }
                });
            fits && {
                order.push(col);
                let found = self.cols(rows, order, digits);
                order.pop();
                found
            }
        })
    }
}

/// Whether a line can come next: it is new, and its band is the last one's, or new where a band begins.
fn fits(order: &[usize], line: usize, band: usize) -> bool {
    let here = |other: &usize| other / band == line / band;
    match order.len() % band {
        0 => !order.iter().any(here),
        _ => !order.contains(&line) && order.last().is_some_and(here),
    }
}
