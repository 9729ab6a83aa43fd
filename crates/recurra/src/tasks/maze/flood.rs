//! Distances in a maze, a whole row at a time.
//!
//! A row is one word, a bit a cell. From the cells within d moves of the start, those within d + 1 follow by five
//! operations a row, whatever is in it. So that several rows are done at once, they are stored in four lanes: of 30
//! rows (8 a lane, two of them empty), rows 0, 8, 16 and 24 lie side by side, then 1, 9, 17 and 25, and so on. The
//! rows above and below four rows then lie side by side too, and compilers use vectors without being told.

use std::ops::{BitAnd, BitOr, Shl, Shr};

use super::{Cell, Maze, Shape, cells::Cells};

/// Rows stored side by side.
const LANES: usize = 4;
/// With a place for four rows before and after the largest maze.
const PADDED: usize = Shape::MOST + 2 * LANES;

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

impl Row for u32 {
    fn of(bits: u64) -> Self {
        bits as u32
    }
}

impl Row for u64 {
    fn of(bits: u64) -> Self {
        bits
    }
}

/// Whether a shortest path between two free cells takes more than `limit` moves. False where there is none.
pub(super) fn is_farther(free: &Cells, start: usize, goal: usize, limit: usize) -> bool {
    if free.shape().cols() <= 32 {
        Flood::<u32>::new(free, start, goal).is_farther(limit)
    } else {
        Flood::<u64>::new(free, start, goal).is_farther(limit)
    }
}

/// Moves of a shortest path from the (first) start to the (first) goal; none where there is no path. Path cells count
/// as free.
pub(super) fn distance(maze: &Maze) -> Option<usize> {
    let (start, goal) = (maze.find(Cell::Start)?, maze.find(Cell::Goal)?);
    let mut free = Cells::none(maze.shape());
    for (cell, &kind) in maze.cells().iter().enumerate() {
        free.flip(cell, kind != Cell::Wall);
    }
    if free.shape().cols() <= 32 {
        Flood::<u32>::new(&free, start, goal).distance()
    } else {
        Flood::<u64>::new(&free, start, goal).distance()
    }
}

/// The cells reached from the start.
struct Flood<W> {
    /// Four times the rows of a lane.
    rows: usize,
    free: [W; Shape::MOST],
    reached: [W; PADDED],
    next: [W; PADDED],
    goal: usize,
    goal_bit: W,
}

impl<W: Row> Flood<W> {
    fn new(free: &Cells, start: usize, goal: usize) -> Self {
        let shape = free.shape();
        let lane = shape.rows().div_ceil(LANES);
        let at = |row: usize| row % lane * LANES + row / lane;
        let bit = |cell| W::of(1 << shape.col(cell));
        let mut flood = Flood {
            rows: LANES * lane,
            free: [W::default(); Shape::MOST],
            reached: [W::default(); PADDED],
            next: [W::default(); PADDED],
            goal: LANES + at(shape.row(goal)),
            goal_bit: bit(goal),
        };
        for row in 0..shape.rows() {
            flood.free[at(row)] = W::of(free.row(row));
        }
        flood.reached[LANES + at(shape.row(start))] = bit(start);
        flood
    }

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
            self.grow(stride);
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
            self.grow(1);
            moves += 1;
            if self.reached == before {
                return None;
            }
        }
        Some(moves)
    }

    fn is_at_goal(&self) -> bool {
        self.reached[self.goal] & self.goal_bit != W::default()
    }

    /// So many moves.
    fn grow(&mut self, moves: usize) {
        for _ in 0..moves / 2 {
            step(&mut self.reached, &mut self.next, &self.free, self.rows);
            step(&mut self.next, &mut self.reached, &self.free, self.rows);
        }
        if moves % 2 == 1 {
            step(&mut self.reached, &mut self.next, &self.free, self.rows);
            let rows = LANES..LANES + self.rows;
            self.reached[rows.clone()].copy_from_slice(&self.next[rows]);
        }
    }
}

/// One move. The places before and after the rows of `from` are filled in.
#[inline(always)]
fn step<W: Row>(
    from: &mut [W; PADDED],
    to: &mut [W; PADDED],
    free: &[W; Shape::MOST],
    rows: usize,
) {
    let none = W::default();
    // The first rows of the lanes lie below the last rows of the lanes before.
    let last: [W; LANES] = std::array::from_fn(|lane| from[rows + lane]);
    let first: [W; LANES] = std::array::from_fn(|lane| from[LANES + lane]);
    from[..LANES].copy_from_slice(&[none, last[0], last[1], last[2]]);
    from[LANES + rows..2 * LANES + rows].copy_from_slice(&[first[1], first[2], first[3], none]);
    let (above, here, below) = (
        &from[..rows],
        &from[LANES..LANES + rows],
        &from[2 * LANES..2 * LANES + rows],
    );
    let rows = to[LANES..LANES + rows].iter_mut().zip(&free[..rows]);
    for ((((to, &free), &here), &above), &below) in rows.zip(here).zip(above).zip(below) {
        *to = (here | here << 1 | here >> 1 | above | below) & free;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::maze::{grid::tests::any_shape, solve::tests::queue_distance};
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
