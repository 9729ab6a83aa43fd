//! Mazes whose shortest path is long, reproducible from a seed and a number.
//!
//! # The procedure
//!
//! A candidate of the published procedure has a share p of walls, uniform from 0.30 to 0.50; round(p x cells) cells at
//! random are walls; start and goal are two different free cells at random. It is kept if the shortest path from start
//! to goal is longer than the threshold, and the next candidate is drawn if it is not.
//!
//! Of 30x30 candidates about one in 70,000 has a path of more than 110 moves. So this draws candidates independently
//! and keeps the first that passes, as the procedure says, and does nothing cleverer that would have to be shown to
//! have the same distribution; it is the drawing and the test that are fast:
//!
//! - *Walls.* A set of w cells uniform among all such sets is drawn by making each cell a wall with a probability near
//!   w / cells (a multiple of 1/32: five random bits a cell at most, 64 cells at once), then taking walls away or adding
//!   some at random until there are w. This is uniform: the first set is invariant under all permutations of cells, so,
//!   given its number, uniform; and a uniform set with a random member taken away, or a random cell added, is uniform
//!   among the sets with one cell less or more.
//! - *The test.* Whether the path is longer than the threshold is asked of a flood from the start that does a row of
//!   cells by five operations (`flood.rs`). It stops where the goal is met, or nothing grows any more.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::cells::Cells;
use super::{Cell, Maze, Shape, flood, solve};

/// The least and the largest share of walls.
const WALLS: [f64; 2] = [0.30, 0.50];

/// Why no maze was generated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GenerateError {
    /// No maze of this size has a shortest path so long.
    #[error(
        "shortest path of a {shape} maze: expected a threshold of at most {most} moves, found {asked}"
    )]
    Threshold {
        /// The size.
        shape: Shape,
        /// The threshold asked for.
        asked: usize,
        /// The largest threshold that is not known to be impossible.
        most: usize,
    },
    /// Such paths may be possible but are rare, and none turned up in a bounded search.
    #[error(
        "shortest path of a {shape} maze: none of more than {asked} moves found in {candidates} candidates; \
         ask for a shorter path or a larger maze"
    )]
    NotFound {
        /// The size.
        shape: Shape,
        /// The threshold asked for.
        asked: usize,
        /// How many were looked at.
        candidates: u64,
    },
}

/// A maze and the path that [`solve::solve`] marks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generated {
    /// Walls, start and goal.
    pub question: Maze,
    /// The same with the path.
    pub answer: Maze,
}

/// A run of mazes. Each depends on the seed and its own number only, so that a run can be generated in parallel and
/// continued later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Generator {
    shape: Shape,
    longer_than: usize,
    seed: u64,
    /// Candidates looked at for one maze.
    most_candidates: u64,
}

impl Generator {
    /// Mazes of this size whose shortest path takes more than `longer_than` moves.
    ///
    /// # Errors
    /// [`GenerateError::Threshold`] for more than [`most_threshold`].
    pub fn new(shape: Shape, longer_than: usize, seed: u64) -> Result<Self, GenerateError> {
        let most = most_threshold(shape);
        if longer_than > most {
            return Err(GenerateError::Threshold {
                shape,
                asked: longer_than,
                most,
            });
        }
        Ok(Generator {
            shape,
            longer_than,
            seed,
            // Some seconds for any size: the time of a candidate grows with its cells, and has a part that does not.
            most_candidates: 5_000_000_000 / (shape.cells() as u64 + 500),
        })
    }

    /// The maze with this number.
    ///
    /// # Errors
    /// [`GenerateError::NotFound`] where the threshold is never, or hardly ever, met.
    pub fn puzzle(&self, number: u64) -> Result<Generated, GenerateError> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(number);
        // Of the largest size, so they are not moved about.
        let [mut walls, mut free] = [(); 2].map(|()| Cells::none(self.shape));
        for _ in 0..self.most_candidates {
            let (start, goal) = candidate(self.shape, &mut walls, &mut rng);
            free.fill_with_others(&walls);
            if !flood::is_farther(&free, start, goal, self.longer_than) {
                continue;
            }
            let mut question = Maze::free(self.shape);
            for cell in (0..self.shape.cells()).filter(|&cell| walls.has(cell)) {
                question.set(cell, Cell::Wall);
            }
            question.set(start, Cell::Start);
            question.set(goal, Cell::Goal);
            if let Some(answer) = solve::solve(&question) {
                return Ok(Generated { question, answer });
            }
        }
        Err(GenerateError::NotFound {
            shape: self.shape,
            asked: self.longer_than,
            candidates: self.most_candidates,
        })
    }
}

