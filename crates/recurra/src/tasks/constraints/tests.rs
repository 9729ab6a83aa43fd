//! The search against trying everything, against Sudoku's own, and what is generated against the search.

use super::*;
use crate::groups::Groups;
use crate::tasks::Task;
use crate::tasks::sudoku::{self, Grid, Sudoku, solver::Outcome as SudokuOutcome};
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::collections::HashSet;

fn groups(cells: usize, symbols: usize, all: Vec<Vec<u16>>) -> Groups {
    Groups::new((2..2 + symbols as u16).collect(), 1, cells, all)
}

fn latin(side: usize) -> Groups {
    let line = |of: &dyn Fn(usize, usize) -> usize| {
        (0..side)
            .map(|line| (0..side).map(|i| of(line, i) as u16).collect())
            .collect::<Vec<Vec<u16>>>()
    };
    let mut all = line(&|row, col| row * side + col);
    all.extend(line(&|col, row| row * side + col));
    groups(side * side, side, all)
}

fn of_sudoku(size: usize) -> Constraints {
    Constraints::new(&Sudoku::new(size).unwrap().groups().unwrap()).unwrap()
}

/// All solutions, by trying every symbol in every open cell.
fn brute_force(groups: &Groups, cells: &mut Vec<u8>, at: usize, found: &mut Vec<Vec<u8>>) {
    let clash = |cells: &[u8], cell: usize| {
        groups.groups.iter().any(|group| {
            group.contains(&(cell as u16))
                && group.iter().any(|&other| {
                    usize::from(other) != cell && cells[usize::from(other)] == cells[cell]
                })
        })
    };
    if at == cells.len() {
        if !(0..at).any(|cell| clash(cells, cell)) {
            found.push(cells.clone());
        }
        return;
    }
    if cells[at] != 0 {
        return brute_force(groups, cells, at + 1, found);
    }
    for symbol in 1..=groups.symbols as u8 {
        cells[at] = symbol;
        if !clash(cells, at) {
            brute_force(groups, cells, at + 1, found);
        }
        cells[at] = 0;
    }
}

proptest! {
    #![proptest_config(crate::testing::cases(300))]

    #[test]
    fn finds_what_trying_everything_finds(
        symbols in 1..5usize,
        lists in prop::collection::vec(prop::collection::hash_set(0..9u16, 0..5), 0..7),
        givens in prop::collection::vec(0..12u8, 9),
    ) {
        let lists = lists.into_iter().map(|list| list.into_iter().take(symbols).collect());
        let groups = groups(9, symbols, lists.collect());
        let rules = Constraints::new(&groups).unwrap();
        let cells: Vec<u8> = givens.iter().map(|&g| if usize::from(g) <= symbols { g } else { 0 }).collect();
        let mut all = Vec::new();
        brute_force(&groups, &mut cells.clone(), 0, &mut all);
        match solve(&rules, &cells, None) {
            Outcome::None => prop_assert!(all.is_empty()),
            Outcome::One(one) => prop_assert_eq!(&all, &[one]),
            Outcome::Many(one, other) => {
                prop_assert!(one != other && all.contains(&one) && all.contains(&other));
            }
            Outcome::Unknown(_) => prop_assert!(false),
        }
        prop_assert_eq!(rating(&rules, &cells, None).is_some(), all.len() == 1);
        prop_assert_eq!(solve(&rules, &cells, None), solve(&rules, &cells, Some(u64::MAX)));
    }

    #[test]
    fn finds_what_sudokus_own_search_finds(seed: u64, which in 0..3usize, spoil in 0..4u8, less in 0..4usize) {
        let sudoku = Sudoku::ALL[which];
        let rules = of_sudoku(sudoku.size());
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut cells = sudoku::generate::random_puzzle(sudoku, None, &mut rng).unwrap().question.cells().to_vec();
        // Puzzles with one solution, with several, and with none.
        for cell in cells.iter_mut().filter(|cell| **cell != 0).take(less) {
            *cell = 0;
        }
        if spoil == 0 {
            let open = cells.iter().position(|&cell| cell == 0).unwrap();
            cells[open] = 1 + (seed % sudoku.size() as u64) as u8;
        }
        let grid = Grid::new(sudoku, cells.clone()).unwrap();
        match (sudoku::solver::solve(&grid, None), solve(&rules, &cells, None)) {
            (SudokuOutcome::None, Outcome::None) => {}
            (SudokuOutcome::One(one), Outcome::One(other)) => prop_assert_eq!(one.cells(), &other),
            (SudokuOutcome::Many(..), Outcome::Many(..)) => {}
            (theirs, ours) => prop_assert!(false, "{theirs:?} {ours:?}"),
        }
        prop_assert_eq!(sudoku::solver::rating(&grid, None), rating(&rules, &cells, None));
    }
}

#[test]
fn a_budget_ends_a_search_in_words() {
    let rules = of_sudoku(16);
    assert_eq!(solve(&rules, &[0; 256], Some(1000)), Outcome::Unknown(None));
    let rules = of_sudoku(9);
    assert!(matches!(solve(&rules, &[0; 81], None), Outcome::Many(..)));
}

