//! The exact search for tables whose declared rules are all the rules there are.

use super::rules::{Bound, RuleError};
use super::{GridSpec, alphabet::Alphabet, frame};
use crate::tasks::Groups;
use crate::tasks::constraints::{Constraints, Outcome, rating, solve};
use crate::tasks::task::Tokens;

/// What an exact search finds, in a model's tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Solutions {
    /// No solution.
    None,
    /// Exactly one.
    One(Tokens),
    /// At least these two.
    Many(Tokens, Tokens),
    /// The search was given up before that was certain.
    Unknown,
}

/// Rules as the search needs them.
#[derive(Clone, Debug)]
pub(super) struct Exact {
    pub(super) groups: Groups,
    pub(super) rules: Constraints,
}

impl Exact {
    /// The groups of the declared rules, in tokens.
    pub(super) fn groups(
        spec: &GridSpec,
        alphabet: &Alphabet,
        bound: &Bound,
    ) -> Result<Groups, RuleError> {
        let groups = bound.groups()?;
        let cells = spec.seq_len();
        let shapes = spec.shapes();
        if !shapes.same() || !shapes.answer.is(spec.frame) {
            let expected = format!("questions and answers that fill the frame ({})", spec.frame);
            return Err(RuleError::new("size", expected, shapes.to_string()));
        }
        let token = |symbol: usize| symbol as u16 + frame::FIRST;
        let fill = bound.fill().iter().enumerate();
        let tokens = fill.filter(|(_, fill)| **fill).map(|(s, _)| token(s));
        let blank = spec.rules.blank.as_deref();
        let blank = blank.and_then(|blank| alphabet.number(blank));
        // That givens are kept has been checked, and they need a blank.
        let Some(blank) = blank else {
            return Err(RuleError::new("blank", "a symbol", "none"));
        };
        let blank = token(blank.into());
        Ok(Groups::new(tokens.collect(), blank, cells, groups))
    }

    /// The search for the rules of a table.
    ///
    /// # Errors
    /// Why there is none, by the key that is to blame.
    pub(super) fn new(
        spec: &GridSpec,
        alphabet: &Alphabet,
        bound: &Bound,
    ) -> Result<Self, RuleError> {
        let groups = Self::groups(spec, alphabet, bound)?;
        if !spec.rules.proof {
            let expected = "true, so that these are all the rules there are,";
            return Err(RuleError::new("proof", expected, "not so"));
        }
        let Some(rules) = Constraints::new(&groups) else {
            let expected = format!("at most {} symbols", Constraints::MOST);
            let found = groups.symbols.to_string();
            return Err(RuleError::new("fill", expected, found));
        };
        Ok(Exact { groups, rules })
    }

    /// The solutions of a question, with so much work at most.
    pub(super) fn solve(&self, question: &[u16], budget: u64) -> Solutions {
        // A given that no answer can have leaves no answer.
        let Some(cells) = self.groups.decode(question) else {
            return Solutions::None;
        };
        let tokens = |cells: Vec<u8>| self.groups.encode(&cells);
        match solve(&self.rules, &cells, Some(budget)) {
            Outcome::None => Solutions::None,
            Outcome::One(answer) => Solutions::One(tokens(answer)),
            Outcome::Many(one, other) => Solutions::Many(tokens(one), tokens(other)),
            Outcome::Unknown(_) => Solutions::Unknown,
        }
    }

    /// How hard a question with one solution is.
    pub(super) fn rating(&self, question: &[u16], budget: u64) -> Option<u64> {
        rating(&self.rules, &self.groups.decode(question)?, Some(budget))
    }
}
