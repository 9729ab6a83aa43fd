//! Parts of a grid that rules speak of.

use crate::tasks::grid::Shape;
use std::fmt;
use std::str::FromStr;

/// A way to part a grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Units {
    /// Rows.
    Row,
    /// Columns.
    Column,
    /// Boxes of so many rows and columns.
    Box(Shape),
    /// The cells of one letter in `regions`.
    Region,
    /// All cells.
    Grid,
}

impl fmt::Display for Units {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Units::Row => f.write_str("row"),
            Units::Column => f.write_str("column"),
            Units::Box(shape) => write!(f, "box {shape}"),
            Units::Region => f.write_str("region"),
            Units::Grid => f.write_str("grid"),
        }
    }
}

impl FromStr for Units {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "row" => Ok(Units::Row),
            "column" => Ok(Units::Column),
            "region" => Ok(Units::Region),
            "grid" => Ok(Units::Grid),
            _ => match text.strip_prefix("box ") {
                Some(shape) => shape.parse().map(Units::Box),
                None => Err(format!(
                    "expected `row`, `column`, `box RxC`, `region` or `grid`, found `{text}`"
                )),
            },
        }
    }
}

/// The regions of a grid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::tasks::grid) struct Regions {
    pub(in crate::tasks::grid) shape: Shape,
    /// The region of each cell.
    of: Vec<Option<u16>>,
    letters: Vec<char>,
}

impl Regions {
    /// Reads rows of letters.
    pub(in crate::tasks::grid) fn read(text: &str) -> Result<Self, String> {
        let rows: Vec<Vec<char>> = text
            .trim()
            .lines()
            .map(|row| row.trim().chars().collect())
            .collect();
        let cols = rows.first().map_or(0, Vec::len);
        let shape = Shape::new(rows.len(), cols).ok_or_else(|| {
            format!(
                "expected rows of letters, at most 64x64, found {}x{cols}",
                rows.len()
            )
        })?;
        let mut letters = Vec::new();
        let mut of = Vec::with_capacity(shape.cells());
        for (number, row) in rows.iter().enumerate() {
            if row.len() != cols {
                let (row, number) = (row.len(), number + 1);
                return Err(format!(
                    "expected {cols} letters in row {number}, found {row}"
                ));
            }
            of.extend(row.iter().map(|&letter| {
                let known = letters.iter().position(|&known| known == letter);
                let region = known.unwrap_or(letters.len());
                if letter == '.' {
                    return None;
                }
                if known.is_none() {
                    letters.push(letter);
                }
                Some(region as u16)
            }));
        }
        Ok(Regions { shape, of, letters })
    }
}

impl Units {
    /// The number of the unit a cell belongs to. A box or region that the shape has not been checked for is none.
    pub(in crate::tasks::grid) fn of(
        self,
        cell: usize,
        shape: Shape,
        regions: Option<&Regions>,
    ) -> Option<usize> {
        let (row, col) = (cell / shape.cols(), cell % shape.cols());
        match self {
            Units::Row => Some(row),
            Units::Column => Some(col),
            Units::Box(size) => {
                Some(row / size.rows() * (shape.cols() / size.cols()) + col / size.cols())
            }
            Units::Region => regions?.of.get(cell).copied().flatten().map(usize::from),
            Units::Grid => Some(0),
        }
    }

    /// How many there are.
    pub(in crate::tasks::grid) fn count(self, shape: Shape, regions: Option<&Regions>) -> usize {
        match self {
            Units::Row => shape.rows(),
            Units::Column => shape.cols(),
            Units::Box(size) => shape.cells() / size.cells(),
            Units::Region => regions.map_or(0, |regions| regions.letters.len()),
            Units::Grid => 1,
        }
    }

    /// A unit as people name it.
    pub(in crate::tasks::grid) fn name(self, unit: usize, regions: Option<&Regions>) -> String {
        match self {
            Units::Grid => "the grid".into(),
            Units::Box(_) => format!("box {}", unit + 1),
            Units::Region => {
                let letter = regions.and_then(|regions| regions.letters.get(unit));
                format!("region {}", letter.copied().unwrap_or('?'))
            }
            _ => format!("{self} {}", unit + 1),
        }
    }

    /// How many cells each unit has.
    pub(in crate::tasks::grid) fn sizes(
        self,
        shape: Shape,
        regions: Option<&Regions>,
    ) -> Vec<usize> {
        let mut sizes = vec![0; self.count(shape, regions)];
        for unit in (0..shape.cells()).filter_map(|cell| self.of(cell, shape, regions)) {
            sizes[unit] += 1;
        }
        sizes
    }
}
