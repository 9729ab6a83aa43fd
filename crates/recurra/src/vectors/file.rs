//! Files of questions and answers: a safetensors file, or a folder of `.npy` files with the same names.
//!
//! | tensor | shape | holds |
//! | --- | --- | --- |
//! | `queries` | `[rows, dimension]` or `[rows, vectors, dimension]` | the questions |
//! | `answers` | `[rows, dimension]` | the right passage of each |
//! | `initial` | `[rows, dimension]` | what is moved; may be missing |
//! | `negatives` | `[rows, k, dimension]` or `[rows, dimension]` | passages that are near and wrong; may be missing |
//! | `lengths` | `[rows]`, integers | vectors of each question, where not all have as many; may be missing |
//!
//! Numbers are 16-bit, 32-bit or 64-bit floats, or bfloat16. The metadata `embedder`, `embedder_hash` and `norm` (`unit` or
//! `free`) of a safetensors file, or `embedder.json` in a folder, say which embedding model made them.

use super::pairs::Pairs;
use crate::error::{Error, Result};
use crate::model::disk;
use crate::reading::arrays::header::read_any;
use crate::tasks::vectors::{Embedder, Norm};
use half::{bf16, f16};
use safetensors::{Dtype, SafeTensors};
use std::path::Path;

/// The arrays that a file may hold.
const NAMES: [&str; 5] = ["queries", "answers", "initial", "negatives", "lengths"];

/// Type of the numbers of an array.
#[derive(Debug, Clone, Copy)]
enum Kind {
    F16,
    Bf16,
    F32,
    F64,
    U8,
    I32,
    I64,
}

impl Kind {
    fn bytes(self) -> usize {
        match self {
            Kind::U8 => 1,
            Kind::F16 | Kind::Bf16 => 2,
            Kind::F32 | Kind::I32 => 4,
            Kind::F64 | Kind::I64 => 8,
        }
    }

    fn of_numpy(name: &str) -> Option<Self> {
        Some(match name {
            "<f2" => Kind::F16,
            "<f4" => Kind::F32,
            "<f8" => Kind::F64,
            "|u1" => Kind::U8,
            "<i4" => Kind::I32,
            "<i8" => Kind::I64,
            _ => return None,
        })
    }

    fn of_tensor(dtype: Dtype) -> Option<Self> {
        Some(match dtype {
            Dtype::F16 => Kind::F16,
            Dtype::BF16 => Kind::Bf16,
            Dtype::F32 => Kind::F32,
            Dtype::F64 => Kind::F64,
            Dtype::U8 => Kind::U8,
            Dtype::I32 => Kind::I32,
            Dtype::I64 => Kind::I64,
            _ => return None,
        })
    }

    fn is_integer(self) -> bool {
        matches!(self, Kind::U8 | Kind::I32 | Kind::I64)
    }
}

/// An array as it lies in memory.
struct Array<'a> {
    name: &'static str,
    kind: Kind,
    shape: Vec<usize>,
    bytes: std::borrow::Cow<'a, [u8]>,
}

impl Array<'_> {
    fn wrong<T>(&self, expected: impl Into<String>, found: impl Into<String>) -> Result<T> {
        Err(Error::Tensor {
            name: self.name.into(),
            expected: expected.into(),
            found: found.into(),
        })
    }

    /// Numbers of 64 bits that 32 bits do not hold become infinite, and are refused as such later.
    fn floats(&self) -> Result<Vec<f32>> {
        let bytes = &*self.bytes;
        Ok(match self.kind {
            Kind::F16 => bytes.as_chunks::<2>().0.iter().map(|b| f16::from_le_bytes(*b).to_f32()).collect(),
            Kind::Bf16 => bytes.as_chunks::<2>().0.iter().map(|b| bf16::from_le_bytes(*b).to_f32()).collect(),
            Kind::F32 => bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
            Kind::F64 => bytes.as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b) as f32).collect(),
            kind => return self.wrong("floats", format!("{kind:?}")),
        })
    }

    fn integers(&self) -> Result<Vec<usize>> {
        let bytes = &*self.bytes;
        let numbers: Vec<i64> = match self.kind {
            Kind::U8 => bytes.iter().map(|&b| b.into()).collect(),
            Kind::I32 => bytes.as_chunks::<4>().0.iter().map(|b| i32::from_le_bytes(*b).into()).collect(),
            Kind::I64 => bytes.as_chunks::<8>().0.iter().map(|b| i64::from_le_bytes(*b)).collect(),
            kind => return self.wrong("integers", format!("{kind:?}")),
        };
        match numbers.iter().find(|&&n| n < 1) {
            Some(n) => self.wrong("numbers of 1 or more", n.to_string()),
            None => Ok(numbers.into_iter().map(|n| usize::try_from(n).unwrap_or(usize::MAX)).collect()),
        }
    }

    /// Refuses other shapes than one of these; 0 stands for any number of 1 or more.
    fn shaped(&self, shapes: &[&[usize]]) -> Result<()> {
        let fits = |shape: &&[usize]| {
            let mut sizes = shape.iter().zip(&self.shape);
            shape.len() == self.shape.len() && sizes.all(|(&e, &f)| if e == 0 { f > 0 } else { e == f })
        };
        if shapes.iter().any(fits) {
            return Ok(());
        }
        let size = |n: &usize| if *n == 0 { "any".to_owned() } else { n.to_string() };
        let shape = |s: &&[usize]| format!("[{}]", s.iter().map(size).collect::<Vec<_>>().join(", "));
        let expected = shapes.iter().map(shape).collect::<Vec<_>>().join(" or ");
        self.wrong(format!("shape {expected}"), format!("{:?}", self.shape))
    }
}

