//! Files made by PyTorch, files put together by hand, and files that nobody should trust.

mod archives;
mod pickles;
mod rows;
mod support;
mod yamls;

use super::{ImportedTensor, read_checkpoint};
use half::{bf16, f16};
use safetensors::{Dtype, tensor::TensorView};
use support::{fixture, safetensors_file};

#[test]
fn checkpoints_hold_what_the_safetensors_hold() {
    for (model, tensors) in [("att_rope", 15), ("mlp_no_puzzle", 10)] {
        let torch = read_checkpoint(&fixture(model, "checkpoint.pt")).unwrap();
        let safe = read_checkpoint(&fixture(model, "model.safetensors")).unwrap();
        assert_eq!(torch.len(), tensors, "{model}");
        assert_eq!(torch, safe, "{model}");
        assert_eq!(
            torch["lm_head.weight"].shape,
            torch["embed_tokens.embedding_weight"].shape
        );
        assert!(torch["H_init"].data.iter().any(|&x| x != 0.0));
    }
}

#[test]
fn prefixes_are_removed() {
    for prefix in ["_orig_mod.model.inner.", "model.inner.", "inner.", ""] {
        let name = format!("{prefix}L_level.layers.0.mlp.inner.weight");
        let file = safetensors_file(&[(&name, Dtype::F32, &[1], &1f32.to_le_bytes())]);
        let tensors = read_checkpoint(&file).unwrap();
        assert!(tensors.contains_key("L_level.layers.0.mlp.inner.weight"));
    }
}

#[test]
fn two_tensors_of_one_name_are_refused() {
    let one = 1f32.to_le_bytes();
    let file = safetensors_file(&[
        ("inner.H_init", Dtype::F32, &[1], &one),
        ("model.inner.H_init", Dtype::F32, &[1], &one),
    ]);
    let message = read_checkpoint(&file).unwrap_err().to_string();
    assert_eq!(
        message,
        "tensor `H_init`: expected one tensor of this name once prefixes are removed, found two (weights and their moving average? save the one to use alone)"
    );
}

#[test]
fn half_precision_is_widened() {
    let values = [1.5f32, -0.25, 65504.0];
    let half: Vec<u8> = values
        .iter()
        .flat_map(|&x| f16::from_f32(x).to_le_bytes())
        .collect();
    let brain: Vec<u8> = values
        .iter()
        .flat_map(|&x| bf16::from_f32(x).to_le_bytes())
        .collect();
    let file = safetensors_file(&[
        ("half", Dtype::F16, &[3, 1], &half),
        ("brain", Dtype::BF16, &[1, 3], &brain),
    ]);
    let tensors = read_checkpoint(&file).unwrap();
    let tensor = |shape: &[usize], data: &[f32]| ImportedTensor {
        shape: shape.to_vec(),
        data: data.to_vec(),
    };
    assert_eq!(tensors["half"], tensor(&[3, 1], &values));
    assert_eq!(tensors["brain"], tensor(&[1, 3], &[1.5, -0.25, 65536.0]));
}

#[test]
fn other_types_and_empty_tensors_are_refused() {
    let file = safetensors_file(&[("steps", Dtype::I64, &[1], &[0; 8])]);
    let message = read_checkpoint(&file).unwrap_err().to_string();
    assert_eq!(
        message,
        "tensor `steps`: expected float32, float16 or bfloat16, found I64"
    );
    let file = safetensors_file(&[("nothing", Dtype::F32, &[2, 0], &[])]);
    let message = read_checkpoint(&file).unwrap_err().to_string();
    assert!(message.contains("at least one number"), "{message}");
}

#[test]
fn other_files_are_refused() {
    for (bytes, expected) in [
        (
            &b""[..],
            "neither a torch.save archive nor a safetensors file",
        ),
        (
            b"hello, world",
            "expected a torch.save archive or a safetensors file, found text",
        ),
        (b"<!doctype html><p>", "found a web page (HTML)"),
        (
            b"{\"weight_map\": {}}",
            "the index of a checkpoint in several files",
        ),
        (b"\0\xff\0\xff", "neither"),
        (b"\x80\x02\x8a\x0al\xfc\x9cF", "before version 1.6"),
        (b"PK", "zip: "),
        (b"\xff\xff\xff\xff\xff\xff\xff\xff{}", "safetensors: "),
        (b"\x02\0\0\0\0\0\0\0{", "safetensors: "),
    ] {
        let message = read_checkpoint(bytes).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn names_from_a_file_are_printed_safely() {
    let name = format!("\x1b[2J{}", "x".repeat(1000));
    let view = TensorView::new(Dtype::U8, vec![1], &[0]).unwrap();
    let file = safetensors::serialize([(name, view)], None).unwrap();
    let message = read_checkpoint(&file).unwrap_err().to_string();
    assert!(
        message.len() < 300 && !message.contains('\x1b'),
        "{message}"
    );
}
