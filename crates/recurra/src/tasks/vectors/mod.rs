//! Vectors of an embedding model: which model, how long, and whether they are of length 1.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// Numbers of a vector at most.
pub const MOST_DIMENSIONS: usize = (1 << 16) - 1;
/// Vectors of a question that may have a place of their own, and vectors that a step may retrieve, at most.
const MOST_PLACES: usize = 64;
/// Bytes of a name or hash at most.
const MOST_NAME: usize = 512;

/// How long an embedding model's vectors are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Norm {
    /// Of length 1: near is what has a large cosine.
    Unit,
    /// Of any length: near is what has a large inner product.
    Free,
}

impl std::fmt::Display for Norm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Norm::Unit => "unit",
            Norm::Free => "free",
        })
    }
}

/// What a file of vectors or a caller says of the embedding model that made them. What is `None` is not known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Embedder {
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A hash of its weights, in any form: it is only compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// Numbers in one of its vectors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dimension: Option<usize>,
    /// How long its vectors are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub norm: Option<Norm>,
}

/// The vectors that a model refines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VectorSpec {
    /// Name of the embedding model; empty if nobody said.
    #[serde(default)]
    pub embedder: String,
    /// Hash of its weights; empty if nobody said.
    #[serde(default)]
    pub hash: String,
    /// Numbers in a vector.
    pub dimension: usize,
    /// How long vectors are.
    pub norm: Norm,
    /// Vectors of a question that are told apart by their place: the first, the second and so on. Those behind them share
    /// the last place.
    pub questions: usize,
    /// Vectors that each step retrieves from an index and sees; 0 for none.
    #[serde(default)]
    pub neighbours: usize,
    /// Whether a question is taken one vector after the other: each step begins anew with what the step before has found and
    /// sees the next vector. The first vector is what is moved, unless it is the only one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_turn: bool,
}

impl VectorSpec {
    /// Kinds of tokens of a state: the answer, the places of question vectors, and retrieved ones if there are any.
    pub fn roles(&self) -> usize {
        1 + self.questions + usize::from(self.neighbours > 0)
    }

    /// Checks every field.
    ///
    /// # Errors
    /// [`Error::Config`] names the first that no model can have.
    pub fn check(&self) -> Result<()> {
        let ranges = [
            ("task.dimension", self.dimension, 1, MOST_DIMENSIONS),
            ("task.questions", self.questions, 1, MOST_PLACES),
            ("task.neighbours", self.neighbours, 0, MOST_PLACES),
            ("task.embedder", self.embedder.len(), 0, MOST_NAME),
            ("task.hash", self.hash.len(), 0, MOST_NAME),
        ];
        for (field, found, least, most) in ranges {
            if !(least..=most).contains(&found) {
                return Err(Error::Config {
                    field,
                    expected: format!("{least} to {most}"),
                    found: found.to_string(),
                });
            }
        }
        Ok(())
    }

    /// Refuses vectors of another embedding model. What is not known on one side is not compared.
    ///
    /// # Errors
    /// [`Error::Question`] names what differs.
    pub fn accept(&self, found: &Embedder) -> Result<()> {
        let unlike = |what, expected: &str, found: &str| {
            Err(Error::Question {
                what,
                expected: expected.to_owned(),
                found: found.to_owned(),
            })
        };
        let texts = [
            ("embedding model", &self.embedder, &found.name),
            ("hash of the embedding model", &self.hash, &found.hash),
        ];
        for (what, expected, found) in texts {
            if let Some(found) = found
                && !expected.is_empty()
                && !found.is_empty()
                && expected != found
            {
                return unlike(what, expected, found);
            }
        }
        if let Some(found) = found.dimension
            && found != self.dimension
        {
            let expected = format!("{} numbers", self.dimension);
            return unlike(
                "vector of the embedding model",
                &expected,
                &found.to_string(),
            );
        }
        if let Some(found) = found.norm
            && found != self.norm
        {
            return unlike(
                "length of the vectors",
                &self.norm.to_string(),
                &found.to_string(),
            );
        }
        Ok(())
    }
}

impl std::fmt::Display for VectorSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "vectors of {} numbers", self.dimension)?;
        if !self.embedder.is_empty() {
            write!(f, " by {}", self.embedder)?;
        }
        if self.in_turn {
            write!(f, ", those of a question in turn")?;
        }
        match self.neighbours {
            0 => Ok(()),
            n => write!(f, ", {n} retrieved in each step"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_embedder_is_refused() {
        let spec = VectorSpec {
            embedder: "minilm".into(),
            hash: "12ab".into(),
            dimension: 8,
            norm: Norm::Unit,
            questions: 1,
            neighbours: 0,
            in_turn: false,
        };
        spec.check().unwrap();
        let same = Embedder {
            name: Some("minilm".into()),
            hash: Some("12ab".into()),
            dimension: Some(8),
            norm: Some(Norm::Unit),
        };
        spec.accept(&same).unwrap();
        spec.accept(&Embedder::default()).unwrap();
        let others = [
            Embedder {
                name: Some("glove".into()),
                ..same.clone()
            },
            Embedder {
                hash: Some("34cd".into()),
                ..same.clone()
            },
            Embedder {
                dimension: Some(9),
                ..same.clone()
            },
            Embedder {
                norm: Some(Norm::Free),
                ..same.clone()
            },
        ];
        for (other, expected) in others.iter().zip(["minilm", "12ab", "8 numbers", "unit"]) {
            let error = spec.accept(other).unwrap_err().to_string();
            assert!(error.contains(&format!("expected {expected}")), "{error}");
        }
    }

    #[test]
    fn impossible_fields_are_named() {
        let spec = VectorSpec {
            embedder: String::new(),
            hash: String::new(),
            dimension: 8,
            norm: Norm::Free,
            questions: 1,
            neighbours: 0,
            in_turn: false,
        };
        let wrong = [
            (
                VectorSpec {
                    dimension: 0,
                    ..spec.clone()
                },
                "task.dimension",
            ),
            (
                VectorSpec {
                    dimension: 1 << 16,
                    ..spec.clone()
                },
                "task.dimension",
            ),
            (
                VectorSpec {
                    questions: 0,
                    ..spec.clone()
                },
                "task.questions",
            ),
            (
                VectorSpec {
                    neighbours: 65,
                    ..spec.clone()
                },
                "task.neighbours",
            ),
            (
                VectorSpec {
                    hash: "x".repeat(600),
                    ..spec
                },
                "task.hash",
            ),
        ];
        for (spec, field) in wrong {
            assert!(spec.check().unwrap_err().to_string().contains(field));
        }
    }
}
