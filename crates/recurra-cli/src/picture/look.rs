//! What the tokens of a task look like.

use super::Color;
use recurra::tasks::TaskSpec;
use recurra::tasks::sudoku::Sudoku;

/// The grid of a task.
pub(crate) struct Look {
    pub(super) rows: usize,
    pub(super) columns: usize,
    /// Rows and columns of a box, for grids of signs with lines between the cells.
    pub(super) boxes: Option<(usize, usize)>,
    kind: Kind,
}

enum Kind {
    /// Token 1 is blank, others are digits.
    Digits,
    /// `# SGo` are 1 to 5.
    Maze,
    /// 0 is nothing, 1 an end, then ten colours.
    Arc,
    /// 0 is nothing, others are colours.
    Any,
}

const WALL: Color = [0x3d, 0x44, 0x4d];
const FREE: Color = [0xf6, 0xf8, 0xfa];
const START: Color = [0x2d, 0xa4, 0x4e];
const GOAL: Color = [0xe5, 0x53, 0x4b];
const PATH: Color = [0x3f, 0x8c, 0xf0];
const END: Color = [0xd8, 0xde, 0xe4];
/// Black, blue, red, green, yellow, grey, pink, orange, light blue, brown.
const COLORS: [Color; 10] = [
    [0x18, 0x18, 0x18],
    [0x1f, 0x6f, 0xd8],
    [0xf0, 0x3e, 0x36],
    [0x36, 0xb8, 0x4a],
    [0xff, 0xd8, 0x1a],
    [0x9e, 0x9e, 0x9e],
    [0xe8, 0x38, 0xb4],
    [0xff, 0x8a, 0x28],
    [0x7c, 0xcf, 0xf5],
    [0x86, 0x1c, 0x2c],
];

impl Look {
    /// How the questions of a model look: by its task, or else by length and vocabulary of its questions.
    pub(crate) fn new(task: Option<&TaskSpec>, seq_len: usize, vocab_size: usize) -> Self {
        let sudoku = match task {
            Some(&TaskSpec::Sudoku { size }) => Sudoku::new(size),
            Some(&TaskSpec::Maze { rows, cols, .. }) => {
                return Look::cells(rows, cols, Kind::Maze);
            }
            Some(TaskSpec::Grid(spec)) => {
                let frame = spec.frame;
                return Look::cells(frame.rows(), frame.cols(), Kind::Any);
            }
            Some(TaskSpec::Arc) => None,
            None => Sudoku::with_cells(seq_len).filter(|s| s.vocab_size() == vocab_size),
        };
        if let Some(sudoku) = sudoku {
            return Look {
                rows: sudoku.size(),
                columns: sudoku.size(),
                boxes: Some((sudoku.box_rows(), sudoku.box_cols())),
                kind: Kind::Digits,
            };
        }
        // The nearest to a square that wastes no row.
        let columns = (1..=seq_len).find(|n| n * n >= seq_len).unwrap_or(1);
        let kind = match vocab_size {
            6 => Kind::Maze,
            12 => Kind::Arc,
            _ => Kind::Any,
        };
        Look::cells(seq_len.div_ceil(columns), columns, kind)
    }

    fn cells(rows: usize, columns: usize, kind: Kind) -> Self {
        Look {
            rows,
            columns,
            boxes: None,
            kind,
        }
    }

    /// Whether cells are told apart by colour.
    pub(super) fn fills(&self) -> bool {
        !matches!(self.kind, Kind::Digits)
    }

    /// Whether a cell of the question says what stands in the answer.
    pub(super) fn is_given(&self, token: u16) -> bool {
        matches!(self.kind, Kind::Digits) && token > 1
    }

    /// Colour of a cell.
    pub(super) fn fill(&self, token: u16) -> Option<Color> {
        match (&self.kind, token) {
            (Kind::Digits, _) | (_, 0) => None,
            (Kind::Maze, token) => [WALL, FREE, START, GOAL, PATH]
                .get(usize::from(token) - 1)
                .copied(),
            (Kind::Arc, 1) => Some(END),
            (Kind::Arc, token) => COLORS.get(usize::from(token) - 2).copied(),
            (Kind::Any, token) => Some(hue(token)),
        }
    }

    /// What is written in a cell.
    pub(super) fn sign(&self, token: u16) -> Option<char> {
        match (&self.kind, token) {
            (Kind::Digits, 2..) => char::from_digit(u32::from(token) - 1, 36),
            (Kind::Maze, 3) => Some('S'),
            (Kind::Maze, 4) => Some('G'),
            _ => None,
        }
    }
}

/// Colours that follow one another are far apart: each turns the wheel of colours on by the golden ratio.
fn hue(token: u16) -> Color {
    let turn = (f32::from(token) * 0.618_034).fract();
    [0.0, 1.0 / 3.0, 2.0 / 3.0].map(|shift| {
        let wave = (std::f32::consts::TAU * (turn - shift)).cos();
        (0.58 * 255.0 + 0.32 * 255.0 * wave).round() as u8
    })
}
