//! Model files that are damaged, or made to do harm: one message, status 1, no panic, no memory taken for nothing.

use crate::common::*;
use recurra::model::{TrmModel, TrmWeights};
use recurra::tasks::TaskSpec;
use recurra::{Mixer, Positions, TrmConfig};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

/// Memory the program may have, in KiB. An allocation beyond aborts it, which is no exit status.
#[cfg(target_os = "linux")]
const LIMIT: usize = 2_000_000;

/// Runs `info` and `solve` on these bytes.
fn try_all(dir: &Path, bytes: &[u8]) -> [Output; 2] {
    let file = dir.join("hostile");
    std::fs::write(&file, bytes).unwrap();
    ["info", "solve --threads 1"].map(|command| {
        let program = env!("CARGO_BIN_EXE_recurra");
        #[cfg(target_os = "linux")]
        let mut command = {
            let script = format!("ulimit -v {LIMIT}; exec \"$0\" {command} \"$1\"");
            let mut shell = Command::new("sh");
            shell.args(["-c", &script, program]);
            shell
        };
        #[cfg(not(target_os = "linux"))]
        let mut command = {
            let mut plain = Command::new(program);
            plain.args(command.split(' '));
            plain
        };
        let command = command.arg(&file).stdin(std::process::Stdio::null());
        command.output().unwrap()
    })
}

fn model_bytes() -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    std::fs::read(random_model(dir.path())).unwrap()
}

/// The file with its header changed.
fn with_header(bytes: &[u8], change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let mut header: Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    change(&mut header);
    let mut header = header.to_string();
    header += &" ".repeat(header.len().next_multiple_of(8) - header.len());
    let length = (header.len() as u64).to_le_bytes();
    [&length, header.as_bytes(), &bytes[8 + length_of(bytes)..]].concat()
}

fn length_of(bytes: &[u8]) -> usize {
    u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize
}

/// The file with its configuration changed.
fn with_config(bytes: &[u8], change: impl FnOnce(&mut Value)) -> Vec<u8> {
    with_header(bytes, |header| {
        let entry = &mut header["__metadata__"]["recurra.config"];
        let mut config: Value = serde_json::from_str(entry.as_str().unwrap()).unwrap();
        change(&mut config);
        *entry = config.to_string().into();
    })
}

#[test]
fn the_changed_files_would_be_read_unchanged() {
    let dir = tempfile::tempdir().unwrap();
    let same = with_config(&with_header(&model_bytes(), |_| {}), |_| {});
    let [info, solve] = try_all(dir.path(), &same);
    assert_eq!(status(&info), Some(0), "{}", stderr(&info));
    refused(&solve, "no puzzle");
}

