//! The least image of a grid, by trying.
//!
//! Turns and orders of columns are tried one by one. Rows are chosen from the top: whatever comes below, the least row
//! must come first, so only rows that are equally small are followed. Symbols get their new names in the order in which
//! they are met, which is the least for each order of cells.

use super::lines::Lines;
use super::turn::Turn;
use super::{Element, Group, turned};
use crate::tasks::grid::cells::Grid;

/// A symbol without a new name so far.
const NONE: u8 = u8::MAX;

/// New names of symbols, given out in the order of need.
#[derive(Clone)]
struct Names<'a> {
    sets: &'a [Vec<u8>],
    /// Of each symbol; those of no set keep theirs.
    names: Vec<u8>,
    /// How many of each set have been given out.
    used: Vec<usize>,
}

impl<'a> Names<'a> {
    fn new(symbols: usize, sets: &'a [Vec<u8>]) -> Self {
        let mut names: Vec<u8> = (0..symbols as u8).collect();
        for &symbol in sets.iter().flatten() {
            names[usize::from(symbol)] = NONE;
        }
        Names {
            sets,
            names,
            used: vec![0; sets.len()],
        }
    }

    fn name(&mut self, symbol: u8) -> u8 {
        let name = self.names[usize::from(symbol)];
        if name != NONE {
            return name;
        }
        let mut sets = self.sets.iter().zip(&mut self.used);
        let Some((set, used)) = sets.find(|(set, _)| set.contains(&symbol)) else {
            // It is in a set, as it has no name.
            return NONE;
        };
        let name = set[*used];
        *used += 1;
        self.names[usize::from(symbol)] = name;
        name
    }

    /// All names: symbols that were not met get those that are left, in order.
    fn all(mut self) -> Vec<u8> {
        for &symbol in self.sets.iter().flatten() {
            self.name(symbol);
        }
        self.names
    }
}

struct Search<'a> {
    /// The turned grid, in reading order.
    cells: Vec<u8>,
    rows: usize,
    cols: usize,
    row_orders: Option<Lines>,
    turn: Turn,
    best: &'a mut Option<(Vec<u8>, Element)>,
}

/// The element that leads to the least image.
pub(super) fn least(group: &Group, grid: &Grid) -> Element {
    let mut best = None;
    let rows = |&turn: &Turn| turned(grid.shape, turn).0;
    let fewest = group.turns.iter().map(rows).min().unwrap_or(0);
    for &turn in group.turns.iter().filter(|turn| rows(turn) == fewest) {
        let (rows, cols) = turned(grid.shape, turn);
        let cell = |i: usize| {
            let (row, col) =
                turn.source((i / cols, i % cols), grid.shape.rows(), grid.shape.cols());
            grid.cells[row * grid.shape.cols() + col]
        };
        let mut search = Search {
            cells: (0..rows * cols).map(cell).collect(),
            rows,
            cols,
            row_orders: group.rows,
            turn,
            best: &mut best,
        };
        let names = Names::new(group.symbols, &group.sets);
        let mut columns = |order: &[u8]| {
            search.choose(order, &mut Vec::new(), &mut Vec::new(), &names);
        };
        match group.cols {
            Some(orders) => orders.all(cols, &mut Vec::new(), &mut columns),
            None => columns(&(0..cols as u8).collect::<Vec<_>>()),
        }
    }
    let (_, element) = best.expect("the first leaf is the best so far");
    element
}

impl Search<'_> {
    /// Chooses the next row; `image` is what has been chosen.
    fn choose(
        &mut self,
        columns: &[u8],
        order: &mut Vec<u8>,
        image: &mut Vec<u8>,
        names: &Names<'_>,
    ) {
        if let Some((best, _)) = &*self.best
            && image.as_slice() > &best[..image.len()]
        {
            return;
        }
        if order.len() == self.rows {
            let better = self.best.as_ref().is_none_or(|(best, _)| &*image < best);
            if better {
                let element = Element {
                    turn: self.turn,
                    rows: order.clone(),
                    cols: columns.to_vec(),
                    labels: names.clone().all(),
                };
                *self.best = Some((image.clone(), element));
            }
            return;
        }
        let mut least: Vec<(u8, Vec<u8>, Names<'_>)> = Vec::new();
        let next = order.len() as u8;
        for row in 0..self.rows as u8 {
            let allowed = match self.row_orders {
                Some(orders) => orders.follows(order, row),
                None => row == next,
            };
            if !allowed || self.like_one_of(&least, row) {
                continue;
            }
            let mut names = names.clone();
            let cells = self.row(row);
            let named = columns
                .iter()
                .map(|&col| names.name(cells[usize::from(col)]));
            let named: Vec<u8> = named.collect();
            match least.first().map(|first| named.cmp(&first.1)) {
                Some(std::cmp::Ordering::Greater) => continue,
                Some(std::cmp::Ordering::Less) => least.clear(),
                _ => {}
            }
            least.push((row, named, names));
        }
        for (row, named, names) in least {
            order.push(row);
            image.extend(&named);
            self.choose(columns, order, image, &names);
            image.truncate(image.len() - named.len());
            order.pop();
        }
    }

    fn row(&self, row: u8) -> &[u8] {
        &self.cells[usize::from(row) * self.cols..][..self.cols]
    }

    /// Whether a row has the same cells as one of these and can be exchanged with it.
    fn like_one_of(&self, rows: &[(u8, Vec<u8>, Names<'_>)], row: u8) -> bool {
        let band = self.row_orders.map_or(1, |orders| orders.band);
        let exchanged = |other: u8| band == 1 || other / band as u8 == row / band as u8;
        rows.iter()
            .any(|&(other, ..)| exchanged(other) && self.row(other) == self.row(row))
    }
}
