//! `recurra solve` with a cache, in memory and in a file.

use crate::common::{recurra, status, stderr, stdout};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// A puzzle, itself again, with two digits exchanged, and with two others.
const FORMS: &str = "1.....3..2.....4\n1.....3..2.....4\n2.....3..1.....4\n1.....2..3.....4\n";

/// A model that ships.
fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/sudoku4.safetensors")
}

fn solve(file: &Path, flags: &str) -> Vec<Value> {
    let out = recurra(
        &format!("solve {{}} {{}} --json {flags}"),
        &[&shipped(), file],
    );
    assert_eq!(status(&out), Some(0), "{}", stderr(&out));
    let lines = stdout(&out);
    lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn sources(answers: &[Value]) -> Vec<&str> {
    answers
        .iter()
        .map(|a| a["source"].as_str().unwrap())
        .collect()
}

#[test]
fn forms_of_a_puzzle_are_answered_once_and_remembered() {
    let dir = tempfile::tempdir().unwrap();
    let puzzles = dir.path().join("puzzles.txt");
    std::fs::write(&puzzles, FORMS).unwrap();
    let plain = solve(&puzzles, "--threads 1");
    assert_eq!(sources(&plain), ["model"; 4]);
    let in_memory = solve(&puzzles, "--threads 1 --cache-memory 1");
    assert_eq!(sources(&in_memory), ["model", "exact", "exact", "exact"]);
    let file = dir.path().join("answers.cache");
    let flags = format!("--threads 2 --cache {} --cache-size 1", file.display());
    let first = solve(&puzzles, &flags);
    assert_eq!(sources(&first).iter().filter(|s| **s == "model").count(), 1);
    let again = solve(&puzzles, &flags);
    assert!(!sources(&again).contains(&"model"));
    assert!(sources(&again).contains(&"stored"));
    for answers in [&in_memory, &first, &again] {
        for (answer, plain) in answers.iter().zip(&plain) {
            for key in ["line", "question", "answer", "verified", "stopped"] {
                assert_eq!(answer[key], plain[key], "{key}");
            }
            let thought = answer["source"] == "model";
            assert_eq!(answer["steps"].as_u64() > Some(0), thought);
        }
    }
    // Another model's answers are not its own.
    let other = dir.path().join("other.safetensors");
    let out = recurra("quantize {} --to bf16 -o {}", &[&shipped(), &other]);
    assert_eq!(status(&out), Some(0), "{}", stderr(&out));
    let out = recurra(
        &format!("solve {{}} {{}} --json {flags}"),
        &[&other, &puzzles],
    );
    assert!(stdout(&out).contains("\"source\":\"model\""));
    assert!(
        stderr(&out).contains("3 of 4 answers were known"),
        "{}",
        stderr(&out)
    );
}

#[test]
fn what_is_no_cache_is_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let puzzles = dir.path().join("puzzles.txt");
    std::fs::write(&puzzles, FORMS).unwrap();
    let run = |flags: &str| {
        let out = recurra(&format!("solve {{}} {{}} {flags}"), &[&shipped(), &puzzles]);
        (status(&out), stderr(&out))
    };
    let text = puzzles.display();
    let (code, message) = run(&format!("--cache {text}"));
    assert_eq!(code, Some(1));
    assert!(message.contains("puzzles.txt"), "{message}");
    assert_eq!(std::fs::read_to_string(&puzzles).unwrap(), FORMS);
    let (code, message) = run(&format!("--cache {}", dir.path().join("no/such").display()));
    assert_eq!(code, Some(1));
    assert!(message.contains("no/such"), "{message}");
    for (flags, part) in [
        ("--cache-size 10", "--cache"),
        ("--cache-memory 0", "--cache-memory"),
        ("--cache-memory lots", "--cache-memory"),
    ] {
        let (code, message) = run(flags);
        assert_eq!(code, Some(2), "{flags}");
        assert!(message.contains(part), "{flags}: {message}");
    }
}
