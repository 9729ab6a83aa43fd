//! The values of JSON that is not written one a line: what stands in one array, or one after another over several lines.

use super::Dialect;
use super::lines::Line;
use serde_json::Value;
use std::collections::VecDeque;
use std::io::{self, BufRead, ErrorKind};

/// Most bytes of an array of which it is asked whether it is one grid.
const MOST: usize = 1 << 16;
/// Most rows or columns of a grid.
const SIDE: usize = 64;

/// Finds the values of a stream and holds one at a time. An array is what it lists, or one grid if it is small and looks like one.
pub(super) struct Values {
    dialect: Dialect,
    line: u64,
    column: usize,
    /// Whether an array is open whose items are the values.
    listing: bool,
    /// The array that was opened, while it may still be one grid.
    whole: Option<Piece>,
    /// The value being read.
    piece: Option<Piece>,
    depth: usize,
    string: bool,
    escape: bool,
    /// Values that were read.
    found: VecDeque<Line>,
}

/// A part of the stream.
struct Piece {
    line: u64,
    column: usize,
    /// None where it is too long.
    bytes: Option<Vec<u8>>,
    most: usize,
}

impl Piece {
    fn push(&mut self, byte: u8) {
        if let Some(bytes) = &mut self.bytes {
            bytes.push(byte);
            if bytes.len() > self.most {
                self.bytes = None;
            }
        }
    }
}

impl Values {
    /// Whether an input that begins like this is such JSON.
    pub(super) fn begin(start: &[u8], dialect: Dialect) -> bool {
        let start = start
            .strip_prefix(b"\xef\xbb\xbf")
            .unwrap_or(start)
            .trim_ascii_start();
        match start {
            [b'[', rest @ ..] => match rest.trim_ascii() {
                [b'{', rest @ ..] => matches!(rest.trim_ascii_start(), [b'"' | b'}', ..]),
                [] => start.len() > 1,
                // Where brackets may be cells, only objects are sure.
                [b'[' | b'"' | b'-' | b']' | b'0'..=b'9', ..] => dialect.lists,
                _ => false,
            },
            // An object a line ends with it.
            [b'{', ..] => {
                let end = start.iter().position(|&byte| byte == b'\n');
                let first = end.map(|end| start[..end].trim_ascii_end());
                first.is_some_and(|line| matches!(line, [b'{'] | [b'{', .., b',' | b'[' | b'{']))
            }
            _ => false,
        }
    }

    pub(super) fn new(dialect: Dialect) -> Self {
        Values {
            dialect,
            line: 1,
            column: 1,
            listing: false,
            whole: None,
            piece: None,
            depth: 0,
            string: false,
            escape: false,
            found: VecDeque::new(),
        }
    }

    /// The line that is being read.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// The next value.
    pub(super) fn next(&mut self, reader: &mut impl BufRead) -> io::Result<Option<Line>> {
        loop {
            // While it may be a grid, what stands in an array waits.
            if self.whole.is_none()
                && let Some(line) = self.found.pop_front()
            {
                return Ok(Some(line));
            }
            let chunk = match reader.fill_buf() {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                chunk => chunk?,
            };
            if chunk.is_empty() {
                self.whole = None;
                self.close();
                return Ok(self.found.pop_front());
            }
            let mut used = 0;
            for &byte in chunk {
                used += 1;
                self.take(byte);
                if self.whole.is_none() && !self.found.is_empty() {
                    break;
                }
            }
            reader.consume(used);
        }
    }

    fn take(&mut self, byte: u8) {
        if let Some(whole) = &mut self.whole {
            whole.push(byte);
            if whole.bytes.is_none() {
                self.whole = None;
            }
        }
        if self.string {
            self.push(byte);
            match byte {
                _ if self.escape => self.escape = false,
                b'\\' => self.escape = true,
                b'"' => {
                    self.string = false;
                    if self.depth == 0 {
                        self.close();
                    }
                }
                _ => {}
            }
        } else {
            self.outside(byte);
        }
        if byte == b'\n' {
            self.line += 1;
            self.column = 1;
        } else {
            // Bytes that go on with a character are none of their own.
            self.column += usize::from(byte & 0xc0 != 0x80);
        }
    }

    /// A byte that stands in no text.
    fn outside(&mut self, byte: u8) {
        match byte {
            b'[' if self.depth == 0 && self.piece.is_none() && !self.listing => {
                self.listing = true;
                let mut whole = self.piece_of(MOST);
                whole.push(byte);
                self.whole = self.dialect.lists.then_some(whole);
            }
            b'[' | b'{' => {
                if self.depth == 0 {
                    self.close();
                }
                self.push(byte);
                self.depth += 1;
            }
            b']' | b'}' if self.depth > 0 => {
                self.push(byte);
                self.depth -= 1;
                if self.depth == 0 {
                    self.close();
                }
            }
            b']' if self.listing => {
                self.close();
                self.listing = false;
                self.end_whole();
            }
            b'"' => {
                self.push(byte);
                self.string = true;
            }
            b',' if self.depth == 0 => self.close(),
            _ if self.depth == 0 && byte.is_ascii_whitespace() => self.close(),
            b'\xef' | b'\xbb' | b'\xbf'
                if self.line == 1 && self.column <= 2 && self.piece.is_none() => {}
            _ => self.push(byte),
        }
    }

    fn piece_of(&self, most: usize) -> Piece {
        Piece {
            line: self.line,
            column: self.column,
            bytes: Some(Vec::new()),
            most,
        }
    }

