//! What every surface must know of a task, said in a model's tokens.

use super::{Groups, InputError, TaskSpec};
use crate::error::{Refusal, Result};
use crate::hash::class_of_bytes;
use crate::reading::{self, Place, Record};
use rand::Rng;
use serde::Serialize;
use std::fmt;
use std::io::BufRead;

/// The token of a place outside the question or the answer, for every task.
pub const PAD: u16 = 0;

/// A question or an answer as a model sees it: one token a place.
pub type Tokens = Vec<u16>;

/// A question with its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The question.
    pub question: Tokens,
    /// Its answer.
    pub answer: Tokens,
}

/// One puzzle of an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Puzzle {
    /// The question.
    pub question: Tokens,
    /// Its answer, where the input has one.
    pub answer: Option<Tokens>,
    /// How hard it is, where the input says so: wrong guesses of a solver.
    pub rating: Option<u32>,
    /// Row of the puzzle table; 0 where the input has none.
    pub identifier: u32,
}

impl Puzzle {
    /// A puzzle as it was read, in tokens.
    pub(super) fn of<G>(
        record: Record<G>,
        question: impl FnOnce(&G) -> Tokens,
        answer: impl FnOnce(&G) -> Tokens,
    ) -> Self {
        Puzzle {
            question: question(&record.question),
            answer: record.answer.as_ref().map(answer),
            rating: record.rating,
            identifier: 0,
        }
    }
}

/// Whether an answer is right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// Whether the task's own rules hold, as [`Task::verify`] says it.
    pub verified: Option<bool>,
    /// A rule that is broken, in words.
    pub objection: Option<String>,
}

/// What stood in an input.
pub type Entry = reading::Entry<Puzzle>;

/// A symmetry of a question that holds for its answer too: what stands at place `from[i]` comes to place i, as another
/// token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenSymmetry {
    from: Vec<u16>,
    becomes: Vec<u16>,
}

impl TokenSymmetry {
    /// A symmetry that permutes places and tokens. Both must be permutations; tokens that are missing stay as they are.
    pub fn new(from: Vec<u16>, becomes: Vec<u16>) -> Self {
        TokenSymmetry { from, becomes }
    }

    /// The symmetry of so many places that changes nothing.
    pub fn identity(places: usize) -> Self {
        TokenSymmetry::new((0..places as u16).collect(), Vec::new())
    }

    /// What a token becomes.
    pub fn renamed(&self, token: u16) -> u16 {
        let becomes = self.becomes.get(usize::from(token));
        becomes.copied().unwrap_or(token)
    }

    /// The place whose token comes to place i.
    pub fn source(&self, i: usize) -> usize {
        usize::from(self.from[i])
    }

    /// The image of tokens, one for each place.
    pub fn apply(&self, tokens: &[u16]) -> Tokens {
        let from = self.from.iter();
        from.map(|&from| self.renamed(tokens[usize::from(from)]))
            .collect()
    }

    /// Values, one for each place, where the symmetry carries them.
    pub fn carry<T: Copy>(&self, values: &[T]) -> Vec<T> {
        let from = self.from.iter();
        from.map(|&from| values[usize::from(from)]).collect()
    }

    /// The symmetry that undoes this one.
    pub fn inverse(&self) -> Self {
        let inverse = |permutation: &[u16]| {
            let mut inverse = vec![0; permutation.len()];
            for (i, &to) in permutation.iter().enumerate() {
                inverse[usize::from(to)] = i as u16;
            }
            inverse
        };
        TokenSymmetry::new(inverse(&self.from), inverse(&self.becomes))
    }
}

/// A drawing for people: lines of characters, of which some stand for a place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Drawing(pub Vec<Vec<Glyph>>);

/// A character of a drawing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glyph {
    /// The character.
    pub letter: char,
    /// The place whose token it stands for; none for lines and the space between.
    pub place: Option<usize>,
}

impl Drawing {
    /// The drawing of a text, of whose characters `glyph` says what they stand for.
    pub fn of(text: &str, mut glyph: impl FnMut(char) -> Glyph) -> Self {
        let lines = text.lines();
        Drawing(
            lines
                .map(|line| line.chars().map(&mut glyph).collect())
                .collect(),
        )
    }
}

