//! Some rows of a table in a large file: what a puzzle needs of a table of hundreds of thousands.
//!
//! Only the file's directory and the rows asked for are read. So an archive's checksums are not compared: that would take
//! reading all of it.

use super::rebuild::Element;
use super::torch::Extent;
use super::{
    Float, archive, not_a_float, pickle, printable, refuse_empty, short_name, two_of_a_name,
};
use crate::error::{Error, Result};
use crate::model::tensors::finite_matrix;
use recurra_kernels::AlignedMatrix;
use safetensors::tensor::Metadata;
use std::io::{self, Read, Seek, SeekFrom};

/// Longest header of a safetensors file; a model's has a few thousand bytes.
const MAX_HEADER: u64 = 1 << 20;

/// A table in a `torch.save` archive or a safetensors file, a model of this library included, whose rows are read on
/// demand.
#[derive(Debug)]
pub struct TableRows<R> {
    reader: R,
    name: String,
    layout: Layout,
}

/// Where a table's numbers lie. All of them lie within the file, or within what it claims to hold.
#[derive(Debug, Clone, Copy)]
struct Layout {
    float: Float,
    rows: usize,
    cols: usize,
    /// Byte of the file at which the first row begins.
    start: u64,
    /// Bytes from one row to the next.
    stride: u64,
}

impl<R: Read + Seek> TableRows<R> {
    /// Finds a table by its name without prefix, `puzzle_emb.weights` for that of puzzles. Reads no row yet.
    ///
    /// # Errors
    /// [`Error::Format`] if the file is neither of the two or is damaged; [`Error::Tensor`] if it has no such table.
    pub fn open(mut reader: R, name: &str) -> Result<Self> {
        let length = reader.seek(SeekFrom::End(0)).map_err(|e| unreadable(&e))?;
        reader.rewind().map_err(|e| unreadable(&e))?;
        let mut start = Vec::new();
        (&mut reader)
            .take(9)
            .read_to_end(&mut start)
            .map_err(|e| unreadable(&e))?;
        let layout = if start.starts_with(b"PK") {
            in_archive(&mut reader, name)?
        } else if let [_, _, _, _, _, _, _, _, b'{'] = start[..] {
            in_safetensors(start.as_slice().chain(&mut reader), length, name)?
        } else {
            return Err(Error::Format(
                "neither a torch.save archive nor a safetensors file".into(),
            ));
        };
        Ok(TableRows {
            reader,
            name: name.into(),
            layout,
        })
    }

    /// Rows and columns.
    pub fn shape(&self) -> [usize; 2] {
        [self.layout.rows, self.layout.cols]
    }

    /// Reads these rows, in this order, as f32. Takes memory for them and no more.
    ///
    /// # Errors
    /// [`Error::Tensor`] for a row that the table does not have or a number that is not finite; [`Error::Format`] where
    /// the file cannot be read.
    pub fn read(&mut self, rows: &[usize]) -> Result<AlignedMatrix> {
        let layout = self.layout;
        if let Some(row) = rows.iter().find(|&&row| row >= layout.rows) {
            return Err(Error::Tensor {
                name: printable(&self.name),
                expected: format!("a row below {}", layout.rows),
                found: row.to_string(),
            });
        }
        let mut bytes = vec![0; layout.cols * layout.float.size()];
        let mut values = Vec::with_capacity(rows.len() * layout.cols);
        for &row in rows {
            let at = layout.start + row as u64 * layout.stride;
            let read = self.reader.seek(SeekFrom::Start(at));
            read.and_then(|_| self.reader.read_exact(&mut bytes))
                .map_err(|e| unreadable(&e))?;
            values.extend(layout.float.widen(&bytes));
        }
        finite_matrix(&self.name, &[rows.len(), layout.cols], &values)
    }
}

pub(crate) fn unreadable(error: &io::Error) -> Error {
    Error::Format(format!("the file cannot be read: {error}"))
}

fn refuse(name: &str, expected: &str, found: String) -> Error {
    Error::Tensor {
        name: printable(name),
        expected: expected.into(),
        found,
    }
}

/// The one of several names that is this one once prefixes are removed.
fn find<T>(names: impl Iterator<Item = (String, T)>, name: &str) -> Result<(String, T)> {
    let mut found = names.filter(|(long, _)| short_name(long) == name);
    match (found.next(), found.next()) {
        (Some(found), None) => Ok(found),
        (Some(_), Some(_)) => Err(two_of_a_name(name)),
        (None, _) => Err(refuse(name, "a table", "none".into())),
    }
}

