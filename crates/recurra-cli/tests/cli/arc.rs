//! ARC-AGI from tasks to a submission: a few steps of training are enough to see that the whole path is there.

use crate::common::{json, recurra, status, stderr, stdout};
use serde_json::Value;
use std::path::{Path, PathBuf};

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/data/arc")
        .join(name)
}

const FEW_STEPS: &str = "--hidden 16 --heads 2 --layers 1 --h-cycles 1 --l-cycles 1 --batch 4 --threads 1 --augmentations 2 --constant-lr";

fn train(model: &Path, steps: usize, flags: &str) {
    let command = format!("train --task arc --data {{}} --steps {steps} {flags} -o {{}}");
    let out = recurra(&command, &[&data(""), model]);
    assert_eq!(status(&out), Some(0), "{}", stderr(&out));
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn tasks_are_learnt_voted_on_scored_and_submitted() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let (model, whole, submission) = (path("arc"), path("whole"), path("submission.json"));
    train(&model, 2, FEW_STEPS);
    // Six tasks in three forms, and the blank row.
    let identifiers = read(&path("arc.identifiers.json"));
    assert_eq!(identifiers.as_array().unwrap().len(), 19);
    let info = &json(&recurra("info {} --json", &[&model]))[0];
    assert_eq!(info["task"]["name"], "arc");
    assert_eq!(info["architecture"]["num_puzzle_identifiers"], 19);

    let eval = "eval {} {} --json --max-steps 2";
    let report = &json(&recurra(
        &format!("{eval} --submission {{}}"),
        &[&model, &data(""), &submission],
    ))[0];
    // Two evaluation tasks with three test inputs.
    for (key, expected) in [("tasks", 2), ("outputs", 3), ("votes", 9), ("unknown", 0)] {
        assert_eq!(report[key], expected, "{key}");
    }
    let share = |pass: &str| report[pass]["by_task"].as_f64().unwrap();
    assert!((0.0..=1.0).contains(&share("pass@1")) && share("pass@1") <= share("pass@2"));
    let attempts = read(&submission);
    assert_eq!(attempts["6ea4a07e"].as_array().unwrap().len(), 2);
    assert!(attempts["66e6c45b"][0]["attempt_2"].is_array());
    let fewer = &json(&recurra(
        &format!("{eval} --votes 2 --threads 1"),
        &[&model, &data("")],
    ))[0];
    assert_eq!(fewer["votes"], 6);

    // The same answers by `solve`, with any number of threads.
    let challenges = data("evaluation_challenges.json");
    let out = recurra(
        "solve {} {} --max-steps 2 --threads 2",
        &[&model, &challenges],
    );
    assert_eq!((status(&out), stderr(&out).as_str()), (Some(0), ""));
    assert_eq!(
        serde_json::from_str::<Value>(&stdout(&out)).unwrap(),
        attempts
    );

    // Resumed training ends where the uninterrupted one does.
    train(&whole, 3, FEW_STEPS);
    let out = recurra("train --resume --steps 3 --threads 1 -o {}", &[&model]);
    assert_eq!(status(&out), Some(0), "{}", stderr(&out));
    let id = |path: &Path| recurra::model::TrmModel::open(path).unwrap().id();
    assert_eq!(id(&model), id(&whole));
}

#[test]
fn what_is_wrong_is_named_and_the_rest_is_answered() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let model = path("arc");
    train(&model, 1, FEW_STEPS);
    // One task that was not learnt.
    let out = recurra(
        "solve {} {} --max-steps 1",
        &[&model, &data("e9afcf9a.json")],
    );
    assert_eq!(status(&out), Some(1));
    assert!(
        stderr(&out).contains("task `e9afcf9a`: not among"),
        "{}",
        stderr(&out)
    );
    // A ragged grid beside a good task.
    let file = path("mixed.json");
    let text = r#"{"bad": {"train": [{"input": [[1, 2], [3]], "output": [[1]]}], "test": [{"input": [[1]]}]},
        "66e6c45b": {"train": [{"input": [[1]], "output": [[1]]}], "test": [{"input": [[1]]}]}}"#;
    std::fs::write(&file, text).unwrap();
    let out = recurra("solve {} {} --max-steps 1", &[&model, &file]);
    assert_eq!(status(&out), Some(1));
    let message = stderr(&out);
    assert!(
        message.contains("mixed.json: ") && message.contains("bad"),
        "{message}"
    );
    let answers: Value = serde_json::from_str(&stdout(&out)).unwrap();
    assert!(answers.get("66e6c45b").is_some() && answers.get("bad").is_none());
    // A name that comes twice in a folder: the first counts.
    let folder = path("twice");
    std::fs::create_dir(&folder).unwrap();
    for name in ["a_challenges.json", "b_challenges.json"] {
        std::fs::write(folder.join(name), text).unwrap();
    }
    let out = recurra("solve {} {} --max-steps 1", &[&model, &folder]);
    assert_eq!(status(&out), Some(1));
    let message = stderr(&out);
    assert!(
        message.contains("b_challenges.json: task `66e6c45b`: another"),
        "{message}"
    );
    let answers: Value = serde_json::from_str(&stdout(&out)).unwrap();
    assert_eq!(answers["66e6c45b"].as_array().unwrap().len(), 1);
    // Nothing at all, other people's identifiers, flags that mean nothing here.
    std::fs::write(&file, "[]").unwrap();
    let out = recurra("eval {} {}", &[&model, &file]);
    assert_eq!(status(&out), Some(1));
    assert!(stderr(&out).contains("no ARC task"), "{}", stderr(&out));
    std::fs::write(&file, r#"["<blank>", "a"]"#).unwrap();
    let out = recurra("eval {} {} --identifiers {}", &[&model, &data(""), &file]);
    crate::common::refused(&out, "num_puzzle_identifiers");
    for flags in ["--restarts 3", "--cache x", "--adaptive x"] {
        let out = recurra(&format!("solve {{}} {{}} {flags}"), &[&model, &data("")]);
        assert_eq!(status(&out), Some(2), "{}", stderr(&out));
    }
    let sudoku = data("../../../models/sudoku4.safetensors");
    let out = recurra("solve {} - --votes 3", &[&sudoku]);
    assert_eq!(status(&out), Some(2));
    assert!(stderr(&out).contains("--votes: expected a model for ARC-AGI"));
    // The model asked like one for puzzles.
    let out = recurra("calibrate {} {} -o {}", &[&model, &data(""), &file]);
    crate::common::refused(&out, "ARC-AGI, whose answers are voted over");
}
