//! A maze: as text, as a drawing, as a model's tokens.

use std::fmt;

use super::Shape;

/// The token of a cell outside the maze.
pub const PAD: u16 = 0;
/// Number of tokens a model sees: padding and the five kinds of cells.
pub const VOCAB_SIZE: usize = 6;

/// What a cell is. Its number is its token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cell {
    /// Nobody passes here: `#`.
    Wall = 1,
    /// Anybody passes here: a space.
    Free = 2,
    /// Where the path begins: `S`.
    Start = 3,
    /// Where the path ends: `G`.
    Goal = 4,
    /// On the path: `o`.
    Path = 5,
}

impl Cell {
    /// Every kind, in the order of their tokens.
    pub const ALL: [Cell; 5] = [Cell::Wall, Cell::Free, Cell::Start, Cell::Goal, Cell::Path];

    /// The token a model reads.
    pub fn token(self) -> u16 {
        self as u16
    }

    /// The kind of cell that a token stands for.
    pub fn from_token(token: u16) -> Option<Self> {
        let index = usize::from(token).checked_sub(1)?;
        Self::ALL.get(index).copied()
    }

    /// How it is written: one of `# SGo`.
    pub fn letter(self) -> char {
        match self {
            Cell::Wall => '#',
            Cell::Free => ' ',
            Cell::Start => 'S',
            Cell::Goal => 'G',
            Cell::Path => 'o',
        }
    }

    /// The kind of cell that a character stands for. A free cell may also be `.` or `_`, which no editor takes away
    /// at the end of a line.
    pub fn from_letter(letter: char) -> Option<Self> {
        match letter {
            '.' | '_' => Some(Cell::Free),
            _ => Self::ALL.into_iter().find(|cell| cell.letter() == letter),
        }
    }
}

/// Cells in reading order. Nothing says that there is one start and one goal, or a way between them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Maze {
    shape: Shape,
    cells: Vec<Cell>,
}

impl Maze {
    /// A maze of free cells.
    pub fn free(shape: Shape) -> Self {
        Maze {
            shape,
            cells: vec![Cell::Free; shape.cells()],
        }
    }

    /// A maze of these cells, if their number is right.
    pub fn new(shape: Shape, cells: Vec<Cell>) -> Option<Self> {
        (cells.len() == shape.cells()).then_some(Maze { shape, cells })
    }

    /// Its size.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The cells in reading order.
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// What a cell is; none where there is no such cell.
    pub fn get(&self, cell: usize) -> Option<Cell> {
        self.cells.get(cell).copied()
    }

    /// Changes a cell. Returns false where there is no such cell.
    pub fn set(&mut self, cell: usize, kind: Cell) -> bool {
        match self.cells.get_mut(cell) {
            Some(place) => {
                *place = kind;
                true
            }
            None => false,
        }
    }

    /// The first cell of a kind.
    pub fn find(&self, kind: Cell) -> Option<usize> {
        self.cells.iter().position(|&cell| cell == kind)
    }

    /// Number of cells of a kind.
    pub fn count(&self, kind: Cell) -> usize {
        self.cells.iter().filter(|&&cell| cell == kind).count()
    }

    /// The same maze with free cells where a path was.
    pub fn without_path(&self) -> Self {
        let clear = |&cell: &Cell| match cell {
            Cell::Path => Cell::Free,
            _ => cell,
        };
        Maze {
            shape: self.shape,
            cells: self.cells.iter().map(clear).collect(),
        }
    }

    /// The tokens a model reads.
    pub fn encode(&self) -> Vec<u16> {
        self.cells.iter().map(|cell| cell.token()).collect()
    }

    /// The maze that tokens stand for. What is no cell (padding, a token that does not exist, one missing at the end)
    /// gives a wall; what is left over is ignored.
    pub fn decode(shape: Shape, tokens: &[u16]) -> Self {
        let token = |cell| tokens.get(cell).copied().unwrap_or(PAD);
        let cell = |cell| Cell::from_token(token(cell)).unwrap_or(Cell::Wall);
        Maze {
            shape,
            cells: (0..shape.cells()).map(cell).collect(),
        }
    }

    /// One line of the characters `# SGo`, the form in which such mazes are published. [`str::parse`] reads that of a
    /// square back.
    pub fn to_line(&self) -> String {
        self.cells.iter().map(|cell| cell.letter()).collect()
    }

