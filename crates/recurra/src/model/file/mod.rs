//! The one-file format: safetensors with the configuration as JSON in its metadata.
//!
//! Tensors have the reference implementation's names without its prefix. The metadata entry `recurra.config` holds a
//! [`Header`].

use super::refining::Refining;
use super::stopping::Calibration;
use super::tensors::{Found, Kind, Tensor, serialize};
use super::weights::{LayerWeights, NamedShape, PUZZLE_TABLE, TrmWeights};
use crate::error::{Error, Result};
use crate::groups::Groups;
use crate::hash::fnv1a;
use crate::network::config::{Mixer, TrmConfig};
use crate::reading::Content;
use crate::tasks::TaskSpec;
use recurra_kernels::{AlignedMatrix, Linear, Precision};
use safetensors::SafeTensors;
use safetensors::tensor::Metadata;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;

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
    /// Stop rules that were calibrated for these weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thinking: Option<Calibration>,
    /// The same for a model of vectors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refining: Option<Refining>,
    /// How the model was made: free entries, for people.
    #[serde(default)]
    pub provenance: serde_json::Map<String, serde_json::Value>,
}

impl Header {
    /// What the metadata of a safetensors file say of a model.
    pub(super) fn of(metadata: &Metadata) -> Result<Self> {
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
        let mut header: Header = serde_json::from_str(header)
            .map_err(|e| Error::Format(format!("metadata `{CONFIG_KEY}`: {e}")))?;
        if header.version != VERSION {
            return Err(Error::Format(format!(
                "metadata `{CONFIG_KEY}`: expected version {VERSION}, found {}",
                header.version
            )));
        }
        if header.architecture.mixer == Mixer::Constraints {
            header.architecture.groups = groups_of(header.task.as_ref())?;
        }
        header.architecture.validate()?;
        let (vectors, found) = match &header.task {
            Some(task @ TaskSpec::Vectors(_)) => (true, task.to_string()),
            Some(task) => (false, task.to_string()),
            None => (false, "none".into()),
        };
        if vectors != (header.architecture.mixer == Mixer::Tokens) {
            let expected = match vectors {
                true => "puzzles, as the mixer is none for vectors",
                false => "vectors, as the mixer is one for them",
            };
            return Err(Error::Config {
                field: "task",
                expected: expected.into(),
                found,
            });
        }
        if let Some(task) = &header.task {
            check_task(task, &header.architecture)?;
        }
        if let Some(thinking) = &header.thinking {
            thinking.validate()?;
        }
        if let Some(refining) = &header.refining {
            refining.validate()?;
        }
        Ok(header)
    }
}

/// Refuses a file that is known to be something else by its first bytes.
pub(super) fn check_content(start: &[u8]) -> Result<()> {
    let expected = "expected a model file (safetensors), found";
    Err(Error::Format(match Content::of(start) {
        Content::Safetensors => return Ok(()),
        Content::Zip => {
            format!(
                "{expected} a zip archive, as torch.save writes checkpoints: `recurra import` makes a model of a checkpoint"
            )
        }
        Content::Other { name, hint } => format!("{expected} {name}: {hint}"),
        // What is damaged is told by who reads it.
        Content::Text
            if start.is_empty()
                || start
                    .iter()
                    .any(|byte| byte.is_ascii_control() && !byte.is_ascii_whitespace()) =>
        {
            return Ok(());
        }
        Content::Text
            if std::str::from_utf8(&start[..start.len().min(64)])
                .is_err_and(|e| e.error_len().is_some()) =>
        {
            return Ok(());
        }
        other => format!("{expected} {}", other.name()),
    }))
}

/// A model in memory: what its file holds.
#[derive(Debug, Clone)]
pub struct TrmModel {
    /// What the file says of itself.
    pub header: Header,
    /// The weights.
    pub weights: TrmWeights<Linear>,
}

/// A part of a model, as its file holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// `tables` (embeddings and heads), `mixers` (of positions) or `SwiGLUs` (of channels).
    pub name: &'static str,
    /// The least exact precision in it.
    pub precision: Precision,
    /// Bytes of its numbers.
    pub bytes: usize,
}

impl TrmModel {
    /// A model of these weights.
    pub fn new(
        architecture: TrmConfig,
        task: Option<TaskSpec>,
        weights: impl Into<TrmWeights<Linear>>,
    ) -> Self {
        TrmModel {
            header: Header {
                version: VERSION,
                architecture,
                task,
                thinking: None,
                refining: None,
                provenance: serde_json::Map::new(),
            },
            weights: weights.into(),
        }
    }

    /// The least exact precision of its linear layers.
    pub fn precision(&self) -> Precision {
        self.weights.precision()
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
        Self::read(bytes, true)
    }

