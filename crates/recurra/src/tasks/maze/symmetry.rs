//! The symmetries of mazes: reflections and turns.

use rand::{Rng, RngExt};

use super::{Maze, Shape};

/// A reflection or turn that keeps the size: one of eight for a square, of four for another rectangle.
///
/// The image of a shortest path is a shortest path, but perhaps not the one that the exact solver marks, whose order
/// of directions no symmetry keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Symmetry {
    shape: Shape,
    /// Rows and columns are exchanged, before anything is reflected.
    transpose: bool,
    /// The first row becomes the last.
    flip_rows: bool,
    /// The first column becomes the last.
    flip_cols: bool,
}

/// The first image of a maze among all under its symmetries, in the order of tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canonical {
    /// The image: the same for all mazes that symmetries lead to one another.
    pub maze: Maze,
    /// What leads from the maze to the image.
    pub symmetry: Symmetry,
}

impl Symmetry {
    /// The symmetry that changes nothing.
    pub fn identity(shape: Shape) -> Self {
        Symmetry {
            shape,
            transpose: false,
            flip_rows: false,
            flip_cols: false,
        }
    }

    /// Every symmetry of this size, the identity first.
    pub fn all(shape: Shape) -> impl Iterator<Item = Self> {
        let count = if shape.is_square() { 8 } else { 4 };
        (0..count).map(move |number| Symmetry {
            shape,
            transpose: number & 4 != 0,
            flip_rows: number & 2 != 0,
            flip_cols: number & 1 != 0,
        })
    }

    /// A random symmetry; every one is equally likely.
    pub fn random<R: Rng + ?Sized>(shape: Shape, rng: &mut R) -> Self {
        Symmetry {
            shape,
            transpose: shape.is_square() && rng.random(),
            flip_rows: rng.random(),
            flip_cols: rng.random(),
        }
    }

    /// The size this is a symmetry of.
    pub fn shape(self) -> Shape {
        self.shape
    }

    /// The cell that comes to this place.
    fn from(self, cell: usize) -> usize {
        let flip = |really, i, size: usize| if really { size - 1 - i } else { i };
        let row = flip(self.flip_rows, self.shape.row(cell), self.shape.rows());
        let col = flip(self.flip_cols, self.shape.col(cell), self.shape.cols());
        let (row, col) = if self.transpose {
            (col, row)
        } else {
            (row, col)
        };
        row * self.shape.cols() + col
    }

    /// The image of a maze. A maze of another size is returned unchanged.
    pub fn apply(self, maze: &Maze) -> Maze {
        let mut image = maze.clone();
        if maze.shape() == self.shape {
            for cell in 0..self.shape.cells() {
                image.set(cell, maze.cells()[self.from(cell)]);
            }
        }
        image
    }

    /// The image of cells (of any kind), written over `image`. Allocates nothing. Cells that are missing leave their
    /// place as it was.
    pub fn apply_into<T: Copy>(self, cells: &[T], image: &mut [T]) {
        for (cell, place) in image.iter_mut().enumerate().take(self.shape.cells()) {
            if let Some(&from) = cells.get(self.from(cell)) {
                *place = from;
            }
        }
    }

    /// The symmetry that undoes this one.
    pub fn inverse(self) -> Self {
        if self.transpose {
            Symmetry {
                flip_rows: self.flip_cols,
                flip_cols: self.flip_rows,
                ..self
            }
        } else {
            self
        }
    }

    /// First this symmetry, then the other. None where they are of different sizes.
    pub fn then(self, next: Symmetry) -> Option<Self> {
        let (rows, cols) = if next.transpose {
            (self.flip_cols, self.flip_rows)
        } else {
            (self.flip_rows, self.flip_cols)
        };
        (self.shape == next.shape).then_some(Symmetry {
            shape: self.shape,
            transpose: self.transpose != next.transpose,
            flip_rows: rows != next.flip_rows,
            flip_cols: cols != next.flip_cols,
        })
    }
}

