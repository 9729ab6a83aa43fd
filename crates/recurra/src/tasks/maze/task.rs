//! Mazes of one size as a task.

use super::grid::VOCAB_SIZE;
use super::{
    Cell, Generator, Maze, MazeReader, Shape, Symmetry, canonical, read, rules, solve, split,
};
use crate::error::{Error, Result};
use crate::tasks::task::{Drawing, Entry, Glyph, Pair, Puzzle, Task, TokenSymmetry, Tokens};
use crate::tasks::{InputError, TaskSpec};
use rand::Rng;
use std::io::BufRead;

/// Mazes of one size. Beside whether an answer is verified (a shortest path), it is counted whether it is a valid path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MazeTask {
    shape: Shape,
    min_path: usize,
}

impl MazeTask {
    /// Mazes of this size. Those that are generated have a shortest path of more than `min_path` moves.
    pub fn new(shape: Shape, min_path: usize) -> Self {
        MazeTask { shape, min_path }
    }

    fn maze(&self, tokens: &[u16]) -> Maze {
        Maze::decode(self.shape, tokens)
    }
}

/// Mazes of one number that are passed over until one is wanted.
const DRAWS: u64 = 1000;

impl Task for MazeTask {
    fn spec(&self) -> TaskSpec {
        TaskSpec::Maze {
            rows: self.shape.rows(),
            cols: self.shape.cols(),
            min_path: self.min_path,
        }
    }

    fn seq_len(&self) -> usize {
        self.shape.cells()
    }

    fn vocab_size(&self) -> usize {
        VOCAB_SIZE
    }

