//! Pieces of an input, and where each of their characters stands.

use super::glyph::glyphs;
use super::place::{InputError, Place};

/// A text and the place where it stands.
#[derive(Clone, Copy, Debug)]
pub struct Text<'a> {
    /// Bytes, which need not be UTF-8.
    pub bytes: &'a [u8],
    /// Where it begins. Without a column, what is in it has no place of its own.
    pub start: Place,
}

impl<'a> Text<'a> {
    /// A whole line.
    pub fn line(line: u64, bytes: &'a [u8]) -> Self {
        let column = Some(1);
        let start = Place { line, column };
        Text { bytes, start }
    }

    /// The line where it begins.
    pub fn first_line(self) -> Place {
        Place::line(self.start.line)
    }

    /// Number of characters.
    pub fn len(self) -> usize {
        glyphs(self.bytes).count()
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.bytes.is_empty()
    }

    /// Whether nothing but white space stands there.
    pub fn is_blank(self) -> bool {
        self.bytes.trim_ascii().is_empty()
    }

    /// Whether it has several lines.
    pub fn is_drawn(self) -> bool {
        self.bytes.contains(&b'\n')
    }

    /// Where the character that begins with this byte stands.
    pub fn place(self, byte: usize) -> Place {
        if self.start.column.is_none() {
            return self.start;
        }
        let before = &self.bytes[..byte];
        match before.iter().rposition(|&byte| byte == b'\n') {
            None => self.start.right(glyphs(before).count()),
            Some(end) => Place {
                line: self.start.line + before.iter().filter(|&&byte| byte == b'\n').count() as u64,
                column: Some(1 + glyphs(&before[end + 1..]).count()),
            },
        }
    }

    /// Its lines; line ends at its beginning and its end do not count.
    pub fn lines(self) -> impl Iterator<Item = Text<'a>> {
        let mut start = self.start;
        let mut lines: Vec<Text<'a>> = Vec::new();
        for bytes in self.bytes.split(|&byte| byte == b'\n') {
            lines.push(Text { bytes, start });
            if let Some(column) = &mut start.column {
                start.line += 1;
                *column = 1;
            }
        }
        let several = lines.len() > 1;
        let beyond = |line: Option<&Text<'_>>| several && line.is_some_and(|line| line.is_empty());
        let (first, last) = (beyond(lines.first()), beyond(lines.last()));
        let count = lines.len() - usize::from(last);
        lines.into_iter().take(count).skip(usize::from(first))
    }

    /// The text, where it is UTF-8.
    ///
    /// # Errors
    /// The first byte that is not.
    pub fn utf8(self) -> Result<&'a str, InputError> {
        std::str::from_utf8(self.bytes).map_err(|error| {
            let bad = error.valid_up_to();
            let found = format!("the byte '\\x{:02x}'", self.bytes[bad]);
            self.place(bad).error("UTF-8", found)
        })
    }

    /// The beginning, for a message.
    pub(super) fn excerpt(self) -> String {
        quoted(&String::from_utf8_lossy(self.bytes))
    }
}

/// A text, or its beginning, for a message.
pub(crate) fn quoted(text: &str) -> String {
    let start: String = text.chars().take(40).collect();
    let more = if start.len() < text.len() { "…" } else { "" };
    format!("'{}{more}'", start.escape_debug())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_have_places() {
        let text = Text {
            bytes: "é,\n\u{e4}b\n".as_bytes(),
            start: Place {
                line: 3,
                column: Some(7),
            },
        };
        let place = |byte| (text.place(byte).line, text.place(byte).column.unwrap());
        assert_eq!(
            [0, 2, 3, 4, 6, 7].map(place),
            [(3, 7), (3, 8), (3, 9), (4, 1), (4, 2), (4, 3)]
        );
        let lines: Vec<_> = text
            .lines()
            .map(|line| (line.start.line, line.len()))
            .collect();
        assert_eq!(lines, [(3, 2), (4, 2)]);
        let start = Place::line(5);
        let listed = Text { start, ..text };
        assert_eq!(listed.place(4), start);
        assert!(listed.lines().all(|line| line.start == start));
        let error = Text::line(2, b"a\xff").utf8().unwrap_err();
        let says = "line 2, column 2: expected UTF-8, found the byte '\\xff'";
        assert_eq!(error.to_string(), says);
    }

    #[test]
    fn line_ends_around_lines_do_not_count() {
        let lines = |text: &str| Text::line(1, text.as_bytes()).lines().count();
        assert_eq!(
            ["", "a", "\na", "a\n", "\na\nb\n", "a\n\nb"].map(lines),
            [1, 1, 1, 1, 2, 3]
        );
    }
}
