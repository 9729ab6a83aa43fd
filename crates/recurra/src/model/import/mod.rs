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
use crate::reading::Content;
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
        Err(no_checkpoint(bytes))
    }
}

/// What bytes are that are no checkpoint.
fn no_checkpoint(bytes: &[u8]) -> Error {
    let expected = "expected a torch.save archive or a safetensors file, found";
    Error::Format(match Content::of(bytes) {
        Content::Other { name, hint } => format!("{expected} {name}: {hint}"),
        Content::Text if is_index(bytes) => {
            format!(
                "{expected} JSON, the index of a checkpoint in several files: give it by its path, with the files beside it"
            )
        }
        Content::Text
            if bytes.is_empty() || std::str::from_utf8(&bytes[..bytes.len().min(64)]).is_err() =>
        {
            "neither a torch.save archive nor a safetensors file".into()
        }
        other => format!("{expected} {}", other.name()),
    })
}

/// Whether this is the index of a checkpoint in several files.
fn is_index(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().starts_with(b"{") && serde_json::from_slice::<Index>(bytes).is_ok()
}

/// The index of a checkpoint in several files, as transformers and accelerate write it.
#[derive(serde::Deserialize)]
// Without files there is nobody to follow it.
#[cfg_attr(not(feature = "files"), allow(dead_code))]
struct Index {
    weight_map: BTreeMap<String, String>,
}

/// Most files of a checkpoint.
#[cfg(feature = "files")]
const MOST_SHARDS: usize = 1000;

/// Reads the tensors of a checkpoint from a file: as [`read_checkpoint`] does, or from all files that an index names
/// (`model.safetensors.index.json`), which lie beside it.
///
/// # Errors
/// As [`read_checkpoint`], and [`Error::Io`], with the file's name; [`Error::Tensor`] where a file lacks a tensor that the index says is in it.
#[cfg(feature = "files")]
pub fn open_checkpoint(path: &std::path::Path) -> Result<BTreeMap<String, ImportedTensor>> {
    let bytes = super::disk::read(path)?;
    if !is_index(&bytes) {
        return read_checkpoint(&bytes).map_err(|e| e.in_file(path));
    }
    let index: Index =
        serde_json::from_slice(&bytes).map_err(|e| Error::Format(e.to_string()).in_file(path))?;
    let mut files: Vec<&String> = index.weight_map.values().collect();
    files.sort();
    files.dedup();
    if files.len() > MOST_SHARDS {
        let text = format!(
            "expected at most {MOST_SHARDS} files, found {}",
            files.len()
        );
        return Err(Error::Format(text).in_file(path));
    }
    let mut tensors = BTreeMap::new();
    for file in files {
        // A stranger's index names files beside it, and no others.
        if file.contains(['/', '\\']) || file == ".." {
            let text = format!(
                "expected names of files beside it, found `{}`",
                printable(file)
            );
            return Err(Error::Format(text).in_file(path));
        }
        let shard = path.with_file_name(file);
        let read = read_checkpoint(&super::disk::read(&shard)?).map_err(|e| e.in_file(&shard))?;
        for (name, tensor) in read {
            if tensors.contains_key(&name) {
                return Err(two_of_a_name(&name).in_file(&shard));
            }
            tensors.insert(name, tensor);
        }
    }
    for (name, file) in &index.weight_map {
        let short = short_name(name);
        if !tensors.contains_key(short) && !is_count(short) {
            let missing = Error::Tensor {
                name: printable(name),
                expected: "a tensor, as the index says".into(),
                found: "none".into(),
            };
            return Err(missing.in_file(path.with_file_name(file)));
        }
    }
    Ok(tensors)
}

/// The first names of tensors, for messages.
fn names(tensors: &BTreeMap<String, ImportedTensor>) -> String {
    const TOLD: usize = 4;
    let mut names: Vec<String> = tensors
        .keys()
        .take(TOLD)
        .map(|name| format!("`{}`", printable(name)))
        .collect();
    if tensors.len() > TOLD {
        names.push(format!("{} more", tensors.len() - TOLD));
    }
    names.join(", ")
}

/// That a tensor is missing, and which are there.
fn missing(name: &str, expected: String, tensors: &BTreeMap<String, ImportedTensor>) -> Error {
    let found = match tensors.len() {
        0 => "no tensor at all".into(),
        _ => format!("none; there are {}", names(tensors)),
    };
    Error::Tensor {
        name: name.into(),
        expected,
        found,
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
    // In a checkpoint of something else nothing is as it should be: then what is missing tells more.
    let known = |name: &String| shapes.iter().any(|(n, _)| n == name);
    if let Some(extra) = tensors.keys().find(|name| !known(name))
        && shapes.iter().all(|(name, _)| tensors.contains_key(name))
    {
        return Err(Error::Tensor {
            name: extra.clone(),
            expected: "no tensor of that name in this architecture".into(),
            found: "one".into(),
        });
    }
    TrmWeights::build(config, |name, shape| {
        let tensor = tensors.get(name);
        let tensor = tensor.ok_or_else(|| missing(name, format!("shape {shape:?}"), tensors))?;
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
        if is_count(short_name(name)) {
            continue;
        }
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

/// What `torch.compile`, distributed training, averaging of weights and the training wrappers put before a name, in any order.
const PREFIXES: [&str; 12] = [
    "_orig_mod.",
    "module.",
    "model.",
    "inner.",
    "ema_model.",
    "ema.",
    "averaged_model.",
    "shadow.",
    "net.",
    "network.",
    "_forward_module.",
    "online_model.",
];

/// Whether a tensor only counts how many weights were averaged.
fn is_count(short: &str) -> bool {
    matches!(short, "n_averaged" | "num_updates" | "initted" | "step")
}

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

/// A tensor's name without prefixes.
fn short_name(name: &str) -> &str {
    let mut short = name;
    while let Some(rest) = PREFIXES
        .iter()
        .find_map(|prefix| short.strip_prefix(prefix))
    {
        short = rest;
    }
    short
}

fn two_of_a_name(short: &str) -> Error {
    Error::Tensor {
        name: printable(short),
        expected: "one tensor of this name once prefixes are removed".into(),
        found: "two (weights and their moving average? save the one to use alone)".into(),
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
