//! A table as a task.

use super::alphabet::Alphabet;
use super::cells::Grid;
use super::exact::{Exact, Solutions};
use super::read::{self, GridNotation, Written};
use super::rules::{Bound, Objection, RuleError};
use super::symmetry::Group;
use super::{Generator, GridSpec, ShapeRule, frame};
use crate::error::{Error, Result};
use crate::hash::class_of_bytes;
use crate::reading::{Place, Reader};
use crate::tasks::task::{Drawing, Entry, Glyph, Pair, Puzzle, Task, TokenSymmetry, Tokens};
use crate::tasks::{Groups, InputError, TaskSpec};
use rand::Rng;
use std::io::BufRead;
use std::sync::Arc;

/// A table of questions and answers, whose symbols, shapes, rules and symmetries are known. Cheap to clone.
#[derive(Clone, Debug)]
pub struct GridTask(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    spec: GridSpec,
    alphabet: Alphabet,
    bound: Bound,
    group: Group,
    /// None where the declared rules are not all, or not of the kind that the search knows.
    exact: Option<Exact>,
}

/// Cells that the exact search looks at before it leaves a question unproven: a fraction of a second.
const ADMISSION_BUDGET: u64 = 50_000_000;
/// The same where an answer is wanted.
const ANSWER_BUDGET: u64 = 500_000_000;

impl GridTask {
    /// The task of a specification, which may come from a file that nobody has checked.
    ///
    /// # Errors
    /// [`Error::Config`] where it contradicts itself.
    pub fn new(spec: GridSpec) -> Result<Self> {
        Ok(Self::bind(spec)?)
    }

    /// The same, with an error that rules of a file can be blamed with.
    pub(super) fn bind(spec: GridSpec) -> Result<Self, RuleError> {
        let alphabet = Alphabet::new(&spec.symbols)
            .map_err(|(expected, found)| RuleError::new("symbols", expected, found))?;
        for (key, rule) in [("question", spec.question), ("answer", spec.answer)] {
            if let ShapeRule::Fixed(shape) = rule
                && shape.around(spec.frame) != spec.frame
            {
                let expected = format!("a shape within the frame ({})", spec.frame);
                return Err(RuleError::new(key, expected, shape.to_string()));
            }
        }
        if spec.question == ShapeRule::AsQuestion {
            return Err(RuleError::new("question", "its own shape", "as_question"));
        }
        if spec.answer == ShapeRule::AsQuestion && spec.question != ShapeRule::Ends {
            let expected = "the shape of the questions, as all have the same,";
            return Err(RuleError::new("answer", expected, "as_question"));
        }
        let bound = Bound::new(&spec.rules, &alphabet, spec.shapes())?;
        let group = Group::new(&spec, &alphabet, &bound)?;
        let exact = Exact::new(&spec, &alphabet, &bound).ok();
        Ok(GridTask(Arc::new(Inner {
            spec,
            alphabet,
            bound,
            group,
            exact,
        })))
    }

