//! Whole files, with the file's name in every error.

use crate::error::{Error, Result};
#[cfg(feature = "import")]
use std::fs::File;
use std::io::Write;
use std::path::Path;

/// Largest file that is read into memory: far above any tiny model.
const MAX_BYTES: u64 = 8 << 30;

/// Reads a file.
///
/// # Errors
/// [`Error::Io`]; [`Error::Format`] for something that is no regular file or larger than 8 GiB.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    check(path, MAX_BYTES)?;
    std::fs::read(path).map_err(|source| io(path, source))
}

/// Opens a file of any size of which parts are read, and says how long it is.
#[cfg(feature = "import")]
pub(super) fn open(path: &Path) -> Result<(File, u64)> {
    let length = check(path, u64::MAX)?;
    let file = File::open(path).map_err(|source| io(path, source))?;
    Ok((file, length))
}

/// The length of a regular file of at most so many bytes. Others are not opened: that might wait for ever.
fn check(path: &Path, most: u64) -> Result<u64> {
    let metadata = std::fs::metadata(path).map_err(|source| io(path, source))?;
    if metadata.is_file() && metadata.len() <= most {
        return Ok(metadata.len());
    }
    let found = if metadata.is_file() {
        format!("{} bytes", metadata.len())
    } else {
        "no regular file".into()
    };
    let message = format!("expected a file of at most {MAX_BYTES} bytes, found {found}");
    Err(Error::Format(message).in_file(path))
}

fn io(path: &Path, source: std::io::Error) -> Error {
    Error::Io {
        path: path.into(),
        source,
    }
}

/// Writes a file so that it appears whole or not at all, also when the machine stops in between.
///
/// # Errors
/// [`Error::Io`].
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(name);
    let attempt = || {
        let mut file = std::fs::File::create(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&temporary, path)
    };
    attempt().map_err(|source| {
        std::fs::remove_file(&temporary).ok();
        io(path, source)
    })
}
