//! The exact search behind the solver, the rating and the generator.
//!
//! Singles are filled in until nothing changes, then the open cell with the fewest candidates is
//! tried value by value. Memory is bounded: one copy of the candidates for each open guess.

use super::tables::Tables;
use super::{Grid, Sudoku};

/// How a search for the next solution ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// [`Search::grid`] is a solution not seen before.
    Solution,
    /// There is no further solution.
    Exhausted,
    /// The budget is spent; there may be more.
    Budget,
}

/// A cell being tried value by value.
struct Guess {
    cell: u8,
    /// Values not tried yet.
    rest: u16,
    /// Solutions known when the present value was set, none where no value is set.
    before: Option<u64>,
}

/// A search that stops at each solution and can go on.
pub(super) struct Search {
    sudoku: Sudoku,
    tables: &'static Tables,
    candidates: [u16; 256],
    /// Whether `candidates` are a consistent position that nobody has looked at yet.
    live: bool,
    guesses: Vec<Guess>,
    /// Candidates before each guess, one after the other.
    saved: Vec<u16>,
    /// Cells with one candidate that their peers do not know of yet.
    singles: Vec<u8>,
    /// Units in which a candidate went away since they were looked at.
    changed: u64,
    /// Values tried so far.
    pub(super) tried: u64,
    /// Solutions so far.
    pub(super) solutions: u64,
    /// Tried values that led to no solution.
    pub(super) wrong: u64,
}

impl Search {
    /// A search from these givens. They may clash: then there is no solution.
    pub(super) fn new(grid: &Grid) -> Self {
        let mut search = Self::open(grid, None);
        search.live = search.live && search.propagate();
        search
    }

    /// A search for solutions with another digit than this one in a cell that is blank in the grid.
    pub(super) fn without(grid: &Grid, cell: u8, digit: u8) -> Self {
        let mut search = Self::open(grid, Some((cell, digit)));
        search.live = search.live && search.propagate();
        search
    }

    fn open(grid: &Grid, ban: Option<(u8, u8)>) -> Self {
        let sudoku = grid.sudoku();
        let tables = Tables::of(sudoku);
        let mut search = Search {
            sudoku,
            tables,
            candidates: [tables.all; 256],
            live: true,
            guesses: Vec::new(),
            saved: Vec::new(),
            singles: Vec::with_capacity(sudoku.cells()),
            changed: 0,
            tried: 0,
            solutions: 0,
            wrong: 0,
        };
        if let Some((cell, digit)) = ban {
            search.candidates[usize::from(cell)] &= !bit(digit);
            search.changed |= tables.units_of[usize::from(cell)];
        }
        for (cell, &digit) in grid.cells().iter().enumerate() {
            if digit != 0 {
                search.live = search.live && search.set(cell as u8, bit(digit));
            }
        }
        search
    }

    /// Looks for the next solution, trying at most so many values in the whole life of the search.
    pub(super) fn next(&mut self, budget: Option<u64>) -> Step {
        // The lowest digit first: fixed, so that equal questions take equal time.
        self.next_with(budget, |rest| rest & rest.wrapping_neg())
    }

    /// The same with a say in which value of a set is tried first.
    pub(super) fn next_with(
        &mut self,
        budget: Option<u64>,
        mut pick: impl FnMut(u16) -> u16,
    ) -> Step {
        let cells = self.sudoku.cells();
        loop {
            if std::mem::take(&mut self.live) {
                let Some(cell) = self.fewest() else {
                    self.solutions += 1;
                    return Step::Solution;
                };
                self.saved.extend_from_slice(&self.candidates[..cells]);
                self.guesses.push(Guess {
                    cell,
                    rest: self.candidates[usize::from(cell)],
                    before: None,
                });
            }
            let Some(guess) = self.guesses.last_mut() else {
                return Step::Exhausted;
            };
            if guess.before.take() == Some(self.solutions) {
                self.wrong += 1;
            }
            let saved = self.saved.len() - cells;
            if guess.rest == 0 {
                self.guesses.pop();
                self.saved.truncate(saved);
                continue;
            }
            if budget.is_some_and(|budget| self.tried >= budget) {
                return Step::Budget;
            }
            let value = pick(guess.rest);
            guess.rest &= !value;
            guess.before = Some(self.solutions);
            let cell = guess.cell;
            self.tried += 1;
            self.candidates[..cells].copy_from_slice(&self.saved[saved..]);
            self.live = self.set(cell, value) && self.propagate();
        }
    }

