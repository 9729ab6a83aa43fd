//! A model whose puzzle table stays in its file: of hundreds of thousands of rows, a question needs one.

use super::file::{Header, check_content};
use super::import::TableRows;
use super::import::rows::{directory, unreadable};
use super::weights::PUZZLE_TABLE;
use super::{TrmModel, disk};
use crate::error::{Error, Result};
use safetensors::tensor::Metadata;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

impl Header {
    /// Reads what a model file says of itself, and nothing else of it.
    ///
    /// # Errors
    /// [`Error::Io`], or [`Error::Format`] and [`Error::Config`] as [`TrmModel::from_bytes`], with the file's name.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let (mut file, length) = disk::open(path)?;
        let header = check(&mut file).and_then(|()| directory(&mut file, length));
        let header = header.and_then(|(_, found)| Header::of(&found));
        header.map_err(|e| e.in_file(path))
    }
}

impl TrmModel {
    /// Opens a model file that has a puzzle table without reading the table, whose rows are read on demand instead: the
    /// model's own table has none. Takes memory for the rest of the file.
    ///
    /// # Errors
    /// As [`TrmModel::open`]; [`Error::Tensor`] where there is no such table.
    pub fn open_apart(path: impl AsRef<Path>) -> Result<(Self, TableRows<File>)> {
        let path = path.as_ref();
        let (mut file, length) = disk::open(path)?;
        let read = check(&mut file).and_then(|()| without_table(&mut file, length));
        let model = read.and_then(|bytes| Self::read(&bytes, false));
        let model = model.map_err(|e| e.in_file(path))?;
        let rows = TableRows::open(file, PUZZLE_TABLE).map_err(|e| e.in_file(path))?;
        let config = model.config();
        let shape = [config.num_puzzle_identifiers, config.puzzle_emb_ndim];
        if rows.shape() != shape {
            let wrong = Error::Tensor {
                name: PUZZLE_TABLE.into(),
                expected: format!("shape {shape:?}"),
                found: format!("shape {:?}", rows.shape()),
            };
            return Err(wrong.in_file(path));
        }
        Ok((model, rows))
    }
}

/// Refuses a file that begins as something else.
fn check(file: &mut File) -> Result<()> {
    let mut start = Vec::new();
    let read = Read::by_ref(file).take(512).read_to_end(&mut start);
    read.and_then(|_| file.rewind())
        .map_err(|e| unreadable(&e))?;
    check_content(&start)
}

/// The bytes of a model file whose puzzle table has no rows.
fn without_table(file: &mut File, length: u64) -> Result<Vec<u8>> {
    let broken = |e: &dyn std::fmt::Display| Error::Format(format!("not a model file: {e}"));
    let (start, found) = directory(&mut *file, length)?;
    let mut tensors = Vec::new();
    let (mut table, mut end) = (None, 0);
    for name in found.offset_keys() {
        let mut info = found.info(&name).expect("a name of its own").clone();
        let (from, to) = info.data_offsets;
        if from != end || to < from {
            return Err(broken(&format!(
                "tensor `{name}` does not follow the one before it"
            )));
        }
        end = to;
        if name == PUZZLE_TABLE {
            table = Some((from, to));
            info.shape = vec![0, info.shape.last().copied().unwrap_or(0)];
        }
        let cut = table.map_or(0, |(from, to)| to - from);
        let from = if name == PUZZLE_TABLE {
            from
        } else {
            from - cut
        };
        info.data_offsets = (from, to - cut);
        tensors.push((name, info));
    }
    if start.checked_add(end as u64) != Some(length) {
        return Err(broken(&format!("expected {end} bytes after the header")));
    }
    let Some((from, to)) = table else {
        return Err(Error::Tensor {
            name: PUZZLE_TABLE.into(),
            expected: "a table".into(),
            found: "none".into(),
        });
    };
    let directory = Metadata::new(found.metadata().clone(), tensors).map_err(|e| broken(&e))?;
    let mut header = serde_json::to_vec(&directory).map_err(|e| broken(&e))?;
    header.resize(header.len().next_multiple_of(8), b' ');
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.append(&mut header);
    let read = (|| {
        Read::by_ref(file)
            .take(from as u64)
            .read_to_end(&mut bytes)?;
        file.seek(SeekFrom::Start(start + to as u64))?;
        file.take((end - to) as u64).read_to_end(&mut bytes)
    })();
    read.map_err(|e| unreadable(&e))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TrmWeights;
    use crate::network::limits::tests::small;
    use recurra_kernels::Linear;

    fn saved(config: crate::TrmConfig) -> (tempfile::TempDir, std::path::PathBuf, TrmModel) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        let mut weights = TrmWeights::random(&config, 1);
        if let Some(table) = &mut weights.puzzle_emb {
            for row in 0..table.rows() {
                table.row_mut(row).fill(row as f32);
            }
        }
        let model = TrmModel::new(config, None, weights);
        model.save(&path).unwrap();
        (folder, path, model)
    }

    #[test]
    fn all_but_the_table_is_read_and_its_rows_on_demand() {
        let (_folder, path, model) = saved(small());
        let (apart, mut rows) = TrmModel::open_apart(&path).unwrap();
        assert_eq!(apart.header, model.header);
        assert_eq!(Header::open(&path).unwrap(), model.header);
        let flat = |weights: &[&Linear]| -> Vec<Vec<f32>> {
            weights.iter().map(|w| w.to_f32().to_vec()).collect()
        };
        assert_eq!(
            flat(&apart.weights.linears()),
            flat(&model.weights.linears())
        );
        let tables = apart
            .weights
            .tables()
            .into_iter()
            .zip(model.weights.tables());
        let same = tables.filter(|(a, b)| a.to_vec() == b.to_vec()).count();
        assert_eq!(same, model.weights.tables().len() - 1);
        let table = apart.weights.puzzle_emb.as_ref().unwrap();
        assert_eq!((table.rows(), table.cols()), (0, 30));
        let found = rows.read(&[2, 0]).unwrap().to_vec();
        assert_eq!((found[0], found[30]), (2.0, 0.0));
    }

    #[test]
    fn files_without_a_table_or_cut_short_are_refused() {
        let mut config = small();
        (config.puzzle_emb_ndim, config.puzzle_emb_len) = (0, 0);
        let (_folder, path, _) = saved(config);
        let error = TrmModel::open_apart(&path).unwrap_err().to_string();
        assert!(error.contains("puzzle_emb.weights"), "{error}");
        let (_folder, path, _) = saved(small());
        let bytes = std::fs::read(&path).unwrap();
        for length in [0, 7, 8, 100, bytes.len() - 1] {
            std::fs::write(&path, &bytes[..length]).unwrap();
            assert!(TrmModel::open_apart(&path).is_err(), "{length}");
        }
        // A folder, as a pipe, is not even opened.
        let error = Header::open(path.parent().unwrap()).unwrap_err();
        assert!(error.to_string().contains("no regular file"), "{error}");
    }
}
