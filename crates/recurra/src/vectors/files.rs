//! Pairs in files: safetensors, a folder of `.npy` arrays, or a Parquet table.
//!
//! Tensors are `queries` (`[rows, dimension]`, or `[rows, vectors, dimension]`), `answers` (`[rows, dimension]`), and where they
//! are wanted `initial` (`[rows, dimension]`), `negatives` and `path` (`[rows, k, dimension]`), `passages` (`[n, dimension]`) and
//! `lengths` (`[rows]`, how many vectors of a question count). Numbers are 32-bit or 16-bit floats; lengths are 32-bit or 64-bit integers. A safetensors file says in
//! its metadata, a folder in `embedder.json`, which embedding model made the vectors: `name`, `hash` and `norm`
//! (`embedder.name` and so on in metadata).

use super::pairs::Pairs;
use crate::error::{Error, Result};
use crate::model::disk;
use crate::reading::PARQUET;
use crate::reading::arrays::floats::{FloatArray, Kind, read_npy};
use crate::tasks::vectors::{Embedder, Norm};
use safetensors::{Dtype, SafeTensors};
use std::path::Path;

/// Tensors that a file may have.
pub(super) const NAMES: [&str; 7] = [
    "queries",
    "answers",
    "initial",
    "negatives",
    "lengths",
    "path",
    "passages",
];

