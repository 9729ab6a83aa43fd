//! The grid that an order of lines makes.

use std::cmp::Ordering;

use super::Canonical;
use super::colours::Colours;
use super::figure::{COLS, Figure, LINES};
use crate::tasks::sudoku::{Grid, Symmetry};

/// A figure all of whose lines are told apart, put in the order of their colours.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    /// The colours of its rows and of its columns.
    sums: [u64; 2],
    /// In reading order; digits are numbered as they appear.
    cells: [u8; 256],
    /// The lines of the grid that became rows, and those that became columns (in the grid, columns have
    /// numbers from [`COLS`]).
    orders: [[u8; 16]; 2],
    /// What the figure's digits became.
    digits: [u8; 16],
}

impl Default for Leaf {
    fn default() -> Self {
        Leaf {
            sums: [0; 2],
            cells: [0; 256],
            orders: [[0; 16]; 2],
            digits: [0; 16],
        }
    }
}

impl Leaf {
    /// Makes this the leaf of these colours, in which this side becomes the rows.
    pub(super) fn fill(&mut self, figure: &Figure, colours: &Colours, first: usize) {
        let size = figure.sudoku.size();
        let sides = [first, 1 - first];
        self.sums = sides.map(|side| colours.sum(figure, side));
        self.orders = sides.map(|side| order(figure, colours, side));
        let mut places = [0u8; LINES];
        for order in &self.orders {
            for (place, &line) in order[..size].iter().enumerate() {
                places[usize::from(line)] = place as u8;
            }
        }
        let places = figure
            .origins
            .map(|origin| usize::from(places[usize::from(origin)]));
        let cells = &mut self.cells[..size * size];
        cells.fill(0);
        for given in &figure.givens {
            let lines = [usize::from(given.row), usize::from(given.col)];
            let [row, col] = sides.map(|side| places[lines[side]]);
            cells[row * size + col] = given.digit + 1;
        }
        self.digits = [0; 16];
        let mut count = 0;
        for cell in cells.iter_mut().filter(|cell| **cell != 0) {
            let digit = &mut self.digits[usize::from(*cell - 1) % 16];
            if *digit == 0 {
                count += 1;
                *digit = count;
            }
            *cell = *digit;
        }
    }

    /// An order of leaves that is the same for every symmetric image of the figure.
    pub(super) fn compare(&self, other: &Leaf) -> Ordering {
        (self.sums, &self.cells).cmp(&(other.sums, &other.cells))
    }

    /// Where each line goes when the other leaf is laid upon this one. It maps the figure to itself, up to
    /// its digits. None where the two grids differ.
    pub(super) fn onto(&self, other: &Leaf) -> Option<[u8; LINES]> {
        if self.compare(other) != Ordering::Equal {
            return None;
        }
        let mut image = std::array::from_fn(|line| line as u8);
        for (from, to) in self
            .orders
            .iter()
            .flatten()
            .zip(other.orders.iter().flatten())
        {
            image[usize::from(*from)] = *to;
        }
        Some(image)
    }

    /// The grid with the symmetry that leads to it.
    pub(super) fn finish(&self, figure: &Figure) -> Canonical {
        let sudoku = figure.sudoku;
        let mut grid = Grid::blank(sudoku);
        grid.cells_mut()
            .copy_from_slice(&self.cells[..sudoku.cells()]);
        // Digits that are not given follow those that are.
        let mut digits = [0u8; 17];
        for (&name, &digit) in figure.names.iter().zip(&self.digits[..figure.digits]) {
            digits[usize::from(name)] = digit;
        }
        let free = digits[1..=sudoku.size()]
            .iter_mut()
            .filter(|digit| **digit == 0);
        for (digit, number) in free.zip(figure.digits as u8 + 1..) {
            *digit = number;
        }
        let transpose = usize::from(self.orders[0][0]) >= COLS;
        let [rows, cols] = self.orders.map(|order| order.map(|line| line % COLS as u8));
        let symmetry = Symmetry::of_lines(sudoku, &rows, &cols, transpose, digits);
        Canonical { grid, symmetry }
    }
}

/// The lines of a side by colour, those of one band together; what has no given goes last.
fn order(figure: &Figure, colours: &Colours, side: usize) -> [u8; 16] {
    const EMPTY: (bool, u64) = (true, 0);
    let (size, band_size) = (figure.sudoku.size(), figure.band_size(side));
    let (mut lines, mut bands) = ([EMPTY; 16], [EMPTY; 16]);
    for line in figure.side(side) {
        let colour = (false, colours.lines[line]);
        let origin = usize::from(figure.origins[line]) - side * COLS;
        lines[origin] = colour;
        let band = &mut bands[origin / band_size];
        *band = colour.min(*band);
    }
    let mut order = [0u8; 16];
    for (origin, line) in order[..size].iter_mut().enumerate() {
        *line = origin as u8;
    }
    order[..size].sort_unstable_by_key(|&origin| {
        let origin = usize::from(origin);
        let band = origin / band_size;
        (bands[band], band, lines[origin], origin)
    });
    order.map(|origin| origin + (side * COLS) as u8)
}
