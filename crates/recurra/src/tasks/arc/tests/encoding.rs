//! Grids as tokens and back.

use super::super::encoding::{END, PAD, SEQ_LEN, Shift, VOCAB_SIZE, crop, encode};
use super::super::grid::SIDE;
use super::super::{Grid, Pair};
use super::{any_grid, grid, pair};
use crate::testing::cases;
use proptest::collection::vec;
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

fn tokens(grid: &Grid, down: usize, right: usize) -> Vec<u16> {
    let mut tokens = vec![7; 3];
    encode(grid, Shift { down, right }, &mut tokens);
    tokens
}

#[test]
fn the_end_stands_below_and_to_the_right() {
    let tokens = tokens(&grid("01/90"), 2, 3);
    let mut expected = vec![PAD; SEQ_LEN];
    expected[2 * SIDE + 3..][..3].copy_from_slice(&[2, 3, END]);
    expected[3 * SIDE + 3..][..3].copy_from_slice(&[11, 2, END]);
    expected[4 * SIDE + 3..][..3].copy_from_slice(&[END, END, PAD]);
    assert_eq!(tokens, expected);
    assert_eq!((SEQ_LEN, VOCAB_SIZE), (900, 12));
}

#[test]
fn where_the_canvas_ends_there_is_no_end() {
    let full = Grid::new(SIDE, SIDE, vec![3; SEQ_LEN]).unwrap();
    // It cannot be moved.
    assert_eq!(tokens(&full, 5, 9), vec![5; SEQ_LEN]);
    let wide = Grid::new(1, SIDE, vec![0; SIDE]).unwrap();
    let tokens = tokens(&wide, SIDE, 0);
    assert!(tokens[..SEQ_LEN - SIDE].iter().all(|&t| t == PAD));
    assert!(tokens[SEQ_LEN - SIDE..].iter().all(|&t| t == 2));
}

#[test]
fn the_largest_rectangle_of_colours_is_the_answer() {
    let canvas = |rows: &[&[u16]]| {
        let mut tokens = vec![PAD; SEQ_LEN];
        for (i, row) in rows.iter().enumerate() {
            tokens[i * SIDE..][..row.len()].copy_from_slice(row);
        }
        tokens
    };
    let cropped = |rows: &[&[u16]]| crop(&canvas(rows));
    // A dent in the second row: 1x3 loses to 3x2.
    let dented: &[&[u16]] = &[
        &[2, 3, 4, END],
        &[5, 6, END, 9],
        &[7, 8, 9, END],
        &[END, END],
    ];
    assert_eq!(cropped(dented), Some(grid("01/34/56")));
    // Equally large: fewer rows.
    assert_eq!(cropped(&[&[2, 3], &[4]]), Some(grid("01")));
    // A token that is none, and a grid that begins elsewhere.
    assert_eq!(cropped(&[&[2, 12, 2], &[3, 3]]), Some(grid("0/1")));
    assert_eq!(cropped(&[&[END, 2], &[2, 2]]), None);
    assert_eq!(crop(&[]), None);
    assert_eq!(crop(&[4]), Some(grid("2")));
}

#[test]
fn shifts_reach_every_place_and_leave_none() {
    let pair = pair("111/111", &["1"; 28].join("/"));
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut seen = [[0; SIDE]; SIDE];
    for _ in 0..3000 {
        let Shift { down, right } = Shift::random(&pair, &mut rng);
        seen[down][right] += 1;
    }
    for (down, row) in seen.iter().enumerate() {
        for (right, &count) in row.iter().enumerate() {
            assert_eq!(count > 0, down <= 2 && right <= 27, "{down} {right}");
        }
    }
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn what_was_encoded_is_cropped(grid in any_grid()) {
        prop_assert_eq!(crop(&tokens(&grid, 0, 0)), Some(grid));
    }

    #[test]
    fn a_shift_moves_all_tokens(input in any_grid(), output in any_grid(), seed: u64) {
        let pair = Pair { input, output };
        let shift = Shift::random(&pair, &mut ChaCha8Rng::seed_from_u64(seed));
        for grid in [&pair.input, &pair.output] {
            let moved = tokens(grid, shift.down, shift.right);
            let start = shift.down * SIDE + shift.right;
            // Back in the corner, what lay behind the edge is missing, which is no colour either.
            let corner: Vec<u16> = (0..SEQ_LEN)
                .map(|at| if at % SIDE + shift.right < SIDE { *moved.get(at + start).unwrap_or(&PAD) } else { PAD })
                .collect();
            let cropped = crop(&corner);
            prop_assert_eq!(cropped.as_ref(), Some(grid));
        }
    }

    #[test]
    fn any_tokens_can_be_cropped(tokens in vec(0..14u16, 0..1000)) {
        if let Some(grid) = crop(&tokens) {
            for (row, line) in grid.lines().enumerate() {
                for (col, &colour) in line.iter().enumerate() {
                    prop_assert_eq!(tokens[row * SIDE + col], u16::from(colour) + 2);
                }
            }
        }
    }
}
