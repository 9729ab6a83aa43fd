//! The reader against good and bad input.

mod arbitrary;
mod tables;

use std::io::{BufReader, Read};

use super::*;

const FOUR: &str = "S..##...#.#.#..G";
const NINE: &str = "S.G.#....";

/// What a reader gives: a maze's line with `.` for free cells, or the message of an error.
fn read(input: impl AsRef<[u8]>) -> Vec<(u64, String)> {
    read_fixed(input, None)
}

fn read_fixed(input: impl AsRef<[u8]>, shape: Option<Shape>) -> Vec<(u64, String)> {
    MazeReader::new(input.as_ref(), shape).map(shown).collect()
}

fn shown(entry: Entry) -> (u64, String) {
    let text = match entry.result {
        Ok(puzzle) => match puzzle.objection {
            None => puzzle.question.to_line().replace(' ', "."),
            Some(objection) => objection.to_string(),
        },
        Err(error) => error.to_string(),
    };
    (entry.line, text)
}

fn own(expected: &[(u64, &str)]) -> Vec<(u64, String)> {
    expected
        .iter()
        .map(|&(line, text)| (line, text.to_string()))
        .collect()
}

const CELL: &str = "expected a cell: # or 1 (wall), a space or . or _ or 0 (free), S, G or E (goal) or o (path), found";
const GOOD: &str = "expected a maze with one S, one G, no path yet and a way from S to G, found";

#[test]
fn nothing_gives_nothing() {
    for input in [
        "",
        "\n",
        "; a comment\n\n  \t\r\n;",
        "\u{feff}",
        "question,answer\n",
    ] {
        assert_eq!(read(input), [], "{input:?}");
    }
}

#[test]
fn one_a_line() {
    let spaces = FOUR.replace('.', " ");
    let input = format!(
        "\u{feff}; four mazes\r\n{FOUR}\r\n\r\n{spaces}\n{}\n{NINE}",
        FOUR.replace('.', "_")
    );
    let all = own(&[(2, FOUR), (4, FOUR), (5, FOUR), (6, NINE)]);
    assert_eq!(read(&input), all);
    let shape = Shape::new(4, 4);
    let fixed = read_fixed(input, shape);
    assert_eq!(fixed[..3], all[..3]);
    // Spaces at both ends are cells.
    assert_eq!(read("   S# G  "), own(&[(1, "...S#.G..")]));
    // 2 rows of 6, not a square.
    assert_eq!(
        read_fixed("S.#.#......G", Shape::new(2, 6)),
        own(&[(1, "S.#.#......G")])
    );
}

#[test]
fn drawn() {
    let large = "S".to_string()
        + &".".repeat(63)
        + "\n"
        + &(".".repeat(64) + "\n").repeat(62)
        + &".".repeat(63)
        + "G";
    let line = large.replace('\n', "");
    let input = format!("; drawn\n\nS#.\n.#G\n...\n\n\nS...\n#  G\n\n{large}\n\nSG\n..");
    let expected = own(&[(3, "S#..#G..."), (8, "S...#..G"), (11, &line), (76, "SG..")]);
    assert_eq!(read(&input), expected);
    assert_eq!(read(input.replace('\n', "\r\n")), expected);
    // Start and goal in the first row of a width that is a square, and a row of spaces.
    assert_eq!(read("S#.G\n....\n"), own(&[(1, "S#.G....")]));
    assert_eq!(read("S # \n    \n  #G"), own(&[(1, "S.#.......#G")]));
    // With the size, no line is needed between them, and comments may be.
    let fixed = read_fixed("S#\n; no\n.G\nSG\n##", Shape::new(2, 2));
    assert_eq!(fixed, own(&[(1, "S#.G"), (4, "SG##")]));
}

