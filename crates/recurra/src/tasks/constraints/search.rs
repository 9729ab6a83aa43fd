//! The exact search behind the solver, the rating and the generator.
//!
//! Singles are filled in until nothing changes, then the open cell with the fewest candidates is tried value by value.
//! What a guess changed is noted and undone, so memory is bounded by cells and symbols however deep the search goes.

use super::tables::Constraints;
use rand::{Rng, RngExt};

/// How a search for the next solution ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// [`Search::cells`] is a solution not seen before.
    Solution,
    /// There is no further solution.
    Exhausted,
    /// The work allowed is done; there may be more.
    Budget,
}

/// A cell being tried value by value.
struct Guess {
    cell: u16,
    /// Values not tried yet.
    rest: u32,
    /// How many changes there were before it.
    changes: usize,
    /// Solutions known when the present value was set, none where no value is set.
    before: Option<u64>,
}

/// A search that stops at each solution and can go on. It can be used again for other questions of the same rules.
pub(super) struct Search<'a> {
    rules: &'a Constraints,
    /// The candidates of each cell.
    sets: Vec<u32>,
    /// The bit of each given.
    given: Vec<u32>,
    /// Whether `sets` are a consistent position that nobody has looked at yet.
    live: bool,
    guesses: Vec<Guess>,
    /// Cells and what they were before they changed.
    changes: Vec<(u16, u32)>,
    /// Cells with one candidate that their peers do not know of yet.
    singles: Vec<u16>,
    /// Groups in which a candidate went away since they were looked at, as bits.
    changed: Vec<u64>,
    /// Cells looked at so far: what the search costs, the same on every machine.
    pub(super) work: u64,
    /// Solutions so far.
    pub(super) solutions: u64,
    /// Tried values that led to no solution.
    pub(super) wrong: u64,
}

impl<'a> Search<'a> {
    /// A search of nothing yet.
    pub(super) fn new(rules: &'a Constraints) -> Self {
        Search {
            rules,
            sets: vec![0; rules.cells],
            given: vec![0; rules.cells],
            live: false,
            guesses: Vec::new(),
            changes: Vec::new(),
            singles: Vec::new(),
            changed: vec![0; rules.groups.len().div_ceil(64)],
            work: 0,
            solutions: 0,
            wrong: 0,
        }
    }

    /// A search from these givens. They may clash: then there is no solution.
    pub(super) fn of(rules: &'a Constraints, cells: &[u8]) -> Self {
        let mut search = Search::new(rules);
        search.begin(cells);
        search
    }

    /// Begins anew, from these givens.
    pub(super) fn begin(&mut self, cells: &[u8]) {
        let clash = |search: &Self, (cell, &bit): (usize, &u32)| {
            let peers = search.rules.peers.get(cell).iter();
            bit != 0 && { peers }.any(|&peer| search.given[usize::from(peer)] == bit)
        };
        self.open(cells, None);
        self.live = self.live && !self.given.iter().enumerate().any(|one| clash(self, one));
        self.live = self.live && self.propagate();
    }

    /// Begins anew, for solutions with another symbol than this one in a cell that is open. The givens must not clash.
    pub(super) fn begin_without(&mut self, cells: &[u8], cell: usize, symbol: u8) {
        self.open(cells, Some((cell, symbol)));
        self.live = self.live && self.propagate();
    }

    /// Gives each open cell the candidates that the givens leave it.
    fn open(&mut self, cells: &[u8], ban: Option<(usize, u8)>) {
        self.guesses.clear();
        self.changes.clear();
        self.singles.clear();
        (self.work, self.solutions, self.wrong) = (0, 0, 0);
        self.live = true;
        for (given, &symbol) in self.given.iter_mut().zip(cells) {
            *given = bit(symbol);
        }
        for (cell, &given) in self.given.iter().enumerate() {
            if given != 0 {
                self.sets[cell] = given;
                continue;
            }
            let peers = self.rules.peers.get(cell);
            let seen = (peers.iter()).fold(0, |seen, &peer| seen | self.given[usize::from(peer)]);
            self.work += peers.len() as u64;
            let mut set = self.rules.all & !seen;
            if let Some((_, symbol)) = ban.filter(|ban| ban.0 == cell) {
                set &= !bit(symbol);
            }
            self.sets[cell] = set;
            self.live &= set != 0;
            if set.is_power_of_two() {
                self.singles.push(cell as u16);
            }
        }
        let groups = self.rules.groups.len();
        for (word, changed) in self.changed.iter_mut().enumerate() {
            let here = (groups - 64 * word).min(64);
            *changed = u64::MAX >> (64 - here);
        }
    }

    /// Looks for the next solution, with at most so much work since the search began.
    pub(super) fn next(&mut self, budget: Option<u64>) -> Step {
        // The lowest symbol first: fixed, so that equal questions take equal time.
        self.next_with(budget, |rest| rest & rest.wrapping_neg())
    }

    /// The same with a say in which value of a set is tried first.
    pub(super) fn next_with(
        &mut self,
        budget: Option<u64>,
        mut pick: impl FnMut(u32) -> u32,
    ) -> Step {
        loop {
            if std::mem::take(&mut self.live) {
                let Some(cell) = self.fewest() else {
                    self.solutions += 1;
                    return Step::Solution;
                };
                self.guesses.push(Guess {
                    cell,
                    rest: self.sets[usize::from(cell)],
                    changes: self.changes.len(),
                    before: None,
                });
            }
            let Some(guess) = self.guesses.last_mut() else {
                return Step::Exhausted;
            };
            if guess.before.take() == Some(self.solutions) {
                self.wrong += 1;
            }
            let (cell, kept) = (guess.cell, guess.changes);
            for (cell, set) in self.changes.drain(kept..).rev() {
                self.sets[usize::from(cell)] = set;
            }
            if guess.rest == 0 {
                self.guesses.pop();
                continue;
            }
            if budget.is_some_and(|budget| self.work >= budget) {
                return Step::Budget;
            }
            let value = pick(guess.rest);
            guess.rest &= !value;
            guess.before = Some(self.solutions);
            self.live = self.set(cell, value) && self.propagate();
        }
    }

