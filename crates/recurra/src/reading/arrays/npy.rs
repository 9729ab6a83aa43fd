//! Arrays of numbers as NumPy saves them (`.npy`, format versions 1 to 3).
//!
//! A file is a magic word, a version, the length of a header, the header (a Python dictionary in ASCII) and the numbers.
//! Integers, floats and booleans of every length and order are read, row by row, also where the columns follow one another
//! (Fortran order). What is written is what `numpy.save` writes, byte for byte.

use std::io::{self, Read, Seek, SeekFrom};

use super::header::Dictionary;
use crate::error::{Error, Result};

pub use super::header::{Header, IntType};
pub use super::number::NumberType;

/// Reads an array row by row. It keeps one row in memory, or some where columns follow one another.
#[derive(Debug)]
pub struct NpyReader<R> {
    reader: R,
    header: Header,
    /// Where the numbers begin.
    start: u64,
    /// Whether columns follow one another.
    fortran: bool,
    /// Whole rows.
    rows: Vec<u8>,
    /// Those of them that have been given out.
    given: usize,
    left: u64,
}

/// Bytes of rows that are read at once where columns follow one another.
const BLOCK: usize = 1 << 20;

impl<R: Read + Seek> NpyReader<R> {
    /// Reads the header of a file of so many bytes.
    ///
    /// # Errors
    /// [`Error::Format`] if it is no array of numbers, or the file is not as long as its shape says.
    pub fn new(mut reader: R, file_bytes: u64) -> Result<Self> {
        let (dictionary, start) = Dictionary::read(&mut reader)?;
        let header = dictionary.header()?;
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
        Ok(NpyReader {
            reader,
            header,
            start,
            // A single row or column is the same in both orders.
            fortran: dictionary.fortran && header.rows > 1 && header.row_len() > 1,
            rows: Vec::new(),
            given: 0,
            left: header.rows,
        })
    }

    /// Type and shape.
    pub fn header(&self) -> Header {
        self.header
    }

    /// The numbers of the next row, none after the last. What is no whole number is returned as an error.
    ///
    /// # Errors
    /// The system's, if the file cannot be read on.
    pub fn next_row(
        &mut self,
    ) -> io::Result<Option<impl Iterator<Item = std::result::Result<i64, f64>> + '_>> {
        if self.left == 0 {
            return Ok(None);
        }
        let kind = self.header.kind;
        // No more than the file holds.
        let row = self.header.row_len() as usize * kind.bytes();
        if self.given * row >= self.rows.len() {
            self.given = 0;
            self.fill(row)?;
        }
        let numbers = &self.rows[self.given * row..][..row];
        self.given += 1;
        self.left -= 1;
        let numbers = numbers.chunks_exact(kind.bytes());
        Ok(Some(numbers.map(move |bytes| kind.get(bytes))))
    }

    /// Reads the next rows, of so many bytes each.
    fn fill(&mut self, row: usize) -> io::Result<()> {
        if !self.fortran {
            self.rows.resize(row, 0);
            return self.reader.read_exact(&mut self.rows);
        }
        let bytes = self.header.kind.bytes();
        let count = (BLOCK / row).max(1).min(self.left as usize);
        self.rows.resize(count * row, 0);
        let first = self.header.rows - self.left;
        let mut column = vec![0; count * bytes];
        for (place, number) in (0..self.header.row_len()).enumerate() {
            let at = (number * self.header.rows + first) * bytes as u64;
            self.reader.seek(SeekFrom::Start(self.start + at))?;
            self.reader.read_exact(&mut column)?;
            for (row, number) in self
                .rows
                .chunks_exact_mut(row)
                .zip(column.chunks_exact(bytes))
            {
                row[place * bytes..][..bytes].copy_from_slice(number);
            }
        }
        Ok(())
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
        kind: kind.into(),
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
