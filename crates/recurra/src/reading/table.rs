//! Tables in text form (CSV, with commas, semicolons or tabs): columns are named by a header, and a quoted field may hold several
//! lines.

use super::dialect::{COLUMNS, Dialect, told};
use super::lines::{Line, Lines};
use super::row::{Field, Given, Row};
use super::{InputError, Text};
use std::io::BufRead;

/// Lines that a row can take: three of the largest drawings.
const MOST_LINES: usize = 198;

/// What may stand between the columns of a table.
const BETWEEN: [u8; 3] = [b',', b';', b'\t'];

/// Which column of a table holds what.
pub(super) struct Header {
    between: u8,
    columns: usize,
    places: [Option<usize>; COLUMNS.len()],
    dialect: Dialect,
    /// Names of columns that are not read.
    pub(super) unused: Vec<String>,
}

impl Header {
    /// Whether fields name any column.
    pub(super) fn is_named(fields: &[Field]) -> bool {
        let known = |field: &Field| {
            COLUMNS
                .iter()
                .any(|names| names.iter().any(|n| field.is(n)))
        };
        fields.iter().any(known)
    }

    /// Reads the line that names the columns. The question must be among them.
    pub(super) fn read(text: Text<'_>, dialect: Dialect) -> Result<Self, InputError> {
        let (between, fields) = split_somehow(text)?;
        for (i, field) in fields.iter().enumerate() {
            let name = COLUMNS.iter().flat_map(|names| names.iter());
            let name = name.copied().find(|name| field.is(name));
            if let Some(name) = name.filter(|_| dialect.columns_once)
                && fields[..i].iter().any(|other| other.is(name))
            {
                return Err((field.start).error("each column once", format!("`{name}` twice")));
            }
        }
        let places = COLUMNS.map(|names| {
            // Of two columns that would do, the one with the first name.
            let place = |name: &&str| fields.iter().position(|field| field.is(name));
            names.iter().find_map(place)
        });
        if places[0].is_none() {
            let expected = format!("a header that names a column {}", told(0));
            return Err(text.first_line().error(expected, text.excerpt()));
        }
        let used = |place: usize| places.contains(&Some(place));
        let unused = fields.iter().enumerate().filter(|(place, _)| !used(*place));
        let unused = unused.map(|(_, field)| String::from_utf8_lossy(&field.bytes).into_owned());
        Ok(Header {
            between,
            columns: fields.len(),
            places,
            dialect,
            unused: unused.collect(),
        })
    }

    /// Reads a row that begins with this line. An empty field counts as none; the question must not be empty.
    pub(super) fn row<R: BufRead>(
        &self,
        line: &Line,
        lines: &mut Lines<R>,
    ) -> Result<Row, InputError> {
        let text = line.text()?;
        let fields = match split(text, self.between) {
            Ok(fields) => fields,
            Err(error) => self.joined(text, lines).ok_or(error)?,
        };
        let trimmed = |field: Field| match self.dialect.spaces_count {
            true => field,
            false => field.trimmed(),
        };
        let mut fields: Vec<_> = fields.into_iter().map(|f| Some(trimmed(f))).collect();
        if fields.len() != self.columns {
            let expected = format!("{} columns as in the header", self.columns);
            return Err(text.first_line().error(expected, fields.len().to_string()));
        }
        let [question, answer, source, rating, id] =
            (self.places).map(|place| fields.get_mut(place?).and_then(Option::take));
        let said = |field: Option<Field>| field.filter(|field| !field.bytes.is_empty());
        let start = question.as_ref().map_or(text.start, |field| field.start);
        let question = said(question).ok_or_else(|| start.error("a question", "an empty field"));
        Ok(Row {
            question: Given::Text(question?),
            answer: said(answer).map(Given::Text),
            source: said(source).map(Field::into_lossy),
            // Tables rate with words or fractions too: no reason to refuse the puzzle.
            rating: said(rating).and_then(|field| field.into_lossy().parse().ok()),
            id: said(id).map(Field::into_lossy),
        })
    }

    /// The fields of a row that begins with a line in which a quote does not close: lines to come are added until it does.
    /// If that leads to no row of so many columns, the lines stay what they are.
    fn joined<R: BufRead>(&self, first: Text<'_>, lines: &mut Lines<R>) -> Option<Vec<Field>> {
        let mut joined = first.bytes.to_vec();
        for ahead in 0..MOST_LINES {
            let next = lines.peek(ahead)?.text().ok()?.bytes;
            if joined.len() + next.len() >= self.dialect.longest {
                return None;
            }
            joined.push(b'\n');
            joined.extend_from_slice(next);
            if !next.contains(&b'"') {
                continue;
            }
            let fields = split(Text::line(first.start.line, &joined), self.between).ok();
            if let Some(fields) = fields.filter(|fields| fields.len() == self.columns) {
                for _ in 0..=ahead {
                    lines.take();
                }
                return Some(fields);
            }
        }
        None
    }
}

