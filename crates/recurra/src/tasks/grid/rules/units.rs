//! Parts of a grid that rules speak of.

use crate::tasks::grid::Shape;
use std::fmt;
use std::str::FromStr;

/// A kind of parts of a grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Units {
    /// Rows.
    Row,
    /// Columns.
    Column,
    /// Boxes of so many rows and columns.
    Box(Shape),
    /// The cells of one letter in a drawing of `regions`.
    Region,
    /// The two main diagonals of a square.
    Diagonal,
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
            Units::Diagonal => f.write_str("diagonal"),
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
            "diagonal" => Ok(Units::Diagonal),
            "grid" => Ok(Units::Grid),
            _ => match text.strip_prefix("box ") {
                Some(shape) => shape.parse().map(Units::Box),
                None => Err(format!(
                    "expected `row`, `column`, `box RxC`, `region`, `diagonal` or `grid`, found `{text}`"
                )),
            },
        }
    }
}

/// The regions of a grid, as one drawing shows them.
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

/// Units of one kind of which no two share a cell. Drawings may overlap, and so do diagonals: each is a parting of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::tasks::grid) struct Parting {
    pub(in crate::tasks::grid) units: Units,
    /// Which drawing, or which diagonal.
    part: usize,
}

impl Units {
    /// All units of this kind, where there are these drawings.
    pub(in crate::tasks::grid) fn partings(
        self,
        drawings: &[Regions],
    ) -> impl Iterator<Item = Parting> + use<> {
        let parts = match self {
            Units::Region => drawings.len(),
            Units::Diagonal => 2,
            _ => 1,
        };
        (0..parts).map(move |part| Parting { units: self, part })
    }
}

impl Parting {
    /// The number of the unit a cell belongs to. A box or region that the shape has not been checked for is none.
    pub(in crate::tasks::grid) fn of(
        self,
        cell: usize,
        shape: Shape,
        drawings: &[Regions],
    ) -> Option<usize> {
        let (row, col) = (cell / shape.cols(), cell % shape.cols());
        match self.units {
            Units::Row => Some(row),
            Units::Column => Some(col),
            Units::Box(size) => {
                Some(row / size.rows() * (shape.cols() / size.cols()) + col / size.cols())
            }
            Units::Region => {
                let region = drawings.get(self.part)?.of.get(cell).copied().flatten();
                region.map(usize::from)
            }
            Units::Diagonal if self.part == 0 => (row == col).then_some(0),
            Units::Diagonal => (row + col + 1 == shape.cols()).then_some(0),
            Units::Grid => Some(0),
        }
    }

    /// How many there are.
    pub(in crate::tasks::grid) fn count(self, shape: Shape, drawings: &[Regions]) -> usize {
        match self.units {
            Units::Row => shape.rows(),
            Units::Column => shape.cols(),
            Units::Box(size) => shape.cells() / size.cells(),
            Units::Region => drawings.get(self.part).map_or(0, |one| one.letters.len()),
            Units::Diagonal | Units::Grid => 1,
        }
    }

    /// A unit as people name it.
    pub(in crate::tasks::grid) fn name(self, unit: usize, drawings: &[Regions]) -> String {
        match self.units {
            Units::Grid => "the grid".into(),
            Units::Box(_) => format!("box {}", unit + 1),
            Units::Region => {
                let regions = drawings.get(self.part);
                let letter = regions.and_then(|regions| regions.letters.get(unit));
                let letter = letter.copied().unwrap_or('?');
                match drawings.len() {
                    0 | 1 => format!("region {letter}"),
                    _ => format!("region {letter} of drawing {}", self.part + 1),
                }
            }
            Units::Diagonal if self.part == 0 => "the diagonal from the upper left".into(),
            Units::Diagonal => "the diagonal from the upper right".into(),
            units => format!("{units} {}", unit + 1),
        }
    }

    /// The cells of each unit.
    pub(in crate::tasks::grid) fn cells(self, shape: Shape, drawings: &[Regions]) -> Vec<Vec<u16>> {
        let mut cells = vec![Vec::new(); self.count(shape, drawings)];
        for cell in 0..shape.cells() {
            if let Some(unit) = self.of(cell, shape, drawings) {
                cells[unit].push(cell as u16);
            }
        }
        cells
    }

    /// How many cells each unit has.
    pub(in crate::tasks::grid) fn sizes(self, shape: Shape, drawings: &[Regions]) -> Vec<usize> {
        let mut sizes = vec![0; self.count(shape, drawings)];
        for unit in (0..shape.cells()).filter_map(|cell| self.of(cell, shape, drawings)) {
            sizes[unit] += 1;
        }
        sizes
    }
}
