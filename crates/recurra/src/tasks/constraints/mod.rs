//! Exact search over groups of cells that differ, and puzzles made with it. It knows no task and no tokens: cells are
//! numbers, 0 where a cell is open and otherwise a symbol from 1.

mod generate;
mod search;
mod solver;
mod tables;
#[cfg(test)]
mod tests;

pub use generate::{Effort, GenerateError, Generated, Generator};
pub use solver::{Outcome, attempt, rating, solve};
pub use tables::Constraints;
