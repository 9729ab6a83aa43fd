use std::collections::{HashMap, HashSet};

use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::tasks::sudoku::{Sudoku, solutions};

/// The image of a grid with digits numbered as they appear, for every arrangement of its lines.
fn brute_images(grid: &Grid) -> Vec<Vec<u8>> {
    let sudoku = grid.sudoku();
    let size = sudoku.size();
    let (rows, cols) = (
        arrangements(size, sudoku.box_rows()),
        arrangements(size, sudoku.box_cols()),
    );
    let mut images = Vec::new();
    for transpose in [false, true]
        .into_iter()
        .take(1 + usize::from(sudoku.transposes()))
    {
        for (rows, cols) in rows.iter().flat_map(|r| cols.iter().map(move |c| (r, c))) {
            let mut digits = [0u8; 17];
            let mut count = 0;
            let mut name = |digit: u8| {
                let name = &mut digits[usize::from(digit)];
                if digit != 0 && *name == 0 {
                    count += 1;
                    *name = count;
                }
                *name
            };
            let cells = rows.iter().flat_map(|&r| cols.iter().map(move |&c| (r, c)));
            let cells = cells.map(|(r, c)| if transpose { (c, r) } else { (r, c) });
            images.push(cells.map(|(r, c)| name(grid.get(r * size + c))).collect());
        }
    }
    images
}

/// All orders of lines in which bands stay together.
fn arrangements(size: usize, band: usize) -> Vec<Vec<usize>> {
    let inner = permutations(band);
    let mut all = Vec::new();
    for bands in permutations(size / band) {
        let mut some = vec![Vec::new()];
        for from in bands {
            let longer = |head: &Vec<usize>| {
                let tail = |order: &Vec<usize>| order.iter().map(|i| from * band + i).collect();
                let tails: Vec<Vec<usize>> = inner.iter().map(tail).collect();
                let head = head.clone();
                tails
                    .into_iter()
                    .map(move |tail| [head.clone(), tail].concat())
            };
            some = some.iter().flat_map(longer).collect();
        }
        all.extend(some);
    }
    all
}