    /// The same, where the puzzle table may have been left out: then it has no rows.
    pub(super) fn read(bytes: &[u8], with_table: bool) -> Result<Self> {
        let format = |e: &dyn std::fmt::Display| Error::Format(format!("not a model file: {e}"));
        check_content(bytes)?;
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|e| format(&e))?;
        let header = Header::of(&metadata)?;
        let tensors = SafeTensors::deserialize(bytes).map_err(|e| format(&e))?;
        let config = &header.architecture;
        let mut table_shapes = TrmWeights::table_shapes(config);
        if !with_table {
            let table = table_shapes
                .iter_mut()
                .find(|(name, _)| name == PUZZLE_TABLE);
            table.into_iter().for_each(|(_, shape)| shape[0] = 0);
        }
        let linear_shapes = TrmWeights::linear_shapes(config);
        // All types and shapes are checked before anything is allocated.
        let tables = Found::all(&tensors, &table_shapes, table_kind)?;
        let linears = Found::all(&tensors, &linear_shapes, |_| Kind::Linear)?;
        let known = |name: &str| tables.iter().chain(&linears).any(|found| found.owns(name));
        if let Some(extra) = tensors.names().into_iter().find(|name| !known(name)) {
            return Err(Error::Tensor {
                name: extra.to_owned(),
                expected: "no tensor of that name in this architecture".into(),
                found: "one".into(),
            });
        }
        let tables = tables.iter().map(Found::matrix).collect::<Result<_>>()?;
        let linears = linears.iter().map(Found::linear).collect::<Result<_>>()?;
        let weights = TrmWeights::assemble(config, tables, linears);
        Ok(TrmModel { header, weights })
    }

    /// The bytes of the model's file. The same model gives the same bytes.
    ///
    /// The large tables of a model whose linear layers are not all f32 are written as bfloat16.
    pub fn to_bytes(&self) -> Vec<u8> {
        let header = serde_json::to_string(&self.header).expect("a header is JSON");
        let metadata = HashMap::from([(CONFIG_KEY.to_owned(), header)]);
        serialize(&self.tensors(), metadata)
    }

    /// A name by which files that belong to this model know it: its weights' checksum (FNV-1a of 64 bits, which guards
    /// against mistakes, not against forgery). It does not change with the header.
    pub fn id(&self) -> String {
        let hash = fnv1a(serialize(&self.tensors(), HashMap::new()));
        format!("{hash:016x}")
    }

    /// The parts of the model: how exact and how large they are in its file.
    pub fn parts(&self) -> [Part; 3] {
        let bytes = |tensors: Vec<Tensor>| -> usize { tensors.iter().map(Tensor::len).sum() };
        let half = |name, of: fn(&LayerWeights<Linear>) -> Vec<&Linear>| {
            let half: Vec<&Linear> = self.weights.layers.iter().flat_map(of).collect();
            let precisions = half.iter().map(|linear| linear.precision());
            Part {
                name,
                precision: precisions.max().unwrap_or(Precision::F32),
                bytes: half
                    .iter()
                    .map(|linear| bytes(Tensor::of_linear("", linear)))
                    .sum(),
            }
        };
        let tables = Part {
            name: "tables",
            precision: self.precision().min(Precision::Bf16),
            bytes: bytes(self.table_tensors()),
        };
        let mixers = half("mixers", |layer| layer.mix.iter().collect());
        let swiglus = half("SwiGLUs", |layer| layer.mlp.linears());
        [tables, mixers, swiglus]
    }

    /// The tensors of the model's file.
    fn tensors(&self) -> Vec<Tensor> {
        let mut tensors = self.table_tensors();
        let shapes = TrmWeights::linear_shapes(self.config());
        for ((name, _), linear) in shapes.iter().zip(self.weights.linears()) {
            tensors.extend(Tensor::of_linear(name, linear));
        }
        tensors
    }

    fn table_tensors(&self) -> Vec<Tensor> {
        let quantized = self.precision() != Precision::F32;
        let shapes = TrmWeights::table_shapes(self.config());
        let tables = shapes.iter().zip(self.weights.tables());
        let table = |((name, shape), matrix): (&NamedShape, &AlignedMatrix)| {
            if quantized && table_kind(name) == Kind::Table {
                Tensor::bf16(name, shape, matrix)
            } else {
                Tensor::f32(name, shape, matrix)
            }
        };
        tables.map(table).collect()
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

/// The tables that are large; the others decide when to stop and where to begin, and cost nothing.
pub(crate) fn table_kind(name: &str) -> Kind {
    match name {
        "q_head.weight" | "q_head.bias" | "H_init" | "L_init" => Kind::Exact,
        _ => Kind::Table,
    }
}

/// The groups that a task declares.
pub(crate) fn groups_of(task: Option<&TaskSpec>) -> Result<Option<Arc<Groups>>> {
    let Some(task) = task else { return Ok(None) };
    Ok(task.task()?.groups().map(Arc::new))
}

/// Refuses a task whose questions the architecture cannot take.
fn check_task(task: &TaskSpec, config: &TrmConfig) -> Result<()> {
    let (seq_len, vocab_size) = task.sizes()?;
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

#[cfg(test)]
mod tests;