impl Pairs {
    /// Reads a safetensors file, or a folder of `.npy` files.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Tensor`] for an array that is missing or of another shape or type, and [`Error::Format`] for
    /// what is no such file, both with the file's name.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        if path.is_dir() {
            return of_folder(path);
        }
        let bytes = disk::read(path)?;
        of_tensors(&bytes).map_err(|e| e.in_file(path))
    }
}

fn of_tensors(bytes: &[u8]) -> Result<Pairs> {
    let format = |e: &dyn std::fmt::Display| {
        Error::Format(format!("expected a safetensors file, or a folder of .npy files, found: {e}"))
    };
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| format(&e))?;
    let file = SafeTensors::deserialize(bytes).map_err(|e| format(&e))?;
    let said = |key: &str| header.metadata().as_ref().and_then(|m| m.get(key)).cloned();
    let norm = match said("norm").as_deref() {
        None => None,
        Some("unit") => Some(Norm::Unit),
        Some("free") => Some(Norm::Free),
        Some(other) => {
            return Err(Error::Format(format!("metadata `norm`: expected `unit` or `free`, found `{other}`")));
        }
    };
    let embedder = Embedder {
        name: said("embedder"),
        hash: said("embedder_hash"),
        dimension: None,
        norm,
    };
    let mut arrays = Vec::new();
    for name in NAMES {
        let Ok(view) = file.tensor(name) else {
            continue;
        };
        let Some(kind) = Kind::of_tensor(view.dtype()) else {
            return Err(other_type(name, format!("{:?}", view.dtype())));
        };
        arrays.push(Array {
            name,
            kind,
            shape: view.shape().to_vec(),
            bytes: view.data().into(),
        });
    }
    assemble(embedder, arrays)
}

fn other_type(name: &str, found: String) -> Error {
    let integers = name == "lengths";
    Error::Tensor {
        name: name.into(),
        expected: if integers { "U8, I32 or I64" } else { "F16, BF16, F32 or F64" }.into(),
        found,
    }
}

fn of_folder(folder: &Path) -> Result<Pairs> {
    let said = folder.join("embedder.json");
    let embedder = match said.is_file() {
        false => Embedder::default(),
        true => {
            let bytes = disk::read(&said)?;
            serde_json::from_slice(&bytes).map_err(|e| Error::Format(e.to_string()).in_file(&said))?
        }
    };
    let mut arrays = Vec::new();
    for name in NAMES {
        let path = folder.join(format!("{name}.npy"));
        if path.is_file() {
            let bytes = disk::read(&path)?;
            arrays.push(npy(name, &bytes).map_err(|e| e.in_file(&path))?);
        }
    }
    assemble(embedder, arrays).map_err(|e| e.in_file(folder))
}

