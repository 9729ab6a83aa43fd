//! Arrays of NumPy as lines of JSON: each grid or row of cells is a question, or with a second array, its answer.

use super::super::arrays::header::Dictionary;
use super::super::arrays::number::{NumberType, READ};
use super::super::dialect::COLUMNS;
use super::zipped::Member;
use super::{Head, refused, unreadable};
use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};

/// Most numbers of a grid.
const MOST: u64 = 64 * 64;
/// Most bytes of an array whose rows have to be put together in memory.
const MOST_TURNED: u64 = 1 << 28;
/// Bytes a line of text that are aimed at before more is read.
const BUFFER: usize = 1 << 14;

/// Where the numbers of an array come from.
enum Numbers<R> {
    Stream(R),
    /// All of them, row after row: they came column after column.
    Turned(io::Cursor<Vec<u8>>),
}

impl<R: Read> Read for Numbers<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self {
            Numbers::Stream(reader) => reader.read(out),
            Numbers::Turned(bytes) => bytes.read(out),
        }
    }
}

/// Reads the numbers of an array of this shape whose columns follow one another, and puts them row after row.
fn turn(reader: impl Read, shape: &[u64], number: usize) -> io::Result<Vec<u8>> {
    let count = shape.iter().try_fold(1u64, |all, &n| all.checked_mul(n));
    let bytes = count.and_then(|count| count.checked_mul(number as u64));
    let bytes = bytes.filter(|&bytes| bytes <= MOST_TURNED).ok_or_else(|| {
        refused(
            "an array of more than 256 MiB in Fortran order",
            "save it with numpy.ascontiguousarray",
        )
    })?;
    let mut from = Vec::new();
    reader.take(bytes).read_to_end(&mut from)?;
    // What is missing at the end is missing in every grid: the file is damaged, and nothing of it is right.
    if from.len() as u64 != bytes {
        return Ok(Vec::new());
    }
    let mut to = Vec::with_capacity(from.len());
    let mut place = vec![0u64; shape.len()];
    for _ in 0..bytes / number as u64 {
        let from_place = place.iter().zip(shape).rev();
        let from_place = from_place.fold(0, |all, (&at, &n)| all * n + at) as usize;
        to.extend_from_slice(&from[from_place * number..][..number]);
        // The next place: the last dimension goes first.
        for (at, &n) in place.iter_mut().zip(shape).rev() {
            *at += 1;
            if *at < n {
                break;
            }
            *at = 0;
        }
    }
    Ok(to)
}

/// An array that is read grid by grid.
struct Array<R> {
    numbers: Numbers<R>,
    kind: NumberType,
    /// Rows and columns of a grid; one row where nothing says that it is one.
    grid: (u64, u64),
    count: u64,
    read: u64,
    bytes: Vec<u8>,
    /// Name for messages, with its article.
    name: String,
}

impl<R: Read> Array<R> {
    /// Reads what stands before the numbers.
    fn new(mut reader: R, name: String) -> io::Result<Self> {
        let what = |found: String| unreadable("an array of numbers", format!("{name} {found}"));
        let (dictionary, _) = Dictionary::read(&mut reader)
            .map_err(|error| what(format!("that is damaged ({error})")))?;
        let kind = NumberType::named(&dictionary.kind).ok_or_else(|| {
            let found = dictionary.kind.escape_debug();
            what(format!("of type '{found}' ({READ} are read)"))
        })?;
        let Dictionary { fortran, shape, .. } = dictionary;
        let (count, grid) = match shape[..] {
            [cells] => (1, (1, cells)),
            // A square is one grid, and everything else is a list of lines.
            [rows, columns] if rows == columns && rows <= 64 => (1, (rows, columns)),
            [count, cells] => (count, (1, cells)),
            [count, rows, columns] => (count, (rows, columns)),
            _ => {
                return Err(what(format!(
                    "of {} dimensions (1 to 3 are read)",
                    shape.len()
                )));
            }
        };
        let numbers = grid
            .0
            .checked_mul(grid.1)
            .filter(|numbers| (1..=MOST).contains(numbers));
        let numbers = numbers
            .ok_or_else(|| what(format!("of shape {shape:?} (a grid has 1 to {MOST} cells)")))?;
        let bytes = vec![0; numbers as usize * kind.bytes()];
        let numbers = if fortran && shape.len() > 1 {
            Numbers::Turned(io::Cursor::new(turn(reader, &shape, kind.bytes())?))
        } else {
            Numbers::Stream(reader)
        };
        Ok(Array {
            numbers,
            kind,
            grid,
            count,
            read: 0,
            bytes,
            name,
        })
    }

