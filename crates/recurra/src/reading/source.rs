//! The door for every stream of puzzles: what it is, and the text that it says.
//!
//! Text is passed on as it is. What is packed, or in other letters, is unpacked on the way; arrays and XML become lines of text that the
//! readers know. Nothing is held in memory but a buffer (and, of a zip archive, its packed bytes). What is no puzzles is told by its name.

#[cfg(feature = "files")]
mod array;
#[cfg(feature = "files")]
mod games;
#[cfg(all(test, feature = "files"))]
mod tests;
#[cfg(feature = "files")]
mod zipped;

use super::content::{Content, ENOUGH};
use std::fmt;
use std::io::{self, BufRead, ErrorKind, Read};

#[cfg(feature = "files")]
use {
    array::Arrays,
    encoding_rs_io::{DecodeReaderBytes, DecodeReaderBytesBuilder},
    flate2::bufread::MultiGzDecoder,
    games::Games,
    std::io::BufReader,
    zipped::{Member, Unzipped},
};

/// Why a stream says no text: what was expected and what was found.
#[derive(Debug)]
pub(super) struct Unreadable {
    pub(super) expected: String,
    pub(super) found: String,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}, found {}", self.expected, self.found)
    }
}

impl std::error::Error for Unreadable {}

/// An error that [`super::Lines`] tells as it is.
pub(super) fn unreadable(expected: impl Into<String>, found: impl Into<String>) -> io::Error {
    let (expected, found) = (expected.into(), found.into());
    io::Error::new(ErrorKind::InvalidData, Unreadable { expected, found })
}

/// What else could have stood there.
const FORMS: &str = "puzzles as text, a table (CSV), JSON, XML of OpenSudoku or a NumPy array";

fn refused(name: &str, hint: &str) -> io::Error {
    unreadable(
        FORMS,
        if hint.is_empty() {
            name.to_owned()
        } else {
            format!("{name}: {hint}")
        },
    )
}

/// A stream whose beginning was looked at.
pub(super) struct Head<R> {
    head: Vec<u8>,
    used: usize,
    rest: R,
}

impl<R: BufRead> Head<R> {
    /// Looks at the beginning: up to the first line end, as text may come line by line, and else at as much as tells for sure.
    fn look(mut rest: R) -> io::Result<(Content, Self)> {
        let mut head = Vec::new();
        loop {
            let chunk = match rest.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let ends =
                chunk.is_empty() || chunk.contains(&b'\n') || head.len() + chunk.len() >= ENOUGH;
            if ends && head.is_empty() {
                return Ok((
                    Content::of(chunk),
                    Head {
                        head,
                        used: 0,
                        rest,
                    },
                ));
            }
            let length = chunk.len();
            head.extend_from_slice(chunk);
            rest.consume(length);
            if ends {
                return Ok((
                    Content::of(&head),
                    Head {
                        head,
                        used: 0,
                        rest,
                    },
                ));
            }
        }
    }
}

impl<R: BufRead> Read for Head<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.fill_buf()?.read(out)?;
        self.consume(n);
        Ok(n)
    }
}

impl<R: BufRead> BufRead for Head<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.used < self.head.len() {
            return Ok(&self.head[self.used..]);
        }
        self.rest.fill_buf()
    }

    fn consume(&mut self, n: usize) {
        if self.used < self.head.len() {
            self.used = (self.used + n).min(self.head.len());
        } else {
            self.rest.consume(n);
        }
    }
}

/// A stream in other letters, as UTF-8. Bytes that are none of its letters become U+FFFD.
#[cfg(feature = "files")]
type Decoded<R> = BufReader<DecodeReaderBytes<Head<R>, Vec<u8>>>;

#[cfg(feature = "files")]
fn decoded<R: BufRead>(head: Head<R>, encoding: &'static encoding_rs::Encoding) -> Decoded<R> {
    let mut decoder = DecodeReaderBytesBuilder::new();
    let decoder = decoder.encoding(Some(encoding)).bom_override(true);
    BufReader::new(decoder.build(head))
}

/// A stream of any kind that is not packed (again), as text.
enum Plain<R: BufRead> {
    Text(Head<R>),
    #[cfg(feature = "files")]
    Utf16(Box<Decoded<R>>),
    #[cfg(feature = "files")]
    Array(Box<Arrays<Head<R>>>),
    #[cfg(feature = "files")]
    Games(Box<Games<Decoded<R>>>),
}

