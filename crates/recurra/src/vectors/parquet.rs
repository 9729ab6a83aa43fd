//! Pairs in a Parquet table: a row each, vectors as lists of numbers.
//!
//! Columns are named as the tensors of other files: `queries` and `negatives` are a list of numbers, or a list of such lists, whose
//! number may differ from row to row; other columns are left alone. The table's own metadata says who made the vectors.

use super::files::NAMES;
use super::pairs::Pairs;
use crate::error::{Error, Result};
use crate::tasks::vectors::{Embedder, MOST_DIMENSIONS};
use parquet::basic::{ConvertedType, LogicalType, Type as Physical};
use parquet::file::metadata::KeyValue;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, Row};
use parquet::schema::types::Type;
use std::fs::File;

/// Columns that are read: all tensors but the passages, which have rows of their own.
fn place(column: &str) -> Option<usize> {
    let place = NAMES.iter().position(|&name| name == column);
    place.filter(|_| column != "passages")
}

/// Vectors in a cell, at most.
const MOST_VECTORS: usize = 1 << 12;

/// Vectors of all rows in one column.
#[derive(Default)]
struct Column {
    numbers: Vec<f32>,
    /// Vectors of each row.
    counts: Vec<usize>,
}

/// Reads pairs from a table.
pub(super) fn read(file: File) -> Result<Pairs> {
    let broken =
        |e: parquet::errors::ParquetError| Error::Format(format!("not a Parquet table: {e}"));
    let reader = SerializedFileReader::new(file).map_err(broken)?;
    check_places(&reader)?;
    let about = reader.metadata().file_metadata();
    let schema = about.schema();
    let fields = schema.get_fields().iter();
    let fields: Vec<_> = fields
        .filter(|field| place(field.name()).is_some())
        .cloned()
        .collect();
    for field in &fields {
        check(field.name(), field)?;
    }
    let known = Type::group_type_builder(schema.name())
        .with_fields(fields)
        .build()
        .map_err(broken)?;
    let embedder = embedder(about.key_value_metadata().map_or(&[][..], Vec::as_slice))?;
    let mut columns: [Option<Column>; NAMES.len()] = Default::default();
    let mut lengths = Vec::new();
    let mut dimension = None;
    let rows = reader.get_row_iter(Some(known)).map_err(broken)?;
    for (at, row) in rows.enumerate() {
        let row: Row = row.map_err(broken)?;
        for (name, field) in row.get_column_iter() {
            let place = place(name).expect("only these are read");
            let located = |error: String| Error::Format(format!("row {at}: {name}: {error}"));
            if *name == "lengths" {
                lengths.push(length(field).map_err(located)?);
                continue;
            }
            let column = columns[place].get_or_insert_default();
            vectors(field, column, &mut dimension).map_err(located)?;
        }
    }
    let [queries, answers, initial, negatives, _, path, _] = columns;
    let missing = |name: &str| Error::Tensor {
        name: name.into(),
        expected: "a column of lists of numbers".into(),
        found: "none".into(),
    };
    let queries = queries.ok_or_else(|| missing("queries"))?;
    let answers = answers.ok_or_else(|| missing("answers"))?;
    let dimension = dimension.ok_or_else(|| missing("answers"))?;
    let (queries, width, counts) = queries.padded(dimension);
    let lengths = match lengths.is_empty() {
        false => Some(lengths),
        true => counts,
    };
    Ok(Pairs {
        embedder,
        dimension,
        width,
        queries,
        lengths,
        answers: answers.even("answers", Some(1))?,
        initial: initial.map(|c| c.even("initial", Some(1))).transpose()?,
        negatives: negatives.map(|c| c.even("negatives", None)).transpose()?,
        path: path.map(|c| c.even("path", None)).transpose()?,
        passages: None,
    })
}

/// Refuses columns that lie before the file's beginning: the reader takes for granted that none does.
fn check_places(reader: &SerializedFileReader<File>) -> Result<()> {
    let groups = reader.metadata().row_groups().iter();
    for (at, column) in groups.flat_map(|g| g.columns()).enumerate() {
        let first = column.dictionary_page_offset().unwrap_or_default();
        if first < 0 || column.data_page_offset() < 0 || column.compressed_size() < 0 {
            return Err(Error::Format(format!(
                "not a Parquet table: column chunk {at} has a negative place or length"
            )));
        }
    }
    Ok(())
}

