//! What a model must know of a table.

use super::rules::Rules;
use super::{GridTask, Shape};
use crate::error::Result;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Symbols, shapes and rules of a table; a part of a model's file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GridSpec {
    /// What can stand in a cell. The first is token 2: token 0 is padding, 1 ends a grid.
    pub symbols: Vec<String>,
    /// Room for the largest question and the largest answer.
    pub frame: Shape,
    /// The shape of questions.
    pub question: ShapeRule,
    /// The shape of answers.
    pub answer: ShapeRule,
    /// What was declared.
    #[serde(default)]
    pub rules: Rules,
}

/// What is known of a grid's shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShapeRule {
    /// It is always this.
    Fixed(Shape),
    /// An answer has the shape of its question, which end tokens tell.
    AsQuestion,
    /// End tokens below and beside the grid tell it.
    Ends,
}

impl ShapeRule {
    /// Whether it is always this one.
    pub(super) fn is(self, shape: Shape) -> bool {
        self == ShapeRule::Fixed(shape)
    }

    /// Whether end tokens tell the shape.
    pub(super) fn has_ends(self) -> bool {
        !matches!(self, ShapeRule::Fixed(_))
    }
}

impl fmt::Display for ShapeRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ShapeRule::Fixed(shape) => write!(f, "{shape}"),
            ShapeRule::AsQuestion => f.write_str("any shape, the question's"),
            ShapeRule::Ends => f.write_str("any shape"),
        }
    }
}

impl GridSpec {
    /// Refuses what contradicts itself.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config).
    pub fn validate(&self) -> Result<()> {
        GridTask::new(self.clone()).map(|_| ())
    }

    /// Places of a question.
    pub fn seq_len(&self) -> usize {
        self.frame.cells()
    }

    /// Number of tokens.
    pub fn vocab_size(&self) -> usize {
        self.symbols.len() + usize::from(super::frame::FIRST)
    }

    pub(super) fn shapes(&self) -> Shapes {
        Shapes {
            question: self.question,
            answer: self.answer,
        }
    }
}

impl fmt::Display for GridSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "grid {}", self.frame)
    }
}

/// The shapes of questions and answers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shapes {
    pub(super) question: ShapeRule,
    pub(super) answer: ShapeRule,
}

impl Shapes {
    /// Whether an answer has always its question's shape.
    pub(super) fn same(self) -> bool {
        match self.answer {
            ShapeRule::Fixed(_) => self.answer == self.question,
            ShapeRule::AsQuestion => true,
            ShapeRule::Ends => false,
        }
    }

    /// Whether an answer has always as many lines as its question, which `lines` counts.
    pub(super) fn same_lines(self, lines: fn(Shape) -> usize) -> bool {
        match (self.question, self.answer) {
            (ShapeRule::Fixed(question), ShapeRule::Fixed(answer)) => {
                lines(question) == lines(answer)
            }
            _ => self.same(),
        }
    }
}

impl fmt::Display for Shapes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "questions of {} and answers of {}",
            self.question, self.answer
        )
    }
}
