//! The exact solver: how many solutions a grid has, and how hard it is.

use super::Grid;
use super::search::{Search, Step};

/// What an exact search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// No solution; so it is where givens clash.
    None,
    /// Exactly one solution.
    One(Grid),
    /// At least these two different solutions.
    Many(Grid, Grid),
    /// The budget was spent before it was certain. A solution found on the way is here.
    Unknown(Option<Grid>),
}

impl Outcome {
    /// The solution, if it is the only one.
    pub fn unique(self) -> Option<Grid> {
        match self {
            Outcome::One(grid) => Some(grid),
            _ => None,
        }
    }
}

/// Searches until there are two solutions, or it is certain that there are not.
///
/// `node_budget` bounds the values tried. A 9x9 puzzle seldom needs a thousand; a 16x16 with few givens
/// may never end without a budget.
pub fn solve(grid: &Grid, node_budget: Option<u64>) -> Outcome {
    let mut search = Search::new(grid);
    let first = match search.next(node_budget) {
        Step::Solution => search.grid(),
        Step::Exhausted => return Outcome::None,
        Step::Budget => return Outcome::Unknown(None),
    };
    match search.next(node_budget) {
        Step::Solution => Outcome::Many(first, search.grid()),
        Step::Exhausted => Outcome::One(first),
        Step::Budget => Outcome::Unknown(Some(first)),
    }
}

/// Number of solutions, counted up to `limit`. None where the budget was spent before.
pub fn count_solutions(grid: &Grid, limit: u64, node_budget: Option<u64>) -> Option<u64> {
    let mut search = Search::new(grid);
    while search.solutions < limit {
        match search.next(node_budget) {
            Step::Solution => (),
            Step::Exhausted => break,
            Step::Budget => return None,
        }
    }
    Some(search.solutions)
}

/// How hard a puzzle is: the wrong guesses of a fixed search.
///
/// Naked and hidden singles are filled in until nothing changes; then the cell with the fewest
/// candidates (the first in reading order among equals) is tried value by value, and so on until the
/// whole tree is exhausted. The rating is the number of tried values that led to no solution: 0 easy,
/// 1 to 4 medium, 5 to 19 hard, 20 and more extreme. None where there is not exactly one solution, or
/// the budget was spent.
pub fn rating(grid: &Grid, node_budget: Option<u64>) -> Option<u64> {
    let mut search = Search::new(grid);
    while search.solutions < 2 {
        match search.next(node_budget) {
            Step::Solution => (),
            Step::Exhausted if search.solutions == 1 => return Some(search.wrong),
            _ => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::sudoku::{Sudoku, rules};

    /// Question, answer, rating: generated for this project (CC0).
    const RATED: [(&str, &str, u64); 8] = [
        (
            "24.5..6.96...9...4..967...19.58137.2....6589..2.9471.5.78429.5..5.73.91.39...8...",
            "247581639681392574539674281965813742714265893823947165178429356452736918396158427",
            0,
        ),
        (
            "..9....3.3.....12...58.......2..5.4..3.2....9.8...4...1...6.....6..8...2.581..6..",
            "819726534376459128425831976692375841534218769781694253147962385963587412258143697",
            31,
        ),
        (
            "....5........7...9624........85....75......1.....13.2...6.4..9....7...419....62..",
            "793651482851472369624398175168524937532967814479813526316245798285739641947186253",
            22,
        ),
        (
            "....42..1...6..8.4..5..9......8.49..3...2.........31.879........2..3.....61...5.7",
            "876542391932671854145389762617854923389127645254963178793415286528736419461298537",
            3,
        ),
        (
            "..8....76.5....4....4....81....2......248.3.9...3.9..8.8..6...72.....1...96.14...",
            "328941576651872493974635281839126754562487319417359628185263947243798165796514832",
            13,
        ),
        (
            "...7..9...435....881..9.3...5.8..2.....64..9......3....7..8.4..4..9....2.2..1..87",
            "265738941943521768817496325354879216781642593692153874176285439438967152529314687",
            11,
        ),
        (
            "...47.6.171.9.52...2....785..13.8459398754.626.529...848253.9.6.6712...313.846.2.",
            "853472691716985234924613785271368459398754162645291378482537916567129843139846527",
            0,
        ),
        (
            "........29.1..5..645...28..8.....35...6.89...7....3........796.3..61..7.....2....",
            "678491532921835746453762891814276359236589417795143628182357964349618275567924183",
            1,
        ),
    ];

    #[test]
    fn answers_and_ratings() {
        for (question, answer, expected) in RATED {
            let question: Grid = question.parse().unwrap();
            assert_eq!(rating(&question, None), Some(expected), "{question}");
            assert_eq!(solve(&question, None).unique().unwrap().to_line(), answer);
            assert_eq!(count_solutions(&question, 10, None), Some(1));
        }
    }

    #[test]
    fn two_different_solutions_are_both_valid() {
        for sudoku in Sudoku::ALL {
            let blank = Grid::blank(sudoku);
            let Outcome::Many(first, second) = solve(&blank, Some(100_000)) else {
                panic!("a blank {sudoku} has many solutions");
            };
            assert_ne!(first, second);
            assert!(rules::is_solved(&first) && rules::is_solved(&second));
            assert_eq!(rating(&blank, Some(100_000)), None);
        }
    }

    #[test]
    fn no_solution() {
        let clash: Grid = "11..............".parse().unwrap();
        assert_eq!(solve(&clash, None), Outcome::None);
        // No clash, but the last cell of the first row has no candidate.
        let dead: Grid = "123....4........".parse().unwrap();
        assert_eq!(rules::clashes(&dead), None);
        assert_eq!(solve(&dead, None), Outcome::None);
        assert_eq!(rating(&dead, None), None);
        assert_eq!(count_solutions(&dead, 5, None), Some(0));
    }

    #[test]
    fn a_solved_grid_is_its_own_solution() {
        let solved: Grid = "1234341221434321".parse().unwrap();
        assert_eq!(solve(&solved, Some(0)), Outcome::One(solved.clone()));
        assert_eq!(rating(&solved, Some(0)), Some(0));
    }

    #[test]
    fn a_spent_budget_is_said() {
        let blank = Grid::blank(Sudoku::new(9).unwrap());
        assert_eq!(solve(&blank, Some(0)), Outcome::Unknown(None));
        assert_eq!(count_solutions(&blank, u64::MAX, Some(1000)), None);
        assert_eq!(
            count_solutions(&Grid::blank(Sudoku::new(4).unwrap()), 1000, None),
            Some(288)
        );
        assert_eq!(count_solutions(&blank, 5, None), Some(5));
    }
}
