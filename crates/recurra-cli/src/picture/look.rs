//! What the tokens of a task look like.

use super::Color;
use recurra::tasks::Groups;
use recurra::tasks::TaskSpec;
use recurra::tasks::grid::GridSpec;
use recurra::tasks::sudoku::Sudoku;

/// The grid of a task.
pub struct Look {
    pub(super) rows: usize,
    pub(super) columns: usize,
    /// For grids of signs with lines between the cells, the region that each cell is in: the lines between regions are strong.
    pub(super) regions: Option<Vec<usize>>,
    /// Tokens of the symbols that a model weighs in each cell.
    candidates: Vec<u16>,
    kind: Kind,
}

enum Kind {
    /// Token 1 is blank, others are digits.
    Digits,
    /// The sign of each token, and none for a blank cell.
    Signs(Vec<Option<char>>),
    /// `# SGo` are 1 to 5.
    Maze,
    /// 0 is nothing, 1 an end, then ten colours.
    Arc,
    /// A colour and a sign for each token, and whether a question gives it.
    Own(Vec<Option<char>>, Vec<bool>),
    /// 0 is nothing, others are colours.
    Any,
}

/// Room for one candidate.
const CANDIDATE: i32 = 12;

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
    pub fn new(
        task: Option<&TaskSpec>,
        seq_len: usize,
        vocab_size: usize,
        groups: Option<&Groups>,
    ) -> Self {
        let mut look = Look::of_task(task, seq_len, vocab_size);
        let Some(groups) = groups else {
            return look;
        };
        if let Some(TaskSpec::Grid(spec)) = task {
            look.kind = Kind::Signs(signs(spec, groups));
            look.regions = Some(regions(groups, look.columns));
        }
        look.candidates.clone_from(&groups.tokens);
        look
    }

    fn of_task(task: Option<&TaskSpec>, seq_len: usize, vocab_size: usize) -> Self {
        let sudoku = match task {
            Some(&TaskSpec::Sudoku { size }) => Sudoku::new(size),
            Some(&TaskSpec::Maze { rows, cols, .. }) => {
                return Look::cells(rows, cols, Kind::Maze);
            }
            Some(TaskSpec::Grid(spec)) => {
                let frame = spec.frame;
                let tokens = 0..vocab_size as u16;
                let given: Vec<bool> = match TaskSpec::Grid(spec.clone()).task() {
                    Ok(task) => tokens.map(|token| task.is_given(token)).collect(),
                    Err(_) => Vec::new(),
                };
                let own = Kind::Own(first_letters(spec), given);
                return Look::cells(frame.rows(), frame.cols(), own);
            }
            Some(TaskSpec::Arc | TaskSpec::Vectors(_)) => None,
            None => Sudoku::with_cells(seq_len).filter(|s| s.vocab_size() == vocab_size),
        };
        if let Some(sudoku) = sudoku {
            return Look {
                rows: sudoku.size(),
                columns: sudoku.size(),
                regions: Some(boxes(sudoku)),
                candidates: Vec::new(),
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
            regions: None,
            candidates: Vec::new(),
            kind,
        }
    }

    /// Whether cells are told apart by colour.
    pub(super) fn fills(&self) -> bool {
        !matches!(self.kind, Kind::Digits | Kind::Signs(_))
    }

    /// Tokens of the symbols that a model weighs in each cell.
    pub(super) fn candidates(&self) -> &[u16] {
        &self.candidates
    }

    /// How many candidates stand side by side in a cell.
    pub(super) fn candidate_columns(&self) -> i32 {
        (self.candidates.len() as f32).sqrt().ceil() as i32
    }

    /// The smallest cell that has room for its candidates; 0 where there are none.
    pub(crate) fn least_candidates(&self) -> i32 {
        match self.candidates.len() {
            0 => 0,
            _ => self.candidate_columns() * CANDIDATE,
        }
    }

    /// Whether a cell of the question says what stands in the answer.
    pub(super) fn is_given(&self, token: u16) -> bool {
        match &self.kind {
            Kind::Digits => token > 1,
            Kind::Signs(_) => self.sign(token).is_some(),
            Kind::Own(_, given) => given.get(usize::from(token)) == Some(&true),
            _ => false,
        }
    }

    /// Whether cells told apart by colour can be given.
    pub(super) fn gives(&self) -> bool {
        matches!(&self.kind, Kind::Own(_, given) if given.contains(&true))
    }

    /// Colour of a cell.
    pub(super) fn fill(&self, token: u16) -> Option<Color> {
        match (&self.kind, token) {
            (Kind::Digits | Kind::Signs(_), _) | (_, 0) => None,
            (Kind::Maze, token) => [WALL, FREE, START, GOAL, PATH]
                .get(usize::from(token) - 1)
                .copied(),
            (Kind::Arc, 1) => Some(END),
            (Kind::Arc, token) => COLORS.get(usize::from(token) - 2).copied(),
            // The end of a grid.
            (Kind::Own(..), 1) => Some(END),
            (Kind::Any | Kind::Own(..), token) => Some(hue(token)),
        }
    }

    /// What is written in a cell.
    pub(super) fn sign(&self, token: u16) -> Option<char> {
        match (&self.kind, token) {
            (Kind::Digits, 2..) => char::from_digit(u32::from(token) - 1, 36),
            (Kind::Signs(signs) | Kind::Own(signs, _), token) => *signs.get(usize::from(token))?,
            (Kind::Maze, 3) => Some('S'),
            (Kind::Maze, 4) => Some('G'),
            _ => None,
        }
    }
}

