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
            (9, "line 9, column 99: expected 81 cells, found 16"),
            (10, "line 10: expected 16, 36, 81 or 256 cells, found 1"),
            (11, NINE),
        ])
    );
}

#[test]
fn a_table_without_questions_is_one_error() {
    let expected = "line 2: expected a header that names a column `question` or `puzzle`, found";
    let input = |header: &str| format!("\n{header}\n{NINE},1\n{NINE},2\n");
    assert_eq!(
        read(input("id,grid")),
        [(2, format!("{expected} 'id,grid'"))]
    );
    let headless = read(input(&format!("{NINE},{NINE_ANSWER}")));
    assert_eq!(headless, [(2, format!("{expected} '{}…'", &NINE[..40]))]);
}
