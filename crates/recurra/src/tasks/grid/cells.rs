//! A grid of numbered symbols.

use super::Shape;

/// Cells in reading order, each the number of its symbol.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Grid {
    pub(super) shape: Shape,
    /// As many as the shape has.
    pub(super) cells: Vec<u8>,
}
