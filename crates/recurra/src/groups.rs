//! Groups of cells in which no symbol stands twice.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// Cells to be filled with symbols, and the groups of cells in which no symbol may stand twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Groups {
    /// Cells of a question, and of its answer.
    pub cells: usize,
    /// The tokens of the symbols. A cell of a question with another token is open.
    pub symbols: Vec<u16>,
    /// The cells of each group.
    pub groups: Vec<Vec<u16>>,
}

impl Groups {
    /// The most symbols.
    pub const MOST_SYMBOLS: usize = 64;

    /// Candidates: pairs of a cell and a symbol, cell after cell.
    pub fn candidates(&self) -> usize {
        self.cells * self.symbols.len()
    }

    /// The place of a token among the symbols.
    pub fn symbol(&self, token: u16) -> Option<usize> {
        self.symbols.iter().position(|&symbol| symbol == token)
    }

    /// Checks that groups are of these cells.
    ///
    /// # Errors
    /// [`Error::Config`] for a group that names a cell twice or one that is not there, that has more cells than there are
    /// symbols, and for a cell in no group.
    pub fn check(&self) -> Result<()> {
        let wrong = |expected: String, found: String| {
            Err(Error::Config {
                field: "groups",
                expected,
                found,
            })
        };
        let symbols = self.symbols.len();
        if !(1..=Self::MOST_SYMBOLS).contains(&symbols) {
            let expected = format!("1 to {} symbols", Self::MOST_SYMBOLS);
            return wrong(expected, symbols.to_string());
        }
        let mut member = vec![false; self.cells];
        for (number, group) in (1..).zip(&self.groups) {
            if group.len() > symbols {
                let expected = format!("at most {symbols} cells in group {number}, a symbol each");
                return wrong(expected, group.len().to_string());
            }
            for (i, &cell) in group.iter().enumerate() {
                let Some(member) = member.get_mut(usize::from(cell)) else {
                    let expected = format!("cells below {} in group {number}", self.cells);
                    return wrong(expected, cell.to_string());
                };
                if group[..i].contains(&cell) {
                    let expected = format!("each cell once in group {number}");
                    return wrong(expected, format!("cell {cell} twice"));
                }
                *member = true;
            }
        }
        match member.iter().position(|member| !member) {
            Some(cell) => wrong(
                "every cell in a group".into(),
                format!("cell {cell} in none"),
            ),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_groups_are_refused() {
        let good = Groups {
            cells: 3,
            symbols: vec![2, 3],
            groups: vec![vec![0, 1], vec![2]],
        };
        assert!(good.check().is_ok());
        assert_eq!(
            (good.candidates(), good.symbol(3), good.symbol(1)),
            (6, Some(1), None)
        );
        for (change, message) in [
            (
                vec![vec![0, 1, 2]],
                "at most 2 cells in group 1, a symbol each, found 3",
            ),
            (
                vec![vec![0, 0], vec![1, 2]],
                "each cell once in group 1, found cell 0 twice",
            ),
            (
                vec![vec![0, 1], vec![3]],
                "cells below 3 in group 2, found 3",
            ),
            (
                vec![vec![0, 1]],
                "every cell in a group, found cell 2 in none",
            ),
        ] {
            let bad = Groups {
                groups: change,
                ..good.clone()
            };
            let error = bad.check().unwrap_err().to_string();
            assert!(error.ends_with(message), "{error}");
        }
    }
}
