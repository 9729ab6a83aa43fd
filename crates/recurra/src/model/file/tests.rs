//! Model files: round trips, and files that are damaged or made to do harm.

use super::*;
use crate::model::stopping::tests::calibration;
use crate::model::tensors::to_bf16;
use crate::network::limits::tests::small;
use proptest::prelude::*;
use recurra_kernels::{Bf16Weights, Q4Weights, Q8Weights};

fn model() -> TrmModel {
    let mut model = TrmModel::new(small(), None, TrmWeights::random(&small(), 1));
    model.header.provenance.insert("data".into(), "none".into());
    model
}

/// A model whose four products of each layer are held in the four precisions.
fn mixed() -> TrmModel {
    let mut model = model();
    let (mut layer, precisions) = (0, Precision::ALL);
    model.weights = TrmWeights::random(&small(), 1).map(|w| {
        let (rows, cols) = (w.rows(), w.cols());
        layer += 1;
        let bytes = |n: usize| (0..n).map(|i| (i * 37 + 1) as u8);
        let scales: Vec<f32> = (0..rows).map(|r| r as f32 / 512.0).collect();
        match precisions[layer % 4] {
            Precision::F32 => Linear::F32(w),
            Precision::Bf16 => Linear::Bf16(Bf16Weights {
                rows,
                cols,
                values: w.to_vec().into_iter().map(to_bf16).collect(),
            }),
            Precision::Q8 => Linear::Q8(Q8Weights {
                rows,
                cols,
                values: bytes(rows * cols).map(|b| (b as i8).max(-127)).collect(),
                scales,
            }),
            Precision::Q4 => Linear::Q4(Q4Weights {
                rows,
                cols,
                nibbles: bytes(rows * Q4Weights::row_bytes(cols)).collect(),
                multipliers: bytes(rows * Q4Weights::groups(cols))
                    .map(|b| b % 15 + 1)
                    .collect(),
                scales,
            }),
        }
    });
    model
}

/// The file of a mixed model with its first tensor of this ending changed.
fn changed(ending: &str, change: impl Fn(&mut Tensor)) -> String {
    let model = mixed();
    let header = serde_json::to_string(&model.header).unwrap();
    let mut tensors = model.tensors();
    let found = tensors.iter_mut().find(|t| t.name().ends_with(ending));
    change(found.unwrap());
    let bytes = serialize(&tensors, HashMap::from([(CONFIG_KEY.to_owned(), header)]));
    TrmModel::from_bytes(&bytes).unwrap_err().to_string()
}

#[test]
fn mixed_precisions_go_round() {
    let model = mixed();
    let bytes = model.to_bytes();
    let read = TrmModel::from_bytes(&bytes).unwrap();
    assert!(read.to_bytes() == bytes);
    assert_eq!(read.precision(), Precision::Q4);
    let pairs = model
        .weights
        .linears()
        .into_iter()
        .zip(read.weights.linears());
    for (linear, read) in pairs {
        assert_eq!(linear.precision(), read.precision());
        assert_eq!(linear.to_f32().to_vec(), read.to_f32().to_vec());
    }
    let tables = read
        .weights
        .tables()
        .into_iter()
        .zip(model.weights.tables());
    for (read, table) in tables {
        for (read, exact) in read.to_vec().into_iter().zip(table.to_vec()) {
            assert!(read == exact || read == to_bf16(exact).to_f32());
        }
    }
    let sizes: usize = read.parts().iter().map(|part| part.bytes).sum();
    assert!(sizes < bytes.len() && bytes.len() < sizes + 8000);
    // The halting head and the initial states stay exact.
    assert_eq!(read.weights.q_bias.to_vec(), model.weights.q_bias.to_vec());
    assert_eq!(read.weights.h_init.to_vec(), model.weights.h_init.to_vec());
}

#[test]
fn wrong_integers_and_scales_are_refused_by_name_and_index() {
    let float = |value: f32| {
        move |t: &mut Tensor| t.bytes_mut()[8..12].copy_from_slice(&value.to_le_bytes())
    };
    for (ending, message) in [
        (changed(".scale", float(f32::NAN)), "NaN at index 2"),
        (changed(".scale", float(-1.0)), "-1 at index 2"),
        (changed(".scale", float(f32::INFINITY)), "inf at index 2"),
        (changed(".scale", float(f32::MAX)), "at index 2"),
        (
            changed(".multiplier", |t| t.bytes_mut()[5] = 0),
            "expected 1 to 15, found 0 at index 5",
        ),
        (
            changed(".multiplier", |t| t.bytes_mut()[5] = 16),
            "found 16 at index 5",
        ),
    ] {
        assert!(ending.contains(message), "{message}: {ending}");
        assert!(ending.contains(".weight."), "{ending}");
    }
    // The second product of the first layer has 8 bits.
    let error = changed("layers.0.mlp_t.down_proj.weight", |t| {
        t.bytes_mut()[9] = 0x80
    });
    assert!(
        error.contains("down_proj.weight`: expected -127 to 127, found -128 at index 9"),
        "{error}"
    );
}