    fn push(&mut self, byte: u8) {
        if self.piece.is_none() {
            self.piece = Some(self.piece_of(self.dialect.longest_value()));
        }
        if let Some(piece) = &mut self.piece {
            piece.push(byte);
        }
    }

    /// The value is over.
    fn close(&mut self) {
        if let Some(piece) = self.piece.take() {
            let line = self.line_of(piece);
            self.found.push_back(line);
        }
        self.depth = 0;
        self.string = false;
    }

    fn line_of(&self, piece: Piece) -> Line {
        let Piece {
            line,
            column,
            bytes,
            ..
        } = piece;
        Line {
            number: line,
            column,
            is_value: true,
            bytes,
            dialect: self.dialect,
        }
    }

    /// The array is over: what was found in it is one grid, or stands for itself.
    fn end_whole(&mut self) {
        let Some(whole) = self.whole.take() else {
            return;
        };
        let value = whole
            .bytes
            .as_deref()
            .and_then(|bytes| serde_json::from_slice::<Value>(bytes).ok());
        if value.is_some_and(|value| is_grid(&value)) {
            self.found.clear();
            let line = self.line_of(whole);
            self.found.push_back(line);
        }
    }
}

/// Whether an array is a grid, and not a list of grids: the cells of one, or its rows.
fn is_grid(value: &Value) -> bool {
    let Value::Array(items) = value else {
        return false;
    };
    if items.len() > 1 && items.iter().all(Value::is_number) {
        return true;
    }
    let row = |item: &Value| match item {
        Value::Array(cells)
            if cells
                .iter()
                .all(|cell| !cell.is_array() && !cell.is_object()) =>
        {
            Some(cells.len())
        }
        Value::String(text) => Some(text.chars().count()),
        _ => None,
    };
    let Some(columns) = items.first().and_then(row) else {
        return false;
    };
    let rows = items.len();
    let fits = (2..=SIDE).contains(&rows) && (2..=SIDE).contains(&columns);
    if !fits || items.iter().any(|item| row(item) != Some(columns)) {
        return false;
    }
    let root = columns.isqrt();
    match columns {
        // Sixteen cells are a puzzle of 4x4, too.
        16 if rows == 16 => items.iter().any(is_wide),
        _ => rows == columns || root * root != columns,
    }
}

/// Whether a row has a cell that a grid of 4x4 has not.
fn is_wide(row: &Value) -> bool {
    match row {
        Value::Array(cells) => cells
            .iter()
            .any(|cell| cell.as_f64().is_some_and(|n| n > 4.0) || is_wide(cell)),
        Value::String(text) => text
            .bytes()
            .any(|byte| matches!(byte, b'5'..=b'9' | b'a'..=b'g' | b'A'..=b'G')),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::Lines;
    use std::io::BufReader;

    fn values(input: &str, buffer: usize) -> Vec<(u64, usize, String)> {
        let mut lines = Lines::new(
            BufReader::with_capacity(buffer, input.as_bytes()),
            Dialect::PLAIN,
        );
        let line = |line: Line| {
            assert!(line.is_value);
            (
                line.number,
                line.column,
                String::from_utf8(line.bytes.unwrap()).unwrap(),
            )
        };
        std::iter::from_fn(|| lines.take().map(line)).collect()
    }

    #[test]
    fn values_have_places() {
        for buffer in [600, 8192] {
            let found = values(
                "[\n  {\"a\": \"]\\\"\",\n   \"b\": [1]}, \"é\", {}\n]\n[[1, 2], [3, 4]]\n[5,6,7,8]",
                buffer,
            );
            let own = |line, column, text: &str| (line, column, text.to_owned());
            assert_eq!(
                found,
                [
                    own(2, 3, "{\"a\": \"]\\\"\",\n   \"b\": [1]}"),
                    own(3, 15, "\"é\""),
                    own(3, 20, "{}"),
                    own(5, 1, "[[1, 2], [3, 4]]"),
                    own(6, 1, "[5,6,7,8]"),
                ]
            );
        }
        // What does not end is told by whoever reads it.
        assert_eq!(values("[{\"a\": [1", 99), [(1, 2, "{\"a\": [1".to_owned())]);
        assert_eq!(values("{\n\"a\": 1\n}\n{\"b\":\n2}", 99).len(), 2);
    }

    #[test]
    fn grids_are_told_from_lists() {
        let grid = |text: &str| is_grid(&serde_json::from_str(text).unwrap());
        assert!(grid("[1,2,3,4]") && grid("[[1,2],[3,4]]") && grid("[\"12\",\"34\"]"));
        assert!(grid("[[1,2,3],[4,5,6]]"));
        assert!(
            !grid("[[1,2,3,4],[4,5,6,7]]")
                && !grid("[\"a\"]")
                && !grid("[[[1]]]")
                && !grid("[[1,2],[3]]")
        );
    }

    #[test]
    fn a_huge_array_is_read_item_by_item() {
        let item = "[1,2,3,4]";
        let input = format!("[{}]", vec![item; 20_000].join(","));
        assert_eq!(values(&input, 4096).len(), 20_000);
        let long = format!("[{{\"a\": \"{}\"}}, 7]", "x".repeat(1 << 20));
        let mut lines = Lines::new(long.as_bytes(), Dialect::PLAIN);
        assert!(lines.take().unwrap().bytes.is_none());
        assert_eq!(lines.take().unwrap().bytes.as_deref(), Some(&b"7"[..]));
    }
}
