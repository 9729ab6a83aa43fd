//! A grid written as text, or as rows of a JSON array.

use super::GridNotation;
use crate::reading::{Given, InputError, JsonRow, Listed, Place, Text, quoted};
use crate::tasks::grid::Shape;
use crate::tasks::grid::cells::Grid;

/// A cell and the byte of the text where it begins.
struct Cell<'a> {
    text: &'a str,
    offset: usize,
}

/// The cells of a row, of which no more are kept than a grid can have, and the one that is too many.
struct Row<'a> {
    /// The byte of the text where it begins.
    start: usize,
    cells: Vec<Cell<'a>>,
    /// How many it has.
    len: usize,
}

/// Rows of cells that are yet to become a grid, of which no more are kept than one can have, and the one that is too many.
pub(super) struct Rows<'a> {
    rows: Vec<Row<'a>>,
    /// How many there are.
    len: usize,
    /// Whether nothing says that it is one row: the cells may be those of another shape.
    pub(super) flat: bool,
    text: Text<'a>,
}

impl Rows<'_> {
    /// Where a cell of a grid with so many columns stands, or the grid.
    pub(super) fn place(&self, cell: Option<usize>, cols: usize) -> Place {
        let cell = cell.and_then(|cell| match self.len {
            1 => self.rows[0].cells.get(cell),
            _ => self.rows.get(cell / cols)?.cells.get(cell % cols),
        });
        self.text
            .place(cell.map_or(self.rows[0].start, |cell| cell.offset))
    }
}

/// The rows of a question or an answer, whose cells may be known to have several characters.
pub(super) fn given(given: &Given, words: bool) -> Result<Rows<'_>, InputError> {
    match given {
        Given::Text(field) => rows(field.text(), words),
        Given::Rows(line, list) => Ok(listed(*line, list, words)),
    }
}

/// The rows of a text: `/` or a new line is between them. Cells of several characters stand apart: where any row has
/// white space or a comma, or with `words`, these are between the cells.
pub(super) fn rows(text: Text<'_>, words: bool) -> Result<Rows<'_>, InputError> {
    let written = text.utf8()?;
    let words = words || split(written).any(|piece| piece.trim().contains(is_between));
    let (pieces, len) = pieces(written);
    let flat = split(written).nth(1).is_none();
    let rows = pieces.into_iter();
    let rows = rows
        .map(|(start, piece)| cells(piece, start, words, flat))
        .collect();
    Ok(Rows {
        rows,
        len,
        flat,
        text,
    })
}

fn split(text: &str) -> impl DoubleEndedIterator<Item = &str> {
    text.split(['/', '\n'])
}

/// The rows of a text, each with the byte where it begins, as many as are kept, and how many there are.
fn pieces(text: &str) -> (Vec<(usize, &str)>, usize) {
    let mut len = split(text).count();
    // One may be left out below.
    let mut pieces = Vec::with_capacity(len.min(Shape::MOST + 2));
    let mut start = 0;
    for piece in split(text).take(Shape::MOST + 2) {
        let blank = piece.len() - piece.trim_start().len();
        pieces.push((start + blank, piece.trim()));
        start += piece.len() + 1;
    }
    if len > 1 {
        // A new line may stand after the last row, and before the first.
        let empty = |piece: Option<&str>| piece.is_some_and(|piece| piece.trim().is_empty());
        if empty(split(text).next_back()) {
            len -= 1;
            pieces.truncate(len);
        }
        if empty(split(text).next()) {
            len -= 1;
            pieces.remove(0);
        }
    }
    pieces.truncate(Shape::MOST + 1);
    (pieces, len)
}

/// Whether a character is between cells of several characters.
fn is_between(c: char) -> bool {
    c.is_whitespace() || c == ','
}

/// The cells of a row that begins at this byte, and may be all of a grid if it is alone.
fn cells(row: &str, start: usize, words: bool, alone: bool) -> Row<'_> {
    let (mut cells, mut len, mut offset) = (Vec::new(), 0, start);
    // A comma may have white space around it, and is no cell of its own.
    for piece in row.split_inclusive(|c| !words || is_between(c)) {
        let text = if words {
            piece.trim_end_matches(is_between)
        } else {
            piece
        };
        if !text.is_empty() {
            if len < most(alone) {
                cells.push(Cell { text, offset });
            }
            len += 1;
        }
        offset += piece.len();
    }
    Row { start, cells, len }
}

