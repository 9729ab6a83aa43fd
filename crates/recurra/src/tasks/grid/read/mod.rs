//! Questions and answers from text: tables (CSV), JSON Lines, or a question in each line.
//!
//! A grid is written as its rows with `/` or, inside quotes, a new line between them. Each character is a cell; where
//! a row has white space or commas, these are between cells of several characters. What cannot be read gives one error
//! that says where, and reading goes on after it. Memory is bounded: a line longer than [`MOST`] bytes is an error and
//! is not kept. There are no comments, as every character may be a cell.

#[cfg(test)]
mod tests;
mod text;

use super::alphabet::Alphabet;
use super::cells::Grid;
use super::{GridTask, Shape, ShapeRule};
use crate::reading::{Dialect, Field, Given, InputError, Lines, Notation, Read, Reader, Text};
use std::io::BufRead;
use text::Rows;

/// Bytes of a line: two grids of the largest size fit in, with 32 bytes for each cell.
const MOST: usize = 1 << 18;

/// The shapes of grids that are written in one line without a mark between their rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// Of questions. None: one row, or a square if all of them have as many cells as one.
    pub question: Option<Shape>,
    /// The same of answers.
    pub answer: Option<Shape>,
}

impl Layout {
    /// The same shape for questions and answers.
    pub fn both(shape: Shape) -> Self {
        Layout {
            question: Some(shape),
            answer: Some(shape),
        }
    }
}

/// A grid as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) grid: Grid,
    /// Whether nothing marks its rows.
    pub(super) flat: bool,
}

/// How symbols become numbers.
pub(super) enum GridNotation {
    /// Those of a task; others are refused.
    Known(GridTask),
    /// Whatever comes, in grids of these shapes.
    Learning(Alphabet, Layout),
}

/// Learns the symbols of a table.
pub(super) fn learning<R: BufRead>(reader: R, layout: Layout) -> Reader<R, GridNotation> {
    Reader::of(reader, GridNotation::Learning(Alphabet::default(), layout))
}

/// The answer in a text, whatever rule it breaks.
pub(super) fn answer(text: &str, task: &GridTask) -> Result<Grid, InputError> {
    let mut notation = GridNotation::Known(task.clone());
    let [_, fold] = notation.folds();
    let rows = text::rows(Text::line(1, text.as_bytes()), notation.words())?;
    text::grid(&rows, "answer", &mut notation, fold)
}

impl Notation for GridNotation {
    type Grid = Written;

    const DIALECT: Dialect = Dialect {
        longest: MOST,
        comment: None,
        object: b"{",
        columns_once: true,
        lists: false,
        ..Dialect::PLAIN
    };

    /// A model knows its symbols, so a question is told from a header with a slip.
    fn is_table(&mut self, line: Text<'_>, _: Option<&[Field]>) -> bool {
        match self {
            GridNotation::Known(_) => line.bytes.contains(&b',') && self.question(line).is_err(),
            GridNotation::Learning(..) => true,
        }
    }

    fn given(
        &mut self,
        question: Given,
        answer: Option<Given>,
    ) -> Result<Read<Written>, InputError> {
        let words = self.words();
        let rows = text::given(&question, words)?;
        let solved = answer.as_ref().map(|answer| text::given(answer, words));
        if matches!(self, GridNotation::Learning(..)) {
            // Nothing is learned from half a row.
            let (question, answer) = self.grids(&rows, solved.transpose()?.as_ref())?;
            return Ok(Read {
                question,
                answer: answer.map(Ok),
            });
        }
        let Some(solved) = solved else {
            return Ok(self.grids(&rows, None)?.0.into());
        };
        let both = solved.and_then(|solved| self.grids(&rows, Some(&solved)));
        match both {
            Ok((question, answer)) => Ok(Read {
                question,
                answer: answer.map(Ok),
            }),
            // Where the question alone is right, it is the answer that is wrong.
            Err(error) => Ok(Read {
                question: self.grids(&rows, None)?.0,
                answer: Some(Err(error)),
            }),
        }
    }

    fn plain<R: BufRead>(
        &mut self,
        first: Text<'_>,
        _: &mut Lines<R>,
    ) -> Option<Result<Read<Written>, InputError>> {
        Some(self.question(first).map(Read::from))
    }
}

impl GridNotation {
    /// The symbols learned.
    pub(super) fn into_alphabet(self) -> Alphabet {
        match self {
            GridNotation::Learning(alphabet, _) => alphabet,
            GridNotation::Known(task) => task.alphabet().clone(),
        }
    }

    /// Shapes into which questions and answers without marks are folded, and whether they must fit.
    fn folds(&self) -> [Option<(Shape, bool)>; 2] {
        match self {
            GridNotation::Learning(_, layout) => {
                [layout.question, layout.answer].map(|shape| Some((shape?, true)))
            }
            GridNotation::Known(task) => {
                let spec = task.grid_spec();
                [spec.question, spec.answer].map(|rule| match rule {
                    ShapeRule::Fixed(shape) => Some((shape, false)),
                    _ => None,
                })
            }
        }
    }

    fn words(&self) -> bool {
        matches!(self, GridNotation::Known(task) if task.alphabet().words())
    }

    fn question(&mut self, text: Text<'_>) -> Result<Written, InputError> {
        let rows = text::rows(text, self.words())?;
        Ok(self.grids(&rows, None)?.0)
    }

    /// Makes grids of rows; symbols learned from bad ones are forgotten.
    fn grids(
        &mut self,
        question: &Rows<'_>,
        answer: Option<&Rows<'_>>,
    ) -> Result<(Written, Option<Written>), InputError> {
        let [fold, fold_answer] = self.folds();
        let known = match self {
            GridNotation::Learning(alphabet, _) => alphabet.len(),
            GridNotation::Known(_) => 0,
        };
        let mut read = || {
            let grid = text::grid(question, "question", self, fold)?;
            let solved = answer.map(|rows| text::grid(rows, "answer", self, fold_answer));
            Ok((grid, solved.transpose()?))
        };
        let grids = read().and_then(|(grid, solved)| {
            if let GridNotation::Known(task) = self {
                task.check(&grid, solved.as_ref()).map_err(|objection| {
                    let of = answer.zip(solved.as_ref());
                    let of = of.filter(|_| objection.in_answer);
                    let (rows, grid) = of.unwrap_or((question, &grid));
                    let place = rows.place(objection.cell, grid.shape.cols());
                    place.error(objection.expected, objection.found)
                })?;
            }
            Ok((grid, solved))
        });
        if let (Err(_), GridNotation::Learning(alphabet, _)) = (&grids, &mut *self) {
            alphabet.truncate(known);
        }
        let (grid, solved) = grids?;
        let written = |grid, rows: &Rows<'_>| Written {
            grid,
            flat: rows.flat,
        };
        let solved = solved.zip(answer);
        Ok((
            written(grid, question),
            solved.map(|(grid, rows)| written(grid, rows)),
        ))
    }
}