    /// Appends the next grid as JSON.
    fn next(&mut self, out: &mut String) -> io::Result<()> {
        self.read += 1;
        self.numbers
            .read_exact(&mut self.bytes)
            .map_err(|error| match error.kind() {
                ErrorKind::UnexpectedEof => unreadable(
                    format!("{} grids in {}", self.count, self.name),
                    format!("its end after {}", self.read - 1),
                ),
                _ => error,
            })?;
        let (rows, columns) = self.grid;
        // A text with spaces says that nothing is known of rows.
        let [open, close, between] = if rows == 1 {
            ["\"", "\"", " "]
        } else {
            ["[", "]", ","]
        };
        if rows > 1 {
            out.push('[');
        }
        let row_bytes = columns as usize * self.kind.bytes();
        for (i, row) in self.bytes.chunks_exact(row_bytes).enumerate() {
            out.push_str(if i > 0 { "," } else { "" });
            out.push_str(open);
            for (j, number) in row.chunks_exact(self.kind.bytes()).enumerate() {
                out.push_str(if j > 0 { between } else { "" });
                match self.kind.get(number) {
                    Ok(number) => write!(out, "{number}"),
                    // No cell, and told as such.
                    Err(number) => write!(out, "\"{number}\""),
                }
                .expect("a string takes any text");
            }
            out.push_str(close);
        }
        if rows > 1 {
            out.push(']');
        }
        Ok(())
    }
}

/// One array of questions, or one of questions and one of answers, as JSON Lines.
pub(super) struct Arrays<R> {
    questions: Array<R>,
    answers: Option<Array<R>>,
    text: String,
    used: usize,
    /// Why there are no more.
    failed: Option<io::Error>,
}

impl<R: BufRead> Arrays<Head<R>> {
    /// The array that a stream is.
    pub(super) fn one(head: Head<R>) -> io::Result<Self> {
        Self::of(Array::new(head, "an array".into())?, None)
    }
}

impl Arrays<BufReader<Member>> {
    /// The arrays of an archive: of questions, and of answers, told by their names.
    pub(super) fn named(members: Vec<(String, Member)>) -> io::Result<Self> {
        let names: Vec<String> = members.iter().map(|member| member.0.clone()).collect();
        let place = |column: usize| {
            let names = COLUMNS[column]
                .iter()
                .map(|name| names.iter().position(|n| n.eq_ignore_ascii_case(name)));
            names.flatten().next()
        };
        let question = place(0).or((names.len() == 1).then_some(0));
        let Some(question) = question else {
            let found = format!("`{}`", names.join("`, `"));
            return Err(unreadable(
                format!(
                    "an array named {} in the archive",
                    super::super::dialect::told(0)
                ),
                found,
            ));
        };
        let answer = place(1).filter(|&answer| answer != question);
        let mut members: Vec<_> = members.into_iter().map(Some).collect();
        let mut array = |place: usize| {
            let (name, member) = members[place].take().expect("each is taken once");
            Array::new(
                BufReader::with_capacity(1 << 16, member),
                format!("the array `{name}`"),
            )
        };
        let questions = array(question)?;
        let answers = answer.map(array).transpose()?;
        if let Some(answers) = answers
            .as_ref()
            .filter(|answers| answers.count != questions.count)
        {
            let expected = format!(
                "{} grids in {}, as in {}",
                questions.count, answers.name, questions.name
            );
            return Err(unreadable(expected, answers.count.to_string()));
        }
        Self::of(questions, answers)
    }
}

impl<R: Read> Arrays<R> {
    fn of(questions: Array<R>, answers: Option<Array<R>>) -> io::Result<Self> {
        Ok(Arrays {
            questions,
            answers,
            text: String::new(),
            used: 0,
            failed: None,
        })
    }

    fn fill(&mut self) -> io::Result<()> {
        if self.used < self.text.len() {
            return Ok(());
        }
        self.text.clear();
        self.used = 0;
        while self.failed.is_none()
            && self.text.len() < BUFFER
            && self.questions.read < self.questions.count
        {
            let whole = self.text.len();
            if let Err(error) =
                Self::line(&mut self.questions, self.answers.as_mut(), &mut self.text)
            {
                // What was read before is told first.
                self.text.truncate(whole);
                self.questions.read = self.questions.count;
                self.failed = Some(error);
            }
        }
        match self.failed.take_if(|_| self.text.is_empty()) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    fn line(
        questions: &mut Array<R>,
        answers: Option<&mut Array<R>>,
        text: &mut String,
    ) -> io::Result<()> {
        text.push_str("{\"question\":");
        questions.next(text)?;
        if let Some(answers) = answers {
            text.push_str(",\"answer\":");
            answers.next(text)?;
        }
        text.push_str("}\n");
        Ok(())
    }
}

impl<R: Read> Read for Arrays<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.fill_buf()?.read(out)?;
        self.consume(n);
        Ok(n)
    }
}

impl<R: Read> BufRead for Arrays<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.fill()?;
        Ok(&self.text.as_bytes()[self.used..])
    }

    fn consume(&mut self, n: usize) {
        self.used = (self.used + n).min(self.text.len());
    }
}