    /// The position: digits where one candidate is left. After [`Step::Solution`], the solution.
    pub(super) fn grid(&self) -> Grid {
        let mut grid = Grid::blank(self.sudoku);
        for (cell, &set) in grid.cells_mut().iter_mut().zip(&self.candidates) {
            if set.is_power_of_two() {
                *cell = set.trailing_zeros() as u8 + 1;
            }
        }
        grid
    }

    /// The first open cell with the fewest candidates, none where all are decided.
    fn fewest(&self) -> Option<u8> {
        let mut best = None;
        let mut fewest = u32::MAX;
        for (cell, &set) in self.candidates[..self.sudoku.cells()].iter().enumerate() {
            let more = set & set.wrapping_sub(1);
            if more == 0 {
                continue;
            }
            if more & (more - 1) == 0 {
                return Some(cell as u8);
            }
            let count = set.count_ones();
            if count < fewest {
                fewest = count;
                best = Some(cell as u8);
            }
        }
        best
    }

    /// Leaves a cell one candidate. False where it did not have it.
    fn set(&mut self, cell: u8, value: u16) -> bool {
        let set = &mut self.candidates[usize::from(cell)];
        if *set & value == 0 {
            return false;
        }
        if *set != value {
            *set = value;
            self.changed |= self.tables.units_of[usize::from(cell)];
            self.singles.push(cell);
        }
        true
    }

    /// Fills in naked and hidden singles until nothing changes. False where the position fails.
    fn propagate(&mut self) -> bool {
        let consistent = self.singles_and_units();
        if !consistent {
            self.singles.clear();
            self.changed = 0;
        }
        consistent
    }

    fn singles_and_units(&mut self) -> bool {
        let tables = self.tables;
        let size = self.sudoku.size();
        loop {
            while let Some(cell) = self.singles.pop() {
                let value = self.candidates[usize::from(cell)];
                for &peer in &tables.peers[usize::from(cell)][..tables.peer_count] {
                    let set = &mut self.candidates[usize::from(peer)];
                    if *set & value == 0 {
                        continue;
                    }
                    *set &= !value;
                    if *set == 0 {
                        return false;
                    }
                    self.changed |= tables.units_of[usize::from(peer)];
                    if *set & (*set - 1) == 0 {
                        self.singles.push(peer);
                    }
                }
            }
            if self.changed == 0 {
                return true;
            }
            let unit = &tables.units[self.changed.trailing_zeros() as usize % 48][..size];
            self.changed &= self.changed - 1;
            let (mut once, mut twice, mut decided) = (0u16, 0u16, 0u16);
            for &cell in unit {
                let set = self.candidates[usize::from(cell)];
                twice |= once & set;
                once |= set;
                if set & set.wrapping_sub(1) == 0 {
                    decided |= set;
                }
            }
            if once != tables.all {
                return false;
            }
            let mut hidden = once & !twice & !decided;
            while hidden != 0 {
                let value = hidden & hidden.wrapping_neg();
                hidden ^= value;
                // None has it any more where another hidden single took the same cell.
                let has = |&&cell: &&u8| self.candidates[usize::from(cell)] & value != 0;
                match unit.iter().find(has) {
                    Some(&cell) => self.set(cell, value),
                    None => return false,
                };
            }
        }
    }
}

/// The bit of a digit.
pub(super) fn bit(digit: u8) -> u16 {
    1 << ((digit.wrapping_sub(1)) & 15)
}

/// The digit of a bit.
#[cfg(test)]
fn digit(bit: u16) -> u8 {
    bit.trailing_zeros() as u8 + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_digits() {
        for d in 1..=16 {
            assert_eq!(digit(bit(d)), d);
        }
    }

    #[test]
    fn goes_through_all_288_small_grids() {
        let mut search = Search::new(&Grid::blank(Sudoku::new(4).unwrap()));
        while search.next(None) == Step::Solution {
            assert!(crate::tasks::sudoku::rules::is_solved(&search.grid()));
        }
        assert_eq!(search.solutions, 288);
        assert_eq!(search.next(None), Step::Exhausted);
    }

    #[test]
    fn a_budget_interrupts_without_losing_solutions() {
        let mut search = Search::new(&Grid::blank(Sudoku::new(4).unwrap()));
        let mut budget = 0;
        loop {
            match search.next(Some(budget)) {
                Step::Budget => budget += 1,
                Step::Solution => (),
                Step::Exhausted => break,
            }
        }
        assert_eq!(search.solutions, 288);
        assert_eq!(search.tried, budget);
    }

    #[test]
    fn bans_a_digit() {
        let solved: Grid = "1234341221434321".parse().unwrap();
        let mut puzzle = solved.clone();
        puzzle.set(5, 0);
        assert_eq!(Search::without(&puzzle, 5, 4).next(None), Step::Exhausted);
    }
}
