//! Mazes from text: one a line, drawn over several lines, or in a table (CSV).
//!
//! A wall is `#`, a free cell a space or `.` or `_`, then there are `S`, `G` and, in answers, `o`. Because walls are
//! `#`, a comment is a line that begins with `;`. In one line a maze has its cells in reading order; it is a square
//! unless the size is given. Drawn, each row is a line. A drawn maze ends at an empty line or, where the size is given,
//! with its last row. Spaces at the ends of lines are cells: where an editor may take them away, write `.`.
//!
//! A table has a header with a column `question` (or `puzzle`, `input`) and perhaps `answer` (or `solution`) and
//! `source`. Its fields are mazes in one line; quotes protect spaces at their ends.
//!
//! What cannot be read gives one error that says where, and reading goes on after it: with the next line, or after
//! the end of a drawn maze. Memory is bounded: a line longer than 12288 bytes is an error and is not kept.

mod csv;
#[cfg(test)]
mod tests;
mod text;

use std::io::BufRead;

use super::{Cell, Maze, Shape, rules};
use crate::tasks::InputError;
use crate::tasks::text::lines::{Line, LineRules, Lines};
use csv::Header;
use text::Text;

/// Room for the largest maze with its answer and a source.
const RULES: LineRules = LineRules {
    most: 12288,
    comment: b';',
};

/// A maze as it was read. It has one start, one goal and a way between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Puzzle {
    /// Walls, start and goal.
    pub question: Maze,
    /// The question with a shortest path, where a table gave one.
    pub answer: Option<Maze>,
    /// Where a table says it is from.
    pub source: Option<String>,
}

/// One maze of an input, or why there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The line where it begins, counted from 1.
    pub line: u64,
    /// The maze; an error names the exact line, which in a drawn maze may be a later one.
    pub result: Result<Puzzle, InputError>,
}

/// Reads one maze written in one line, of this size or (for none) a square. Any cells will do: an answer, a maze
/// without start, a walled-in goal.
pub fn parse_line(text: &str, shape: Option<Shape>) -> Result<Maze, InputError> {
    Text::line(1, text.as_bytes()).maze(shape)
}

/// What the first line showed the input to be.
enum Form {
    Unknown,
    Plain,
    Table(Header),
    /// Nothing more can be read.
    Ended,
}

/// Reads mazes one by one. An input without any gives none: whether that is an error is up to the caller.
pub struct MazeReader<R> {
    lines: Lines<R>,
    shape: Option<Shape>,
    form: Form,
    /// Cells of the last maze that was read from one line. They tell whether a line is a maze or one row.
    last: usize,
}

impl<R: BufRead> MazeReader<R> {
    /// Reads mazes of one size, or (for none) drawn ones of any size and squares in one line. A line of up to 64
    /// characters can be either; with the size it is always clear which.
    pub fn new(reader: R, shape: Option<Shape>) -> Self {
        MazeReader {
            lines: Lines::new(reader, RULES),
            shape,
            form: Form::Unknown,
            last: 0,
        }
    }

    /// A maze in plain text that begins with this line; None where the input failed before its end.
    fn plain(&mut self, line: Line) -> Option<Result<Maze, InputError>> {
        let Some(bytes) = &line.text else {
            return Some(Err(RULES.too_long(line.number)));
        };
        let text = Text::line(line.number, bytes);
        if self.begins_drawing(text) {
            return self.drawn(text);
        }
        let maze = text.question(self.shape);
        if maze.is_ok() {
            self.last = text.len();
        }
        Some(maze)
    }

    /// Whether a line is the first row of a drawn maze.
    fn begins_drawing(&mut self, text: Text<'_>) -> bool {
        let cells = text.len();
        if cells > Shape::MOST {
            return false;
        }
        match self.shape {
            Some(shape) => cells != shape.cells(),
            None => cells != self.last && (!is_whole(text.bytes) || self.rows_follow(cells)),
        }
    }

    /// Whether the lines to come are rows of so many cells, without start and goal.
    fn rows_follow(&mut self, cols: usize) -> bool {
        for ahead in 0..Shape::MOST {
            let next = self.lines.peek(ahead).filter(|line| !line.is_blank());
            let Some(line) = next else {
                return ahead > 0;
            };
            let bytes = line.text.as_deref().unwrap_or_default();
            if Text::line(0, bytes).len() != cols || bytes.iter().any(|byte| b"SG".contains(byte)) {
                return false;
            }
        }
        true
    }

