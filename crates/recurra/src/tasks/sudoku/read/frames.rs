//! Grids in frames in which a blank cell is a space.

use super::script::is_blank;
use super::signs::{Mark, Sign, Signs, is_rule};
use crate::reading::{Glyph, Lines, Text, glyphs};
use std::io::BufRead;

/// Sizes, the usual first.
const SIZES: [usize; 4] = [9, 16, 6, 4];
/// Most lines of a grid: each row between two lines of its own.
const MOST_LINES: usize = 40;

fn is_bar(char: char) -> bool {
    matches!(
        char,
        '|' | '\u{2502}' | '\u{2503}' | '\u{2551}' | '\u{2506}' | '\u{250a}'
    )
}

/// The cells of a row between bars, of a grid of this size, where blanks may be spaces.
fn row(line: Text<'_>, size: usize) -> Option<Vec<Sign>> {
    let signs: Option<Vec<(usize, char)>> = glyphs(line.bytes)
        .enumerate()
        .map(|(i, glyph)| match glyph {
            Glyph::Char(char) => Some((i, char)),
            Glyph::Byte(_) => None,
        })
        .collect();
    let signs = signs?;
    let blank = |sign: &&(usize, char)| sign.1.is_whitespace();
    let first = signs.iter().take_while(blank).count();
    let last = signs.len() - signs.iter().rev().take_while(blank).count();
    let inside = signs.get(first..last)?;
    let ([(_, left), inside @ .., (_, right)], true) = (inside, inside.len() > 2) else {
        return None;
    };
    if !is_bar(*left) || !is_bar(*right) {
        return None;
    }
    let parts: Vec<&[(usize, char)]> = inside.split(|sign| is_bar(sign.1)).collect();
    let width = parts[0].len();
    if !size.is_multiple_of(parts.len()) || parts.iter().any(|part| part.len() != width) {
        return None;
    }
    let cells = size / parts.len();
    // Cells side by side, with a space between, or with spaces around each.
    let (start, step) = match width {
        w if w == cells => (0, 1),
        w if w + 1 == 2 * cells => (0, 2),
        w if w == 2 * cells + 1 => (1, 2),
        _ => return None,
    };
    let mut row = Vec::with_capacity(size);
    for part in parts {
        for (i, &(column, char)) in part.iter().enumerate() {
            let is_cell = i >= start && (i - start) % step == 0 && (i - start) / step < cells;
            let mark = match char {
                char if is_cell && char.is_whitespace() => Mark::Blank,
                char if is_cell => Mark::Glyph(Glyph::Char(char)),
                char if char.is_whitespace() => continue,
                _ => return None,
            };
            row.push(Sign {
                place: line.start.right(column),
                mark,
            });
        }
    }
    (row.len() == size).then_some(row)
}

/// Whether a row has a space where a cell is, and no other sign for a blank.
fn has_spaces(row: &[Sign]) -> [bool; 2] {
    let spaces = row.iter().any(|sign| matches!(sign.mark, Mark::Blank));
    let others = row.iter().any(|sign| {
        sign.char()
            .is_some_and(|char| char == '0' || is_blank(char))
    });
    [spaces, others]
}

/// The grid of which this is the first row, if it is drawn so; then its other lines have been taken.
pub(super) fn spaced<R: BufRead>(first: Text<'_>, lines: &mut Lines<R>) -> Option<(usize, Signs)> {
    let size = SIZES.into_iter().find(|&size| row(first, size).is_some())?;
    let mut signs = row(first, size)?;
    let [mut spaces, others] = has_spaces(&signs);
    if others {
        return None;
    }
    let (mut rows, mut taken) = (1, 0);
    for ahead in 0..MOST_LINES {
        let Some(line) = lines.peek(ahead).filter(|line| !line.is_blank()) else {
            break;
        };
        let text = line.text().ok()?;
        match row(text, size) {
            // One grid may stand right under another.
            Some(_) if rows == size => break,
            Some(row) => {
                let [blank, other] = has_spaces(&row);
                if other {
                    return None;
                }
                spaces |= blank;
                rows += 1;
                signs.extend(row);
                taken = ahead + 1;
            }
            None if is_rule(text.bytes) => {}
            None => break,
        }
    }
    if rows != size || !spaces {
        return None;
    }
    for _ in 0..taken {
        lines.take();
    }
    let start = first.first_line();
    Some((size, Signs { signs, start }))
}