/// A threshold above this is impossible; most of those a little below are, too.
///
/// The walls of a candidate leave so many cells free at most; and of any 2x2 cells a shortest path uses three at most,
/// because with all four there would be a shorter one.
pub fn most_threshold(shape: Shape) -> usize {
    let free = shape.cells() - walls(shape, WALLS[0]);
    let (rows, cols) = (shape.rows(), shape.cols());
    let squares = (rows / 2) * (cols / 2);
    // Every 2x2 square without one of its cells; with an odd number of rows or columns the last is in no square.
    let used = shape.cells() - squares;
    // A path of n cells takes n - 1 moves and passes a threshold of n - 2.
    free.min(used).saturating_sub(2)
}

/// The number of walls for a share of them.
fn walls(shape: Shape, share: f64) -> usize {
    (share * shape.cells() as f64).round() as usize
}

/// Walls, start and goal, before anybody asked for the path.
fn candidate<R: Rng + ?Sized>(shape: Shape, places: &mut Cells, rng: &mut R) -> (usize, usize) {
    let share = rng.random_range(WALLS[0]..=WALLS[1]);
    random_walls(places, walls(shape, share), rng);
    let walls = &*places;
    let mut free = || loop {
        let cell = rng.random_range(0..shape.cells() as u32) as usize;
        if !walls.has(cell) {
            return cell;
        }
    };
    let start = free();
    let goal = loop {
        let cell = free();
        if cell != start {
            break cell;
        }
    };
    (start, goal)
}

