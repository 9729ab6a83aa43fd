//! Matrices and linear layers as tensors of a safetensors file.
//!
//! The type of a tensor says how a linear layer is stored: F32, BF16, I8 with a tensor `NAME.scale`, or U8 (two
//! 4-bit integers a byte) with `NAME.multiplier` and `NAME.scale`.

use super::weights::{NamedShape, check_shape};
use crate::error::{Error, Result};
use half::bf16;
use recurra_kernels::{AlignedMatrix, Bf16Weights, Linear, PackedMatrix, Q4Weights, Q8Weights};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use std::borrow::Cow;
use std::collections::HashMap;

/// The most inputs of weights that are multiplied as 8-bit integers.
const MAX_INPUTS: usize = PackedMatrix::MAX_INPUTS_Q8;

/// Added to a linear layer's name: the scales of its rows.
const SCALE: &str = ".scale";
/// Added to a linear layer's name: the multipliers of its groups of inputs.
const MULTIPLIER: &str = ".multiplier";
/// Above the largest scale that is read: times an 8-bit integer it would leave the finite numbers.
const SCALE_LIMIT: f32 = f32::MAX / 128.0;

/// A tensor about to be written.
#[derive(Debug)]
pub(crate) struct Tensor {
    name: String,
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl safetensors::View for &Tensor {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.bytes)
    }

    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}

impl Tensor {
    /// A matrix in f32.
    pub(crate) fn f32(name: &str, shape: &[usize], matrix: &AlignedMatrix) -> Self {
        Self::floats(name, shape, &matrix.to_vec())
    }

    /// A matrix in bfloat16, rounded if need be.
    pub(crate) fn bf16(name: &str, shape: &[usize], matrix: &AlignedMatrix) -> Self {
        let rounded = matrix.to_vec().into_iter().map(to_bf16);
        Self::bf16s(name, shape, rounded)
    }

    /// The tensors of a linear layer.
    pub(crate) fn of_linear(name: &str, linear: &Linear) -> Vec<Self> {
        let shape = [linear.rows(), linear.cols()];
        let bytes = |part: &str, dtype, shape: &[usize], bytes: Vec<u8>| Tensor {
            name: format!("{name}{part}"),
            dtype,
            shape: shape.to_vec(),
            bytes,
        };
        let scale = |scales: &[f32]| Self::floats(&format!("{name}{SCALE}"), &shape[..1], scales);
        match linear {
            Linear::F32(w) => vec![Self::f32(name, &shape, w)],
            Linear::Bf16(w) => vec![Self::bf16s(name, &shape, w.values.iter().copied())],
            Linear::Q8(w) => {
                let values = w.values.iter().map(|&v| v as u8).collect();
                vec![bytes("", Dtype::I8, &shape, values), scale(&w.scales)]
            }
            Linear::Q4(w) => {
                let [nibbles, groups] = q4_shapes(&shape);
                vec![
                    bytes("", Dtype::U8, &nibbles, w.nibbles.clone()),
                    bytes(MULTIPLIER, Dtype::U8, &groups, w.multipliers.clone()),
                    scale(&w.scales),
                ]
            }
        }
    }

    #[cfg(any(test, feature = "store"))]
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    #[cfg(test)]
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    /// Bytes of its numbers in a file.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    fn floats(name: &str, shape: &[usize], values: &[f32]) -> Self {
        Tensor {
            name: name.into(),
            dtype: Dtype::F32,
            shape: shape.to_vec(),
            bytes: values.iter().flat_map(|v| v.to_le_bytes()).collect(),
        }
    }

    fn bf16s(name: &str, shape: &[usize], values: impl Iterator<Item = bf16>) -> Self {
        Tensor {
            name: name.into(),
            dtype: Dtype::BF16,
            shape: shape.to_vec(),
            bytes: values.flat_map(|v| v.to_le_bytes()).collect(),
        }
    }
}

/// The nearest bfloat16 that is finite.
pub(crate) fn to_bf16(value: f32) -> bf16 {
    bf16::from_f32(value).clamp(bf16::MIN, bf16::MAX)
}

/// Shapes of the nibbles and of the multipliers of 4-bit weights.
fn q4_shapes(shape: &[usize]) -> [[usize; 2]; 2] {
    let (rows, cols) = (shape[0], shape[1]);
    [
        [rows, Q4Weights::row_bytes(cols)],
        [rows, Q4Weights::groups(cols)],
    ]
}

