//! What a task knows about its puzzles. A new task is an implementation of [`Rules`] and a line in
//! `PuzzleKind::rules`.

use recurra::tasks::Task;
use recurra::tasks::grid::GridTask;
use recurra::tasks::grid::Solutions;
use recurra::tasks::maze::{self, Maze, Shape};
use recurra::tasks::sudoku::canonical::canonical;
use recurra::tasks::sudoku::{Grid, Outcome, Sudoku, rules, solver};

/// What can be said of a puzzle.
pub(super) trait Rules: Sync {
    /// Whether there are rules that an answer can break.
    fn checks(&self) -> bool {
        true
    }
    /// Whether there is an exact search.
    fn searches(&self) -> bool {
        true
    }
    /// The first rule that an answer breaks, in words.
    fn objection(&self, question: &[u16], answer: &[u16]) -> Option<String>;
    /// What an exact search finds; none where the task has no solver.
    fn solve(&self, question: &[u16]) -> Option<Found>;
    /// Whether two questions with one solution give one another away.
    fn tells_by_solution(&self) -> bool {
        true
    }
    /// What is the same for all questions that symmetries lead to one another; none where finding it costs too much.
    fn canonical(&self, question: &[u16]) -> Option<Vec<u16>>;
    /// Names and values of what is worth a distribution.
    fn measures(&self, question: &[u16]) -> Vec<(&'static str, u64)>;
}

/// Tables of one's own.
#[derive(Clone)]
pub(super) struct Table(pub(super) GridTask);

impl PartialEq for Table {
    fn eq(&self, other: &Self) -> bool {
        self.0.grid_spec() == other.0.grid_spec()
    }
}

impl Eq for Table {}

/// The solutions of a question.
pub(super) enum Found {
    /// None, in words.
    None(String),
    /// The only one, or of mazes a shortest path.
    One(Vec<u16>),
    Many,
    /// The search was given up.
    Unknown,
}

/// Values that the exact solver tries; far above what any 9x9 puzzle needs.
const BUDGET: u64 = 1_000_000;

impl Rules for Sudoku {
    fn objection(&self, question: &[u16], answer: &[u16]) -> Option<String> {
        let grids = [question, answer].map(|tokens| Grid::decode(*self, tokens));
        let [question, answer] = grids;
        let place = |cell| format!("row {}, column {}", self.row(cell) + 1, self.col(cell) + 1);
        let cells = 0..self.cells();
        if let Some(cell) = cells.clone().find(|&cell| answer.get(cell) == 0) {
            return Some(format!("a digit at {}, found none", place(cell)));
        }
        let kept = |&cell: &usize| [0, answer.get(cell)].contains(&question.get(cell));
        if let Some(cell) = cells.clone().find(|cell| !kept(cell)) {
            let (given, found) = (question.get(cell), answer.get(cell));
            return Some(format!(
                "the given {given} at {}, found {found}",
                place(cell)
            ));
        }
        let clash = rules::clashes(&answer)?;
        Some(format!("each digit once in each unit, found {clash}"))
    }

    fn solve(&self, question: &[u16]) -> Option<Found> {
        Some(
            match solver::solve(&Grid::decode(*self, question), Some(BUDGET)) {
                Outcome::None => Found::None("expected exactly one solution, found none".into()),
                Outcome::One(grid) => Found::One(grid.encode()),
                Outcome::Many(..) => Found::Many,
                Outcome::Unknown(_) => Found::Unknown,
            },
        )
    }

    fn canonical(&self, question: &[u16]) -> Option<Vec<u16>> {
        Some(canonical(&Grid::decode(*self, question))?.grid.encode())
    }

    fn measures(&self, question: &[u16]) -> Vec<(&'static str, u64)> {
        let grid = Grid::decode(*self, question);
        let rating = solver::rating(&grid, Some(BUDGET));
        let givens = ("givens", grid.givens() as u64);
        let rating = rating.map(|rating| ("wrong guesses", rating));
        [Some(givens), rating].into_iter().flatten().collect()
    }
}

impl Rules for Shape {
    fn objection(&self, question: &[u16], answer: &[u16]) -> Option<String> {
        let [question, answer] = [question, answer].map(|tokens| Maze::decode(*self, tokens));
        match maze::rules::check(&question, &answer) {
            Ok(path) if path.is_shortest() => None,
            Ok(path) => Some(format!(
                "a path of {} moves, found one of {}",
                path.least, path.moves
            )),
            Err(fault) => Some(format!("a path from S to G, found {fault}")),
        }
    }

    fn solve(&self, question: &[u16]) -> Option<Found> {
        let question = Maze::decode(*self, question);
        let solved = maze::rules::check_question(&question).map(|_| maze::solve::solve(&question));
        Some(match solved {
            Ok(Some(answer)) => Found::One(answer.encode()),
            Ok(None) => Found::None("expected a way from S to G, found none".into()),
            Err(fault) => Found::None(format!("expected a maze, found {fault}")),
        })
    }

    fn canonical(&self, question: &[u16]) -> Option<Vec<u16>> {
        Some(
            maze::canonical(&Maze::decode(*self, question))
                .maze
                .encode(),
        )
    }

    fn measures(&self, question: &[u16]) -> Vec<(&'static str, u64)> {
        let maze = Maze::decode(*self, question);
        let walls = 100 * maze.count(maze::Cell::Wall) / self.cells();
        let path = maze::solve::distance(&maze).map(|moves| ("moves", moves as u64));
        [Some(("walls, %", walls as u64)), path]
            .into_iter()
            .flatten()
            .collect()
    }
}

impl Rules for Table {
    fn checks(&self) -> bool {
        self.0.has_rules()
    }

    fn searches(&self) -> bool {
        self.0.has_solver()
    }

    fn objection(&self, question: &[u16], answer: &[u16]) -> Option<String> {
        let text = self.0.objection(question, answer)?;
        Some(text.trim_start_matches("expected ").to_owned())
    }

    fn solve(&self, question: &[u16]) -> Option<Found> {
        Some(match self.0.solutions(question)? {
            Solutions::None => Found::None("expected exactly one solution, found none".into()),
            Solutions::One(answer) => Found::One(answer),
            Solutions::Many(..) => Found::Many,
            Solutions::Unknown => Found::Unknown,
        })
    }

    /// Tables are split by their questions, so questions may have a solution in common.
    fn tells_by_solution(&self) -> bool {
        false
    }

    fn canonical(&self, question: &[u16]) -> Option<Vec<u16>> {
        let canonical = self.0.canonical(question).map(|(tokens, _)| tokens);
        // Without symmetries a question is its own form.
        Some(canonical.unwrap_or_else(|| question.to_vec()))
    }

    fn measures(&self, question: &[u16]) -> Vec<(&'static str, u64)> {
        if !self.0.has_solver() {
            return Vec::new();
        }
        let givens = question.iter().filter(|&&token| self.0.is_given(token));
        let givens = ("givens", givens.count() as u64);
        let rating = self.0.rating(question);
        let rating = rating.map(|rating| ("wrong guesses", rating));
        [Some(givens), rating].into_iter().flatten().collect()
    }
}
