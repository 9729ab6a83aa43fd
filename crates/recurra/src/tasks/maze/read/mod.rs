//! Mazes from text: one a line, drawn over several lines, in a table (CSV), or as JSON Lines.
//!
//! A wall is `#`, a free cell a space or `.` or `_`, then there are `S`, `G` (or `E`) and, in answers, `o`. Walls and free cells may be
//! `1` and `0`, too, or walls are drawn between posts (`o---o`, `posts.rs`). Because walls are `#`, a comment is a line that begins with `;`. In one line a maze has its cells in reading order; it is a square
//! unless the size is given. Drawn, each row is a line. A drawn maze ends at an empty line or, where the size is given,
//! with its last row. Spaces at the ends of lines are cells: where an editor may take them away, write `.`.
//!
//! Fields of a table are mazes in one line, or drawn inside quotes; quotes protect spaces at their ends.
//!
//! What cannot be read gives one error that says where, and reading goes on after it: with the next line, or after
//! the end of a drawn maze. Memory is bounded: a line longer than 12288 bytes is an error and is not kept.

mod cells;
mod posts;
#[cfg(test)]
mod tests;

use std::io::BufRead;
use std::str::FromStr;

use super::{Maze, Shape};
use crate::reading::{self, Dialect, Field, Given, InputError, Lines, Notation, Read, Text};
use cells::{Drawn, Written};

/// A puzzle as it was read: a maze with one start, one goal and a way between them, and perhaps a shortest path.
pub type Puzzle = reading::Record<Maze>;

/// One maze of an input, or why there is none.
pub type Entry = reading::Entry<Puzzle>;

/// Reads mazes one by one.
pub type MazeReader<R> = reading::Reader<R, MazeNotation>;

impl<R: BufRead> MazeReader<R> {
    /// Reads mazes of one size, or (for none) drawn ones of any size and squares in one line. A line of up to 64
    /// characters can be either; with the size it is always clear which.
    pub fn new(reader: R, shape: Option<Shape>) -> Self {
        Self::of(reader, MazeNotation { shape, last: 0 })
    }
}

/// Reads one maze written in one line, of this size or (for none) a square. Any cells will do: an answer, a maze
/// without start, a walled-in goal.
pub fn parse_line(text: &str, shape: Option<Shape>) -> Result<Maze, InputError> {
    Ok(Written::of(Text::line(1, text.as_bytes()), shape)?.maze)
}

/// Reads a square maze written in one line. Whether it has a start, a goal and a way was not asked.
impl FromStr for Maze {
    type Err = InputError;

    fn from_str(text: &str) -> Result<Self, InputError> {
        parse_line(text, None)
    }
}

/// How mazes are written.
pub struct MazeNotation {
    shape: Option<Shape>,
    /// Cells of the last maze that was read from one line. They tell whether a line is a maze or one row.
    last: usize,
}

impl Notation for MazeNotation {
    type Grid = Maze;

    const DIALECT: Dialect = Dialect {
        // Room for the largest maze with its answer and a source.
        longest: 12288,
        comment: Some(b';'),
        spaces_count: true,
        ..Dialect::PLAIN
    };

    /// No maze has a comma.
    fn is_table(&mut self, line: Text<'_>, _: Option<&[Field]>) -> bool {
        line.bytes.contains(&b',')
    }

    fn given(&mut self, question: Given, answer: Option<Given>) -> Result<Read<Maze>, InputError> {
        let question = question.joined();
        let question = Written::of(question.text(), self.shape)?.question()?;
        let answer = answer.map(|given| {
            let shape = Some(question.shape());
            Written::of(given.joined().text(), shape)?.answer(&question)
        });
        Ok(Read { question, answer })
    }

    fn plain<R: BufRead>(
        &mut self,
        first: Text<'_>,
        lines: &mut Lines<R>,
    ) -> Option<Result<Read<Maze>, InputError>> {
        if let Some(maze) = posts::drawn(first, lines, self.shape) {
            return Some(maze.and_then(Written::question).map(Read::from));
        }
        if self.begins_drawing(first, lines) {
            return self.drawn(first, lines).map(|maze| maze.map(Read::from));
        }
        let maze = Written::of(first, self.shape).and_then(Written::question);
        if maze.is_ok() {
            self.last = first.len();
        }
        Some(maze.map(Read::from))
    }
}

impl MazeNotation {
    /// Whether a line is the first row of a drawn maze.
    fn begins_drawing<R: BufRead>(&self, text: Text<'_>, lines: &mut Lines<R>) -> bool {
        let cells = text.len();
        if cells > Shape::MOST {
            return false;
        }
        match self.shape {
            Some(shape) => cells != shape.cells(),
            None => cells != self.last && (!is_whole(text) || rows_follow(cells, lines)),
        }
    }

    /// A maze drawn over several lines, of which the first has been taken; None where the input failed before its end.
    fn drawn<R: BufRead>(
        &self,
        first: Text<'_>,
        lines: &mut Lines<R>,
    ) -> Option<Result<Maze, InputError>> {
        let mut drawn = Drawn::new(self.shape, first);
        while !drawn.is_full() {
            let Some(next) = lines.peek(0) else {
                if lines.failed() && !drawn.is_wrong() {
                    // The maze is not at fault: what is told is why reading failed.
                    return None;
                }
                break;
            };
            let comment = next.is_comment();
            let other = |text: Text<'_>| self.is_other(text, drawn.cols());
            if !comment && next.text().is_ok_and(other) {
                break;
            }
            let Some(next) = lines.take() else {
                break;
            };
            if !comment {
                drawn.add(next.text());
            }
        }
        Some(drawn.finish().and_then(Written::question))
    }

    /// Whether a line among rows of so many cells is no row, but empty or another maze.
    fn is_other(&self, text: Text<'_>, cols: usize) -> bool {
        // A row of nothing but spaces is a row if it is as long as one.
        let cells = text.len();
        cells != cols
            && (text.is_blank()
                || match self.shape {
                    Some(shape) => cells == shape.cells(),
                    None => is_whole(text),
                })
    }
}

/// Whether a line has the cells of a square, start and goal among them.
fn is_whole(text: Text<'_>) -> bool {
    let has = |cell| text.bytes.contains(&cell);
    Shape::square_with_cells(text.len()).is_some() && has(b'S') && (has(b'G') || has(b'E'))
}

/// Whether the lines to come are rows of so many cells, without start and goal.
fn rows_follow<R: BufRead>(cols: usize, lines: &mut Lines<R>) -> bool {
    for ahead in 0..Shape::MOST {
        let Some(line) = lines.peek(ahead).filter(|line| !line.is_blank()) else {
            return ahead > 0;
        };
        let is_row = |text: Text<'_>| {
            text.len() == cols && !text.bytes.iter().any(|byte| b"SGE".contains(byte))
        };
        if !line.text().is_ok_and(is_row) {
            return false;
        }
    }
    true
}
