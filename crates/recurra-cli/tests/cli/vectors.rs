//! Vectors from end to end: pairs whose answers are turned questions are learnt, measured and asked for.

use crate::common::{recurra, run, signals, status, stderr, stdout};
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use std::collections::HashMap;
use std::path::Path;

const D: usize = 16;

/// Unit vectors from a small generator, and the same with their places turned by five.
fn turned(rows: usize, seed: u64) -> [Vec<f32>; 2] {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut draw = || {
        let sum: f32 = (0..4)
            .map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                (state >> 40) as f32 / (1 << 24) as f32 - 0.5
            })
            .sum();
        sum
    };
    let mut pairs = [Vec::new(), Vec::new()];
    for _ in 0..rows {
        let vector: Vec<f32> = (0..D).map(|_| draw()).collect();
        let length = vector.iter().map(|v| v * v).sum::<f32>().sqrt();
        pairs[0].extend(vector.iter().map(|v| v / length));
        pairs[1].extend((0..D).map(|i| vector[(i + 5) % D] / length));
    }
    pairs
}

fn bytes(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|v| v.to_le_bytes()).collect()
}

fn write(path: &Path, [queries, answers]: &[Vec<f32>; 2], embedder: &str) {
    let (q, a) = (bytes(queries), bytes(answers));
    let shape = vec![queries.len() / D, D];
    let view = |bytes| TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap();
    let tensors = [("queries", view(&q)), ("answers", view(&a))];
    let notes = HashMap::from([("embedder.name".to_owned(), embedder.to_owned())]);
    std::fs::write(path, safetensors::serialize(tensors, Some(notes)).unwrap()).unwrap();
}

#[test]
fn a_turned_question_is_learnt() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (pairs, unseen, other, model) = (
        at("pairs.safetensors"),
        at("unseen.safetensors"),
        at("other.safetensors"),
        at("m.safetensors"),
    );
    write(&pairs, &turned(600, 1), "toy");
    let test = turned(100, 2);
    write(&unseen, &test, "toy");
    write(&other, &test, "another");
    let train = "train --task vectors --data {} -o {} --steps 250 --hidden 48 --layers 1 --think 2 --batch 32 --lr 0.004 --temperature 0.2 --threads 1";
    let output = recurra(train, &[&pairs, &model]);
    assert_eq!(status(&output), Some(0), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("held-out questions: recall@1"),
        "{}",
        stderr(&output)
    );

    let output = recurra("eval {} {} --json", &[&model, &unseen]);
    let report: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    let number = |name: &str| report[name].as_f64().unwrap();
    assert_eq!((number("queries"), number("passages")), (100.0, 100.0));
    assert!(number("raw_recall_at_1") < 0.2, "{report}");
    assert!(number("recall_at_1") > 0.8, "{report}");
    assert!(
        number("recall_at_10") >= number("recall_at_1") && number("mrr") >= number("recall_at_1")
    );

    // Vectors of another embedding model are refused.
    let output = recurra("eval {} {}", &[&model, &other]);
    assert_eq!(status(&output), Some(1));
    assert!(
        stderr(&output).contains("embedding model: expected toy, found another"),
        "{}",
        stderr(&output)
    );

    // A bad line does not lose the good ones beside it.
    let question = serde_json::json!({"question": &test[0][..D]});
    let zeros = serde_json::json!({"question": vec![0.0; D]});
    let lines = format!("{question}\n{zeros}\n{{\"question\":[1.0]}}\nnonsense\n{question}\n");
    let output = run("solve {} --json", &[&model], lines.as_bytes());
    assert_eq!(status(&output), Some(1));
    let out = stdout(&output);
    let lines: Vec<serde_json::Value> = out
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    assert_eq!(lines.len(), 5, "{out}");
    assert_eq!(lines[0]["vector"], lines[4]["vector"]);
    assert_eq!(lines[0]["vector"].as_array().unwrap().len(), D);
    let error = |i: usize| lines[i]["error"].as_str().unwrap().to_owned();
    assert!(
        error(1).contains("a vector that is not zero"),
        "{}",
        error(1)
    );
    assert!(
        error(2).contains("expected 16 numbers for each vector"),
        "{}",
        error(2)
    );
    assert_eq!(lines[3]["line"], 4);
}

#[test]
fn pairs_that_cannot_be_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (path, model) = (at("pairs.safetensors"), at("m.safetensors"));
    let mut pairs = turned(20, 1);
    pairs[1][3 * D + 2] = f32::NAN;
    write(&path, &pairs, "toy");
    let train = "train --task vectors --data {} -o {} --steps 1";
    let output = recurra(train, &[&path, &model]);
    assert_eq!(status(&output), Some(1));
    let expected = "row 3: answers: expected finite numbers, found NaN at place 2";
    assert!(stderr(&output).contains(expected), "{}", stderr(&output));
    std::fs::write(&path, b"nonsense").unwrap();
    let output = recurra(train, &[&path, &model]);
    assert!(
        stderr(&output).contains("not a safetensors file"),
        "{}",
        stderr(&output)
    );
    let output = recurra("train --task vectors -o {} --steps 1", &[&model]);
    assert_eq!(status(&output), Some(2));
    assert!(!model.exists());
}

#[cfg(unix)]
#[test]
fn an_interrupted_training_leaves_the_best_model_and_goes_on() {
    use std::io::{BufRead, BufReader, Read};
    use std::process::{Command, Stdio};

    let folder = tempfile::tempdir().unwrap();
    let (pairs, model) = (
        folder.path().join("pairs.safetensors"),
        folder.path().join("m.safetensors"),
    );
    write(&pairs, &turned(200, 1), "toy");
    let mut child = Command::new(env!("CARGO_BIN_EXE_recurra"))
        .args(["train", "--task", "vectors", "--hidden", "32", "--threads"])
        .args(["1", "--steps", "1000000000", "--data"])
        .args([&pairs, Path::new("-o"), &model])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    // It says what it is about to do when it listens.
    said.read_line(&mut line).unwrap();
    assert!(line.contains("pairs to train on"), "{line}");
    let (id, (name, code)) = (child.id().to_string(), signals()[0]);
    assert!(
        Command::new("kill")
            .args([&format!("-{name}"), &id])
            .status()
            .unwrap()
            .success()
    );
    said.read_to_string(&mut line).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(code), "{line}");
    assert!(line.contains("`--resume` goes on from here"), "{line}");
    assert_eq!(
        status(&recurra("eval {} {} --json", &[&model, &pairs])),
        Some(0)
    );
    let resume = "train --resume -o {} --threads 1";
    let other = recurra(&format!("{resume} --hidden 48"), &[&model]);
    assert_eq!(status(&other), Some(2));
    assert!(
        stderr(&other).contains("another of the architecture"),
        "{}",
        stderr(&other)
    );
    let log = folder.path().join("m.safetensors.training/log.csv");
    let step = || {
        let text = std::fs::read_to_string(&log).unwrap();
        let last = text.lines().last().unwrap().to_owned();
        last.split(',').next().unwrap().parse::<u64>().unwrap_or(0)
    };
    let until = (step() + 5).max(20);
    let resumed = recurra(&format!("{resume} --steps {until}"), &[&model]);
    assert_eq!(status(&resumed), Some(0), "{}", stderr(&resumed));
    assert!(
        stderr(&resumed).contains("going on after"),
        "{}",
        stderr(&resumed)
    );
    assert_eq!(step(), until);
    let again = recurra(&format!("{resume} --steps {until}"), &[&model]);
    assert!(
        stderr(&again).contains("nothing left to do"),
        "{}",
        stderr(&again)
    );
}
