//! Reading and writing at a place of a file that several threads have, and opening it for one program alone.

use crate::error::{Error, Result};
use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;

/// Reads until `buffer` is full or the file ends, and says how many bytes that were.
pub(super) fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    let mut read = 0;
    while read < buffer.len() {
        match read_some(file, &mut buffer[read..], at + read as u64) {
            Ok(0) => break,
            Ok(n) => read += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(read)
}

#[cfg(not(windows))]
fn read_some(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, at)
}

#[cfg(windows)]
fn read_some(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, at)
}

/// Writes all of `bytes`.
#[cfg(not(windows))]
pub(super) fn write_at(file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, at)
}

/// Writes all of `bytes`.
#[cfg(windows)]
pub(super) fn write_at(file: &File, mut bytes: &[u8], mut at: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = std::os::windows::fs::FileExt::seek_write(file, bytes, at)?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        bytes = &bytes[written..];
        at += written as u64;
    }
    Ok(())
}

/// Who else may have the file open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Share {
    /// Nobody: it is going to be written.
    Alone,
    /// Other readers.
    Readers,
}

/// Refuses what is no regular file, before it is opened: opening a pipe would wait for somebody at its other end.
pub(super) fn check_kind(metadata: &std::fs::Metadata, path: &Path) -> Result<()> {
    if metadata.is_file() {
        return Ok(());
    }
    let found = if metadata.is_dir() {
        "a directory"
    } else {
        "something else"
    };
    let message = format!("store of answers: expected a regular file, found {found}");
    Err(Error::Format(message).in_file(path))
}

/// Refuses a file that another program uses. The lock lasts as long as the file is open.
pub(super) fn claim(file: &File, path: &Path, share: Share) -> Result<()> {
    let locked = match share {
        Share::Alone => file.try_lock(),
        Share::Readers => file.try_lock_shared(),
    };
    match locked {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => {
            let message =
                "store of answers: expected a file that no other program has open, found it in use";
            Err(Error::Format(message.into()).in_file(path))
        }
        Err(TryLockError::Error(source)) => Err(Error::Io {
            path: path.into(),
            source,
        }),
    }
}

/// Makes a file's name as lasting as its content, where the system knows how.
pub(super) fn sync_name(path: &Path) {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
    // A folder that cannot be opened or synced costs this guarantee and nothing else.
    if let Ok(folder) = File::open(folder.unwrap_or(Path::new("."))) {
        folder.sync_all().ok();
    }
}
