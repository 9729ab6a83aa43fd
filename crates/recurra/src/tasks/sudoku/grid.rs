//! A grid of digits: as text, as a drawing, as a model's tokens.

use std::fmt;

use super::Sudoku;

/// The token of a cell outside the puzzle. A Sudoku has none, but every task keeps the number free.
pub const PAD: u16 = 0;
/// The token of a blank cell; digit d is token d + 1.
pub const BLANK: u16 = 1;

/// Cells in reading order: 0 is blank, else a digit from 1 to the size.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Grid {
    sudoku: Sudoku,
    cells: Vec<u8>,
}

impl Grid {
    /// A grid without any digit.
    pub fn blank(sudoku: Sudoku) -> Self {
        Grid {
            sudoku,
            cells: vec![0; sudoku.cells()],
        }
    }

    /// A grid of these cells, if their number is right and no digit is too large.
    pub fn new(sudoku: Sudoku, cells: Vec<u8>) -> Option<Self> {
        let fits = cells.len() == sudoku.cells()
            && cells
                .iter()
                .all(|&digit| usize::from(digit) <= sudoku.size());
        fits.then_some(Grid { sudoku, cells })
    }

    /// The kind of Sudoku this is a grid of.
    pub fn sudoku(&self) -> Sudoku {
        self.sudoku
    }

    /// The cells in reading order.
    pub fn cells(&self) -> &[u8] {
        &self.cells
    }

    /// The digit of a cell, 0 where it is blank or there is no such cell.
    pub fn get(&self, cell: usize) -> u8 {
        self.cells.get(cell).copied().unwrap_or(0)
    }

    /// Writes a digit, or 0 for blank. Returns false and changes nothing where cell or digit do not exist.
    pub fn set(&mut self, cell: usize, digit: u8) -> bool {
        match self.cells.get_mut(cell) {
            Some(place) if usize::from(digit) <= self.sudoku.size() => {
                *place = digit;
                true
            }
            _ => false,
        }
    }

    /// For code in this task that keeps digits within the size by construction.
    pub(super) fn cells_mut(&mut self) -> &mut [u8] {
        &mut self.cells
    }

    /// Number of cells with a digit.
    pub fn givens(&self) -> usize {
        self.cells.iter().filter(|&&digit| digit != 0).count()
    }

    /// Whether no cell is blank. Says nothing about the rules.
    pub fn is_complete(&self) -> bool {
        !self.cells.contains(&0)
    }

    /// The tokens a model reads: 1 for blank, digit + 1 else.
    pub fn encode(&self) -> Vec<u16> {
        self.cells
            .iter()
            .map(|&digit| u16::from(digit) + BLANK)
            .collect()
    }

    /// The grid that tokens stand for. What is no digit (padding, blank, a token that does not exist,
    /// one missing at the end) gives a blank cell; what is left over is ignored.
    pub fn decode(sudoku: Sudoku, tokens: &[u16]) -> Self {
        let mut grid = Grid::blank(sudoku);
        for (cell, &token) in grid.cells.iter_mut().zip(tokens) {
            let digit = token.saturating_sub(BLANK);
            if usize::from(digit) <= sudoku.size() {
                *cell = digit as u8;
            }
        }
        grid
    }

    /// One line: `.` for blank, 1 to 9, then A to G in the 16x16. [`str::parse`] reads it back.
    pub fn to_line(&self) -> String {
        self.cells.iter().map(|&digit| letter(digit)).collect()
    }

    /// A drawing of several lines, with lines between the boxes. [`PuzzleReader`](super::PuzzleReader)
    /// reads it back.
    pub fn to_pretty(&self) -> String {
        let (size, across, down) = (
            self.sudoku.size(),
            self.sudoku.box_cols(),
            self.sudoku.box_rows(),
        );
        let mut text = String::new();
        for (row, digits) in self.cells.chunks(size).enumerate() {
            if row > 0 && row % down == 0 {
                for stack in 0..size / across {
                    let outer = usize::from(stack == 0 || stack == size / across - 1);
                    text.push_str(if stack > 0 { "+" } else { "" });
                    text.push_str(&"-".repeat(2 * across + 1 - outer));
                }
                text.push('\n');
            }
            for (col, &digit) in digits.iter().enumerate() {
                if col > 0 {
                    text.push_str(if col % across == 0 { " | " } else { " " });
                }
                text.push(letter(digit));
            }
            text.push('\n');
        }
        text
    }
}

/// How a digit is written.
pub(super) fn letter(digit: u8) -> char {
    match digit {
        0 => '.',
        1..=9 => char::from(b'0' + digit),
        _ => char::from((b'A' - 10).saturating_add(digit)),
    }
}

/// The digit (0 for blank) that a character stands for in the largest grid.
pub(super) fn digit(letter: char) -> Option<u8> {
    match letter {
        '.' | '_' => Some(0),
        '0'..='9' => Some(letter as u8 - b'0'),
        'A'..='G' => Some(letter as u8 - b'A' + 10),
        'a'..='g' => Some(letter as u8 - b'a' + 10),
        _ => None,
    }
}

/// The one line of [`Grid::to_line`].
impl fmt::Display for Grid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_line())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(in crate::tasks::sudoku) fn any_grid() -> impl Strategy<Value = Grid> {
        (0..4usize).prop_flat_map(|kind| {
            let sudoku = Sudoku::ALL[kind];
            prop::collection::vec(0..=sudoku.size() as u8, sudoku.cells())
                .prop_map(move |cells| Grid::new(sudoku, cells).unwrap())
        })
    }

    proptest! {
        #![proptest_config(crate::testing::cases(256))]

        #[test]
        fn text_and_tokens_go_round(grid in any_grid()) {
            prop_assert_eq!(&grid.to_line().parse::<Grid>().unwrap(), &grid);
            let tokens = grid.encode();
            prop_assert!(tokens.iter().all(|&t| t >= 1 && usize::from(t) < grid.sudoku().vocab_size()));
            prop_assert_eq!(Grid::decode(grid.sudoku(), &tokens), grid);
        }

        #[test]
        fn any_tokens_decode(kind in 0..4usize, tokens in prop::collection::vec(any::<u16>(), 0..300)) {
            let sudoku = Sudoku::ALL[kind];
            let grid = Grid::decode(sudoku, &tokens);
            prop_assert!(Grid::new(sudoku, grid.cells().to_vec()).is_some());
        }
    }

    #[test]
    fn refuses_what_does_not_fit() {
        let four = Sudoku::new(4).unwrap();
        assert!(Grid::new(four, vec![0; 15]).is_none());
        assert!(Grid::new(four, vec![5; 16]).is_none());
        let mut grid = Grid::blank(four);
        assert!(!grid.set(0, 5) && !grid.set(16, 1) && grid.set(15, 4));
        assert_eq!((grid.get(15), grid.get(16), grid.givens()), (4, 0, 1));
        assert_eq!(
            Grid::decode(four, &[0, 1, 2, 5, 6, 255]).to_line(),
            "..14............"
        );
    }

    #[test]
    fn drawing() {
        let grid: Grid = "1.......2..3...4".parse().unwrap();
        assert_eq!(
            grid.to_pretty(),
            "1 . | . .\n. . | . .\n----+----\n2 . | . 3\n. . | . 4\n"
        );
        let nine = Grid::blank(Sudoku::new(9).unwrap()).to_pretty();
        assert_eq!(nine.lines().nth(3), Some("------+-------+------"));
    }
}