impl Pairs {
    /// Reads pairs from a safetensors file, a folder of `.npy` arrays, or a Parquet table (with the feature `parquet`).
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Format`] or [`Error::Tensor`] with the file's name for anything else than pairs.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let pairs = if path.is_dir() {
            from_folder(path)?
        } else if is_parquet(path) {
            table(path)?
        } else {
            let bytes = disk::read(path)?;
            Self::from_bytes(&bytes).map_err(|e| e.in_file(path))?
        };
        pairs.validate().map_err(|e| e.in_file(path))?;
        Ok(pairs)
    }

    /// Reads pairs from the bytes of a safetensors file.
    ///
    /// # Errors
    /// As [`Pairs::open`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let broken = |e| Error::Format(format!("not a safetensors file: {e}"));
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(broken)?;
        let file = SafeTensors::deserialize(bytes).map_err(broken)?;
        let notes = metadata.metadata().as_ref();
        let note = |name: &str| {
            notes
                .and_then(|n| n.get(&format!("embedder.{name}")))
                .cloned()
        };
        let norm = norm(note("norm").as_deref())?;
        if let Some(other) = file.names().into_iter().find(|name| !NAMES.contains(name)) {
            return Err(wrong(
                other,
                &format!("one of {}", NAMES.join(", ")),
                "this name".into(),
            ));
        }
        let embedder = Embedder {
            name: note("name"),
            hash: note("hash"),
            dimension: None,
            norm,
        };
        assemble(embedder, &mut |name| {
            let Ok(view) = file.tensor(name) else {
                return Ok(None);
            };
            let kind = match view.dtype() {
                Dtype::F32 => Kind::F32,
                Dtype::F16 => Kind::F16,
                Dtype::I32 => Kind::I32,
                Dtype::I64 => Kind::I64,
                other => {
                    let expected = "F32 or F16, or I32 or I64 for lengths";
                    return Err(wrong(name, expected, format!("{other:?}")));
                }
            };
            Ok(Some(FloatArray::new(
                view.shape().to_vec(),
                kind,
                view.data(),
            )))
        })
    }
}

/// How long vectors are, as metadata say it.
pub(super) fn norm(note: Option<&str>) -> Result<Option<Norm>> {
    match note {
        None => Ok(None),
        Some("unit") => Ok(Some(Norm::Unit)),
        Some("free") => Ok(Some(Norm::Free)),
        Some(other) => Err(Error::Format(format!(
            "metadata `embedder.norm`: expected `unit` or `free`, found `{other}`"
        ))),
    }
}

/// Whether a file begins as a Parquet table does. One that cannot be read does not: whoever reads it next says why.
fn is_parquet(path: &Path) -> bool {
    use std::io::Read;
    let mut first = [0; 4];
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut first));
    read.is_ok() && &first == PARQUET
}

#[cfg(feature = "parquet")]
fn table(path: &Path) -> Result<Pairs> {
    let file = std::fs::File::open(path).map_err(|source| Error::Io {
        path: path.into(),
        source,
    })?;
    super::parquet::read(file).map_err(|e| e.in_file(path))
}

#[cfg(not(feature = "parquet"))]
fn table(path: &Path) -> Result<Pairs> {
    let text = "a Parquet table, which this program was built without: write it as safetensors";
    Err(Error::Format(text.into()).in_file(path))
}

fn from_folder(folder: &Path) -> Result<Pairs> {
    let notes = folder.join("embedder.json");
    let embedder = if notes.exists() {
        let read = serde_json::from_slice(&disk::read(&notes)?);
        read.map_err(|e| Error::Format(e.to_string()).in_file(&notes))?
    } else {
        Embedder::default()
    };
    let read = assemble(embedder, &mut |name| {
        let path = folder.join(format!("{name}.npy"));
        if !path.exists() {
            return Ok(None);
        }
        let bytes = disk::read(&path)?;
        read_npy(&bytes).map(Some).map_err(|e| e.in_file(&path))
    });
    read.map_err(|error| match error {
        Error::Tensor { .. } => error.in_file(folder),
        other => other,
    })
}

fn wrong(name: &str, expected: &str, found: String) -> Error {
    Error::Tensor {
        name: name.into(),
        expected: expected.into(),
        found,
    }
}

/// Pairs of named arrays.
fn assemble(
    embedder: Embedder,
    array: &mut dyn FnMut(&str) -> Result<Option<FloatArray>>,
) -> Result<Pairs> {
    let none = |name, expected| wrong(name, expected, "none".into());
    let answers = array("answers")?;
    let answers = answers.ok_or_else(|| none("answers", "shape [rows, dimension]"))?;
    let queries = array("queries")?;
    let expected = "shape [rows, dimension] or [rows, vectors, dimension]";
    let queries = queries.ok_or_else(|| none("queries", expected))?;
    let &[rows, dimension] = &answers.shape[..] else {
        let found = format!("shape {:?}", answers.shape);
        return Err(wrong("answers", "shape [rows, dimension]", found));
    };
    let like = |name: &str, found: &FloatArray, fits: bool, expected: String| match fits {
        true => Ok(()),
        false => Err(wrong(
            name,
            &format!("shape {expected}, as answers have"),
            format!("shape {:?}", found.shape),
        )),
    };
    let width = match queries.shape[..] {
        [_, n, _] => n,
        _ => 1,
    };
    let fits = queries.shape == [rows, dimension] || queries.shape == [rows, width, dimension];
    let expected = format!("[{rows}, {dimension}] or [{rows}, vectors, {dimension}]");
    like("queries", &queries, fits, expected)?;
    let (initial, negatives, lengths) = (array("initial")?, array("negatives")?, array("lengths")?);
    if let Some(found) = &initial {
        like(
            "initial",
            found,
            found.shape == [rows, dimension],
            format!("[{rows}, {dimension}]"),
        )?;
    }
    let path = array("path")?;
    for (name, tensor) in [("negatives", &negatives), ("path", &path)] {
        if let Some(found) = tensor {
            let fits = matches!(found.shape[..], [r, k, d] if [r, d] == [rows, dimension] && k > 0);
            like(name, found, fits, format!("[{rows}, k, {dimension}]"))?;
        }
    }
    let passages = array("passages")?;
    if let Some(found) = &passages {
        let fits = matches!(found.shape[..], [n, d] if d == dimension && n > 0);
        like("passages", found, fits, format!("[n, {dimension}]"))?;
    }
    if let Some(found) = &lengths {
        like("lengths", found, found.shape == [rows], format!("[{rows}]"))?;
    }
    Ok(Pairs {
        embedder,
        dimension,
        width,
        queries: queries.floats("queries")?,
        lengths: lengths.map(|array| array.counts("lengths")).transpose()?,
        answers: answers.floats("answers")?,
        initial: initial.map(|array| array.floats("initial")).transpose()?,
        negatives: negatives
            .map(|array| array.floats("negatives"))
            .transpose()?,
        path: path.map(|array| array.floats("path")).transpose()?,
        passages: passages.map(|array| array.floats("passages")).transpose()?,
    })
}
