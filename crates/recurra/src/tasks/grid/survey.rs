//! What a table is like, found by reading it once.

use super::read::{Layout, Written, learning};
use super::{GridSpec, Rules, Shape, ShapeRule};
use crate::error::{Error, Result};
use crate::reading::{InputError, Place};
use std::io::BufRead;

/// Shapes seen so far.
#[derive(Clone, Copy)]
struct Seen {
    /// The one shape of all.
    fixed: Option<Shape>,
    largest: Shape,
    /// Whether nothing marked the rows of any.
    flat: bool,
}

impl Seen {
    fn add(seen: &mut Option<Seen>, written: &Written) {
        let (shape, flat) = (written.grid.shape, written.flat);
        *seen = Some(match *seen {
            None => Seen {
                fixed: Some(shape),
                largest: shape,
                flat,
            },
            Some(seen) => Seen {
                fixed: seen.fixed.filter(|&fixed| fixed == shape),
                largest: seen.largest.around(shape),
                flat: seen.flat && flat,
            },
        });
    }

    /// The square that all these grids are, if nothing marked their rows.
    fn square(self) -> Option<Shape> {
        let cells = self.fixed.filter(|_| self.flat)?.cells();
        Shape::square(cells)
    }
}

/// Symbols and shapes of a table with answers (CSV with a header, or JSON Lines); the rules are none. Memory does not
/// grow with the table. `refused` is told every line that cannot be used.
///
/// Where no grid has marks between its rows, and all questions have one square number of cells, and so have all
/// answers, they are taken for squares, unless the layout says otherwise.
///
/// # Errors
/// [`Error::Question`] if there is no question with an answer.
pub fn survey(
    reader: impl BufRead,
    layout: Layout,
    refused: &mut dyn FnMut(InputError),
) -> Result<GridSpec> {
    let mut reader = learning(reader, layout);
    let (mut questions, mut answers) = (None, None);
    let mut same = true;
    for entry in &mut reader {
        match entry.result {
            Err(error) => refused(error),
            Ok(record) => match record.answer {
                None => refused(Place::line(entry.line).error("an answer", "none")),
                Some(answer) => {
                    Seen::add(&mut questions, &record.question);
                    Seen::add(&mut answers, &answer);
                    same &= answer.grid.shape == record.question.grid.shape;
                }
            },
        }
    }
    let Some((mut questions, mut answers)) = questions.zip(answers) else {
        return Err(Error::Question {
            what: "data",
            expected: "questions with answers".into(),
            found: "none".into(),
        });
    };
    if layout == Layout::default()
        && let Some((question, answer)) = questions.square().zip(answers.square())
    {
        for (seen, shape) in [(&mut questions, question), (&mut answers, answer)] {
            seen.fixed = Some(shape);
            seen.largest = shape;
        }
    }
    let rule = |seen: Seen, otherwise| seen.fixed.map_or(otherwise, ShapeRule::Fixed);
    let otherwise = if same {
        ShapeRule::AsQuestion
    } else {
        ShapeRule::Ends
    };
    Ok(GridSpec {
        symbols: reader.into_notation().into_alphabet().sorted(),
        frame: questions.largest.around(answers.largest),
        question: rule(questions, ShapeRule::Ends),
        answer: rule(answers, otherwise),
        rules: Rules::default(),
    })
}
