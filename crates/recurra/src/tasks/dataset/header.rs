//! The header of an `.npy` file: a Python dictionary of a type, an order and a shape.

use super::npy::{Header, IntType};
use crate::error::{Error, Result};

/// A value of the dictionary.
enum Value {
    Text(String),
    Flag(bool),
    Shape(Vec<u64>),
}

/// Reads the dictionary with the keys `descr`, `fortran_order` and `shape`.
pub(super) fn parse(text: &[u8]) -> Result<Header> {
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
    if fortran {
        return Err(wrong("rows one after the other (C order)", "Fortran order"));
    }
    let Some(int) = IntType::from_name(&kind) else {
        let big = if kind.starts_with('>') {
            " (the highest byte first)"
        } else {
            ""
        };
        let found = format!("'{}'{big}", kind.escape_debug());
        return Err(Error::Format(format!(
            "type: expected '|u1', '<i4' or '<i8', found {found}"
        )));
    };
    let (rows, columns) = match *shape {
        [rows] => (rows, None),
        [rows, columns] => (rows, Some(columns)),
        _ => {
            let found = format!("{} dimensions", shape.len());
            return Err(wrong("a shape of one or two dimensions", &found));
        }
    };
    Ok(Header {
        kind: int,
        rows,
        columns,
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