/// A safetensors file of these tensors.
pub(crate) fn serialize(tensors: &[Tensor], metadata: HashMap<String, String>) -> Vec<u8> {
    let views = tensors.iter().map(|tensor| (tensor.name.as_str(), tensor));
    safetensors::serialize(views, Some(metadata)).expect("tensors fill their shapes")
}

/// A matrix or linear layer in a file, its types and shapes checked, its numbers not yet read.
#[derive(Debug)]
pub(crate) struct Found<'a> {
    name: &'a str,
    shape: &'a [usize],
    parts: Parts<'a>,
}

#[derive(Debug)]
enum Parts<'a> {
    F32(&'a [u8]),
    Bf16(&'a [u8]),
    Q8 {
        values: &'a [u8],
        scales: &'a [u8],
    },
    Q4 {
        nibbles: &'a [u8],
        multipliers: &'a [u8],
        scales: &'a [u8],
    },
}

/// Which types a tensor may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// F32.
    Exact,
    /// F32 or BF16.
    Table,
    /// F32, BF16, I8 or U8.
    Linear,
}

impl<'a> Found<'a> {
    /// Finds all of these as [`Found::new`] does.
    ///
    /// # Errors
    /// The first of its errors.
    pub(crate) fn all(
        file: &SafeTensors<'a>,
        shapes: &'a [NamedShape],
        kind: impl Fn(&str) -> Kind,
    ) -> Result<Vec<Self>> {
        let one = |(name, shape): &'a NamedShape| Found::new(file, name, shape, kind(name));
        shapes.iter().map(one).collect()
    }

    /// Finds a tensor and those that belong to it, and checks types and shapes. Allocates nothing for its numbers.
    ///
    /// # Errors
    /// [`Error::Tensor`] for a tensor that is missing, or of another type or shape.
    fn new(file: &SafeTensors<'a>, name: &'a str, shape: &'a [usize], kind: Kind) -> Result<Self> {
        let find = |name: &str, shape: &[usize]| -> Result<TensorView<'a>> {
            file.tensor(name).map_err(|_| Error::Tensor {
                name: name.into(),
                expected: format!("shape {shape:?}"),
                found: "none".into(),
            })
        };
        let shaped = |name: &str, shape: &[usize], dtype: Dtype| -> Result<&'a [u8]> {
            let view = find(name, shape)?;
            check_shape(name, shape, view.shape())?;
            if view.dtype() != dtype {
                return Err(wrong_type(name, &format!("{dtype:?}"), view.dtype()));
            }
            Ok(view.data())
        };
        let dtype = find(name, shape)?.dtype();
        let scales = || shaped(&format!("{name}{SCALE}"), &shape[..1], Dtype::F32);
        let parts = match (dtype, kind) {
            (Dtype::F32, _) => Parts::F32(shaped(name, shape, dtype)?),
            (Dtype::BF16, Kind::Table | Kind::Linear) => Parts::Bf16(shaped(name, shape, dtype)?),
            (Dtype::I8 | Dtype::U8, Kind::Linear) if shape[1] > MAX_INPUTS => {
                return Err(Error::Tensor {
                    name: name.into(),
                    expected: format!("at most {MAX_INPUTS} inputs of 8-bit or 4-bit weights"),
                    found: shape[1].to_string(),
                });
            }
            (Dtype::I8, Kind::Linear) => Parts::Q8 {
                values: shaped(name, shape, dtype)?,
                scales: scales()?,
            },
            (Dtype::U8, Kind::Linear) => {
                let [nibbles, groups] = q4_shapes(shape);
                Parts::Q4 {
                    nibbles: shaped(name, &nibbles, dtype)?,
                    multipliers: shaped(&format!("{name}{MULTIPLIER}"), &groups, dtype)?,
                    scales: scales()?,
                }
            }
            (found, kind) => {
                let expected = match kind {
                    Kind::Exact => "F32",
                    Kind::Table => "F32 or BF16",
                    Kind::Linear => "F32, BF16, I8 or U8",
                };
                return Err(wrong_type(name, expected, found));
            }
        };
        Ok(Found { name, shape, parts })
    }

    /// Whether a tensor of this name is a part of it.
    pub(crate) fn owns(&self, tensor: &str) -> bool {
        match tensor.strip_prefix(self.name) {
            Some("") => true,
            Some(SCALE) => matches!(self.parts, Parts::Q8 { .. } | Parts::Q4 { .. }),
            Some(MULTIPLIER) => matches!(self.parts, Parts::Q4 { .. }),
            _ => false,
        }
    }

    /// Reads the numbers as f32.
    ///
    /// # Errors
    /// [`Error::Tensor`] for the first number that cannot be.
    pub(crate) fn matrix(&self) -> Result<AlignedMatrix> {
        Ok(match self.linear()? {
            Linear::F32(matrix) => matrix,
            other => other.to_f32(),
        })
    }

    /// Reads the numbers.
    ///
    /// # Errors
    /// [`Error::Tensor`] for the first number that cannot be.
    pub(crate) fn linear(&self) -> Result<Linear> {
        let (rows, cols) = rows_and_cols(self.shape);
        Ok(match self.parts {
            Parts::F32(bytes) => Linear::F32(tensor_matrix(self.name, self.shape, bytes)?),
            Parts::Bf16(bytes) => {
                let words = bytes.as_chunks::<2>().0.iter();
                let values: Vec<bf16> = words.map(|&b| bf16::from_le_bytes(b)).collect();
                self.check(&values, |v| v.is_finite(), "finite numbers", "")?;
                Linear::Bf16(Bf16Weights { rows, cols, values })
            }
            Parts::Q8 { values, scales } => {
                let values: Vec<i8> = values.iter().map(|&v| v as i8).collect();
                self.check(&values, |&v| v != i8::MIN, "-127 to 127", "")?;
                Linear::Q8(Q8Weights {
                    rows,
                    cols,
                    values,
                    scales: self.scales(scales)?,
                })
            }
            Parts::Q4 {
                nibbles,
                multipliers,
                scales,
            } => {
                let range = 1..=Q4Weights::MAX_MULTIPLIER;
                let within = |m: &u8| range.contains(m);
                self.check(multipliers, within, "1 to 15", MULTIPLIER)?;
                Linear::Q4(Q4Weights {
                    rows,
                    cols,
                    nibbles: nibbles.to_vec(),
                    multipliers: multipliers.to_vec(),
                    scales: self.scales(scales)?,
                })
            }
        })
    }

    fn scales(&self, bytes: &[u8]) -> Result<Vec<f32>> {
        let scales = floats(bytes);
        let within = |&s: &f32| (0.0..SCALE_LIMIT).contains(&s);
        self.check(&scales, within, "scales from 0 to 2^121", SCALE)?;
        Ok(scales)
    }

    /// Refuses numbers of a part of this tensor that cannot be.
    fn check<T: std::fmt::Display>(
        &self,
        values: &[T],
        good: impl Fn(&T) -> bool,
        expected: &str,
        part: &str,
    ) -> Result<()> {
        check_all(&format!("{}{part}", self.name), values, good, expected)
    }
}