/// As many cells of a row are kept.
fn most(alone: bool) -> usize {
    match alone {
        true => Shape::MOST * Shape::MOST + 1,
        false => Shape::MOST + 1,
    }
}

/// The rows that an object in a line lists: none of their cells has a place of its own.
fn listed<'a>(line: u64, list: &'a [JsonRow], words: bool) -> Rows<'a> {
    let spaced =
        |row: &JsonRow| matches!(row, Listed::Text(text) if text.trim().contains([' ', ',', '\t']));
    let words = words || list.iter().any(spaced);
    let row = |row: &'a JsonRow| match row {
        Listed::List(cells) => Row {
            start: 0,
            cells: cells
                .iter()
                .take(most(false))
                .map(|cell| Cell {
                    text: &cell.text,
                    offset: 0,
                })
                .collect(),
            len: cells.len(),
        },
        Listed::Text(text) => match pieces(text).0[..] {
            [(_, piece)] => cells(piece, 0, words || piece.contains(is_between), false),
            // A slash is between rows, and here a row is an item of the array: it is no symbol.
            _ => Row {
                start: 0,
                cells: vec![Cell { text, offset: 0 }],
                len: 1,
            },
        },
    };
    let start = Place::line(line);
    Rows {
        rows: list.iter().take(Shape::MOST + 1).map(row).collect(),
        len: list.len(),
        flat: false,
        text: Text { bytes: b"", start },
    }
}

/// The grid of some rows; `what` is the question or the answer. A flat one is folded into the shape `fold`, which it
/// must have where it `must`.
pub(super) fn grid(
    rows: &Rows<'_>,
    what: &str,
    notation: &mut GridNotation,
    fold: Option<(Shape, bool)>,
) -> Result<Grid, InputError> {
    let error = |offset: usize, expected: String, found: String| {
        rows.text.place(offset).error(expected, found)
    };
    let first = rows.rows.first();
    let Some((at, cols)) = first
        .map(|row| (row.start, row.len))
        .filter(|row| row.1 > 0)
    else {
        let at = first.map_or(0, |row| row.start);
        return Err(error(at, format!("cells of the {what}"), "none".into()));
    };
    let folded = fold.filter(|_| rows.flat);
    if let Some((shape, true)) = folded
        && shape.cells() != cols
    {
        let expected = format!("{} cells of the {what} ({shape})", shape.cells());
        return Err(error(at, expected, cols.to_string()));
    }
    let folded = folded
        .map(|fold| fold.0)
        .filter(|shape| shape.cells() == cols);
    let most = Shape::MOST;
    let given = Shape::new(rows.len, cols);
    // What is too wide for a row may still be a square.
    let square = || Shape::square(cols).filter(|_| rows.flat);
    let shape = match folded.or(given).or_else(square) {
        Some(shape) => shape,
        None if cols > most => {
            let at = rows.rows[0].cells[most].offset;
            let expected = format!("at most {most} cells in row 1 of the {what}");
            return Err(error(at, expected, cols.to_string()));
        }
        None => {
            let expected = format!("at most {most} rows of the {what}");
            return Err(error(rows.rows[most].start, expected, rows.len.to_string()));
        }
    };
    let mut cells = Vec::with_capacity(shape.cells());
    for (number, row) in rows.rows.iter().enumerate() {
        if row.len != cols {
            let at = row.cells.get(cols).map_or(row.start, |cell| cell.offset);
            let expected = format!(
                "{cols} cells in row {} of the {what}, as in row 1",
                number + 1
            );
            return Err(error(at, expected, row.len.to_string()));
        }
        for cell in &row.cells {
            let refused = |(expected, found)| {
                let place = shape.place(cells.len());
                error(
                    cell.offset,
                    format!("{expected} at {place} of the {what}"),
                    found,
                )
            };
            cells.push(notation.number(cell.text).map_err(refused)?);
        }
    }
    Ok(Grid { shape, cells })
}

impl GridNotation {
    /// The number of a symbol, or what was expected and what was found.
    fn number(&mut self, text: &str) -> Result<u8, (String, String)> {
        match self {
            GridNotation::Known(task) => {
                let alphabet = task.alphabet();
                let refusal = || {
                    let expected = format!("one of the model's symbols ({})", alphabet.excerpt());
                    (expected, quoted(text))
                };
                alphabet.number(text).ok_or_else(refusal)
            }
            GridNotation::Learning(alphabet, _) => alphabet.learn(text),
        }
    }
}
