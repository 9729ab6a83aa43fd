//! Tables, good and bad.

use super::*;
use crate::tasks::maze::{Generator, rules};

#[test]
fn tables() {
    let input = "\u{feff}Id, SOLUTION ,\"Puzzle\",source\r\n\
                 1,\"SooG.#...\",\"S..G.#...\",\"a, \"\"b\"\"\"\r\n; note\r\n2,,S..#.#..G, \r\n";
    // 3 columns: the first answer goes along the first row.
    let input = input
        .replace("SooG.#...", "So..oG#..")
        .replace("S..G.#...", "S....G#..");
    let entries: Vec<Entry> = MazeReader::new(input.as_bytes(), None).collect();
    assert_eq!(entries.len(), 2, "{entries:?}");
    let first = entries[0].result.as_ref().unwrap();
    assert_eq!(entries[0].line, 2);
    assert!(rules::verifies(
        &first.question,
        first.answer.as_ref().unwrap()
    ));
    assert_eq!(first.source.as_deref(), Some("a, \"b\""));
    let second = entries[1].result.as_ref().unwrap();
    assert_eq!(entries[1].line, 4);
    assert!(second.answer.is_none() && second.source.as_deref() == Some(""));
}

#[test]
fn generated_tables_come_back() {
    for (rows, cols) in [(5, 5), (4, 9), (30, 30), (64, 64)] {
        let shape = Shape::new(rows, cols).unwrap();
        let generator = Generator::new(shape, 5, 2).unwrap();
        let made: Vec<_> = (0..20)
            .map(|number| generator.puzzle(number).unwrap())
            .collect();
        let row =
            |m: &crate::tasks::maze::Generated| m.question.to_field() + "," + &m.answer.to_field();
        let quoted = made.iter().map(row).collect::<Vec<_>>().join("\n");
        // The published form has no quotes.
        for table in [quoted.clone(), quoted.replace('"', "")] {
            let input = format!("question,answer\n{table}\n");
            let shape = (rows != cols).then_some(shape);
            let back: Vec<_> = MazeReader::new(input.as_bytes(), shape)
                .map(|e| e.result.unwrap())
                .collect();
            assert_eq!(back.len(), made.len());
            for (puzzle, made) in back.iter().zip(&made) {
                assert_eq!(puzzle.question, made.question);
                assert_eq!(puzzle.answer.as_ref(), Some(&made.answer));
            }
        }
    }
}

#[test]
fn table_errors_lose_nothing() {
    let input = "question,answer\n\
                 S....G#..,So..oG#..\n\
                 S....G#..\n\
                 S....G#..,So.#oG#..\n\
                 S....G#..,Soo.oG#..\n\
                 S....G#..,Soo..G#o.\n\
                 S....G#..,SoooooG..\n\
                 S#...#..G,S#.oooooG\n\
                 S.#.#.#.G,S.#.#.#.G\n\
                 S....G#..,S....G#.\n\
                 ,So..oG#..\n\
                 \"S....G#..,So\n\
                 S..#...#..#....G,S..#ooo#..#o...G\n\
                 S....G#..,";
    let found = read(input);
    let path = "expected the question with a path from S to G, found";
    let expected = [
        (2, "S....G#..".to_string()),
        (3, "line 3: expected 2 columns as in the header, found 1".into()),
        (4, format!("line 4, column 14: {path} a wall (#) at row 2, column 1 where the question has a free cell")),
        (5, format!("line 5, column 12: {path} a path that branches or touches itself at row 1, column 2")),
        (6, format!("line 6, column 18: {path} o beside the path at row 3, column 2")),
        (7, format!("line 7, column 16: {path} path (o) at row 2, column 3 where the question has the goal (G)")),
        (8, format!("line 8, column 16: {path} path (o) at row 2, column 3 where the question has a wall (#)")),
        (9, "line 9, column 9: ".to_string() + GOOD + " no way from S at row 1, column 1 to G at row 3, column 3"),
        (10, "line 10: expected the 9 cells of a 3x3 maze, found 8".into()),
        (11, "line 11, column 1: expected a question, found an empty field".into()),
        (
            12,
            "line 12, column 1: expected a quote that closes before the next comma or the end of the line, \
             found one that does not"
                .into(),
        ),
        (13, format!("line 13, column 24: {path} a path that stops at row 2, column 3")),
        (14, "S....G#..".into()),
    ];
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.len(), expected.len());
}

#[test]
fn an_answer_that_is_not_shortest_is_refused() {
    // Round the wall on the longer side.
    let long = read("question,answer\n.S..#G...,oS.o#Gooo\n");
    assert_eq!(
        long[0].1,
        "line 2, column 11: expected a shortest path, found one of 6 moves where 2 do"
    );
}

#[test]
fn a_table_without_questions_is_one_error() {
    let expected = "line 2: expected a header that names a column `question`, `puzzle`, `input` or `quizzes`, found";
    let input = |header: &str| format!("\n{header}\n{NINE},1\n{NINE},2\n");
    assert_eq!(
        read(input("id,grid")),
        [(2, format!("{expected} 'id,grid'"))]
    );
    assert_eq!(
        read(input(&format!("{NINE},{NINE}"))),
        [(2, format!("{expected} '{NINE},{NINE}'"))]
    );
}

#[test]
fn every_form_says_the_same() {
    let (q, a) = ("S....G#..", "So..oG#..");
    let rows = |line: &str, between: &str| {
        let rows: Vec<&str> = (0..3).map(|row| &line[3 * row..][..3]).collect();
        rows.join(between)
    };
    let (drawn, solved) = (rows(q, "\n"), rows(a, "\n"));
    for text in [
        format!("input,output,difficulty\n{q},{a}, 7\n"),
        format!("rating,solution,quizzes\n7,{a},{q}"),
        format!("question,answer,rating\n\"{drawn}\",\"{solved}\n\",7\n").replace('\n', "\r\n"),
        format!(r#"{{"question": "{q}", "answer": "{a}", "rating": 7}}"#),
        format!(
            r#"{{"puzzle": ["{}"], "difficulty": 7, "output": "{a}"}}"#,
            rows(q, "\",\"")
        ),
        format!(
            "; first\n{{\"input\": \"{}\", \"answer\": \"{a}\", \"rating\": 7}}",
            rows(q, "\\n")
        ),
    ] {
        for shape in [None, Shape::new(3, 3)] {
            let entries: Vec<Entry> = MazeReader::new(text.as_bytes(), shape).collect();
            assert_eq!(entries.len(), 1, "{text}: {entries:?}");
            let puzzle = entries[0].result.clone().unwrap();
            assert_eq!(puzzle.question.to_line().replace(' ', "."), q);
            assert_eq!(puzzle.answer.unwrap().to_line().replace(' ', "."), a);
            assert_eq!(puzzle.rating, Some(7));
        }
    }
    // Drawn, it need not be a square.
    let wide = read("id,question\n7,\"S..\n##G\"\n8,\"S..\n###\"\n9,\"S..\n.#G\n..\"\n{}\n");
    let expected = own(&[
        (2, "S..##G"),
        (4, &format!("line 4: {GOOD} no G")),
        (
            6,
            "line 8, column 3: expected 3 cells in this row (write free cells at the end of a line as .), found 2",
        ),
        (9, "line 9: expected 2 columns as in the header, found 1"),
    ]);
    assert_eq!(wide, expected);
    let fixed = read_fixed("question\n\"S..\n##G\"\n", Shape::new(3, 3));
    let says = "line 3: expected 3 rows of a 3x3 maze, found 2 of 3 cells";
    assert_eq!(fixed, own(&[(2, says)]));
}
