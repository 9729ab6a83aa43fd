//! Characters of a text that may not be UTF-8.

use std::fmt;

/// One character, or one byte that belongs to none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glyph {
    /// A character.
    Char(char),
    /// A byte that is not UTF-8.
    Byte(u8),
}

impl fmt::Display for Glyph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Glyph::Char(char) => write!(f, "{char:?}"),
            Glyph::Byte(byte) => write!(f, "the byte '\\x{byte:02x}', which is not UTF-8"),
        }
    }
}

/// The characters of a text.
pub fn glyphs(text: &[u8]) -> impl Iterator<Item = Glyph> + '_ {
    text.utf8_chunks().flat_map(|chunk| {
        let bytes = chunk.invalid().iter().map(|&byte| Glyph::Byte(byte));
        chunk.valid().chars().map(Glyph::Char).chain(bytes)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strange_characters_are_shown_escaped() {
        let shown: Vec<_> = glyphs(b"\0\xff'x").map(|glyph| glyph.to_string()).collect();
        let byte = r"the byte '\xff', which is not UTF-8";
        assert_eq!(shown, [r"'\0'", byte, r"'\''", "'x'"]);
    }
}
