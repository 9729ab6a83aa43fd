//! XML of OpenSudoku: each `game` is a line of text with its cells, in the line where it stands.

use super::unreadable;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::io::{self, BufRead, Read};

/// Most bytes of a tag, or of the text between two: a saved game with all its notes has a tenth of it.
const MOST: usize = 1 << 16;
/// Bytes of text that are aimed at before more is read.
const BUFFER: usize = 1 << 14;

/// Counts what is read, and ends where a piece is too long.
struct Counted<R> {
    inner: R,
    left: usize,
    /// Line ends that were read.
    lines: u64,
}

impl<R: BufRead> Read for Counted<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.fill_buf()?.read(out)?;
        self.consume(n);
        Ok(n)
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 {
            return Err(unreadable(
                format!("a tag of at most {MOST} bytes"),
                "a longer one",
            ));
        }
        let chunk = self.inner.fill_buf()?;
        Ok(&chunk[..chunk.len().min(self.left)])
    }

    fn consume(&mut self, n: usize) {
        // What was shown and is still there, as nothing else reads in between.
        if let Ok(chunk) = self.inner.fill_buf() {
            self.lines += chunk[..n.min(chunk.len())]
                .iter()
                .filter(|&&byte| byte == b'\n')
                .count() as u64;
        }
        self.left = self.left.saturating_sub(n);
        self.inner.consume(n);
    }
}

/// The games of a stream, as text.
pub(super) struct Games<R: BufRead> {
    reader: Reader<Counted<R>>,
    piece: Vec<u8>,
    text: Vec<u8>,
    used: usize,
    /// Lines of text that were made.
    lines: u64,
    /// Whether there was any game.
    any: bool,
    /// The name of the first tag.
    root: Option<String>,
    ended: bool,
    failed: Option<io::Error>,
}

impl<R: BufRead> Games<R> {
    /// Of XML in UTF-8.
    pub(super) fn new(inner: R) -> Self {
        Games {
            reader: Reader::from_reader(Counted {
                inner,
                left: MOST,
                lines: 0,
            }),
            piece: Vec::new(),
            text: Vec::new(),
            used: 0,
            lines: 0,
            any: false,
            root: None,
            ended: false,
            failed: None,
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        if self.used < self.text.len() {
            return Ok(());
        }
        self.text.clear();
        self.used = 0;
        while !self.ended && self.text.len() < BUFFER {
            if let Err(error) = self.step() {
                self.ended = true;
                self.failed = Some(error);
            }
        }
        match self.failed.take_if(|_| self.text.is_empty()) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// Reads a piece of the XML.
    fn step(&mut self) -> io::Result<()> {
        self.reader.get_mut().left = MOST;
        let line = self.reader.get_ref().lines;
        // A game's place is told by the line of the text.
        for _ in self.lines..line {
            self.text.push(b'\n');
            self.lines += 1;
        }
        self.piece.clear();
        let event = self
            .reader
            .read_event_into(&mut self.piece)
            .map_err(|error| match error {
                quick_xml::Error::Io(error) => io::Error::new(error.kind(), error.to_string()),
                other => unreadable("well-formed XML", other.to_string()),
            })?;
        match event {
            Event::Start(tag) | Event::Empty(tag) => {
                let name = tag.name();
                let name: &str = name.as_ref();
                if name == "game" {
                    let text = game(&tag)?;
                    self.any = true;
                    self.text.extend_from_slice(text.as_bytes());
                    self.text.push(b'\n');
                    self.lines += 1;
                }
                self.root
                    .get_or_insert_with(|| name.escape_debug().take(40).collect());
            }
            Event::Eof => {
                self.ended = true;
                if !self.any {
                    let root = self.root.as_deref().unwrap_or_default();
                    return Err(unreadable(
                        "XML with games (`game` with `data`, as OpenSudoku writes it)",
                        format!("none in `{root}`"),
                    ));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// The cells of a game.
fn game(tag: &BytesStart<'_>) -> io::Result<String> {
    let damaged = |error: &dyn std::fmt::Display| unreadable("well-formed XML", error.to_string());
    let data = tag
        .try_get_attribute("data")
        .map_err(|error| damaged(&error))?;
    let Some(data) = data else {
        // An empty line would hide it.
        return Ok("(a game without data)".into());
    };
    let text = quick_xml::escape::unescape(&data.value).map_err(|error| damaged(&error))?;
    Ok(givens(&text).unwrap_or_else(|| text.replace(['\r', '\n'], " ")))
}

/// The givens of a game that was saved with its state: for each cell its value, notes, and whether it can be changed.
fn givens(text: &str) -> Option<String> {
    let cells = text.trim().strip_prefix("version:")?;
    let (_, cells) = cells.trim_start().split_once(['\n', ' '])?;
    let fields: Vec<&str> = cells.trim().trim_end_matches('|').split('|').collect();
    // Later versions have notes of two kinds.
    let width = [3, 4]
        .into_iter()
        .find(|width| fields.len() == 81 * width)?;
    let given = |cell: &[&str]| match (cell[0], cell[width - 1]) {
        (value, "0") if value.len() == 1 => value.to_owned(),
        _ => "0".into(),
    };
    Some(fields.chunks(width).map(given).collect())
}

impl<R: BufRead> Read for Games<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.fill_buf()?.read(out)?;
        self.consume(n);
        Ok(n)
    }
}

impl<R: BufRead> BufRead for Games<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.fill()?;
        Ok(&self.text[self.used..])
    }

    fn consume(&mut self, n: usize) {
        self.used = (self.used + n).min(self.text.len());
    }
}
