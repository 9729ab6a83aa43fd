//! Arrays of integers as NumPy saves them (`.npy`, format versions 1 to 3).
//!
//! A file is a magic word, a version, the length of a header, the header (a Python dictionary in ASCII) and the numbers.
//! Read are `|u1`, `<i4` and `<i8` in C order, row by row; every other type is refused by its name. What is written is
//! what `numpy.save` writes, byte for byte.

use std::io::{self, Read};

use super::header;
use crate::error::{Error, Result};

const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// NumPy itself reads no longer header without being asked to.
const MOST_HEADER: usize = 10_000;
/// The data begins at a multiple of this.
const ALIGN: usize = 64;
/// NumPy leaves room for the first number of the shape to grow to so many digits.
const GROWTH: usize = 21;

/// Type of the numbers of an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntType {
    /// One byte, without a sign: `|u1`.
    U8,
    /// Four bytes, the lowest first: `<i4`.
    I32,
    /// Eight bytes, the lowest first: `<i8`.
    I64,
}

impl IntType {
    /// Bytes of one number.
    pub fn bytes(self) -> usize {
        match self {
            IntType::U8 => 1,
            IntType::I32 => 4,
            IntType::I64 => 8,
        }
    }

    /// NumPy's name of the type.
    pub fn name(self) -> &'static str {
        match self {
            IntType::U8 => "|u1",
            IntType::I32 => "<i4",
            IntType::I64 => "<i8",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        let all = [IntType::U8, IntType::I32, IntType::I64];
        all.into_iter().find(|kind| kind.name() == name)
    }

    fn get(self, bytes: &[u8]) -> i64 {
        match self {
            IntType::U8 => bytes[0].into(),
            IntType::I32 => i32::from_le_bytes(bytes.try_into().expect("four bytes")).into(),
            IntType::I64 => i64::from_le_bytes(bytes.try_into().expect("eight bytes")),
        }
    }

    /// Appends a number, if it fits.
    fn put(self, value: i64, out: &mut Vec<u8>) -> bool {
        match self {
            IntType::U8 => u8::try_from(value).map(|v| out.push(v)).is_ok(),
            IntType::I32 => {
                let value = i32::try_from(value);
                value.map(|v| out.extend(v.to_le_bytes())).is_ok()
            }
            IntType::I64 => {
                out.extend(value.to_le_bytes());
                true
            }
        }
    }
}

/// What stands before the numbers: an array of one or two dimensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Type of the numbers.
    pub kind: IntType,
    /// Rows; of a one-dimensional array, its numbers.
    pub rows: u64,
    /// Numbers in a row; `None` for a one-dimensional array.
    pub columns: Option<u64>,
}

impl Header {
    /// Numbers in a row, 1 for a one-dimensional array.
    pub fn row_len(self) -> u64 {
        self.columns.unwrap_or(1)
    }

    /// Bytes of all numbers; none where no file could hold them.
    fn data_bytes(self) -> Option<u64> {
        let numbers = self.rows.checked_mul(self.row_len())?;
        numbers.checked_mul(self.kind.bytes() as u64)
    }

    /// Reads all that stands before the numbers, and returns how many bytes that was.
    fn read(reader: &mut impl Read) -> Result<(Self, u64)> {
        let mut start = [0; 8];
        fill(reader, &mut start, "the first 8 bytes of an .npy file")?;
        if &start[..6] != MAGIC {
            return Err(Error::Format(
                r"expected an .npy file, which begins with '\x93NUMPY', found another beginning"
                    .into(),
            ));
        }
        let mut length = [0; 4];
        let bytes = match start[6] {
            1 => 2,
            2 | 3 => 4,
            other => {
                let message = format!("expected .npy format version 1, 2 or 3, found {other}");
                return Err(Error::Format(message));
            }
        };
        fill(reader, &mut length[..bytes], "the header's length")?;
        let length = u32::from_le_bytes(length) as usize;
        if length > MOST_HEADER {
            return Err(Error::Format(format!(
                "expected a header of at most {MOST_HEADER} bytes, found {length}"
            )));
        }
        let mut text = vec![0; length];
        fill(reader, &mut text, &format!("a header of {length} bytes"))?;
        Ok((header::parse(&text)?, (8 + bytes + length) as u64))
    }

    /// All that stands before the numbers, as `numpy.save` writes it.
    pub fn to_bytes(self) -> Vec<u8> {
        let columns = self.columns.map(|n| format!(" {n}")).unwrap_or_default();
        let rows = self.rows.to_string();
        let room = GROWTH.saturating_sub(rows.len());
        let kind = self.kind.name();
        let mut text = format!(
            "{{'descr': '{kind}', 'fortran_order': False, 'shape': ({rows},{columns}), }}{:room$}",
            ""
        );
        let start = MAGIC.len() + 4;
        let padded = (start + text.len() + 1).next_multiple_of(ALIGN);
        text += &" ".repeat(padded - start - text.len() - 1);
        text.push('\n');
        let mut bytes = MAGIC.to_vec();
        bytes.extend([1, 0]);
        bytes.extend((text.len() as u16).to_le_bytes());
        bytes.extend(text.into_bytes());
        bytes
    }
}

/// Reads exactly so many bytes.
fn fill(reader: &mut impl Read, bytes: &mut [u8], expected: &str) -> Result<()> {
    reader.read_exact(bytes).map_err(|e| {
        let found = match e.kind() {
            io::ErrorKind::UnexpectedEof => "the end of the file".into(),
            _ => e.to_string(),
        };
        Error::Format(format!("expected {expected}, found {found}"))
    })
}

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
