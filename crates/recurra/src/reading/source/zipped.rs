//! Zip archives: those of NumPy (`.npz`), and those with one file in them.
//!
//! An archive's directory stands at its end, so its packed bytes are held in memory. Files in it are unpacked as they are read.

use super::array::Arrays;
use super::{Head, refused, unreadable};
use flate2::read::DeflateDecoder;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::sync::Arc;
use zip::{CompressionMethod, ZipArchive};

/// Largest archive that is held in memory.
const MOST: u64 = 1 << 28;

/// A file of an archive, unpacked as it is read.
pub(super) type Member = Box<dyn Read + Send>;

/// What an archive holds.
pub(super) enum Unzipped {
    Arrays(Box<Arrays<BufReader<Member>>>),
    /// One file.
    Member(Member),
}

/// The bytes of an archive, which several readers share.
#[derive(Clone)]
struct Bytes(Arc<Vec<u8>>);

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// Finds out what a zip archive holds.
pub(super) fn open<R: BufRead>(head: Head<R>) -> io::Result<Unzipped> {
    let mut bytes = Vec::new();
    head.take(MOST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST {
        return Err(refused(
            "a zip archive of more than 256 MiB",
            "unpack it, and name the file in it",
        ));
    }
    let bytes = Bytes(Arc::new(bytes));
    let damaged = |error: zip::result::ZipError| {
        unreadable(
            "a whole zip archive",
            format!("one that is damaged ({error})"),
        )
    };
    let mut archive = ZipArchive::new(Cursor::new(bytes.clone())).map_err(damaged)?;
    let mut files: Vec<(String, usize)> = Vec::new();
    for index in 0..archive.len() {
        let name = archive
            .name_for_index(index)
            .and_then(Result::ok)
            .unwrap_or_default()
            .into_owned();
        // What operating systems put beside files.
        if !name.ends_with('/') && !name.starts_with("__MACOSX/") && !name.ends_with(".DS_Store") {
            files.push((name, index));
        }
    }
    let has = |end: &str| files.iter().any(|(name, _)| name.ends_with(end));
    if has("/data.pkl") {
        return Err(refused(
            "a checkpoint of torch.save",
            "`recurra import` makes a model of it, which stands before the puzzles",
        ));
    }
    if has("xl/workbook.xml") {
        return Err(refused("an Excel workbook", "save the sheet as CSV"));
    }
    if has("content.xml") && has("mimetype") {
        return Err(refused(
            "an OpenDocument file",
            "save it as CSV or plain text",
        ));
    }
    let mut member = |index: usize| -> io::Result<Member> {
        let entry = archive.by_index_raw(index).map_err(damaged)?;
        let (start, packed) = (entry.data_start(), entry.compressed_size());
        if entry.encrypted() {
            return Err(refused("a zip archive that is encrypted", "unpack it"));
        }
        let mut from = Cursor::new(bytes.clone());
        from.set_position(
            start.ok_or_else(|| unreadable("a whole zip archive", "one that is damaged"))?,
        );
        let packed = from.take(packed);
        match entry.compression() {
            CompressionMethod::Stored => Ok(Box::new(packed)),
            CompressionMethod::DEFLATE => Ok(Box::new(DeflateDecoder::new(packed))),
            other => Err(refused(
                &format!("a zip archive packed with {other}"),
                "unpack it",
            )),
        }
    };
    if !files.is_empty() && files.iter().all(|(name, _)| name.ends_with(".npy")) {
        let arrays: io::Result<Vec<_>> = files
            .iter()
            .map(|(name, index)| Ok((name[..name.len() - 4].to_owned(), member(*index)?)))
            .collect();
        return Ok(Unzipped::Arrays(Box::new(Arrays::named(arrays?)?)));
    }
    match files[..] {
        [(_, index)] => Ok(Unzipped::Member(member(index)?)),
        [] => Err(refused("an empty zip archive", "")),
        _ => {
            let first = files[0].0.escape_debug().take(60).collect::<String>();
            Err(refused(
                &format!(
                    "a zip archive of {} files, the first `{first}`",
                    files.len()
                ),
                "unpack it, and name one of them",
            ))
        }
    }
}
