//! A line of JSON Lines, or a value of other JSON: an object with a question and perhaps an answer, or just a grid.

use super::dialect::COLUMNS;
use super::row::{Cell, Field, Given, JsonRow, Listed, Row};
use super::{InputError, Place, Text};
use serde::de::{
    Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Unexpected, Visitor,
};
use serde_json::Value;
use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;

/// Reads an object. Keys are the names of a table's columns; others may stand beside them, and are the second result.
pub(super) fn row(text: Text<'_>) -> Result<(Row, Vec<String>), InputError> {
    // Once to see which names are there, and once to read what stands under the best of them.
    let names = serde_json::from_slice::<Names>(text.bytes);
    // The key whose value is wrong.
    let field = RefCell::new(String::new());
    let row = names.and_then(|Names { names, keys }| {
        let mut json = serde_json::Deserializer::from_slice(text.bytes);
        let line = text.start.line;
        let row = json.deserialize_map(RowVisitor {
            line,
            names,
            keys: &keys,
            field: &field,
        })?;
        let used = |key: &String| {
            COLUMNS
                .iter()
                .any(|names| names.iter().any(|name| key.eq_ignore_ascii_case(name)))
        };
        Ok((row, keys.into_iter().filter(|key| !used(key)).collect()))
    });
    row.map_err(|error| {
        let mut refused = refused(text, &error, OBJECT);
        let field = field.into_inner();
        if !field.is_empty() {
            refused.expected += &format!(" in `{}`", field.escape_debug());
        }
        refused
    })
}

/// Reads a value of JSON that is not written one a line: an object, or a grid.
pub(super) fn value(text: Text<'_>) -> Result<(Row, Vec<String>), InputError> {
    if text.bytes.first() == Some(&b'{') {
        return row(text);
    }
    let grid = serde_json::from_slice::<Grid>(text.bytes)
        .map_err(|error| refused(text, &error, "a grid"))?;
    let row = Row {
        question: given(text.start.line, grid),
        answer: None,
        source: None,
        rating: None,
        id: None,
    };
    Ok((row, Vec::new()))
}

const OBJECT: &str = "an object with `question` and `answer`";

fn refused(text: Text<'_>, error: &serde_json::Error, otherwise: &str) -> InputError {
    // The place is told in front, as everywhere.
    let said = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let said = said.strip_suffix(&place).unwrap_or(&said);
    let (found, expected) = match said.rsplit_once(", expected ") {
        Some((found, expected)) => (found, expected),
        None => (said, otherwise),
    };
    let column = error.column().max(1);
    let place = match error.line() {
        0 | 1 => text.start.right(column - 1),
        line => Place {
            line: text.start.line + line as u64 - 1,
            column: Some(column),
        },
    };
    place.error(expected, found.trim_start_matches("invalid type: "))
}

/// A grid of an object in this line. A list of nothing but cells says nothing of rows.
fn given(line: u64, grid: Grid) -> Given {
    match grid {
        Listed::Text(text) => Given::Text(Field::whole(Place::line(line), text.into_bytes())),
        Listed::List(rows)
            if !rows.is_empty()
                && rows.iter().all(
                    |row| matches!(row, JsonRow::List(cells) if cells.len() == 1 && cells[0].alone),
                ) =>
        {
            let cells: Vec<String> = rows.into_iter().map(JsonRow::into_text).collect();
            Given::Text(Field::whole(
                Place::line(line),
                cells.join(" ").into_bytes(),
            ))
        }
        Listed::List(rows) => Given::Rows(line, rows),
    }
}

/// The best of each column's names that is a key.
struct Names {
    names: [Option<&'static str>; COLUMNS.len()],
    keys: Vec<String>,
}

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(NamesVisitor)
    }
}

struct NamesVisitor;

impl<'de> Visitor<'de> for NamesVisitor {
    type Value = Names;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(OBJECT)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Names, A::Error> {
        let mut keys = Vec::new();
        while let Some((key, IgnoredAny)) = object.next_entry::<String, _>()? {
            keys.push(key);
        }
        let there = |name: &&&'static str| keys.iter().any(|key| key.eq_ignore_ascii_case(name));
        let names = COLUMNS.map(|names| names.iter().find(there).copied());
        Ok(Names { names, keys })
    }
}

struct RowVisitor<'a> {
    line: u64,
    names: [Option<&'static str>; COLUMNS.len()],
    keys: &'a [String],
    field: &'a RefCell<String>,
}

