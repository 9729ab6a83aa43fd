//! The container of a `torch.save` file: a zip archive of one folder whose entries are stored, not compressed.

use super::printable;
use crate::error::{Error, Result};
use std::io::{self, Cursor};
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
        let zip = ZipArchive::new(Cursor::new(bytes)).map_err(|e| broken("", &e))?;
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
        let mut archive = Archive {
            bytes,
            zip,
            folder,
            left: bytes.len(),
        };
        // Older versions of PyTorch do not say; their files come from little-endian machines all the same.
        if let Some(order) = archive.find("byteorder")?
            && order != b"little"
        {
            return Err(Error::Format(format!(
                "byteorder: expected little, found {}",
                printable(&String::from_utf8_lossy(order))
            )));
        }
        Ok(archive)
    }

    /// The bytes of an entry of the folder, checked against its checksum.
    pub(super) fn entry(&mut self, name: &str) -> Result<&'a [u8]> {
        self.find(name)?.ok_or_else(|| {
            Error::Format(format!("zip: entry `{}` is missing", self.full_name(name)))
        })
    }

    fn full_name(&self, name: &str) -> String {
        printable(&format!("{}/{name}", self.folder))
    }

    fn find(&mut self, name: &str) -> Result<Option<&'a [u8]>> {
        let path = format!("{}/{name}", self.folder);
        let Some(index) = self.zip.index_for_name_raw(path.as_bytes()) else {
            return Ok(None);
        };
        let shown = self.full_name(name);
        let refuse = |why: &str| Error::Format(format!("zip: entry `{shown}` {why}"));

        let entry = (self.zip.by_index_data(index)).map_err(|e| broken(&shown, &e))?;
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

fn broken(entry: &str, error: &zip::result::ZipError) -> Error {
    let place = if entry.is_empty() {
        String::new()
    } else {
        format!("entry `{entry}`: ")
    };
    Error::Format(format!("zip: {place}{}", printable(&error.to_string())))
}
