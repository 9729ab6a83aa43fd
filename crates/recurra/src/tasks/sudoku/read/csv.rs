//! Puzzles in a table: one line each, columns named by a header.

use super::Puzzle;
use super::signs::{glyphs, is_answer, no_clash, plain_grid, signs, whole_grid};
use crate::tasks::InputError;
use crate::tasks::sudoku::{Grid, Sudoku};

/// One field and the column where its text begins.
struct Field {
    text: Vec<u8>,
    column: usize,
}

impl Field {
    fn grid(&self, line: u64, sudoku: Option<Sudoku>) -> Result<Grid, InputError> {
        match plain_grid(&self.text, sudoku) {
            Some(grid) => Ok(grid),
            None => whole_grid(line, &signs(&self.text, self.column), sudoku),
        }
    }

    /// Where in the line a cell of its grid stands.
    fn column_of(&self, cell: usize) -> Option<usize> {
        let signs = signs(&self.text, self.column);
        signs.get(cell).map(|sign| sign.column)
    }
}

/// Which column holds what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Header {
    columns: usize,
    question: usize,
    answer: Option<usize>,
    source: Option<usize>,
    rating: Option<usize>,
}

const NAMES: [&[&str]; 4] = [
    &["question", "puzzle"],
    &["answer", "solution"],
    &["source"],
    &["rating", "difficulty"],
];

/// Whether the first line of an input is the header of a table, or a table without one.
pub(super) fn looks_like_table(text: &[u8]) -> bool {
    let Ok(fields) = split(1, text) else {
        return text.contains(&b',');
    };
    let known = |field: &Field| {
        NAMES
            .iter()
            .any(|names| names.iter().any(|name| is(&field.text, name)))
    };
    if fields.iter().any(known) {
        return true;
    }
    // A comma alone may be a slip of the finger in a puzzle.
    fields.len() > 1
        && fields.iter().any(|field| {
            is_name(&field.text) || whole_grid(1, &signs(&field.text, 1), None).is_ok()
        })
}

fn is(text: &[u8], name: &str) -> bool {
    text.eq_ignore_ascii_case(name.as_bytes())
}

fn is_name(text: &[u8]) -> bool {
    text.first().is_some_and(u8::is_ascii_alphabetic)
        && text
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_- ".contains(byte))
}

impl Header {
    /// Reads the line that names the columns.
    pub(super) fn read(line: u64, text: &[u8]) -> Result<Self, InputError> {
        let fields = split(line, text)?;
        let [question, answer, source, rating] = NAMES.map(|names| {
            // Of two columns that would do, the one with the first name.
            let place = |name: &&str| fields.iter().position(|field| is(&field.text, name));
            names.iter().find_map(place)
        });
        let question = question.ok_or_else(|| InputError {
            line,
            column: None,
            expected: "a header that names a column `question` or `puzzle`".into(),
            found: excerpt(text),
        })?;
        Ok(Header {
            columns: fields.len(),
            question,
            answer,
            source,
            rating,
        })
    }

    /// Reads one line of the table.
    pub(super) fn puzzle(
        &self,
        line: u64,
        text: &[u8],
        sudoku: Option<Sudoku>,
    ) -> Result<Puzzle, InputError> {
        let fields = split(line, text)?;
        if fields.len() != self.columns {
            return Err(InputError {
                line,
                column: None,
                expected: format!("{} columns as in the header", self.columns),
                found: fields.len().to_string(),
            });
        }
        let field = |column: Option<usize>| {
            let field = column.and_then(|column| fields.get(column));
            field.filter(|field| !field.text.is_empty())
        };
        let Some(given) = field(Some(self.question)) else {
            return Err(InputError {
                line,
                column: fields.get(self.question).map(|field| field.column),
                expected: "a question".into(),
                found: "an empty field".into(),
            });
        };
        let question = given.grid(line, sudoku)?;
        no_clash(&question, |cell| (line, given.column_of(cell)))?;
        let answer = match field(self.answer) {
            None => None,
            Some(given) => {
                let answer = given.grid(line, Some(question.sudoku()))?;
                is_answer(line, &question, &answer, |cell| given.column_of(cell))?;
                Some(answer)
            }
        };
        let lossy = |field: &Field| String::from_utf8_lossy(&field.text).into_owned();
        Ok(Puzzle {
            sudoku: question.sudoku(),
            question,
            answer,
            source: field(self.source).map(lossy),
            // Tables rate with words or fractions too: no reason to refuse the puzzle.
            rating: field(self.rating).and_then(|field| lossy(field).parse().ok()),
        })
    }
}

/// The beginning of a text, for a message.
pub(super) fn excerpt(text: &[u8]) -> String {
    let lossy = String::from_utf8_lossy(text);
    let start: String = lossy.chars().take(40).collect();
    let more = if start.len() < lossy.len() { "…" } else { "" };
    format!("'{}{more}'", start.escape_debug())
}

/// Cuts a line at its commas. A field may stand in double quotes, a quote in it is doubled.
fn split(line: u64, text: &[u8]) -> Result<Vec<Field>, InputError> {
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
                let column = start + 1;
                (Field { text, column }, blank + 1 + used)
            }
            None => {
                let end = rest.iter().position(|&byte| byte == b',');
                let end = end.unwrap_or(rest.len());
                let text = rest[..end].trim_ascii().to_vec();
                let column = column + blank;
                (Field { text, column }, end)
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
        let fields = split(1, text.as_bytes()).unwrap();
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

    #[test]
    fn tables_are_told_from_puzzles() {
        for text in [
            "question",
            "puzzle,solution",
            "id,grid",
            "\"Rating\"",
            "................,1",
        ] {
            assert!(looks_like_table(text.as_bytes()), "{text}");
        }
        for text in ["", "................", "1,34............", "hello"] {
            assert!(!looks_like_table(text.as_bytes()), "{text}");
        }
    }
}
