//! Distances in a maze, a whole row at a time.
//!
//! A row is one word, a bit a cell. From the cells within d moves of the start, those within d + 1 follow by five
//! operations a row, whatever is in it. So that several rows are done at once, they are stored in lanes: of 30
//! rows in four lanes (8 a lane, two of them empty), rows 0, 8, 16 and 24 lie side by side, then 1, 9, 17 and 25, and so on. The
//! rows above and below four rows then lie side by side too, and compilers use vectors without being told. All sizes are known to
//! the compiler: a maze of up to 16x16 cells is two vectors of eight rows.

use std::ops::{BitAnd, BitOr, Shl, Shr};

use super::{Cell, Maze, cells::Cells};

/// A word that holds a row.
trait Row:
    Copy
    + Default
    + PartialEq
    + BitAnd<Output = Self>
    + BitOr<Output = Self>
    + Shl<u32, Output = Self>
    + Shr<u32, Output = Self>
{
    /// The columns that fit.
    fn of(bits: u64) -> Self;
}

macro_rules! rows {
    ($($word:ty)*) => { $(
        impl Row for $word {
            #[inline(always)]
            fn of(bits: u64) -> Self {
                bits as $word
            }
        }
    )* };
}

rows! { u16 u32 u64 }

/// What a method of the smallest [`Flood`] that holds a maze returns.
macro_rules! flood {
    ($free:expr, $start:expr, $goal:expr, $method:ident($($argument:expr),*)) => {{
        let (free, start, goal) = ($free, $start, $goal);
        macro_rules! of {
            ($word:ty, $lanes:literal, $rows:literal) => {
                Flood::<$word, $lanes, { $rows / $lanes }>::new(free, start, goal).$method($($argument),*)
            };
        }
        match (free.shape().cols(), free.shape().rows()) {
            (..=16, ..=16) => of!(u16, 8, 16),
            (..=16, ..=32) => of!(u16, 8, 32),
            (..=16, _) => of!(u16, 8, 64),
            (..=32, ..=16) => of!(u32, 4, 16),
            (..=32, ..=32) => of!(u32, 4, 32),
            (..=32, _) => of!(u32, 4, 64),
            (_, ..=16) => of!(u64, 4, 16),
            (_, ..=32) => of!(u64, 4, 32),
            (_, _) => of!(u64, 4, 64),
        }
    }};
}

/// Whether a shortest path between two free cells takes more than `limit` moves. False where there is none.
pub(super) fn is_farther(free: &Cells, start: usize, goal: usize, limit: usize) -> bool {
    flood!(free, start, goal, is_farther(limit))
}

/// Moves of a shortest path from the (first) start to the (first) goal; none where there is no path. Path cells count
/// as free.
pub(super) fn distance(maze: &Maze) -> Option<usize> {
    let (start, goal) = (maze.find(Cell::Start)?, maze.find(Cell::Goal)?);
    let mut free = Cells::none(maze.shape());
    for (cell, &kind) in maze.cells().iter().enumerate() {
        free.flip(cell, kind != Cell::Wall);
    }
    flood!(&free, start, goal, distance())
}

/// So many rows of each lane, those of the same number side by side.
type Rows<W, const LANES: usize, const LANE: usize> = [[W; LANES]; LANE];

/// The cells reached from the start.
struct Flood<W, const LANES: usize, const LANE: usize> {
    free: Rows<W, LANES, LANE>,
    reached: Rows<W, LANES, LANE>,
    /// Where the goal's row lies.
    goal: [usize; 2],
    goal_bit: W,
}

impl<W: Row, const LANES: usize, const LANE: usize> Flood<W, LANES, LANE> {
    #[inline(always)]
    fn new(cells: &Cells, start: usize, goal: usize) -> Self {
        let shape = cells.shape();
        let at = |row: usize| [row % LANE, row / LANE];
        let bit = |cell| W::of(1 << shape.col(cell));
        let none = [[W::default(); LANES]; LANE];
        let (mut free, mut reached) = (none, none);
        for row in 0..shape.rows() {
            let [number, lane] = at(row);
            free[number][lane] = W::of(cells.row(row));
        }
        let [number, lane] = at(shape.row(start));
        reached[number][lane] = bit(start);
        Flood {
            free,
            reached,
            goal: at(shape.row(goal)),
            goal_bit: bit(goal),
        }
    }

    #[inline(always)]
    fn is_farther(&mut self, limit: usize) -> bool {
        // Asking after each move would cost as much as the move.
        const STRIDE: usize = 6;
        let mut moves = 0;
        loop {
            let before = self.reached;
            let stride = match limit - moves.min(limit) {
                0 => STRIDE,
                left => STRIDE.min(left),
            };
            for _ in 0..stride {
                self.grow();
            }
            moves += stride;
            if self.is_at_goal() {
                return moves > limit;
            }
            if self.reached == before {
                return false;
            }
        }
    }

