//! What all readers of puzzles share: lines, characters, tables.

pub(super) mod csv;
pub(super) mod glyph;
pub(super) mod lines;
