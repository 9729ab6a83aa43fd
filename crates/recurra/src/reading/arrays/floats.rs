//! Arrays of floats: as NumPy saves them (`.npy`, format versions 1 to 3), and as other files hold them.

use super::header::Dictionary;
use crate::error::{Error, Result};
use half::f16;

/// Type of an array's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    F32,
    F16,
    F64,
    I32,
    I64,
}

impl Kind {
    /// NumPy's names of them.
    const NAMES: [(&str, Kind); 5] = [
        ("<f4", Kind::F32),
        ("<f2", Kind::F16),
        ("<f8", Kind::F64),
        ("<i4", Kind::I32),
        ("<i8", Kind::I64),
    ];

    fn bytes(self) -> usize {
        match self {
            Kind::F16 => 2,
            Kind::F32 | Kind::I32 => 4,
            Kind::F64 | Kind::I64 => 8,
        }
    }
}

/// An array with its shape, its numbers as bytes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FloatArray {
    pub(crate) shape: Vec<usize>,
    kind: Kind,
    bytes: Vec<u8>,
}

impl FloatArray {
    /// `bytes` fill the shape.
    pub(crate) fn new(shape: Vec<usize>, kind: Kind, bytes: &[u8]) -> Self {
        FloatArray {
            shape,
            kind,
            bytes: bytes.to_vec(),
        }
    }

    /// The numbers as f32.
    pub(crate) fn floats(&self, name: &str) -> Result<Vec<f32>> {
        let four = self.bytes.as_chunks::<4>().0.iter();
        Ok(match self.kind {
            Kind::F32 => four.map(|&b| f32::from_le_bytes(b)).collect(),
            Kind::F16 => {
                let two = self.bytes.as_chunks::<2>().0.iter();
                two.map(|&b| f16::from_le_bytes(b).to_f32()).collect()
            }
            Kind::F64 => {
                let eight = self.bytes.as_chunks::<8>().0.iter();
                eight.map(|&b| f64::from_le_bytes(b) as f32).collect()
            }
            Kind::I32 | Kind::I64 => return Err(wrong(name, "floats", "integers".into())),
        })
    }

    /// The numbers as counts.
    pub(crate) fn counts(&self, name: &str) -> Result<Vec<usize>> {
        let four = self.bytes.as_chunks::<4>().0.iter();
        let eight = self.bytes.as_chunks::<8>().0.iter();
        let numbers: Vec<i64> = match self.kind {
            Kind::I32 => four.map(|&b| i32::from_le_bytes(b).into()).collect(),
            Kind::I64 => eight.map(|&b| i64::from_le_bytes(b)).collect(),
            _ => return Err(wrong(name, "integers", "floats".into())),
        };
        let count = |n: i64| {
            usize::try_from(n).map_err(|_| wrong(name, "no negative number", n.to_string()))
        };
        numbers.into_iter().map(count).collect()
    }
}

fn wrong(name: &str, expected: &str, found: String) -> Error {
    Error::Tensor {
        name: name.into(),
        expected: expected.into(),
        found,
    }
}

/// Reads an `.npy` file.
///
/// # Errors
/// [`Error::Format`] for anything else, for other types, for Fortran's order, and for a file that is not as long as its shape says.
pub(crate) fn read_npy(bytes: &[u8]) -> Result<FloatArray> {
    let mut data = bytes;
    let (dictionary, _) = Dictionary::read(&mut data)?;
    let fail = |expected: &str, found: String| {
        Err(Error::Format(format!("expected {expected}, found {found}")))
    };
    let mut names = Kind::NAMES.into_iter();
    let Some((_, kind)) = names.find(|(name, _)| *name == dictionary.kind) else {
        let found = format!("'{}'", dictionary.kind.escape_debug());
        return fail("numbers of type '<f4', '<f2', '<f8', '<i4' or '<i8'", found);
    };
    let shape = dictionary.shape;
    let expected = shape
        .iter()
        .try_fold(kind.bytes() as u64, |product, &n| product.checked_mul(n));
    if expected != Some(data.len() as u64) {
        let found = format!("{} bytes of numbers", data.len());
        return fail(&format!("an array of shape {shape:?}"), found);
    }
    // A single row or column is the same in both orders.
    if dictionary.fortran && shape.iter().filter(|&&n| n > 1).count() > 1 {
        return fail("an array in C order", "Fortran order".into());
    }
    let shape = shape.into_iter().map(|n| n as usize).collect();
    Ok(FloatArray::new(shape, kind, data))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn npy(header: &str, data: &[u8]) -> Vec<u8> {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        bytes
    }

    #[test]
    fn arrays_are_read() {
        let data: Vec<u8> = [1.5f32, -2.0]
            .iter()
            .flat_map(|v| v.to_le_bytes())
            .collect();
        let file = npy(
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }\n",
            &data,
        );
        let array = read_npy(&file).unwrap();
        assert_eq!(array.shape, [1, 2]);
        assert_eq!(array.floats("x").unwrap(), [1.5, -2.0]);
        let header = "{'descr': '<i4', 'fortran_order': False, 'shape': (1,), }\n";
        let array = read_npy(&npy(header, &3i32.to_le_bytes())).unwrap();
        assert_eq!(array.counts("x").unwrap(), [3]);
        assert!(array.floats("x").is_err());
    }

    #[test]
    fn others_are_refused() {
        let of = |descr: &str, order: &str, shape: &str| {
            npy(
                &format!("{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}"),
                &[0; 4],
            )
        };
        let cases = [
            (b"PK\x03\x04abcdefgh".to_vec(), "begins with"),
            (of("'|O'", "False", "(1,)"), "found '|O'"),
            (
                npy(
                    "{'descr': '<f2', 'fortran_order': True, 'shape': (2, 2), }",
                    &[0; 8],
                ),
                "C order",
            ),
            (of("'<f4'", "False", "(9999999999, 9999999999)"), "4 bytes"),
            (of("'<f4'", "False", "(-1,)"), "a number of 0 or more"),
        ];
        for (bytes, expected) in cases {
            let error = read_npy(&bytes).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
