//! The container of a `torch.save` file: a zip archive of one folder whose entries are stored, not compressed.

use super::printable;
use crate::error::{Error, Result};
use std::io::{self, Cursor, Read, Seek};
use zip::{CompressionMethod, ZipArchive};

/// An archive in memory. Entries are lent from its bytes, never copied.
pub(super) struct Archive<'a> {
    bytes: &'a [u8],
    zip: ZipArchive<Cursor<&'a [u8]>>,
    folder: String,
    /// Bytes that may still be lent: entries that lie over one another would cost more time than the file has bytes.
    left: usize,
}

impl<'a> Archive<'a> {
    /// Finds the folder that holds `data.pkl` and checks that its numbers are little-endian.
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self> {
        let (zip, folder) = open(Cursor::new(bytes))?;
        let mut archive = Archive {
            bytes,
            zip,
            folder,
            left: bytes.len(),
        };
        if let Some(order) = archive.find("byteorder")? {
            check_byte_order(order)?;
        }
        Ok(archive)
    }

    /// The bytes of an entry of the folder, checked against its checksum.
    pub(super) fn entry(&mut self, name: &str) -> Result<&'a [u8]> {
        self.find(name)?.ok_or_else(|| missing(&self.folder, name))
    }

    fn find(&mut self, name: &str) -> Result<Option<&'a [u8]>> {
        let Some((index, size)) = stored(&mut self.zip, &self.folder, name)? else {
            return Ok(None);
        };
        let shown = full_name(&self.folder, name);
        let refuse = |why: &str| Error::Format(format!("zip: entry `{shown}` {why}"));
        let size = (usize::try_from(size).ok())
            .filter(|&size| size <= self.left)
            .ok_or_else(|| refuse("is larger than the file, or lies over another entry"))?;
        self.left -= size;

        // Reading to the end is what makes the crate compare the checksum.
        let mut file = (self.zip.by_index(index)).map_err(|e| broken(&shown, &e))?;
        let read = io::copy(&mut file, &mut io::sink());
        if !matches!(read, Ok(n) if n == size as u64) {
            return Err(refuse("is cut short, or its checksum does not fit"));
        }
        let start = file.data_start().and_then(|at| usize::try_from(at).ok());
        start
            .and_then(|at| self.bytes.get(at..at.checked_add(size)?))
            .ok_or_else(|| refuse("lies outside of the file"))
            .map(Some)
    }
}

/// Older versions of PyTorch do not say; their files come from little-endian machines all the same.
pub(super) fn check_byte_order(order: &[u8]) -> Result<()> {
    if order == b"little" {
        return Ok(());
    }
    Err(Error::Format(format!(
        "byteorder: expected little, found {}",
        printable(&String::from_utf8_lossy(order))
    )))
}

/// Opens an archive and finds the folder that holds `data.pkl`.
pub(super) fn open<R: Read + Seek>(reader: R) -> Result<(ZipArchive<R>, String)> {
    let zip = ZipArchive::new(reader).map_err(|e| broken("", &e))?;
    if zip.has_duplicate_names() {
        return Err(Error::Format("zip: two entries have the same name".into()));
    }
    let folders: Vec<&str> = (zip.file_names_raw())
        .filter_map(|name| std::str::from_utf8(name).ok()?.strip_suffix("/data.pkl"))
        .filter(|folder| !folder.contains('/'))
        .collect();
    let folder = match folders[..] {
        [folder] => folder.to_owned(),
        [] => {
            return Err(Error::Format(
                "a zip archive, but not one of torch.save: it has no `*/data.pkl`".into(),
            ));
        }
        _ => {
            return Err(Error::Format(
                "zip: more than one folder holds a `data.pkl`".into(),
            ));
        }
    };
    Ok((zip, folder))
}

/// Index and size of an entry of the folder that is stored as it is; none where there is no such entry.
pub(super) fn stored<R: Read + Seek>(
    zip: &mut ZipArchive<R>,
    folder: &str,
    name: &str,
) -> Result<Option<(usize, u64)>> {
    let path = format!("{folder}/{name}");
    let Some(index) = zip.index_for_name_raw(path.as_bytes()) else {
        return Ok(None);
    };
    let shown = full_name(folder, name);
    let refuse = |why: &str| Error::Format(format!("zip: entry `{shown}` {why}"));

    let entry = (zip.by_index_data(index)).map_err(|e| broken(&shown, &e))?;
    if entry.encrypted() {
        return Err(refuse("is encrypted"));
    }
    if entry.compression() != CompressionMethod::Stored {
        return Err(refuse(
            "is compressed: torch.save stores its entries as they are",
        ));
    }
    let size = entry.size();
    if size != entry.compressed_size() {
        return Err(refuse("is stored, yet with two different sizes"));
    }
    Ok(Some((index, size)))
}

/// An entry's name, for messages.
fn full_name(folder: &str, name: &str) -> String {
    printable(&format!("{folder}/{name}"))
}

/// Why an entry cannot be read that is not there.
pub(super) fn missing(folder: &str, name: &str) -> Error {
    Error::Format(format!(
        "zip: entry `{}` is missing",
        full_name(folder, name)
    ))
}

pub(super) fn broken(entry: &str, error: &zip::result::ZipError) -> Error {
    let place = if entry.is_empty() {
        String::new()
    } else {
        format!("entry `{entry}`: ")
    };
    Error::Format(format!("zip: {place}{}", printable(&error.to_string())))
}