/// [`split`] at commas, with white space around fields taken off.
pub(super) fn split_trimmed(text: Text<'_>) -> Result<Vec<Field>, InputError> {
    let fields = split(text, b',')?;
    Ok(fields.into_iter().map(Field::trimmed).collect())
}

/// The fields of a header and what is between them: the first that makes any of them the name of a column, or a comma.
pub(super) fn split_somehow(text: Text<'_>) -> Result<(u8, Vec<Field>), InputError> {
    for between in BETWEEN {
        if let Ok(fields) = split(text, between) {
            let fields: Vec<Field> = fields.into_iter().map(Field::trimmed).collect();
            if Header::is_named(&fields) {
                return Ok((between, fields));
            }
        }
    }
    Ok((b',', split_trimmed(text)?))
}

/// Cuts a line at its commas, or what is between the columns in their place. A field may stand in double quotes, a quote in it is doubled.
fn split(text: Text<'_>, between: u8) -> Result<Vec<Field>, InputError> {
    let mut fields = Vec::new();
    let mut rest = text;
    loop {
        let blank = rest
            .bytes
            .iter()
            .take_while(|&&byte| byte != between && byte.is_ascii_whitespace())
            .count();
        let (field, used) = match rest.bytes[blank..].strip_prefix(b"\"") {
            Some(quoted) => {
                let (bytes, used) = unquote(quoted, between).ok_or_else(|| {
                    let what = match between {
                        b';' => "semicolon",
                        b'\t' => "tab",
                        _ => "comma",
                    };
                    rest.place(blank).error(
                        format!(
                            "a quote that closes before the next {what} or the end of the line"
                        ),
                        "one that does not",
                    )
                })?;
                let start = rest.place(blank + 1);
                (Field::whole(start, bytes), blank + 1 + used)
            }
            None => {
                let end = rest.bytes.iter().position(|&byte| byte == between);
                let end = end.unwrap_or(rest.bytes.len());
                let field = Field {
                    bytes: rest.bytes[..end].to_vec(),
                    start: rest.start,
                    quoted: false,
                };
                (field, end)
            }
        };
        fields.push(field);
        if used == rest.bytes.len() {
            return Ok(fields);
        }
        rest = Text {
            start: rest.place(used + 1),
            bytes: &rest.bytes[used + 1..],
        };
    }
}

/// The text before the closing quote, and the bytes up to the comma or end that must follow it.
fn unquote(text: &[u8], between: u8) -> Option<(Vec<u8>, usize)> {
    let mut inside = Vec::new();
    let mut i = 0;
    loop {
        match (text.get(i)?, text.get(i + 1)) {
            (b'"', Some(b'"')) => {
                inside.push(b'"');
                i += 2;
            }
            (b'"', _) => break,
            (&byte, _) => {
                inside.push(byte);
                i += 1;
            }
        }
    }
    let after = &text[i + 1..];
    let blank = after
        .iter()
        .take_while(|&&byte| byte != between && byte.is_ascii_whitespace())
        .count();
    let end = i + 1 + blank;
    text.get(end)
        .is_none_or(|&byte| byte == between)
        .then_some((inside, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(text: &str) -> Vec<(String, usize)> {
        let fields = split_trimmed(Text::line(1, text.as_bytes())).unwrap();
        let show = |f: Field| (String::from_utf8(f.bytes).unwrap(), f.start.column.unwrap());
        fields.into_iter().map(show).collect()
    }

    #[test]
    fn splitting() {
        let field = |text: &str, column| (text.to_string(), column);
        assert_eq!(fields(""), [field("", 1)]);
        assert_eq!(
            fields("a, b ,,"),
            [field("a", 1), field("b", 4), field("", 7), field("", 8)]
        );
        assert_eq!(
            fields("é,\"x,\"\"y\" , z"),
            [field("é", 1), field("x,\"y", 4), field("z", 13)]
        );
        assert_eq!(fields("a\"b,c"), [field("a\"b", 1), field("c", 5)]);
        for open in ["\"", "a,\"b", "\"a\"b,c"] {
            assert!(
                split(Text::line(1, open.as_bytes()), b',').is_err(),
                "{open}"
            );
        }
    }
}
