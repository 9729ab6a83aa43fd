//! The symmetries declared for a table, as one group.
//!
//! An element turns the grid, then puts rows and columns into another order, and renames symbols.

mod bind;
mod canonical;
mod invariant;
mod lines;
#[cfg(test)]
mod tests;
mod turn;

use super::Shape;
use super::cells::Grid;
use super::frame::FIRST;
use crate::tasks::task::TokenSymmetry;
use lines::Lines;
use rand::Rng;
use rand::RngExt;
use rand::seq::SliceRandom;
use turn::Turn;

/// All symmetries of a table.
#[derive(Clone, Debug)]
pub(super) struct Group {
    frame: Shape,
    symbols: usize,
    /// In order, the identity first; without those that permuting lines does too.
    turns: Vec<Turn>,
    rows: Option<Lines>,
    cols: Option<Lines>,
    /// Symbols that can be exchanged with one another, ascending.
    sets: Vec<Vec<u8>>,
}

/// An element for grids of some shape.
#[derive(Clone, Debug)]
struct Element {
    turn: Turn,
    /// For each row of the turned grid, the row it comes from.
    rows: Vec<u8>,
    cols: Vec<u8>,
    /// What each symbol becomes.
    labels: Vec<u8>,
}

impl Group {
    /// Elements above which none is enumerated: room for all that can be done to a 6x6 Latin square.
    const MOST: u64 = 1 << 20;
    /// Elements above which none is enumerated in the middle of a training.
    const FEW: u64 = 1 << 10;

    /// Whether there is nothing but the identity.
    pub(super) fn is_trivial(&self) -> bool {
        self.turns.len() == 1 && self.rows.is_none() && self.cols.is_none() && self.sets.is_empty()
    }

    /// A random element for a question; every one is equally likely.
    pub(super) fn random(&self, question: &Grid, rng: &mut dyn Rng) -> TokenSymmetry {
        let turn = self.turns[rng.random_range(0..self.turns.len())];
        let (rows, cols) = turned(question.shape, turn);
        let order = |lines: Option<Lines>, count: usize, rng: &mut dyn Rng| match lines {
            Some(lines) => lines.random(count, rng),
            None => (0..count as u8).collect(),
        };
        let mut labels: Vec<u8> = (0..self.symbols as u8).collect();
        for set in &self.sets {
            let mut images = set.clone();
            images.shuffle(rng);
            for (&symbol, &image) in set.iter().zip(&images) {
                labels[usize::from(symbol)] = image;
            }
        }
        let element = Element {
            turn,
            rows: order(self.rows, rows, rng),
            cols: order(self.cols, cols, rng),
            labels,
        };
        self.on_tokens(question.shape, &element)
    }

    /// The element that leads to the form that all images of a question have in common: the least image, by its number
    /// of rows and then its cells in reading order. Where orders of lines are too many to try ([`Group::MOST`]), the
    /// least under the other symmetries, so that some images may have another form.
    pub(super) fn canonical(&self, question: &Grid) -> TokenSymmetry {
        let element = if self.orders(question.shape) <= Self::MOST {
            canonical::least(self, question)
        } else {
            canonical::least(&self.without_lines(), question)
        };
        self.on_tokens(question.shape, &element)
    }

    /// Bytes that all images of a question have in common, quickly: its canonical form or, where there are
    /// more than [`Group::FEW`] orders to try, what colours of its cells tell. Then questions that are no images of one
    /// another may share them too.
    pub(super) fn fingerprint(&self, question: &Grid) -> Vec<u8> {
        if self.orders(question.shape) > Self::FEW {
            return invariant::fingerprint(question, &self.sets).to_vec();
        }
        let element = canonical::least(self, question);
        let (rows, cols) = turned(question.shape, element.turn);
        let mut bytes = vec![rows as u8, cols as u8];
        for row in 0..rows {
            bytes.extend((0..cols).map(|col| element.at(question, row, col)));
        }
        bytes
    }

    /// Pairs of turns and orders of lines.
    fn orders(&self, shape: Shape) -> u64 {
        let orders = |lines: Option<Lines>, count| lines.map_or(1, |lines| lines.orders(count));
        // Turns that exchange rows and columns need the same orders for both.
        let lines = orders(self.rows, shape.rows()).saturating_mul(orders(self.cols, shape.cols()));
        lines.saturating_mul(self.turns.len() as u64)
    }

    fn without_lines(&self) -> Group {
        Group {
            rows: None,
            cols: None,
            ..self.clone()
        }
    }

    /// The element as a permutation of a frame's places. Outside the grid, end tokens stay where they belong.
    fn on_tokens(&self, shape: Shape, element: &Element) -> TokenSymmetry {
        let line = |order: &[u8], line: usize| order.get(line).map_or(line, |&line| line.into());
        let width = self.frame.cols();
        let from = (0..self.frame.cells()).map(|place| {
            let (row, col) = (
                line(&element.rows, place / width),
                line(&element.cols, place % width),
            );
            let (row, col) = element.turn.source((row, col), shape.rows(), shape.cols());
            (row * width + col) as u16
        });
        let labels = element.labels.iter().map(|&label| u16::from(label) + FIRST);
        TokenSymmetry::new(from.collect(), (0..FIRST).chain(labels).collect())
    }
}

impl Element {
    /// A cell of the image.
    fn at(&self, grid: &Grid, row: usize, col: usize) -> u8 {
        let place = (self.rows[row].into(), self.cols[col].into());
        let shape = grid.shape;
        let (row, col) = self.turn.source(place, shape.rows(), shape.cols());
        self.labels[usize::from(grid.cells[row * shape.cols() + col])]
    }
}

/// Rows and columns of a turned grid.
fn turned(shape: Shape, turn: Turn) -> (usize, usize) {
    let shape = if turn.swap { shape.transposed() } else { shape };
    (shape.rows(), shape.cols())
}
