//! The one-file format: safetensors with the configuration as JSON in its metadata.
//!
//! Tensors have the reference implementation's names without its prefix, in f32. The metadata entry
//! `recurra.config` holds a [`Header`].

use super::config::TrmConfig;
use super::weights::{TrmWeights, check_shape};
use crate::error::{Error, Result};
use crate::kernels::AlignedMatrix;
use crate::tasks::TaskSpec;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Name of the metadata entry.
pub const CONFIG_KEY: &str = "recurra.config";
/// Version of the header that this library writes.
pub const VERSION: u32 = 1;

/// What a model file says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Version of this header.
    pub version: u32,
    /// The architecture.
    pub architecture: TrmConfig,
    /// The task whose questions the tokens stand for, if it is one that this library knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskSpec>,
    /// How the model was made: free entries, for people.
    #[serde(default)]
    pub provenance: serde_json::Map<String, serde_json::Value>,
}

/// A model in memory: what its file holds.
#[derive(Debug, Clone)]
pub struct TrmModel {
    /// What the file says of itself.
    pub header: Header,
    /// The weights.
    pub weights: TrmWeights,
}

impl TrmModel {
    /// A model of these weights.
    pub fn new(architecture: TrmConfig, task: Option<TaskSpec>, weights: TrmWeights) -> Self {
        TrmModel {
            header: Header {
                version: VERSION,
                architecture,
                task,
                provenance: serde_json::Map::new(),
            },
            weights,
        }
    }

    /// The architecture.
    pub fn config(&self) -> &TrmConfig {
        &self.header.architecture
    }

    /// Reads a model from the bytes of its file. Allocates no more than those bytes justify.
    ///
    /// # Errors
    /// [`Error::Format`], [`Error::Config`] or [`Error::Tensor`], each naming what was expected and found.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let format = |e: &dyn std::fmt::Display| Error::Format(format!("not a model file: {e}"));
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|e| format(&e))?;
        let header = metadata
            .metadata()
            .as_ref()
            .and_then(|m| m.get(CONFIG_KEY))
            .ok_or_else(|| {
                Error::Format(format!(
                    "metadata: expected an entry `{CONFIG_KEY}`, found none; \
                     `recurra import` turns a checkpoint of the reference implementation into a model"
                ))
            })?;
        let header: Header = serde_json::from_str(header)
            .map_err(|e| Error::Format(format!("metadata `{CONFIG_KEY}`: {e}")))?;
        if header.version != VERSION {
            return Err(Error::Format(format!(
                "metadata `{CONFIG_KEY}`: expected version {VERSION}, found {}",
                header.version
            )));
        }
        header.architecture.validate()?;
        if let Some(task) = &header.task {
            check_task(task, &header.architecture)?;
        }
        let tensors = SafeTensors::deserialize(bytes).map_err(|e| format(&e))?;
        let expected = TrmWeights::shapes(&header.architecture);
        if let Some(extra) = tensors
            .names()
            .into_iter()
            .find(|found| !expected.iter().any(|(name, _)| name == found))
        {
            return Err(Error::Tensor {
                name: extra.to_owned(),
                expected: "no tensor of that name in this architecture".into(),
                found: "one".into(),
            });
        }
        let find = |name: &str, shape: &[usize]| -> Result<TensorView<'_>> {
            let view = tensors.tensor(name).map_err(|_| Error::Tensor {
                name: name.into(),
                expected: format!("shape {shape:?}"),
                found: "none".into(),
            })?;
            check_shape(name, shape, view.shape())?;
            if view.dtype() != Dtype::F32 {
                return Err(Error::Tensor {
                    name: name.into(),
                    expected: "F32".into(),
                    found: format!("{:?}", view.dtype()),
                });
            }
            Ok(view)
        };
        // All shapes are checked before anything is allocated.
        for (name, shape) in &expected {
            find(name, shape)?;
        }
        let weights = TrmWeights::build(&header.architecture, |name, shape| {
            tensor_matrix(name, shape, find(name, shape)?.data())
        })?;
        Ok(TrmModel { header, weights })
    }

    /// The bytes of the model's file. The same model gives the same bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let header = serde_json::to_string(&self.header).expect("a header is JSON");
        let names = TrmWeights::shapes(self.config());
        let named = names.iter().zip(self.weights.tensors());
        let named: Vec<_> = named
            .map(|((n, s), m)| (n.as_str(), s.as_slice(), m))
            .collect();
        serialize(&named, HashMap::from([(CONFIG_KEY.to_owned(), header)]))
    }

    /// Opens a model file.
    ///
    /// # Errors
    /// As [`TrmModel::from_bytes`], with the file's name.
    #[cfg(feature = "files")]
    pub fn open(path: impl AsRef<std::path::Path>) -> Result<Self> {
        let path = path.as_ref();
        Self::from_bytes(&super::disk::read(path)?).map_err(|e| e.in_file(path))
    }

    /// Saves the model; the file appears whole or not at all.
    ///
    /// # Errors
    /// [`Error::Io`].
    #[cfg(feature = "files")]
    pub fn save(&self, path: impl AsRef<std::path::Path>) -> Result<()> {
        super::disk::write(path.as_ref(), &self.to_bytes())
    }
}

