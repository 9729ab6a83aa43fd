//! Grids as tokens of a model and back.
//!
//! A grid lies on a canvas of 30x30 places: 0 for nothing, 1 for its end, `c + 2` for colour `c`. Its end is marked in
//! the row below it and in the column right of it, where the canvas has them; the corner between the two stays empty.

use super::Grid;
use super::grid::{COLOURS, SIDE};
use super::task::Pair;
use rand::Rng;

/// Places of the canvas.
pub const SEQ_LEN: usize = SIDE * SIDE;
/// Tokens there are.
pub const VOCAB_SIZE: usize = FIRST_COLOUR as usize + COLOURS as usize;
/// Nothing.
pub const PAD: u16 = 0;
/// The end of a grid.
pub const END: u16 = 1;
/// Colour 0.
pub const FIRST_COLOUR: u16 = 2;

/// How far a grid is moved from the upper left corner of the canvas.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shift {
    /// Rows down.
    pub down: usize,
    /// Columns to the right.
    pub right: usize,
}

impl Shift {
    /// A random one under which both grids of a pair stay on the canvas; every one is equally likely.
    pub fn random<R: Rng + ?Sized>(pair: &Pair, rng: &mut R) -> Self {
        let Pair { input, output } = pair;
        let mut below = |side: usize| (rng.next_u64() % (SIDE - side + 1) as u64) as usize;
        Shift {
            down: below(input.rows().max(output.rows())),
            right: below(input.cols().max(output.cols())),
        }
    }
}

/// Writes a grid as [`SEQ_LEN`] tokens. It is moved no further than to the edge of the canvas.
pub fn encode(grid: &Grid, shift: Shift, tokens: &mut Vec<u16>) {
    tokens.clear();
    tokens.resize(SEQ_LEN, PAD);
    let top = shift.down.min(SIDE - grid.rows());
    let left = shift.right.min(SIDE - grid.cols());
    let (bottom, right) = (top + grid.rows(), left + grid.cols());
    for (row, line) in grid.lines().enumerate() {
        let start = (top + row) * SIDE + left;
        for (token, &colour) in tokens[start..].iter_mut().zip(line) {
            *token = FIRST_COLOUR + u16::from(colour);
        }
        if right < SIDE {
            tokens[(top + row) * SIDE + right] = END;
        }
    }
    if bottom < SIDE {
        tokens[bottom * SIDE + left..bottom * SIDE + right].fill(END);
    }
}

/// The grid in an answer: the rectangle of the largest area that starts in the upper left corner and holds nothing
/// but colours; of several the one with the fewest rows. None where the corner is no colour.
///
/// Any tokens will do; those that are missing count as no colour.
pub fn crop(tokens: &[u16]) -> Option<Grid> {
    let mut cols = SIDE;
    let mut best = (0, 0);
    for (row, line) in tokens.chunks(SIDE).take(SIDE).enumerate() {
        let colours = line.iter().take_while(|&&token| colour(token).is_some());
        cols = cols.min(colours.count());
        if (row + 1) * cols > best.0 * best.1 {
            best = (row + 1, cols);
        }
    }
    let (rows, cols) = best;
    let lines = tokens.chunks(SIDE).take(rows);
    let cells = lines.flat_map(|line| line[..cols].iter().filter_map(|&token| colour(token)));
    Grid::new(rows, cols, cells.collect())
}

fn colour(token: u16) -> Option<u8> {
    let colour = token.checked_sub(FIRST_COLOUR)?;
    u8::try_from(colour).ok().filter(|&colour| colour < COLOURS)
}
