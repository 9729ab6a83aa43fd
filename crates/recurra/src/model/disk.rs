//! Whole files, with the file's name in every error.

use crate::error::{Error, Result};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

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
    let attempt = || {
        let (mut file, temporary) = begin(path)?;
        let written = file
            .write_all(bytes)
            .and_then(|()| file.sync_all())
            .and_then(|()| std::fs::rename(&temporary, path));
        if written.is_err() {
            std::fs::remove_file(&temporary).ok();
        }
        written
    };
    attempt().map_err(|source| io(path, source))
}

/// A new file beside `path`, to be renamed to it when it is whole, and its name: `NAME.PID.tmp`. It is locked as long as it is
/// open. Files that interrupted processes have left there, which nobody locks, are removed.
///
/// # Errors
/// Where the file cannot be made.
pub fn begin(path: &Path) -> std::io::Result<(File, PathBuf)> {
    let name = path.file_name().unwrap_or_default();
    let mut own = name.to_owned();
    own.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(own);
    remove_left(path, &name.to_string_lossy());
    loop {
        let file = File::create(&temporary)?;
        // Where files cannot be locked, nobody removes those of others either.
        if file.try_lock().is_err() {
            return Ok((file, temporary));
        }
        // Between the two calls somebody may have taken it for one that was left.
        if temporary.exists() {
            return Ok((file, temporary));
        }
    }
}

/// Removes the temporary files of `path` that nobody writes any more.
fn remove_left(path: &Path, name: &str) {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
    let Ok(entries) = std::fs::read_dir(folder.unwrap_or(Path::new("."))) else {
        return;
    };
    for entry in entries.flatten() {
        let found = entry.file_name();
        let process = found.to_str().and_then(|found| {
            let rest = found.strip_prefix(name)?.strip_prefix('.')?;
            rest.strip_suffix(".tmp")
        });
        let ours = process.is_some_and(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()));
        let file = entry.file_type().is_ok_and(|kind| kind.is_file());
        if !ours || !file {
            continue;
        }
        if let Ok(left) = File::options().write(true).open(entry.path())
            && left.try_lock().is_ok()
        {
            std::fs::remove_file(entry.path()).ok();
        }
    }
}

#[cfg(all(test, not(target_family = "wasm")))]
mod tests {
    use super::*;

    #[test]
    fn what_was_left_is_removed_and_what_is_being_written_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        for name in ["a.1.tmp", "a.x.tmp", "b.1.tmp", "a.2.tmp"] {
            std::fs::write(at(name), "half").unwrap();
        }
        let writing = File::options().write(true).open(at("a.2.tmp")).unwrap();
        writing.try_lock().unwrap();
        write(&at("a"), b"whole").unwrap();
        assert_eq!(std::fs::read(at("a")).unwrap(), b"whole");
        let mut names: Vec<_> = std::fs::read_dir(dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, ["a", "a.2.tmp", "a.x.tmp", "b.1.tmp"]);
    }
}
