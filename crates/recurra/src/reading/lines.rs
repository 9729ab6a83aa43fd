//! Lines of an input, counted, of bounded length; or the values of JSON that is not written one a line.

use super::source::{Source, Unreadable};
use super::values::Values;
use super::{Dialect, InputError, Place, Text};
use std::collections::VecDeque;
use std::io::{self, BufRead, ErrorKind};

/// A line without its end.
pub struct Line {
    /// Counted from 1.
    pub(super) number: u64,
    /// Where it begins: 1, but for values of JSON.
    pub(super) column: usize,
    /// Whether it is a value of JSON, which may go over several lines.
    pub(super) is_value: bool,
    /// None where the line is too long to be kept.
    pub(super) bytes: Option<Vec<u8>>,
    pub(super) dialect: Dialect,
}

impl Line {
    /// The whole line.
    ///
    /// # Errors
    /// That it is too long to be kept.
    pub fn text(&self) -> Result<Text<'_>, InputError> {
        match &self.bytes {
            Some(bytes) => {
                let (line, column) = (self.number, Some(self.column));
                let start = Place { line, column };
                Ok(Text { bytes, start })
            }
            None => {
                let expected = match self.is_value {
                    false => format!("a line of at most {} bytes", self.dialect.longest),
                    true => format!("a value of at most {} bytes", self.dialect.longest_value()),
                };
                Err(Place::line(self.number).error(expected, "a longer one"))
            }
        }
    }

    /// Counted from 1.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The text without white space around it, empty where there is none.
    fn trimmed(&self) -> &[u8] {
        self.bytes.as_deref().unwrap_or_default().trim_ascii()
    }

    /// Whether nothing but white space stands there.
    pub fn is_blank(&self) -> bool {
        self.bytes.is_some() && self.trimmed().is_empty()
    }

    /// Whether it is a comment.
    pub fn is_comment(&self) -> bool {
        !self.is_value && self.dialect.begins_comment(self.trimmed())
    }
}

/// Reads lines one by one, with a look at those to come.
pub struct Lines<R: BufRead> {
    reader: Source<R>,
    dialect: Dialect,
    /// Finds values, where the input is JSON that is not written one a line.
    values: Option<Box<Values>>,
    read: u64,
    ahead: VecDeque<Line>,
    /// Why reading ended before the end, told after the lines that were read.
    failed: Option<io::Error>,
    ended: bool,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(reader: R, dialect: Dialect) -> Self {
        Lines {
            reader: Source::new(reader),
            dialect,
            values: None,
            read: 0,
            ahead: VecDeque::new(),
            failed: None,
            ended: false,
        }
    }

    /// The next line; None at the end or where reading failed.
    pub fn take(&mut self) -> Option<Line> {
        match self.ahead.pop_front() {
            None => self.read_line(),
            line => line,
        }
    }

    /// A line to come: 0 is what [`Lines::take`] will return.
    pub fn peek(&mut self, ahead: usize) -> Option<&Line> {
        while self.ahead.len() <= ahead {
            let line = self.read_line()?;
            self.ahead.push_back(line);
        }
        self.ahead.get(ahead)
    }

    /// Whether reading failed and nobody has asked why yet.
    pub fn failed(&self) -> bool {
        self.failed.is_some()
    }

    /// Why reading failed, once, with the number of the line that could not be read.
    pub(super) fn failure(&mut self) -> Option<InputError> {
        let error = self.failed.take()?;
        let line = self
            .values
            .as_ref()
            .map_or(self.read + 1, |values| values.line());
        let why = error
            .get_ref()
            .and_then(|why| why.downcast_ref::<Unreadable>());
        Some(match why {
            Some(Unreadable { expected, found }) => Place::line(line).error(expected, found),
            None => Place::line(line).error("to read on", error.to_string()),
        })
    }