/// The box of each cell.
fn boxes(sudoku: Sudoku) -> Vec<usize> {
    (0..sudoku.cells())
        .map(|cell| sudoku.box_of(cell))
        .collect()
}

/// The sign of each token: the first character of its symbol.
fn signs(spec: &GridSpec, groups: &Groups) -> Vec<Option<char>> {
    let mut signs = first_letters(spec);
    if let Some(blank) = signs.get_mut(usize::from(groups.blank)) {
        *blank = None;
    }
    signs
}

/// The first character of the symbol of each token. Padding and the end of a grid, which have none, come first.
fn first_letters(spec: &GridSpec) -> Vec<Option<char>> {
    let symbols = spec.symbols.iter().map(|symbol| symbol.chars().next());
    [None, None].into_iter().chain(symbols).collect()
}

/// The region of each cell: of the declared groups, those that are no rows or columns and do not overlap, in their order.
fn regions(groups: &Groups, columns: usize) -> Vec<usize> {
    let mut regions = vec![0; groups.cells];
    for (number, group) in (1..).zip(&groups.groups) {
        let cells = || group.iter().map(|&cell| usize::from(cell));
        let in_a_box = cells().all(|cell| {
            // Next to another of its cells.
            cells().any(|other| {
                let (low, high) = (cell.min(other), cell.max(other));
                high - low == columns || (high - low == 1 && high % columns != 0)
            })
        });
        let one = |of: fn(usize, usize) -> usize| {
            let mut all = cells().map(|cell| of(cell, columns));
            let first = all.next();
            all.all(|other| Some(other) == first)
        };
        let line = one(|cell, columns| cell / columns) || one(|cell, columns| cell % columns);
        if in_a_box && !line && cells().all(|cell| regions[cell] == 0) {
            cells().for_each(|cell| regions[cell] = number);
        }
    }
    regions
}

/// Colours that follow one another are far apart: each turns the wheel of colours on by the golden ratio.
fn hue(token: u16) -> Color {
    let turn = (f32::from(token) * 0.618_034).fract();
    [0.0, 1.0 / 3.0, 2.0 / 3.0].map(|shift| {
        let wave = (std::f32::consts::TAU * (turn - shift)).cos();
        (0.58 * 255.0 + 0.32 * 255.0 * wave).round() as u8
    })
}
