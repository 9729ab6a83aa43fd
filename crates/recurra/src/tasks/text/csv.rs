//! Tables in text form (CSV): one row a line, columns named by a header.

use super::glyph::glyphs;
use crate::tasks::InputError;

/// One field and the column where its text begins.
pub(in crate::tasks) struct Field {
    pub(in crate::tasks) text: Vec<u8>,
    pub(in crate::tasks) column: usize,
    quoted: bool,
}

impl Field {
    /// Without the white space around it, where no quotes say that it belongs to the text.
    pub(in crate::tasks) fn trimmed(mut self) -> Self {
        if !self.quoted {
            let blank = self.text.len() - self.text.trim_ascii_start().len();
            self.text.truncate(self.text.trim_ascii_end().len());
            self.text.drain(..blank.min(self.text.len()));
            self.column += blank;
        }
        self
    }

    fn is(&self, name: &str) -> bool {
        self.text.eq_ignore_ascii_case(name.as_bytes())
    }

    /// Whether it could name a column.
    pub(in crate::tasks) fn is_name(&self) -> bool {
        self.text.first().is_some_and(u8::is_ascii_alphabetic)
            && self
                .text
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || b"_- ".contains(byte))
    }
}

/// The names by which each of some columns is known, the best first.
pub(in crate::tasks) type Names<const N: usize> = [&'static [&'static str]; N];

/// Whether a line names any of these columns.
pub(in crate::tasks) fn names_any<const N: usize>(fields: &[Field], names: &Names<N>) -> bool {
    let known = |field: &Field| {
        names
            .iter()
            .flat_map(|n| n.iter())
            .any(|name| field.is(name))
    };
    fields.iter().any(known)
}

/// Which column of a table holds what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::tasks) struct Header<const N: usize> {
    columns: usize,
    places: [Option<usize>; N],
}

impl<const N: usize> Header<N> {
    /// Reads the line that names the columns. The first of `names` must be among them.
    pub(in crate::tasks) fn read(
        line: u64,
        text: &[u8],
        names: &Names<N>,
    ) -> Result<Self, InputError> {
        let fields = split_trimmed(line, text)?;
        let places = names.map(|names| {
            // Of two columns that would do, the one with the first name.
            let place = |name: &&str| fields.iter().position(|field| field.is(name));
            names.iter().find_map(place)
        });
        if places[0].is_none() {
            return Err(InputError {
                line,
                column: None,
                expected: format!("a header that names a column `{}`", names[0].join("` or `")),
                found: excerpt(text),
            });
        }
        Ok(Header {
            columns: fields.len(),
            places,
        })
    }

    /// The first field of one row, and the others in the order of the names, from the second. An empty field counts
    /// as none; the first must not be empty.
    pub(in crate::tasks) fn row(
        &self,
        line: u64,
        fields: Vec<Field>,
    ) -> Result<(Field, [Option<Field>; N]), InputError> {
        if fields.len() != self.columns {
            return Err(InputError {
                line,
                column: None,
                expected: format!("{} columns as in the header", self.columns),
                found: fields.len().to_string(),
            });
        }
        let first = self.places[0].and_then(|place| fields.get(place));
        let column = first.map(|field| field.column);
        let mut fields: Vec<Option<Field>> = fields.into_iter().map(Some).collect();
        let mut row = self.places.map(|place| {
            let field = place.and_then(|place| fields.get_mut(place)?.take());
            field.filter(|field| !field.text.is_empty())
        });
        match row[0].take() {
            Some(first) => Ok((first, row)),
            None => Err(InputError {
                line,
                column,
                expected: "a question".into(),
                found: "an empty field".into(),
            }),
        }
    }
}

/// [`split`], with white space around fields taken off.
pub(in crate::tasks) fn split_trimmed(line: u64, text: &[u8]) -> Result<Vec<Field>, InputError> {
    let fields = split(line, text)?;
    Ok(fields.into_iter().map(Field::trimmed).collect())
}

/// The beginning of a text, for a message.
fn excerpt(text: &[u8]) -> String {
    let lossy = String::from_utf8_lossy(text);
    let start: String = lossy.chars().take(40).collect();
    let more = if start.len() < lossy.len() { "…" } else { "" };
    format!("'{}{more}'", start.escape_debug())
}

/// Cuts a line at its commas. A field may stand in double quotes, a quote in it is doubled.
pub(in crate::tasks) fn split(line: u64, text: &[u8]) -> Result<Vec<Field>, InputError> {
    let mut fields = Vec::new();
    let mut column = 1;
    let mut rest = text;
    loop {
        let blank = rest.len() - rest.trim_ascii_start().len();
        let (field, used) = match rest[blank..].strip_prefix(b"\"") {
            Some(quoted) => {
                let start = column + blank;
                let (text, used) = unquote(quoted).ok_or_else(|| InputError {
                    line,
                    column: Some(start),
                    expected: "a quote that closes before the next comma or the end of the line"
                        .into(),
                    found: "one that does not".into(),
                })?;
                let field = Field {
                    text,
                    column: start + 1,
                    quoted: true,
                };
                (field, blank + 1 + used)
            }
            None => {
                let end = rest.iter().position(|&byte| byte == b',');
                let end = end.unwrap_or(rest.len());
                let field = Field {
                    text: rest[..end].to_vec(),
                    column,
                    quoted: false,
                };
                (field, end)
            }
        };
        fields.push(field);
        column += glyphs(&rest[..used]).count() + 1;
        match rest.get(used) {
            Some(_) => rest = &rest[used + 1..],
            None => return Ok(fields),
        }
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
        let fields = split_trimmed(1, text.as_bytes()).unwrap();
        let show = |f: Field| (String::from_utf8(f.text).unwrap(), f.column);
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
            assert!(split(1, open.as_bytes()).is_err(), "{open}");
        }
    }
}
