//! A row of a table (CSV), whose quoted fields may hold several lines.

use crate::tasks::InputError;
use crate::tasks::grid::Shape;
use crate::tasks::text::csv::{self, Field, Header, Names};
use crate::tasks::text::lines::{Line, Lines};
use std::io::BufRead;

/// The columns that are read.
pub(super) const NAMES: Names<3> = [
    &["question", "puzzle", "input"],
    &["answer", "solution", "output"],
    &["rating", "difficulty"],
];

/// Lines that three grids can take.
const MOST_LINES: usize = 3 * (Shape::MOST + 2);

/// Reads the line that names the columns.
pub(super) fn header(line: u64, text: &[u8]) -> Result<Header<3>, InputError> {
    let fields = csv::split_trimmed(line, text)?;
    for (i, field) in fields.iter().enumerate() {
        let twice = |other: &Field| other.text.eq_ignore_ascii_case(&field.text);
        let known = NAMES.iter().flat_map(|names| names.iter());
        let mut known = known.filter(|name| field.text.eq_ignore_ascii_case(name.as_bytes()));
        if let Some(name) = known.next()
            && fields[..i].iter().any(twice)
        {
            return Err(InputError {
                line,
                column: Some(field.column),
                expected: "each column once".into(),
                found: format!("`{name}` twice"),
            });
        }
    }
    Header::read(line, text, &NAMES)
}

/// The whole text of a row that begins with this line. Where a quote does not close, lines to come are added until it
/// does; if that leads to no row of so many columns, the lines stay what they are.
pub(super) fn whole<R: BufRead>(
    lines: &mut Lines<R>,
    line: Line,
    columns: usize,
    most: usize,
) -> (u64, Option<Vec<u8>>) {
    let Some(first) = &line.text else {
        return (line.number, None);
    };
    if csv::split(line.number, first).is_ok() {
        return (line.number, line.text);
    }
    let mut joined = first.clone();
    for ahead in 0..MOST_LINES {
        let next = lines.peek(ahead).and_then(|line| line.text.as_deref());
        let Some(next) = next.filter(|next| joined.len() + next.len() < most) else {
            break;
        };
        joined.push(b'\n');
        joined.extend_from_slice(next);
        if !next.contains(&b'"') {
            continue;
        }
        if csv::split(line.number, &joined).is_ok_and(|fields| fields.len() == columns) {
            for _ in 0..=ahead {
                lines.take();
            }
            return (line.number, Some(joined));
        }
    }
    (line.number, line.text)
}

/// Line and column of a column of a text of several lines.
pub(super) fn place(first: u64, text: &str, column: usize) -> (u64, usize) {
    let mut line = first;
    let mut start = 0;
    for (i, char) in text.chars().take(column - 1).enumerate() {
        if char == '\n' {
            line += 1;
            start = i + 1;
        }
    }
    (line, column - start)
}
