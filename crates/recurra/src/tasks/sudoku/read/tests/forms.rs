//! The many ways in which people and programs write one puzzle.

use super::*;

/// The rows of a line.
fn rows(line: &str, size: usize) -> Vec<String> {
    let cells: Vec<char> = line.chars().collect();
    cells.chunks(size).map(|row| row.iter().collect()).collect()
}

/// Cells with something between them.
fn spread(row: &str, between: &str) -> String {
    let cells: Vec<String> = row.chars().map(String::from).collect();
    cells.join(between)
}

#[test]
fn blanks_have_many_signs() {
    for blank in [".", "0", "_", "*", "-", "?", "x", "X"] {
        let line = NINE.replace('.', blank);
        assert_eq!(read(&line), own(&[(1, NINE)]), "{blank}");
        for between in ["", " ", ",", ";", "\t", ", "] {
            let drawn: Vec<String> = rows(&line, 9)
                .iter()
                .map(|row| spread(row, between))
                .collect();
            assert_eq!(
                read(drawn.join("\n")),
                own(&[(1, NINE)]),
                "{blank} {between:?}"
            );
        }
    }
}

#[test]
fn a_row_of_hyphens_is_a_row_where_hyphens_are_blanks() {
    // The first, a middle and the last row are blank.
    let line = "---------12--34---".to_owned() + &"-".repeat(63);
    let expected = line.replace('-', ".");
    let drawn = rows(&line, 9).join("\n");
    assert_eq!(read(&drawn), own(&[(1, &expected)]));
    // Where points are blanks, it is a line between boxes.
    let points: Vec<String> = rows(&expected, 9);
    let ruled = [
        &points[..3].join("\n"),
        "---------",
        &points[3..].join("\n"),
    ]
    .join("\n");
    assert_eq!(read(&ruled), own(&[(1, &expected)]));
}

#[test]
fn frames_of_programs() {
    let grid = |line: &str| rows(line, 9);
    let boxes = |row: &str| format!("|{}|{}|{}|", &row[..3], &row[3..6], &row[6..]);
    for (top, between, bottom) in [
        ("*-----------*", "|---+---+---|", "*-----------*"),
        (".---.---.---.", ":---+---+---:", "'---'---'---'"),
        ("+---+---+---+", "+---+---+---+", "+---+---+---+"),
    ] {
        let mut text = format!("{top}\n");
        for (i, row) in grid(NINE).iter().enumerate() {
            if i == 3 || i == 6 {
                text += &format!("{between}\n");
            }
            text += &format!("{}\n", boxes(row));
        }
        text += &format!("{bottom}\n");
        assert_eq!(read(&text), own(&[(2, NINE)]), "{text}");
    }
}

#[test]
fn blanks_may_be_spaces_in_frames() {
    let empty = NINE.replace('.', " ");
    let rows = rows(&empty, 9);
    let parts = |row: &str, with: &dyn Fn(&str) -> String| {
        let parts: Vec<String> = [&row[..3], &row[3..6], &row[6..]]
            .iter()
            .map(|part| with(part))
            .collect();
        format!("|{}|", parts.join("|"))
    };
    let forms: [&dyn Fn(&str) -> String; 3] = [
        &|part| part.to_owned(),
        &|part| spread(part, " "),
        &|part| format!(" {} ", spread(part, " ")),
    ];
    for with in forms {
        let lines: Vec<String> = rows.iter().map(|row| parts(row, with)).collect();
        let drawn = format!("+--+\n{}\n+--+\n\n{NINE}\n", lines.join("\n"));
        assert_eq!(read(&drawn), own(&[(2, NINE), (13, NINE)]), "{drawn}");
        // A slip: a row that is too short is one message about one grid.
        let short = drawn.replacen(" |", "|", 1);
        assert!(read(&short).len() <= 10);
    }
    let cells: Vec<String> = rows
        .iter()
        .map(|row| format!("│ {} │", spread(row, " │ ")))
        .collect();
    assert_eq!(read(cells.join("\n├───┼───┤\n")), own(&[(1, NINE)]));
    // Lines without cells between rows say nothing where blanks have a sign.
    let spaced = NINE.as_bytes().chunks(9).map(|row| {
        let row = std::str::from_utf8(row).unwrap();
        format!(
            "|   |   |   |\n|{}|{}|{}|\n",
            &row[..3],
            &row[3..6],
            &row[6..]
        )
    });
    assert_eq!(read(spaced.collect::<String>()), own(&[(2, NINE)]));
}

