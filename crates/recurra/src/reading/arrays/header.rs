//! The header of an `.npy` file: a Python dictionary of a type, an order and a shape.

use super::number::{NumberType, READ};
use crate::error::{Error, Result};
use std::io::{self, Read};

const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// NumPy itself reads no longer header without being asked to.
const MOST_HEADER: usize = 10_000;
/// The data begins at a multiple of this.
const ALIGN: usize = 64;
/// NumPy leaves room for the first number of the shape to grow to so many digits.
const GROWTH: usize = 21;

/// Types of the numbers that are written.
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
    /// NumPy's name of the type.
    pub fn name(self) -> &'static str {
        match self {
            IntType::U8 => "|u1",
            IntType::I32 => "<i4",
            IntType::I64 => "<i8",
        }
    }

    /// Appends a number, if it fits.
    pub(super) fn put(self, value: i64, out: &mut Vec<u8>) -> bool {
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

impl From<IntType> for NumberType {
    fn from(kind: IntType) -> Self {
        NumberType::named(kind.name()).expect("what is written is read")
    }
}

/// What stands before the numbers: an array of one or two dimensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Type of the numbers.
    pub kind: NumberType,
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
    pub(super) fn data_bytes(self) -> Option<u64> {
        let numbers = self.rows.checked_mul(self.row_len())?;
        numbers.checked_mul(self.kind.bytes() as u64)
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

/// The dictionary that stands before the numbers.
pub(in crate::reading) struct Dictionary {
    /// NumPy's name of the type.
    pub(in crate::reading) kind: String,
    /// Whether columns follow one another.
    pub(in crate::reading) fortran: bool,
    /// Length of every dimension.
    pub(in crate::reading) shape: Vec<u64>,
}

impl Dictionary {
    /// Reads all that stands before the numbers, and returns how many bytes that was.
    pub(in crate::reading) fn read(reader: &mut impl Read) -> Result<(Self, u64)> {
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
        Ok((parse(&text)?, (8 + bytes + length) as u64))
    }

    /// The type of the numbers.
    pub(in crate::reading) fn number_type(&self) -> Result<NumberType> {
        NumberType::named(&self.kind).ok_or_else(|| {
            let found = self.kind.escape_debug();
            Error::Format(format!("type: expected {READ}, found '{found}'"))
        })
    }

    /// The header of an array of the shapes that data sets have.
    pub(super) fn header(&self) -> Result<Header> {
        let (rows, columns) = match *self.shape {
            [rows] => (rows, None),
            [rows, columns] => (rows, Some(columns)),
            _ => {
                let found = format!("{} dimensions", self.shape.len());
                return Err(wrong("a shape of one or two dimensions", &found));
            }
        };
        Ok(Header {
            kind: self.number_type()?,
            rows,
            columns,
        })
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

/// A value of the dictionary.
enum Value {
    Text(String),
    Flag(bool),
    Shape(Vec<u64>),
}

/// Reads the dictionary with the keys `descr`, `fortran_order` and `shape`.
fn parse(text: &[u8]) -> Result<Dictionary> {
    if let Some(place) = text.iter().position(|byte| !byte.is_ascii()) {
        let found = format!("byte {:#04x} at position {}", text[place], place + 1);
        return Err(wrong("ASCII", &found));
    }
    let mut cursor = Cursor { text, place: 0 };
    let (mut kind, mut fortran, mut shape) = (None, None, None);
    cursor.expect(b'{')?;
    while !cursor.take(b'}') {
        let key = cursor.string()?;
        cursor.expect(b':')?;
        let again = match (key.as_str(), cursor.value()?) {
            ("descr", Value::Text(name)) => kind.replace(name).is_some(),
            ("fortran_order", Value::Flag(flag)) => fortran.replace(flag).is_some(),
            ("shape", Value::Shape(numbers)) => shape.replace(numbers).is_some(),
            _ => {
                let expected = "`descr` with a type's name, `fortran_order` with True or False, `shape` with numbers";
                return Err(wrong(expected, &format!("`{}`", key.escape_debug())));
            }
        };
        if again {
            return Err(wrong("each key once", &format!("`{key}` twice")));
        }
        if !cursor.take(b',') {
            cursor.expect(b'}')?;
            break;
        }
    }
    cursor.end()?;
    let (Some(kind), Some(fortran), Some(shape)) = (kind, fortran, shape) else {
        return Err(wrong("`descr`, `fortran_order` and `shape`", "fewer keys"));
    };
    Ok(Dictionary {
        kind,
        fortran,
        shape,
    })
}

fn wrong(expected: &str, found: &str) -> Error {
    Error::Format(format!("header: expected {expected}, found {found}"))
}

/// A place in the text.
struct Cursor<'a> {
    text: &'a [u8],
    place: usize,
}

impl Cursor<'_> {
    /// The next byte that is no white space.
    fn peek(&mut self) -> Option<u8> {
        while self.text.get(self.place)?.is_ascii_whitespace() {
            self.place += 1;
        }
        self.text.get(self.place).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.place += usize::from(there);
        there
    }

    fn expect(&mut self, byte: u8) -> Result<()> {
        if self.take(byte) {
            return Ok(());
        }
        Err(self.wrong(&format!("'{}'", char::from(byte))))
    }

    fn end(&mut self) -> Result<()> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.wrong("its end")),
        }
    }

    fn wrong(&mut self, expected: &str) -> Error {
        let found = match self.peek() {
            None => "its end".into(),
            Some(byte) => format!("{:?} at position {}", char::from(byte), self.place + 1),
        };
        wrong(expected, &found)
    }

    /// Text in quotes. No name that counts has an escape in it.
    fn string(&mut self) -> Result<String> {
        let quote = match self.peek() {
            Some(quote @ (b'\'' | b'"')) => quote,
            _ => return Err(self.wrong("text in quotes")),
        };
        let rest = &self.text[self.place + 1..];
        let Some(length) = rest.iter().position(|&byte| byte == quote) else {
            return Err(self.wrong("a quote that closes"));
        };
        self.place += length + 2;
        Ok(rest[..length].iter().copied().map(char::from).collect())
    }

    fn value(&mut self) -> Result<Value> {
        match self.peek() {
            Some(b'\'' | b'"') => self.string().map(Value::Text),
            Some(b'(') => self.shape().map(Value::Shape),
            _ => {
                let rest = &self.text[self.place..];
                for (name, flag) in [("True", true), ("False", false)] {
                    if rest.starts_with(name.as_bytes()) {
                        self.place += name.len();
                        return Ok(Value::Flag(flag));
                    }
                }
                Err(self.wrong("text, True, False or a tuple of numbers"))
            }
        }
    }

    fn shape(&mut self) -> Result<Vec<u64>> {
        self.expect(b'(')?;
        let mut numbers = Vec::new();
        while !self.take(b')') {
            numbers.push(self.number()?);
            if !self.take(b',') {
                self.expect(b')')?;
                break;
            }
        }
        Ok(numbers)
    }

    fn number(&mut self) -> Result<u64> {
        self.peek();
        let rest = &self.text[self.place..];
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let text = String::from_utf8_lossy(&rest[..digits]);
        match text.parse() {
            Ok(number) => {
                self.place += digits;
                Ok(number)
            }
            Err(_) if digits == 0 => Err(self.wrong("a number of 0 or more")),
            Err(_) => Err(wrong("a number below 2^64", &text)),
        }
    }
}