fn permutations(n: usize) -> Vec<Vec<usize>> {
    if n == 0 {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for shorter in permutations(n - 1) {
        for place in 0..n {
            let mut longer = shorter.clone();
            longer.insert(place, n - 1);
            all.push(longer);
        }
    }
    all
}

/// A grid that a random symmetry maps to itself, so that much of it looks alike. It may have clashes.
fn patterned(sudoku: Sudoku, rng: &mut ChaCha8Rng) -> Grid {
    let symmetry = Symmetry::random(sudoku, rng);
    let mut grid = Grid::blank(sudoku);
    for _ in 0..rng.random_range(1..12) {
        let mut next = grid.clone();
        let mut step = Grid::blank(sudoku);
        let cell = rng.random_range(0..sudoku.cells());
        step.set(cell, rng.random_range(1..=sudoku.size() as u8));
        let first = step.clone();
        loop {
            for cell in (0..sudoku.cells()).filter(|&cell| step.get(cell) != 0) {
                next.set(cell, step.get(cell));
            }
            step = symmetry.apply(&step);
            if step == first {
                break;
            }
        }
        if symmetry.apply(&next) == next {
            grid = next;
        }
    }
    grid
}

/// The solution grid with the most symmetries, where there is one known for all square boxes.
fn most_symmetric(sudoku: Sudoku) -> Grid {
    let (size, band) = (sudoku.size(), sudoku.box_rows());
    let digit = |cell| {
        let (row, col) = (cell / size, cell % size);
        let high = (row / band + col % band) % band;
        let low = (row % band + col / band) % band;
        (high * band + low + 1) as u8
    };
    Grid::new(sudoku, (0..sudoku.cells()).map(digit).collect()).unwrap()
}

/// Grids of every sort.
fn any_grid(sort: usize, sudoku: Sudoku, rng: &mut ChaCha8Rng) -> Grid {
    let size = sudoku.size() as u8;
    let mut grid = match sort {
        0 => solutions::random_solution(sudoku, rng),
        1 => return patterned(sudoku, rng),
        2 if sudoku.transposes() => most_symmetric(sudoku),
        _ => {
            let digits = rng.random_range(1..=size);
            let cells = (0..sudoku.cells()).map(|_| rng.random_range(1..=digits));
            Grid::new(sudoku, cells.collect()).unwrap()
        }
    };
    // Whole boxes and digits go, so that what is left stays symmetric; then single cells.
    let gone: [u32; 3] = std::array::from_fn(|_| rng.random::<u32>() & rng.random::<u32>());
    let share = rng.random_range(0..100) * rng.random_range(0..2);
    let some = rng.random_range(0..3);
    for cell in 0..sudoku.cells() {
        let unit = [sudoku.box_of(cell), usize::from(grid.get(cell)), 31][some];
        if gone[some] >> unit & 1 != 0 || rng.random_range(0..100) < share {
            grid.set(cell, 0);
        }
    }
    grid
}

proptest! {
    #![proptest_config(crate::testing::cases(1500))]

    #[test]
    fn all_images_have_one_form(kind in 0..4usize, sort in 0..4usize, seed in any::<u64>()) {
        let sudoku = Sudoku::ALL[kind];
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let grid = any_grid(sort, sudoku, &mut rng);
        let mut canonizer = Canonizer::new();
        let form = canonizer.canonical(&grid).unwrap();
        let cost = canonizer.cost();
        prop_assert_eq!(&form.symmetry.apply(&grid), &form.grid);
        prop_assert_eq!(&canonical(&form.grid).unwrap().grid, &form.grid);
        for _ in 0..4 {
            let image = Symmetry::random(sudoku, &mut rng).apply(&grid);
            let other = canonizer.canonical(&image).unwrap();
            prop_assert_eq!(&other.symmetry.apply(&image), &form.grid);
            prop_assert_eq!(&other.grid, &form.grid);
            prop_assert_eq!(canonizer.cost(), cost);
        }
    }

    /// A limit too small for some, but never for some images of a grid only.
    #[test]
    fn images_exceed_the_limit_together(
        kind in 0..4usize, sort in 0..4usize, limit in 1..60u64, seed in any::<u64>(),
    ) {
        let sudoku = Sudoku::ALL[kind];
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let grid = any_grid(sort, sudoku, &mut rng);
        let mut canonizer = Canonizer::new();
        let full = canonizer.canonical(&grid).unwrap();
        let within = canonizer.cost() <= limit;
        canonizer.set_limit(limit);
        for _ in 0..3 {
            let image = Symmetry::random(sudoku, &mut rng).apply(&grid);
            let form = canonizer.canonical(&image).map(|form| form.grid);
            prop_assert_eq!(form, within.then(|| full.grid.clone()));
        }
    }
}

/// Checks grids against the classes found by trying all symmetries.
fn agrees_with_brute_force(grids: impl Iterator<Item = Grid>) -> usize {
    let mut canonizer = Canonizer::new();
    let (mut forms, mut leasts) = (HashMap::new(), HashMap::new());
    for grid in grids {
        let form = canonizer.canonical(&grid).unwrap();
        assert_eq!(form.symmetry.apply(&grid), form.grid);
        let least = brute_images(&grid).into_iter().min().unwrap();
        let known = forms
            .entry(form.grid.clone())
            .or_insert_with(|| least.clone());
        assert_eq!(known, &least, "{grid} has the form of another class");
        let known = leasts.entry(least).or_insert_with(|| form.grid.clone());
        assert_eq!(known, &form.grid, "{grid} has another form than its class");
    }
    forms.len()
}

#[test]
fn the_group_is_complete() {
    let sizes = [(4, 2 * 8 * 8), (6, 48 * 72)];
    for (size, count) in sizes {
        let grid = Grid::blank(Sudoku::new(size).unwrap());
        assert_eq!(brute_images(&grid).len(), count);
    }
}

#[test]
fn small_grids_agree_with_brute_force() {
    let four = Sudoku::new(4).unwrap();
    // All grids of up to three givens, whose digits are numbered as they appear.
    let mut grids = vec![Grid::blank(four)];
    let mut start = 0;
    for count in 1..=3u8 {
        let end = grids.len();
        for i in start..end {
            let last = grids[i].cells().iter().rposition(|&digit| digit != 0);
            for cell in last.map_or(0, |last| last + 1)..four.cells() {
                let most = grids[i].cells().iter().max().map_or(0, |&most| most);
                for digit in 1..=(most + 1).min(count) {
                    let mut grid = grids[i].clone();
                    grid.set(cell, digit);
                    grids.push(grid);
                }
            }
        }
        start = end;
    }
    assert_eq!(grids.len(), 1 + 16 + 120 * 2 + 560 * 5);
    agrees_with_brute_force(grids.into_iter());
    assert_eq!(
        agrees_with_brute_force(solutions::all_4x4().iter().cloned()),
        2
    );
}

#[test]
fn random_grids_agree_with_brute_force() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    for (size, count) in [(4, 6000), (6, 150)] {
        let sudoku = Sudoku::new(size).unwrap();
        let grids = (0..count).map(|i| {
            let mut grid = any_grid(i % 4, sudoku, &mut rng);
            // Few givens, so that many grids are of one class.
            if i % 3 == 0 {
                for cell in 0..sudoku.cells() {
                    if rng.random_range(0..100) < 60 {
                        grid.set(cell, 0);
                    }
                }
            }
            grid
        });
        agrees_with_brute_force(grids);
    }
}

