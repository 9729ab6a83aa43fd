//! The parts that files of tasks, solutions and attempts are made of.

use super::error::Step;
use super::grid::{COLOURS, Grid, SIDE};
use super::json::{Kind, Node, Trail, skip_list};
use serde::de::{MapAccess, SeqAccess};

/// A grid; none if something was wrong.
#[derive(Clone, Copy)]
pub(super) struct GridKind;

impl<'de> Kind<'de> for GridKind {
    type Value = Option<Grid>;
    const EXPECTED: &'static str = "a grid, a list of rows";

    fn list<A: SeqAccess<'de>>(
        self,
        mut list: A,
        trail: &mut Trail,
    ) -> Result<Option<Grid>, A::Error> {
        let (mut cells, mut rows, mut cols) = (Vec::new(), 0, 0);
        while !trail.is_blamed() {
            let row = trail.within(Step::Row(rows + 1), |trail| {
                let full = rows == SIDE;
                let kind = RowKind(&mut cells);
                let row = list.next_element_seed(Node { kind, trail })?;
                match row {
                    Some(_) if full => trail.blame(format!("at most {SIDE} rows"), "more"),
                    Some(found) if rows > 0 && found != cols => {
                        let expected = format!("{cols} columns as in the first row");
                        trail.blame(expected, found.to_string());
                    }
                    _ => {}
                }
                Ok(row)
            })?;
            match row {
                Some(found) => (rows, cols) = (rows + 1, found),
                None => break,
            }
        }
        if rows == 0 {
            trail.blame(format!("1 to {SIDE} rows"), "none");
        }
        skip_list(&mut list)?;
        Ok(if trail.is_blamed() {
            None
        } else {
            Grid::new(rows, cols, cells)
        })
    }
}

/// A row of a grid, whose cells are added to those before; how many they are.
struct RowKind<'c>(&'c mut Vec<u8>);

impl<'de> Kind<'de> for RowKind<'_> {
    type Value = usize;
    const EXPECTED: &'static str = "a row, a list of colours";

    fn list<A: SeqAccess<'de>>(self, mut list: A, trail: &mut Trail) -> Result<usize, A::Error> {
        let mut cols = 0;
        while !trail.is_blamed() {
            let cell = trail.within(Step::Column(cols + 1), |trail| {
                let kind = CellKind;
                let cell = list.next_element_seed(Node { kind, trail })?;
                if cell.is_some() && cols == SIDE {
                    trail.blame(format!("at most {SIDE} columns"), "more");
                }
                Ok(cell)
            })?;
            let Some(colour) = cell else { break };
            self.0.push(colour);
            cols += 1;
        }
        if cols == 0 {
            trail.blame(format!("1 to {SIDE} columns"), "none");
        }
        skip_list(&mut list)?;
        Ok(cols)
    }
}

struct CellKind;

impl Kind<'_> for CellKind {
    type Value = u8;
    const EXPECTED: &'static str = "a colour from 0 to 9";

    fn number(self, number: u64, trail: &mut Trail) -> u8 {
        if number < COLOURS.into() {
            return number as u8;
        }
        trail.blame(<Self as Kind<'_>>::EXPECTED, number.to_string());
        0
    }
}

/// A list of at least one entry.
#[derive(Clone, Copy)]
pub(super) struct ListKind<K> {
    pub(super) kind: K,
    /// Which step the way takes to the entry of this number.
    pub(super) step: fn(usize) -> Step,
}

impl<'de, T, K: Kind<'de, Value = Option<T>> + Copy> Kind<'de> for ListKind<K> {
    type Value = Vec<T>;
    const EXPECTED: &'static str = "a list of at least one entry";

    fn list<A: SeqAccess<'de>>(self, mut list: A, trail: &mut Trail) -> Result<Vec<T>, A::Error> {
        let mut entries = Vec::new();
        while !trail.is_blamed() {
            let entry = trail.within((self.step)(entries.len() + 1), |trail| {
                let kind = self.kind;
                list.next_element_seed(Node { kind, trail })
            })?;
            match entry {
                Some(entry) => entries.extend(entry),
                None => break,
            }
        }
        if entries.is_empty() {
            trail.blame(Self::EXPECTED, "none");
        }
        skip_list(&mut list)?;
        Ok(entries)
    }
}

/// An entry of an object that must not come twice.
pub(super) struct Entry<T> {
    key: &'static str,
    value: Option<T>,
}

impl<T> Entry<T> {
    /// Not yet read.
    pub(super) fn new(key: &'static str) -> Self {
        Entry { key, value: None }
    }

    /// Reads it.
    pub(super) fn read<'de, A: MapAccess<'de>, K: Kind<'de, Value = T>>(
        &mut self,
        object: &mut A,
        kind: K,
        trail: &mut Trail,
    ) -> Result<(), A::Error> {
        if self.value.is_some() {
            trail.blame(format!("one `{}`", self.key), "two");
        }
        self.value = Some(object.next_value_seed(Node { kind, trail })?);
        Ok(())
    }

    /// What was read; blamed where there was nothing.
    pub(super) fn needed(self, trail: &mut Trail) -> Option<T> {
        if self.value.is_none() {
            trail.blame(format!("`{}`", self.key), "none");
        }
        self.value
    }

    /// What was read, if it came.
    pub(super) fn given(self) -> Option<T> {
        self.value
    }
}
