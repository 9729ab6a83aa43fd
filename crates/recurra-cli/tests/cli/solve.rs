//! `recurra solve`: every line gets its answer or its refusal, in order.

use crate::common::*;
use recurra::tasks::sudoku::{Sudoku, rules, solver};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

/// Keys of an answer, in their order.
const KEYS: &str = "line question answer verified steps restarts stopped halt seconds source";

#[test]
fn an_answer_has_exactly_the_promised_keys() {
    let dir = tempfile::tempdir().unwrap();
    let model = copying_model(dir.path());
    let input = format!("{SOLVED}\n{PUZZLE}\n");
    let out = run("solve {} --json", &[&model], input.as_bytes());
    assert_eq!((status(&out), stderr(&out)), (Some(0), String::new()));
    let lines = json(&out);
    for (line, text) in lines.iter().zip(stdout(&out).lines()) {
        let keys: Vec<_> = KEYS.split(' ').collect();
        assert_eq!(line.as_object().unwrap().len(), keys.len());
        let places: Vec<_> = keys
            .iter()
            .map(|key| text.find(&format!("\"{key}\":")).unwrap())
            .collect();
        assert!(places.is_sorted(), "{text}");
    }
    let first = stdout(&out).lines().next().unwrap().to_owned();
    let expected = format!(
        r#"{{"line":1,"question":"{SOLVED}","answer":"{SOLVED}","verified":true,"steps":1,"#
    ) + r#""restarts":0,"stopped":"verified","halt":-5.0,"seconds":"#;
    let rest = first.strip_prefix(&expected).expect(&first);
    let seconds = rest.strip_suffix(r#","source":"model"}"#).expect(&first);
    assert!((0.0..60.0).contains(&seconds.parse::<f64>().unwrap()));
    let second = &lines[1];
    assert_eq!(second["question"], PUZZLE);
    assert_eq!(second["verified"], false);
    assert_eq!(second["steps"], 4);
    assert_eq!(second["stopped"], "max_steps");
}

#[test]
fn thinking_flags_are_obeyed() {
    let dir = tempfile::tempdir().unwrap();
    let model = copying_model(dir.path());
    let input = format!("{SOLVED}\n{PUZZLE}\n");
    let steps = |flags: &str| {
        let out = run(
            &format!("solve {{}} --json {flags}"),
            &[&model],
            input.as_bytes(),
        );
        assert_eq!(status(&out), Some(0), "{}", stderr(&out));
        let field = |line: &Value, name: &str| line[name].as_u64().unwrap();
        let all = json(&out);
        let told = |line| (field(line, "steps"), field(line, "restarts"));
        (told(&all[0]), told(&all[1]))
    };
    assert_eq!(steps("--max-steps 40"), ((1, 0), (40, 0)));
    assert_eq!(steps("--stop none --max-steps 7"), ((7, 0), (7, 0)));
    assert_eq!(steps("--stop halt"), ((4, 0), (4, 0)));
    assert_eq!(steps("--restarts 3 --max-steps 2"), ((1, 0), (8, 3)));
    // This model says from the first step on what it was asked, and its state stays what it was.
    assert_eq!(steps("--stop stable=2 --max-steps 40"), ((3, 0), (3, 0)));
    assert_eq!(
        steps("--stop verified,stable --max-steps 40"),
        ((1, 0), (3, 0))
    );
    assert_eq!(
        steps("--stop plateau=0.5/3 --max-steps 40"),
        ((4, 0), (4, 0))
    );
    assert_eq!(
        steps("--stop residual=0.001 --max-steps 40"),
        ((2, 0), (2, 0))
    );
    assert_eq!(steps("--stop halt=-6"), ((1, 0), (1, 0)));
    assert_eq!(
        steps("--stop verified,halt=-6,stable --min-steps 10 --max-steps 40"),
        ((1, 0), (10, 0))
    );
    // Given up, and begun again.
    assert_eq!(
        steps("--stop verified,residual --restarts 2 --max-steps 40"),
        ((1, 0), (6, 2))
    );
    // No step is as fast as that.
    assert_eq!(
        steps("--time 1e-9 --restarts 5 --max-steps 40"),
        ((1, 0), (1, 0))
    );
    assert_eq!(steps("--time 1e9 --max-steps 40"), ((1, 0), (40, 0)));
}

/// Good and bad lines of a 4x4 model; None for good ones, else a part of the message.
fn mixed() -> Vec<(Vec<u8>, Option<&'static str>)> {
    let text = |text: &str| text.as_bytes().to_vec();
    vec![
        (
            [&b"\xef\xbb\xbf"[..], SOLVED.as_bytes(), b"\r"].concat(),
            None,
        ),
        (text(&SOLVED[1..]), Some("16")),
        (text(&format!("{SOLVED}1")), Some("16")),
        (text(PUZZLE), None),
        (text("hello, world"), Some("found 'h'")),
        (text("11.............."), Some("1")),
        (
            text("1234............"),
            Some("exactly one solution, found more than one"),
        ),
        (
            text("1..2..3...4....."),
            Some("exactly one solution, found none"),
        ),
        (text("5..............."), Some("column 1")),
        (text("\0...............").to_vec(), Some("column 1")),
        (b"\xff\xfe..............".to_vec(), Some("column 1")),
        (vec![b'1'; 1 << 20], Some("4096 bytes")),
        (text(&format!("{PUZZLE}\r")), None),
        (text(&"1".repeat(81)), Some("16")),
        (text(PUZZLE), None),
    ]
}

#[test]
fn every_line_gets_one_answer_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let model = random_model(dir.path());
    let cases = mixed();
    // Twice as many chunks as lines, or one chunk: the answers are the same.
    let input: Vec<u8> = cases
        .iter()
        .flat_map(|(line, _)| [line.as_slice(), b"\n"].concat())
        .collect();
    let file = dir.path().join("mixed.txt");
    std::fs::write(&file, &input).unwrap();
    let piped = run("solve {} --json --threads 1", &[&model], &input);
    let read = recurra("solve {} {} --json --threads 3", &[&model, &file]);
    assert_eq!(status(&piped), Some(1));
    assert_eq!((status(&read), stderr(&read)), (Some(1), String::new()));
    let timeless = |out| {
        let mut lines = json(out);
        for line in &mut lines {
            line.as_object_mut().unwrap().remove("seconds");
        }
        lines
    };
    assert_eq!(timeless(&piped), timeless(&read));
    let answers = json(&read);
    assert_eq!(answers.len(), cases.len());
    for (i, ((_, refused), answer)) in cases.iter().zip(&answers).enumerate() {
        assert_eq!(answer["line"], i + 1);
        match refused {
            None => assert_eq!(answer["source"], "model", "{answer}"),
            Some(part) => {
                let error = answer["error"].as_str().unwrap();
                assert!(error.contains(part), "line {}: {error}", i + 1);
                assert!(error.len() < 300);
                assert_eq!(answer.as_object().unwrap().len(), 2);
            }
        }
    }
    assert!(answers[5]["error"].as_str().unwrap().contains("row 1"));
}

