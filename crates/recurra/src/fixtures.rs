//! Golden outputs of the reference implementation, for tests.

use crate::model::import::{config_from_yaml, read_checkpoint, weights_from_tensors};
use crate::model::{TrmConfig, TrmWeights};
use safetensors::SafeTensors;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Names of the reference models; the first three have training fixtures too.
pub(crate) const MODELS: [&str; 4] = ["mlp_no_puzzle", "att_learned", "att_rope", "mlp_sudoku9"];

pub(crate) fn path(model: &str, file: &str) -> PathBuf {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/reference");
    PathBuf::from(root).join(model).join(file)
}

pub(crate) fn model(name: &str) -> (TrmConfig, TrmWeights) {
    let tensors =
        read_checkpoint(&std::fs::read(path(name, "model.safetensors")).unwrap()).unwrap();
    let yaml = std::fs::read_to_string(path(name, "config.yaml")).unwrap();
    let config = config_from_yaml(&yaml, &tensors, None).unwrap();
    let weights = weights_from_tensors(&config, &tensors).unwrap();
    (config, weights)
}

/// All tensors of a fixture file, as f64.
pub(crate) fn tensors(model: &str, file: &str) -> BTreeMap<String, Vec<f64>> {
    let bytes = std::fs::read(path(model, file)).unwrap();
    let read = |view: safetensors::tensor::TensorView<'_>| -> Vec<f64> {
        let words = view.data().as_chunks::<4>().0.iter();
        match view.dtype() {
            safetensors::Dtype::F32 => words.map(|&w| f32::from_le_bytes(w).into()).collect(),
            safetensors::Dtype::I32 => words.map(|&w| i32::from_le_bytes(w).into()).collect(),
            other => panic!("{other:?}"),
        }
    };
    SafeTensors::deserialize(&bytes)
        .unwrap()
        .tensors()
        .into_iter()
        .map(|(name, view)| (name.replace("_orig_mod.model.inner.", ""), read(view)))
        .collect()
}

/// The largest difference between two lists of numbers.
pub(crate) fn largest_difference(found: &[f32], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    found
        .iter()
        .zip(expected)
        .map(|(&f, e)| (f64::from(f) - e).abs())
        .fold(0.0, f64::max)
}
