//! The models that come with the repository do what their cards say.

mod common;

use common::{recurra, status, stdout};
use serde_json::Value;
use std::path::Path;

/// A file of the repository.
fn file(name: &str) -> std::path::PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join(name)
}

#[test]
fn the_example_puzzles_are_solved() {
    let (model, puzzles) = (
        file("models/sudoku4.safetensors"),
        file("examples/sudoku4.txt"),
    );
    let out = recurra("solve {} {} --json", &[&model, &puzzles]);
    assert_eq!(status(&out), Some(0));
    let answers: Vec<Value> = stdout(&out)
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    assert_eq!(answers.len(), 10);
    for answer in answers {
        assert_eq!(answer["verified"], true, "{answer}");
    }
}

#[test]
fn unseen_solution_grids_are_answered_right() {
    let folder = tempfile::tempdir().unwrap();
    let puzzles = folder.path().join("unseen.csv");
    let made = "generate sudoku --size 4 --count 1000 --seed 5 --held-out 5 --split test -o {}";
    assert_eq!(status(&recurra(made, &[&puzzles])), Some(0));
    let out = recurra(
        "eval {} {} --json",
        &[&file("models/sudoku4.safetensors"), &puzzles],
    );
    let result: Value = serde_json::from_str(&stdout(&out)).unwrap();
    assert_eq!(result["count"], 1000);
    assert!(result["exact"].as_f64().unwrap() >= 0.99, "{result}");
    // What is called verified is right, always.
    assert!(
        result["verified"].as_f64().unwrap() <= result["exact"].as_f64().unwrap(),
        "{result}"
    );
}