#[test]
fn wrong_types_of_quantized_tensors_are_refused() {
    let bytes = mixed().to_bytes();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: serde_json::Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    let edited = |change: &dyn Fn(&mut serde_json::Map<String, serde_json::Value>)| {
        let mut header = header.clone();
        change(header.as_object_mut().unwrap());
        let header = header.to_string();
        let mut file = (header.len() as u64).to_le_bytes().to_vec();
        file.extend(header.as_bytes());
        file.extend(&bytes[8 + length..]);
        TrmModel::from_bytes(&file).unwrap_err().to_string()
    };
    let (q8, q4) = (
        "L_level.layers.0.mlp_t.down_proj.weight",
        "L_level.layers.0.mlp.gate_up_proj.weight",
    );
    let rename = |from: &str, to: &str| {
        edited(&|h| {
            let tensor = h.remove(from).unwrap();
            h.insert(to.into(), tensor);
        })
    };
    for (error, message) in [
        (
            rename(&format!("{q8}.scale"), "x"),
            "weight.scale`: expected shape",
        ),
        (
            rename(&format!("{q4}.multiplier"), "x"),
            "weight.multiplier`: expected shape",
        ),
        (
            rename(&format!("{q4}.multiplier"), &format!("{q8}.multiplier")),
            "weight.multiplier`",
        ),
        (edited(&|h| h[q8]["dtype"] = "U8".into()), "expected shape"),
        (edited(&|h| h[q4]["dtype"] = "I8".into()), "expected shape"),
        (
            edited(&|h| h[&format!("{q4}.multiplier")]["dtype"] = "I8".into()),
            "expected U8, found I8",
        ),
        (
            edited(&|h| h["embed_tokens.embedding_weight"]["dtype"] = "F16".into()),
            "expected F32 or BF16, found F16",
        ),
    ] {
        assert!(error.contains(message), "{message}: {error}");
    }
}

/// The file with another header.
fn with_header(change: impl Fn(&mut serde_json::Value)) -> Vec<u8> {
    let model = model();
    let mut header = serde_json::to_value(&model.header).unwrap();
    change(&mut header);
    let metadata = HashMap::from([(CONFIG_KEY.to_owned(), header.to_string())]);
    serialize(&model.tensors(), metadata)
}

#[test]
fn calibrated_stop_rules_go_round_and_may_be_missing() {
    let mut model = model();
    assert!(!String::from_utf8_lossy(&model.to_bytes()).contains("thinking"));
    model.header.thinking = Some(calibration());
    let read = TrmModel::from_bytes(&model.to_bytes()).unwrap();
    assert_eq!(read.header, model.header);
    // They belong to these weights.
    let small = crate::quantize::quantize(&model, Precision::Bf16, None).unwrap();
    assert_eq!(small.header.thinking, None);
}

#[test]
fn a_model_goes_round() {
    let bytes = model().to_bytes();
    let read = TrmModel::from_bytes(&bytes).unwrap();
    assert_eq!(read.header, model().header);
    assert!(read.to_bytes() == bytes);
    // Any safetensors library reads it.
    let file = SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(file.tensor("lm_head.weight").unwrap().shape(), [6, 24]);
}

#[test]
fn truncated_files_are_refused() {
    for bytes in [model().to_bytes(), mixed().to_bytes()] {
        for length in (0..bytes.len()).step_by(211).chain(0..300) {
            assert!(
                TrmModel::from_bytes(&bytes[..length]).is_err(),
                "{length} bytes"
            );
        }
    }
}

