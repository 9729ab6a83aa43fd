//! One grid for all that are the same puzzle: what a cache looks up.
//!
//! Nothing is solved. Lines (rows and columns), digits and boxes get colours by what they share (`colours`).
//! Where that leaves lines alike, one of them is chosen and colours are refined again, for each that could
//! be chosen: a tree whose leaves are grids (`leaf`), and the least of them is the canonical one (`search`).
//! Two equal leaves are a symmetry of the grid itself, and choices that it exchanges are made once.
//!
//! This is canonical labelling by individualisation and refinement (McKay and Piperno, *Practical graph
//! isomorphism, II*, 2014), for a structure so small that it is quicker to colour it anew than to keep
//! track of what has changed.

mod colours;
mod figure;
mod leaf;
mod search;
#[cfg(test)]
mod tests;

use super::{Grid, Symmetry};
pub use search::Canonizer;

/// The grid that stands for all symmetric images of a grid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canonical {
    /// The same grid for two grids if and only if a [`Symmetry`] maps one to the other. Its digits are
    /// numbered in the order of reading.
    pub grid: Grid,
    /// Maps the grid that was asked about to the canonical one.
    pub symmetry: Symmetry,
}

/// The canonical form of a grid, which may have clashes. None where it would cost more than
/// [`Canonizer::LIMIT`], for all symmetric images of a grid alike; no such grid is known.
///
/// ```
/// use recurra::tasks::sudoku::{Grid, canonical::canonical};
///
/// let question: Grid = "1..2..3.........".parse().unwrap();
/// let image: Grid = ".........4..3..2".parse().unwrap();
/// let form = canonical(&question).unwrap();
/// assert_eq!(form.symmetry.apply(&question), form.grid);
/// assert_eq!(canonical(&image).unwrap().grid, form.grid);
/// ```
pub fn canonical(grid: &Grid) -> Option<Canonical> {
    Canonizer::new().canonical(grid)
}
