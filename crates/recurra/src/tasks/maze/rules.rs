//! The rules: one path from start to goal, over free cells, and none shorter.

use std::fmt;

use super::{Cell, Maze, Place, Shape, solve};

/// What is wrong with a question or an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// There is no start, or no goal.
    Missing(Cell),
    /// There are two starts, or two goals.
    Twice {
        /// Start or goal.
        cell: Cell,
        /// Where the first is.
        first: Place,
        /// Where the second is.
        second: Place,
    },
    /// A question has a path.
    Marked(Place),
    /// No way leads from start to goal.
    WalledIn {
        /// Where the start is.
        start: Place,
        /// Where the goal is.
        goal: Place,
    },
    /// The answer has another size than the question.
    Shape {
        /// The size of the question.
        question: Shape,
        /// The size of the answer.
        answer: Shape,
    },
    /// A cell of the answer is not as in the question, nor a free cell that became part of the path.
    Changed {
        /// The cell.
        at: Place,
        /// What it is in the question.
        was: Cell,
        /// What it is in the answer.
        is: Cell,
    },
    /// The path stops at this cell, before the goal.
    Stops(Place),
    /// The path branches at this cell, or touches itself.
    Branches(Place),
    /// This cell is marked but is not on the path from start to goal.
    Stray(Place),
}

impl Fault {
    /// The cell that is to blame, where it is one.
    pub fn place(&self) -> Option<Place> {
        match *self {
            Fault::Missing(_) | Fault::Shape { .. } => None,
            Fault::Twice { second, .. } => Some(second),
            Fault::WalledIn { goal, .. } => Some(goal),
            Fault::Changed { at, .. } => Some(at),
            Fault::Marked(at) | Fault::Stops(at) | Fault::Branches(at) | Fault::Stray(at) => {
                Some(at)
            }
        }
    }
}

/// How a cell is named in a message.
fn name(cell: Cell) -> &'static str {
    match cell {
        Cell::Wall => "a wall (#)",
        Cell::Free => "a free cell",
        Cell::Start => "the start (S)",
        Cell::Goal => "the goal (G)",
        Cell::Path => "path (o)",
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Missing(cell) => write!(f, "no {}", cell.letter()),
            Fault::Twice {
                cell,
                first,
                second,
            } => write!(f, "{} twice: at {first} and at {second}", cell.letter()),
            Fault::Marked(at) => write!(f, "path (o) at {at}"),
            Fault::WalledIn { start, goal } => {
                write!(f, "no way from S at {start} to G at {goal}")
            }
            Fault::Shape { question, answer } => {
                write!(f, "a {answer} answer to a {question} question")
            }
            Fault::Changed { at, was, is } => {
                write!(
                    f,
                    "{} at {at} where the question has {}",
                    name(*is),
                    name(*was)
                )
            }
            Fault::Stops(at) => write!(f, "a path that stops at {at}"),
            Fault::Branches(at) => write!(f, "a path that branches or touches itself at {at}"),
            Fault::Stray(at) => write!(f, "o beside the path at {at}"),
        }
    }
}

/// A valid path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Path {
    /// Moves from start to goal.
    pub moves: usize,
    /// Moves of a shortest path.
    pub least: usize,
}

impl Path {
    /// Whether no path has fewer moves.
    pub fn is_shortest(self) -> bool {
        self.moves == self.least
    }
}

/// The one start and the one goal.
fn ends(maze: &Maze) -> Result<(usize, usize), Fault> {
    let one = |kind| {
        let mut all = (0..maze.cells().len()).filter(|&cell| maze.cells()[cell] == kind);
        match (all.next(), all.next()) {
            (None, _) => Err(Fault::Missing(kind)),
            (Some(cell), None) => Ok(cell),
            (Some(first), Some(second)) => Err(Fault::Twice {
                cell: kind,
                first: maze.shape().place(first),
                second: maze.shape().place(second),
            }),
        }
    };
    Ok((one(Cell::Start)?, one(Cell::Goal)?))
}

/// Checks that a question has one start, one goal, no path yet, and a way. Returns the moves of a shortest path.
pub fn check_question(maze: &Maze) -> Result<usize, Fault> {
    let (start, goal) = ends(maze)?;
    let shape = maze.shape();
    if let Some(cell) = maze.find(Cell::Path) {
        return Err(Fault::Marked(shape.place(cell)));
    }
    solve::distance(maze).ok_or_else(|| Fault::WalledIn {
        start: shape.place(start),
        goal: shape.place(goal),
    })
}