#[test]
fn candidates_of_cells() {
    let line: Vec<String> = NINE
        .chars()
        .map(|c| {
            if c == '.' {
                "1379".to_owned()
            } else {
                c.to_string()
            }
        })
        .collect();
    let drawn: Vec<String> = line
        .chunks(9)
        .map(|row| {
            format!(
                "| {} | {} | {} |",
                row[..3].join(" "),
                row[3..6].join("  "),
                row[6..].join(" ")
            )
        })
        .collect();
    assert_eq!(
        read(format!(".----.----.\n{}\n'----'", drawn.join("\n"))),
        own(&[(2, NINE)])
    );
    let all: String = NINE
        .chars()
        .map(|c| {
            if c == '.' {
                "123456789".to_owned()
            } else {
                format!("{c:.<9}")
            }
        })
        .collect();
    let found = read(&all);
    assert_eq!(
        found,
        own(&[(
            1,
            "line 1: expected 81 cells, found 729, which look like nine candidates a cell"
        )])
    );
}

#[test]
fn fields_beside_a_puzzle() {
    let zeros = NINE.replace('.', "0");
    for line in [
        format!("0001af93c7d2 {zeros}  1.5"),
        format!("{zeros}\t7.2\t\"a name\""),
        format!("{NINE} # 23 givens"),
        format!("{NINE};{NINE_ANSWER};8"),
        format!("ED=7.1;{NINE}"),
    ] {
        assert_eq!(read(&line), own(&[(1, NINE)]), "{line}");
    }
    // A plus is before digits that were placed.
    let placed = NINE.replacen('.', "+6", 1);
    assert_eq!(
        read(format!(":0000:x:{placed}:111 211 311::")),
        own(&[(1, NINE)])
    );
    // Two puzzles in a line are one too many.
    assert!(read(format!("{NINE} {NINE}"))[0].1.contains("found 162"));
}

#[test]
fn sections_and_headings() {
    let drawn = rows(NINE, 9).join("\n");
    let other = rows(NINE_ANSWER, 9).join("\n");
    let text = format!("#A someone\n[Puzzle]\n{drawn}\n[State]\n{other}\n[PencilMarks]\n1,2,3\n");
    assert_eq!(read(text), own(&[(3, NINE)]));
    let text = format!("Grid 01\n{drawn}\nGrid 02\n{drawn}\n\nPuzzle #3:\n{NINE}\n");
    assert_eq!(read(text), own(&[(2, NINE), (12, NINE), (23, NINE)]));
}

#[test]
fn sixteen_in_several_scripts() {
    let grid = puzzle(16, 4);
    let line = grid.to_line();
    let with = |digit: &dyn Fn(u8) -> String, between: &str| -> String {
        let row = |row: &[u8]| {
            row.iter()
                .map(|&d| digit(d))
                .collect::<Vec<_>>()
                .join(between)
        };
        grid.cells()
            .chunks(16)
            .map(row)
            .collect::<Vec<_>>()
            .join("\n")
    };
    let letter = |d: u8| char::from(b'A' + d - 1).to_string();
    let hex = |d: u8| format!("{:X}", d - 1);
    let point = |d: u8, with: &dyn Fn(u8) -> String| if d == 0 { ".".to_owned() } else { with(d) };
    let ways: [(&dyn Fn(u8) -> String, &str); 6] = [
        (&|d| point(d, &letter), ""),
        (&|d| point(d, &letter), " "),
        (&|d| point(d, &hex), ""),
        (&|d| point(d, &|d| hex(d).to_lowercase()), " "),
        (&|d| d.to_string(), " "),
        (&|d| point(d, &|d| d.to_string()), ","),
    ];
    for (digit, between) in ways {
        let drawn = with(digit, between);
        assert_eq!(read_fixed(&drawn, Some(16)), own(&[(1, &line)]), "{drawn}");
        if between.is_empty() {
            assert_eq!(read(drawn.replace('\n', "")), own(&[(1, &line)]));
        }
    }
    // A table whose answer shows what the question leaves open.
    let solved = crate::tasks::sudoku::solver::solve(&grid, None);
    let crate::tasks::sudoku::Outcome::One(answer) = solved else {
        panic!("a generated puzzle has one solution");
    };
    let hexed: String = answer.cells().iter().map(|&d| hex(d)).collect();
    let question: String = grid
        .cells()
        .iter()
        .map(|&d| if d < 2 { ".".to_owned() } else { hex(d) })
        .collect();
    let found = read(format!("puzzle,solution\n{question},{hexed}\n"));
    assert_eq!(found[0].1, line.replace('1', "."));
    // Two conventions are never guessed.
    let hex_line = with(&|d| point(d, &hex), "").replace('\n', "");
    let both = read(format!("{line}\n{hex_line}\n"));
    assert_eq!(both[0].1, line);
    assert!(
        both[1]
            .1
            .contains("expected digits 1 to G as in lines before, found 0 beside other blanks"),
        "{both:?}"
    );
    let mixed = format!("0{}", &line[1..]);
    assert!(
        !line.starts_with('.')
            || read(&mixed)[0]
                .1
                .contains("G, which digits 0 to F have not")
    );
}

