//! Characters of a line as cells of a maze.

use crate::tasks::InputError;
use crate::tasks::maze::{Cell, Fault, Maze, Shape, rules};
use crate::tasks::text::glyph::{Glyph, glyphs};

/// Which characters a cell can be.
const ALPHABET: &str = "a cell: # (wall), a space or . or _ (free), S, G or o (path)";

/// A text and the place where it stands.
#[derive(Clone, Copy)]
pub(super) struct Text<'a> {
    pub(super) line: u64,
    /// The column of its first character.
    pub(super) column: usize,
    pub(super) bytes: &'a [u8],
}

impl<'a> Text<'a> {
    /// A whole line.
    pub(super) fn line(line: u64, bytes: &'a [u8]) -> Self {
        Text {
            line,
            column: 1,
            bytes,
        }
    }

    /// Number of characters.
    pub(super) fn len(self) -> usize {
        glyphs(self.bytes).count()
    }

    pub(super) fn error(
        self,
        cell: Option<usize>,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> InputError {
        InputError {
            line: self.line,
            column: cell.map(|cell| self.column + cell),
            expected: expected.into(),
            found: found.into(),
        }
    }

    /// The cells, if every character is one.
    pub(super) fn cells(self) -> Result<Vec<Cell>, InputError> {
        let cell = |(i, glyph): (usize, Glyph)| {
            let cell = match glyph {
                Glyph::Char(letter) => Cell::from_letter(letter),
                Glyph::Byte(_) => None,
            };
            cell.ok_or_else(|| self.error(Some(i), ALPHABET, glyph.to_string()))
        };
        glyphs(self.bytes).enumerate().map(cell).collect()
    }

    /// The cells, if there are so many. An error about their number stands at the first that is too many, or after
    /// the last.
    pub(super) fn row(self, cols: usize) -> Result<Vec<Cell>, InputError> {
        let cells = self.cells()?;
        if cells.len() == cols {
            return Ok(cells);
        }
        let column = cells.len().min(cols);
        let mut expected = format!("{cols} cells in this row");
        if cells.len() < cols {
            expected += " (write free cells at the end of a line as .)";
        }
        Err(self.error(Some(column), expected, cells.len().to_string()))
    }

    /// The maze of a text that holds all its cells: of this size, or a square.
    pub(super) fn maze(self, shape: Option<Shape>) -> Result<Maze, InputError> {
        let cells = self.cells()?;
        let found = cells.len();
        let fits = shape.or_else(|| Shape::square_with_cells(found));
        fits.and_then(|shape| Maze::new(shape, cells))
            .ok_or_else(|| {
                let expected = match shape {
                    Some(shape) => format!("the {} cells of a {shape} maze", shape.cells()),
                    None => "the cells of a square maze of 2x2 to 64x64 (4, 9, 16 … 4096)".into(),
                };
                self.error(None, expected, found.to_string())
            })
    }

    /// The question of a text that holds all its cells.
    pub(super) fn question(self, shape: Option<Shape>) -> Result<Maze, InputError> {
        let maze = self.maze(shape)?;
        match rules::check_question(&maze) {
            Ok(_) => Ok(maze),
            Err(fault) => Err(self.error(cell_of(&maze, fault), QUESTION, fault.to_string())),
        }
    }

    /// The answer to a question, in a text that holds all its cells.
    pub(super) fn answer(self, question: &Maze) -> Result<Maze, InputError> {
        let maze = self.maze(Some(question.shape()))?;
        match rules::check(question, &maze) {
            Ok(path) if path.is_shortest() => Ok(maze),
            Ok(path) => {
                let found = format!("one of {} moves where {} do", path.moves, path.least);
                Err(self.error(Some(0), "a shortest path", found))
            }
            Err(fault) => {
                let expected = "the question with a path from S to G";
                Err(self.error(cell_of(&maze, fault), expected, fault.to_string()))
            }
        }
    }
}

/// What a question must be.
pub(super) const QUESTION: &str = "a maze with one S, one G, no path yet and a way from S to G";

/// The cell that is to blame.
pub(super) fn cell_of(maze: &Maze, fault: Fault) -> Option<usize> {
    let place = fault.place()?;
    Some((place.row - 1) * maze.shape().cols() + place.column - 1)
}
