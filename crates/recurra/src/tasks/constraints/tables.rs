//! Which cells see each other, worked out once for a set of rules.

use crate::groups::Groups;

/// Lists of cells or groups, one after the other.
#[derive(Clone, Debug, Default)]
pub(super) struct Lists {
    /// Where each list ends.
    ends: Vec<u32>,
    items: Vec<u16>,
}

impl Lists {
    fn push(&mut self, list: impl IntoIterator<Item = u16>) {
        self.items.extend(list);
        self.ends.push(self.items.len() as u32);
    }

    /// One of the lists.
    #[inline]
    pub(super) fn get(&self, list: usize) -> &[u16] {
        let start = list.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.items[start as usize..self.ends[list] as usize]
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }
}

/// Groups of cells that differ, as the search needs them.
#[derive(Clone, Debug)]
pub struct Constraints {
    /// Number of cells.
    pub(super) cells: usize,
    /// Number of symbols.
    pub(super) symbols: usize,
    /// One bit for each symbol.
    pub(super) all: u32,
    pub(super) groups: Lists,
    /// Other cells in a cell's groups.
    pub(super) peers: Lists,
    /// The groups of a cell.
    pub(super) groups_of: Lists,
}

impl Constraints {
    /// The most symbols: the candidates of a cell are bits of a word.
    pub const MOST: usize = 32;

    /// The tables of these groups. None where there are more symbols than [`Constraints::MOST`].
    pub fn new(groups: &Groups) -> Option<Self> {
        let (cells, symbols) = (groups.cells, groups.symbols);
        if !(1..=Self::MOST).contains(&symbols) {
            return None;
        }
        let mut of = vec![Vec::new(); cells];
        let mut lists = Lists::default();
        for (number, group) in groups.groups.iter().enumerate() {
            for &cell in group {
                of[usize::from(cell)].push(u16::try_from(number).ok()?);
            }
            lists.push(group.iter().copied());
        }
        let (mut peers, mut groups_of) = (Lists::default(), Lists::default());
        for (cell, of) in of.into_iter().enumerate() {
            let in_groups = of.iter().flat_map(|&group| lists.get(group.into()));
            let mut others: Vec<u16> = in_groups.copied().collect();
            others.sort_unstable();
            others.dedup();
            others.retain(|&other| usize::from(other) != cell);
            peers.push(others);
            groups_of.push(of);
        }
        Some(Constraints {
            cells,
            symbols,
            all: u32::MAX >> (Self::MOST - symbols),
            groups: lists,
            peers,
            groups_of,
        })
    }

    /// Number of cells.
    pub fn cells(&self) -> usize {
        self.cells
    }
}
