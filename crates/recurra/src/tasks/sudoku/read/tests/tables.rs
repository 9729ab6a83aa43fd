//! Tables, good and bad.

use super::*;
use crate::tasks::sudoku::rules;

#[test]
fn tables() {
    let input = format!(
        "\u{feff}Id, SOLUTION ,\"Puzzle\",difficulty,source\r\n1,{NINE_ANSWER},{NINE},8,\"a, \"\"b\"\"\"\r\n\
         # note\r\n2,,\"{NINE}\",1.5,\r\n"
    );
    let entries: Vec<Entry> = PuzzleReader::new(input.as_bytes(), None).collect();
    assert_eq!(entries.len(), 2);
    let first = entries[0].result.as_ref().unwrap();
    assert_eq!(entries[0].line, 2);
    assert!(rules::verifies(
        &first.question,
        first.answer.as_ref().unwrap()
    ));
    assert_eq!(first.source.as_deref(), Some("a, \"b\""));
    assert_eq!(first.rating, Some(8));
    let second = entries[1].result.as_ref().unwrap();
    assert_eq!(entries[1].line, 4);
    assert_eq!(second.question, first.question);
    assert!(second.answer.is_none() && second.source.is_none() && second.rating.is_none());
}

#[test]
fn table_errors_lose_nothing() {
    let swapped = NINE_ANSWER.replacen("61", "16", 1);
    let moved = NINE_ANSWER.replacen('8', "9", 1);
    let open = NINE_ANSWER.replacen('6', ".", 1);
    let input = format!(
        "question,answer\n{NINE},{NINE_ANSWER}\n{NINE}\n{NINE},{swapped}\n{NINE},{moved}\n{NINE},{open}\n\
         ,{NINE_ANSWER}\n\"{NINE},\n{NINE},{FOUR}\n1,\n{NINE},"
    );
    let expected = "expected a solution of the question, found";
    assert_eq!(
        read(input),
        own(&[
            (2, NINE),
            (3, "line 3: expected 2 columns as in the header, found 1"),
            (
                4,
                &format!(
                    "line 4, column 111: {expected} 6 twice in column 2: \
                     at row 1, column 2 and at row 4, column 2"
                )
            ),
            (
                5,
                &format!(
                    "line 5, column 85: {expected} 9 at row 1, column 3 where the question has 8"
                )
            ),
            (
                6,
                &format!("line 6, column 83: {expected} a blank at row 1, column 1")
            ),
            (
                7,
                "line 7, column 1: expected a question, found an empty field"
            ),
            (
                8,
                "line 8, column 1: expected a quote that closes before the next comma \
                 or the end of the line, found one that does not"
            ),
            (
                9,
                "line 9, column 99: expected 81 cells (9x9), found 16: this looks like 4x4"
            ),
            (10, "line 10: expected 16, 36, 81 or 256 cells, found 1"),
            (11, NINE),
        ])
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
    // Without a header, a line says what it is.
    let headless = read(format!(
        "{NINE},{NINE_ANSWER}\n{NINE_ANSWER};{NINE}\nx12f,{NINE},2.5\n"
    ));
    assert_eq!(headless, own(&[(1, NINE), (2, NINE), (3, NINE)]));
}

#[test]
fn tables_are_told_from_puzzles() {
    let looks_like_table = |text: &[u8]| {
        let mut notation = SudokuNotation::new(None);
        reading::is_header(&mut notation, Text::line(1, text))
    };
    for text in [
        "question",
        "puzzle,solution",
        "id,grid",
        "\"Rating\"",
        "puzzle;solution",
        "input\toutput",
    ] {
        assert!(looks_like_table(text.as_bytes()), "{text}");
    }
    for text in [
        "",
        "................",
        "1,34............",
        "hello",
        "................,1",
        "?,?,1,2",
        "x,2,3,4",
    ] {
        assert!(!looks_like_table(text.as_bytes()), "{text}");
    }
}

/// Question, answer, source and rating of the only puzzle of a text.
fn one(text: &str) -> (String, Option<String>, Option<String>, Option<u32>) {
    let entries: Vec<Entry> = PuzzleReader::new(text.as_bytes(), None).collect();
    assert_eq!(entries.len(), 1, "{text}: {entries:?}");
    let puzzle = entries[0].result.clone().unwrap();
    let answer = puzzle.answer.map(|answer| answer.to_line());
    let question = puzzle.question.to_line();
    (question, answer, puzzle.source, puzzle.rating)
}

#[test]
fn every_form_says_the_same() {
    let question = puzzle(4, 1);
    let solved = crate::tasks::sudoku::solver::solve(&question, None);
    let crate::tasks::sudoku::Outcome::One(answer) = solved else {
        panic!("a generated puzzle has one solution");
    };
    let (q, a) = (question.to_line(), answer.to_line());
    let (drawn, solved) = (question.to_pretty(), answer.to_pretty());
    let rows = |line: &str| {
        let rows: Vec<&str> = (0..4).map(|row| &line[4 * row..][..4]).collect();
        serde_json::to_string(&rows).unwrap()
    };
    let digits: Vec<&[u8]> = question.cells().chunks(4).collect();
    let digits = serde_json::to_string(&digits).unwrap();
    let escaped = drawn.replace('\n', "\\n");
    let all = (q.clone(), Some(a.clone()), Some("me".into()), Some(7));
    for text in [
        format!("quizzes,solutions,source,difficulty\n{q},{a},me,7\n"),
        format!("rating,source,output,input\n7,me,{a},{q}"),
        format!("puzzle,answer,source,rating\r\n\"{drawn}\",\"{solved}\",me,7\n")
            .replace('\n', "\r\n"),
        format!(r#"{{"question": "{q}", "answer": "{a}", "source": "me", "rating": 7}}"#),
        format!(
            r#"{{"puzzle": {}, "difficulty": 7, "x": [1.5], "source": "me", "output": {}}}"#,
            rows(&q),
            rows(&a)
        ),
        format!(
            "# first\n{{\"input\": {digits}, \"source\": \"me\", \"solution\": \"{a}\", \"rating\": 7}}"
        ),
        format!(
            r#"{{"input": 5, "question": "{escaped}", "answer": "{a}", "source": "me", "rating": 7}}"#
        ),
    ] {
        assert_eq!(one(&text), all, "{text}");
    }
}

#[test]
fn errors_in_several_lines_and_in_objects() {
    let drawn = "1 . | . .\n. . | . .\n----+----\n. . | . y\n. . | . .";
    let cell = "expected a digit 1-4 or a blank (. 0 _ * - ? x), found 'y'";
    assert_eq!(
        read(format!("id,question\n7,\"{drawn}\"\n8,{FOUR}\n")),
        own(&[(2, &format!("line 5, column 9: {cell}")), (7, FOUR)])
    );
    let escaped = drawn.replace('\n', "\\n");
    let moved = "expected a solution of the question, found a blank at row 1, column 1";
    assert_eq!(
        read(format!(
            "{{\"question\": \"{escaped}\"}}\n\n{{\"question\": \"{FOUR}\"}}\n{{\"question\": 5}}\n{FOUR}\n\
             {{\"question\": \"{FOUR}\", \"answer\": \"{}\"}}",
            ".".repeat(16)
        )),
        own(&[
            (1, &format!("line 1: {cell}")),
            (3, FOUR),
            (
                4,
                "line 4, column 14: expected a grid as text or as an array of rows in `question`, found integer `5`"
            ),
            (
                5,
                "line 5, column 6: expected an object with `question` and `answer`, \
                 found invalid number"
            ),
            (6, &format!("line 6: {moved}")),
        ])
    );
}