/// Rows and columns of a shape that has two lengths, none of them 0.
fn two_lengths(name: &str, shape: &[usize]) -> Result<(usize, usize)> {
    refuse_empty(name, shape)?;
    match *shape {
        [rows, cols] => Ok((rows, cols)),
        _ => Err(refuse(name, "rows and columns", format!("shape {shape:?}"))),
    }
}

/// The directory of a safetensors file of so many bytes, read from its beginning, and where its numbers begin.
pub(crate) fn directory(mut reader: impl Read, length: u64) -> Result<(u64, Metadata)> {
    let broken = |what: &str| Error::Format(format!("safetensors: {}", printable(what)));
    let mut header = [0; 8];
    reader.read_exact(&mut header).map_err(|e| unreadable(&e))?;
    let header = u64::from_le_bytes(header);
    if header > MAX_HEADER || header > length.saturating_sub(8) {
        return Err(broken(&format!(
            "expected a header of at most {MAX_HEADER} bytes, within the file, found one of {header}"
        )));
    }
    let mut text = Vec::new();
    let rest = reader.take(header).read_to_end(&mut text);
    rest.map_err(|e| unreadable(&e))?;
    let metadata = serde_json::from_slice(&text).map_err(|e| broken(&e.to_string()))?;
    Ok((8 + header, metadata))
}

fn in_safetensors(reader: impl Read, length: u64, name: &str) -> Result<Layout> {
    let (start, metadata) = directory(reader, length)?;
    let (name, info) = find(metadata.tensors().into_iter(), name)?;
    let float = Float::of(&name, info.dtype)?;
    let (rows, cols) = two_lengths(&name, &info.shape)?;
    let stride = cols.checked_mul(float.size());
    let size = stride.and_then(|stride| rows.checked_mul(stride));
    let (first, end) = info.data_offsets;
    let claimed = end.checked_sub(first);
    let inside = start
        .checked_add(end as u64)
        .is_some_and(|end| end <= length);
    match (size, stride) {
        (Some(size), Some(stride)) if claimed == Some(size) && inside => Ok(Layout {
            float,
            rows,
            cols,
            start: start + first as u64,
            stride: stride as u64,
        }),
        _ => Err(refuse(
            &name,
            "as many bytes as its shape takes, within the file",
            format!("bytes {first} to {end} for shape {:?}", info.shape),
        )),
    }
}

fn in_archive<R: Read + Seek>(reader: &mut R, name: &str) -> Result<Layout> {
    let (mut zip, folder) = archive::open(reader)?;
    let mut small = |entry: &str, most: usize| -> Result<Option<Vec<u8>>> {
        let Some((index, _)) = archive::stored(&mut zip, &folder, entry)? else {
            return Ok(None);
        };
        let file = zip
            .by_index(index)
            .map_err(|e| archive::broken(entry, &e))?;
        let mut bytes = Vec::new();
        let read = file.take(most as u64 + 1).read_to_end(&mut bytes);
        read.map_err(|e| unreadable(&e))?;
        Ok(Some(bytes))
    };
    if let Some(order) = small("byteorder", 16)? {
        archive::check_byte_order(&order)?;
    }
    let state = small("data.pkl", pickle::MAX_PICKLE)?;
    let state = state.ok_or_else(|| archive::missing(&folder, "data.pkl"))?;
    let tensors = pickle::read_state(&state)?.into_iter();
    let (name, view) = find(tensors.map(|(name, view)| (name.to_owned(), view)), name)?;
    let float = match view.storage.element {
        Element::Float(float) => float,
        Element::Other(dtype) => return Err(not_a_float(&name, dtype)),
    };
    let entry = format!("data/{}", view.storage.key);
    let (index, size) = archive::stored(&mut zip, &folder, &entry)?
        .ok_or_else(|| archive::missing(&folder, &entry))?;
    // Every number lies within the storage: no sum below can overflow.
    Extent::of(
        &name,
        &view,
        float,
        usize::try_from(size).unwrap_or(usize::MAX),
    )?;
    let (rows, cols) = two_lengths(&name, &view.shape)?;
    if cols > 1 && view.strides[1] != 1 {
        let found = format!("strides {:?}", view.strides);
        return Err(refuse(
            &name,
            "rows whose numbers lie one after another",
            found,
        ));
    }
    let file = zip
        .by_index(index)
        .map_err(|e| archive::broken(&entry, &e))?;
    let start = (file.data_start())
        .and_then(|at| at.checked_add((view.offset * float.size()) as u64))
        .ok_or_else(|| archive::missing(&folder, &entry))?;
    // The stride of a single row is never used, and may be any number.
    let stride = if rows == 1 { 0 } else { view.strides[0] };
    Ok(Layout {
        float,
        rows,
        cols,
        start,
        stride: (stride * float.size()) as u64,
    })
}