/// Checks that an answer is a valid path for its question, shortest or not.
///
/// All cells must be as in the question, but that free ones may be marked. The marked cells with start and goal must
/// be one path: the ends touch one cell of it, every other cell touches the one before and the one after. So a path
/// that passes beside itself is refused (there would be two ways to read it; a shortest path never does), and so is
/// any mark that is not on it.
///
/// # Errors
/// What is wrong, and where: changed cells first, in reading order, then along the path from the start.
pub fn check(question: &Maze, answer: &Maze) -> Result<Path, Fault> {
    let shape = question.shape();
    if answer.shape() != shape {
        return Err(Fault::Shape {
            question: shape,
            answer: answer.shape(),
        });
    }
    let least = check_question(question)?;
    let pairs = question.cells().iter().zip(answer.cells());
    for (cell, (&was, &is)) in pairs.enumerate() {
        if was != is && (was, is) != (Cell::Free, Cell::Path) {
            let at = shape.place(cell);
            return Err(Fault::Changed { at, was, is });
        }
    }
    let (start, goal) = ends(answer)?;
    let on_path = |cell: usize| matches!(answer.cells()[cell], Cell::Path | Cell::Goal);
    let mut passed = vec![false; shape.cells()];
    let (mut before, mut cell, mut moves) = (start, start, 0);
    loop {
        passed[cell] = true;
        let mut next = shape
            .neighbours(cell)
            .filter(|&next| next != before && on_path(next));
        match (next.next(), next.next()) {
            (None, _) if cell == goal => break,
            (None, _) => return Err(Fault::Stops(shape.place(cell))),
            (Some(next), None) if cell != goal => (before, cell) = (cell, next),
            // No cell is passed twice: it would have had a second neighbour when it was passed first.
            _ => return Err(Fault::Branches(shape.place(cell))),
        }
        moves += 1;
    }
    match (0..shape.cells()).find(|&cell| on_path(cell) && !passed[cell]) {
        Some(stray) => Err(Fault::Stray(shape.place(stray))),
        None => Ok(Path { moves, least }),
    }
}

/// Whether an answer is a path for its question, shortest or not.
pub fn is_valid(question: &Maze, answer: &Maze) -> bool {
    check(question, answer).is_ok()
}

/// Whether an answer is a path for its question and none is shorter.
pub fn verifies(question: &Maze, answer: &Maze) -> bool {
    check(question, answer).is_ok_and(Path::is_shortest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn maze(text: &str) -> Maze {
        let rows: Vec<&str> = text.split('/').collect();
        let shape = Shape::new(rows.len(), rows[0].len());
        crate::tasks::maze::read::parse_line(&rows.concat(), shape).unwrap()
    }

    #[test]
    fn questions() {
        let text = |text| check_question(&maze(text)).unwrap_err().to_string();
        assert_eq!(check_question(&maze("S../##./G..")), Ok(6));
        assert_eq!(text("..../...G"), "no S");
        assert_eq!(text("S.../...."), "no G");
        assert_eq!(
            text("S.S./...G"),
            "S twice: at row 1, column 1 and at row 1, column 3"
        );
        assert_eq!(
            text("S..G/...G"),
            "G twice: at row 1, column 4 and at row 2, column 4"
        );
        assert_eq!(text("S.../.o.G"), "path (o) at row 2, column 2");
        assert_eq!(
            text("S.#./..#G"),
            "no way from S at row 1, column 1 to G at row 2, column 4"
        );
    }

    #[test]
    fn verdicts() {
        let question = maze("S.../.##./...G");
        let check = |answer| check(&question, &maze(answer));
        assert_eq!(check("Sooo/.##o/...G"), Ok(Path { moves: 5, least: 5 }));
        assert_eq!(check("S.../o##./oooG"), Ok(Path { moves: 5, least: 5 }));
        let text = |answer| check(answer).unwrap_err().to_string();
        assert_eq!(
            text("S.../.##./...G"),
            "a path that stops at row 1, column 1"
        );
        assert_eq!(
            text("Soo./.##./...G"),
            "a path that stops at row 1, column 3"
        );
        assert_eq!(
            text("Sooo/o##o/oooG"),
            "a path that branches or touches itself at row 1, column 1"
        );
        assert_eq!(
            text("Sooo/.##o/..oG"),
            "a path that branches or touches itself at row 3, column 4"
        );
        assert_eq!(
            text("Sooo/.##o/o..G"),
            "o beside the path at row 3, column 1"
        );
        assert_eq!(
            text("Sooo/.#oo/...G"),
            "path (o) at row 2, column 3 where the question has a wall (#)"
        );
        assert_eq!(
            text("Sooo/.##o/#..G"),
            "a wall (#) at row 3, column 1 where the question has a free cell"
        );
        assert_eq!(
            text(".Soo/.##o/...G"),
            "a free cell at row 1, column 1 where the question has the start (S)"
        );
        assert_eq!(text("Soo/.##/..G"), "a 3x3 answer to a 3x4 question");
    }

    #[test]
    fn a_detour_is_valid_and_not_shortest() {
        let question = maze("S..../###../G....");
        let detour = maze("Soooo/###.o/Goooo");
        let path = check(&question, &detour).unwrap();
        assert_eq!(
            path,
            Path {
                moves: 10,
                least: 8
            }
        );
        assert!(is_valid(&question, &detour) && !verifies(&question, &detour));
        assert!(verifies(&question, &maze("Sooo./###o./Gooo.")));
        // Around a block of four: the marks could be read in two ways.
        let fault = check(&question, &maze("Soooo/###oo/Gooo.")).unwrap_err();
        assert_eq!(fault, Fault::Branches(Place { row: 1, column: 4 }));
        assert_eq!(fault.place(), Some(Place { row: 1, column: 4 }));
    }
}
