//! Grids that are easy and hard to tell from their images.

use std::error::Error;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use recurra::tasks::sudoku::{
    Canonizer, GenerateError, Generator, Grid, Sudoku, Symmetry, rules, solutions,
};

fn kind(size: usize) -> Result<Sudoku, Box<dyn Error>> {
    Sudoku::new(size).ok_or_else(|| "no such size".into())
}

/// Puzzles with no givens to spare.
pub(crate) fn minimal(size: usize, count: usize) -> Result<Vec<Grid>, Box<dyn Error>> {
    puzzles(size, None, count)
}

fn puzzles(size: usize, givens: Option<usize>, count: usize) -> Result<Vec<Grid>, Box<dyn Error>> {
    let generator = Generator::new(kind(size)?, givens, 1)?;
    let puzzles = (0..count as u64).map(|number| Ok(generator.puzzle(number)?.question));
    Ok(puzzles.collect::<Result<_, GenerateError>>()?)
}

/// A name and its grids.
type Sort = (&'static str, Vec<Grid>);

/// What else is timed than minimal puzzles of 9x9.
pub(crate) fn all() -> Result<Vec<Sort>, Box<dyn Error>> {
    let rng = &mut ChaCha8Rng::seed_from_u64(1);
    let (nine, sixteen) = (kind(9)?, kind(16)?);
    let mut repeat = |count, make: &dyn Fn(&mut ChaCha8Rng) -> Grid| -> Vec<Grid> {
        (0..count).map(|_| make(rng)).collect()
    };
    Ok(vec![
        ("9x9, 30 givens", puzzles(9, Some(30), 1000)?),
        (
            "9x9, up to 6 givens",
            repeat(1000, &|rng| few(nine, 6, rng)),
        ),
        ("9x9, pattern", repeat(5000, &|rng| pattern(nine, rng))),
        (
            "9x9, solutions",
            repeat(1000, &|rng| solutions::random_solution(nine, rng)),
        ),
        ("9x9, 648 symmetries", vec![most_symmetric(nine)]),
        (
            "9x9, all cells 1",
            vec![Grid::new(nine, vec![1; 81]).ok_or("cells")?],
        ),
        ("4x4, no givens to spare", minimal(4, 1000)?),
        ("6x6, no givens to spare", minimal(6, 1000)?),
        ("16x16, 150 givens", puzzles(16, Some(150), 100)?),
        (
            "16x16, up to 16 givens",
            repeat(1000, &|rng| few(sixteen, 16, rng)),
        ),
        ("16x16, pattern", repeat(1000, &|rng| pattern(sixteen, rng))),
        (
            "16x16, solutions",
            repeat(100, &|rng| solutions::random_solution(sixteen, rng)),
        ),
        (
            "16x16, all cells 1",
            vec![Grid::new(sixteen, vec![1; 256]).ok_or("cells")?],
        ),
    ])
}

/// Up to so many givens that do not clash.
fn few(sudoku: Sudoku, most: usize, rng: &mut ChaCha8Rng) -> Grid {
    let mut grid = Grid::blank(sudoku);
    for _ in 0..rng.random_range(0..=most) {
        let cell = rng.random_range(0..sudoku.cells());
        grid.set(cell, rng.random_range(1..=sudoku.size() as u8));
        if rules::clashes(&grid).is_some() {
            grid.set(cell, 0);
        }
    }
    grid
}

/// The solution grid with the most symmetries.
fn most_symmetric(sudoku: Sudoku) -> Grid {
    let (size, band) = (sudoku.size(), sudoku.box_rows());
    let mut grid = Grid::blank(sudoku);
    for cell in 0..sudoku.cells() {
        let (row, col) = (cell / size, cell % size);
        let high = (row / band + col % band) % band;
        let low = (row % band + col / band) % band;
        grid.set(cell, (high * band + low + 1) as u8);
    }
    grid
}

/// Some givens of the most symmetric grid: with each, all to which one of its symmetries leads.
fn pattern(sudoku: Sudoku, rng: &mut ChaCha8Rng) -> Grid {
    let grid = most_symmetric(sudoku);
    let mut canonizer = Canonizer::new();
    let symmetry = loop {
        let there = Symmetry::random(sudoku, rng);
        let forms = [&grid, &there.apply(&grid)].map(|grid| canonizer.canonical(grid));
        let [Some(form), Some(image)] = forms else {
            continue;
        };
        let back = image.symmetry.then(&form.symmetry.inverse());
        if let Some(symmetry) = back.and_then(|back| there.then(&back)) {
            break symmetry;
        }
    };
    assert_eq!(symmetry.apply(&grid), grid);
    let mut part = Grid::blank(sudoku);
    for _ in 0..rng.random_range(1..=sudoku.size()) {
        let cell = rng.random_range(0..sudoku.cells());
        let mut one = Grid::blank(sudoku);
        one.set(cell, grid.get(cell));
        // The images of one given come round to it again.
        while let Some(cell) = one.cells().iter().position(|&digit| digit != 0)
            && part.get(cell) == 0
        {
            part.set(cell, grid.get(cell));
            one = symmetry.apply(&one);
        }
    }
    part
}