#[test]
fn errors_say_line_and_column_and_lose_nothing() {
    let lines = [
        FOUR,
        "S..##...#.#.#.xG",
        "...##...#.#.#..G",
        "S..##...#.#.#...",
        "S..S#...#.#.#..G",
        "SG.##...#.#.#..G",
        "S.o##...#.#.#..G",
        "S.#.##..........",
        "S.#.",
        "S..##...#.#.#..G.",
        FOUR,
    ];
    let shape = Shape::new(4, 4);
    let mut input = lines.join("\n");
    input += &format!(
        "\n\n{}\n{FOUR}\n{}\n{FOUR}",
        ".".repeat(65),
        ".".repeat(20_000)
    );
    let found = read_fixed(&input, shape);
    let g = "line";
    let expected = [
        (1, FOUR.to_string()),
        (2, format!("{g} 2, column 15: {CELL} 'x'")),
        (3, format!("{g} 3: {GOOD} no S")),
        (4, format!("{g} 4: {GOOD} no G")),
        (
            5,
            format!("{g} 5, column 4: {GOOD} S twice: at row 1, column 1 and at row 1, column 4"),
        ),
        (
            6,
            format!("{g} 6, column 16: {GOOD} G twice: at row 1, column 2 and at row 4, column 4"),
        ),
        (
            7,
            format!("{g} 7, column 3: {GOOD} path (o) at row 1, column 3"),
        ),
        (8, format!("{g} 8: {GOOD} no G")),
        (
            9,
            format!("{g} 10, column 5: expected 4 cells in this row, found 17"),
        ),
        (11, FOUR.to_string()),
        (
            13,
            format!("{g} 13: expected the 16 cells of a 4x4 maze, found 65"),
        ),
        (14, FOUR.to_string()),
        (
            15,
            format!("{g} 15: expected a line of at most 12288 bytes, found a longer one"),
        ),
        (16, FOUR.to_string()),
    ];
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.len(), expected.len());
}

#[test]
fn walled_in_goals_are_named() {
    let way = format!("{GOOD} no way from S at row 1, column 1 to G at row 3, column 3");
    assert_eq!(read("S...##.#G"), [(1, format!("line 1, column 9: {way}"))]);
    assert_eq!(
        read("\nS..\n.##\n.#G\n\nSG\n.."),
        [(2, format!("line 4, column 3: {way}")), (6, "SG..".into())]
    );
}

#[test]
fn odd_bytes_are_shown() {
    let text = |input: &[u8]| read(input).remove(0).1;
    assert_eq!(
        text(b"S.\0.\n...G"),
        format!(r"line 1, column 3: {CELL} '\0'")
    );
    assert_eq!(
        text(b"S...\n.\xff.G"),
        format!(r"line 2, column 2: {CELL} the byte '\xff', which is not UTF-8")
    );
    assert_eq!(
        text("Sä..\n...G".as_bytes()),
        format!("line 1, column 2: {CELL} 'ä'")
    );
    assert_eq!(
        text(b"S\t..\n...G"),
        format!(r"line 1, column 2: {CELL} '\t'")
    );
}

#[test]
fn a_bad_row_loses_its_maze_only() {
    let good = "S#.\n.#G\n...";
    let after = (6, "S#..#G...".to_string());
    let bad = |rows: &str| read(format!("{rows}\n\n{good}"));
    let first = |rows: &str| {
        let found = bad(rows);
        assert_eq!(found[found.len() - 1].1, after.1, "{rows}");
        assert_eq!(found.len(), 2, "{rows}: {found:?}");
        found[0].1.clone()
    };
    assert_eq!(
        first("S#.\n.#\n..G"),
        "line 2, column 3: expected 3 cells in this row (write free cells at the end of a line as .), found 2"
    );
    assert_eq!(
        first("S#.\n.#..\n..G"),
        "line 2, column 4: expected 3 cells in this row, found 4"
    );
    assert_eq!(
        first("S#.\n.#?\n.xG"),
        format!("line 2, column 3: {CELL} '?'")
    );
    assert_eq!(
        first("S.G"),
        "line 1: expected 2 to 64 rows of 2 to 64 cells, found 1 of 3 cells"
    );
    assert_eq!(
        first("S\n.\nG"),
        "line 3: expected 2 to 64 rows of 2 to 64 cells, found 3 of 1 cells"
    );
    let tall = "S#.\n".to_string() + &"...\n".repeat(63) + "..G\n.x.";
    assert_eq!(
        first(&tall),
        "line 65: expected an empty line after 64 rows, the most a maze can have, found another row"
    );
    let long = format!("S#.\n{}\n..G", "#".repeat(20_000));
    assert_eq!(
        first(&long),
        "line 2: expected a line of at most 12288 bytes, found a longer one"
    );
    let wide = ".".repeat(65);
    let found = read(format!("{wide}\n{wide}\n\n{good}"));
    let square = "expected the cells of a square maze of 2x2 to 64x64 (4, 9, 16 … 4096), found 65";
    assert_eq!(found[0].1, format!("line 1: {square}"));
    assert_eq!(found[2].1, after.1);
}

