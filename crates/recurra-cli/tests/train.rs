//! `recurra train` end to end: it learns, goes on where it stopped, and the same seed gives the same bytes.

mod common;

use common::{program, stderr};
use std::path::Path;

/// Trains a tiny model for so many steps.
fn train(output: &Path, steps: &str, more: &[&str]) -> std::process::Output {
    let output = output.to_str().unwrap();
    let mut args = vec![
        "train",
        "--size",
        "4",
        "--steps",
        steps,
        "-o",
        output,
        "--threads",
        "2",
    ];
    if !more.contains(&"--resume") {
        args.extend([
            "--hidden",
            "16",
            "--batch",
            "8",
            "--pool",
            "200",
            "--l-cycles",
            "1",
        ]);
    }
    args.extend(more);
    program().args(args).output().unwrap()
}

/// A model file without the entries that tell how long it took.
fn weights(path: &Path) -> Vec<u8> {
    let mut model = recurra::model::TrmModel::open(path).unwrap();
    model.header.provenance.clear();
    model.to_bytes()
}

#[test]
fn the_same_seed_gives_the_same_weights_and_resuming_goes_on_exactly() {
    let folder = tempfile::tempdir().unwrap();
    let [one, two, parts, other] = ["one", "two", "parts", "other"].map(|n| folder.path().join(n));
    for (path, steps, more) in [
        (&one, "12", &[][..]),
        (&two, "12", &[]),
        (&other, "12", &["--seed", "1"]),
        (&parts, "5", &["--constant-lr"]),
    ] {
        let out = train(path, steps, more);
        assert!(out.status.success(), "{}", stderr(&out));
    }
    assert!(weights(&one) == weights(&two));
    assert!(weights(&one) != weights(&other));
    let whole = folder.path().join("whole");
    assert!(train(&whole, "12", &["--constant-lr"]).status.success());
    let out = train(&parts, "12", &["--resume"]);
    assert!(
        out.status.success() && stderr(&out).contains("going on after step 5"),
        "{}",
        stderr(&out)
    );
    assert!(weights(&parts) == weights(&whole));
    let info = program()
        .args(["info", one.to_str().unwrap(), "--json"])
        .output()
        .unwrap();
    let info: serde_json::Value = serde_json::from_slice(&info.stdout).unwrap();
    assert_eq!(info["provenance"]["steps"], 12);
}

#[test]
fn training_takes_puzzles_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data.csv");
    let made = program()
        .args([
            "generate",
            "sudoku",
            "--size",
            "4",
            "--count",
            "60",
            "--seed",
            "3",
            "-o",
            data.to_str().unwrap(),
        ])
        .output()
        .unwrap();
    assert!(made.status.success());
    let mut text = std::fs::read_to_string(&data).unwrap();
    text.push_str("12x4,1234\n");
    std::fs::write(&data, text).unwrap();
    let model = folder.path().join("model");
    let args = [
        "train", "--size", "4", "--steps", "3", "--hidden", "16", "--batch", "4", "--data",
    ];
    let out = program()
        .args(args)
        .arg(&data)
        .arg("-o")
        .arg(&model)
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", stderr(&out));
    assert!(
        stderr(&out).contains("line 62") && stderr(&out).contains("left out 1 bad lines"),
        "{}",
        stderr(&out)
    );
}

#[test]
fn bad_trainings_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("model");
    let model = model.to_str().unwrap();
    for (args, status, expected) in [
        (&["--size", "5"][..], 1, "expected 4, 6, 9 or 16"),
        (&["--size", "4", "--minutes=-1"], 2, "--minutes"),
        (&["--size", "4", "--lr", "1e9"], 1, "`lr`"),
        (&["--size", "4", "--hidden", "0"], 1, "`hidden_size`"),
        (
            &["--size", "4", "--mixer", "attention", "--heads", "5"],
            1,
            "`num_heads`",
        ),
        (&["--size", "4", "--data", "nowhere.csv"], 1, "nowhere.csv"),
        (&["--resume"], 1, "model.training"),
    ] {
        let out = program()
            .args(["train", "--steps", "1", "-o", model])
            .args(args)
            .output()
            .unwrap();
        assert_eq!(
            out.status.code(),
            Some(status),
            "{args:?}: {}",
            stderr(&out)
        );
        assert!(
            stderr(&out).contains(expected),
            "{args:?}: {}",
            stderr(&out)
        );
    }
    std::fs::write(folder.path().join("model.training"), b"no checkpoint").unwrap();
    let out = program()
        .args(["train", "--resume", "-o", model])
        .output()
        .unwrap();
    assert_eq!(out.status.code(), Some(1));
    assert!(
        stderr(&out).contains("not a checkpoint"),
        "{}",
        stderr(&out)
    );
}
