//! A line of JSON Lines: an object with a question and perhaps an answer.

use super::dialect::COLUMNS;
use super::row::{Cell, Field, Given, JsonRow, Listed, Row};
use super::{InputError, Place};
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use std::fmt;
use std::marker::PhantomData;

/// Reads a line. Keys are the names of a table's columns, in small letters; others may stand beside them.
pub(super) fn row(line: u64, text: &[u8]) -> Result<Row, InputError> {
    // Once to see which names are there, and once to read what stands under the best of them.
    let names = serde_json::from_slice::<Names>(text);
    let row = names.and_then(|Names(names)| {
        let mut json = serde_json::Deserializer::from_slice(text);
        json.deserialize_map(RowVisitor { line, names })
    });
    row.map_err(|error| {
        // The place is told in front, as everywhere.
        let said = error.to_string();
        let place = format!(" at line {} column {}", error.line(), error.column());
        let said = said.strip_suffix(&place).unwrap_or(&said);
        let (found, expected) = match said.rsplit_once(", expected ") {
            Some((found, expected)) => (found, expected),
            None => (said, "an object with `question` and `answer`"),
        };
        let column = Some(error.column().max(1));
        let place = Place { line, column };
        place.error(expected, found.trim_start_matches("invalid type: "))
    })
}

/// The best of each column's names that is a key.
struct Names([Option<&'static str>; 4]);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(NamesVisitor)
    }
}

struct NamesVisitor;

impl<'de> Visitor<'de> for NamesVisitor {
    type Value = Names;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an object with `question` and `answer`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Names, A::Error> {
        let mut keys = Vec::new();
        while let Some((key, IgnoredAny)) = object.next_entry::<String, _>()? {
            keys.push(key);
        }
        let there = |name: &&&'static str| keys.iter().any(|key| key == **name);
        Ok(Names(
            COLUMNS.map(|names| names.iter().find(there).copied()),
        ))
    }
}

struct RowVisitor {
    line: u64,
    names: [Option<&'static str>; 4],
}

impl<'de> Visitor<'de> for RowVisitor {
    type Value = Row;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        NamesVisitor.expecting(f)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Row, A::Error> {
        let (mut question, mut answer) = (None::<Grid>, None::<Option<Grid>>);
        let (mut source, mut rating) = (None::<Value>, None::<Value>);
        while let Some(key) = object.next_key::<String>()? {
            let is_key = |name: &Option<&str>| *name == Some(key.as_str());
            match self.names.iter().position(is_key) {
                Some(0) => once(&mut question, &key, &mut object)?,
                Some(1) => once(&mut answer, &key, &mut object)?,
                Some(2) => once(&mut source, &key, &mut object)?,
                Some(3) => once(&mut rating, &key, &mut object)?,
                _ => drop(object.next_value::<IgnoredAny>()?),
            }
        }
        let given = |grid| match grid {
            Listed::Text(text) => {
                Given::Text(Field::whole(Place::line(self.line), text.into_bytes()))
            }
            Listed::List(rows) => Given::Rows(self.line, rows),
        };
        Ok(Row {
            question: given(question.ok_or_else(|| Error::missing_field("question"))?),
            answer: answer.flatten().map(given),
            source: source.and_then(|source| source.as_str().map(str::to_owned)),
            // Ratings in words or fractions are no reason to refuse the puzzle.
            rating: rating.and_then(|rating| rating.as_u64()?.try_into().ok()),
        })
    }
}

/// Reads the value of a key that must not come twice.
fn once<'de, T: Deserialize<'de>, A: MapAccess<'de>>(
    value: &mut Option<T>,
    key: &str,
    object: &mut A,
) -> Result<(), A::Error> {
    if value.is_some() {
        return Err(A::Error::custom(format_args!("duplicate field `{key}`")));
    }
    *value = Some(object.next_value()?);
    Ok(())
}

/// `"ab/cd"`, `["ab", "cd"]` or `[["a", "b"], ["c", "d"]]`, where numbers may stand for texts.
type Grid = Listed<JsonRow>;

/// What can stand in a list.
trait Item {
    /// What the list is.
    const LIST: &'static str;
}

impl Item for Cell {
    const LIST: &'static str = "a row as text or as an array of cells";
}

impl Item for JsonRow {
    const LIST: &'static str = "a grid as text or as an array of rows";
}

struct ListedVisitor<T>(PhantomData<T>);

impl<'de, T: Item + Deserialize<'de>> Visitor<'de> for ListedVisitor<T> {
    type Value = Listed<T>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(T::LIST)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Listed<T>, E> {
        Ok(Listed::Text(text.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Listed<T>, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = seq.next_element()? {
            list.push(item);
        }
        Ok(Listed::List(list))
    }
}

impl<'de, T: Item + Deserialize<'de>> Deserialize<'de> for Listed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ListedVisitor(PhantomData))
    }
}

struct CellVisitor;

impl Visitor<'_> for CellVisitor {
    type Value = Cell;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a cell as text or as a whole number")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Cell, E> {
        Ok(Cell(text.into()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Cell, E> {
        Ok(Cell(number.to_string()))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Cell, E> {
        Ok(Cell(number.to_string()))
    }
}

impl<'de> Deserialize<'de> for Cell {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CellVisitor)
    }
}