#[test]
fn a_maze_cut_short() {
    let shape = Shape::new(3, 3);
    let found = |rest: &str| read_fixed(format!("S#.\n.#G{rest}"), shape);
    let cut = "line 2: expected 3 rows of a 3x3 maze, found 2 of 3 cells".to_string();
    assert_eq!(found(""), [(1, cut.clone())]);
    let (line, maze) = (NINE, NINE.to_string());
    assert_eq!(
        found(&format!("\n\n{line}")),
        [(1, cut.clone()), (4, maze.clone())]
    );
    // A maze in one line is no row.
    assert_eq!(found(&format!("\n{line}")), [(1, cut), (3, maze)]);
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
    for (input, expected) in [
        (format!("{FOUR}\n"), vec![(1, FOUR.to_string()), fire(2)]),
        (
            format!("{FOUR}\n\nS#.\n.#G\n"),
            vec![(1, FOUR.to_string()), fire(5)],
        ),
        (String::new(), vec![fire(1)]),
    ] {
        let mut reader = MazeReader::new(BufReader::new(input.as_bytes().chain(Broken)), None);
        let found: Vec<_> = reader.by_ref().map(shown).collect();
        assert_eq!(found, expected);
        assert!(reader.next().is_none());
    }
}

#[test]
fn other_ways_to_write_a_maze() {
    let ways = ["S....G#..", "S....E#..", "S0000G100", "S0000E100"];
    for way in ways {
        assert_eq!(read(way), own(&[(1, "S....G#..")]), "{way}");
        let drawn = [&way[..3], &way[3..6], &way[6..]].join("\n");
        assert_eq!(read(drawn), own(&[(1, "S....G#..")]), "{way}");
    }
    let both = read("S...1G#..");
    assert!(
        both[0]
            .1
            .contains("line 1, column 7: expected walls as # or as 1, not both, found '#'"),
        "{both:?}"
    );
    let both = read("S...EG#..");
    assert!(
        both[0]
            .1
            .contains("column 6: expected the goal as G or as E, not both"),
        "{both:?}"
    );
}

#[test]
fn mazes_between_posts() {
    let drawn = "o---o---o\n| S     |\no   o---o\n|     G |\no---o---o\n";
    let maze = "######S..##.####..G######";
    assert_eq!(read(drawn), own(&[(1, maze)]));
    // With other posts, narrow, without the spaces at the ends of lines, and one right below the other.
    let narrow = "+-+-+\n|S  |\n+ +-+\n|  G|\n+-+-+\n";
    let open = "o---o---o\n| S\no   o---o\n|     G |\no---o---o\n";
    assert_eq!(
        read(format!("{narrow}{narrow}")),
        own(&[(1, maze), (6, maze)])
    );
    assert_eq!(read(open), own(&[(1, "######S...#.####..G######")]));
    for (bad, says) in [
        (
            drawn.replace('G', "X"),
            "line 4, column 7: expected S, G or E, or nothing, in a cell between posts, found 'X'",
        ),
        (
            drawn.replacen("o   o", "o - o", 1),
            "line 3, column 3: expected a wall of - from post to post, or a gap, found '-'",
        ),
        (
            drawn.replacen("\no---o---o\n", "\n", 1),
            "line 1: expected a maze of up to 31x31 cells between posts, with its lower edge, found 4 lines of 5 cells and walls",
        ),
    ] {
        assert_eq!(read(&bad), own(&[(1, says)]), "{bad}");
    }
    let other = read_fixed(drawn, Shape::new(7, 7));
    assert_eq!(
        other,
        own(&[(
            1,
            "line 1: expected a 7x7 maze, where posts and walls are cells, too, found 5 lines of 5 cells and walls"
        )])
    );
}