impl<R: BufRead> Plain<R> {
    fn new(content: Content, head: Head<R>) -> io::Result<Self> {
        match content {
            Content::Text => Ok(Plain::Text(head)),
            #[cfg(feature = "files")]
            Content::Utf16Le | Content::Utf16Be => {
                let encoding = if content == Content::Utf16Le {
                    encoding_rs::UTF_16LE
                } else {
                    encoding_rs::UTF_16BE
                };
                Ok(Plain::Utf16(Box::new(decoded(head, encoding))))
            }
            #[cfg(feature = "files")]
            Content::Npy => Ok(Plain::Array(Box::new(Arrays::one(head)?))),
            #[cfg(feature = "files")]
            Content::Xml => {
                // A name in other letters costs no game: the XML reader would end there.
                let text = decoded(head, encoding_rs::UTF_8);
                Ok(Plain::Games(Box::new(Games::new(text))))
            }
            Content::Other { name, hint } => Err(refused(name, hint)),
            Content::Safetensors => {
                Err(refused(content.name(), "a model stands before the puzzles"))
            }
            other => Err(refused(other.name(), "")),
        }
    }

    #[cfg(feature = "files")]
    fn inner(&mut self) -> &mut dyn BufRead {
        match self {
            Plain::Text(text) => text,
            Plain::Utf16(text) => &mut **text,
            Plain::Array(text) => &mut **text,
            Plain::Games(text) => &mut **text,
        }
    }
}

/// A stream of any kind, as text.
enum Form<R: BufRead> {
    /// Nothing was read yet.
    New(R),
    Plain(Plain<R>),
    #[cfg(feature = "files")]
    Gzip(Box<Plain<BufReader<MultiGzDecoder<Head<R>>>>>),
    #[cfg(feature = "files")]
    Member(Box<Plain<BufReader<Member>>>),
    #[cfg(feature = "files")]
    Archive(Box<Arrays<BufReader<Member>>>),
    /// It says nothing, or nothing more.
    Ended,
}

/// A stream of any kind, as text. Nothing is read before the first line is asked for.
pub(super) struct Source<R: BufRead>(Form<R>);

impl<R: BufRead> Source<R> {
    pub(super) fn new(reader: R) -> Self {
        Source(Form::New(reader))
    }

    fn open(reader: R) -> io::Result<Form<R>> {
        let (content, head) = Head::look(reader)?;
        Ok(match content {
            #[cfg(feature = "files")]
            Content::Gzip => {
                let (content, head) =
                    Head::look(BufReader::with_capacity(1 << 16, MultiGzDecoder::new(head)))?;
                Form::Gzip(Box::new(Plain::new(content, head)?))
            }
            #[cfg(feature = "files")]
            Content::Zip => match zipped::open(head)? {
                Unzipped::Arrays(arrays) => Form::Archive(arrays),
                Unzipped::Member(member) => {
                    let (content, head) = Head::look(BufReader::with_capacity(1 << 16, member))?;
                    Form::Member(Box::new(Plain::new(content, head)?))
                }
            },
            content => Form::Plain(Plain::new(content, head)?),
        })
    }
}

impl<R: BufRead> Read for Source<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.fill_buf()?.read(out)?;
        self.consume(n);
        Ok(n)
    }
}

impl<R: BufRead> BufRead for Source<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if matches!(self.0, Form::New(_))
            && let Form::New(reader) = std::mem::replace(&mut self.0, Form::Ended)
        {
            self.0 = Self::open(reader)?;
        }
        match &mut self.0 {
            Form::Plain(Plain::Text(text)) => text.fill_buf(),
            #[cfg(feature = "files")]
            Form::Plain(plain) => plain.inner().fill_buf(),
            #[cfg(feature = "files")]
            Form::Gzip(plain) => plain.inner().fill_buf(),
            #[cfg(feature = "files")]
            Form::Member(plain) => plain.inner().fill_buf(),
            #[cfg(feature = "files")]
            Form::Archive(arrays) => arrays.fill_buf(),
            Form::New(_) | Form::Ended => Ok(&[]),
        }
    }

    fn consume(&mut self, n: usize) {
        match &mut self.0 {
            Form::Plain(Plain::Text(text)) => text.consume(n),
            #[cfg(feature = "files")]
            Form::Plain(plain) => plain.inner().consume(n),
            #[cfg(feature = "files")]
            Form::Gzip(plain) => plain.inner().consume(n),
            #[cfg(feature = "files")]
            Form::Member(plain) => plain.inner().consume(n),
            #[cfg(feature = "files")]
            Form::Archive(arrays) => arrays.consume(n),
            Form::New(_) | Form::Ended => {}
        }
    }
}
