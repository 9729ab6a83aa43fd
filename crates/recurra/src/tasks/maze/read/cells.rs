//! Characters of a text as cells of a maze.

use crate::reading::{Glyph, InputError, Place, Text, glyphs};
use crate::tasks::maze::{Cell, Fault, Maze, Shape, rules};

/// Which characters a cell can be.
const ALPHABET: &str =
    "a cell: # or 1 (wall), a space or . or _ or 0 (free), S, G or E (goal) or o (path)";

/// How walls and goals of a maze are written.
#[derive(Default)]
struct Ways {
    /// With `#`, and with `1` or `0`.
    walls: [bool; 2],
    /// With `G`, and with `E`.
    goals: [bool; 2],
}

impl Ways {
    /// The cell that a character stands for; else what was expected.
    fn cell(&mut self, glyph: Glyph) -> Result<Cell, &'static str> {
        let Glyph::Char(letter) = glyph else {
            return Err(ALPHABET);
        };
        let cell = match letter {
            'E' => Some(Cell::Goal),
            '1' => Some(Cell::Wall),
            '0' => Some(Cell::Free),
            letter => Cell::from_letter(letter),
        };
        match letter {
            '#' => self.walls[0] = true,
            '0' | '1' => self.walls[1] = true,
            'G' => self.goals[0] = true,
            'E' => self.goals[1] = true,
            _ => {}
        }
        if self.walls == [true; 2] {
            return Err("walls as # or as 1, not both");
        }
        if self.goals == [true; 2] {
            return Err("the goal as G or as E, not both");
        }
        cell.ok_or(ALPHABET)
    }
}

/// A maze with the places where its rows begin; one place if all stand in one line.
pub(super) struct Written {
    pub(super) maze: Maze,
    rows: Vec<Place>,
}

impl Written {
    /// A maze whose rows stand in these lines.
    pub(super) fn new(maze: Maze, rows: Vec<Place>) -> Self {
        Written { maze, rows }
    }
}

impl Written {
    /// The maze of a text that holds all its cells: of this size, or the one that is drawn, or a square.
    pub(super) fn of(text: Text<'_>, shape: Option<Shape>) -> Result<Self, InputError> {
        let mut lines = text.lines();
        if let Some(first) = lines.next().filter(|_| text.is_drawn()) {
            let mut drawn = Drawn::new(shape, first);
            lines.for_each(|line| drawn.add(Ok(line)));
            return drawn.finish();
        }
        let cells = cells(text, &mut Ways::default())?;
        let found = cells.len();
        let fits = shape.or_else(|| Shape::square_with_cells(found));
        let maze = fits.and_then(|shape| Maze::new(shape, cells));
        let maze = maze.ok_or_else(|| {
            let expected = match shape {
                Some(shape) => format!("the {} cells of a {shape} maze", shape.cells()),
                None => "the cells of a square maze of 2x2 to 64x64 (4, 9, 16 … 4096)".into(),
            };
            text.first_line().error(expected, found.to_string())
        })?;
        let rows = vec![text.start];
        Ok(Written { maze, rows })
    }

    /// The maze, if it is a question.
    pub(super) fn question(self) -> Result<Maze, InputError> {
        match rules::check_question(&self.maze) {
            Ok(_) => Ok(self.maze),
            Err(fault) => {
                let expected = "a maze with one S, one G, no path yet and a way from S to G";
                Err(self.place(fault).error(expected, fault.to_string()))
            }
        }
    }

    /// The maze, if it is the answer to a question.
    pub(super) fn answer(self, question: &Maze) -> Result<Maze, InputError> {
        match rules::check(question, &self.maze) {
            Ok(path) if path.is_shortest() => Ok(self.maze),
            Ok(path) => {
                let found = format!("one of {} moves where {} do", path.moves, path.least);
                Err(self.rows[0].error("a shortest path", found))
            }
            Err(fault) => {
                let expected = "the question with a path from S to G";
                Err(self.place(fault).error(expected, fault.to_string()))
            }
        }
    }

