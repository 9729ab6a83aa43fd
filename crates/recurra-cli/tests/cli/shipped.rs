//! The models that come with the repository do what their cards say.

use crate::common::{recurra, status, stderr, stdout};
use serde_json::Value;
use std::path::Path;

/// A file of the repository.
fn file(name: &str) -> std::path::PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join(name)
}

#[test]
fn the_example_puzzles_are_solved() {
    for (name, count) in [("sudoku4", 10), ("maze15", 3)] {
        let model = file(&format!("models/{name}.safetensors"));
        let puzzles = file(&format!("examples/{name}.txt"));
        let out = recurra("solve {} {} --json", &[&model, &puzzles]);
        assert_eq!(status(&out), Some(0));
        let answers: Vec<Value> = stdout(&out)
            .lines()
            .map(|l| serde_json::from_str(l).unwrap())
            .collect();
        assert_eq!(answers.len(), count);
        for answer in answers {
            assert_eq!(answer["verified"], true, "{answer}");
        }
    }
}

#[test]
fn unseen_mazes_are_answered_right() {
    let folder = tempfile::tempdir().unwrap();
    let mazes = folder.path().join("unseen.csv");
    let made = "generate maze --size 15 --min-path 27 --count 200 --seed 5 --held-out 5 --split test -o {}";
    assert_eq!(status(&recurra(made, &[&mazes])), Some(0));
    let model = file("models/maze15.safetensors");
    let out = recurra("eval {} {} --restarts 8 --json", &[&model, &mazes]);
    let result: Value = serde_json::from_str(&stdout(&out)).unwrap();
    assert_eq!(result["count"], 200);
    // A path is verified if and only if none is shorter.
    assert!(result["verified"].as_f64().unwrap() >= 0.98, "{result}");
    assert_eq!(result["verified"], result["shortest"]);
}

#[test]
fn a_convolution_answers_mazes_of_another_size() {
    let folder = tempfile::tempdir().unwrap();
    let mazes = folder.path().join("larger.csv");
    let made = "generate maze --size 20x24 --min-path 40 --count 40 --seed 5 -o {}";
    assert_eq!(status(&recurra(made, &[&mazes])), Some(0));
    let model = file("models/maze15.safetensors");
    let asked = "eval {} {} --size 20x24 --restarts 8 --max-steps 32 --json";
    let out = recurra(asked, &[&model, &mazes]);
    let result: Value = serde_json::from_str(&stdout(&out)).unwrap();
    assert_eq!(result["count"], 40);
    assert!(result["verified"].as_f64().unwrap() >= 0.9, "{result}");
    for (model, size, code, expected) in [
        (
            "models/maze15.safetensors",
            "1x9",
            1,
            "rows and columns from 2 to 64",
        ),
        (
            "models/sudoku4.safetensors",
            "9",
            2,
            "a maze model whose mixer is a convolution",
        ),
    ] {
        let command = format!("eval {{}} {{}} --size {size}");
        let out = recurra(&command, &[&file(model), &mazes]);
        assert_eq!(status(&out), Some(code));
        assert!(stderr(&out).contains(expected), "{}", stderr(&out));
    }
}

#[test]
fn unseen_solution_grids_are_answered_right() {
    for (size, count, least) in [(4, 1000, 0.99), (6, 200, 0.98)] {
        let folder = tempfile::tempdir().unwrap();
        let puzzles = folder.path().join("unseen.csv");
        let made = format!(
            "generate sudoku --size {size} --count {count} --seed 5 --held-out 5 --split test -o {{}}"
        );
        assert_eq!(status(&recurra(&made, &[&puzzles])), Some(0));
        let model = file(&format!("models/sudoku{size}.safetensors"));
        let out = recurra("eval {} {} --json", &[&model, &puzzles]);
        let result: Value = serde_json::from_str(&stdout(&out)).unwrap();
        assert_eq!(result["count"], count);
        assert!(result["exact"].as_f64().unwrap() >= least, "{result}");
        // What is called verified is right, always.
        assert!(
            result["verified"].as_f64().unwrap() <= result["exact"].as_f64().unwrap(),
            "{result}"
        );
    }
}

/// One file for every size, and one for rules that it has never seen.
#[test]
fn models_over_groups_answer_every_size_and_new_rules() {
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("unseen.csv");
    let asked = |model: &str, flags: &str, paths: &[&Path]| {
        let model = file(&format!("models/{model}.safetensors"));
        let paths = [&[model.as_path(), &table], paths].concat();
        let out = recurra(&format!("eval {{}} {{}} --json {flags}"), &paths);
        let result: Value = serde_json::from_str(&stdout(&out)).unwrap();
        assert_eq!(result["verified"], result["exact"], "{result}");
        assert_eq!(result["verified_other"], 0, "{result}");
        result["exact"].as_f64().unwrap()
    };
    for (size, givens, count, flags, least) in [
        (4, "", 100, "", 1.0),
        (6, "", 50, "", 1.0),
        (9, "", 40, "--restarts 31", 1.0),
        (16, "--givens 150", 4, "--restarts 7", 1.0),
    ] {
        let made = format!(
            "generate sudoku --size {size} {givens} --count {count} --seed 99 --held-out 5 --split test -o {{}}"
        );
        let out = recurra(&made, &[&table]);
        assert_eq!(status(&out), Some(0), "{}", stderr(&out));
        let exact = asked("sudoku", &format!("--size {size} {flags}"), &[]);
        assert!(exact >= least, "{size}: {exact}");
        std::fs::remove_file(&table).unwrap();
    }
    for (rules, givens) in [
        ("jigsaw-9", 32),
        ("sudoku-four-boxes", 32),
        ("diagonals-8x8", 26),
    ] {
        let rules = file(&format!("examples/rules/{rules}.toml"));
        let made =
            format!("generate grid --rules {{}} --givens {givens} --count 10 --seed 8 -o {{}}");
        let out = recurra(&made, &[&rules, &table]);
        assert_eq!(status(&out), Some(0), "{}", stderr(&out));
        let exact = asked("constraints", "--restarts 7 --rules {}", &[&rules]);
        assert_eq!(exact, 1.0, "{}", rules.display());
        std::fs::remove_file(&table).unwrap();
    }
}