/// The first image of a maze among all under its symmetries, in the order of tokens, and what leads to it.
pub fn canonical(maze: &Maze) -> Canonical {
    let mut first = Canonical {
        maze: maze.clone(),
        symmetry: Symmetry::identity(maze.shape()),
    };
    for symmetry in Symmetry::all(maze.shape()).skip(1) {
        let image = (0..maze.cells().len()).map(|cell| maze.cells()[symmetry.from(cell)]);
        if image.lt(first.maze.cells().iter().copied()) {
            let maze = symmetry.apply(maze);
            first = Canonical { maze, symmetry };
        }
    }
    first
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::maze::grid::tests::any_maze;
    use crate::tasks::maze::{Cell, rules, solve};
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use std::collections::HashSet;

    /// A maze and three symmetries of its size.
    fn case() -> impl Strategy<Value = (Maze, [Symmetry; 3])> {
        (any_maze(), any::<u64>()).prop_map(|(maze, seed)| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let symmetries = std::array::from_fn(|_| Symmetry::random(maze.shape(), &mut rng));
            (maze, symmetries)
        })
    }

    proptest! {
        #![proptest_config(crate::testing::cases(256))]

        #[test]
        fn group((maze, [a, b, c]) in case()) {
            let id = Symmetry::identity(a.shape());
            prop_assert_eq!(a.then(a.inverse()), Some(id));
            prop_assert_eq!(a.inverse().then(a), Some(id));
            let left = a.then(b).unwrap().then(c);
            prop_assert_eq!(left, a.then(b.then(c).unwrap()));
            prop_assert_eq!(&id.apply(&maze), &maze);
            prop_assert_eq!(&a.inverse().apply(&a.apply(&maze)), &maze);
            prop_assert_eq!(a.then(b).unwrap().apply(&maze), b.apply(&a.apply(&maze)));
        }

        #[test]
        fn the_canonical_image_is_one_for_all((maze, [a, ..]) in case()) {
            let first = canonical(&maze);
            prop_assert_eq!(&first.symmetry.apply(&maze), &first.maze);
            prop_assert_eq!(&canonical(&a.apply(&maze)).maze, &first.maze);
            for symmetry in Symmetry::all(maze.shape()) {
                prop_assert!(first.maze.cells() <= symmetry.apply(&maze).cells());
            }
            prop_assert_eq!(canonical(&first.maze).symmetry, Symmetry::identity(maze.shape()));
        }

        #[test]
        fn answers_stay_answers((mut maze, [a, ..]) in case()) {
            for cell in 0..maze.cells().len() {
                if maze.cells()[cell] != Cell::Wall {
                    maze.set(cell, Cell::Free);
                }
            }
            maze.set(0, Cell::Start);
            maze.set(maze.cells().len() - 1, Cell::Goal);
            if let Some(answer) = solve::solve(&maze) {
                prop_assert!(rules::verifies(&a.apply(&maze), &a.apply(&answer)));
            }
        }

        #[test]
        fn any_cells((maze, [a, ..]) in case(), cells in prop::collection::vec(any::<u8>(), 0..300), size in 0..300usize) {
            let tokens = maze.encode();
            let mut image = vec![0; tokens.len()];
            a.apply_into(&tokens, &mut image);
            prop_assert_eq!(image, a.apply(&maze).encode());
            a.apply_into(&cells, &mut vec![0; size]);
        }
    }

    #[test]
    fn a_square_has_eight_and_a_rectangle_four() {
        for (rows, cols, count) in [(3, 3, 8), (3, 4, 4)] {
            let shape = Shape::new(rows, cols).unwrap();
            let mut maze = Maze::free(shape);
            maze.set(0, Cell::Wall);
            maze.set(1, Cell::Start);
            let images: HashSet<Maze> = Symmetry::all(shape).map(|s| s.apply(&maze)).collect();
            assert_eq!(images.len(), count);
            let mut rng = ChaCha8Rng::seed_from_u64(1);
            let random: HashSet<_> = (0..200)
                .map(|_| Symmetry::random(shape, &mut rng))
                .collect();
            assert_eq!(random.len(), count);
            let other = Maze::free(Shape::new(2, 2).unwrap());
            assert!(Symmetry::all(shape).all(|s| s.apply(&other) == other));
        }
        let (a, b) = (Shape::new(3, 3).unwrap(), Shape::new(4, 4).unwrap());
        assert_eq!(Symmetry::identity(a).then(Symmetry::identity(b)), None);
    }
}
