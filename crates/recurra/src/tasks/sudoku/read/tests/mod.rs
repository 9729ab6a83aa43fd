//! The reader against good and bad input.

mod arbitrary;
mod forms;
mod tables;

use std::io::{BufReader, Read};

use super::*;
use crate::tasks::sudoku::Generator;

const FOUR: &str = "1234............";
/// From the Sudoku Exchange puzzle bank, which is in the public domain.
const NINE: &str =
    "..8.....79...7..6.427..8......72.5.9...8.5...2.9.13......2..971.9..8...43.....2..";
const NINE_ANSWER: &str =
    "618352497935471862427968153863724519741895326259613748584236971192587634376149285";

/// What a reader gives: a puzzle's line, or the message of an error.
fn read(input: impl AsRef<[u8]>) -> Vec<(u64, String)> {
    read_fixed(input, None)
}

fn read_fixed(input: impl AsRef<[u8]>, size: Option<usize>) -> Vec<(u64, String)> {
    PuzzleReader::new(input.as_ref(), size.and_then(Sudoku::new))
        .map(|entry| {
            let text = match entry.result {
                Ok(puzzle) => match puzzle.objection {
                    None => puzzle.question.to_line(),
                    Some(objection) => objection.to_string(),
                },
                Err(error) => error.to_string(),
            };
            (entry.line, text)
        })
        .collect()
}

fn own(expected: &[(u64, &str)]) -> Vec<(u64, String)> {
    expected
        .iter()
        .map(|&(line, text)| (line, text.to_string()))
        .collect()
}

fn puzzle(size: usize, number: u64) -> Grid {
    let sudoku = Sudoku::new(size).unwrap();
    // Many givens: quick to make for every size.
    let givens = Some(sudoku.cells() * 2 / 3);
    Generator::new(sudoku, givens, 5)
        .unwrap()
        .puzzle(number)
        .unwrap()
        .question
}

#[test]
fn nothing_gives_nothing() {
    for input in [
        "",
        "\n",
        "# a comment\n\n  \t\r\n#",
        "\u{feff}",
        "---+---\n",
        "question,answer\n",
    ] {
        assert_eq!(read(input), [], "{input:?}");
    }
}

#[test]
fn one_a_line_of_every_size() {
    let grids: Vec<Grid> = Sudoku::ALL
        .iter()
        .map(|kind| puzzle(kind.size(), 1))
        .collect();
    let mut input = String::from("\u{feff}# four puzzles\r\n");
    for grid in &grids {
        input += &format!(
            " {}\t\r\n\r\n",
            grid.to_line().to_lowercase().replace('.', "_")
        );
    }
    let expected: Vec<_> = grids
        .iter()
        .zip([2, 4, 6, 8])
        .map(|(g, l)| (l, g.to_line()))
        .collect();
    assert_eq!(read(&input), expected);
    // Without a line end, and with cells apart.
    let spread: String = NINE.chars().flat_map(|c| [c, ' ']).collect();
    assert_eq!(read(spread), own(&[(1, NINE)]));
}

#[test]
fn errors_say_line_and_column_and_lose_nothing() {
    let x = NINE.replacen("4", "y", 1);
    let input = format!(
        "{NINE}\n{x}\n{FOUR}\n123\n11{}\n{NINE}\nfoo bar\n{}5\n{FOUR}",
        ".".repeat(79),
        ".".repeat(15)
    );
    assert_eq!(
        read(input),
        own(&[
            (1, NINE),
            (
                2,
                "line 2, column 19: expected a digit 1-9 or a blank (. 0 _ * - ? x), found 'y'"
            ),
            (3, FOUR),
            (4, "line 4: expected 16, 36, 81 or 256 cells, found 3"),
            (
                5,
                "line 5, column 2: expected no digit twice in a row, column or box, \
                 found 1 twice in row 1: at row 1, column 1 and at row 1, column 2"
            ),
            (6, NINE),
            (
                7,
                "line 7, column 2: expected a digit 1-9 or A-G or a blank (. 0 _ * - ? x), found 'o'"
            ),
            (
                8,
                "line 8, column 16: expected a digit 1-4 or a blank (. 0 _ * - ? x), found '5'"
            ),
            (9, FOUR),
        ])
    );
}