fn check_all<T: std::fmt::Display>(
    name: &str,
    values: &[T],
    good: impl Fn(&T) -> bool,
    expected: &str,
) -> Result<()> {
    match values.iter().position(|v| !good(v)) {
        None => Ok(()),
        Some(at) => Err(Error::Tensor {
            name: name.into(),
            expected: expected.into(),
            found: format!("{} at index {at}", values[at]),
        }),
    }
}

fn wrong_type(name: &str, expected: &str, found: Dtype) -> Error {
    Error::Tensor {
        name: name.into(),
        expected: expected.into(),
        found: format!("{found:?}"),
    }
}

/// A vector is one row.
fn rows_and_cols(shape: &[usize]) -> (usize, usize) {
    let cols = *shape.last().expect("a tensor has a dimension");
    let total: usize = shape.iter().product();
    (total.checked_div(cols).unwrap_or(0), cols)
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    let words = bytes.as_chunks::<4>().0.iter();
    words.map(|&b| f32::from_le_bytes(b)).collect()
}

/// A matrix from little-endian f32 bytes.
///
/// # Errors
/// [`Error::Tensor`] for a number that is not finite: nothing good can come of it.
pub(crate) fn tensor_matrix(name: &str, shape: &[usize], bytes: &[u8]) -> Result<AlignedMatrix> {
    finite_matrix(name, shape, &floats(bytes))
}

/// A matrix from numbers, all of which must be finite.
pub(crate) fn finite_matrix(name: &str, shape: &[usize], values: &[f32]) -> Result<AlignedMatrix> {
    check_all(name, values, |v| v.is_finite(), "finite numbers")?;
    let (rows, cols) = rows_and_cols(shape);
    Ok(AlignedMatrix::from_slice(rows, cols, values))
}
