//! Files of tasks as they should be and as they should not.

use super::super::{ArcTask, TaskSet, read_task};
use super::{any_grid, file, set};
use crate::testing::cases;
use proptest::collection::vec;
use proptest::prelude::*;

/// The one error of a file.
fn error(text: &str) -> String {
    let set = TaskSet::read(text.as_bytes());
    assert_eq!(set.errors.len(), 1, "{:?}", set.errors);
    set.errors[0].to_string()
}

/// A file of one task with this grid as the output of its second demonstration.
fn with_grid(grid: &str) -> String {
    let pair = r#"{"input":[[1]],"output":[[2]]}"#;
    format!(r#"{{"t":{{"train":[{pair},{{"input":[[1]],"output":{grid}}}],"test":[{pair}]}}}}"#)
}

#[test]
fn files_of_the_competition() {
    for (name, tasks, demonstrations, tests) in [("training", 4, 16, 6), ("evaluation", 2, 8, 3)] {
        let set = set(name);
        assert_eq!((set.tasks.len(), set.errors.len()), (tasks, 0), "{name}");
        assert_eq!(
            set.tasks.iter().map(|t| t.train.len()).sum::<usize>(),
            demonstrations
        );
        let outputs = set.tasks.iter().flat_map(|task| &task.test);
        assert_eq!(outputs.filter(|pair| pair.output.is_some()).count(), tests);
    }
    let first = &set("evaluation").tasks[0];
    assert_eq!(first.name, "66e6c45b");
    assert_eq!(first.test[0].input, super::grid("0000/0230/0490/0000"));
    assert_eq!(
        first.test[0].output,
        Some(super::grid("2003/0000/0000/4009"))
    );
}

#[test]
fn a_file_of_one_task() {
    let task = read_task("e9afcf9a", &file("e9afcf9a.json")).unwrap();
    assert_eq!((task.train.len(), task.test.len()), (2, 1));
    assert_eq!(task.test[0].output, Some(super::grid("626262/262626")));
    let message = |text: &str| read_task("t", text.as_bytes()).unwrap_err().to_string();
    assert_eq!(
        message("[]"),
        "task `t`: expected an object with `train` and `test`, found a list"
    );
    assert!(message(r#"{"train":[]}"#).starts_with("task `t`: expected a list of at least one"));
    assert!(message("{").starts_with("task `t`: expected JSON, found EOF"));
    assert!(message("").contains("expected JSON"));
}

#[test]
fn grids_that_are_none() {
    let row = |n: usize| format!("[{}]", vec!["1"; n].join(","));
    let rows = |n: usize| format!("[{}]", vec!["[1]"; n].join(","));
    assert!(
        TaskSet::read(with_grid(&rows(30)).as_bytes())
            .errors
            .is_empty()
    );
    assert!(
        TaskSet::read(with_grid(&format!("[{}]", row(30))).as_bytes())
            .errors
            .is_empty()
    );
    for (grid, place, expected, found) in [
        (
            "[[1,2],[3,10]]",
            ", row 2, column 2",
            "a colour from 0 to 9",
            "10",
        ),
        (
            "[[1,-1]]",
            ", row 1, column 2",
            "a colour from 0 to 9",
            "-1",
        ),
        (
            "[[1.5]]",
            ", row 1, column 1",
            "a colour from 0 to 9",
            "1.5",
        ),
        (
            "[[1.0]]",
            ", row 1, column 1",
            "a colour from 0 to 9",
            "1.0",
        ),
        (
            "[[18446744073709551616]]",
            ", row 1, column 1",
            "a colour from 0 to 9",
            "1.8446744073709552e19",
        ),
        (
            "[[null]]",
            ", row 1, column 1",
            "a colour from 0 to 9",
            "null",
        ),
        (
            "[[true]]",
            ", row 1, column 1",
            "a colour from 0 to 9",
            "true",
        ),
        (
            r#"[["3"]]"#,
            ", row 1, column 1",
            "a colour from 0 to 9",
            "the text \"3\"",
        ),
        (
            "[[[1]]]",
            ", row 1, column 1",
            "a colour from 0 to 9",
            "a list",
        ),
        (
            "[[{}]]",
            ", row 1, column 1",
            "a colour from 0 to 9",
            "an object",
        ),
        (
            "[[1,2],[3]]",
            ", row 2",
            "2 columns as in the first row",
            "1",
        ),
        (
            "[[1],[3,4]]",
            ", row 2",
            "1 columns as in the first row",
            "2",
        ),
        ("[]", "", "1 to 30 rows", "none"),
        ("[[]]", ", row 1", "1 to 30 columns", "none"),
        ("[[1],[]]", ", row 2", "1 to 30 columns", "none"),
        ("[1]", ", row 1", "a row, a list of colours", "1"),
        ("7", "", "a grid, a list of rows", "7"),
        ("null", "", "a grid, a list of rows", "null"),
        (&rows(31), ", row 31", "at most 30 rows", "more"),
        (
            &format!("[{}]", row(31)),
            ", row 1, column 31",
            "at most 30 columns",
            "more",
        ),
        (&rows(100_000), ", row 31", "at most 30 rows", "more"),
    ] {
        let expected =
            format!("task `t`, demonstration 2, output{place}: expected {expected}, found {found}");
        assert_eq!(
            error(&with_grid(grid)),
            expected,
            "{}",
            &grid[..grid.len().min(60)]
        );
    }
}

#[test]
fn broken_text_is_told_with_the_way_to_it() {
    for (grid, place) in [
        ("[[1,NaN]]", ", row 1, column 2"),
        ("[[1],[1,Infinity]]", ", row 2, column 2"),
        ("[[01]]", ", row 1, column 1"),
        ("[[1e999]]", ", row 1, column 1"),
        ("[[1],", ", row 2"),
    ] {
        let message = error(&with_grid(grid));
        let start = format!("task `t`, demonstration 2, output{place}: expected JSON, found ");
        assert!(message.starts_with(&start), "{message}");
        assert!(message.contains("at line 1 column "), "{message}");
    }
    assert!(error("").starts_with("expected JSON"));
    assert!(error("{} {}").contains("trailing characters"));
    assert!(error("\u{1}").starts_with("expected JSON"));
    assert_eq!(
        error("[]"),
        "expected an object whose keys are names of tasks, found a list"
    );
    assert!(TaskSet::read(b"\xef\xbb\xbf{}").errors.is_empty());
}

#[test]
fn deep_nesting_takes_no_stack() {
    let deep = |open: &str, close: &str| {
        let (open, close) = (open.repeat(200_000), close.repeat(200_000));
        for text in [
            with_grid(&format!("[[{open}1{close}]]")),
            with_grid(&format!("[[{open}")),
            format!(r#"{{"t":{open}1{close}}}"#),
            format!("{open}1{close}"),
            format!(r#"{{"t":{{"more":{open}1{close}}}}}"#),
        ] {
            assert_eq!(TaskSet::read(text.as_bytes()).errors.len(), 1);
        }
    };
    deep("[", "]");
    deep("{\"a\":", "}");
}

#[test]
fn tasks_that_are_none() {
    let pair = r#"{"input":[[1]],"output":[[2]]}"#;
    for (task, expected) in [
        (
            "[]",
            "`: expected an object with `train` and `test`, found a list",
        ),
        ("{}", "`: expected `train`, found none"),
        (
            &format!(r#"{{"train":[{pair}]}}"#),
            "`: expected `test`, found none",
        ),
        (
            &format!(r#"{{"test":[{pair}]}}"#),
            "`: expected `train`, found none",
        ),
        (
            &format!(r#"{{"train":[],"test":[{pair}]}}"#),
            "`: expected a list of at least one entry, found none",
        ),
        (
            &format!(r#"{{"train":[{pair}],"test":[]}}"#),
            "`: expected a list of at least one entry, found none",
        ),
        (
            &format!(r#"{{"train":3,"test":[{pair}]}}"#),
            "`: expected a list of at least one entry, found 3",
        ),
        (
            &format!(r#"{{"train":[{{"input":[[1]]}}],"test":[{pair}]}}"#),
            "`, demonstration 1: expected `output`, found none",
        ),
        (
            &format!(r#"{{"train":[{{"output":[[1]]}}],"test":[{pair}]}}"#),
            "`, demonstration 1: expected `input`, found none",
        ),
        (
            &format!(r#"{{"train":[{pair},[]],"test":[{pair}]}}"#),
            "`, demonstration 2: expected an object with `input` and `output`, found a list",
        ),
        (
            &format!(r#"{{"train":[{pair}],"test":[{{}}]}}"#),
            "`, test 1: expected `input`, found none",
        ),
        (
            &format!(r#"{{"train":[{pair}],"test":[{pair}],"test":[{pair}]}}"#),
            "`: expected one `test`, found two",
        ),
        (
            r#"{"train":[{"input":[[1]],"input":[[1]]}]}"#,
            "`, demonstration 1, input: expected one `input`, found two",
        ),
    ] {
        let text = format!(r#"{{"t":{task}}}"#);
        assert_eq!(error(&text), format!("task `t{expected}"));
    }
}

#[test]
fn good_tasks_beside_a_bad_one_are_kept() {
    let good = r#"{"name":[1,{}],"train":[{"input":[[1]],"output":[[2]],"x":1}],"test":[{"input":[[3]]}]}"#;
    let text = format!(
        r#"{{"a":{good},"b":{{"train":[[[]]]}},"c":{good},"a":{good},"":{good},"x|||t":{good},"d":{good}}}"#
    );
    let mut set = TaskSet::read(text.as_bytes());
    let names = |set: &TaskSet| set.tasks.iter().map(|t| t.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&set), ["a", "c", "d"]);
    let messages: Vec<String> = set.errors.drain(..).map(|e| e.to_string()).collect();
    assert_eq!(messages.len(), 4, "{messages:?}");
    assert!(messages[0].starts_with("task `b`, demonstration 1: "));
    assert_eq!(
        messages[1],
        "task `a`: expected one task of this name, found another"
    );
    assert!(messages[2].contains("a name of 1 to 100 characters"));
    // The solutions of a task that was refused are not to blame; those of one that never was are.
    set.add_solutions(br#"{"a":[[[4]]],"b":[[[4]]],"c":[[[4]],[[5]]],"d":[[[4,44]]],"e":[[[4]]]}"#);
    let messages: Vec<String> = set.errors.iter().map(|e| e.to_string()).collect();
    assert_eq!(
        messages,
        [
            "task `d`, solution 1, row 1, column 2: expected a colour from 0 to 9, found 44",
            "task `c`: expected 1 solutions, one for each test input, found 2",
            "task `e`: expected the name of a task of the challenges, found another",
        ]
    );
    let known: Vec<bool> = set
        .tasks
        .iter()
        .map(|t| t.test[0].output.is_some())
        .collect();
    assert_eq!(known, [true, false, false]);
    // What is not among the solutions is missing there.
    set.errors.clear();
    set.add_solutions(br#"{"a":[[[5]]],"c":[[[4]]]}"#);
    let messages: Vec<String> = set.errors.iter().map(|e| e.to_string()).collect();
    assert_eq!(
        messages,
        [
            "task `a`, solution 1: expected the output that stands in the task, found another",
            "task `d`: expected 1 solutions, one for each test input, found none: its test outputs are not known",
        ]
    );
}

#[test]
fn messages_are_bounded() {
    let long = "x\\n".repeat(100_000);
    assert!(error(&format!(r#"{{"{long}":1}}"#)).len() < 1000);
    assert!(error(&with_grid(&format!(r#"[["{long}"]]"#))).len() < 1000);
    let many: Vec<String> = (0..5000).map(|n| format!(r#""{n}":1"#)).collect();
    let set = TaskSet::read(format!("{{{}}}", many.join(",")).as_bytes());
    assert_eq!(set.errors.len(), 1001);
    let last = set.errors[1000].to_string();
    assert_eq!(
        last,
        "expected fewer than 1000 tasks with errors, found more"
    );
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn any_bytes_are_read_or_refused(at in 0..1303usize, byte: u8, cut in 0..1303usize) {
        let mut text = file("training_challenges.json");
        let whole = TaskSet::read(&text);
        text[at] = byte;
        let set = TaskSet::read(&text);
        prop_assert!(set.tasks.len() + set.errors.len() >= 1);
        // Tasks before the change are as they were.
        let before = set.tasks.iter().zip(&whole.tasks).filter(|(a, b)| a == b).count();
        prop_assert!(before >= 3 || !set.errors.is_empty() || set.tasks.len() == 4);
        text.truncate(cut);
        prop_assert!(!TaskSet::read(&text).errors.is_empty() || cut > 1290);
    }

    #[test]
    fn grids_are_written_as_they_are_read(grids in vec(any_grid(), 3)) {
        let json: Vec<String> = grids.iter().map(|g| serde_json::to_string(g).unwrap()).collect();
        let text = format!(
            r#"{{"test":[{{"input":{}}}],"train":[{{"output":{},"input":{}}}]}}"#,
            json[0], json[1], json[2]
        );
        let ArcTask { train, test, .. } = read_task("t", text.as_bytes()).unwrap();
        prop_assert_eq!([&test[0].input, &train[0].output, &train[0].input], [&grids[0], &grids[1], &grids[2]]);
    }
}
