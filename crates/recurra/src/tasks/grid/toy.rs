//! Three small tables to learn from: they show what the rules can say, and a small model learns each in minutes.

use super::Shape;
use super::cells::Grid;
use rand::seq::SliceRandom;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::fmt::Write;
#[cfg(feature = "files")]
use std::path::Path;

/// A table that is made, not collected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Toy {
    /// 4 rows of 6 bits; the answer is the number of ones in each row, one cell a row.
    BitCounts,
    /// 5x5 cells, some of which are walls `#` and one or two wet `o`; the answer is wet wherever water can flow.
    FloodFill,
    /// 5x5 Latin squares with cells missing, of which each has one solution.
    LatinSquares,
}

impl Toy {
    /// All of them.
    pub const ALL: [Toy; 3] = [Toy::BitCounts, Toy::FloodFill, Toy::LatinSquares];

    /// The name of its files.
    pub fn name(self) -> &'static str {
        match self {
            Toy::BitCounts => "bit-counts",
            Toy::FloodFill => "flood-fill",
            Toy::LatinSquares => "latin-squares",
        }
    }

    /// The rules file that belongs to it.
    pub fn rules(self) -> &'static str {
        match self {
            Toy::BitCounts => "symmetries = ['permute rows']\n",
            Toy::FloodFill => "keep = ['#', 'o']\nsymmetries = ['rotate', 'reflect']\n",
            Toy::LatinSquares => {
                "blank = '.'\nkeep = 'givens'\npermutation = ['row', 'column']\nproof = true\n\
                 symmetries = ['transpose', 'permute rows', 'permute columns', 'permute symbols']\n"
            }
        }
    }

    /// Writes its tables of so many puzzles to train and to test on, and its rules, into a folder.
    ///
    /// # Errors
    /// Those of writing.
    #[cfg(feature = "files")]
    pub fn write(self, folder: &Path, train: u64, test: u64) -> std::io::Result<()> {
        let write = |ending: &str, text: &str| {
            std::fs::write(folder.join(format!("{}{ending}", self.name())), text)
        };
        write("-train.csv", &self.table(1, 0, train))?;
        write("-test.csv", &self.table(1, train, test))?;
        write(".toml", self.rules())
    }

    /// A table of so many puzzles, from the `first` of an endless run: the same for the same seed.
    pub fn table(self, seed: u64, first: u64, count: u64) -> String {
        let mut text = String::from("question,answer\n");
        for number in first..first + count {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(number);
            let (question, answer, symbols) = match self {
                Toy::BitCounts => bit_counts(&mut rng),
                Toy::FloodFill => flood_fill(&mut rng),
                Toy::LatinSquares => latin_square(&mut rng),
            };
            let _ = writeln!(
                text,
                "{},{}",
                line(&question, symbols),
                line(&answer, symbols)
            );
        }
        text
    }
}

/// A grid as text, cell c as the c-th symbol.
fn line(grid: &Grid, symbols: &str) -> String {
    let symbol = |&cell: &u8| char::from(symbols.as_bytes()[usize::from(cell)]);
    let rows = grid.cells.chunks(grid.shape.cols());
    let rows = rows.map(|row| row.iter().map(symbol).collect::<String>());
    rows.collect::<Vec<_>>().join("/")
}

/// Rows and columns of a flood fill and of a Latin square.
const SIDE: usize = 5;

type Made = (Grid, Grid, &'static str);

fn grid(rows: usize, cols: usize, cells: Vec<u8>) -> Grid {
    let shape = Shape::new(rows, cols).expect("a small shape");
    Grid { shape, cells }
}

fn bit_counts(rng: &mut impl Rng) -> Made {
    // Each row has its own share of ones, so that all counts are met.
    let mut bits = Vec::new();
    for _ in 0..4 {
        let ones = rng.random_range(0..=6);
        let mut row: Vec<u8> = (0..6).map(|i| u8::from(i < ones)).collect();
        row.shuffle(rng);
        bits.extend(row);
    }
    let counts = bits.chunks(6).map(|row| row.iter().sum()).collect();
    (grid(4, 6, bits), grid(4, 1, counts), "0123456")
}

fn flood_fill(rng: &mut impl Rng) -> Made {
    let mut cells = vec![0u8; SIDE * SIDE];
    for cell in &mut cells {
        *cell = u8::from(rng.random_range(0..100) < 40);
    }
    for _ in 0..rng.random_range(1..=2) {
        cells[rng.random_range(0..SIDE * SIDE)] = 2;
    }
    let mut wet = cells.clone();
    let mut ahead: Vec<usize> = (0..wet.len()).filter(|&cell| wet[cell] == 2).collect();
    while let Some(cell) = ahead.pop() {
        let (row, col) = (cell / SIDE, cell % SIDE);
        let beside = [
            (row > 0).then(|| cell - SIDE),
            (row + 1 < SIDE).then_some(cell + SIDE),
            (col > 0).then(|| cell - 1),
            (col + 1 < SIDE).then_some(cell + 1),
        ];
        for next in beside.into_iter().flatten() {
            if wet[next] == 0 {
                wet[next] = 2;
                ahead.push(next);
            }
        }
    }
    (grid(SIDE, SIDE, cells), grid(SIDE, SIDE, wet), ".#o")
}

/// Solutions of a Latin square with blanks (0), at most two; `cells` becomes the last one found and `order` is tried.
fn solutions(cells: &mut [u8], order: &[u8], found: &mut Vec<Vec<u8>>, most: usize) {
    let Some(blank) = cells.iter().position(|&cell| cell == 0) else {
        found.push(cells.to_vec());
        return;
    };
    for &digit in order {
        let (row, col) = (blank / SIDE, blank % SIDE);
        let clash = |i: usize| cells[row * SIDE + i] == digit || cells[i * SIDE + col] == digit;
        if found.len() < most && !(0..SIDE).any(clash) {
            cells[blank] = digit;
            solutions(cells, order, found, most);
            cells[blank] = 0;
        }
    }
}

fn latin_square(rng: &mut impl Rng) -> Made {
    let mut order = [1, 2, 3, 4, 5];
    order.shuffle(rng);
    // A random first row and column; both can always be completed.
    let mut start = vec![0; SIDE * SIDE];
    start[..SIDE].copy_from_slice(&order);
    let mut below = order[1..].to_vec();
    below.shuffle(rng);
    for (row, digit) in below.into_iter().enumerate() {
        start[(row + 1) * SIDE] = digit;
    }
    let mut found = Vec::new();
    order.shuffle(rng);
    solutions(&mut start, &order, &mut found, 1);
    let answer = found.swap_remove(0);
    let mut question = answer.clone();
    let mut places: Vec<usize> = (0..SIDE * SIDE).collect();
    places.shuffle(rng);
    let mut blanks = rng.random_range(6..=14);
    for place in places {
        let digit = std::mem::take(&mut question[place]);
        let mut found = Vec::new();
        solutions(&mut question, &[1, 2, 3, 4, 5], &mut found, 2);
        if found.len() == 1 {
            blanks -= 1;
        } else {
            question[place] = digit;
        }
        if blanks == 0 {
            break;
        }
    }
    (
        grid(SIDE, SIDE, question),
        grid(SIDE, SIDE, answer),
        ".12345",
    )
}