/// A model over groups: what they are follows from the task, and no file says it.
#[test]
fn models_over_groups() {
    let dir = tempfile::tempdir().unwrap();
    let task = TaskSpec::Sudoku { size: 4 };
    let architecture = TrmConfig {
        mixer: Mixer::Constraints,
        positions: Positions::None,
        groups: task.task().unwrap().groups().map(Arc::new),
        ..config()
    };
    let weights = TrmWeights::random(&architecture, 1);
    let bytes = TrmModel::new(architecture, Some(task), weights).to_bytes();
    let [info, _] = try_all(dir.path(), &with_config(&bytes, |_| {}));
    assert_eq!(status(&info), Some(0), "{}", stderr(&info));
    type Change = fn(&mut Value);
    let cases: [(&str, Change); 14] = [
        ("`task`", |c| {
            drop(c.as_object_mut().unwrap().remove("task"))
        }),
        ("`task`", |c| c["task"] = json!({"name": "arc"})),
        ("`task`", |c| {
            c["task"] = json!({"name": "maze", "rows": 4, "cols": 4, "min_path": 0});
        }),
        ("`seq_len`: expected a token for each of 256 cells", |c| {
            c["task"]["size"] = 16.into();
        }),
        ("`task.size`", |c| c["task"]["size"] = (1u64 << 40).into()),
        ("`hidden_size`: expected a multiple of 16", |c| {
            c["architecture"]["hidden_size"] = 24.into();
        }),
        (
            "`hidden_size`: expected a multiple of 16, at most 256",
            |c| {
                c["architecture"]["hidden_size"] = 4096.into();
            },
        ),
        ("`hidden_size`", |c| {
            c["architecture"]["hidden_size"] = (1u64 << 40).into();
        }),
        ("shape [3, 256]", |c| {
            c["architecture"]["hidden_size"] = 256.into()
        }),
        ("`seq_len`", |c| {
            c["architecture"]["seq_len"] = (1u64 << 40).into()
        }),
        ("`vocab_size`", |c| {
            c["architecture"]["vocab_size"] = 5.into()
        }),
        ("`positions`", |c| {
            c["architecture"]["positions"] = "learned".into()
        }),
        ("`mixer`", |c| {
            // Nobody can declare groups in a file.
            c["architecture"]["groups"] = json!({"cells": 16});
        }),
        ("`seq_len`: expected 1 to", |c| {
            let symbols: Vec<String> = (0..254).map(|i| format!("s{i}")).collect();
            let rules = json!({
                "blank": "s0", "fill": symbols[1..], "keep": "givens", "different": ["row"],
            });
            c["task"] = json!({
                "name": "grid", "symbols": symbols, "frame": [64, 64], "question": {"fixed": [64, 64]},
                "answer": {"fixed": [64, 64]}, "rules": rules,
            });
            c["architecture"]["seq_len"] = 4096.into();
            c["architecture"]["vocab_size"] = 256.into();
        }),
    ];
    for (part, change) in cases {
        for out in try_all(dir.path(), &with_config(&bytes, change)) {
            refused(&out, part);
        }
    }
}

#[test]
fn truncated_files() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = model_bytes();
    let header = 8 + length_of(&bytes);
    let rest = (0..10).map(|i| header + i * (bytes.len() - header) / 10);
    let lengths = [0, 1, 7, 8, 9, 20, 100, header - 1, bytes.len() - 1];
    for length in lengths.into_iter().chain(rest) {
        for out in try_all(dir.path(), &bytes[..length]) {
            refused(&out, "hostile: ");
        }
    }
    let longer = [&bytes[..], b"more"].concat();
    for out in try_all(dir.path(), &longer) {
        refused(&out, "hostile: not a model file");
    }
}

