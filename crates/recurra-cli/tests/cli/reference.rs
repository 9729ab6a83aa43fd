//! `recurra import` and `recurra trace` against the reference implementation's own numbers.

use crate::common::*;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors, serialize};
use std::path::Path;

const MODELS: [&str; 4] = ["mlp_sudoku9", "att_rope", "att_learned", "mlp_no_puzzle"];

fn import(dir: &Path, model: &str, file: &str) -> std::path::PathBuf {
    let out_file = dir.join(format!("{model}.{file}"));
    let out = recurra(
        "import {} --config {} -o {}",
        &[
            &reference(model, file),
            &reference(model, "config.yaml"),
            &out_file,
        ],
    );
    assert_eq!((status(&out), stderr(&out)), (Some(0), String::new()));
    assert_eq!(stdout(&out), "");
    out_file
}

fn floats(view: &TensorView<'_>) -> Vec<f32> {
    assert_eq!(view.dtype(), Dtype::F32);
    let words = view.data().as_chunks::<4>().0.iter();
    words.map(|&w| f32::from_le_bytes(w)).collect()
}

fn compare(model: &str, found: &[u8], expected: &[u8], least: usize) {
    let found = SafeTensors::deserialize(found).unwrap();
    let expected = SafeTensors::deserialize(expected).unwrap();
    assert_eq!(found.len(), least);
    for (name, view) in found.iter() {
        let other = expected.tensor(name).unwrap();
        assert_eq!(view.shape(), other.shape(), "{model} {name}");
        let pairs = floats(&view).into_iter().zip(floats(&other));
        let worst = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst <= 5e-5, "{model} {name}: {worst}");
    }
}

#[test]
fn traces_agree_with_the_reference_implementation() {
    let dir = tempfile::tempdir().unwrap();
    for model in MODELS {
        let inputs = reference(model, "forward.safetensors");
        let expected = std::fs::read(&inputs).unwrap();
        let imported = import(dir.path(), model, "model.safetensors");
        let traced = dir.path().join("traced");
        let out = recurra(
            "trace {} --tensors {} --steps 4 -o {}",
            &[&imported, &inputs, &traced],
        );
        assert_eq!((status(&out), stderr(&out)), (Some(0), String::new()));
        compare(model, &std::fs::read(&traced).unwrap(), &expected, 10);
        if reference(model, "checkpoint.pt").exists() {
            let torch = import(dir.path(), model, "checkpoint.pt");
            let again = dir.path().join("again");
            let arguments = "trace {} --tensors {} --steps 4 --threads 1 -o {}";
            let out = recurra(arguments, &[&torch, &inputs, &again]);
            assert_eq!(status(&out), Some(0), "{}", stderr(&out));
            assert!(std::fs::read(&traced).unwrap() == std::fs::read(&again).unwrap());
        }
    }
}

#[test]
fn all_integer_types_give_the_same_trace() {
    let dir = tempfile::tempdir().unwrap();
    let model = import(dir.path(), "att_rope", "model.safetensors");
    let original = std::fs::read(reference("att_rope", "forward.safetensors")).unwrap();
    let original = SafeTensors::deserialize(&original).unwrap();
    let numbers = |name: &str| -> Vec<i32> {
        let view = original.tensor(name).unwrap();
        let words = view.data().as_chunks::<4>().0.iter();
        words.map(|&w| i32::from_le_bytes(w)).collect()
    };
    let trace = |dtype: Dtype| {
        let bytes = |name: &str| -> Vec<u8> {
            let numbers = numbers(name).into_iter();
            match dtype {
                Dtype::U8 => numbers.map(|n| n as u8).collect(),
                Dtype::I64 => numbers.flat_map(|n| i64::from(n).to_le_bytes()).collect(),
                _ => numbers.flat_map(i32::to_le_bytes).collect(),
            }
        };
        let (inputs, puzzles) = (bytes("inputs"), bytes("puzzle_identifiers"));
        let file = dir.path().join("in");
        let tensors = [
            (
                "inputs",
                TensorView::new(dtype, vec![3, 36], &inputs).unwrap(),
            ),
            (
                "puzzle_identifiers",
                TensorView::new(dtype, vec![3], &puzzles).unwrap(),
            ),
        ];
        std::fs::write(&file, serialize(tensors, None).unwrap()).unwrap();
        let traced = dir.path().join("out");
        let out = recurra(
            "trace {} --tensors {} --steps 1 -o {}",
            &[&model, &file, &traced],
        );
        assert_eq!(status(&out), Some(0), "{}", stderr(&out));
        std::fs::read(traced).unwrap()
    };
    let expected = trace(Dtype::I32);
    assert!(trace(Dtype::U8) == expected && trace(Dtype::I64) == expected);
}