    /// [`Maze::to_line`] as a field of a table: in quotes where a free cell at an end could get lost.
    pub fn to_field(&self) -> String {
        let line = self.to_line();
        if line.starts_with(' ') || line.ends_with(' ') {
            format!("\"{line}\"")
        } else {
            line
        }
    }

    /// A drawing, one line a row, with `.` for free cells. [`MazeReader`](super::MazeReader) reads it back; a blank
    /// line must stand between it and the next.
    pub fn to_pretty(&self) -> String {
        let mut text = String::with_capacity(self.cells.len() + self.shape.rows());
        for row in self.cells.chunks(self.shape.cols()) {
            text.extend(row.iter().map(|cell| match cell {
                Cell::Free => '.',
                cell => cell.letter(),
            }));
            text.push('\n');
        }
        text
    }
}

/// The one line of [`Maze::to_line`].
impl fmt::Display for Maze {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_line())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::tasks::maze::read;
    use proptest::prelude::*;

    pub(in crate::tasks::maze) fn any_shape() -> impl Strategy<Value = Shape> {
        let side = || prop_oneof![Shape::LEAST..=9, Shape::LEAST..=Shape::MOST];
        (side(), side()).prop_map(|(rows, cols)| Shape::new(rows, cols).unwrap())
    }

    pub(in crate::tasks::maze) fn any_maze() -> impl Strategy<Value = Maze> {
        any_shape().prop_flat_map(|shape| {
            let cell = prop::sample::select(Cell::ALL.as_slice());
            prop::collection::vec(cell, shape.cells())
                .prop_map(move |cells| Maze::new(shape, cells).unwrap())
        })
    }

    proptest! {
        #![proptest_config(crate::testing::cases(256))]

        #[test]
        fn text_and_tokens_go_round(maze in any_maze()) {
            let line = maze.to_line();
            prop_assert_eq!(&read::parse_line(&line, Some(maze.shape())).unwrap(), &maze);
            if maze.shape().is_square() {
                prop_assert_eq!(&line.replace(' ', "_").parse::<Maze>().unwrap(), &maze);
            }
            let tokens = maze.encode();
            prop_assert!(tokens.iter().all(|&t| t > PAD && usize::from(t) < VOCAB_SIZE));
            prop_assert_eq!(Maze::decode(maze.shape(), &tokens), maze);
        }

        #[test]
        fn any_tokens_decode(shape in any_shape(), tokens in prop::collection::vec(0..8u16, 0..100)) {
            let maze = Maze::decode(shape, &tokens);
            prop_assert_eq!(maze.cells().len(), shape.cells());
            for (cell, token) in maze.cells().iter().zip(tokens) {
                prop_assert_eq!(*cell, Cell::from_token(token).unwrap_or(Cell::Wall));
            }
        }
    }

    #[test]
    fn tokens_are_in_the_published_order() {
        let letters: String = (1..6)
            .map(|t| Cell::from_token(t).unwrap().letter())
            .collect();
        assert_eq!(letters, "# SGo");
        assert_eq!((Cell::from_token(0), Cell::from_token(6)), (None, None));
        assert_eq!(Cell::from_letter('_'), Some(Cell::Free));
        assert_eq!(Cell::from_letter('s'), None);
    }

    #[test]
    fn forms() {
        let shape = Shape::new(2, 3).unwrap();
        let mut maze = Maze::free(shape);
        assert!(maze.set(1, Cell::Wall) && maze.set(4, Cell::Path) && !maze.set(6, Cell::Wall));
        assert!(maze.set(3, Cell::Start) && maze.set(5, Cell::Goal));
        assert_eq!(
            (maze.to_line().as_str(), maze.to_field().as_str()),
            (" # SoG", "\" # SoG\"")
        );
        assert_eq!(maze.to_pretty(), ".#.\nSoG\n");
        assert_eq!(maze.without_path().to_pretty(), ".#.\nS.G\n");
        assert_eq!((maze.get(4), maze.get(6)), (Some(Cell::Path), None));
        assert_eq!(
            (maze.find(Cell::Goal), maze.count(Cell::Free)),
            (Some(5), 2)
        );
        assert!(Maze::new(shape, vec![Cell::Free; 5]).is_none());
    }
}
