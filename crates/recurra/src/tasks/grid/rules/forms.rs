//! How declarations are written.

use serde::de::{self, Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use std::fmt::{self, Display};
use std::marker::PhantomData;
use std::str::FromStr;

/// Which cells of a question stand in its answer too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Those that are not blank.
    Givens,
    /// Those with one of these symbols.
    Symbols(Vec<String>),
}

/// What can be done to a question and to its answer alike, so that the one stays the answer of the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Symmetry {
    /// `rotate`: quarter turns of squares, half turns of others.
    Rotate,
    /// `reflect`: left and right exchanged.
    Reflect,
    /// `flip`: top and bottom exchanged.
    Flip,
    /// `transpose`: rows and columns exchanged.
    Transpose,
    /// `permute rows`: in any order; where boxes are declared, so that boxes stay boxes.
    PermuteRows,
    /// `permute columns`.
    PermuteColumns,
    /// `permute symbols` (those of `fill`), or `permute symbols A B C`: these.
    PermuteSymbols(Vec<String>),
}

impl Display for Symmetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Symmetry::Rotate => "rotate",
            Symmetry::Reflect => "reflect",
            Symmetry::Flip => "flip",
            Symmetry::Transpose => "transpose",
            Symmetry::PermuteRows => "permute rows",
            Symmetry::PermuteColumns => "permute columns",
            Symmetry::PermuteSymbols(symbols) => {
                f.write_str("permute symbols")?;
                return symbols.iter().try_for_each(|symbol| write!(f, " {symbol}"));
            }
        })
    }
}

impl FromStr for Symmetry {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "rotate" => Symmetry::Rotate,
            "reflect" => Symmetry::Reflect,
            "flip" => Symmetry::Flip,
            "transpose" => Symmetry::Transpose,
            "permute rows" => Symmetry::PermuteRows,
            "permute columns" => Symmetry::PermuteColumns,
            _ => match text.strip_prefix("permute symbols") {
                Some(rest) if rest.is_empty() || rest.starts_with(' ') => {
                    Symmetry::PermuteSymbols(rest.split_whitespace().map(Into::into).collect())
                }
                _ => {
                    return Err(format!(
                        "expected `rotate`, `reflect`, `flip`, `transpose`, `permute rows`, `permute columns` or `permute symbols`, found `{text}`"
                    ));
                }
            },
        })
    }
}

/// Reads one text, or several.
struct OneOrMany<T>(PhantomData<T>);

impl<'de, T: FromStr<Err = String>> Visitor<'de> for OneOrMany<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a text or an array of texts")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Vec<T>, E> {
        Ok(vec![text.parse().map_err(E::custom)?])
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<T>, A::Error> {
        let mut items = Vec::new();
        while let Some(text) = seq.next_element::<String>()? {
            items.push(text.parse().map_err(de::Error::custom)?);
        }
        Ok(items)
    }
}

/// One item as text, or several.
pub(super) mod list {
    use super::*;

    pub(in super::super) fn deserialize<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
    where
        D: Deserializer<'de>,
        T: FromStr<Err = String>,
    {
        deserializer.deserialize_any(OneOrMany(PhantomData))
    }

    pub(in super::super) fn serialize<S: Serializer, T: Display>(
        items: &[T],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(items.iter().map(T::to_string))
    }
}

/// Drawings: one text, or several. One is written as a text, as files of before have it.
pub(super) mod drawings {
    use super::*;

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<String>, D::Error> {
        deserializer.deserialize_any(Texts)
    }

    pub(in super::super) fn serialize<S: Serializer>(
        drawings: &[String],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match drawings {
            [one] => serializer.serialize_str(one),
            _ => serializer.collect_seq(drawings),
        }
    }

    struct Texts;

    impl<'de> Visitor<'de> for Texts {
        type Value = Vec<String>;

        fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
            f.write_str("a drawing of rows of letters, or an array of drawings")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Vec<String>, E> {
            Ok(vec![text.into()])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<String>, A::Error> {
            let mut texts = Vec::new();
            while let Some(text) = seq.next_element()? {
                texts.push(text);
            }
            Ok(texts)
        }
    }
}

/// Symbols: the characters of a text, or an array of texts.
pub(super) mod symbols {
    use super::*;

    struct Symbols;

    impl<'de> Visitor<'de> for Symbols {
        type Value = Vec<String>;

        fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
            f.write_str("symbols: the characters of a text, or an array of texts")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Vec<String>, E> {
            Ok(text.chars().map(String::from).collect())
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<String>, A::Error> {
            let mut symbols = Vec::new();
            while let Some(symbol) = seq.next_element()? {
                symbols.push(symbol);
            }
            Ok(symbols)
        }
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<String>, D::Error> {
        deserializer.deserialize_any(Symbols)
    }

    pub(in super::super) fn serialize<S: Serializer>(
        symbols: &[String],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(symbols)
    }
}

impl<'de> Deserialize<'de> for Keep {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let symbols = symbols::deserialize(deserializer)?;
        let givens = symbols
            .iter()
            .map(String::as_str)
            .eq("givens".split("").filter(|c| !c.is_empty()));
        Ok(if givens {
            Keep::Givens
        } else {
            Keep::Symbols(symbols)
        })
    }
}

impl Serialize for Keep {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Keep::Givens => serializer.serialize_str("givens"),
            Keep::Symbols(symbols) => serializer.collect_seq(symbols),
        }
    }
}