#[test]
fn files_of_other_kinds() {
    let dir = tempfile::tempdir().unwrap();
    let huge = [&u64::MAX.to_le_bytes()[..], &[b'{'; 100]].concat();
    let large = [&90_000_000u64.to_le_bytes()[..], b"{}"].concat();
    let deep = {
        let text = "[".repeat(100_000);
        [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat()
    };
    let nested = [&8u64.to_le_bytes()[..], b"{\"a\":{} "].concat();
    for bytes in [
        &huge[..],
        &large,
        &deep,
        &nested,
        b"PK\x03\x04",
        &[0; 4096],
        b"hello\n",
    ] {
        for out in try_all(dir.path(), bytes) {
            refused(&out, "hostile: ");
        }
    }
    for out in try_all(
        dir.path(),
        &std::fs::read(reference("att_rope", "model.safetensors")).unwrap(),
    ) {
        refused(&out, "recurra import");
    }
    for command in ["info", "solve", "trace --steps 1 --tensors x -o y", "bench"] {
        refused(
            &recurra(&format!("{command} {{}}"), &[dir.path()]),
            "no regular file",
        );
    }
}

#[test]
fn wrong_tensors() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = model_bytes();
    let cases: [(&str, Vec<u8>); 6] = [
        (
            "expected F32 or BF16, found I32",
            with_header(&bytes, |h| h["lm_head.weight"]["dtype"] = "I32".into()),
        ),
        (
            "lm_head.weight",
            with_header(&bytes, |h| h["lm_head.weight"]["shape"] = json!([16, 6])),
        ),
        (
            "not a model file",
            with_header(&bytes, |h| {
                h["lm_head.weight"]["shape"] = json!([6, 1u64 << 60])
            }),
        ),
        (
            "not a model file",
            with_header(&bytes, |h| {
                h["lm_head.weight"]["data_offsets"] = json!([0, 4])
            }),
        ),
        (
            "\\u{1b}",
            with_header(&bytes, |h| {
                let end = bytes.len() - 8 - length_of(&bytes);
                h["\u{1b}[2J"] = json!({"dtype": "F32", "shape": [0], "data_offsets": [end, end]});
            }),
        ),
        ("finite", {
            let mut bytes = bytes.clone();
            let end = bytes.len();
            bytes[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
            bytes
        }),
    ];
    for (part, bytes) in cases {
        for out in try_all(dir.path(), &bytes) {
            refused(&out, part);
        }
    }
}

#[test]
fn absurd_configurations() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = model_bytes();
    for (field, value) in [
        ("seq_len", json!(u64::MAX)),
        ("seq_len", json!(1u64 << 40)),
        ("seq_len", json!(1 << 20)),
        ("seq_len", json!(17)),
        ("hidden_size", json!(1u64 << 62)),
        ("hidden_size", json!(65536)),
        ("hidden_size", json!(-1)),
        ("num_layers", json!(1_000_000_000)),
        ("num_layers", json!(1024)),
        ("vocab_size", json!(65535)),
        ("vocab_size", json!(0)),
        ("num_heads", json!(0)),
        ("num_heads", json!(3)),
        ("expansion", json!(1e300)),
        ("expansion", json!("wide")),
        ("swiglu_multiple", json!(0)),
        ("swiglu_multiple", json!(24)),
        ("swiglu_multiple", json!(512)),
        ("swiglu_multiple", json!(1u64 << 40)),
        ("h_cycles", json!(u64::MAX)),
        ("halt_max_steps", json!(0)),
        ("rope_theta", json!(0.0)),
        ("mixer", json!("soup")),
        ("mixer", json!("conv")),
        ("positions", json!({"grid": {"cols": 0}})),
        ("positions", json!({"grid": {"cols": 1u64 << 40}})),
        ("positions", json!("learned")),
        ("puzzle_emb_len", json!(1 << 30)),
        ("unknown\u{1b}[2J\n", json!(1)),
    ] {
        let changed = with_config(&bytes, |config| {
            config["architecture"][field] = value.clone()
        });
        for out in try_all(dir.path(), &changed) {
            refused(&out, "hostile: ");
            assert!(!stderr(&out).contains('\x1b'), "{field}");
        }
    }
    for (field, value) in [
        ("version", json!(2)),
        ("task", json!({"name": "sudoku", "size": 9})),
        ("task", json!({"name": "sudoku", "size": 5})),
        ("task", json!({"name": "chess"})),
        ("architecture", json!(null)),
    ] {
        let changed = with_config(&bytes, |config| config[field] = value.clone());
        for out in try_all(dir.path(), &changed) {
            refused(&out, "hostile: ");
        }
    }
}

#[test]
fn info_says_what_is_in_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = with_config(&model_bytes(), |config| {
        config["provenance"] = json!({"data": "made \u{1b}[2J up", "seed": 7});
    });
    let model = dir.path().join("model.safetensors");
    std::fs::write(&model, &bytes).unwrap();
    let out = recurra("info {} --json", &[&model]);
    let info = &json(&out)[0];
    assert_eq!(info["bytes"], bytes.len());
    assert_eq!(info["task"], json!({"name": "sudoku", "size": 4}));
    assert_eq!(info["architecture"]["hidden_size"], 16);
    assert_eq!(info["provenance"]["seed"], 7);
    assert!(info["weights"].as_u64().unwrap() > 1000);
    assert!(info["flops_per_step"].as_u64().unwrap() > 1000);
    let table = stdout(&recurra("info {}", &[&model]));
    assert!(
        table.contains("sudoku 4x4") && table.contains("attention, 2 heads"),
        "{table}"
    );
    assert!(!table.contains('\x1b') && table.contains("made"), "{table}");
    let forced = program()
        .args(["info", "--json", model.to_str().unwrap()])
        .env("RECURRA_ISA", "scalar")
        .output()
        .unwrap();
    assert_eq!(crate::common::json(&forced)[0]["instruction_set"], "scalar");
}
