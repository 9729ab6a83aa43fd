//! The symbols of a table and their numbers.

use crate::reading::quoted;
use std::collections::HashMap;

/// Symbols, numbered from 0.
#[derive(Clone, Debug, Default)]
pub(super) struct Alphabet {
    symbols: Vec<String>,
    numbers: HashMap<String, u8>,
    /// Whether some symbol has several characters, so that symbols stand apart in a text.
    words: bool,
}

impl Alphabet {
    /// Symbols that a table can have.
    pub(super) const MOST: usize = 255;

    /// These symbols in this order.
    ///
    /// # Errors
    /// What was expected, and what was found.
    pub(super) fn new(symbols: &[String]) -> Result<Self, (String, String)> {
        let mut alphabet = Alphabet::default();
        for symbol in symbols {
            if alphabet.number(symbol).is_some() {
                let found = format!("{} twice", quoted(symbol));
                return Err(("each symbol once".into(), found));
            }
            alphabet.learn(symbol)?;
        }
        if alphabet.symbols.is_empty() {
            return Err(("symbols".into(), "none".into()));
        }
        Ok(alphabet)
    }

    /// All symbols, by number.
    pub(super) fn symbols(&self) -> &[String] {
        &self.symbols
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.symbols.len()
    }

    /// Whether symbols stand apart in a text.
    pub(super) fn words(&self) -> bool {
        self.words
    }

    /// The number of a symbol.
    pub(super) fn number(&self, symbol: &str) -> Option<u8> {
        self.numbers.get(symbol).copied()
    }

    /// The number of a symbol, which is a new one where it is new.
    ///
    /// # Errors
    /// What was expected, and what was found.
    pub(super) fn learn(&mut self, symbol: &str) -> Result<u8, (String, String)> {
        if let Some(number) = self.number(symbol) {
            return Ok(number);
        }
        let barred = |c: char| c.is_whitespace() || c.is_control() || ",/\"".contains(c);
        if symbol.is_empty() || symbol.len() > 32 || symbol.contains(barred) {
            let expected = "a symbol of 1 to 32 bytes without white space, comma, slash and quote";
            return Err((expected.into(), quoted(symbol)));
        }
        if self.len() == Self::MOST {
            let expected = format!("at most {} symbols", Self::MOST);
            return Err((expected, format!("one more: {}", quoted(symbol))));
        }
        let number = self.len() as u8;
        self.symbols.push(symbol.into());
        self.numbers.insert(symbol.into(), number);
        self.words |= symbol.chars().count() > 1;
        Ok(number)
    }

    /// Forgets all but the first so many.
    pub(super) fn truncate(&mut self, len: usize) {
        for symbol in self.symbols.drain(len..) {
            self.numbers.remove(&symbol);
        }
        self.words = self.symbols.iter().any(|symbol| symbol.chars().count() > 1);
    }

    /// The symbols in the order that a model keeps: whole numbers by size, then the others by their bytes.
    pub(super) fn sorted(mut self) -> Vec<String> {
        self.symbols.sort_by_cached_key(|symbol| {
            let number = symbol.parse::<i64>().ok();
            (number.is_none(), number, symbol.clone())
        });
        self.symbols
    }

    /// Some of the symbols, for a message.
    pub(super) fn excerpt(&self) -> String {
        let shown = self.symbols.iter().take(16).map(String::as_str);
        let shown = shown.collect::<Vec<_>>().join(" ");
        let more = if self.len() > 16 { " …" } else { "" };
        format!("{shown}{more}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols() {
        let mut alphabet = Alphabet::default();
        for symbol in ["b", "10", "9", "-1", "a", "#"] {
            alphabet.learn(symbol).unwrap();
        }
        assert!(alphabet.words());
        assert_eq!(alphabet.learn("9"), Ok(2));
        alphabet.truncate(5);
        assert_eq!(alphabet.number("#"), None);
        assert_eq!(alphabet.sorted(), ["-1", "9", "10", "a", "b"]);
        for bad in [
            "",
            " ",
            "a b",
            "a,b",
            "a/b",
            "\"",
            "\n",
            "\u{7f}",
            &"x".repeat(33),
        ] {
            assert!(Alphabet::default().learn(bad).is_err(), "{bad:?}");
        }
        let many: Vec<String> = (0..256).map(|n| n.to_string()).collect();
        assert!(Alphabet::new(&many[..255]).is_ok());
        let error = |symbols: &[String]| {
            let (expected, found) = Alphabet::new(symbols).unwrap_err();
            format!("expected {expected}, found {found}")
        };
        assert_eq!(
            error(&many),
            "expected at most 255 symbols, found one more: '255'"
        );
        let twice = ["a".into(), "a".into()];
        assert_eq!(error(&twice), "expected each symbol once, found 'a' twice");
    }
}