    /// Puzzles that the rules make, where they say all there is to say.
    ///
    /// # Errors
    /// [`Error::Config`]: what else, or more, would have to be declared.
    pub fn generator(&self, seed: u64) -> Result<Generator<'_>> {
        Ok(Generator {
            task: self,
            exact: self.exact()?,
            seed,
        })
    }

    /// The exact search, or which rule there is none for.
    pub(super) fn exact(&self) -> Result<&Exact, RuleError> {
        let Inner {
            spec,
            alphabet,
            bound,
            exact,
            ..
        } = &*self.0;
        match exact {
            Some(exact) => Ok(exact),
            None => Err(match Exact::new(spec, alphabet, bound) {
                Err(error) => error,
                Ok(_) => RuleError::new("proof", "rules for a search", "none"),
            }),
        }
    }

    /// Whether any rule is declared that an answer can break.
    pub fn has_rules(&self) -> bool {
        self.0.bound.any()
    }

    /// Whether there is an exact solver for the rules: they are all there is to say.
    pub fn has_solver(&self) -> bool {
        self.0.exact.is_some()
    }

    /// How many answers a question has by the rules. None where these are not all there is to say.
    pub fn solutions(&self, question: &[u16]) -> Option<Solutions> {
        let exact = self.0.exact.as_ref()?;
        Some(exact.solve(question, ANSWER_BUDGET))
    }

    /// How hard a question with one answer is: wrong guesses of the exact solver.
    pub fn rating(&self, question: &[u16]) -> Option<u64> {
        let exact = self.0.exact.as_ref()?;
        exact.rating(question, ADMISSION_BUDGET)
    }

    /// What a model's file says of it.
    pub fn grid_spec(&self) -> &GridSpec {
        &self.0.spec
    }

    pub(super) fn alphabet(&self) -> &Alphabet {
        &self.0.alphabet
    }

    fn encode(&self, grid: &Grid, rule: ShapeRule) -> Tokens {
        frame::encode(grid, self.0.spec.frame, rule.has_ends())
    }

    /// The grid that tokens say, if they say one.
    fn grid(&self, tokens: &[u16], rule: ShapeRule) -> Option<Grid> {
        let frame = self.0.spec.frame;
        let shape = match rule {
            ShapeRule::Fixed(shape) => shape,
            _ => frame::extent(tokens, frame)?,
        };
        frame::decode(tokens, frame, shape, self.0.alphabet.len())
    }

    fn question(&self, tokens: &[u16]) -> Option<Grid> {
        self.grid(tokens, self.0.spec.question)
    }

    fn answer(&self, tokens: &[u16]) -> Option<Grid> {
        self.grid(tokens, self.0.spec.answer)
    }

    /// Refuses a grid that has not the right shape.
    fn shape_of(&self, grid: &Grid, rule: ShapeRule, in_answer: bool) -> Result<(), Objection> {
        let frame = self.0.spec.frame;
        let (fits, expected) = match rule {
            ShapeRule::Fixed(shape) => (grid.shape == shape, shape.to_string()),
            _ => (
                grid.shape.around(frame) == frame,
                format!("at most {frame}"),
            ),
        };
        let what = if in_answer { "answer" } else { "question" };
        let objection = || Objection {
            in_answer,
            cell: None,
            expected: format!("{expected} cells of the {what}"),
            found: grid.shape.to_string(),
        };
        fits.then_some(()).ok_or_else(objection)
    }

    /// Refuses a question, or an answer of it, that has not the right shape or breaks a rule.
    pub(super) fn check(&self, question: &Grid, answer: Option<&Grid>) -> Result<(), Objection> {
        let Inner { spec, bound, .. } = &*self.0;
        self.shape_of(question, spec.question, false)?;
        bound.check_question(question)?;
        match answer {
            None => Ok(()),
            Some(answer) => {
                self.shape_of(answer, spec.answer, true)?;
                bound.check(question, answer)
            }
        }
    }

    /// What an answer breaks.
    fn fault(&self, question: &[u16], answer: &[u16]) -> Option<Objection> {
        let fault = |in_answer, what: &str| Objection {
            in_answer,
            cell: None,
            expected: format!("a grid as {what}"),
            found: "cells that are missing".into(),
        };
        let Some(question) = self.question(question) else {
            return Some(fault(false, "question"));
        };
        let Some(answer) = self.answer(answer) else {
            return Some(fault(true, "answer"));
        };
        self.check(&question, Some(&answer)).err()
    }

    /// Rows of symbols up to the last ones; a place in between that holds none is `?`.
    fn rows(&self, tokens: &[u16]) -> Vec<Vec<(usize, &str)>> {
        let width = self.0.spec.frame.cols();
        let symbols = self.0.alphabet.symbols();
        let number = |place: usize| tokens[place].checked_sub(frame::FIRST).map(usize::from);
        let there = (0..tokens.len()).filter(|&place| number(place).is_some());
        let extent = there.fold((0, 0), |(rows, cols), place| {
            (rows.max(place / width + 1), cols.max(place % width + 1))
        });
        let symbol = |place| {
            let symbol = number(place).and_then(|number| symbols.get(number));
            (place, symbol.map_or("?", String::as_str))
        };
        let row = |row| (0..extent.1).map(|col| symbol(row * width + col)).collect();
        (0..extent.0).map(row).collect()
    }
}

