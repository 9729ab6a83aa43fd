//! What can be done to a whole task without changing what it asks: colours renamed, grids turned or mirrored.

use super::Grid;
use super::grid::COLOURS;
use super::task::Pair;
use rand::Rng;
use std::fmt;

/// What stands between the parts of an augmented task's name.
pub const SEPARATOR: &str = "|||";

/// A renaming of the colours, then one of the eight symmetries of the square.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Augmentation {
    /// Place in [`SYMMETRIES`].
    symmetry: u8,
    /// What each colour becomes.
    colours: [u8; COLOURS as usize],
}

/// A symmetry of the square: the image's cell (i, j) comes from (i, j), or (j, i) if transposed, with rows or columns
/// then counted from the other end.
struct Symmetry {
    transposed: bool,
    rows_back: bool,
    cols_back: bool,
}

/// In the order of the reference implementation: a quarter turn against the clock 0 to 3 times, left and right exchanged,
/// top and bottom exchanged, transposed, transposed along the other diagonal.
const SYMMETRIES: [Symmetry; 8] = {
    const fn of(transposed: bool, rows_back: bool, cols_back: bool) -> Symmetry {
        Symmetry {
            transposed,
            rows_back,
            cols_back,
        }
    }
    [
        of(false, false, false),
        of(true, false, true),
        of(false, true, true),
        of(true, true, false),
        of(false, false, true),
        of(false, true, false),
        of(true, false, false),
        of(true, true, true),
    ]
};

/// Only a quarter turn does not undo itself.
const UNDONE_BY: [u8; 8] = [0, 3, 2, 1, 4, 5, 6, 7];

impl Augmentation {
    /// The one that changes nothing.
    pub const IDENTITY: Self = Augmentation {
        symmetry: 0,
        colours: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    };

    /// A random one that keeps colour 0; every one is equally likely, but for less than one part in 10^17.
    pub fn random<R: Rng + ?Sized>(rng: &mut R) -> Self {
        // Written out, and not a library's shuffle: trained puzzle tables depend on what is drawn here.
        let mut below = |n: u64| (rng.next_u64() % n) as usize;
        let symmetry = below(SYMMETRIES.len() as u64) as u8;
        let mut colours = Self::IDENTITY.colours;
        for last in (2..colours.len()).rev() {
            colours.swap(last, 1 + below(last as u64));
        }
        Augmentation { symmetry, colours }
    }

    /// One of the eight symmetries of the square, by its number in the reference implementation.
    pub(super) fn of_square(symmetry: usize) -> Self {
        Augmentation {
            symmetry: (symmetry % SYMMETRIES.len()) as u8,
            ..Self::IDENTITY
        }
    }

    /// The image of a grid.
    pub fn apply(&self, grid: &Grid) -> Grid {
        let Symmetry {
            transposed,
            rows_back,
            cols_back,
        } = SYMMETRIES[usize::from(self.symmetry)];
        let (rows, cols) = (grid.rows(), grid.cols());
        let (image_rows, image_cols) = if transposed {
            (cols, rows)
        } else {
            (rows, cols)
        };
        let mut image = Vec::with_capacity(rows * cols);
        for i in 0..image_rows {
            for j in 0..image_cols {
                let (row, col) = if transposed { (j, i) } else { (i, j) };
                let row = if rows_back { rows - 1 - row } else { row };
                let col = if cols_back { cols - 1 - col } else { col };
                image.push(self.colours[usize::from(grid.cells()[row * cols + col])]);
            }
        }
        Grid::new(image_rows, image_cols, image).expect("the image of a grid is a grid")
    }

    /// The images of a pair.
    pub fn apply_to_pair(&self, pair: &Pair) -> Pair {
        Pair {
            input: self.apply(&pair.input),
            output: self.apply(&pair.output),
        }
    }

    /// The one that undoes this one.
    pub fn inverse(&self) -> Self {
        let mut colours = self.colours;
        for (colour, &becomes) in self.colours.iter().enumerate() {
            colours[usize::from(becomes)] = colour as u8;
        }
        Augmentation {
            symmetry: UNDONE_BY[usize::from(self.symmetry)],
            colours,
        }
    }

    /// The name of a task under this augmentation: the task's own under the identity, else `NAME|||t3|||0123456789`,
    /// the number of the symmetry and what each colour becomes.
    pub fn name(&self, task: &str) -> String {
        format!("{task}{self}")
    }

    /// A task's own name and its augmentation, from a name that [`Augmentation::name`] could have made.
    pub fn split_name(name: &str) -> Option<(&str, Self)> {
        let mut parts = name.split(SEPARATOR);
        let task = parts.next().filter(|task| !task.is_empty())?;
        let Some(symmetry) = parts.next() else {
            return Some((task, Self::IDENTITY));
        };
        let symmetry = match symmetry.strip_prefix('t')?.as_bytes() {
            [digit @ b'0'..=b'7'] => digit - b'0',
            _ => return None,
        };
        let digits: [u8; COLOURS as usize] = parts.next()?.as_bytes().try_into().ok()?;
        let colours = digits.map(|digit| digit.wrapping_sub(b'0'));
        let all = (0..COLOURS).all(|colour| colours.contains(&colour));
        let augmentation = Augmentation { symmetry, colours };
        let made = all && parts.next().is_none() && augmentation != Self::IDENTITY;
        made.then_some((task, augmentation))
    }
}

/// What it adds to a task's name.
impl fmt::Display for Augmentation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::IDENTITY {
            return Ok(());
        }
        write!(f, "{SEPARATOR}t{}{SEPARATOR}", self.symmetry)?;
        (self.colours.iter()).try_for_each(|colour| write!(f, "{colour}"))
    }
}