#[test]
fn bad_tensors_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let model = import(dir.path(), "att_rope", "model.safetensors");
    let output = dir.path().join("out");
    let i32s = |n: usize, value: i32| value.to_le_bytes().repeat(n);
    type Tensor<'a> = (&'a str, Dtype, Vec<usize>, Vec<u8>);
    let good = || ("inputs", Dtype::I32, vec![2, 36], i32s(72, 1));
    let cases: Vec<(Vec<Tensor<'_>>, &str)> = vec![
        (
            vec![("input", Dtype::I32, vec![2, 36], i32s(72, 1))],
            "expected a tensor `inputs`",
        ),
        (
            vec![("inputs", Dtype::I32, vec![2, 35], i32s(70, 1))],
            "expected shape [batch, 36], found [2, 35]",
        ),
        (
            vec![("inputs", Dtype::I32, vec![72], i32s(72, 1))],
            "expected shape [batch, 36], found [72]",
        ),
        (
            vec![("inputs", Dtype::I32, vec![0, 36], vec![])],
            "expected shape",
        ),
        (
            vec![("inputs", Dtype::F32, vec![2, 36], i32s(72, 1))],
            "expected I32, I64 or U8, found F32",
        ),
        (
            vec![("inputs", Dtype::I32, vec![2, 36], i32s(72, 8))],
            "tokens from 0 to 7, found 8 in row 0, place 0",
        ),
        (
            vec![("inputs", Dtype::I32, vec![2, 36], i32s(72, -1))],
            "found -1",
        ),
        (
            vec![
                good(),
                ("puzzle_identifiers", Dtype::I32, vec![1], i32s(1, 0)),
            ],
            "expected shape [2], found [1]",
        ),
        (
            vec![
                good(),
                ("puzzle_identifiers", Dtype::I32, vec![2], i32s(2, 5)),
            ],
            "expected below 5, found 5",
        ),
        (
            vec![
                good(),
                ("puzzle_identifiers", Dtype::I32, vec![2], i32s(2, -5)),
            ],
            "found -5",
        ),
    ];
    for (tensors, part) in cases {
        let views = tensors.iter().map(|(name, dtype, shape, data)| {
            (*name, TensorView::new(*dtype, shape.clone(), data).unwrap())
        });
        let file = dir.path().join("in");
        std::fs::write(&file, serialize(views, None).unwrap()).unwrap();
        let out = recurra(
            "trace {} --tensors {} --steps 2 -o {}",
            &[&model, &file, &output],
        );
        refused(&out, part);
    }
    let file = reference("att_rope", "forward.safetensors");
    let many = "trace {} --tensors {} --steps 100000000 -o {}";
    refused(
        &recurra(many, &[&model, &file, &output]),
        "more than one safetensors file",
    );
    refused(
        &recurra(
            "trace {} --tensors {} --steps 2 -o {}",
            &[&model, &model, &output],
        ),
        "inputs",
    );
    let out = recurra(
        "trace {} --tensors {} --steps 0 -o {}",
        &[&model, &file, &output],
    );
    assert_eq!(status(&out), Some(2));
    // Nothing is left of what failed.
    assert!(!output.exists());
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
}

#[test]
fn only_the_flag_sets_the_task() {
    let dir = tempfile::tempdir().unwrap();
    let (checkpoint, yaml) = (
        reference("mlp_sudoku9", "model.safetensors"),
        reference("mlp_sudoku9", "config.yaml"),
    );
    let model = import(dir.path(), "mlp_sudoku9", "model.safetensors");
    let info = &json(&recurra("info {} --json", &[&model]))[0];
    assert!(info["task"].is_null());
    assert_eq!(info["provenance"]["imported_from"], "model.safetensors");
    assert_eq!(info["provenance"]["imported_format"], "safetensors");
    refused(&recurra("solve {}", &[&model]), "task");
    let output = dir.path().join("sudoku");
    let with = |flags: &str| {
        let arguments = format!("import {{}} --config {{}} {flags} -o {{}}");
        recurra(&arguments, &[&checkpoint, &yaml, &output])
    };
    refused(
        &with("--task sudoku --size 4"),
        "sudoku 4x4 needs 16 places",
    );
    refused(&with("--task sudoku --size 5"), "4, 6, 9 or 16");
    refused(&with("--seq-len 80"), "seq_len");
    assert_eq!(status(&with("--task sudoku")), Some(2));
    assert_eq!(status(&with("--size 9")), Some(2));
    refused(&with("--task arc"), "ARC-AGI needs 900 places");
    assert!(!output.exists());
    assert_eq!(
        status(&with("--task sudoku --size 9 --seq-len 81")),
        Some(0)
    );
    let puzzle =
        "14.....7............5.2.3...9.5......5.6.21.3.....176...894......2.5..3.......8..";
    let out = run("solve {} --max-steps 2", &[&output], puzzle.as_bytes());
    assert_eq!(status(&out), Some(0), "{}", stderr(&out));
}

#[test]
fn damaged_checkpoints_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let yaml = reference("att_rope", "config.yaml");
    let output = dir.path().join("out");
    let try_import = |checkpoint: &Path, yaml: &Path| {
        recurra("import {} --config {} -o {}", &[checkpoint, yaml, &output])
    };
    let good = reference("att_rope", "checkpoint.pt");
    let bytes = std::fs::read(&good).unwrap();
    let bad = dir.path().join("bad.pt");
    for i in 0..12 {
        std::fs::write(&bad, &bytes[..i * (bytes.len() - 1) / 11]).unwrap();
        refused(&try_import(&bad, &yaml), "bad.pt: ");
    }
    refused(&try_import(&good, &good), "UTF-8");
    refused(
        &try_import(&good, &dir.path().join("none.yaml")),
        "none.yaml",
    );
    refused(
        &try_import(&good, &reference("att_learned", "config.yaml")),
        "expected",
    );
    std::fs::write(&bad, "arch: [").unwrap();
    refused(&try_import(&good, &bad), "bad.pt: ");
    assert!(!output.exists());
}