impl Task for GridTask {
    fn spec(&self) -> TaskSpec {
        TaskSpec::Grid(Box::new(self.0.spec.clone()))
    }

    fn seq_len(&self) -> usize {
        self.0.spec.seq_len()
    }

    fn vocab_size(&self) -> usize {
        self.0.spec.vocab_size()
    }

    /// Tables (CSV), JSON Lines, or a question in each line. Answers that break a rule are refused.
    fn read<'a>(&self, input: Box<dyn BufRead + 'a>) -> Box<dyn Iterator<Item = Entry> + 'a> {
        let task = self.clone();
        let puzzle = move |record| {
            let spec = task.grid_spec();
            let question = |written: &Written| task.encode(&written.grid, spec.question);
            let answer = |written: &Written| task.encode(&written.grid, spec.answer);
            Puzzle::of(record, question, answer)
        };
        let entries = Reader::of(input, GridNotation::Known(self.clone()));
        Box::new(entries.map(move |entry| entry.map(&puzzle)))
    }

    fn read_answer(&self, text: &str) -> Result<Tokens, InputError> {
        let answer = read::answer(text, self)?;
        match self.shape_of(&answer, self.0.spec.answer, true) {
            Ok(()) => Ok(self.encode(&answer, self.0.spec.answer)),
            Err(wrong) => Err(Place::line(1).error(wrong.expected, wrong.found)),
        }
    }

    fn comment(&self) -> Option<&'static str> {
        None
    }

    fn line(&self, tokens: &[u16]) -> String {
        let between = if self.0.alphabet.words() { " " } else { "" };
        let rows = self.rows(tokens).into_iter().map(|row| {
            let cells: Vec<&str> = row.into_iter().map(|cell| cell.1).collect();
            cells.join(between)
        });
        rows.collect::<Vec<_>>().join("/")
    }

    fn drawing(&self, tokens: &[u16]) -> Drawing {
        let symbols = self.0.alphabet.symbols().iter();
        let width = symbols
            .map(|symbol| symbol.chars().count())
            .max()
            .unwrap_or(1);
        let rows = self.rows(tokens).into_iter().map(|row| {
            let mut line = Vec::new();
            for (place, symbol) in row {
                let blank = |letter| Glyph {
                    letter,
                    place: None,
                };
                if !line.is_empty() {
                    line.push(blank(' '));
                }
                let missing = width - symbol.chars().count();
                line.extend(std::iter::repeat_n(blank(' '), missing));
                let place = Some(place);
                line.extend(symbol.chars().map(|letter| Glyph { letter, place }));
            }
            line
        });
        Drawing(rows.collect())
    }

    fn is_given(&self, token: u16) -> bool {
        let symbol = token
            .checked_sub(frame::FIRST)
            .and_then(|symbol| u8::try_from(symbol).ok());
        symbol.is_some_and(|symbol| {
            usize::from(symbol) < self.0.alphabet.len() && self.0.bound.keeps(symbol)
        })
    }

    fn guessable(&self) -> bool {
        let bound = &self.0.bound;
        let mut fill = bound.fill().iter().zip(0..);
        fill.all(|(&fill, symbol)| !fill || bound.keeps(symbol))
    }

    /// What stands outside the answer becomes padding: its shape is fixed, or ends with the first token of the first
    /// row, and of the first column, that is no symbol.
    fn tidy(&self, tokens: &mut [u16]) {
        let spec = &self.0.spec;
        match spec.answer {
            ShapeRule::Fixed(shape) => frame::crop(tokens, spec.frame, Some(shape), false),
            _ => frame::crop(tokens, spec.frame, frame::extent(tokens, spec.frame), true),
        }
    }

    fn admit(&self, question: &[u16]) -> Result<()> {
        let checked = match self.question(question) {
            Some(question) => self
                .check(&question, None)
                .map_err(|o| (o.expected, o.found)),
            None => Err(("a grid".into(), "cells that are missing".into())),
        };
        let checked = checked.and_then(|()| {
            let exact = self.0.exact.as_ref();
            let found = match exact.map(|exact| exact.solve(question, ADMISSION_BUDGET)) {
                Some(Solutions::None) => "none",
                Some(Solutions::Many(..)) => "more than one",
                // A question too large to decide quickly is admitted.
                None | Some(Solutions::One(_) | Solutions::Unknown) => return Ok(()),
            };
            Err(("exactly one solution".into(), found.into()))
        });
        checked.map_err(|(expected, found)| Error::Question {
            what: "question",
            expected,
            found,
        })
    }

    fn solve(&self, question: &[u16]) -> Option<Result<Tokens, String>> {
        let found = match self.solutions(question)? {
            Solutions::One(answer) => return Some(Ok(answer)),
            Solutions::None => "none",
            Solutions::Many(..) => "more than one",
            Solutions::Unknown => "no proof within the exact solver's limit",
        };
        Some(Err(format!("expected exactly one solution, found {found}")))
    }

    fn groups(&self) -> Option<Groups> {
        let Inner {
            spec,
            alphabet,
            bound,
            exact,
            ..
        } = &*self.0;
        match exact {
            Some(exact) => Some(exact.groups.clone()),
            None => Exact::groups(spec, alphabet, bound).ok(),
        }
    }

    /// `Some(false)` where a declared rule is broken: then the answer is surely wrong. `Some(true)` where none is and
    /// the rules were declared to be a proof. Otherwise nothing is known.
    fn verify(&self, question: &[u16], answer: &[u16]) -> Option<bool> {
        if !self.0.bound.any() {
            return None;
        }
        match self.fault(question, answer) {
            Some(_) => Some(false),
            None => self.0.spec.rules.proof.then_some(true),
        }
    }

    fn proves(&self) -> bool {
        self.0.spec.rules.proof
    }

    fn objection(&self, question: &[u16], answer: &[u16]) -> Option<String> {
        let fault = self.fault(question, answer)?;
        Some(format!(
            "expected {}, found {}",
            fault.expected, fault.found
        ))
    }

    fn broken(&self, answer: &[u16]) -> f32 {
        self.answer(answer)
            .map_or(1.0, |answer| self.0.bound.broken(&answer))
    }

    fn random_symmetry(&self, question: &[u16], rng: &mut dyn Rng) -> Option<TokenSymmetry> {
        let group = &self.0.group;
        let question = self.question(question).filter(|_| !group.is_trivial())?;
        Some(group.random(&question, rng))
    }

    fn canonical(&self, question: &[u16]) -> Option<(Tokens, TokenSymmetry)> {
        let group = &self.0.group;
        let grid = self.question(question).filter(|_| !group.is_trivial())?;
        let symmetry = group.canonical(&grid);
        Some((symmetry.apply(question), symmetry))
    }

    /// Of the question without regard to symmetries.
    fn split_class(&self, pair: &Pair) -> u64 {
        match self.question(&pair.question) {
            Some(question) => class_of_bytes(self.0.group.fingerprint(&question)),
            None => self.class(&pair.question),
        }
    }

    fn generate(&self, seed: u64, number: u64, wanted: &dyn Fn(u64) -> bool) -> Option<Pair> {
        self.generator(seed).ok()?.lesson(number, wanted)
    }
}
