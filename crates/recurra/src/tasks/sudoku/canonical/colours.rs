//! Colours that tell lines apart by what they hold, and never by where they are.
//!
//! Colours are hashes. Two lines of equal colour may yet be different (the search finds out), and a
//! collision does no more harm than that; but the same line in a symmetric image of the grid always
//! has the same colour, and that is all that the search needs to be exact.

use super::figure::{COLS, Figure, LINES};

/// The colours of a figure's lines, digits and boxes.
#[derive(Clone, Debug)]
pub(super) struct Colours {
    pub(super) lines: [u64; LINES],
    digits: [u64; 16],
    squares: [u64; 16],
    /// Pairs of lines of one side that have one colour.
    pub(super) ties: u32,
    /// The same of lines and digits: what a round has to lessen, or it was the last.
    all_ties: u32,
}

impl Colours {
    /// As much as can be told without a choice.
    pub(super) fn of(figure: &Figure) -> Self {
        let mut colours = Colours {
            lines: [1; LINES],
            digits: [2; 16],
            squares: [3; 16],
            ties: u32::MAX,
            all_ties: u32::MAX,
        };
        if !figure.sudoku.transposes() {
            colours.lines[COLS..].fill(4);
        }
        colours.refine(figure);
        colours
    }

    /// These colours after one line, or all lines of a side, were told from the others.
    pub(super) fn with(&self, figure: &Figure, chosen: std::ops::Range<usize>) -> Self {
        let mut colours = self.clone();
        for line in chosen {
            colours.lines[line] = mix(!self.lines[line]);
        }
        colours.refine(figure);
        colours
    }

    /// One number for the colours of a side. It depends on no order.
    pub(super) fn sum(&self, figure: &Figure, side: usize) -> u64 {
        figure.side(side).fold(0, |sum, line| {
            sum.wrapping_add(mix(self.lines[line] ^ 0x9e37_79b9_7f4a_7c15))
        })
    }

    /// The side and the colour of the most lines that have one colour, which splits most when one of them is
    /// chosen. Of several, the one on the first of these sides, then the least colour.
    pub(super) fn largest_class(&self, figure: &Figure, sides: [usize; 2]) -> (usize, u64) {
        let (mut most, mut class) = (0, (sides[0], u64::MAX));
        for side in sides {
            let lines = &self.lines[figure.side(side)];
            for &colour in lines {
                let count = lines.iter().filter(|&&other| other == colour).count();
                if count > most || (count == most && side == class.0 && colour < class.1) {
                    (most, class) = (count, (side, colour));
                }
            }
        }
        class
    }

    /// Lets colours spread along the givens until they tell no more apart.
    fn refine(&mut self, figure: &Figure) {
        loop {
            self.round(figure);
            let before = self.all_ties;
            self.ties = pairs(&self.lines[figure.side(0)]) + pairs(&self.lines[figure.side(1)]);
            self.all_ties = self.ties + pairs(&self.digits[..figure.digits]);
            if self.ties == 0 || self.all_ties == before {
                return;
            }
        }
    }

    fn round(&mut self, figure: &Figure) {
        let (mut lines, mut digits, mut squares) = ([0u64; LINES], [0u64; 16], [0u64; 16]);
        for given in &figure.givens {
            let (row, col) = (
                usize::from(given.row) % LINES,
                usize::from(given.col) % LINES,
            );
            let (digit, square) = (
                usize::from(given.digit) % 16,
                usize::from(given.square) % 16,
            );
            let joined = mix(self.lines[row]
                .wrapping_add(self.lines[col])
                .wrapping_add(self.digits[digit])
                .wrapping_add(self.squares[square]));
            for sum in [&mut digits[digit], &mut squares[square]] {
                *sum = sum.wrapping_add(joined);
            }
            for line in [row, col] {
                lines[line] = lines[line].wrapping_add(joined);
            }
        }
        for side in [0, 1] {
            let mut bands = [0u64; 16];
            for line in figure.side(side) {
                lines[line] = mix(lines[line].wrapping_add(self.lines[line]));
                let band = &mut bands[usize::from(figure.bands[line]) % 16];
                *band = band.wrapping_add(lines[line]);
            }
            for line in figure.side(side) {
                let band = bands[usize::from(figure.bands[line]) % 16];
                self.lines[line] =
                    lines[line].wrapping_add(band.wrapping_mul(0xd6e8_feb8_6659_fd93));
            }
        }
        for (colour, sum) in self.digits.iter_mut().zip(digits) {
            *colour = mix(colour.wrapping_mul(5).wrapping_add(sum));
        }
        self.squares = squares.map(|sum| mix(!sum));
    }
}

/// Equal pairs.
fn pairs(colours: &[u64]) -> u32 {
    let mut pairs = 0;
    for (i, a) in colours.iter().enumerate() {
        for b in &colours[..i] {
            pairs += u32::from(a == b);
        }
    }
    pairs
}

/// A bijection that looks random.
fn mix(x: u64) -> u64 {
    let x = (x ^ (x >> 32)).wrapping_mul(0xe703_7ed1_a0b4_28db);
    x ^ (x >> 29)
}