fn npy(name: &'static str, bytes: &[u8]) -> Result<Array<'static>> {
    let (kind, shape, start) = read_any(&mut &bytes[..])?;
    let Some(kind) = Kind::of_numpy(&kind) else {
        return Err(other_type(name, format!("'{}'", kind.escape_debug())));
    };
    let data = &bytes[start as usize..];
    let numbers = shape.iter().try_fold(1u64, |all, &n| all.checked_mul(n));
    if numbers.and_then(|n| n.checked_mul(kind.bytes() as u64)) != Some(data.len() as u64) {
        let text = format!("expected data for shape {shape:?}, found {} bytes", data.len());
        return Err(Error::Format(text));
    }
    Ok(Array {
        name,
        kind,
        // The data is in memory: no size that counts is larger.
        shape: shape.iter().map(|&n| n as usize).collect(),
        bytes: data.to_vec().into(),
    })
}

fn assemble(embedder: Embedder, arrays: Vec<Array<'_>>) -> Result<Pairs> {
    let find = |name: &str| arrays.iter().find(|a| a.name == name);
    let need = |name: &'static str| {
        find(name).ok_or_else(|| Error::Tensor {
            name: name.into(),
            expected: "a tensor of this name".into(),
            found: "none".into(),
        })
    };
    for array in &arrays {
        if array.kind.is_integer() != (array.name == "lengths") {
            return Err(other_type(array.name, format!("{:?}", array.kind)));
        }
    }
    let answers = need("answers")?;
    answers.shaped(&[&[0, 0]])?;
    let [rows, d] = answers.shape[..] else {
        unreachable!("its shape was checked");
    };
    let queries = need("queries")?;
    queries.shaped(&[&[rows, d], &[rows, 0, d]])?;
    let (initial, negatives, lengths) = (find("initial"), find("negatives"), find("lengths"));
    initial.map_or(Ok(()), |a| a.shaped(&[&[rows, d]]))?;
    negatives.map_or(Ok(()), |a| a.shaped(&[&[rows, d], &[rows, 0, d]]))?;
    lengths.map_or(Ok(()), |a| a.shaped(&[&[rows]]))?;
    let pairs = Pairs {
        embedder,
        dimension: d,
        width: if queries.shape.len() == 3 { queries.shape[1] } else { 1 },
        queries: queries.floats()?,
        lengths: lengths.map(Array::integers).transpose()?,
        answers: answers.floats()?,
        initial: initial.map(Array::floats).transpose()?,
        negatives: negatives.map(Array::floats).transpose()?,
    };
    pairs.validate()?;
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::tensors::{Tensor, serialize};
    use recurra_kernels::AlignedMatrix;
    use std::collections::HashMap;

    fn tensors(shapes: &[(&str, &[usize])]) -> Vec<u8> {
        let all: Vec<Tensor> = shapes
            .iter()
            .map(|(name, shape)| {
                let count: usize = shape.iter().product();
                let values: Vec<f32> = (0..count).map(|i| 1.0 + i as f32).collect();
                Tensor::f32(name, shape, &AlignedMatrix::from_slice(1, count, &values))
            })
            .collect();
        let said = [("embedder", "minilm"), ("norm", "free")];
        let said: HashMap<String, String> = said.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        serialize(&all, said)
    }

    #[test]
    fn tensors_and_what_is_said_of_them_are_read() {
        let bytes = tensors(&[("queries", &[2, 3, 4]), ("answers", &[2, 4]), ("negatives", &[2, 5, 4])]);
        let pairs = of_tensors(&bytes).unwrap();
        assert_eq!((pairs.len(), pairs.dimension, pairs.width, pairs.negatives_each()), (2, 4, 3, 5));
        assert_eq!(pairs.embedder.name.as_deref(), Some("minilm"));
        assert_eq!(pairs.embedder.norm, Some(Norm::Free));
        assert_eq!(pairs.row(1).question[0], 13.0);
        assert_eq!(pairs.row(1).initial, [13.0, 14.0, 15.0, 16.0]);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let cases: [(&[(&str, &[usize])], &str); 6] = [
            (&[("queries", &[2, 4])], "`answers`: expected a tensor of this name"),
            (&[("answers", &[2, 4])], "`queries`: expected a tensor of this name"),
            (&[("answers", &[8]), ("queries", &[2, 4])], "`answers`: expected shape [any, any], found [8]"),
            (&[("answers", &[2, 4]), ("queries", &[3, 4])], "`queries`: expected shape [2, 4] or [2, any, 4], found [3, 4]"),
            (&[("answers", &[2, 4]), ("queries", &[2, 4]), ("initial", &[4, 2])], "`initial`: expected shape [2, 4]"),
            (&[("answers", &[2, 4]), ("queries", &[2, 4]), ("lengths", &[2])], "`lengths`: expected U8, I32 or I64, found F32"),
        ];
        for (shapes, expected) in cases {
            let error = of_tensors(&tensors(shapes)).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        assert!(of_tensors(b"something else").unwrap_err().to_string().contains("expected a safetensors file"));
    }

    #[test]
    fn folders_of_arrays_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, kind: &str, shape: &str, data: &[u8]| {
            let text = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n");
            let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
            bytes.extend((text.len() as u16).to_le_bytes());
            bytes.extend(text.bytes());
            bytes.extend(data);
            std::fs::write(folder.path().join(name), bytes).unwrap();
        };
        let half = |values: &[f32]| values.iter().flat_map(|&v| f16::from_f32(v).to_le_bytes()).collect::<Vec<u8>>();
        let double = |values: &[f64]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
        write("queries.npy", "<f2", "(2, 2, 1)", &half(&[1.0, 2.0, 3.0, 4.0]));
        write("answers.npy", "<f8", "(2, 1)", &double(&[5.0, 6.0]));
        write("lengths.npy", "|u1", "(2,)", &[2, 1]);
        std::fs::write(folder.path().join("embedder.json"), r#"{"name":"glove","norm":"free"}"#).unwrap();
        let pairs = Pairs::open(folder.path()).unwrap();
        assert_eq!((pairs.row(0).question, pairs.row(1).question), (&[1.0, 2.0][..], &[3.0][..]));
        assert_eq!((&pairs.answers[..], pairs.embedder.name.as_deref()), (&[5.0, 6.0][..], Some("glove")));
        write("lengths.npy", "|u1", "(2,)", &[3, 1]);
        let error = Pairs::open(folder.path()).unwrap_err().to_string();
        assert!(error.contains("`lengths`: expected 1 to 2, found 3"), "{error}");
        write("lengths.npy", "|u1", "(2,)", &[1]);
        let error = Pairs::open(folder.path()).unwrap_err().to_string();
        assert!(error.contains("lengths.npy") && error.contains("expected data for shape [2], found 1 bytes"), "{error}");
    }
}