    /// Where the cell that is to blame stands.
    fn place(&self, fault: Fault) -> Place {
        let Some(cell) = fault.place() else {
            return Place::line(self.rows[0].line);
        };
        let (row, col) = (cell.row - 1, cell.column - 1);
        match &self.rows[..] {
            [all] => all.right(row * self.maze.shape().cols() + col),
            rows => rows[row].right(col),
        }
    }
}

/// A maze of which each row is a line.
pub(super) struct Drawn {
    shape: Option<Shape>,
    cols: usize,
    cells: Vec<Cell>,
    ways: Ways,
    rows: Vec<Place>,
    /// The first error: it is told, and the rest of the maze skipped.
    wrong: Option<InputError>,
}

impl Drawn {
    /// A maze of this size, or as wide as its first row.
    pub(super) fn new(shape: Option<Shape>, first: Text<'_>) -> Self {
        let mut drawn = Drawn {
            shape,
            cols: shape.map_or_else(|| first.len(), Shape::cols),
            cells: Vec::new(),
            ways: Ways::default(),
            rows: Vec::new(),
            wrong: None,
        };
        drawn.add(Ok(first));
        drawn
    }

    /// Cells of a row.
    pub(super) fn cols(&self) -> usize {
        self.cols
    }

    /// Whether a row was wrong.
    pub(super) fn is_wrong(&self) -> bool {
        self.wrong.is_some()
    }

    /// Whether it has all the rows that it should.
    pub(super) fn is_full(&self) -> bool {
        self.shape
            .is_some_and(|shape| shape.rows() == self.rows.len())
    }

    /// Adds the next row.
    pub(super) fn add(&mut self, row: Result<Text<'_>, InputError>) {
        let line = |error: &InputError| Place::line(error.line);
        self.rows
            .push(row.as_ref().map_or_else(line, |row| row.start));
        if self.is_wrong() {
            return;
        }
        let most = Shape::MOST;
        let cells = row.and_then(|row| {
            if self.rows.len() > most {
                let expected = format!("an empty line after {most} rows, the most a maze can have");
                return Err(row.first_line().error(expected, "another row"));
            }
            row_of(row, self.cols, &mut self.ways)
        });
        match cells {
            Ok(cells) => self.cells.extend(cells),
            Err(error) => self.wrong = Some(error),
        }
    }

    /// The maze.
    pub(super) fn finish(self) -> Result<Written, InputError> {
        if let Some(error) = self.wrong {
            return Err(error);
        }
        let (rows, cols) = (self.rows.len(), self.cols);
        let shape = Shape::new(rows, cols).filter(|&s| self.shape.is_none_or(|wanted| s == wanted));
        match shape.and_then(|shape| Maze::new(shape, self.cells)) {
            Some(maze) => Ok(Written {
                maze,
                rows: self.rows,
            }),
            None => {
                let expected = match self.shape {
                    Some(shape) => format!("{} rows of a {shape} maze", shape.rows()),
                    None => "2 to 64 rows of 2 to 64 cells".into(),
                };
                let last = Place::line(self.rows[rows - 1].line);
                Err(last.error(expected, format!("{rows} of {cols} cells")))
            }
        }
    }
}

/// The cells of a line, if every character is one.
fn cells(line: Text<'_>, ways: &mut Ways) -> Result<Vec<Cell>, InputError> {
    let cell = |(i, glyph): (usize, Glyph)| {
        let refused = |expected: &str| line.start.right(i).error(expected, glyph.to_string());
        ways.cell(glyph).map_err(refused)
    };
    glyphs(line.bytes).enumerate().map(cell).collect()
}

/// The cells of a line, if there are so many. An error about their number stands at the first that is too many, or after
/// the last.
fn row_of(line: Text<'_>, cols: usize, ways: &mut Ways) -> Result<Vec<Cell>, InputError> {
    let cells = cells(line, ways)?;
    if cells.len() == cols {
        return Ok(cells);
    }
    let mut expected = format!("{cols} cells in this row");
    if cells.len() < cols {
        expected += " (write free cells at the end of a line as .)";
    }
    let place = line.start.right(cells.len().min(cols));
    Err(place.error(expected, cells.len().to_string()))
}
