//! `--adaptive`: steps are planned from what earlier puzzles needed.

use crate::common::*;
use serde_json::Value;
use std::path::{Path, PathBuf};

fn shipped(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../models")).join(name)
}

fn puzzles(dir: &Path, size: usize, count: usize) -> PathBuf {
    let path = dir.join("puzzles.csv");
    let flags = format!("--size {size} --count {count} --seed 3 --held-out 5 --split test -o {{}}");
    let out = recurra(&format!("generate sudoku {flags}"), &[&path]);
    assert_eq!(status(&out), Some(0), "{}", stderr(&out));
    path
}

fn one(out: &std::process::Output) -> Value {
    assert_eq!((status(out), stderr(out)), (Some(0), String::new()));
    json(out).remove(0)
}

/// 6x6 puzzles take this model one to forty steps.
#[test]
fn what_is_learnt_saves_steps_and_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let (model, data) = (shipped("sudoku6.safetensors"), puzzles(dir.path(), 6, 400));
    let kept = dir.path().join("k.bin");
    let eval = |flags: &str, paths: &[&Path]| {
        let flags = format!("eval {{}} {{}} --threads 1 --json --max-steps 40 {flags}");
        one(&recurra(&flags, paths))
    };
    let number = |report: &Value, name: &str| report[name].as_f64().unwrap();
    let all = eval("", &[&model, &data]);
    let first = eval("--adaptive {}", &[&model, &data, &kept]);
    let bytes = std::fs::read(&kept).unwrap();
    let second = eval("--adaptive {}", &[&model, &data, &kept]);
    assert_ne!(std::fs::read(&kept).unwrap(), bytes);
    for planned in [&first, &second] {
        assert!(number(planned, "mean_steps") <= number(&all, "mean_steps"));
        assert!(number(planned, "exact") >= number(&all, "exact") - 0.02);
        assert_eq!(planned["verified_other"], 0);
    }
    // The same order and one thread: the same plans.
    std::fs::write(&kept, &bytes).unwrap();
    let again = eval("--adaptive {}", &[&model, &data, &kept]);
    assert_eq!(again["steps"], second["steps"]);
    // `min_k` holds as `--min-steps` does; of `verified` it does not.
    let solve = |flags: &str, model: &Path| {
        let flags = format!("solve {{}} {{}} --json --adaptive {{}} {flags}");
        recurra(&flags, &[model, &data, &kept])
    };
    let out = solve("--max-steps 1", &model);
    assert!(json(&out).iter().all(|answer| answer["steps"] == 1));
    // What one model's answers taught says nothing about another's.
    let other = dir.path().join("other.safetensors");
    let out = recurra("quantize {} --to bf16 -o {}", &[&model, &other]);
    assert_eq!(status(&out), Some(0), "{}", stderr(&out));
    let out = solve("", &other);
    assert_eq!(status(&out), Some(1));
    assert!(stderr(&out).contains("k.bin"), "{}", stderr(&out));
    assert!(stderr(&out).contains("expected"), "{}", stderr(&out));
}

#[test]
fn without_proof_nothing_can_be_learnt() {
    let dir = tempfile::tempdir().unwrap();
    let kept = dir.path().join("k.bin");
    let model = copying_model(dir.path());
    let out = recurra("solve {} --stop halt --adaptive {}", &[&model, &kept]);
    assert_eq!(status(&out), Some(2));
    assert!(stderr(&out).contains("expected `verified` in --stop"));
    assert!(!kept.exists());
    std::fs::write(&kept, b"something else").unwrap();
    let out = recurra("solve {} --adaptive {}", &[&model, &kept]);
    assert_eq!(status(&out), Some(1));
    assert!(stderr(&out).contains("k.bin"), "{}", stderr(&out));
}