    fn read<'a>(&self, input: Box<dyn BufRead + 'a>) -> Box<dyn Iterator<Item = Entry> + 'a> {
        let entries = MazeReader::new(input, Some(self.shape));
        let puzzle = |record| Puzzle::of(record, Maze::encode, Maze::encode);
        Box::new(entries.map(move |entry| entry.map(puzzle)))
    }

    fn read_answer(&self, text: &str) -> Result<Tokens, InputError> {
        let text = text.trim_matches(['\r', '\n']);
        Ok(read::parse_line(text, Some(self.shape))?.encode())
    }

    fn comment(&self) -> Option<&'static str> {
        Some(";")
    }

    fn line(&self, tokens: &[u16]) -> String {
        self.maze(tokens).to_line()
    }

    fn drawing(&self, tokens: &[u16]) -> Drawing {
        let mut places = 0..self.shape.cells();
        let glyph = |letter| Glyph {
            letter,
            place: places.next(),
        };
        Drawing::of(&self.maze(tokens).to_pretty(), glyph)
    }

    fn is_given(&self, token: u16) -> bool {
        let cell = Cell::from_token(token);
        cell.is_some_and(|cell| !matches!(cell, Cell::Free | Cell::Path))
    }

    fn tidy(&self, tokens: &mut [u16]) {
        let tidy = self.maze(tokens).encode();
        tokens.copy_from_slice(&tidy);
    }

    fn admit(&self, question: &[u16]) -> Result<()> {
        let checked = rules::check_question(&self.maze(question));
        checked.map(drop).map_err(|fault| Error::Question {
            what: "maze",
            expected: "one S, one G and a way between them".into(),
            found: fault.to_string(),
        })
    }

    fn solve(&self, question: &[u16]) -> Option<Result<Tokens, String>> {
        let question = self.maze(question);
        Some(match rules::check_question(&question) {
            Err(fault) => Err(format!(
                "expected one S, one G and a way between them, found {fault}"
            )),
            Ok(_) => match solve::solve(&question) {
                Some(answer) => Ok(answer.encode()),
                None => Err("expected a way from S to G, found none".into()),
            },
        })
    }

    fn verify(&self, question: &[u16], answer: &[u16]) -> Option<bool> {
        Some(rules::verifies(&self.maze(question), &self.maze(answer)))
    }

    fn objection(&self, question: &[u16], answer: &[u16]) -> Option<String> {
        match rules::check(&self.maze(question), &self.maze(answer)) {
            Err(fault) => Some(fault.to_string()),
            Ok(path) if path.is_shortest() => None,
            Ok(path) => Some(format!(
                "a path of {} moves where {} do",
                path.moves, path.least
            )),
        }
    }

    fn judge(&self, question: &[u16], answer: &[u16]) -> Vec<(&'static str, bool)> {
        let path = rules::check(&self.maze(question), &self.maze(answer));
        vec![
            ("valid", path.is_ok()),
            ("shortest", path.is_ok_and(|path| path.is_shortest())),
        ]
    }

    fn random_symmetry(&self, _: &[u16], mut rng: &mut dyn Rng) -> Option<TokenSymmetry> {
        Some(Symmetry::random(self.shape, &mut rng).on_tokens())
    }

    /// Of several shortest paths the solver takes the first by its order of directions, which a symmetry changes.
    fn image(&self, puzzle: &Pair, symmetry: &TokenSymmetry) -> Pair {
        let question = symmetry.apply(&puzzle.question);
        let answer = match self.solve(&question) {
            Some(Ok(answer)) => answer,
            _ => symmetry.apply(&puzzle.answer),
        };
        Pair { question, answer }
    }

    fn canonical(&self, question: &[u16]) -> Option<(Tokens, TokenSymmetry)> {
        let found = canonical(&self.maze(question));
        Some((found.maze.encode(), found.symmetry.on_tokens()))
    }

    fn split_class(&self, pair: &Pair) -> u64 {
        split::question_class(&self.maze(&pair.question))
    }

    fn generate(&self, seed: u64, number: u64, wanted: &dyn Fn(u64) -> bool) -> Option<Pair> {
        let generator = Generator::new(self.shape, self.min_path, seed).ok()?;
        (0..DRAWS).find_map(|draw| {
            let puzzle = generator.puzzle(number.wrapping_mul(DRAWS) + draw).ok()?;
            let class = split::question_class(&puzzle.question);
            wanted(class).then(|| Pair {
                question: puzzle.question.encode(),
                answer: puzzle.answer.encode(),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn symmetries_of_tokens_are_those_of_mazes() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut others = 0;
        for (rows, cols) in [(6, 6), (5, 9)] {
            let task = MazeTask::new(Shape::new(rows, cols).unwrap(), 4);
            for number in 0..30 {
                let pair = task.generate(2, number, &|_| true).unwrap();
                assert_eq!(task.solve(&pair.question), Some(Ok(pair.answer.clone())));
                let symmetry = task.random_symmetry(&pair.question, &mut rng).unwrap();
                let image = Pair {
                    question: symmetry.apply(&pair.question),
                    answer: symmetry.apply(&pair.answer),
                };
                assert_eq!(task.verify(&image.question, &image.answer), Some(true));
                let learnt = task.image(&pair, &symmetry);
                assert_eq!(learnt.question, image.question);
                others += usize::from(learnt.answer != image.answer);
                assert_eq!(task.solve(&image.question), Some(Ok(learnt.answer)));
                assert_eq!(task.split_class(&image), task.split_class(&pair));
                assert_eq!(symmetry.inverse().apply(&image.answer), pair.answer);
                let forms = [&pair, &image].map(|p| task.canonical(&p.question).unwrap());
                assert_eq!(forms[0].0, forms[1].0);
                for (pair, (form, to_form)) in [&pair, &image].into_iter().zip(&forms) {
                    assert_eq!(to_form.apply(&pair.question), *form);
                }
            }
        }
        // Among several shortest paths a symmetry changes which one is taken.
        assert!((5..55).contains(&others), "{others}");
    }

    #[test]
    fn answers_are_judged() {
        let task = MazeTask::new(Shape::new(3, 3).unwrap(), 0);
        let maze = |line: &str| line.parse::<Maze>().unwrap().encode();
        let question = maze("S...#...G");
        task.admit(&question).unwrap();
        let detour = maze("So..#o..G");
        assert_eq!(task.verify(&question, &detour), Some(false));
        let (valid, shortest) = (("valid", true), ("shortest", true));
        let right = task.solve(&question).unwrap().unwrap();
        assert_eq!(task.judge(&question, &right), [valid, shortest]);
        assert_eq!(task.objection(&question, &right), None);
        assert!(task.objection(&question, &detour).unwrap().contains("path"));
        assert!(task.admit(&maze("S#.##...G")).is_err());
        assert_eq!(task.drawing(&right).to_string().lines().count(), 3);
        assert!(task.generate(2, 0, &|_| false).is_none());
    }
}