    fn read_line(&mut self) -> Option<Line> {
        if self.ended {
            return None;
        }
        if let Some(values) = &mut self.values {
            let value = values.next(&mut self.reader);
            return self.ended_by(value);
        }
        let mut kept = Vec::new();
        let mut length = 0u64;
        let mut first = self.read == 0;
        loop {
            let chunk = match self.reader.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => {
                    // Half a line may look like a whole one: it is not shown to anybody.
                    self.failed = Some(error);
                    self.ended = true;
                    return None;
                }
            };
            if std::mem::take(&mut first) && Values::begin(chunk, self.dialect) {
                let values = self.values.insert(Box::new(Values::new(self.dialect)));
                let value = values.next(&mut self.reader);
                return self.ended_by(value);
            }
            if chunk.is_empty() {
                self.ended = true;
                if length == 0 {
                    return None;
                }
                break;
            }
            let end = chunk.iter().position(|&byte| byte == b'\n');
            let part = &chunk[..end.unwrap_or(chunk.len())];
            // Room for the byte-order mark, CR and one more, which tells that the line is too long.
            let room = self.dialect.longest + 5 - kept.len();
            kept.extend_from_slice(&part[..part.len().min(room)]);
            let used = part.len() + usize::from(end.is_some());
            length = length.saturating_add(part.len() as u64 + u64::from(end.is_some()));
            self.reader.consume(used);
            if end.is_some() {
                break;
            }
        }
        self.read += 1;
        if self.read == 1 && kept.starts_with(b"\xef\xbb\xbf") {
            kept.drain(..3);
        }
        if kept.last() == Some(&b'\r') {
            kept.pop();
        }
        let (dialect, most) = (self.dialect, self.dialect.longest);
        if dialect.begins_comment(kept.trim_ascii_start()) {
            kept.truncate(most);
        }
        Some(Line {
            number: self.read,
            column: 1,
            is_value: false,
            bytes: (kept.len() <= most).then_some(kept),
            dialect,
        })
    }

    /// A value, or the end.
    fn ended_by(&mut self, value: io::Result<Option<Line>>) -> Option<Line> {
        let line = value.unwrap_or_else(|error| {
            self.failed = Some(error);
            None
        });
        self.ended = line.is_none();
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufReader, Read};

    const MOST: usize = 4096;
    const RULES: Dialect = Dialect {
        longest: MOST,
        ..Dialect::PLAIN
    };

    fn texts(input: &[u8], buffer: usize) -> Vec<(u64, Option<Vec<u8>>)> {
        let mut lines = Lines::new(BufReader::with_capacity(buffer, input), RULES);
        std::iter::from_fn(|| lines.take().map(|line| (line.number, line.bytes))).collect()
    }

    #[test]
    fn line_ends_and_the_mark_are_taken_off() {
        for buffer in [1, 2, 100] {
            let lines = texts(b"\xef\xbb\xbfa\r\nb\n\n\r\nc", buffer);
            let expected = [b"a".as_slice(), b"b", b"", b"", b"c"];
            assert!(lines.iter().map(|l| l.1.as_deref().unwrap()).eq(expected));
            assert!(lines.iter().map(|l| l.0).eq(1..=5));
        }
        assert!(texts(b"", 8).is_empty());
    }

    #[test]
    fn too_long_a_line_is_not_kept() {
        let mut input = vec![b'1'; MOST];
        input.extend_from_slice(b"\r\n");
        input.extend(vec![b'1'; MOST + 1]);
        input.push(b'\n');
        input.extend(vec![b'1'; 1 << 20]);
        input.extend_from_slice(b"\nend");
        let lines = texts(&input, 512);
        let kept: Vec<_> = lines.iter().map(|l| l.1.as_ref().map(Vec::len)).collect();
        assert_eq!(kept, [Some(MOST), None, None, Some(3)]);
    }

    #[test]
    fn looking_ahead_takes_nothing() {
        let mut lines = Lines::new(b"a\nb".as_slice(), RULES);
        assert_eq!(lines.peek(1).unwrap().number, 2);
        assert!(lines.peek(2).is_none());
        assert_eq!(lines.take().unwrap().number, 1);
        assert_eq!(lines.take().unwrap().number, 2);
        assert!(lines.take().is_none());
    }

    #[test]
    fn a_failure_is_told_after_what_was_read() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("disk on fire"))
            }
        }
        let mut lines = Lines::new(BufReader::new(b"a\nhalf".chain(Broken)), RULES);
        assert!(lines.take().is_some() && lines.take().is_none());
        let error = lines.failure().unwrap();
        assert_eq!((error.line, error.found.as_str()), (2, "disk on fire"));
        assert!(lines.failure().is_none() && lines.take().is_none());
    }
}