impl<'de> Visitor<'de> for RowVisitor<'_> {
    type Value = Row;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        NamesVisitor.expecting(f)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Row, A::Error> {
        let (mut question, mut answer) = (None::<Grid>, None::<Option<Grid>>);
        let (mut source, mut rating, mut id) = (None::<Value>, None::<Value>, None::<Value>);
        while let Some(key) = object.next_key::<String>()? {
            let is_key =
                |name: &Option<&str>| name.is_some_and(|name| key.eq_ignore_ascii_case(name));
            match self.names.iter().position(is_key) {
                Some(0) => grid(&mut question, &key, &mut object, self.field)?,
                Some(1) => grid(&mut answer, &key, &mut object, self.field)?,
                Some(2) => once(&mut source, &key, &mut object)?,
                Some(3) => once(&mut rating, &key, &mut object)?,
                Some(4) => once(&mut id, &key, &mut object)?,
                _ => drop(object.next_value::<IgnoredAny>()?),
            }
        }
        let question = question.ok_or_else(|| missing(self.keys))?;
        Ok(Row {
            question: given(self.line, question),
            answer: answer.flatten().map(|grid| given(self.line, grid)),
            source: source.and_then(|source| source.as_str().map(str::to_owned)),
            // Ratings in words or fractions are no reason to refuse the puzzle.
            rating: rating.and_then(|rating| rating.as_u64()?.try_into().ok()),
            id: id.and_then(|id| match id {
                Value::String(text) => Some(text),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            }),
        })
    }
}

/// An object without a question: what is there in its place.
fn missing<E: Error>(keys: &[String]) -> E {
    const TOLD: usize = 6;
    let mut names: Vec<String> = keys
        .iter()
        .take(TOLD)
        .map(|key| format!("`{}`", key.escape_debug().take(40).collect::<String>()))
        .collect();
    if keys.len() > TOLD {
        names.push("…".into());
    }
    let found = if names.is_empty() {
        "no key".into()
    } else {
        names.join(", ")
    };
    E::custom(format_args!(
        "{found}, expected an object with {}",
        super::dialect::told(0)
    ))
}

/// The same as [`once`], with the key kept where its value is wrong.
fn grid<'de, T: Deserialize<'de>, A: MapAccess<'de>>(
    value: &mut Option<T>,
    key: &str,
    object: &mut A,
    field: &RefCell<String>,
) -> Result<(), A::Error> {
    if value.is_none() {
        key.clone_into(&mut field.borrow_mut());
    }
    once(value, key, object)?;
    field.borrow_mut().clear();
    Ok(())
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
trait Item: Sized {
    /// What the list is.
    const LIST: &'static str;

    /// What stands in place of a list, or of a text.
    fn cell(cell: Cell) -> Option<Listed<Self>>;
}

impl Item for Cell {
    const LIST: &'static str = "a row as text or as an array of cells";

    /// A cell may stand in place of a row: then nothing says what the rows are.
    fn cell(cell: Cell) -> Option<JsonRow> {
        Some(Listed::List(vec![Cell {
            alone: true,
            ..cell
        }]))
    }
}

impl Item for JsonRow {
    const LIST: &'static str = "a grid as text or as an array of rows";

    fn cell(_: Cell) -> Option<Listed<JsonRow>> {
        None
    }
}

/// As many may stand in a list: the cells of the largest grid of any task, 64 x 64, without a mark between rows.
const MOST: usize = 4096;

struct ListedVisitor<T>(PhantomData<T>);

impl<'de, T: Item + Deserialize<'de>> Visitor<'de> for ListedVisitor<T> {
    type Value = Listed<T>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(T::LIST)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Listed<T>, E> {
        Ok(Listed::Text(text.into()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Listed<T>, E> {
        T::cell(Cell::of(number))
            .ok_or_else(|| E::invalid_type(Unexpected::Unsigned(number), &self))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Listed<T>, E> {
        T::cell(Cell::of(number)).ok_or_else(|| E::invalid_type(Unexpected::Signed(number), &self))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Listed<T>, E> {
        whole(number)
            .and_then(T::cell)
            .ok_or_else(|| E::invalid_type(Unexpected::Float(number), &self))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Listed<T>, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = seq.next_element()? {
            if list.len() == MOST {
                let said = format_args!("more than {MOST} in a list, expected {}", T::LIST);
                return Err(Error::custom(said));
            }
            list.push(item);
        }
        // Many short rows would take twice as much as they are.
        list.shrink_to_fit();
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
        Ok(Cell::of(text))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Cell, E> {
        Ok(Cell::of(number))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Cell, E> {
        Ok(Cell::of(number))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Cell, E> {
        whole(number).ok_or_else(|| E::invalid_type(Unexpected::Float(number), &self))
    }
}

/// A whole number that is written as a fraction.
fn whole(number: f64) -> Option<Cell> {
    (number.fract() == 0.0 && number.abs() < 1e15).then(|| Cell::of(number as i64))
}

impl<'de> Deserialize<'de> for Cell {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CellVisitor)
    }
}
