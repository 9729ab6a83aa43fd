//! Puzzles from files: what stands in them and where, in every format; no puzzle is known here.
//!
//! A stream may be packed, or in UTF-16, or an array: `source.rs` finds out by its beginning, and everything behind it reads text.
//! A text is a table (CSV with a header), JSON, or plain lines, of which several may draw one grid: its first line
//! shows which. A [`Reader`] finds the fields and their places, and the [`Notation`] of a task says what they mean.
//! What cannot be read gives one error that says where ([`InputError`]), and reading goes on after it. Memory is bounded:
//! too long a line is an error and is not kept. Folders of arrays are read by [`arrays`].

pub mod arrays;
mod content;
mod dialect;
mod glyph;
mod json;
mod lines;
mod place;
mod reader;
mod row;
mod source;
mod table;
#[cfg(test)]
mod tests;
mod text;
mod values;

pub use content::Content;
#[cfg(feature = "files")]
pub(crate) use content::PARQUET;
pub use dialect::Dialect;
pub use glyph::{Glyph, glyphs};
pub use lines::{Line, Lines};
pub use place::{InputError, Place};
pub use reader::{Entry, Notation, Read, Reader, Record};
pub use row::{Cell, Field, Given, JsonRow, Listed};
pub use text::Text;
pub(crate) use text::quoted;

#[cfg(test)]
pub(crate) use reader::is_header;