#[test]
fn a_fixed_size() {
    let input = format!("{NINE}\n{FOUR}\n{}\n{NINE}5\n..y\n", &NINE[1..]);
    assert_eq!(
        read_fixed(input, Some(9)),
        own(&[
            (1, NINE),
            (
                2,
                "line 2, column 17: expected 81 cells (9x9), found 16: this looks like 4x4"
            ),
            (3, "line 3, column 81: expected 81 cells, found 80"),
            (4, "line 4, column 82: expected 81 cells, found 82"),
            (
                5,
                "line 5, column 3: expected a digit 1-9 or a blank (. 0 _ * - ? x), found 'y'"
            ),
        ])
    );
    let sixteen = puzzle(16, 0);
    assert_eq!(
        read_fixed(sixteen.to_pretty(), Some(16)),
        [(1, sixteen.to_line())]
    );
    let other = read_fixed(NINE, Some(4));
    assert_eq!(
        other,
        own(&[(
            1,
            "line 1, column 17: expected 16 cells (4x4), found 81: this looks like 9x9"
        )])
    );
}

#[test]
fn odd_bytes_are_shown() {
    let text = |input: &[u8]| read(input).remove(0).1;
    let mut bytes = NINE.as_bytes().to_vec();
    bytes[3] = 0;
    let expected = "expected a digit 1-9 or a blank (. 0 _ * - ? x), found";
    assert_eq!(text(&bytes), format!(r"line 1, column 4: {expected} '\0'"));
    bytes[3] = 0xff;
    assert_eq!(
        text(&bytes),
        format!(r"line 1, column 4: {expected} the byte '\xff', which is not UTF-8")
    );
    let umlaut = NINE.replacen('7', "ä", 1);
    assert_eq!(
        text(umlaut.as_bytes()),
        format!("line 1, column 9: {expected} 'ä'")
    );
}

#[test]
fn drawn_grids_of_every_size() {
    for kind in Sudoku::ALL {
        let (a, b) = (puzzle(kind.size(), 1), puzzle(kind.size(), 2));
        let lines = a.to_pretty().lines().count() as u64;
        let expected = |gap| vec![(1, a.to_line()), (1 + lines + gap, b.to_line())];
        // With and without a blank line between, and with a frame.
        assert_eq!(read(a.to_pretty() + &b.to_pretty()), expected(0), "{kind}");
        assert_eq!(read(a.to_pretty() + "\n" + &b.to_pretty()), expected(1));
        let framed = format!("┌──┐\n{}└──┘\n", a.to_pretty().replace('|', "│"));
        assert_eq!(read(framed), [(2, a.to_line())]);
        let bare = a.to_line();
        let rows: Vec<&str> = (0..kind.size())
            .map(|r| &bare[r * kind.size()..][..kind.size()])
            .collect();
        assert_eq!(read(rows.join("\r\n")), [(1, a.to_line())]);
    }
}

#[test]
fn a_bad_row_loses_its_grid_only() {
    let (a, b) = (puzzle(9, 1).to_pretty(), puzzle(9, 2).to_pretty());
    let good = puzzle(9, 2).to_line();
    let rows: Vec<&str> = a.lines().collect();
    let with = |row: &str| [&rows[..4], &[row], &rows[5..]].concat().join("\n");
    for gap in ["\n", "\n\n"] {
        let after = if gap.len() == 1 { 12 } else { 13 };
        let bad = |row: &str| read(with(row) + gap + &b);
        let x = bad("1 . . | . y . | . . .");
        assert_eq!(
            x[0].1,
            "line 5, column 11: expected a digit 1-9 or a blank (. 0 _ * - ? x), found 'y'"
        );
        assert_eq!(x[1..], [(after, good.clone())]);
        let short = bad(". . . | . . . | . .");
        assert_eq!(
            short[0].1,
            "line 5, column 20: expected 9 cells in this row, found 8"
        );
        assert_eq!(short[1..], [(after, good.clone())]);
        // A line that is no row at all stands between rows, none is missing.
        let junk = bad(&format!("what is this?\n{}", rows[4]));
        assert_eq!(
            junk[0],
            (
                1,
                "line 5, column 1: expected a digit 1-9 or a blank (. 0 _ * - ? x), found 'w'"
                    .into()
            )
        );
        assert_eq!(junk[1..], [(after + 1, good.clone())]);
        let long = bad(&format!("{}\n{}", "1".repeat(5000), rows[4]));
        assert_eq!(
            long[0].1,
            "line 5: expected a line of at most 4096 bytes, found a longer one"
        );
        assert_eq!(long[1..], [(after + 1, good.clone())]);
    }
}

