//! Mazes with walls drawn between posts:
//!
//! ```text
//! o---o---o
//! | S     |
//! o   o---o
//! |     G |
//! o---o---o
//! ```
//!
//! Each cell, each post and each wall or gap between two becomes a cell: 2 rows and columns make a maze of 5x5.

use super::cells::Written;
use crate::reading::{Glyph, InputError, Lines, Place, Text, glyphs};
use crate::tasks::maze::{Cell, Maze, Shape};
use std::io::BufRead;

/// The characters of a line, without white space at its end.
fn chars(line: Text<'_>) -> Option<Vec<char>> {
    let char = |glyph| match glyph {
        Glyph::Char(char) => Some(char),
        Glyph::Byte(_) => None,
    };
    glyphs(line.bytes.trim_ascii_end()).map(char).collect()
}

/// The sign of a post and the characters from one to the next, if this is the upper edge of a maze.
fn edge(line: Text<'_>) -> Option<(char, usize)> {
    let chars = chars(line)?;
    let post = *chars
        .first()
        .filter(|post| matches!(post, 'o' | '+' | '*'))?;
    let step = 1 + chars[1..].iter().position(|&char| char == post)?;
    let fits = step > 1 && (chars.len() - 1) % step == 0 && chars.len() > 2 * step;
    let drawn = |(i, &char): (usize, &char)| char == if i % step == 0 { post } else { '-' };
    (fits && chars.iter().enumerate().all(drawn)).then_some((post, step))
}

/// A maze drawn so, of which this line is the upper edge; its other lines are taken. None where it is no such edge.
pub(super) fn drawn<R: BufRead>(
    first: Text<'_>,
    lines: &mut Lines<R>,
    shape: Option<Shape>,
) -> Option<Result<Written, InputError>> {
    let (post, step) = edge(first)?;
    let columns = (chars(first)?.len() - 1) / step;
    let mut cells = vec![Cell::Wall; 2 * columns + 1];
    let mut rows = vec![first.start];
    let mut wrong = None;
    while let Some(next) = lines.peek(0).filter(|line| !line.is_blank()) {
        // A second maze may stand right below.
        if next.text().is_ok_and(|text| {
            rows.len() % 2 == 1
                && rows.len() > 1
                && edge(text).is_some()
                && last_is_edge(&cells, columns)
        }) {
            break;
        }
        let Some(next) = lines.take() else {
            break;
        };
        let number = next.number();
        let read = next
            .text()
            .and_then(|text| row(text, rows.len(), (post, step, columns)));
        match read {
            Ok(row) if rows.len() <= 2 * Shape::MOST => cells.extend(row),
            Ok(_) => {}
            Err(error) => wrong = wrong.or(Some(error)),
        }
        rows.push(Place::line(number));
    }
    if let Some(error) = wrong {
        return Some(Err(error));
    }
    let found = Shape::new(rows.len(), 2 * columns + 1)
        .filter(|found| rows.len() % 2 == 1 && shape.is_none_or(|shape| shape == *found));
    let maze = found.and_then(|shape| Maze::new(shape, cells));
    Some(
        maze.map(|maze| Written::new(maze, rows.clone()))
            .ok_or_else(|| {
                let expected = match shape {
                    Some(shape) => format!("a {shape} maze, where posts and walls are cells, too"),
                    None => "a maze of up to 31x31 cells between posts, with its lower edge".into(),
                };
                let found = format!(
                    "{} lines of {} cells and walls",
                    rows.len(),
                    2 * columns + 1
                );
                first.first_line().error(expected, found)
            }),
    )
}

/// Whether the last row is all wall.
fn last_is_edge(cells: &[Cell], columns: usize) -> bool {
    cells[cells.len() - (2 * columns + 1)..]
        .iter()
        .all(|cell| *cell == Cell::Wall)
}

/// The cells of a line: of posts and walls in even ones, of cells in odd ones.
fn row(
    line: Text<'_>,
    number: usize,
    (post, step, columns): (char, usize, usize),
) -> Result<Vec<Cell>, InputError> {
    let width = columns * step + 1;
    let mut signs: Vec<Glyph> = glyphs(line.bytes).collect();
    while signs.len() > width
        && matches!(signs.last(), Some(Glyph::Char(char)) if char.is_whitespace())
    {
        signs.pop();
    }
    // Spaces at the ends of lines get lost.
    while signs.len() < width {
        signs.push(Glyph::Char(' '));
    }
    if signs.len() > width {
        let place = line.start.right(width);
        return Err(place.error(
            format!("a line of {width} characters"),
            signs.len().to_string(),
        ));
    }
    let refused =
        |at: usize, expected: &str| line.start.right(at).error(expected, signs[at].to_string());
    let is = |at: usize, char| signs[at] == Glyph::Char(char);
    let mut row = Vec::with_capacity(2 * columns + 1);
    for column in 0..=columns {
        let at = column * step;
        let between = at + 1..(at + step).min(width);
        if number.is_multiple_of(2) {
            if !is(at, post) {
                return Err(refused(at, &format!("a post ({post})")));
            }
            row.push(Cell::Wall);
            if column == columns {
                break;
            }
            let wall = is(at + 1, '-');
            if let Some(odd) = between
                .clone()
                .find(|&i| !is(i, if wall { '-' } else { ' ' }))
            {
                return Err(refused(odd, "a wall of - from post to post, or a gap"));
            }
            row.push(if wall { Cell::Wall } else { Cell::Free });
        } else {
            row.push(match signs[at] {
                Glyph::Char('|') => Cell::Wall,
                Glyph::Char(' ') => Cell::Free,
                _ => return Err(refused(at, "a wall (|) or a gap")),
            });
            if column == columns {
                break;
            }
            let mut cell = Cell::Free;
            for i in between {
                match signs[i] {
                    Glyph::Char(' ' | '.') => {}
                    Glyph::Char('S') if cell == Cell::Free => cell = Cell::Start,
                    Glyph::Char('G' | 'E') if cell == Cell::Free => cell = Cell::Goal,
                    _ => return Err(refused(i, "S, G or E, or nothing, in a cell between posts")),
                }
            }
            row.push(cell);
        }
    }
    Ok(row)
}
