//! Arrays of integers as NumPy saves them (`.npy`, format versions 1 to 3).
//!
//! A file is a magic word, a version, the length of a header, the header (a Python dictionary in ASCII) and the numbers.
//! Read are `|u1`, `<i4` and `<i8` in C order, row by row; every other type is refused by its name. What is written is
//! what `numpy.save` writes, byte for byte.

use std::io::{self, Read};

use crate::error::{Error, Result};

pub use super::header::{Header, IntType};

/// Reads an array row by row. It keeps one row in memory.
#[derive(Debug)]
pub struct NpyReader<R> {
    reader: R,
    header: Header,
    row: Vec<u8>,
    left: u64,
}

impl<R: Read> NpyReader<R> {
    /// Reads the header of a file of so many bytes.
    ///
    /// # Errors
    /// [`Error::Format`] if it is no array of these types, or the file is not as long as its shape says.
    pub fn new(mut reader: R, file_bytes: u64) -> Result<Self> {
        let (header, start) = Header::read(&mut reader)?;
        let found = file_bytes.saturating_sub(start);
        match header.data_bytes() {
            Some(bytes) if bytes == found => {}
            bytes => {
                let bytes = bytes.map_or("more than any file has".into(), |b| b.to_string());
                let columns = header.columns.map(|n| format!(" {n}")).unwrap_or_default();
                return Err(Error::Format(format!(
                    "expected {bytes} bytes of data for shape ({},{columns}) of {}, found {found}",
                    header.rows,
                    header.kind.name(),
                )));
            }
        }
        // No more than the file holds; nothing where it holds no row.
        let bytes = if header.rows == 0 {
            0
        } else {
            header.row_len() as usize * header.kind.bytes()
        };
        Ok(NpyReader {
            reader,
            header,
            row: vec![0; bytes],
            left: header.rows,
        })
    }

    /// Type and shape.
    pub fn header(&self) -> Header {
        self.header
    }

    /// The numbers of the next row, none after the last.
    ///
    /// # Errors
    /// The system's, if the file cannot be read on.
    pub fn next_row(&mut self) -> io::Result<Option<impl Iterator<Item = i64> + '_>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.reader.read_exact(&mut self.row)?;
        self.left -= 1;
        let kind = self.header.kind;
        let numbers = self.row.chunks_exact(kind.bytes());
        Ok(Some(numbers.map(move |bytes| kind.get(bytes))))
    }
}

/// Appends numbers to a row; the first that does not fit the type is returned as an error.
pub(super) fn put_row(
    kind: IntType,
    numbers: impl IntoIterator<Item = i64>,
    row: &mut Vec<u8>,
) -> std::result::Result<(), i64> {
    for number in numbers {
        if !kind.put(number, row) {
            return Err(number);
        }
    }
    Ok(())
}

/// The file of a one-dimensional array.
pub(super) fn array_bytes(kind: IntType, numbers: &[i64]) -> io::Result<Vec<u8>> {
    let header = Header {
        kind,
        rows: numbers.len() as u64,
        columns: None,
    };
    let mut bytes = header.to_bytes();
    match put_row(kind, numbers.iter().copied(), &mut bytes) {
        Ok(()) => Ok(bytes),
        Err(number) => Err(io::Error::other(format!(
            "{number} does not fit {}",
            kind.name()
        ))),
    }
}