impl fmt::Display for Drawing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.0 {
            let text: String = line.iter().map(|glyph| glyph.letter).collect();
            writeln!(f, "{text}")?;
        }
        Ok(())
    }
}

/// A task: how its questions are read, encoded, checked and changed without changing what they ask.
///
/// Questions and answers are given as `seq_len` tokens below `vocab_size`. What a task does not have, it answers as
/// the provided methods do.
pub trait Task: fmt::Debug + Send + Sync {
    /// What a model's file says of it.
    fn spec(&self) -> TaskSpec;

    /// Places of a question and of an answer.
    fn seq_len(&self) -> usize;

    /// Number of tokens.
    fn vocab_size(&self) -> usize;

    /// The puzzles of an input, one by one.
    fn read<'a>(&self, input: Box<dyn BufRead + 'a>) -> Box<dyn Iterator<Item = Entry> + 'a>;

    /// What a line of an input begins with that is a comment, if inputs may have any.
    fn comment(&self) -> Option<&'static str> {
        Some("#")
    }

    /// The question in a text that holds one puzzle.
    ///
    /// # Errors
    /// What is wrong with it, or that it holds none.
    fn parse(&self, text: &str) -> Result<Tokens, InputError> {
        match self.read(Box::new(text.as_bytes())).next() {
            Some(entry) => entry.result.map(|puzzle| puzzle.question),
            None => Err(Place::line(1).error("a puzzle", "none")),
        }
    }

    /// The tokens of an answer, in any form in which one is written, whatever is wrong with it: [`Task::read`] refuses answers
    /// that are not right.
    ///
    /// # Errors
    /// What is no answer's cell, or too few or too many of them.
    fn read_answer(&self, text: &str) -> Result<Tokens, InputError>;

    /// Holds an answer against the task's own rules.
    ///
    /// # Errors
    /// Which of the two texts cannot be read, and why.
    fn check(&self, question: &str, answer: &str) -> Result<Checked> {
        let unread = |what: &str, e: InputError| Refusal {
            line: e.line,
            error: format!("{what}: {}", e.within(1)),
        };
        let question = self.parse(question).map_err(|e| unread("question", e))?;
        let answer = self.read_answer(answer).map_err(|e| unread("answer", e))?;
        Ok(Checked {
            verified: self.verify(&question, &answer),
            objection: self.objection(&question, &answer),
        })
    }

    /// A question or answer as one line, which [`Task::read`] reads.
    fn line(&self, tokens: &[u16]) -> String;

    /// A question or answer as people draw it.
    fn drawing(&self, tokens: &[u16]) -> Drawing;

    /// Whether a token of a question says something that the answer must keep.
    fn is_given(&self, token: u16) -> bool;

    /// Whether every symbol that an answer can have could be a given of the question, so that who thinks about it can guess a
    /// cell and go on as if the question said so.
    fn guessable(&self) -> bool {
        false
    }

    /// Makes of the tokens a model gave an answer: what means nothing there becomes blank, so that two answers that
    /// say the same are the same.
    fn tidy(&self, tokens: &mut [u16]);

    /// Refuses a question that has no answer or, where a proof rests on it, no single one.
    ///
    /// # Errors
    /// [`Error::Question`](crate::Error::Question).
    fn admit(&self, question: &[u16]) -> Result<()> {
        let _ = question;
        Ok(())
    }

    /// The answer that an exact solver finds, where the task has one: for checking, never for answering.
    ///
    /// # Errors
    /// What was found instead of one answer.
    fn solve(&self, question: &[u16]) -> Option<Result<Tokens, String>> {
        let _ = question;
        None
    }

    /// The cells that must differ, where that, and that givens stay, is all that the rules say.
    fn groups(&self) -> Option<Groups> {
        None
    }

    /// Whether the task's own rules hold, for the whole answer and for what the question gives. `None`: it has no rules.
    fn verify(&self, question: &[u16], answer: &[u16]) -> Option<bool>;

    /// Whether [`Task::verify`] can say that an answer is right.
    fn proves(&self) -> bool {
        true
    }

    /// A rule that an answer breaks, in words; `None` if it breaks none.
    fn objection(&self, question: &[u16], answer: &[u16]) -> Option<String> {
        let _ = (question, answer);
        None
    }

    /// What else is counted of answers, beside whether they are exact and verified: names and findings.
    fn judge(&self, question: &[u16], answer: &[u16]) -> Vec<(&'static str, bool)> {
        let _ = (question, answer);
        Vec::new()
    }

    /// How far an answer is from keeping the rules: 0 where they hold or there are none, at most 1.
    fn broken(&self, answer: &[u16]) -> f32 {
        let _ = answer;
        0.0
    }

    /// The image of a puzzle under one of its symmetries, to learn from. A task whose questions may have several right answers
    /// gives the one that its own solver gives: learning from now this and now that one, a model learns none.
    fn image(&self, puzzle: &Pair, symmetry: &TokenSymmetry) -> Pair {
        Pair {
            question: symmetry.apply(&puzzle.question),
            answer: symmetry.apply(&puzzle.answer),
        }
    }

    /// A random symmetry of a question; every one is equally likely. `None`: it has none but the identity.
    fn random_symmetry(&self, question: &[u16], rng: &mut dyn Rng) -> Option<TokenSymmetry> {
        let _ = (question, rng);
        None
    }

    /// The form that all questions have in common to which symmetries lead from this one, and the symmetry that leads
    /// there. `None` where it is too hard to find, or the task has no symmetries.
    fn canonical(&self, question: &[u16]) -> Option<(Tokens, TokenSymmetry)> {
        let _ = question;
        None
    }

    /// A stable hash of tokens, by which random choices for a question are seeded.
    fn class(&self, tokens: &[u16]) -> u64 {
        class_of_bytes(tokens.iter().flat_map(|token| token.to_le_bytes()))
    }

    /// A stable hash that tells training from test puzzles: the same for all puzzles that would leak one another.
    fn split_class(&self, pair: &Pair) -> u64;

    /// The `number`-th puzzle of an endless mixed run for training, whose split class passes `wanted`. `None`: the
    /// task has no generator, or found no such puzzle.
    fn generate(&self, seed: u64, number: u64, wanted: &dyn Fn(u64) -> bool) -> Option<Pair> {
        let _ = (seed, number, wanted);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::grid::GridTask;
    use crate::tasks::grid::rules::RulesFile;

    /// One of each kind, with a puzzle and its answer.
    fn puzzles() -> Vec<(std::sync::Arc<dyn Task>, Pair)> {
        let rules =
            RulesFile::read(include_str!("../../../../models/rules/jigsaw-6.toml")).unwrap();
        let grid = GridTask::new(rules.alone(None).unwrap()).unwrap();
        let maze = TaskSpec::Maze {
            rows: 5,
            cols: 7,
            min_path: 3,
        };
        [
            TaskSpec::Sudoku { size: 4 },
            TaskSpec::Sudoku { size: 16 },
            maze,
            grid.spec(),
        ]
        .map(|spec| (spec.task().unwrap(), spec.puzzle(7, 1, None).unwrap()))
        .into()
    }

    #[test]
    fn answers_are_read_however_they_are_written() {
        for (task, Pair { question, answer }) in puzzles() {
            let line = task.line(&answer);
            assert_eq!(task.read_answer(&line).unwrap(), answer, "{line}");
            let drawn = task.drawing(&answer).to_string();
            assert_eq!(task.read_answer(&drawn).unwrap(), answer, "{drawn}");
            let checked = task.check(&task.line(&question), &line).unwrap();
            assert_eq!((checked.verified, checked.objection), (Some(true), None));
            // What is wrong is read, and told from what is right.
            let mut wrong = answer.clone();
            wrong.reverse();
            let checked = task
                .check(&task.line(&question), &task.line(&wrong))
                .unwrap();
            assert!(checked.verified == Some(false) && checked.objection.is_some());
            let short = &line[..line.len() - 1];
            let error = task
                .check(&task.line(&question), short)
                .unwrap_err()
                .to_string();
            assert!(error.starts_with("answer: "), "{error}");
        }
    }
}