#[test]
fn a_grid_cut_short() {
    let rows: String = puzzle(9, 1)
        .to_pretty()
        .lines()
        .take(5)
        .fold(String::new(), |t, l| t + l + "\n");
    let found = |by| format!("line 5: expected 9 rows of a 9x9 grid, found 4 before {by}");
    assert_eq!(read(&rows), [(1, found("the end"))]);
    let blank = read(format!("{rows}\n{NINE}"));
    assert_eq!(blank, [(1, found("a blank line")), (7, NINE.to_string())]);
    let line = read(format!("{rows}{NINE}"));
    assert_eq!(line, [(1, found("another puzzle")), (6, NINE.to_string())]);
    let four = puzzle(4, 1);
    let other = read(format!("{rows}{}", four.to_pretty()));
    assert_eq!(other, [(1, found("another puzzle")), (6, four.to_line())]);
}

#[test]
fn clashes_in_a_drawn_grid_stand_where_the_second_is() {
    assert_eq!(
        read("1 . | . .\n. . | . .\n---------\n. . | . .\n. . | 1 1"),
        own(&[(
            1,
            "line 5, column 9: expected no digit twice in a row, column or box, \
             found 1 twice in row 4: at row 4, column 3 and at row 4, column 4"
        )])
    );
}

#[test]
fn sixteen_cells_are_a_line_or_a_row() {
    // Puzzles of 4x4 with a wrong digit each here and there stay one a line.
    let mut input = vec![FOUR; 40];
    input[0] = "5...............";
    input[7] = "....9...........";
    let found = read(input.join("\n"));
    assert_eq!(found.len(), 40);
    assert_eq!(found.iter().filter(|f| f.1 == FOUR).count(), 38);
    // A grid of 16x16 whose first rows could be 4x4 puzzles.
    let mut grid = puzzle(16, 3);
    for cell in 0..32 {
        if grid.get(cell) > 4 {
            grid.set(cell, 0);
        }
    }
    assert_eq!(
        read(grid.to_pretty() + FOUR),
        [
            (1, grid.to_line()),
            (
                20,
                "line 20: expected 16 rows of a 16x16 grid, found 1 before the end".into()
            )
        ]
    );
}

#[test]
fn a_huge_line_is_one_error() {
    let input = format!("{NINE}\n{}\n{NINE}", "1".repeat(1 << 20));
    let found = read(input);
    assert_eq!(found.len(), 3);
    assert_eq!(
        found[1].1,
        "line 2: expected a line of at most 4096 bytes, found a longer one"
    );
    assert_eq!(found[2], (3, NINE.to_string()));
}

#[test]
fn a_failure_of_the_device_is_the_last_entry() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("disk on fire"))
        }
    }
    let fire = |line| {
        (
            line,
            format!("line {line}: expected to read on, found disk on fire"),
        )
    };
    let cases = [
        (format!("{NINE}\n"), vec![(1, NINE.to_string()), fire(2)]),
        (
            format!("{FOUR}\n{FOUR}\n"),
            vec![(1, FOUR.to_string()), (2, FOUR.to_string()), fire(3)],
        ),
        (
            format!("{NINE}\n1........\n.........\n"),
            vec![(1, NINE.to_string()), fire(4)],
        ),
        (String::new(), vec![fire(1)]),
    ];
    for (input, expected) in cases {
        let mut reader = PuzzleReader::new(BufReader::new(input.as_bytes().chain(Broken)), None);
        let found: Vec<_> = reader
            .by_ref()
            .map(|e| {
                (
                    e.line,
                    e.result
                        .map_or_else(|e| e.to_string(), |p| p.question.to_line()),
                )
            })
            .collect();
        assert_eq!(found, expected);
        assert!(reader.next().is_none());
    }
}
