//! Pieces of an input, and where each of their characters stands.

use super::glyph::{Glyph, glyphs};
use super::json::JsonRow;
use super::{Field, InputError, Place};

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

    /// Where a character stands, counted from 0.
    pub fn place(self, character: usize) -> Place {
        let mut place = self.start;
        let Some(column) = &mut place.column else {
            return place;
        };
        for glyph in glyphs(self.bytes).take(character) {
            if glyph == Glyph::Char('\n') {
                place.line += 1;
                *column = 0;
            }
            *column += 1;
        }
        place
    }

    /// Where the character that begins with this byte stands.
    pub fn place_of_byte(self, byte: usize) -> Place {
        match self.start.column {
            Some(_) => self.place(glyphs(&self.bytes[..byte]).count()),
            None => self.start,
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
            let (good, bad) = self.bytes.split_at(error.valid_up_to());
            let found = format!("the byte '\\x{:02x}'", bad[0]);
            self.place(glyphs(good).count()).error("UTF-8", found)
        })
    }

    /// The beginning, for a message.
    pub(super) fn excerpt(self) -> String {
        let lossy = String::from_utf8_lossy(self.bytes);
        let start: String = lossy.chars().take(40).collect();
        let more = if start.len() < lossy.len() { "…" } else { "" };
        format!("'{}{more}'", start.escape_debug())
    }
}

/// A question or an answer as a table or an object has it.
#[derive(Debug)]
pub enum Given {
    /// A text.
    Text(Field),
    /// Rows that an object in this line lists.
    Rows(u64, Vec<JsonRow>),
}

impl Given {
    /// One text, in which listed rows are lines.
    pub fn joined(self) -> Field {
        match self {
            Given::Text(field) => field,
            Given::Rows(line, rows) => {
                let lines: Vec<String> = rows.into_iter().map(JsonRow::into_text).collect();
                Field::whole(Place::line(line), lines.join("\n").into_bytes())
            }
        }
    }
}
