//! Places in an input, and the one error of everything that reads puzzles from files.

use std::fmt;

/// A place in an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Line, counted from 1.
    pub line: u64,
    /// Character in the line, counted from 1, where it is known.
    pub column: Option<usize>,
}

impl Place {
    /// A line.
    pub fn line(line: u64) -> Self {
        Place { line, column: None }
    }

    /// The place so many characters to the right.
    pub fn right(self, characters: usize) -> Self {
        let column = self.column.map(|column| column + characters);
        Place { column, ..self }
    }

    /// What is wrong at this place.
    pub fn error(self, expected: impl Into<String>, found: impl Into<String>) -> InputError {
        InputError {
            line: self.line,
            column: self.column,
            expected: expected.into(),
            found: found.into(),
        }
    }
}

/// A place in an input that could not be read: what was expected there and what was found.
///
/// The message does not name the file, because a reader does not know it: callers put it in front.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputError {
    /// Line, counted from 1.
    pub line: u64,
    /// Character in the line, counted from 1, where one character is to blame.
    pub column: Option<usize>,
    /// What would have been accepted.
    pub expected: String,
    /// What stood there.
    pub found: String,
}

impl InputError {
    /// The message in an entry that begins in `line`: the line is told only where it is another.
    pub fn within(&self, line: u64) -> String {
        let mut text = String::new();
        if self.line != line {
            text.push_str(&format!("line {}: ", self.line));
        }
        if let Some(column) = self.column {
            text.push_str(&format!("column {column}: "));
        }
        text + &format!("expected {}, found {}", self.expected, self.found)
    }
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if let Some(column) = self.column {
            write!(f, ", column {column}")?;
        }
        write!(f, ": expected {}, found {}", self.expected, self.found)
    }
}

impl std::error::Error for InputError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_where_and_what() {
        let mut error = InputError {
            line: 3,
            column: Some(14),
            expected: "a digit".into(),
            found: "'x'".into(),
        };
        assert_eq!(
            error.to_string(),
            "line 3, column 14: expected a digit, found 'x'"
        );
        error.column = None;
        assert_eq!(error.to_string(), "line 3: expected a digit, found 'x'");
    }
}
