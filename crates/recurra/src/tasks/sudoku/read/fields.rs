//! What stands beside puzzles in lists: names and ratings in a line, headings and sections between.

use super::script::{Script, is_blank};
use super::signs;
use crate::reading::Text;
use crate::tasks::sudoku::Sudoku;

/// A line with other fields beside a puzzle.
pub(super) struct Found<'a> {
    pub(super) question: Text<'a>,
    pub(super) answer: Option<Text<'a>>,
}

/// The puzzle in a line of several fields (with space, commas, semicolons or colons between), and its answer if that is the other of two.
pub(super) fn find<'a>(line: Text<'a>, sudoku: Option<Sudoku>) -> Option<Found<'a>> {
    let between =
        |byte: u8| byte.is_ascii_whitespace() || matches!(byte, b',' | b';' | b':' | b'"');
    let mut grids: Vec<(usize, Text<'a>, bool)> = Vec::new();
    let mut count = 0;
    let mut start = 0;
    for end in 0..=line.bytes.len() {
        if line.bytes.get(end).is_some_and(|&byte| !between(byte)) {
            continue;
        }
        let bytes = &line.bytes[start..end];
        let begin = std::mem::replace(&mut start, end + 1);
        if bytes.is_empty() {
            continue;
        }
        count += 1;
        if let Some((cells, complete)) =
            cells(bytes).filter(|(cells, _)| sudoku.is_none_or(|sudoku| sudoku.cells() == *cells))
        {
            grids.push((
                cells,
                Text {
                    bytes,
                    start: line.place(begin),
                },
                complete,
            ));
        }
    }
    // A short field may look like a small grid beside a large one.
    let largest = grids.iter().map(|grid| grid.0).max()?;
    grids.retain(|grid| grid.0 == largest);
    match grids[..] {
        [(_, question, _)] if count > 1 => Some(Found {
            question,
            answer: None,
        }),
        [(_, question, false), (_, answer, true)] => Some(Found {
            question,
            answer: Some(answer),
        }),
        // The puzzle may stand behind its solution.
        [(_, answer, true), (_, question, false)] => Some(Found {
            question,
            answer: Some(answer),
        }),
        _ => None,
    }
}

/// How many cells a field has, if it is nothing else, and whether none is blank.
fn cells(field: &[u8]) -> Option<(usize, bool)> {
    let cells = field.iter().filter(|&&byte| byte != b'+').count();
    let size = Sudoku::with_cells(cells)?.size();
    let text = std::str::from_utf8(field).ok()?;
    let mut chars = text.chars().filter(|&char| char != '+');
    let known = |script: Script| {
        text.chars().filter(|&char| char != '+').all(|char| {
            script
                .digit(char, size)
                .is_some_and(|digit| usize::from(digit) <= size)
        })
    };
    let known = known(Script::Digits) || known(Script::Letters) || known(Script::Hex);
    known.then(|| {
        (
            cells,
            chars.all(|char| !is_blank(char) && (char != '0' || size == 16)),
        )
    })
}

/// Whether a line begins a section, such as `[Puzzle]`, and if it does, whether that holds a puzzle.
pub(super) fn section(line: Text<'_>) -> Option<bool> {
    let name = line
        .bytes
        .trim_ascii()
        .strip_prefix(b"[")?
        .strip_suffix(b"]")?;
    let is_name = !name.is_empty()
        && name
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b" _-".contains(byte));
    let words = is_name && name.iter().any(u8::is_ascii_alphabetic) && name.len() > 2;
    let holds = |of: &&[u8]| name.eq_ignore_ascii_case(of);
    words.then(|| {
        [
            &b"puzzle"[..],
            b"puzzles",
            b"givens",
            b"grid",
            b"sudoku",
            b"clues",
        ]
        .iter()
        .any(holds)
    })
}

/// Whether a line only numbers a puzzle: `Grid 01`.
pub(super) fn is_heading(line: Text<'_>) -> bool {
    let text = line.bytes.trim_ascii();
    let text = text.strip_suffix(b":").unwrap_or(text);
    let letters = text
        .iter()
        .take_while(|byte| byte.is_ascii_alphabetic())
        .count();
    let (word, number) = text.split_at(letters);
    let number = number.trim_ascii_start();
    let number = number
        .strip_prefix(b"#")
        .unwrap_or(number)
        .trim_ascii_start();
    let words = [
        &b"grid"[..],
        b"puzzle",
        b"sudoku",
        b"game",
        b"board",
        b"problem",
    ];
    words.iter().any(|known| word.eq_ignore_ascii_case(known))
        && !number.is_empty()
        && number.len() <= 9
        && number.iter().all(u8::is_ascii_digit)
}

/// Takes digits away that were placed and not given: those with a plus before them, as HoDoKu writes them.
pub(super) fn without_placed(signs: &mut Vec<signs::Sign>) {
    let mut i = 0;
    while i < signs.len() {
        if signs[i].char() == Some('+') && i + 1 < signs.len() {
            signs[i + 1].mark = signs::Mark::Blank;
            signs.remove(i);
        }
        i += 1;
    }
}