    /// A maze drawn over several lines, of which the first has been taken.
    fn drawn(&mut self, first: Text<'_>) -> Option<Result<Maze, InputError>> {
        let cols = self.shape.map_or(first.len(), Shape::cols);
        let most = self.shape.map_or(Shape::MOST, Shape::rows);
        let mut cells = Vec::new();
        // The line of each row.
        let mut numbers = vec![first.line];
        let mut wrong = add_row(&mut cells, first, cols).err();
        loop {
            if self.shape.is_some() && numbers.len() == most {
                break;
            }
            let Some(next) = self.lines.peek(0) else {
                if self.lines.failed() && wrong.is_none() {
                    // The maze is not at fault: what is told is why reading failed.
                    self.form = Form::Ended;
                    return None;
                }
                break;
            };
            if next.is_comment() {
                self.lines.take();
                continue;
            }
            // A row of nothing but spaces is a row if it is as long as one.
            let ends = next.is_blank() && next.text.as_ref().is_none_or(|text| text.len() != cols);
            let bytes = next.text.as_deref();
            if ends || bytes.is_some_and(|bytes| is_other_maze(bytes, self.shape, cols)) {
                break;
            }
            let Some(next) = self.lines.take() else {
                break;
            };
            numbers.push(next.number);
            // The first error of a maze is told, and the rest of the maze skipped.
            if wrong.is_some() {
                continue;
            }
            wrong = match &next.text {
                None => Some(RULES.too_long(next.number)),
                Some(_) if numbers.len() > most => Some(InputError {
                    line: next.number,
                    column: None,
                    expected: format!("an empty line after {most} rows, the most a maze can have"),
                    found: "another row".into(),
                }),
                Some(bytes) => add_row(&mut cells, Text::line(next.number, bytes), cols).err(),
            };
        }
        Some(match wrong {
            Some(error) => Err(error),
            None => self.finished(cells, cols, &numbers),
        })
    }

    /// The question of these cells, drawn in these lines.
    fn finished(&self, cells: Vec<Cell>, cols: usize, lines: &[u64]) -> Result<Maze, InputError> {
        let rows = lines.len();
        let shape = Shape::new(rows, cols);
        let fits = self.shape.is_none_or(|wanted| shape == Some(wanted));
        let maze = shape
            .filter(|_| fits)
            .and_then(|shape| Maze::new(shape, cells));
        let Some(maze) = maze else {
            let expected = match self.shape {
                Some(shape) => format!("{} rows of a {shape} maze", shape.rows()),
                None => "2 to 64 rows of 2 to 64 cells".into(),
            };
            return Err(InputError {
                line: lines.last().copied().unwrap_or_default(),
                column: None,
                expected,
                found: format!("{rows} of {cols} cells"),
            });
        };
        match rules::check_question(&maze) {
            Ok(_) => Ok(maze),
            Err(fault) => {
                let place = fault.place();
                Err(InputError {
                    line: lines[place.map_or(0, |place| place.row - 1)],
                    column: place.map(|place| place.column),
                    expected: text::QUESTION.into(),
                    found: fault.to_string(),
                })
            }
        }
    }

    fn next_entry(&mut self) -> Option<Entry> {
        while !matches!(self.form, Form::Ended) {
            let Some(line) = self.lines.take() else {
                break;
            };
            if line.is_blank() || line.is_comment() {
                continue;
            }
            let number = line.number;
            if matches!(self.form, Form::Unknown) {
                self.form = Form::Plain;
                let table = |text: &&[u8]| csv::looks_like_table(text);
                if let Some(text) = line.text.as_deref().filter(table) {
                    match Header::read(number, text) {
                        Ok(header) => self.form = Form::Table(header),
                        Err(error) => {
                            self.form = Form::Ended;
                            return Some(Entry {
                                line: number,
                                result: Err(error),
                            });
                        }
                    }
                    continue;
                }
            }
            let result = match (&self.form, &line.text) {
                (Form::Table(header), Some(text)) => header.puzzle(number, text, self.shape),
                (Form::Table(_), None) => Err(RULES.too_long(number)),
                _ => match self.plain(line) {
                    Some(maze) => maze.map(|question| Puzzle {
                        question,
                        answer: None,
                        source: None,
                    }),
                    None => break,
                },
            };
            return Some(Entry {
                line: number,
                result,
            });
        }
        self.form = Form::Ended;
        let error = self.lines.failure()?;
        Some(Entry {
            line: error.line,
            result: Err(error),
        })
    }
}

impl<R: BufRead> Iterator for MazeReader<R> {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        self.next_entry()
    }
}

/// Puts one row to the cells.
fn add_row(cells: &mut Vec<Cell>, row: Text<'_>, cols: usize) -> Result<(), InputError> {
    cells.extend(row.row(cols)?);
    Ok(())
}

/// Whether a line has the cells of a square, start and goal among them.
fn is_whole(bytes: &[u8]) -> bool {
    Shape::square_with_cells(Text::line(0, bytes).len()).is_some()
        && bytes.contains(&b'S')
        && bytes.contains(&b'G')
}

/// Whether a line among rows of so many cells is no row, but another maze.
fn is_other_maze(bytes: &[u8], shape: Option<Shape>, cols: usize) -> bool {
    let cells = Text::line(0, bytes).len();
    cells != cols
        && match shape {
            Some(shape) => cells == shape.cells(),
            None => is_whole(bytes),
        }
}