#[test]
fn one_message_for_a_grid() {
    let mut odd = rows(NINE, 9);
    for (at, row) in [
        (0, "..8....."),
        (0, "..8......."),
        (4, "...8.5"),
        (4, "...8.5.....12"),
        (8, "8..43."),
    ] {
        let whole = std::mem::replace(&mut odd[at], row.to_owned());
        let found = read(format!("{}\n\n{NINE}\n", odd.join("\n")));
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(
            found[0].1.contains(&format!("line {}, ", at + 1))
                && found[0].1.contains("expected 9 cells in this row"),
            "{found:?}"
        );
        assert_eq!(found[1], (11, NINE.to_owned()));
        odd[at] = whole;
    }
    // A grid of another size is one, too.
    let drawn = odd.join("\n");
    let found = read_fixed(format!("{drawn}\n\n{FOUR}\n"), Some(4));
    assert_eq!(
        found,
        own(&[
            (
                1,
                "line 1: expected 16 cells (4x4), found 81: this looks like 9x9"
            ),
            (11, FOUR)
        ])
    );
}

#[test]
fn json_in_any_layout() {
    let digits: Vec<u8> = NINE
        .chars()
        .map(|c| c.to_digit(10).unwrap_or(0) as u8)
        .collect();
    let nested: Vec<&[u8]> = digits.chunks(9).collect();
    let nested = serde_json::to_string(&nested).unwrap();
    let flat = serde_json::to_string(&digits).unwrap();
    for text in [
        nested.clone(),
        nested.replace("],", "],\n  "),
        flat.clone(),
        format!("[{nested}]"),
        format!("[[{nested}]]")
            .replacen("[[", "[", 1)
            .replacen("]]]]", "]]]", 1),
        format!("[\"{NINE}\"]"),
        format!(
            "[\n  {{\n    \"Puzzle\": \"{NINE}\",\n    \"solution\": \"{NINE_ANSWER}\"\n  }}\n]\n"
        ),
        format!("{{\n \"puzzle\": {flat}\n}}\n"),
        format!("{{\"id\": 7, \"quizzes\": {nested}}}\n"),
    ] {
        let found = read(&text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert_eq!(found[0].1, NINE, "{text}");
    }
    // Two in one array, and a slip told by its place.
    let found = read(format!(
        "[\n \"{NINE}\",\n \"{FOUR}\", [1, 2],\n {{\"puzzle\":\n 1.5}}]"
    ));
    assert_eq!(found[..2], own(&[(2, NINE), (3, FOUR)]));
    assert!(
        found[2]
            .1
            .starts_with("line 3: expected 16, 36, 81 or 256 cells, found 2"),
        "{found:?}"
    );
    assert!(
        found[3]
            .1
            .starts_with("line 5, column 4: expected a grid as text or as an array of rows"),
        "{found:?}"
    );
}

#[test]
fn a_wrong_answer_does_not_refuse_its_question() {
    let text = format!("id,puzzle,solution,extra\na1,{NINE},{NINE},x\n");
    let entry = PuzzleReader::new(text.as_bytes(), None).next().unwrap();
    assert_eq!(
        entry.note.as_deref(),
        Some("columns that are not used: 'extra'")
    );
    let puzzle = entry.result.unwrap();
    assert_eq!(
        (puzzle.question.to_line(), puzzle.id.as_deref()),
        (NINE.to_owned(), Some("a1"))
    );
    assert!(puzzle.answer.is_none());
    assert!(
        puzzle
            .objection
            .unwrap()
            .to_string()
            .contains("expected a solution of the question, found a blank")
    );
}