    /// Goes down one branch: gives a random one of the cells with the fewest candidates a random one of these, until all cells
    /// are decided or the position fails. Nothing is taken back. Whether that ended in a solution.
    pub(super) fn descend(&mut self, rng: &mut impl Rng) -> bool {
        while std::mem::take(&mut self.live) {
            let open = self.sets.iter().filter(|set| !set.is_power_of_two());
            let Some(fewest) = open.map(|set| set.count_ones()).min() else {
                return true;
            };
            let cells = 0..self.sets.len();
            let cells: Vec<_> = cells
                .filter(|&cell| self.sets[cell].count_ones() == fewest)
                .collect();
            let cell = cells[rng.random_range(0..cells.len())];
            let value = any(self.sets[cell], rng);
            self.live = self.set(cell as u16, value) && self.propagate();
        }
        false
    }

    /// The position: symbols where one candidate is left. After [`Step::Solution`], the solution.
    pub(super) fn cells(&self) -> Vec<u8> {
        let symbol = |set: &u32| {
            if set.is_power_of_two() {
                set.trailing_zeros() as u8 + 1
            } else {
                0
            }
        };
        self.sets.iter().map(symbol).collect()
    }

    /// The first open cell with the fewest candidates, none where all are decided.
    fn fewest(&mut self) -> Option<u16> {
        let mut best = None;
        let mut fewest = u32::MAX;
        self.work += self.sets.len() as u64;
        for (cell, &set) in self.sets.iter().enumerate() {
            let more = set & set.wrapping_sub(1);
            if more == 0 {
                continue;
            }
            if more & (more - 1) == 0 {
                return Some(cell as u16);
            }
            let count = set.count_ones();
            if count < fewest {
                fewest = count;
                best = Some(cell as u16);
            }
        }
        best
    }

    /// Gives a cell, which had others, these candidates.
    fn change(&mut self, cell: u16, set: u32) {
        let place = &mut self.sets[usize::from(cell)];
        self.changes.push((cell, *place));
        *place = set;
        for &group in self.rules.groups_of.get(cell.into()) {
            self.changed[usize::from(group / 64)] |= 1 << (group % 64);
        }
        if set.is_power_of_two() {
            self.singles.push(cell);
        }
    }

    /// Leaves a cell one candidate. False where it did not have it.
    fn set(&mut self, cell: u16, value: u32) -> bool {
        let set = self.sets[usize::from(cell)];
        if set & value != 0 && set != value {
            self.change(cell, value);
        }
        set & value != 0
    }

    /// Fills in naked and hidden singles until nothing changes. False where the position fails.
    fn propagate(&mut self) -> bool {
        let consistent = self.singles_and_groups();
        if !consistent {
            self.singles.clear();
            self.changed.fill(0);
        }
        consistent
    }

    fn singles_and_groups(&mut self) -> bool {
        let rules = self.rules;
        loop {
            while let Some(cell) = self.singles.pop() {
                let value = self.sets[usize::from(cell)];
                let peers = rules.peers.get(cell.into());
                self.work += peers.len() as u64;
                for &peer in peers {
                    let set = self.sets[usize::from(peer)];
                    if set & value == 0 {
                        continue;
                    }
                    if set == value {
                        return false;
                    }
                    self.change(peer, set & !value);
                }
            }
            let Some(word) = self.changed.iter().position(|&word| word != 0) else {
                return true;
            };
            let group = 64 * word + self.changed[word].trailing_zeros() as usize;
            self.changed[word] &= self.changed[word] - 1;
            if !self.look_at(rules.groups.get(group)) {
                return false;
            }
        }
    }

    /// Sets the hidden singles of a group. False where its cells have too few candidates among them.
    fn look_at(&mut self, group: &[u16]) -> bool {
        let (mut once, mut twice, mut decided) = (0u32, 0u32, 0u32);
        self.work += group.len() as u64;
        for &cell in group {
            let set = self.sets[usize::from(cell)];
            twice |= once & set;
            once |= set;
            if set & set.wrapping_sub(1) == 0 {
                decided |= set;
            }
        }
        if group.len() < self.rules.symbols {
            return once.count_ones() as usize >= group.len();
        }
        if once != self.rules.all {
            return false;
        }
        let mut hidden = once & !twice & !decided;
        while hidden != 0 {
            let value = hidden & hidden.wrapping_neg();
            hidden ^= value;
            // None has it any more where another hidden single took the same cell.
            let has = |&&cell: &&u16| self.sets[usize::from(cell)] & value != 0;
            match group.iter().find(has) {
                Some(&cell) => self.set(cell, value),
                None => return false,
            };
        }
        true
    }
}

/// The bit of a symbol, none of an open cell.
pub(super) fn bit(symbol: u8) -> u32 {
    match symbol.checked_sub(1) {
        None => 0,
        Some(symbol) => 1 << (symbol & 31),
    }
}

/// A random value of a set.
pub(super) fn any(mut set: u32, rng: &mut impl Rng) -> u32 {
    for _ in 0..rng.random_range(0..set.count_ones()) {
        set &= set - 1;
    }
    set & set.wrapping_neg()
}
