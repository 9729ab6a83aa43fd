//! Lines of an input, counted, of bounded length.

use std::collections::VecDeque;
use std::io::{self, BufRead, ErrorKind};

/// Bytes a line may have. The largest puzzle with its answer needs a seventh of it.
pub(super) const MAX_LINE: usize = 4096;

/// A line without its end.
pub(super) struct Line {
    /// Counted from 1.
    pub(super) number: u64,
    /// None where the line is too long to be kept.
    pub(super) text: Option<Vec<u8>>,
}

impl Line {
    /// The text without white space around it, empty where there is none.
    fn trimmed(&self) -> &[u8] {
        self.text.as_deref().unwrap_or_default().trim_ascii()
    }

    pub(super) fn is_blank(&self) -> bool {
        self.text.is_some() && self.trimmed().is_empty()
    }

    pub(super) fn is_comment(&self) -> bool {
        self.trimmed().starts_with(b"#")
    }
}

/// Reads lines one by one, with a look at those to come.
pub(super) struct Lines<R> {
    reader: R,
    read: u64,
    ahead: VecDeque<Line>,
    /// Why reading ended before the end, told after the lines that were read.
    failed: Option<io::Error>,
    ended: bool,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Lines {
            reader,
            read: 0,
            ahead: VecDeque::new(),
            failed: None,
            ended: false,
        }
    }

    /// The next line; None at the end or where reading failed.
    pub(super) fn take(&mut self) -> Option<Line> {
        match self.ahead.pop_front() {
            None => self.read_line(),
            line => line,
        }
    }

    /// A line to come: 0 is what [`Lines::take`] will return.
    pub(super) fn peek(&mut self, ahead: usize) -> Option<&Line> {
        while self.ahead.len() <= ahead {
            let line = self.read_line()?;
            self.ahead.push_back(line);
        }
        self.ahead.get(ahead)
    }

    /// Whether reading failed and nobody has asked why yet.
    pub(super) fn failed(&self) -> bool {
        self.failed.is_some()
    }

    /// Why reading failed, once, with the number of the line that could not be read.
    pub(super) fn failure(&mut self) -> Option<(u64, io::Error)> {
        self.failed.take().map(|error| (self.read + 1, error))
    }

    fn read_line(&mut self) -> Option<Line> {
        if self.ended {
            return None;
        }
        let mut kept = Vec::new();
        let mut length = 0u64;
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
            let room = MAX_LINE + 5 - kept.len();
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
        let comment = kept.trim_ascii_start().starts_with(b"#");
        if comment {
            kept.truncate(MAX_LINE);
        }
        Some(Line {
            number: self.read,
            text: (kept.len() <= MAX_LINE).then_some(kept),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufReader, Read};

    fn texts(input: &[u8], buffer: usize) -> Vec<(u64, Option<Vec<u8>>)> {
        let mut lines = Lines::new(BufReader::with_capacity(buffer, input));
        std::iter::from_fn(|| lines.take().map(|line| (line.number, line.text))).collect()
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
        let mut input = vec![b'1'; MAX_LINE];
        input.extend_from_slice(b"\r\n");
        input.extend(vec![b'1'; MAX_LINE + 1]);
        input.push(b'\n');
        input.extend(vec![b'1'; 1 << 20]);
        input.extend_from_slice(b"\nend");
        let lines = texts(&input, 512);
        let kept: Vec<_> = lines.iter().map(|l| l.1.as_ref().map(Vec::len)).collect();
        assert_eq!(kept, [Some(MAX_LINE), None, None, Some(3)]);
    }

    #[test]
    fn looking_ahead_takes_nothing() {
        let mut lines = Lines::new(b"a\nb".as_slice());
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
        let mut lines = Lines::new(BufReader::new(b"a\nhalf".chain(Broken)));
        assert!(lines.take().is_some() && lines.take().is_none());
        let (line, error) = lines.failure().unwrap();
        assert_eq!((line, error.to_string().as_str()), (2, "disk on fire"));
        assert!(lines.failure().is_none() && lines.take().is_none());
    }
}