#[test]
fn solution_grids_of_6x6_have_49_classes() {
    let mut rng = ChaCha8Rng::seed_from_u64(6);
    let six = Sudoku::new(6).unwrap();
    let mut canonizer = Canonizer::new();
    let forms: HashSet<Grid> = (0..10_000)
        .map(|_| solutions::random_solution(six, &mut rng))
        .map(|grid| canonizer.canonical(&grid).unwrap().grid)
        .collect();
    assert_eq!(forms.len(), 49);
}

#[test]
fn one_given_is_one_class() {
    for sudoku in Sudoku::ALL {
        let grids = (0..sudoku.cells()).map(|cell| {
            let mut grid = Grid::blank(sudoku);
            grid.set(cell, 1 + (cell % sudoku.size()) as u8);
            canonical(&grid).unwrap().grid
        });
        assert_eq!(grids.collect::<HashSet<_>>().len(), 1);
        let blank = Grid::blank(sudoku);
        assert_eq!(canonical(&blank).unwrap().grid, blank);
    }
}

#[test]
fn symmetric_grids_cost_little() {
    let cost = |grid: &Grid| {
        let mut canonizer = Canonizer::new();
        canonizer.canonical(grid).unwrap();
        canonizer.cost()
    };
    for sudoku in Sudoku::ALL {
        let ones = Grid::new(sudoku, vec![1; sudoku.cells()]).unwrap();
        assert!(cost(&ones) < 150);
        // One digit a line, with at most 24^5 * 2 symmetries.
        let mut diagonal = Grid::blank(sudoku);
        for i in 0..sudoku.size() {
            diagonal.set(i * (sudoku.size() + 1), i as u8 + 1);
        }
        assert!(cost(&diagonal) < 100);
        if sudoku.transposes() {
            assert!(cost(&most_symmetric(sudoku)) < 100);
        }
    }
}

#[test]
fn the_form_never_changes() {
    // Keys that people keep on disk depend on it.
    let form = |grid: &Grid| canonical(grid).unwrap().grid.to_line();
    let question = "..9....3.3.....12...58.......2..5.4..3.2....9.8...4...1...6.....6..8...2.581..6..";
    assert_eq!(form(&question.parse().unwrap()), "?");
    assert_eq!(form(&most_symmetric(Sudoku::new(9).unwrap())), "?");
}