#[test]
fn lines_for_people_and_for_cut() {
    let dir = tempfile::tempdir().unwrap();
    let model = copying_model(dir.path());
    let file = dir.path().join("puzzles.txt");
    std::fs::write(&file, format!("# a comment\n\n{SOLVED}\noops\n{PUZZLE}\n")).unwrap();
    let out = recurra("solve {} {}", &[&model, &file]);
    assert_eq!(status(&out), Some(1));
    assert_eq!(
        stdout(&out),
        format!("{SOLVED}\tverified\t1\n{PUZZLE}\tunverified\t4\n")
    );
    let message = stderr(&out);
    assert!(
        message.starts_with(&format!("{}:4: column 1: expected", file.display())),
        "{message}"
    );
    assert_eq!(message.lines().count(), 1);
    let piped = run("solve {} -", &[&model], b"oops\n");
    assert!(
        stderr(&piped).starts_with("<stdin>:1: "),
        "{}",
        stderr(&piped)
    );
}

#[test]
fn a_line_on_a_pipe_is_answered_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let model = random_model(dir.path());
    let mut child = program()
        .args(["solve", model.to_str().unwrap(), "--json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut answers = BufReader::new(child.stdout.take().unwrap()).lines();
    for (text, line) in [
        // Blank lines, comments and frames after a puzzle must not hold its answer back.
        (format!("{PUZZLE}\n"), 1),
        (format!("{PUZZLE}\n\n# more\n---+---\n"), 2),
        ("oops\n".to_owned(), 6),
        ("31 42\n24 13\n42 31\n13 24\n".to_owned(), 7),
    ] {
        stdin.write_all(text.as_bytes()).unwrap();
        let answer: Value = serde_json::from_str(&answers.next().unwrap().unwrap()).unwrap();
        assert_eq!(answer["line"], line);
    }
    drop(stdin);
    assert!(answers.next().is_none());
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn nothing_verified_is_wrong_and_everything_right_is_verified() {
    let dir = tempfile::tempdir().unwrap();
    let model = random_model(dir.path());
    // So few blanks that guessing might be right.
    let puzzles = recurra(
        "generate sudoku --size 4 --count 300 --seed 5 --givens 15",
        &[],
    );
    let out = run(
        "solve {} --json --restarts 5 --max-steps 8",
        &[&model],
        &puzzles.stdout,
    );
    assert_eq!(status(&out), Some(0), "{}", stderr(&out));
    let four = Sudoku::new(4);
    let answers = json(&out);
    assert_eq!(answers.len(), 300);
    for line in answers {
        let grid = |name: &str| {
            let text = line[name].as_str().unwrap();
            recurra::tasks::sudoku::read::parse_line(text, four).unwrap()
        };
        let (question, answer) = (grid("question"), grid("answer"));
        let right = rules::verifies(&question, &answer);
        assert_eq!(line["verified"], right);
        let solution = solver::solve(&question, None).unique().unwrap();
        assert_eq!(right, solution == answer);
    }
}

#[test]
fn tables_and_inputs_without_puzzles() {
    let dir = tempfile::tempdir().unwrap();
    let model = random_model(dir.path());
    let table = format!("id,puzzle\n7,{PUZZLE}\n8\n9,{PUZZLE}\n");
    let out = run("solve {} --json", &[&model], table.as_bytes());
    let lines = json(&out);
    assert_eq!(lines.len(), 3);
    assert_eq!(
        (&lines[0]["line"], &lines[2]["line"]),
        (&2.into(), &4.into())
    );
    assert!(lines[1]["error"].as_str().unwrap().contains("2 columns"));
    let wrong = format!("id,grid\n7,{PUZZLE}\n8,{PUZZLE}\n");
    let out = run("solve {} --json", &[&model], wrong.as_bytes());
    assert_eq!(status(&out), Some(1));
    assert!(
        json(&out)[0]["error"]
            .as_str()
            .unwrap()
            .contains("`question`")
    );
    for empty in ["", "\n\n", "# nothing\n", "question,answer\n"] {
        refused(
            &run("solve {} --json", &[&model], empty.as_bytes()),
            "no puzzle",
        );
    }
}

#[test]
fn an_instruction_set_that_is_not_there_is_refused() {
    let run = |name: &str| {
        let mut command = program();
        command.args("generate sudoku --size 4 --count 1 --seed 1".split(' '));
        command.env("RECURRA_ISA", name).output().unwrap()
    };
    let output = run("avx3");
    assert_eq!((status(&output), stdout(&output)), (Some(2), String::new()));
    let message = stderr(&output);
    assert!(message.contains("RECURRA_ISA") && message.contains("`avx3`"));
    assert!(message.contains("scalar"), "{message}");
    for name in ["scalar", ""] {
        assert_eq!(status(&run(name)), Some(0), "{name}");
    }
}

#[test]
fn wrong_rules_and_limits_say_what_was_expected() {
    let dir = tempfile::tempdir().unwrap();
    let model = random_model(dir.path());
    for (flags, part) in [
        (
            "--stop maybe",
            "expected verified, halt, stable, plateau, residual or none, found `maybe`",
        ),
        ("--stop halt,", "found ``"),
        ("--stop none,halt", "expected `none` to stand alone"),
        ("--stop halt,halt=1", "expected `halt` once"),
        ("--stop verified=1", "expected `verified` without a setting"),
        (
            "--stop halt=high",
            "expected a number for `halt`, found `high`",
        ),
        (
            "--stop stable=0",
            "expected 1 to 1000000 steps for `stable`, found `0`",
        ),
        (
            "--stop plateau=0",
            "expected a number above 0 for `plateau`, found `0`",
        ),
        (
            "--stop plateau=0.1/9999",
            "expected 1 to 1000 steps for `plateau`, found `9999`",
        ),
        (
            "--stop residual=NaN",
            "expected a number above 0 for `residual`, found `NaN`",
        ),
        ("--time 0", "expected a number of seconds above 0"),
        ("--time NaN", "expected a number of seconds above 0"),
        ("--time 1e300", "expected a number of seconds above 0"),
        ("--min-steps 0", "--min-steps"),
        (
            "--min-steps 5",
            "--min-steps 5: expected at most 4, the most steps",
        ),
        (
            "--min-steps 5 --max-steps 3",
            "expected at most 3, the most steps",
        ),
    ] {
        let out = run(&format!("solve {{}} {flags}"), &[&model], PUZZLE.as_bytes());
        assert_eq!(
            (status(&out), stdout(&out)),
            (Some(2), String::new()),
            "{flags}"
        );
        assert!(stderr(&out).contains(part), "{flags}: {}", stderr(&out));
    }
}

#[test]
fn wrong_command_lines_and_files() {
    let dir = tempfile::tempdir().unwrap();
    let model = random_model(dir.path());
    for flags in [
        "--max-steps 0",
        "--stop maybe",
        "--threads 0",
        "--restarts -1",
        "--what",
    ] {
        let out = recurra(&format!("solve {{}} {flags}"), &[&model]);
        assert_eq!(status(&out), Some(2), "{flags}");
        assert_eq!(stdout(&out), "");
    }
    assert_eq!(status(&recurra("", &[])), Some(2));
    assert_eq!(status(&recurra("--help", &[])), Some(0));
    let missing = dir.path().join("missing");
    refused(&recurra("solve {} {}", &[&model, &missing]), "missing");
    refused(&recurra("solve {} {}", &[&missing, &model]), "missing");
    refused(
        &recurra("solve {} {}", &[&model, dir.path()]),
        "dataset.json",
    );
    // A model is no list of puzzles; nothing of it reaches the terminal as it is.
    let out = recurra("solve {} {}", &[&model, &model]);
    assert_eq!(status(&out), Some(1));
    assert!(!stderr(&out).contains('\0') && !stderr(&out).contains('\x1b'));
}
