//! Which row of the puzzle table belongs to which augmented task.

use super::distinct::distinct;
use super::error::printable;
use super::{ArcTask, Augmentation};
use crate::error::{Error, Result};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Name of the rows that belong to no task.
const BLANK: &str = "<blank>";

/// The identifiers of augmented tasks: rows of a model's puzzle table. Row 0 is blank.
#[derive(Clone, Debug)]
pub struct Identifiers {
    /// The augmented task of each row: a place in `tasks` and the augmentation.
    rows: Vec<Option<(u32, Augmentation)>>,
    /// Name and rows of each task.
    tasks: Vec<(String, Vec<u32>)>,
    places: HashMap<String, u32>,
}

impl Default for Identifiers {
    fn default() -> Self {
        Self::new()
    }
}

impl Identifiers {
    /// The file beside a model that holds its identifiers: `MODEL.identifiers.json`.
    pub fn beside(model: &Path) -> PathBuf {
        let mut path = model.as_os_str().to_owned();
        path.push(".identifiers.json");
        path.into()
    }

    /// The table that has only the blank row.
    pub fn new() -> Self {
        Identifiers {
            rows: vec![None],
            tasks: Vec::new(),
            places: HashMap::new(),
        }
    }

    /// Adds a task and up to `augmentations` different augmented forms of it, one row after another, the task itself
    /// first. A task whose name is known is left as it is. The same calls give the same table on every machine.
    pub fn add(&mut self, task: &ArcTask, augmentations: usize, seed: u64) {
        if self.places.contains_key(&task.name) {
            return;
        }
        for augmentation in distinct(task, augmentations, seed) {
            self.push(&task.name, augmentation);
        }
    }

    fn push(&mut self, task: &str, augmentation: Augmentation) {
        let row = u32::try_from(self.rows.len()).expect("a table has fewer than 2^32 rows");
        let place = match self.places.get(task) {
            Some(&place) => place,
            None => {
                let place = self.tasks.len() as u32;
                self.places.insert(task.into(), place);
                self.tasks.push((task.into(), Vec::new()));
                place
            }
        };
        self.tasks[place as usize].1.push(row);
        self.rows.push(Some((place, augmentation)));
    }

    /// How many rows there are, blank ones counted.
    pub fn count(&self) -> usize {
        self.rows.len()
    }

    /// Names of the tasks, in the order of their first rows.
    pub fn tasks(&self) -> impl ExactSizeIterator<Item = &str> {
        self.tasks.iter().map(|(name, _)| name.as_str())
    }

    /// The task and augmentation of a row; none where it is blank or there is no such row.
    pub fn get(&self, row: usize) -> Option<(&str, Augmentation)> {
        let (place, augmentation) = (*self.rows.get(row)?)?;
        Some((&self.tasks[place as usize].0, augmentation))
    }

    /// The rows of a task with their augmentations, in rising order; none for a task that is not known.
    pub fn rows(&self, task: &str) -> impl ExactSizeIterator<Item = (usize, Augmentation)> {
        let place = self.places.get(task);
        let rows = place.map_or(&[][..], |&place| &self.tasks[place as usize].1);
        rows.iter().map(|&row| {
            let (_, augmentation) = self.rows[row as usize].expect("a task's row is not blank");
            (row as usize, augmentation)
        })
    }

    /// The table as the reference implementation's `identifiers.json`: a list of names, the place is the row.
    pub fn to_json(&self) -> String {
        let name = |row| match self.get(row) {
            Some((task, augmentation)) => augmentation.name(task),
            None => BLANK.into(),
        };
        let names: Vec<String> = (0..self.count()).map(name).collect();
        serde_json::to_string(&names).expect("names are text")
    }

    /// Reads such a file, of this library or of the reference implementation.
    ///
    /// # Errors
    /// [`Error::Format`] for something else, a first row that is not blank, or a name that is none or comes twice.
    pub fn from_json(text: &[u8]) -> Result<Self> {
        let refuse = |expected: &str, found: &str| {
            Error::Format(format!("identifiers: expected {expected}, found {found}"))
        };
        let names: Vec<String> = serde_json::from_slice(text)
            .map_err(|error| refuse("a list of names", &printable(&error.to_string())))?;
        if names.first().is_none_or(|first| first != BLANK) {
            return Err(refuse(
                &format!("`{BLANK}` as the first name"),
                "none or another",
            ));
        }
        let mut seen = std::collections::HashSet::with_capacity(names.len());
        let mut table = Self::new();
        for (row, name) in names.iter().enumerate().skip(1) {
            if name == BLANK {
                table.rows.push(None);
                continue;
            }
            let shown = || format!("`{}` in row {row}", printable(name));
            let (task, augmentation) = Augmentation::split_name(name)
                .ok_or_else(|| refuse("`TASK` or `TASK|||t3|||0123456789`", &shown()))?;
            if !seen.insert(name) {
                return Err(refuse("every name once", &format!("{} again", shown())));
            }
            table.push(task, augmentation);
        }
        Ok(table)
    }
}
