//! Every form that is read, and every error by line, row and column.

use super::super::alphabet::Alphabet;
use super::super::tests::task;
use super::{Layout, Written, learning};
use crate::reading::Record;
use crate::tasks::Task;
use proptest::prelude::*;

/// The line of a record, and the record or its error in words.
type Found = (u64, Result<Record<Written>, String>);

/// Records and the symbols learned.
fn learn(text: &[u8], layout: Layout) -> (Vec<Found>, Alphabet) {
    let mut reader = learning(text, layout);
    let entries = reader
        .by_ref()
        .map(|found| (found.line, found.result.map_err(|error| error.to_string())));
    (entries.collect(), reader.into_notation().into_alphabet())
}

/// The only puzzle of a text: shapes and cells as symbols.
fn one(text: &str) -> String {
    let (mut records, alphabet) = learn(text.as_bytes(), Layout::default());
    assert_eq!(records.len(), 1, "{text}");
    let record = records.remove(0).1.unwrap();
    let show = |Written { grid, .. }: &Written| {
        let symbols = grid.cells.iter();
        let symbols = symbols.map(|&cell| alphabet.symbols()[usize::from(cell)].as_str());
        format!("{} {}", grid.shape, symbols.collect::<Vec<_>>().join(" "))
    };
    let answer = record.answer.as_ref().map_or("none".into(), show);
    format!("{} -> {answer}", show(&record.question))
}

/// The errors of a text.
fn errors(text: &str) -> Vec<String> {
    let (records, _) = learn(text.as_bytes(), Layout::default());
    records
        .into_iter()
        .filter_map(|record| record.1.err())
        .collect()
}

#[test]
fn forms() {
    let expected = "2x2 a b c d -> 2x1 x y";
    for text in [
        "question,answer\nab/cd,x/y\n",
        "question,answer\n ab / cd , x/y",
        "answer,id,Question\nx/y,7,ab/cd\n",
        "question,answer\n\"ab\ncd\",\"x\ny\"\n",
        "question,answer\r\n\"ab\r\ncd\r\n\",\"x\r\ny\"\r\n",
        "question,answer\n\"a,b/c,d\",\"x/y\"\n",
        "question,answer\n\"a b / c  d\",x/y\n",
        r#"{"question": ["ab", "cd"], "answer": ["x", "y"]}"#,
        r#"{"answer": "x/y", "other": {"deep": [1.5]}, "question": "ab/cd"}"#,
        r#"{"question": [["a", "b"], ["c", "d"]], "answer": [["x"], ["y"]], "rating": "hard"}"#,
        r#"{"question": ["a b", "c, d"], "answer": "x\ny\n"}"#,
    ] {
        assert_eq!(one(text), expected, "{text}");
    }
    let numbers = r#"{"question": [[10, -2]], "answer": [["10"]]}"#;
    assert_eq!(one(numbers), "1x2 10 -2 -> 1x1 10");
    assert_eq!(one("question,answer\n#;,\n"), "1x2 # ; -> none");
}

