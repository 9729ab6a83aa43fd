//! The exact solver: a shortest path, always the same one.

use std::collections::VecDeque;

use super::{Cell, Maze, flood};

/// Moves of a shortest path from start to goal; none where there is no path, no start or no goal. Path cells count as
/// free.
pub fn distance(maze: &Maze) -> Option<usize> {
    flood::distance(maze)
}

/// The question with one shortest path marked; none where there is no path, no start or no goal.
///
/// Of all shortest paths it is the one of the published mazes: a breadth-first search from the start looks at the
/// neighbours of a cell in the order down, left, right, up; each cell remembers who reached it first; the path is
/// traced back from the goal. Path cells of the question count as free.
pub fn solve(question: &Maze) -> Option<Maze> {
    let (start, goal) = (question.find(Cell::Start)?, question.find(Cell::Goal)?);
    let shape = question.shape();
    let mut answer = question.without_path();
    let mut parents: Vec<Option<usize>> = vec![None; shape.cells()];
    parents[start] = Some(start);
    let mut queue = VecDeque::from([start]);
    while let Some(cell) = queue.pop_front() {
        for next in shape.neighbours(cell) {
            if parents[next].is_none() && question.cells()[next] != Cell::Wall {
                parents[next] = Some(cell);
                queue.push_back(next);
            }
        }
    }
    let mut cell = parents[goal]?;
    while cell != start {
        answer.set(cell, Cell::Path);
        cell = parents[cell]?;
    }
    Some(answer)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::tasks::maze::{Shape, read::parse_line, rules};
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// The distance by an ordinary breadth-first count, which shares no code with what it checks.
    pub(in crate::tasks::maze) fn queue_distance(maze: &Maze) -> Option<usize> {
        let (rows, cols) = (maze.shape().rows() as i64, maze.shape().cols() as i64);
        let at = |row: i64, col: i64| {
            let inside = (0..rows).contains(&row) && (0..cols).contains(&col);
            inside.then(|| maze.cells()[(row * cols + col) as usize])
        };
        let start = maze.find(Cell::Start)? as i64;
        let mut seen = vec![false; maze.cells().len()];
        seen[start as usize] = true;
        let mut queue = VecDeque::from([(start / cols, start % cols, 0)]);
        while let Some((row, col, moves)) = queue.pop_front() {
            if at(row, col) == Some(Cell::Goal) {
                return Some(moves);
            }
            for (down, right) in [(0, 1), (1, 0), (0, -1), (-1, 0)] {
                let (row, col) = (row + down, col + right);
                let index = (row * cols + col) as usize;
                if at(row, col).is_some_and(|cell| cell != Cell::Wall) && !seen[index] {
                    seen[index] = true;
                    queue.push_back((row, col, moves + 1));
                }
            }
        }
        None
    }

    #[test]
    fn the_tie_is_broken_as_published() {
        let solved = |rows, cols, line: &str| {
            let maze = parse_line(line, Shape::new(rows, cols)).unwrap();
            solve(&maze).map(|answer| answer.to_line())
        };
        // Down before right, left before right, down before up.
        assert_eq!(solved(2, 2, "S..G").as_deref(), Some("S oG"));
        assert_eq!(solved(3, 3, ".G..#..S.").as_deref(), Some("oG o# oS "));
        assert_eq!(solved(3, 3, "...S#G...").as_deref(), Some("   S#Gooo"));
        assert_eq!(solved(2, 2, "SG..").as_deref(), Some("SG  "));
        assert_eq!(solved(2, 2, "S##G"), None);
        assert_eq!(solved(2, 2, "S..."), None);
        assert_eq!(solved(2, 2, "G..."), None);
        // An old path is no help and no hindrance.
        assert_eq!(solved(2, 3, "Soo..G").as_deref(), Some("S  ooG"));
    }

    #[test]
    fn answers_are_shortest_and_valid() {
        let mut rng = ChaCha8Rng::seed_from_u64(9);
        let mut solved = 0;
        for _ in 0..20_000 {
            let shape = Shape::new(rng.random_range(2..=8), rng.random_range(2..=8)).unwrap();
            let mut maze = Maze::free(shape);
            for cell in 0..shape.cells() {
                if rng.random_range(0..10) < 4 {
                    maze.set(cell, Cell::Wall);
                }
            }
            maze.set(rng.random_range(0..shape.cells() - 1), Cell::Start);
            maze.set(shape.cells() - 1, Cell::Goal);
            let answer = solve(&maze);
            assert_eq!(answer.is_some(), queue_distance(&maze).is_some());
            if let Some(answer) = answer {
                let path = rules::check(&maze, &answer).unwrap();
                assert_eq!(Some(path.moves), queue_distance(&maze));
                assert!(rules::verifies(&maze, &answer));
                solved += 1;
            }
        }
        assert!(solved > 5000, "{solved}");
    }
}