    fn distance(&mut self) -> Option<usize> {
        let mut moves = 0;
        while !self.is_at_goal() {
            let before = self.reached;
            self.grow();
            moves += 1;
            if self.reached == before {
                return None;
            }
        }
        Some(moves)
    }

    #[inline(always)]
    fn is_at_goal(&self) -> bool {
        let [number, lane] = self.goal;
        self.reached[number][lane] & self.goal_bit != W::default()
    }

    /// One move.
    #[inline(always)]
    fn grow(&mut self) {
        // The first rows of the lanes lie below the last rows of the lanes before.
        let none = W::default();
        let (first, last) = (self.reached[0], self.reached[LANE - 1]);
        let (mut above, mut end) = ([none; LANES], [none; LANES]);
        for lane in 1..LANES {
            (above[lane], end[lane - 1]) = (last[lane - 1], first[lane]);
        }
        for number in 0..LANE {
            let here = self.reached[number];
            let below = match number + 1 < LANE {
                true => self.reached[number + 1],
                false => end,
            };
            for lane in 0..LANES {
                let here = here[lane];
                let near = here | here << 1 | here >> 1 | above[lane] | below[lane];
                self.reached[number][lane] = near & self.free[number][lane];
            }
            above = here;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::maze::{Shape, grid::tests::any_shape, solve::tests::queue_distance};
    use proptest::prelude::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// Walls at random in some share, a start and a goal.
    fn random_maze(shape: Shape, rng: &mut ChaCha8Rng) -> Maze {
        let percent = rng.random_range(0..60);
        let mut maze = Maze::free(shape);
        for cell in 0..shape.cells() {
            if rng.random_range(0..100) < percent {
                maze.set(cell, Cell::Wall);
            }
        }
        let start = rng.random_range(0..shape.cells());
        let apart = rng.random_range(1..shape.cells());
        maze.set(start, Cell::Start);
        maze.set((start + apart) % shape.cells(), Cell::Goal);
        maze
    }

    #[track_caller]
    fn agrees_with_a_queue(maze: &Maze) {
        let expected = queue_distance(maze);
        assert_eq!(distance(maze), expected, "\n{}", maze.to_pretty());
        let mut free = Cells::none(maze.shape());
        for (cell, &kind) in maze.cells().iter().enumerate() {
            free.flip(cell, kind != Cell::Wall);
        }
        let start = maze.find(Cell::Start).unwrap();
        let goal = maze.find(Cell::Goal).unwrap();
        let moves = expected.unwrap_or(0);
        for limit in [0, moves.saturating_sub(1), moves, moves + 1, 2 * moves / 3] {
            let farther = is_farther(&free, start, goal, limit);
            assert_eq!(farther, moves > limit, "{limit}\n{}", maze.to_pretty());
        }
    }

    /// 0 disagreements in 100,000 small mazes.
    #[test]
    fn small_mazes_agree_with_a_queue() {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        for _ in 0..100_000 {
            let shape = Shape::new(rng.random_range(2..=9), rng.random_range(2..=9)).unwrap();
            agrees_with_a_queue(&random_maze(shape, &mut rng));
        }
    }

    proptest! {
        #![proptest_config(crate::testing::cases(256))]

        #[test]
        fn all_sizes_agree_with_a_queue(shape in any_shape(), seed in any::<u64>()) {
            agrees_with_a_queue(&random_maze(shape, &mut ChaCha8Rng::seed_from_u64(seed)));
        }
    }

    /// A path that turns at every row, the longest in mazes of these sizes.
    #[test]
    fn snakes() {
        for (rows, cols) in [(3, 2), (9, 9), (31, 32), (33, 33), (63, 64)] {
            let shape = Shape::new(rows, cols).unwrap();
            let mut maze = Maze::free(shape);
            for row in (1..rows).step_by(2) {
                let open = if row % 4 == 1 { cols - 1 } else { 0 };
                for col in (0..cols).filter(|&col| col != open) {
                    maze.set(row * cols + col, Cell::Wall);
                }
            }
            let end = if rows % 4 == 1 { cols - 1 } else { 0 };
            maze.set(0, Cell::Start);
            maze.set((rows - 1) * cols + end, Cell::Goal);
            let moves = rows.div_ceil(2) * (cols - 1) + rows - 1;
            assert_eq!(distance(&maze), Some(moves), "\n{}", maze.to_pretty());
            agrees_with_a_queue(&maze);
        }
    }
}