#[test]
fn ratings_and_layouts() {
    let (records, _) = learn(
        b"question,answer,rating\nab,b,3\nab,b,hard\n",
        Layout::default(),
    );
    let ratings: Vec<_> = records
        .iter()
        .map(|r| r.1.as_ref().unwrap().rating)
        .collect();
    assert_eq!(ratings, [Some(3), None]);
    let (records, _) = learn(br#"{"question": "ab", "rating": 4}"#, Layout::default());
    assert_eq!(records[0].1.as_ref().unwrap().rating, Some(4));
    let layout = Layout {
        question: Some("2x3".parse().unwrap()),
        answer: None,
    };
    let (records, _) = learn(b"question,answer\nabcabc,ab\nabcab,ab\nab/ab,ab\n", layout);
    let record = records[0].1.as_ref().unwrap();
    assert_eq!(record.question.grid.shape.to_string(), "2x3");
    let says = "line 3, column 1: expected 6 cells of the question (2x3), found 5";
    assert_eq!(records[1].1, Err(says.into()));
    assert!(records[2].1.is_ok());
}

#[test]
fn errors_say_where() {
    let head = "question,answer\n";
    let wide = "a".repeat(65);
    let tall = ["a"; 65].join("/");
    for (row, says) in [
        (
            "ab/c,x",
            "line 2, column 4: expected 2 cells in row 2 of the question, as in row 1, found 1",
        ),
        (
            "ab,xy/xyz",
            "line 2, column 9: expected 2 cells in row 2 of the answer, as in row 1, found 3",
        ),
        (
            "\"ab\ncde\",x",
            "line 3, column 3: expected 2 cells in row 2 of the question, as in row 1, found 3",
        ),
        (
            "ab//ab,x",
            "line 2, column 4: expected 2 cells in row 2 of the question, as in row 1, found 0",
        ),
        (
            &format!("{wide},x"),
            "line 2, column 65: expected at most 64 cells in row 1 of the question, found 65",
        ),
        (
            &format!("x,{tall}"),
            "line 2, column 131: expected at most 64 rows of the answer, found 65",
        ),
        (
            ",x",
            "line 2, column 1: expected a question, found an empty field",
        ),
        (
            "\"\",x",
            "line 2, column 2: expected a question, found an empty field",
        ),
        (
            "/,x",
            "line 2, column 1: expected cells of the question, found none",
        ),
        (
            "ab,x,y",
            "line 2: expected 2 columns as in the header, found 3",
        ),
        ("ab", "line 2: expected 2 columns as in the header, found 1"),
        (
            "a\u{7},x",
            "line 2, column 2: expected a symbol of 1 to 32 bytes without white space, comma, slash and quote at row 1, column 2 of the question, found '\\u{7}'",
        ),
        (
            "\"ab,x",
            "line 2, column 1: expected a quote that closes before the next comma or the end of the line, found one that does not",
        ),
    ] {
        assert_eq!(errors(&format!("{head}{row}\n")), [says], "{row}");
    }
    for (text, says) in [
        (
            "answer\nx\n",
            "line 1: expected a header that names a column `question`, `puzzle`, `input` or `quizzes`, found 'answer'",
        ),
        (
            "hello\n",
            "line 1: expected a header that names a column `question`, `puzzle`, `input` or `quizzes`, found 'hello'",
        ),
        (
            "question,answer,Question\n",
            "line 1, column 17: expected each column once, found `question` twice",
        ),
        (
            "{\"question\": \"ab\", \"question\": \"ab\"}",
            "line 1, column 29: expected an object with `question` and `answer`, found duplicate field `question`",
        ),
        (
            "{\"answer\": \"ab\"}",
            "line 1, column 16: expected an object with `question`, `puzzle`, `input` or `quizzes`, found `answer`",
        ),
        (
            "{\"question\": [[NaN]]}",
            "line 1, column 16: expected an object with `question` and `answer`, found expected value",
        ),
        (
            "{\"question\": [[1.5]]}",
            "line 1, column 18: expected a cell as text or as a whole number in `question`, found floating point `1.5`",
        ),
        (
            "{\"question\": [[[1]]]}",
            "line 1, column 16: expected a cell as text or as a whole number in `question`, found sequence",
        ),
        (
            "{\"question\": 5}",
            "line 1, column 14: expected a grid as text or as an array of rows in `question`, found integer `5`",
        ),
        (
            "{\"question\": []}",
            "line 1: expected cells of the question, found none",
        ),
        (
            "{\"question\": [[]]}",
            "line 1: expected cells of the question, found none",
        ),
        (
            "{\"question\": [[1,2],[3]]}",
            "line 1: expected 2 cells in row 2 of the question, as in row 1, found 1",
        ),
        (
            "{\"question\": [\"a/b\"]}",
            "line 1: expected a symbol of 1 to 32 bytes without white space, comma, slash and quote at row 1, column 1 of the question, found 'a/b'",
        ),
    ] {
        assert_eq!(errors(text), [says], "{text}");
    }
    let deep = format!("{{\"question\": {}", "[".repeat(100_000));
    assert_eq!(errors(&deep).len(), 1);
    let deep = format!("{{\"other\": {}", "[".repeat(100_000));
    assert_eq!(errors(&deep).len(), 1);
    let (records, _) = learn(b"question,answer\na\xff,x\n", Layout::default());
    let says = "line 2, column 2: expected UTF-8, found the byte '\\xff'";
    assert_eq!(records[0].1, Err(says.into()));
}

#[test]
fn good_lines_survive_bad_ones() {
    let text = "question,answer\nab,x\n\"ab,x\ncd,y\nab/c,x\n\"a\nb\",y\n\n\"ab\"c,x\n\"ab\",z\n";
    let (records, alphabet) = learn(text.as_bytes(), Layout::default());
    let lines: Vec<_> = records.iter().map(|r| (r.0, r.1.is_ok())).collect();
    assert_eq!(
        lines,
        [
            (2, true),
            (3, false),
            (4, true),
            (5, false),
            (6, true),
            (9, false),
            (10, true)
        ]
    );
    assert_eq!(alphabet.sorted(), ["a", "b", "c", "d", "x", "y", "z"]);
    // A bad line teaches no symbols.
    let (_, alphabet) = learn(b"question,answer\na!/?,x\na,b\n", Layout::default());
    assert_eq!(alphabet.sorted(), ["a", "b"]);
    let long = format!("question,answer\n{},x\nab,x\n", "a".repeat(super::MOST));
    let (records, _) = learn(long.as_bytes(), Layout::default());
    assert!(records[0].1.is_err() && records[1].1.is_ok());
}

#[test]
fn no_more_is_kept_than_a_grid_has_but_all_is_counted() {
    let good = "{\"question\":\"1\",\"answer\":\"x\"}";
    let long = format!(
        "{{\"question\":[[1{}]],\"answer\":\"x\"}}\n{good}\n",
        ",1".repeat(4096)
    );
    let (records, _) = learn(long.as_bytes(), Layout::default());
    let error = records[0].1.as_ref().unwrap_err();
    assert!(
        error.contains("expected a row as text or as an array of cells")
            && error.ends_with("found more than 4096 in a list"),
        "{error}"
    );
    assert!(records[1].1.is_ok());
    for (question, says) in [
        (
            "1".repeat(5000),
            "column 65: expected at most 64 cells in row 1 of the question, found 5000",
        ),
        (
            vec!["1"; 5000].join("/"),
            "column 129: expected at most 64 rows of the question, found 5000",
        ),
        (
            format!("1/{}", "1".repeat(5000)),
            "column 4: expected 1 cells in row 2 of the question, as in row 1, found 5000",
        ),
    ] {
        let text = format!("question,answer\n{question},1\n");
        let (records, _) = learn(text.as_bytes(), Layout::default());
        assert_eq!(records[0].1, Err(format!("line 2, {says}")));
    }
}

#[test]
fn more_than_255_symbols_are_refused_where_they_stand() {
    let mut text = String::from("question,answer\n");
    for number in 0..300 {
        text += &format!("\"{number} 0\",0\n");
    }
    let (records, alphabet) = learn(text.as_bytes(), Layout::default());
    assert_eq!(alphabet.len(), 255);
    let errors: Vec<_> = records.iter().filter(|r| r.1.is_err()).collect();
    assert_eq!((errors.len(), errors[0].0), (45, 257));
    let says = "line 257, column 2: expected at most 255 symbols at row 1, column 1 of the question, found one more: '255'";
    assert_eq!(errors[0].1, Err(says.into()));
}

#[test]
fn a_task_reads_what_it_knows() {
    let table = "question,answer\n1./..,12/21\n.2/..,12/21\n";
    let rules = "blank = '.'\nkeep = 'givens'\npermutation = ['row', 'column']";
    let latin = task(table, rules);
    let read = |text: &str| -> Vec<_> {
        let entries = latin.read(Box::new(std::io::Cursor::new(text.to_string())));
        entries
            .map(|entry| {
                entry
                    .result
                    .and_then(|puzzle| match puzzle.objection {
                        None => Ok(latin.line(&puzzle.question)),
                        Some(objection) => Err(objection),
                    })
                    .map_err(|e| e.to_string())
            })
            .collect()
    };
    // Plain questions, one a line, with or without marks between rows.
    assert_eq!(
        read("1./..\n1...\n"),
        [Ok("1./..".into()), Ok("1./..".into())]
    );
    assert_eq!(
        read("{\"question\": \"1.../\"}\n")[0],
        Err("line 1: expected 2x2 cells of the question, found 1x4".into())
    );
    for (text, says) in [
        (
            "1x/..",
            "line 1, column 2: expected one of the model's symbols (1 2 .) at row 1, column 2 of the question, found 'x'",
        ),
        (
            "1./../..",
            "line 1, column 1: expected 2x2 cells of the question, found 3x2",
        ),
        (
            "11/..",
            "line 1, column 2: expected each symbol at most once in row 1, found '1' twice: at row 1, column 1 and at row 1, column 2",
        ),
        (
            "question,answer\n1./..,21/12",
            "line 2, column 7: expected '1' at row 1, column 1, as in the question, found '2'",
        ),
        (
            "question,answer\n1./..,1./21",
            "line 2, column 8: expected a symbol to fill in at row 1, column 2, found '.'",
        ),
        (
            "question,answer\n1./..,12/12",
            "line 2, column 10: expected each symbol at most once in column 1, found '1' twice: at row 1, column 1 and at row 2, column 1",
        ),
        (
            "question,answer\n1./..,1221/",
            "line 2, column 7: expected 2x2 cells of the answer, found 1x4",
        ),
        (
            "questoin,answer\n",
            "line 1: expected a header that names a column `question`, `puzzle`, `input` or `quizzes`, found 'questoin,answer'",
        ),
    ] {
        assert_eq!(read(text), [Err::<String, _>(says.into())], "{text}");
    }
}

proptest! {
    #![proptest_config(crate::testing::cases(256))]

    /// Whatever stands there, nothing panics, and each line gives at most one entry.
    #[test]
    fn any_text(lines in prop::collection::vec(prop::sample::select(vec![
        "ab", "cd/ab", "\"ab", "\"", ",", "/", "{\"question\":", "[\"ab\"]", "}", "1 2", "\n", "é", "\u{feff}", "question,answer\n",
    ]), 0..30), header: bool, table: bool) {
        let text = if header { "question,answer\n" } else { "" }.to_string() + &lines.concat();
        let count = text.lines().count();
        let (records, _) = learn(text.as_bytes(), Layout::default());
        prop_assert!(records.len() <= count);
        prop_assert!(records.windows(2).all(|pair| pair[0].0 < pair[1].0));
        if table {
            let task = task("question,answer\nab/cd,x\n", "");
            prop_assert!(task.read(Box::new(text.as_bytes())).count() <= count);
        }
    }

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = learn(&bytes, Layout::default());
        let text = [b"question,answer\n".as_slice(), &bytes].concat();
        let _ = learn(&text, Layout::default());
        let text = [b"{\"question\": ".as_slice(), &bytes].concat();
        let _ = learn(&text, Layout::default());
    }
}
