//! A grid written as text, or as rows of a JSON array.

use super::Symbols;
use crate::tasks::InputError;
use crate::tasks::grid::Shape;
use crate::tasks::grid::cells::Grid;
use crate::tasks::grid::rules::quoted;

/// A place in an input: line and, where it is known, column.
pub(super) type At = (u64, Option<usize>);

/// A cell and the byte of the text where it begins.
pub(super) struct Cell<'a> {
    pub(super) text: &'a str,
    pub(super) offset: usize,
}

/// Rows of cells that are yet to become a grid.
pub(super) struct Rows<'a> {
    /// Each with the byte of the text where it begins.
    pub(super) rows: Vec<(usize, Vec<Cell<'a>>)>,
    /// Whether nothing says that it is one row: the cells may be those of another shape.
    pub(super) flat: bool,
    /// Where a byte of the text stands; asked only for errors, as it may take a while.
    at: Box<dyn Fn(usize) -> At + 'a>,
}

impl<'a> Rows<'a> {
    pub(super) fn new(
        rows: Vec<(usize, Vec<Cell<'a>>)>,
        flat: bool,
        at: Box<dyn Fn(usize) -> At + 'a>,
    ) -> Self {
        Rows { rows, flat, at }
    }

    /// Where a cell of a grid with so many columns stands, or the grid.
    pub(super) fn place(&self, cell: Option<usize>, cols: usize) -> At {
        let cell = cell.and_then(|cell| match self.rows.len() {
            1 => self.rows[0].1.get(cell),
            _ => self.rows.get(cell / cols)?.1.get(cell % cols),
        });
        (self.at)(cell.map_or(self.rows[0].0, |cell| cell.offset))
    }
}

/// The rows of a text: `/` or a new line is between them. Cells of several characters stand apart: where any row has
/// white space or a comma, or with `words`, these are between the cells. `at` says where a byte of the text stands.
pub(super) fn rows<'a>(text: &'a str, words: bool, at: Box<dyn Fn(usize) -> At + 'a>) -> Rows<'a> {
    let mut pieces = Vec::new();
    let mut start = 0;
    for piece in text.split(['/', '\n']) {
        let blank = piece.len() - piece.trim_start().len();
        pieces.push((start + blank, piece.trim()));
        start += piece.len() + 1;
    }
    let flat = pieces.len() == 1;
    // A new line may stand after the last row, and before the first.
    let empty = |piece: Option<&(usize, &str)>| piece.is_some_and(|piece| piece.1.is_empty());
    if !flat && empty(pieces.last()) {
        pieces.pop();
    }
    if !flat && empty(pieces.first()) {
        pieces.remove(0);
    }
    let between = |c: char| c.is_whitespace() || c == ',';
    let words = words || pieces.iter().any(|(_, piece)| piece.contains(between));
    let rows = pieces.into_iter().map(|(start, piece)| {
        let cell = |offset: usize, len: usize| Cell {
            text: &piece[offset..offset + len],
            offset: start + offset,
        };
        let cells = if words {
            // A comma may have white space around it, and is no cell of its own.
            let mut offset = 0;
            let mut cells = Vec::new();
            for word in piece.split(between) {
                if !word.is_empty() {
                    cells.push(cell(offset, word.len()));
                }
                offset += word.len()
                    + piece[offset + word.len()..]
                        .chars()
                        .next()
                        .map_or(0, char::len_utf8);
            }
            cells
        } else {
            let cells = piece.char_indices();
            cells.map(|(i, c)| cell(i, c.len_utf8())).collect()
        };
        (start, cells)
    });
    Rows::new(rows.collect(), flat, at)
}

/// The grid of some rows; `what` is the question or the answer. A flat one is folded into the shape `fold`, which it
/// must have where it `must`.
pub(super) fn grid(
    rows: &Rows<'_>,
    what: &str,
    symbols: &mut Symbols,
    fold: Option<(Shape, bool)>,
) -> Result<Grid, InputError> {
    let error = |offset: usize, expected: String, found: String| {
        let (line, column) = (rows.at)(offset);
        InputError {
            line,
            column,
            expected,
            found,
        }
    };
    let first = rows.rows.first();
    let Some((at, cols)) = first
        .map(|(at, row)| (*at, row.len()))
        .filter(|row| row.1 > 0)
    else {
        let at = first.map_or(0, |row| row.0);
        return Err(error(at, format!("cells of the {what}"), "none".into()));
    };
    let folded = fold.filter(|_| rows.flat && rows.rows.len() == 1);
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
    let given = Shape::new(rows.rows.len(), cols);
    // What is too wide for a row may still be a square.
    let square = || Shape::square(cols).filter(|_| rows.flat);
    let shape = match folded.or(given).or_else(square) {
        Some(shape) => shape,
        None if cols > most => {
            let at = rows.rows[0].1[most].offset;
            let expected = format!("at most {most} cells in row 1 of the {what}");
            return Err(error(at, expected, cols.to_string()));
        }
        None => {
            let expected = format!("at most {most} rows of the {what}");
            let found = rows.rows.len().to_string();
            return Err(error(rows.rows[most].0, expected, found));
        }
    };
    let mut cells = Vec::with_capacity(shape.cells());
    for (number, (at, row)) in rows.rows.iter().enumerate() {
        if row.len() != cols {
            let at = row.get(cols).map_or(*at, |cell| cell.offset);
            let expected = format!(
                "{cols} cells in row {} of the {what}, as in row 1",
                number + 1
            );
            return Err(error(at, expected, row.len().to_string()));
        }
        for cell in row {
            let refused = |(expected, found)| {
                let place = shape.place(cells.len());
                error(
                    cell.offset,
                    format!("{expected} at {place} of the {what}"),
                    found,
                )
            };
            cells.push(symbols.number(cell.text).map_err(refused)?);
        }
    }
    Ok(Grid { shape, cells })
}

impl Symbols {
    /// The number of a symbol, or what was expected and what was found.
    fn number(&mut self, text: &str) -> Result<u8, (String, String)> {
        match self {
            Symbols::Known(task) => {
                let alphabet = task.alphabet();
                let refusal = || {
                    let expected = format!("one of the model's symbols ({})", alphabet.excerpt());
                    (expected, quoted(text))
                };
                alphabet.number(text).ok_or_else(refusal)
            }
            Symbols::Learning(alphabet) => alphabet.learn(text).map_err(|refusal| {
                let refusal = refusal.trim_start_matches("expected ");
                let (expected, found) = refusal.split_once(", found ").unwrap_or((refusal, "it"));
                (expected.into(), found.into())
            }),
        }
    }
}
