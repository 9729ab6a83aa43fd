//! Import of the reference implementation's checkpoints and configurations.
//!
//! A checkpoint is a `torch.save` archive (or the same tensors as safetensors), with `all_config.yaml` beside it.
//! Both come from strangers: nothing in them is executed, and no memory is taken that their size does not justify.

mod archive;
mod opcodes;
mod pickle;
mod rebuild;
pub(super) mod rows;
mod torch;
mod yaml;

#[cfg(test)]
mod tests;

pub use rows::TableRows;
pub use yaml::config_from_yaml;

use super::tensors::finite_matrix;
use super::weights::check_shape;
use super::{TrmConfig, TrmWeights};
use crate::error::{Error, Result};
use half::{bf16, f16};
use std::collections::BTreeMap;

/// A tensor of a checkpoint, row-major, whatever its layout and float type in the file.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportedTensor {
    /// Length of every dimension; empty for a single number.
    pub shape: Vec<usize>,
    /// The numbers; as many as the product of `shape`.
    pub data: Vec<f32>,
}

/// Reads the tensors of a checkpoint: a `torch.save` archive or a safetensors file, told apart by their first bytes.
///
/// The prefixes that `torch.compile` and the training wrappers put before a name are removed. Tensors in half
/// precision or bfloat16 are widened to f32.
///
/// # Errors
/// [`Error::Format`] if the file is neither of the two, is damaged, or holds what a state dictionary does not need;
/// [`Error::Tensor`] names a tensor that cannot be taken over.
pub fn read_checkpoint(bytes: &[u8]) -> Result<BTreeMap<String, ImportedTensor>> {
    if bytes.starts_with(b"PK") {
        torch::read(bytes)
    } else if bytes.get(8) == Some(&b'{') {
        read_safetensors(bytes)
    } else if bytes.first() == Some(&0x80) {
        Err(Error::Format(
            "this looks like a bare pickle, as torch.save wrote it before version 1.6: \
             load it with PyTorch and save it again"
                .into(),
        ))
    } else {
        Err(Error::Format(
            "neither a torch.save archive nor a safetensors file".into(),
        ))
    }
}

/// Puts the tensors of a checkpoint together as the weights of `config`.
///
/// # Errors
/// [`Error::Tensor`] names the first tensor that is missing, too many, of another shape or not finite.
pub fn weights_from_tensors(
    config: &TrmConfig,
    tensors: &BTreeMap<String, ImportedTensor>,
) -> Result<TrmWeights> {
    let shapes = TrmWeights::shapes(config);
    if let Some(extra) = tensors
        .keys()
        .find(|found| !shapes.iter().any(|(n, _)| n == *found))
    {
        return Err(Error::Tensor {
            name: extra.clone(),
            expected: "no tensor of that name in this architecture".into(),
            found: "one".into(),
        });
    }
    TrmWeights::build(config, |name, shape| {
        let tensor = tensors.get(name).ok_or_else(|| Error::Tensor {
            name: name.into(),
            expected: format!("shape {shape:?}"),
            found: "none".into(),
        })?;
        check_shape(name, shape, &tensor.shape)?;
        finite_matrix(name, shape, &tensor.data)
    })
}

fn read_safetensors(bytes: &[u8]) -> Result<BTreeMap<String, ImportedTensor>> {
    // The header says where every tensor lies; the crate checks that they follow one another and fill the file.
    let file = safetensors::SafeTensors::deserialize(bytes)
        .map_err(|e| Error::Format(format!("safetensors: {}", printable(&e.to_string()))))?;
    let mut tensors = BTreeMap::new();
    for (name, view) in file.iter() {
        let float = Float::of(name, view.dtype())?;
        refuse_empty(name, view.shape())?;
        let tensor = ImportedTensor {
            shape: view.shape().to_vec(),
            data: float.widen(view.data()),
        };
        insert(&mut tensors, name, tensor)?;
    }
    Ok(tensors)
}

/// The float types that a weight may be stored in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Float {
    F32,
    F16,
    Bf16,
}

impl Float {
    /// The type of a tensor in a safetensors file.
    fn of(name: &str, dtype: safetensors::Dtype) -> Result<Self> {
        match dtype {
            safetensors::Dtype::F32 => Ok(Float::F32),
            safetensors::Dtype::F16 => Ok(Float::F16),
            safetensors::Dtype::BF16 => Ok(Float::Bf16),
            other => Err(not_a_float(name, &other.to_string())),
        }
    }

    /// Bytes of one number.
    fn size(self) -> usize {
        match self {
            Float::F32 => 4,
            Float::F16 | Float::Bf16 => 2,
        }
    }

    /// The numbers stored in `bytes`, little-endian.
    fn widen(self, bytes: &[u8]) -> Vec<f32> {
        bytes
            .chunks_exact(self.size())
            .map(|number| self.one(number))
            .collect()
    }

    /// The number stored in the first bytes of `bytes`, which must be enough.
    fn one(self, bytes: &[u8]) -> f32 {
        match self {
            Float::F32 => f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]),
            Float::F16 => f16::from_le_bytes([bytes[0], bytes[1]]).to_f32(),
            Float::Bf16 => bf16::from_le_bytes([bytes[0], bytes[1]]).to_f32(),
        }
    }
}

/// What `torch.compile` and the training wrappers put before a name.
const PREFIXES: [&str; 3] = ["_orig_mod.model.inner.", "model.inner.", "inner."];

/// Adds a tensor under its name without prefix.
fn insert(
    tensors: &mut BTreeMap<String, ImportedTensor>,
    name: &str,
    tensor: ImportedTensor,
) -> Result<()> {
    let short = short_name(name);
    if tensors.insert(short.to_owned(), tensor).is_some() {
        return Err(two_of_a_name(short));
    }
    Ok(())
}

/// A tensor's name without prefix.
fn short_name(name: &str) -> &str {
    let mut short = PREFIXES
        .iter()
        .filter_map(|prefix| name.strip_prefix(prefix));
    short.next().unwrap_or(name)
}

fn two_of_a_name(short: &str) -> Error {
    Error::Tensor {
        name: printable(short),
        expected: "one tensor of this name once prefixes are removed".into(),
        found: "two".into(),
    }
}

/// A length of 0 would hide the others from every check of the product.
fn refuse_empty(name: &str, shape: &[usize]) -> Result<()> {
    if shape.contains(&0) {
        return Err(Error::Tensor {
            name: printable(name),
            expected: "at least one number".into(),
            found: format!("shape {shape:?}"),
        });
    }
    Ok(())
}

fn not_a_float(name: &str, found: &str) -> Error {
    Error::Tensor {
        name: printable(name),
        expected: "float32, float16 or bfloat16".into(),
        found: found.into(),
    }
}

/// Text of a foreign file, fit for a message: no control characters, not endless.
fn printable(text: &str) -> String {
    const MOST: usize = 120;
    let mut out: String = text
        .chars()
        .take(MOST)
        .flat_map(char::escape_debug)
        .collect();
    if text.chars().nth(MOST).is_some() {
        out.push('…');
    }
    out
}
