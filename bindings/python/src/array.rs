//! Arrays of tokens from Python.

use crate::error;
use numpy::{PyReadonlyArrayDyn, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::prelude::*;
use std::collections::BTreeMap;

/// Rows of tokens, and what is wrong with those that are none.
pub(crate) struct Rows {
    pub(crate) tokens: Vec<u16>,
    pub(crate) refused: BTreeMap<usize, String>,
    pub(crate) count: usize,
}

/// How numbers stand for tokens.
#[derive(Clone, Copy)]
pub(crate) struct Encoding {
    /// Added to a number to make it a token.
    pub(crate) shift: i64,
    /// Number of tokens.
    pub(crate) vocabulary: usize,
}

impl Rows {
    /// Reads an array of whole numbers whose first axis counts questions of so many places. Every number is read once, whatever the
    /// array's type and strides, and no copy is made but the tokens.
    pub(crate) fn read(
        array: &Bound<'_, PyUntypedArray>,
        places: usize,
        encoding: Encoding,
    ) -> PyResult<Rows> {
        macro_rules! of {
            ($($number:ty),*) => {
                $(if let Ok(array) = array.extract::<PyReadonlyArrayDyn<'_, $number>>() {
                    let array = array.as_array();
                    // What does not fit is no token anyway.
                    let numbers = array.iter().map(|&n| i64::try_from(n).unwrap_or(i64::MIN));
                    return Rows::of(array.shape(), numbers, places, encoding);
                })*
            };
        }
        of!(u8, i64, i32, u16, i8, i16, u32, u64);
        Err(error::argument(format!(
            "questions: expected an array of whole numbers, found {}",
            array.dtype()
        )))
    }

    fn of(
        shape: &[usize],
        numbers: impl Iterator<Item = i64>,
        places: usize,
        encoding: Encoding,
    ) -> PyResult<Rows> {
        let [count, rest @ ..] = shape else {
            return Err(error::argument(
                "questions: expected an array of rows, found one number",
            ));
        };
        if rest.is_empty() || rest.iter().product::<usize>() != places {
            return Err(error::argument(format!(
                "questions: expected an array of shape [questions, {places}], found {shape:?}"
            )));
        }
        let Encoding { shift, vocabulary } = encoding;
        let mut refused = BTreeMap::new();
        let token = |(at, number): (usize, i64)| {
            let token = number.saturating_add(shift);
            if (0..vocabulary as i64).contains(&token) {
                return token as u16;
            }
            let (row, place) = (at / places, at % places + 1);
            refused.entry(row).or_insert_with(|| {
                let (least, most) = (-shift, vocabulary as i64 - 1 - shift);
                let least = least.max(0);
                format!("place {place}: expected a number from {least} to {most}, found {number}")
            });
            0
        };
        Ok(Rows {
            tokens: numbers.enumerate().map(token).collect(),
            refused,
            count: *count,
        })
    }

    /// The tokens of one row, or what is wrong with it.
    pub(crate) fn row(&self, row: usize, places: usize) -> Result<&[u16], &str> {
        match self.refused.get(&row) {
            Some(text) => Err(text),
            None => Ok(&self.tokens[row * places..(row + 1) * places]),
        }
    }
}