/// So many cells become walls, every set of them equally likely.
fn random_walls<R: Rng + ?Sized>(walls: &mut Cells, count: usize, rng: &mut R) {
    const BITS: u32 = 5;
    let cells = walls.shape().cells();
    // The nearest multiple of 1/32, one bit after the other from the last that is set: each halves the probability
    // of what was so far, and a set bit adds a half.
    let share = ((count << (BITS + 1)) + cells) / (2 * cells);
    walls.fill(|| {
        let mut word = 0;
        for bit in share.trailing_zeros().min(BITS)..BITS {
            let random = rng.next_u64();
            word = match share >> bit & 1 {
                1 => word | random,
                _ => word & random,
            };
        }
        word
    });
    let found = walls.count();
    let too_many = found > count;
    let mut wrong = found.abs_diff(count);
    while wrong > 0 {
        let cell = rng.random_range(0..cells as u32) as usize;
        let flips = walls.has(cell) == too_many;
        walls.flip(cell, flips);
        wrong -= usize::from(flips);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::maze::rules;
    use crate::tasks::maze::solve::tests::queue_distance;
    use rand::seq::SliceRandom;
    use std::collections::HashMap;

    fn generator(rows: usize, cols: usize, longer_than: usize) -> Generator {
        Generator::new(Shape::new(rows, cols).unwrap(), longer_than, 7).unwrap()
    }

    /// The published procedure with nothing done to make it fast, for one candidate.
    fn naive(shape: Shape, rng: &mut ChaCha8Rng) -> Maze {
        let share: f64 = rng.random_range(0.30..=0.50);
        let mut order: Vec<usize> = (0..shape.cells()).collect();
        order.shuffle(rng);
        let mut maze = Maze::free(shape);
        let walls = (share * shape.cells() as f64).round() as usize;
        for &cell in &order[..walls] {
            maze.set(cell, Cell::Wall);
        }
        maze.set(order[walls], Cell::Start);
        maze.set(order[walls + 1], Cell::Goal);
        maze
    }

    /// Fails where two lists of numbers are hardly of one distribution (one chance in 1000, and the lists are always
    /// the same). Numbers that are rare are counted together.
    #[track_caller]
    fn same_distribution(a: &[usize], b: &[usize]) {
        assert_eq!(a.len(), b.len());
        let mut counts: HashMap<usize, [f64; 2]> = HashMap::new();
        for (which, list) in [a, b].into_iter().enumerate() {
            for &number in list {
                counts.entry(number).or_default()[which] += 1.0;
            }
        }
        let (common, rare): (Vec<_>, Vec<_>) = counts
            .into_values()
            .partition(|pair| pair[0] + pair[1] >= 20.0);
        let sum = |which: usize| rare.iter().map(|pair| pair[which]).sum();
        let together = Some([sum(0), sum(1)]).filter(|_| !rare.is_empty());
        let classes: Vec<[f64; 2]> = common.into_iter().chain(together).collect();
        let part = |[a, b]: &[f64; 2]| (a - b).powi(2) / (a + b).max(1.0);
        let chi_squared: f64 = classes.iter().map(part).sum();
        // Wilson and Hilferty: the cube root of chi squared over its degrees of freedom is nearly normal.
        let free = (classes.len() - 1) as f64;
        let spread = 2.0 / (9.0 * free);
        let deviation = ((chi_squared / free).cbrt() - 1.0 + spread) / spread.sqrt();
        assert!(
            free > 1.0 && deviation < 3.1,
            "{chi_squared} for {free}: {classes:?}"
        );
    }

    #[test]
    fn the_distribution_is_that_of_naive_rejection() {
        const COUNT: usize = 10_000;
        for (rows, cols, longer_than) in [(8, 8, 14), (6, 11, 5), (5, 5, 0)] {
            let generator = generator(rows, cols, longer_than);
            let fast: Vec<Maze> = (0..COUNT as u64)
                .map(|number| generator.puzzle(number).unwrap().question)
                .collect();
            let mut rng = ChaCha8Rng::seed_from_u64(11);
            let slow: Vec<Maze> = std::iter::repeat_with(|| naive(generator.shape, &mut rng))
                .filter(|maze| queue_distance(maze).is_some_and(|moves| moves > longer_than))
                .take(COUNT)
                .collect();
            let both = |number: &dyn Fn(&Maze) -> usize| {
                let list = |mazes: &[Maze]| mazes.iter().map(number).collect::<Vec<_>>();
                same_distribution(&list(&fast), &list(&slow));
            };
            both(&|maze| queue_distance(maze).unwrap());
            both(&|maze| maze.count(Cell::Wall));
            both(&|maze| maze.find(Cell::Start).unwrap());
            both(&|maze| maze.find(Cell::Goal).unwrap());
            // Which cells are walls: of the middle nine, all 512 patterns.
            both(&|maze| {
                let cells = (0..9).map(|i| (rows / 2 - 1 + i / 3) * cols + cols / 2 - 1 + i % 3);
                cells.fold(0, |sum, cell| {
                    2 * sum + usize::from(maze.get(cell) == Some(Cell::Wall))
                })
            });
        }
    }

    // Where a panic ends the program, none can be caught.
    #[cfg(panic = "unwind")]
    #[test]
    fn the_test_of_distributions_can_fail() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let mut list = || -> Vec<usize> { (0..20_000).map(|_| rng.random_range(0..20)).collect() };
        let (first, second) = (list(), list());
        same_distribution(&first, &second);
        // One number in twenty comes one time in four as its neighbour.
        let skewed = |(i, &n): (usize, &usize)| if n == 3 && i % 4 == 0 { 4 } else { n };
        let skewed: Vec<usize> = second.iter().enumerate().map(skewed).collect();
        assert!(std::panic::catch_unwind(|| same_distribution(&first, &skewed)).is_err());
    }

    #[test]
    fn wall_sets_are_uniform() {
        // Of 5 cells among 12, each of the 792 sets about equally often.
        let shape = Shape::new(3, 4).unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let mut seen: HashMap<Vec<usize>, usize> = HashMap::new();
        let mut walls = Cells::none(shape);
        for _ in 0..792 * 100 {
            random_walls(&mut walls, 5, &mut rng);
            let set: Vec<usize> = (0..12).filter(|&cell| walls.has(cell)).collect();
            assert_eq!(set.len(), 5);
            *seen.entry(set).or_default() += 1;
        }
        let part = |&n: &usize| (n as f64 - 100.0).powi(2) / 100.0;
        let chi_squared: f64 = seen.values().map(part).sum();
        // 791 degrees of freedom: a standard deviation of 40.
        assert!(
            seen.len() == 792 && (670.0..915.0).contains(&chi_squared),
            "{chi_squared}"
        );
    }

    #[test]
    fn mazes_are_as_asked_for() {
        for (rows, cols, longer_than, count) in [
            (2, 2, 1, 20),
            (30, 30, 60, 20),
            (12, 40, 50, 20),
            (64, 64, 100, 3),
            (2, 64, 20, 20),
        ] {
            let generator = generator(rows, cols, longer_than);
            for number in 0..count {
                let Generated { question, answer } = generator.puzzle(number).unwrap();
                assert!(rules::check_question(&question).unwrap() > longer_than);
                assert!(rules::verifies(&question, &answer));
                assert_eq!(solve::solve(&question), Some(answer));
                let (cells, walls) = (question.cells().len(), question.count(Cell::Wall));
                let [least, most] = WALLS.map(|share| (share * cells as f64).round() as usize);
                assert!((least..=most).contains(&walls), "{walls} of {cells}");
            }
        }
    }

    #[test]
    fn each_depends_on_seed_and_number_only() {
        let generator = generator(10, 10, 20);
        let forth: Vec<_> = (0..8).map(|n| generator.puzzle(n).unwrap()).collect();
        let back: Vec<_> = (0..8).rev().map(|n| generator.puzzle(n).unwrap()).collect();
        assert!(forth.iter().eq(back.iter().rev()));
        let other = Generator::new(generator.shape, 20, 8).unwrap();
        assert_ne!(other.puzzle(0).unwrap(), forth[0]);
        // A seed that people wrote down must go on giving the same maze.
        assert_eq!(
            forth[0].answer.to_pretty(),
            "So#..###.#\n#oo#.##.#.\n##ooo.##..\n...#ooo##.\n...###o##.\n\
             #...##o.#.\n...#.#o.#.\n.#...#ooo#\n....#.##o#\n...#Goooo.\n"
        );
    }

    #[test]
    fn impossible_paths_end_with_an_error() {
        let shape = Shape::new(5, 5).unwrap();
        let text = |asked| Generator::new(shape, asked, 1).unwrap_err().to_string();
        assert_eq!(
            text(16),
            "shortest path of a 5x5 maze: expected a threshold of at most 15 moves, found 16"
        );
        assert_eq!(
            Generator::new(shape, usize::MAX, 1)
                .err()
                .map(|e| e.to_string()),
            Some(text(usize::MAX))
        );
        // 12 moves is the most that a 5x5 maze of this kind has, but who would know?
        let mut generator = Generator::new(shape, 15, 1).unwrap();
        generator.most_candidates = 1000;
        assert_eq!(
            generator.puzzle(0).unwrap_err().to_string(),
            "shortest path of a 5x5 maze: none of more than 15 moves found in 1000 candidates; \
             ask for a shorter path or a larger maze"
        );
    }

    /// No threshold that is refused could have been met: all mazes of 3x3 and 2x5 with a path.
    #[test]
    fn no_possible_threshold_is_refused() {
        for (rows, cols) in [(2, 2), (3, 3), (2, 5), (3, 4)] {
            let shape = Shape::new(rows, cols).unwrap();
            let mut longest = 0;
            for set in 0..1u32 << shape.cells() {
                if (set.count_ones() as usize) < walls(shape, WALLS[0]) {
                    continue;
                }
                for (start, goal) in [
                    (0, shape.cells() - 1),
                    (0, cols - 1),
                    (0, 2 * cols - 1),
                    (0, 2),
                ] {
                    if (set >> start | set >> goal) & 1 == 1 {
                        continue;
                    }
                    let mut maze = Maze::free(shape);
                    for cell in (0..shape.cells()).filter(|cell| set >> cell & 1 == 1) {
                        maze.set(cell, Cell::Wall);
                    }
                    maze.set(start, Cell::Start);
                    maze.set(goal, Cell::Goal);
                    longest = longest.max(solve::distance(&maze).unwrap_or(0));
                }
            }
            assert!(
                longest > 1 && longest <= most_threshold(shape) + 1,
                "{shape}: {longest}"
            );
        }
    }
}