#[test]
#[cfg_attr(
    target_pointer_width = "32",
    ignore = "a number beyond 32 bits is refused without its field's name"
)]
fn hostile_headers_are_refused_by_name() {
    type Change = fn(&mut serde_json::Value);
    let cases: [(&str, Change); 9] = [
        ("version", |h| h["version"] = 2.into()),
        ("seq_len", |h| {
            h["architecture"]["seq_len"] = (1u64 << 60).into()
        }),
        ("`hidden_size`", |h| {
            h["architecture"]["hidden_size"] = (1u64 << 40).into()
        }),
        ("num_layers", |h| h["architecture"]["num_layers"] = 0.into()),
        ("layers.2", |h| h["architecture"]["num_layers"] = 900.into()),
        ("layers.1", |h| h["architecture"]["num_layers"] = 1.into()),
        ("embed_tokens", |h| {
            h["architecture"]["vocab_size"] = 60_000.into()
        }),
        ("seq_len", |h| {
            h["task"] = serde_json::json!({"name": "sudoku", "size": 9})
        }),
        ("task.size", |h| {
            h["task"] = serde_json::json!({"name": "sudoku", "size": 5})
        }),
    ];
    for (expected, change) in cases {
        let error = TrmModel::from_bytes(&with_header(change))
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{expected}: {error}");
    }
    let calibrated = |change: &dyn Fn(&mut serde_json::Value)| {
        let bytes = with_header(|h| {
            h["thinking"] = serde_json::to_value(calibration()).unwrap();
            change(&mut h["thinking"]);
        });
        TrmModel::from_bytes(&bytes)
    };
    assert_eq!(
        calibrated(&|_| {}).unwrap().header.thinking,
        Some(calibration())
    );
    type ChangeRule = fn(&mut serde_json::Value);
    let cases: [(&str, ChangeRule); 16] = [
        ("thinking.count", |t| t["count"] = 0.into()),
        ("thinking.max_steps", |t| t["max_steps"] = 0.into()),
        ("thinking.exact", |t| t["exact"] = 1.5.into()),
        ("thinking.loss", |t| t["loss"] = (-1).into()),
        ("thinking.rules.exact", |t| {
            t["rules"][1]["exact"] = (-0.5).into()
        }),
        ("thinking.rules.lost", |t| t["rules"][0]["lost"] = 5.into()),
        ("thinking.rules.won", |t| t["rules"][0]["won"] = 5.into()),
        ("thinking.rules.most_steps", |t| {
            t["rules"][0]["most_steps"] = 17.into()
        }),
        ("thinking.rules.fewest_steps", |t| {
            t["rules"][0]["fewest_steps"] = 3.into()
        }),
        ("thinking.rules.mean_steps", |t| {
            t["rules"][0]["mean_steps"] = 2.5.into()
        }),
        ("`halt` once", |t| t["rules"][1]["rule"] = "halt=3".into()),
        ("found `NaN`", |t| t["rules"][0]["rule"] = "halt=NaN".into()),
        ("found `1e9`", |t| {
            t["rules"][1]["rule"] = "plateau=0.1/1e9".into()
        }),
        ("found `sometimes`", |t| {
            t["rules"][1]["rule"] = "sometimes".into()
        }),
        ("unknown field `more`", |t| t["more"] = 1.into()),
        ("unknown field `more`", |t| t["rules"][0]["more"] = 1.into()),
    ];
    for (expected, change) in cases {
        let error = calibrated(&change).unwrap_err().to_string();
        assert!(error.contains(expected), "{expected}: {error}");
    }
    let error = TrmModel::from_bytes(&with_header(|h| h["task"] = "chess".into())).unwrap_err();
    assert!(error.to_string().contains(CONFIG_KEY), "{error}");
}

#[test]
fn other_types_and_numbers_are_refused() {
    let mut weights = TrmWeights::random(&small(), 1);
    weights.layers[1].mlp.down.row_mut(3)[5] = f32::NAN;
    let bytes = TrmModel::new(small(), None, weights).to_bytes();
    let error = TrmModel::from_bytes(&bytes).unwrap_err().to_string();
    assert!(
        error.contains("layers.1.mlp.down_proj.weight") && error.contains("NaN"),
        "{error}"
    );
    let bytes = model().to_bytes();
    let text =
        String::from_utf8_lossy(&bytes).replacen("\"dtype\":\"F32\"", "\"dtype\":\"I32\"", 1);
    let start = text.find('{').unwrap();
    let header_end = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let mut changed = bytes[..8].to_vec();
    changed.extend(&text.as_bytes()[start..start + header_end - 8]);
    changed.extend(&bytes[header_end..]);
    let error = TrmModel::from_bytes(&changed).unwrap_err().to_string();
    assert!(
        error.contains("expected F32, BF16, I8 or U8, found I32") || error.contains("found I32"),
        "{error}"
    );
}

proptest! {
    #![proptest_config(crate::testing::cases(64))]

    #[test]
    fn no_change_of_bytes_panics(at in 0usize..4000, byte: u8) {
        for mut bytes in [model().to_bytes(), mixed().to_bytes()] {
            bytes[at] = byte;
            TrmModel::from_bytes(&bytes).ok();
        }
    }
}
