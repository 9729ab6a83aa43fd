//! One process at a time trains a model, and none replaces what another has made.

use super::folder::RunFolder;
use anyhow::{anyhow, bail};
use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// The right to train a model: the file `lock` in the folder of its training, locked as long as this lives. It says which process it is.
#[derive(Debug)]
pub(super) struct Lock {
    path: PathBuf,
    _file: File,
}

impl Lock {
    /// Takes it, unless another process has it, or there is a model or a training and that is not `expected`.
    pub(super) fn take(model: &Path, expected: bool) -> anyhow::Result<Self> {
        let folder = RunFolder::path_of(model);
        let path = folder.join("lock");
        let named = |e: std::io::Error| anyhow!("{}: {e}", path.display());
        let checkpoint = RunFolder::checkpoint(model);
        let there = || match (model.exists(), checkpoint.exists()) {
            (_, true) => Some("a training of it was begun"),
            (true, false) => Some("it is there already"),
            (false, false) => None,
        };
        let refuse = |found: &str| {
            let resume = match checkpoint.exists() {
                true => "`--resume` goes on with it, and ",
                false => "",
            };
            anyhow!(
                "{}: {found}; {resume}`--overwrite` begins anew and replaces it",
                model.display()
            )
        };
        if !folder.exists()
            && let Some(found) = there().filter(|_| !expected)
        {
            return Err(refuse(found));
        }
        std::fs::create_dir_all(&folder).map_err(|e| anyhow!("{}: {e}", folder.display()))?;
        let file = loop {
            let options = File::options()
                .create(true)
                .write(true)
                .truncate(false)
                .clone();
            let mut file = options.open(&path).map_err(named)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    let process = std::fs::read_to_string(&path).unwrap_or_default();
                    bail!(
                        "{}: another process is training it ({})",
                        model.display(),
                        process.trim()
                    );
                }
                // A file system without locks: nobody is kept away.
                Err(TryLockError::Error(e)) if e.kind() == ErrorKind::Unsupported => {}
                Err(TryLockError::Error(e)) => return Err(named(e)),
            }
            // Who had it may have removed it since it was opened.
            if is_at(&file, &path) {
                file.set_len(0).map_err(named)?;
                writeln!(file, "process {}", std::process::id()).map_err(named)?;
                break file;
            }
        };
        let lock = Lock { path, _file: file };
        match there().filter(|_| !expected) {
            Some(found) => Err(refuse(found)),
            None => Ok(lock),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        std::fs::remove_file(&self.path).ok();
        // A training that did not begin leaves nothing.
        if let Some(folder) = self.path.parent() {
            std::fs::remove_dir(folder).ok();
        }
    }
}

/// Whether an open file is the one at this path.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let id = |m: std::fs::Metadata| (m.dev(), m.ino());
    let (open, there) = (file.metadata().map(id), std::fs::metadata(path).map(id));
    open.ok()
        .is_some_and(|open| there.is_ok_and(|there| there == open))
}

/// An open file keeps its path here.
#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}