/// Refuses columns of other numbers before anything of them is read.
fn check(column: &str, field: &Type) -> Result<()> {
    if !field.is_primitive() {
        return field
            .get_fields()
            .iter()
            .try_for_each(|inner| check(column, inner));
    }
    let (found, about) = (field.get_physical_type(), field.get_basic_info());
    let plain = about.converted_type() == ConvertedType::NONE;
    let fits = match column {
        "lengths" => plain && matches!(found, Physical::INT32 | Physical::INT64),
        _ => {
            let half = about.logical_type_ref() == Some(&LogicalType::Float16);
            plain && (half || matches!(found, Physical::FLOAT | Physical::DOUBLE))
        }
    };
    if fits {
        return Ok(());
    }
    Err(Error::Tensor {
        name: column.into(),
        expected: match column {
            "lengths" => "a column of INT32 or INT64".into(),
            _ => "a column of lists of FLOAT, DOUBLE or FLOAT16".into(),
        },
        found: found.to_string(),
    })
}

fn embedder(notes: &[KeyValue]) -> Result<Embedder> {
    let note = |name: &str| {
        let found = notes.iter().find(|note| note.key == name);
        found.and_then(|note| note.value.clone())
    };
    Ok(Embedder {
        name: note("embedder.name"),
        hash: note("embedder.hash"),
        dimension: None,
        norm: super::files::norm(note("embedder.norm").as_deref())?,
    })
}

/// Adds a cell's vectors to its column.
fn vectors(
    field: &Field,
    column: &mut Column,
    dimension: &mut Option<usize>,
) -> std::result::Result<(), String> {
    let Field::ListInternal(list) = field else {
        return Err(format!("expected a list of numbers, found {}", kind(field)));
    };
    let nested = matches!(list.elements().first(), Some(Field::ListInternal(_)));
    let mut one = |field: &Field| {
        let Field::ListInternal(list) = field else {
            return Err(format!("expected a list of numbers, found {}", kind(field)));
        };
        let found = list.elements().len();
        let expected = *dimension.get_or_insert(found);
        if found != expected || !(1..=MOST_DIMENSIONS).contains(&found) {
            return Err(match expected {
                0 => format!("expected 1 to {MOST_DIMENSIONS} numbers, found none"),
                _ => format!("expected {expected} numbers, found {found}"),
            });
        }
        for number in list.elements() {
            column.numbers.push(match number {
                Field::Float(v) => *v,
                Field::Double(v) => *v as f32,
                Field::Float16(v) => v.to_f32(),
                other => return Err(format!("expected floats, found {}", kind(other))),
            });
        }
        Ok(())
    };
    let count = if nested { list.elements().len() } else { 1 };
    if count > MOST_VECTORS {
        return Err(format!(
            "expected at most {MOST_VECTORS} vectors, found {count}"
        ));
    }
    match nested {
        true => list.elements().iter().try_for_each(one)?,
        false => one(field)?,
    }
    column.counts.push(count);
    Ok(())
}

fn length(field: &Field) -> std::result::Result<usize, String> {
    let found = match field {
        Field::Int(n) => usize::try_from(*n).ok(),
        Field::Long(n) => usize::try_from(*n).ok(),
        _ => None,
    };
    found.ok_or_else(|| "expected a whole number of vectors".into())
}

/// What a cell holds, in a word.
fn kind(field: &Field) -> &'static str {
    match field {
        Field::Null => "nothing",
        Field::ListInternal(_) => "a list",
        Field::Float(_) | Field::Double(_) | Field::Float16(_) => "a number",
        Field::Str(_) => "a text",
        _ => "something else",
    }
}

