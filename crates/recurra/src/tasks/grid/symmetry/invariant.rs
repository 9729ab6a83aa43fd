//! What all images of a grid have in common, where they are too many to try.

use crate::hash::class_of_bytes;
use crate::tasks::grid::cells::Grid;

/// Rounds of refinement: a cell then knows of all cells that it is linked with in a few ways.
const ROUNDS: usize = 3;

fn mix(parts: [u64; 3]) -> u64 {
    class_of_bytes(parts.into_iter().flat_map(u64::to_le_bytes))
}

/// A hash of the colours that cells get by refinement: a cell is told from another by the colours in its row, its
/// column (rows and columns alike, so that they may be exchanged) and of its symbol. No order plays a part.
pub(super) fn fingerprint(grid: &Grid, sets: &[Vec<u8>]) -> [u8; 8] {
    let cols = grid.shape.cols();
    // Symbols that can be exchanged begin with the same colour.
    let kind = |symbol: u8| match sets.iter().position(|set| set.contains(&symbol)) {
        Some(set) => 256 + set as u64,
        None => u64::from(symbol),
    };
    let mut colours: Vec<u64> = grid
        .cells
        .iter()
        .map(|&cell| mix([kind(cell), 0, 0]))
        .collect();
    for _ in 0..ROUNDS {
        let mut rows = vec![0u64; grid.shape.rows()];
        let mut columns = vec![0u64; cols];
        let mut symbols = [0u64; 256];
        for (cell, &colour) in colours.iter().enumerate() {
            for sum in [
                &mut rows[cell / cols],
                &mut columns[cell % cols],
                &mut symbols[usize::from(grid.cells[cell])],
            ] {
                *sum = sum.wrapping_add(mix([colour, 1, 0]));
            }
        }
        for (cell, colour) in colours.iter_mut().enumerate() {
            let lines =
                mix([rows[cell / cols], 2, 0]).wrapping_add(mix([columns[cell % cols], 2, 0]));
            *colour = mix([*colour, lines, symbols[usize::from(grid.cells[cell])]]);
        }
    }
    let sum = colours
        .iter()
        .fold(0u64, |sum, &colour| sum.wrapping_add(mix([colour, 3, 0])));
    sum.to_le_bytes()
}
