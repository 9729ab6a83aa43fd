//! Sudoku as a task.

use super::grid::{BLANK, PAD};
use super::read::{PuzzleReader, parse_line};
use super::solver::{self, Outcome};
use super::{Grid, Sudoku, Symmetry, canonical, generate, rules, solutions, split};
use crate::error::{Error, Result};
use crate::tasks::task::{Drawing, Entry, Glyph, Pair, Puzzle, Task, TokenSymmetry, Tokens};
use crate::tasks::{Groups, InputError, TaskSpec};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::io::BufRead;

/// Tried values after which the exact solver leaves a puzzle unproven; far above what any 9x9 puzzle needs.
const ADMISSION_BUDGET: u64 = 50_000;
/// The same where an answer is wanted.
const ANSWER_BUDGET: u64 = 1_000_000;
/// Solution grids tried for one generated puzzle.
const DRAWS: usize = 10_000;

impl Task for Sudoku {
    fn spec(&self) -> TaskSpec {
        TaskSpec::Sudoku { size: self.size() }
    }

    fn seq_len(&self) -> usize {
        self.cells()
    }

    fn vocab_size(&self) -> usize {
        Sudoku::vocab_size(*self)
    }

    fn read<'a>(&self, input: Box<dyn BufRead + 'a>) -> Box<dyn Iterator<Item = Entry> + 'a> {
        let entries = PuzzleReader::new(input, Some(*self));
        let puzzle = |record| Puzzle::of(record, Grid::encode, Grid::encode);
        Box::new(entries.map(move |entry| entry.map(puzzle)))
    }

    fn read_answer(&self, text: &str) -> Result<Tokens, InputError> {
        // Lines and spaces between boxes say nothing.
        let cells = text
            .lines()
            .map(|row| match row.trim().trim_matches(['-', '+', '|', ' ']) {
                "" => String::new(),
                _ => row.replace(['|', ' ', '\t'], ""),
            });
        let read = parse_line(&cells.collect::<String>(), Some(*self));
        // Rows were joined, so that a column says nothing of the text as it stood.
        let column = |e: InputError| InputError {
            column: e.column.filter(|_| text.trim().lines().count() == 1),
            ..e
        };
        Ok(read.map_err(column)?.encode())
    }

    fn line(&self, tokens: &[u16]) -> String {
        self.grid(tokens).to_line()
    }

    fn drawing(&self, tokens: &[u16]) -> Drawing {
        let mut places = 0..self.cells();
        let glyph = |letter: char| Glyph {
            letter,
            place: if " |-+".contains(letter) {
                None
            } else {
                places.next()
            },
        };
        Drawing::of(&self.grid(tokens).to_pretty(), glyph)
    }

    fn is_given(&self, token: u16) -> bool {
        token != PAD && token != BLANK
    }

    fn guessable(&self) -> bool {
        true
    }

    fn tidy(&self, tokens: &mut [u16]) {
        let tidy = self.grid(tokens).encode();
        tokens.copy_from_slice(&tidy);
    }

    fn admit(&self, question: &[u16]) -> Result<()> {
        let found = match solver::solve(&self.grid(question), Some(ADMISSION_BUDGET)) {
            Outcome::None => "none",
            Outcome::Many(..) => "more than one",
            // A puzzle too large to decide quickly is admitted.
            Outcome::One(_) | Outcome::Unknown(_) => return Ok(()),
        };
        Err(Error::Question {
            what: "puzzle",
            expected: "exactly one solution".into(),
            found: found.into(),
        })
    }

    fn solve(&self, question: &[u16]) -> Option<Result<Tokens, String>> {
        let found = match solver::solve(&self.grid(question), Some(ANSWER_BUDGET)) {
            Outcome::One(answer) => return Some(Ok(answer.encode())),
            Outcome::None => "none",
            Outcome::Many(..) => "more than one",
            Outcome::Unknown(_) => "no proof within the exact solver's limit",
        };
        Some(Err(format!("expected exactly one solution, found {found}")))
    }

    fn groups(&self) -> Option<Groups> {
        let size = self.size();
        let mut units = vec![Vec::new(); 3 * size];
        for cell in 0..self.cells() {
            for (i, unit) in [self.row(cell), self.col(cell), self.box_of(cell)]
                .into_iter()
                .enumerate()
            {
                units[i * size + unit].push(cell as u16);
            }
        }
        let digits = (1..=size as u16).map(|digit| digit + BLANK).collect();
        Some(Groups::new(digits, BLANK, self.cells(), units))
    }

    fn verify(&self, question: &[u16], answer: &[u16]) -> Option<bool> {
        Some(rules::verifies(&self.grid(question), &self.grid(answer)))
    }

    fn objection(&self, question: &[u16], answer: &[u16]) -> Option<String> {
        let (question, answer) = (self.grid(question), self.grid(answer));
        if let Some(clash) = rules::clashes(&answer) {
            // "6 twice in row 1"; where exactly can be seen.
            let text = clash.to_string();
            Some(text.split(':').next().unwrap_or_default().to_owned())
        } else if !rules::keeps_givens(&question, &answer) {
            Some("a given was changed".to_owned())
        } else if !answer.is_complete() {
            Some("a cell was left blank".to_owned())
        } else {
            None
        }
    }

    fn broken(&self, answer: &[u16]) -> f32 {
        rules::missing(&self.grid(answer))
    }

    fn random_symmetry(&self, _: &[u16], mut rng: &mut dyn Rng) -> Option<TokenSymmetry> {
        Some(Symmetry::random(*self, &mut rng).on_tokens())
    }

    fn canonical(&self, question: &[u16]) -> Option<(Tokens, TokenSymmetry)> {
        let found = canonical::canonical(&self.grid(question))?;
        Some((found.grid.encode(), found.symmetry.on_tokens()))
    }

    fn class(&self, tokens: &[u16]) -> u64 {
        split::solution_class(&self.grid(tokens))
    }

    fn split_class(&self, pair: &Pair) -> u64 {
        self.class(&pair.answer)
    }

    /// Every other one minimal, the rest with 30 to 70 % of the cells given (from 45 % in the 16x16, where fewer are
    /// hard to find).
    fn generate(&self, seed: u64, number: u64, wanted: &dyn Fn(u64) -> bool) -> Option<Pair> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(number);
        let least = if self.size() < 16 { 30 } else { 45 };
        (0..DRAWS).find_map(|_| {
            let answer = solutions::random_solution(*self, &mut rng);
            if !wanted(split::solution_class(&answer)) {
                return None;
            }
            let share = least + rng.next_u64() % (71 - least);
            let givens = (number % 2 == 1).then_some((self.cells() as u64 * share / 100) as usize);
            // Some grids do not go down to that many givens; others do.
            let question = generate::puzzle_of(&answer, givens, &mut rng).ok()?;
            Some(Pair {
                question: question.encode(),
                answer: answer.encode(),
            })
        })
    }
}

impl Sudoku {
    /// The grid that tokens stand for.
    fn grid(self, tokens: &[u16]) -> Grid {
        Grid::decode(self, tokens)
    }
}