impl Column {
    /// Rows of equally many vectors, zeros behind those that are there; how many, and how many are there if that differs.
    fn padded(self, d: usize) -> (Vec<f32>, usize, Option<Vec<usize>>) {
        let width = self.counts.iter().copied().max().unwrap_or(0);
        if self.counts.iter().all(|&n| n == width) {
            return (self.numbers, width, None);
        }
        let mut all = Vec::with_capacity(self.counts.len() * width * d);
        let mut rest = &self.numbers[..];
        for &count in &self.counts {
            let (own, others) = rest.split_at(count * d);
            rest = others;
            all.extend(own);
            all.resize(all.len() + (width - count) * d, 0.0);
        }
        (all, width, Some(self.counts))
    }

    /// The numbers, if all rows have as many vectors.
    fn even(self, name: &str, expected: Option<usize>) -> Result<Vec<f32>> {
        let expected = expected.or(self.counts.first().copied()).unwrap_or(1);
        match self.counts.iter().position(|&n| n != expected) {
            None => Ok(self.numbers),
            Some(row) => Err(Error::Format(format!(
                "row {row}: {name}: expected {expected} vectors, found {}",
                self.counts[row]
            ))),
        }
    }
}

// No browser has such models.
#[cfg(all(test, not(target_family = "wasm")))]
mod tests {
    use super::*;
    use parquet::data_type::{FloatType, Int32Type};
    use parquet::file::properties::WriterProperties;
    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::parser::parse_message_type;
    use std::path::Path;
    use std::sync::Arc;

    const SCHEMA: &str = "message pairs {
        required group queries (LIST) { repeated group list { required group element (LIST) { repeated group list { required float element; } } } }
        required group answers (LIST) { repeated group list { required float element; } }
        required int32 other;
    }";

    /// Two rows: a question of two vectors, and one of one.
    fn write(path: &Path, answers: &[f32]) {
        let schema = Arc::new(parse_message_type(SCHEMA).unwrap());
        let note = KeyValue::new("embedder.name".to_owned(), "toy".to_owned());
        let properties = WriterProperties::builder()
            .set_key_value_metadata(Some(vec![note]))
            .build();
        let file = File::create(path).unwrap();
        let mut writer = SerializedFileWriter::new(file, schema, Arc::new(properties)).unwrap();
        let mut group = writer.next_row_group().unwrap();
        let floats: [(&[f32], &[i16], &[i16]); 2] = [
            (
                &[1.0, 0.0, 0.0, 1.0, 0.6, 0.8],
                &[2; 6],
                &[0, 2, 1, 2, 0, 2],
            ),
            (answers, &[1; 4], &[0, 1, 0, 1]),
        ];
        for (values, definitions, repetitions) in floats {
            let mut column = group.next_column().unwrap().unwrap();
            column
                .typed::<FloatType>()
                .write_batch(values, Some(definitions), Some(repetitions))
                .unwrap();
            column.close().unwrap();
        }
        let mut column = group.next_column().unwrap().unwrap();
        column
            .typed::<Int32Type>()
            .write_batch(&[7, 8], None, None)
            .unwrap();
        column.close().unwrap();
        group.close().unwrap();
        writer.close().unwrap();
    }

    #[test]
    fn a_table_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pairs.parquet");
        write(&path, &[1.0, 0.0, 0.0, -1.0]);
        let pairs = Pairs::open(&path).unwrap();
        assert_eq!((pairs.len(), pairs.width, pairs.dimension), (2, 2, 2));
        assert_eq!(pairs.embedder.name.as_deref(), Some("toy"));
        assert_eq!(pairs.row(0).question, [1.0, 0.0, 0.0, 1.0]);
        assert_eq!(pairs.row(1).question, [0.6, 0.8]);
        assert_eq!(pairs.row(1).answer, [0.0, -1.0]);
        assert_eq!(pairs.norm(), crate::tasks::vectors::Norm::Unit);
    }

    #[test]
    fn broken_tables_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pairs.parquet");
        write(&path, &[1.0, 0.0, 0.0, -1.0]);
        let whole = std::fs::read(&path).unwrap();
        for cut in (4..whole.len()).step_by(7) {
            std::fs::write(&path, &whole[..cut]).unwrap();
            assert!(Pairs::open(&path).is_err(), "{cut}");
        }
        // A byte that is another must not end the program; what was read may still be pairs.
        for at in (4..whole.len()).step_by(3) {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x55;
            std::fs::write(&path, &bytes).unwrap();
            Pairs::open(&path).ok();
        }
    }
}
