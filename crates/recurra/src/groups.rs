//! Cells that must all differ: what the rules of many puzzles come down to.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// The rules of puzzles in which every open cell gets a symbol, givens stay, and in some groups of cells no symbol stands
/// twice: Sudoku, Latin squares, jigsaws. These are all the rules there are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Groups {
    /// Places of a question, each of which is a cell, in reading order.
    pub cells: usize,
    /// How many symbols a cell can get.
    pub symbols: usize,
    /// The token of each symbol.
    pub tokens: Vec<u16>,
    /// The token of an open cell.
    pub blank: u16,
    /// Cells of which no two get the same symbol, ascending; at least two and at most as many as there are symbols. No two
    /// groups are the same.
    pub groups: Vec<Vec<u16>>,
}

impl Groups {
    /// Rules of these groups, of which those that say nothing, or the same as another, are left out.
    pub(crate) fn new(tokens: Vec<u16>, blank: u16, cells: usize, all: Vec<Vec<u16>>) -> Self {
        let mut groups: Vec<Vec<u16>> = Vec::new();
        let mut known = std::collections::HashSet::new();
        for mut group in all {
            group.sort_unstable();
            if group.len() > 1 && known.insert(group.clone()) {
                groups.push(group);
            }
        }
        Groups {
            cells,
            symbols: tokens.len(),
            tokens,
            blank,
            groups,
        }
    }

    /// Candidates: pairs of a cell and a symbol, cell after cell.
    pub fn candidates(&self) -> usize {
        self.cells.saturating_mul(self.symbols)
    }

    /// The place of a token among the symbols.
    pub fn symbol(&self, token: u16) -> Option<usize> {
        self.tokens.iter().position(|&symbol| symbol == token)
    }

    /// Whether a group has as many cells as there are symbols, so that every symbol stands there exactly once.
    pub fn is_permutation(&self, group: usize) -> bool {
        self.groups[group].len() == self.symbols
    }

    /// Refuses rules that say nothing of some cell, as who looks at cells through their groups alone never sees it, and those
    /// that contradict themselves.
    ///
    /// # Errors
    /// [`Error::Config`] with the first such cell, or what is wrong.
    pub fn check(&self) -> Result<()> {
        let wrong = |expected: &str, found: String| {
            Err(Error::Config {
                field: "rules",
                expected: expected.into(),
                found,
            })
        };
        if self.symbols == 0 || self.tokens.len() != self.symbols {
            let found = format!("{} for {} symbols", self.tokens.len(), self.symbols);
            return wrong("symbols, and a token for each", found);
        }
        let mut seen = vec![false; self.cells];
        for &cell in self.groups.iter().flatten() {
            match seen.get_mut(usize::from(cell)) {
                Some(seen) => *seen = true,
                None => {
                    return wrong(
                        "groups of cells that are there",
                        format!("cell {}", cell + 1),
                    );
                }
            }
        }
        match seen.iter().position(|seen| !seen) {
            None => Ok(()),
            Some(cell) => {
                let found = format!("cell {} of {} in none", cell + 1, self.cells);
                wrong("each cell in a group of cells that differ", found)
            }
        }
    }

    /// The symbols of tokens, from 1, and 0 where a cell is open. None where a token is neither.
    pub fn decode(&self, tokens: &[u16]) -> Option<Vec<u8>> {
        let symbol = |&token: &u16| {
            if token == self.blank {
                return Some(0);
            }
            let number = self.tokens.iter().position(|&known| known == token)?;
            u8::try_from(number + 1).ok()
        };
        tokens.iter().map(symbol).collect()
    }

    /// The tokens of symbols, which [`Groups::decode`] undoes.
    pub(crate) fn encode(&self, cells: &[u8]) -> Vec<u16> {
        let token = |&cell: &u8| match usize::from(cell).checked_sub(1) {
            None => self.blank,
            Some(symbol) => self.tokens[symbol],
        };
        cells.iter().map(token).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::Task;
    use crate::tasks::sudoku::Sudoku;

    #[test]
    fn sudoku_has_rows_columns_and_boxes() {
        for sudoku in Sudoku::ALL {
            let groups = sudoku.groups().unwrap();
            let size = sudoku.size();
            assert_eq!((groups.cells, groups.symbols), (size * size, size));
            assert_eq!(groups.groups.len(), 3 * size);
            assert!((0..3 * size).all(|group| groups.is_permutation(group)));
            groups.check().unwrap();
        }
    }

    #[test]
    fn groups_that_say_nothing_are_left_out() {
        let groups = Groups::new(
            vec![2, 3],
            4,
            4,
            vec![vec![1, 0], vec![0, 1], vec![2], vec![]],
        );
        assert_eq!(groups.groups, [[0, 1]]);
        let error = groups.check().unwrap_err().to_string();
        assert!(error.contains("cell 3 of 4 in none"), "{error}");
        for change in [
            |groups: &mut Groups| groups.symbols = 3,
            |groups: &mut Groups| groups.tokens.clear(),
            |groups: &mut Groups| groups.groups.push(vec![3, 4]),
        ] {
            let mut wrong = groups.clone();
            change(&mut wrong);
            assert!(wrong.check().is_err(), "{wrong:?}");
        }
        assert_eq!(groups.decode(&[2, 3, 4, 4]), Some(vec![1, 2, 0, 0]));
        assert_eq!(groups.encode(&[1, 2, 0, 0]), [2, 3, 4, 4]);
        assert_eq!(groups.decode(&[2, 3, 4, 5]), None);
    }
}