/// Refuses a task whose questions the architecture cannot take.
fn check_task(task: &TaskSpec, config: &TrmConfig) -> Result<()> {
    let (seq_len, vocab_size) = task.seq_len_and_vocab()?;
    for (field, expected, found) in [
        ("seq_len", seq_len, config.seq_len),
        ("vocab_size", vocab_size, config.vocab_size),
    ] {
        if expected != found {
            return Err(Error::Config {
                field,
                expected: format!("{expected} for {task}"),
                found: found.to_string(),
            });
        }
    }
    Ok(())
}

/// A matrix from little-endian f32 bytes.
///
/// # Errors
/// [`Error::Tensor`] for a number that is not finite: nothing good can come of it.
pub(crate) fn tensor_matrix(name: &str, shape: &[usize], bytes: &[u8]) -> Result<AlignedMatrix> {
    let values: Vec<f32> = bytes
        .as_chunks::<4>()
        .0
        .iter()
        .map(|&b| f32::from_le_bytes(b))
        .collect();
    finite_matrix(name, shape, &values)
}

/// A matrix from numbers, all of which must be finite.
pub(crate) fn finite_matrix(name: &str, shape: &[usize], values: &[f32]) -> Result<AlignedMatrix> {
    if let Some(at) = values.iter().position(|v| !v.is_finite()) {
        return Err(Error::Tensor {
            name: name.into(),
            expected: "finite numbers".into(),
            found: format!("{} at index {at}", values[at]),
        });
    }
    let cols = *shape.last().expect("a tensor has a dimension");
    let rows = shape
        .iter()
        .product::<usize>()
        .checked_div(cols)
        .unwrap_or(0);
    Ok(AlignedMatrix::from_slice(rows, cols, values))
}

/// A safetensors file of f32 matrices, tensors in the order given.
pub(crate) fn serialize(
    tensors: &[(&str, &[usize], &AlignedMatrix)],
    metadata: HashMap<String, String>,
) -> Vec<u8> {
    let bytes: Vec<Vec<u8>> = tensors
        .iter()
        .map(|(_, _, m)| m.to_vec().iter().flat_map(|v| v.to_le_bytes()).collect())
        .collect();
    let views = tensors.iter().zip(&bytes).map(|((name, shape, _), data)| {
        let view = TensorView::new(Dtype::F32, shape.to_vec(), data);
        (*name, view.expect("the bytes of a matrix fill its shape"))
    });
    safetensors::serialize(views, Some(metadata)).expect("a model is a safetensors file")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::config::tests::small;
    use proptest::prelude::*;

    fn model() -> TrmModel {
        let mut model = TrmModel::new(small(), None, TrmWeights::random(&small(), 1));
        model.header.provenance.insert("data".into(), "none".into());
        model
    }

    /// The file with another header.
    fn with_header(change: impl Fn(&mut serde_json::Value)) -> Vec<u8> {
        let model = model();
        let mut header = serde_json::to_value(&model.header).unwrap();
        change(&mut header);
        let names = TrmWeights::shapes(model.config());
        let tensors: Vec<_> = names
            .iter()
            .zip(model.weights.tensors())
            .map(|((n, s), m)| (n.as_str(), s.as_slice(), m))
            .collect();
        serialize(
            &tensors,
            HashMap::from([(CONFIG_KEY.to_owned(), header.to_string())]),
        )
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
        let bytes = model().to_bytes();
        for length in (0..bytes.len()).step_by(211).chain(0..300) {
            assert!(
                TrmModel::from_bytes(&bytes[..length]).is_err(),
                "{length} bytes"
            );
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
        assert!(error.contains("expected F32, found I32"), "{error}");
    }

    proptest! {
        #![proptest_config(crate::testing::cases(64))]

        #[test]
        fn no_change_of_bytes_panics(at in 0usize..4000, byte: u8) {
            let mut bytes = model().to_bytes();
            bytes[at] = byte;
            TrmModel::from_bytes(&bytes).ok();
        }
    }
}
