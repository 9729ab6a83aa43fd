//! In which signs digits above 9, or all of them, are written.

use super::signs::{Mark, Signs};
use crate::reading::InputError;
use crate::tasks::sudoku::grid::digit;

/// How digits are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Script {
    /// 1 to 9, and A to G for 10 to 16.
    Digits,
    /// 0 to 9 and A to F for 1 to 16: 0 is no blank.
    Hex,
    /// A to P, or as far as the size goes.
    Letters,
}

/// Whether a character is a blank cell, however digits are written; 0 may be one.
pub(super) fn is_blank(char: char) -> bool {
    matches!(char, '.' | '_' | '*' | '-' | '?' | 'x' | 'X')
}

impl Script {
    /// The digit (0 for blank) that a character stands for; it may be above the size.
    pub(super) fn digit(self, char: char, size: usize) -> Option<u8> {
        if is_blank(char) {
            return Some(0);
        }
        match self {
            Script::Digits => digit(char),
            Script::Hex => char
                .to_digit(16)
                .filter(|_| size == 16)
                .map(|digit| digit as u8 + 1),
            Script::Letters => match char.to_ascii_uppercase() {
                '0' => Some(0),
                letter @ 'A'..='P' => Some(letter as u8 - b'A' + 1),
                _ => None,
            },
        }
    }

    /// What may stand in a cell, for messages.
    pub(super) fn expected(self, size: usize) -> String {
        const BLANKS: &str = "or a blank (. 0 _ * - ? x)";
        match (self, size) {
            (Script::Digits, 0..=9) => format!("a digit 1-{size} {BLANKS}"),
            (Script::Digits, _) => format!("a digit 1-9 or A-G {BLANKS}"),
            (Script::Hex, _) => "a digit 0-9 or A-F or a blank (. _ * - ? x)".into(),
            (Script::Letters, _) => {
                format!("a letter A-{} {BLANKS}", char::from(b'A' + size as u8 - 1))
            }
        }
    }
}

/// How often each kind of sign occurs.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Census {
    signs: usize,
    /// 1 to 9.
    digits: usize,
    zeros: usize,
    /// Other blanks.
    blanks: usize,
    /// A to F, G, and H to P.
    letters: [usize; 3],
    /// The highest letter, from 1.
    highest: usize,
    /// Numbers of two digits, and characters that mean nothing.
    others: usize,
}

/// Why a text cannot be read in one script.
pub(super) struct Objection {
    expected: &'static str,
    found: &'static str,
}

impl Objection {
    /// At the first 0 of a text, or its first sign that decides.
    pub(super) fn at(self, signs: &Signs) -> InputError {
        let first = signs.signs.iter().position(|sign| sign.char() == Some('0'));
        signs
            .place(first.unwrap_or(0))
            .error(self.expected, self.found)
    }
}

impl Census {
    /// Counts the signs of a text.
    pub(super) fn add(&mut self, signs: &Signs) {
        for sign in &signs.signs {
            self.signs += 1;
            let Some(char) = sign.char() else {
                self.blanks += usize::from(matches!(sign.mark, Mark::Blank));
                self.others += usize::from(!matches!(sign.mark, Mark::Blank));
                continue;
            };
            match char.to_ascii_uppercase() {
                '0' => self.zeros += 1,
                '1'..='9' => self.digits += 1,
                blank if is_blank(blank) => self.blanks += 1,
                letter @ 'A'..='P' => {
                    let number = usize::from(letter as u8 - b'A') + 1;
                    self.letters[usize::from(number > 6) + usize::from(number > 7)] += 1;
                    self.highest = self.highest.max(number);
                }
                _ => self.others += 1,
            }
        }
    }

    /// How a grid of this size with these signs is written, and whether they leave no other way. What was found in the same input before
    /// decides where they do.
    pub(super) fn script(
        &self,
        size: usize,
        before: Option<Script>,
    ) -> Result<(Script, bool), Objection> {
        let letters: usize = self.letters.iter().sum();
        if size < 16 {
            let all = self.digits == 0 && self.others == 0 && letters > 0 && self.highest <= size;
            return Ok((if all { Script::Letters } else { Script::Digits }, false));
        }
        let [_, g, high] = self.letters;
        let mixed = |expected, found| Err(Objection { expected, found });
        let known = match (self.zeros > 0, self.blanks > 0) {
            _ if self.others > 0 => None,
            _ if high > 0 && self.digits == 0 => Some(Script::Letters),
            (true, true) if g > 0 => {
                return mixed(
                    "digits 1 to G with one kind of blank, or digits 0 to F",
                    "0 beside other blanks, and G, which digits 0 to F have not",
                );
            }
            (true, true) => Some(Script::Hex),
            // Nothing is blank, and 0 is there as often as any digit.
            (true, false) if g == 0 && self.zeros * 16 == self.signs => Some(Script::Hex),
            (true, false) => Some(Script::Digits),
            (false, _) if g > 0 => Some(Script::Digits),
            (false, _) => None,
        };
        match (known, before) {
            (Some(known), Some(before)) if known != before => match known {
                Script::Hex => mixed(
                    "digits 1 to G as in lines before",
                    "0 beside other blanks, as where digits are 0 to F",
                ),
                Script::Digits => mixed("digits 0 to F as in lines before", "digits 1 to G"),
                Script::Letters => mixed("digits as in lines before", "letters alone"),
            },
            (Some(known), _) => Ok((known, true)),
            (None, before) => Ok((before.unwrap_or(Script::Digits), false)),
        }
    }
}
