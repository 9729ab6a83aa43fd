//! Tables in text form (CSV): columns are named by a header, and a quoted field may hold several lines.

use super::dialect::{COLUMNS, Dialect};
use super::lines::{Line, Lines};
use super::row::{Field, Given, Row};
use super::{InputError, Text};
use std::io::BufRead;

/// Lines that a row can take: three of the largest drawings.
const MOST_LINES: usize = 198;

/// Which column of a table holds what.
pub(super) struct Header {
    columns: usize,
    places: [Option<usize>; 4],
    dialect: Dialect,
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
        let fields = split_trimmed(text)?;
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
            let names = COLUMNS[0][..dialect.names_told].join("` or `");
            let expected = format!("a header that names a column `{names}`");
            return Err(text.first_line().error(expected, text.excerpt()));
        }
        Ok(Header {
            columns: fields.len(),
            places,
            dialect,
        })
    }

    /// Reads a row that begins with this line. An empty field counts as none; the question must not be empty.
    pub(super) fn row<R: BufRead>(
        &self,
        line: &Line,
        lines: &mut Lines<R>,
    ) -> Result<Row, InputError> {
        let text = line.text()?;
        let fields = match split(text) {
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
        let [question, answer, source, rating] =
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
            let fields = split(Text::line(first.start.line, &joined)).ok();
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

/// [`split`], with white space around fields taken off.
pub(super) fn split_trimmed(text: Text<'_>) -> Result<Vec<Field>, InputError> {
    Ok(split(text)?.into_iter().map(Field::trimmed).collect())
}

/// Cuts a line at its commas. A field may stand in double quotes, a quote in it is doubled.
fn split(text: Text<'_>) -> Result<Vec<Field>, InputError> {
    let mut fields = Vec::new();
    let mut rest = text;
    loop {
        let blank = rest.bytes.len() - rest.bytes.trim_ascii_start().len();
        let (field, used) = match rest.bytes[blank..].strip_prefix(b"\"") {
            Some(quoted) => {
                let (bytes, used) = unquote(quoted).ok_or_else(|| {
                    rest.place(blank).error(
                        "a quote that closes before the next comma or the end of the line",
                        "one that does not",
                    )
                })?;
                let start = rest.place(blank + 1);
                (Field::whole(start, bytes), blank + 1 + used)
            }
            None => {
                let end = rest.bytes.iter().position(|&byte| byte == b',');
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
fn unquote(text: &[u8]) -> Option<(Vec<u8>, usize)> {
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
    let blank = after.len() - after.trim_ascii_start().len();
    let end = i + 1 + blank;
    matches!(text.get(end), None | Some(b',')).then_some((inside, end))
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
            assert!(split(Text::line(1, open.as_bytes())).is_err(), "{open}");
        }
    }
}
