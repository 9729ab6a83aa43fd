//! `recurra quantize`.

use crate::common::*;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The trained model that comes with the repository.
fn shipped() -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join("models/sudoku4.safetensors")
}

/// Puzzles whose solutions were never trained on.
fn unseen(dir: &Path, count: usize) -> PathBuf {
    let path = dir.join("unseen.csv");
    let flags = format!("--size 4 --count {count} --seed 31 --held-out 5 --split test -o {{}}");
    let out = recurra(&format!("generate sudoku {flags}"), &[&path]);
    assert_eq!(status(&out), Some(0), "{}", stderr(&out));
    path
}

fn exact(model: &Path, puzzles: &Path) -> f64 {
    // Without the rule check: the model alone decides when it is done.
    let out = recurra("eval {} {} --stop halt --json", &[model, puzzles]);
    assert_eq!(status(&out), Some(0), "{}", stderr(&out));
    json(&out)[0]["exact"].as_f64().unwrap()
}

#[test]
fn a_trained_model_stays_good_in_fewer_bits() {
    let dir = tempfile::tempdir().unwrap();
    let (model, puzzles) = (shipped(), unseen(dir.path(), 500));
    let before = exact(&model, &puzzles);
    for (to, loss, ratio) in [("bf16", 0.001, 1.9), ("q8", 0.003, 3.5), ("q4", 0.015, 6.0)] {
        let small = dir.path().join(to);
        let out = recurra(
            &format!("quantize {{}} --to {to} --limit 64 -o {{}} --json"),
            &[&model, &small],
        );
        assert_eq!((status(&out), stderr(&out)), (Some(0), String::new()));
        let report = &json(&out)[0];
        assert_eq!(
            (&report["from"], &report["to"]),
            (&"f32".into(), &to.into())
        );
        assert_eq!(report["good"], true, "{report}");
        let calibrated = if to == "bf16" { 0 } else { 48 };
        assert_eq!(report["calibrated_on"], calibrated);
        assert_eq!(report["fidelity"]["questions"], 16);
        assert!(report["fidelity"]["last_step"]["mean"].as_f64().unwrap() > 0.99);
        let size = std::fs::metadata(&small).unwrap().len();
        assert_eq!(report["bytes_after"], size);
        assert!(report["ratio"].as_f64().unwrap() > ratio, "{report}");
        let after = exact(&small, &puzzles);
        assert!(after >= before - loss, "{to}: {after} after {before}");

        let info = recurra("info {} --json", &[&small]);
        let info: &Value = &json(&info)[0];
        assert_eq!(info["precision"], to);
        assert_eq!(info["provenance"]["quantized_from"], "f32");
        let parts: u64 = (info["parts"].as_array().unwrap().iter())
            .map(|part| part["bytes"].as_u64().unwrap())
            .sum();
        assert!(parts < size && size < parts + 8000, "{info}");
        let answer = run("solve {} --json", &[&small], b"1.....3..2.....4");
        assert_eq!(json(&answer)[0]["verified"], true);

        let again = recurra(
            "quantize {} --to q4 -o {}",
            &[&small, &dir.path().join("again")],
        );
        refused(&again, &format!("expected weights in f32, found {to}"));
    }
}

#[test]
fn the_same_bytes_with_any_number_of_threads() {
    let dir = tempfile::tempdir().unwrap();
    let puzzles = unseen(dir.path(), 40);
    let made = |threads: usize| {
        let small = dir.path().join("small");
        let flags = format!("--to q4 --calibrate {{}} --threads {threads} -o {{}}");
        let out = recurra(
            &format!("quantize {{}} {flags}"),
            &[&shipped(), &puzzles, &small],
        );
        assert_eq!(status(&out), Some(0), "{}", stderr(&out));
        assert!(
            stdout(&out).contains("calibrated on  30 questions\n"),
            "{}",
            stdout(&out)
        );
        std::fs::read(small).unwrap()
    };
    assert!(made(1) == made(3));
}

#[test]
fn what_does_not_quantise_well_is_told() {
    let dir = tempfile::tempdir().unwrap();
    // Weights of a model that knows nothing, so large that each layer multiplies what the last one lost.
    let mut weights = recurra::model::TrmWeights::random(&config(), 1);
    let rough = |matrix: &mut recurra::kernels::AlignedMatrix| {
        matrix.padded_mut().iter_mut().for_each(|v| *v *= 30.0);
    };
    for layer in &mut weights.layers {
        layer.mix.iter_mut().for_each(rough);
        rough(&mut layer.mlp.gate_up);
        rough(&mut layer.mlp.down);
    }
    let task = recurra::tasks::TaskSpec::Sudoku { size: 4 };
    let model = dir.path().join("rough");
    recurra::model::TrmModel::new(config(), Some(task), weights)
        .save(&model)
        .unwrap();
    let small = dir.path().join("small");
    let out = recurra("quantize {} --to q4 -o {} --json", &[&model, &small]);
    assert_eq!(status(&out), Some(0));
    assert_eq!(json(&out)[0]["good"], false, "{}", stdout(&out));
    let message = stderr(&out);
    assert!(
        message.contains("warning") && message.contains("cosine") && message.contains("--to q8"),
        "{message}"
    );
}

#[test]
fn models_without_a_task_are_rounded_to_the_nearest() {
    let dir = tempfile::tempdir().unwrap();
    let weights = recurra::model::TrmWeights::random(&config(), 1);
    let model = dir.path().join("model");
    recurra::model::TrmModel::new(config(), None, weights)
        .save(&model)
        .unwrap();
    let small = dir.path().join("small");
    let out = recurra("quantize {} --to q8 -o {} --json", &[&model, &small]);
    assert_eq!(status(&out), Some(0), "{}", stderr(&out));
    assert_eq!(json(&out)[0]["fidelity"], Value::Null);
    assert!(stderr(&out).contains("names no task"), "{}", stderr(&out));
    let puzzles = unseen(dir.path(), 3);
    let out = recurra(
        "quantize {} --to q8 --calibrate {} -o {}",
        &[&model, &puzzles, &small],
    );
    refused(&out, "expected a model with a task");
}

#[test]
fn bad_input() {
    let dir = tempfile::tempdir().unwrap();
    let (model, small) = (random_model(dir.path()), dir.path().join("small"));
    let missing = dir.path().join("missing");
    refused(
        &recurra("quantize {} --to q4 -o {}", &[&missing, &small]),
        "missing",
    );
    let text = dir.path().join("text");
    std::fs::write(&text, "# nothing\n").unwrap();
    let flags = "quantize {} --to q4 --calibrate {} -o {}";
    refused(
        &recurra(flags, &[&model, &text, &small]),
        "no puzzle that could be used",
    );
    refused(&recurra(flags, &[&model, &missing, &small]), "missing");
    let nowhere = dir.path().join("nowhere/model");
    refused(
        &recurra("quantize {} --to bf16 -o {}", &[&model, &nowhere]),
        "nowhere",
    );
    for usage in ["--to q5 -o {}", "-o {}", "--to q4 --limit 0 -o {}"] {
        let out = recurra(&format!("quantize {{}} {usage}"), &[&model, &small]);
        assert_eq!(status(&out), Some(2), "{usage}");
    }
    assert!(!small.exists());

    // A bad line is told; the good ones are used.
    std::fs::write(&text, format!("{PUZZLE}\noops\n{SOLVED}\n")).unwrap();
    let out = recurra(flags, &[&model, &text, &small]);
    assert_eq!(status(&out), Some(1));
    assert!(stderr(&out).contains(":2: "), "{}", stderr(&out));
    assert!(small.exists());
}