#[test]
fn rules_with_too_many_symbols_have_no_search() {
    assert!(Constraints::new(&latin(32)).is_some());
    assert!(Constraints::new(&latin(33)).is_none());
}

#[test]
fn puzzles_have_one_solution_and_nothing_to_spare() {
    for (rules, count) in [
        (Constraints::new(&latin(5)).unwrap(), 20),
        (of_sudoku(4), 20),
        (of_sudoku(9), 5),
    ] {
        let generator = Generator::new(&rules, Effort::of(rules.cells()));
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for _ in 0..count {
            let made = generator.puzzle(None, 0, &mut rng).unwrap();
            assert_eq!(
                solve(&rules, &made.question, None),
                Outcome::One(made.answer.clone())
            );
            assert_eq!(made.rating, rating(&rules, &made.question, None));
            for cell in (0..rules.cells()).filter(|&cell| made.question[cell] != 0) {
                let mut less = made.question.clone();
                less[cell] = 0;
                assert!(matches!(solve(&rules, &less, None), Outcome::Many(..)));
            }
        }
    }
}

#[test]
fn wishes_are_met_or_refused() {
    let rules = of_sudoku(9);
    let generator = Generator::new(&rules, Effort::of(81));
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    for givens in [24, 30, 50, 80] {
        let made = generator.puzzle(Some(givens), 0, &mut rng).unwrap();
        assert_eq!(made.question.iter().filter(|&&c| c != 0).count(), givens);
    }
    let hard = generator.puzzle(None, 10, &mut rng).unwrap();
    assert!(hard.rating.unwrap() >= 10);
    let refused = |givens, rating| {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let quick = Effort {
            grids: 2,
            rounds: 2,
            ..Effort::of(81)
        };
        let generator = Generator::new(&rules, quick);
        let error = generator.puzzle(givens, rating, &mut rng).unwrap_err();
        error.to_string()
    };
    assert_eq!(
        refused(Some(81), 0),
        "givens: expected at most 80, found 81"
    );
    assert!(refused(Some(10), 0).starts_with("givens: no puzzle with 10 found, the least found"));
    assert!(refused(Some(60), 50).starts_with("rating: no puzzle of 50 found, the hardest"));
}

/// That a puzzle could not be rated says nothing of the rules.
#[test]
fn puzzles_that_take_too_long_to_rate_are_passed_over() {
    let rules = of_sudoku(9);
    let quick = Effort {
        rating: 0,
        grids: 1,
        ..Effort::of(81)
    };
    let errors = (0..8).map(|seed| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let made = Generator::new(&rules, quick).puzzle(None, 1, &mut rng);
        made.unwrap_err()
    });
    let (unrated, others): (Vec<_>, Vec<_>) =
        errors.partition(|error| *error == GenerateError::Unrated { asked: 1 });
    assert!(!unrated.is_empty());
    let easy = |error: &GenerateError| matches!(error, GenerateError::TooEasy { highest: 0, .. });
    assert!(others.iter().all(easy), "{others:?}");
}

#[test]
fn rules_that_cannot_be_kept_are_found_out() {
    // Three cells that differ two by two, and two symbols.
    let triangle = groups(3, 2, vec![vec![0, 1], vec![1, 2], vec![0, 2]]);
    let rules = Constraints::new(&triangle).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let made = Generator::new(&rules, Effort::of(3)).puzzle(None, 0, &mut rng);
    assert_eq!(made, Err(GenerateError::NoSolution));
    // Nothing follows where cells have nothing to do with one another.
    let loose = groups(4, 3, vec![vec![0, 1]]);
    let rules = Constraints::new(&loose).unwrap();
    let made = Generator::new(&rules, Effort::of(4)).puzzle(None, 0, &mut rng);
    assert_eq!(made, Err(GenerateError::NothingFollows));
}

#[test]
fn random_solutions_differ_and_reach_all_small_ones() {
    let rules = of_sudoku(4);
    let generator = Generator::new(&rules, Effort::of(16));
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let all: HashSet<_> = (0..5000)
        .map(|_| generator.solution(&mut rng).unwrap())
        .collect();
    assert_eq!(all.len(), 288);
}

#[test]
fn large_grids_end_in_time() {
    let rules = of_sudoku(16);
    let generator = Generator::new(&rules, Effort::of(256));
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let made = generator.puzzle(Some(140), 0, &mut rng).unwrap();
    let solved = solve(&rules, &made.question, Some(50_000_000));
    assert_eq!(solved, Outcome::One(made.answer));
}

#[test]
fn attempts_without_a_model_end_in_the_solution_or_nothing() {
    let rules = of_sudoku(9);
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let generator = Generator::new(&rules, Effort::of(81));
    let mut found = 0;
    for _ in 0..20 {
        let puzzle = generator.puzzle(None, 0, &mut rng).unwrap();
        let answers: Vec<_> = (0..20)
            .filter_map(|_| attempt(&rules, &puzzle.question, &mut rng))
            .collect();
        assert!(answers.iter().all(|answer| *answer == puzzle.answer));
        found += answers.len();
    }
    // Some are solved by singles alone, and guesses go wrong.
    assert!(found > 20 && found < 400, "{found}");
}
