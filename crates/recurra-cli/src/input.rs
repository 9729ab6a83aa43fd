//! Puzzles from a file or standard input, as many at a time as are there.

use crate::exit;
use anyhow::anyhow;
use recurra::reading::Content;
use recurra::tasks::Task;
use recurra::tasks::data;
use recurra::tasks::dataset::Part;
use recurra::tasks::task::Entry;
use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufRead, IsTerminal, Read};
use std::path::Path;
use std::rc::Rc;

/// The puzzles of one input.
pub(crate) struct Puzzles {
    name: String,
    reader: Box<dyn Iterator<Item = Entry>>,
    /// Whether the next puzzle can be had without waiting for whoever writes the input.
    ready: Rc<Cell<bool>>,
    typed: bool,
    /// Whether notes about the input are told.
    noted: bool,
}

impl Puzzles {
    /// Opens a file, standard input for `-`, or a folder of arrays in the published form: itself or the `test` in it.
    pub(crate) fn open(path: &Path, task: &dyn Task) -> anyhow::Result<Self> {
        let mut waits = true;
        let (name, inner, typed): (_, Box<dyn Read>, _) = if path == Path::new("-") {
            let stdin = io::stdin();
            let typed = stdin.is_terminal();
            ("<stdin>".to_owned(), Box::new(stdin.lock()), typed)
        } else {
            let failed = |e: io::Error| anyhow!("{}: {e}", path.display());
            let metadata = std::fs::metadata(path).map_err(failed)?;
            waits = !metadata.is_file();
            if metadata.is_dir() {
                return Ok(Puzzles {
                    name: path.display().to_string(),
                    reader: Box::new(data::Puzzles::open(path, Part::Test, Some(task))?),
                    ready: Rc::new(Cell::new(true)),
                    typed: false,
                    noted: true,
                });
            }
            let file = File::open(path).map_err(failed)?;
            (path.display().to_string(), Box::new(file), false)
        };
        let ready = Rc::new(Cell::new(!waits));
        let watched = Watched {
            inner,
            buffer: vec![0; 1 << 16],
            filled: 0,
            used: 0,
            ready: ready.clone(),
            comment: task.comment(),
            waits,
        };
        Ok(Puzzles {
            name,
            reader: task.read(Box::new(watched)),
            ready,
            typed,
            noted: true,
        })
    }

    /// The same, for a look at an input that is read again.
    pub(crate) fn without_notes(self) -> Self {
        let noted = false;
        Puzzles { noted, ..self }
    }

    /// Name for messages.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether somebody is typing.
    pub(crate) fn typed(&self) -> bool {
        self.typed
    }

    /// The next entries, at most so many: waits for one, and takes the others that need no waiting. Empty at
    /// the end.
    pub(crate) fn chunk(&mut self, most: usize) -> Vec<Entry> {
        let mut entries = Vec::new();
        while entries.len() < most && (entries.is_empty() || self.ready.get()) {
            match self.reader.next() {
                Some(entry) => {
                    note(&self.name, entry.note.as_deref().filter(|_| self.noted));
                    entries.push(entry);
                }
                None => break,
            }
        }
        entries
    }
}

/// Tells what a reader says of an input beside its puzzles.
pub(crate) fn note(name: &str, note: Option<&str>) {
    if let Some(note) = note {
        exit::message(&format!("note: {name}: {note}"));
    }
}

/// A buffered reader that tells whether it holds a whole line that may be a puzzle.
///
/// To say "no" too often costs nothing but a smaller chunk; to say "yes" wrongly would leave somebody
/// waiting for an answer until the next line is written.
struct Watched {
    inner: Box<dyn Read>,
    buffer: Vec<u8>,
    filled: usize,
    used: usize,
    ready: Rc<Cell<bool>>,
    /// What a line begins with that is none.
    comment: Option<&'static str>,
    /// Whether it may have to wait: a file is there as a whole, and of what is no text, lines are not known.
    waits: bool,
}

impl Watched {
    fn look(&self) {
        if !self.waits {
            return;
        }
        let mut rest = &self.buffer[self.used..self.filled];
        let mut ready = false;
        while let Some(end) = rest.iter().position(|&byte| byte == b'\n') {
            let line = rest[..end].trim_ascii_start();
            let cell = |byte: &u8| !byte.is_ascii_whitespace() && !b"|+-".contains(byte);
            if !self.comment.is_some_and(|c| line.starts_with(c.as_bytes()))
                && line.iter().any(cell)
            {
                ready = true;
                break;
            }
            rest = &rest[end + 1..];
        }
        self.ready.set(ready);
    }
}

impl Read for Watched {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.fill_buf()?.read(out)?;
        self.consume(n);
        Ok(n)
    }
}

impl BufRead for Watched {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.used == self.filled {
            (self.used, self.filled) = (0, 0);
            let first = self.used == 0 && self.filled == 0;
            self.filled = self.inner.read(&mut self.buffer)?;
            if first && self.waits && Content::of(&self.buffer[..self.filled]) != Content::Text {
                self.waits = false;
                self.ready.set(true);
            }
            self.look();
        }
        Ok(&self.buffer[self.used..self.filled])
    }

    fn consume(&mut self, n: usize) {
        self.used = (self.used + n).min(self.filled);
        self.look();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use recurra::tasks::sudoku::Sudoku;

    /// Gives its parts one by one, as a pipe does.
    struct Parts(Vec<&'static [u8]>);

    impl Read for Parts {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                return Ok(0);
            }
            let part = self.0.remove(0);
            out[..part.len()].copy_from_slice(part);
            Ok(part.len())
        }
    }

    #[test]
    fn a_chunk_is_what_needs_no_waiting() {
        let ready = Rc::new(Cell::new(false));
        let watched = Watched {
            inner: Box::new(Parts(vec![
                b"1...............\n2...............\n\n# 3\n--+--\n",
                b"4...............\n1..",
                b".............\n2...............",
            ])),
            buffer: vec![0; 256],
            filled: 0,
            used: 0,
            ready: ready.clone(),
            comment: Some("#"),
            waits: true,
        };
        let mut puzzles = Puzzles {
            name: String::new(),
            reader: Sudoku::new(4).unwrap().read(Box::new(watched)),
            ready,
            typed: false,
            noted: true,
        };
        let mut chunks = Vec::new();
        loop {
            let lines: Vec<u64> = puzzles.chunk(8).iter().map(|entry| entry.line).collect();
            if lines.is_empty() {
                break;
            }
            chunks.push(lines);
        }
        assert_eq!(chunks, [vec![1, 2], vec![6], vec![7], vec![8]]);
    }
}
