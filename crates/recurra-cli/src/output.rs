//! Output files that appear whole or not at all.

use anyhow::anyhow;
use std::fs::File;
use std::io::{self, BufWriter, Seek, Write};
use std::path::{Path, PathBuf};

/// A file in the making. Dropped before [`OutputFile::finish`], it leaves nothing behind.
pub(crate) struct OutputFile {
    path: PathBuf,
    /// None where the path is a device or a pipe: these are written to, not replaced.
    temporary: Option<PathBuf>,
    writer: BufWriter<File>,
}

impl OutputFile {
    /// Begins a file.
    pub(crate) fn create(path: &Path) -> anyhow::Result<Self> {
        let special = std::fs::metadata(path).is_ok_and(|m| !m.is_file());
        let temporary = (!special).then(|| {
            let mut name = path.file_name().unwrap_or_default().to_owned();
            name.push(format!(".{}.tmp", std::process::id()));
            path.with_file_name(name)
        });
        let target = temporary.as_deref().unwrap_or(path);
        let file = if special {
            File::options().write(true).open(target)
        } else {
            File::create(target)
        };
        let file = file.map_err(|e| anyhow!("{}: {e}", path.display()))?;
        Ok(OutputFile {
            path: path.into(),
            temporary,
            writer: BufWriter::with_capacity(1 << 16, file),
        })
    }

    /// Writes a file at once.
    pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
        let mut file = Self::create(path)?;
        let written = file.writer.write_all(bytes);
        file.named(written)?;
        file.finish()
    }

    /// Puts the file's name before an error.
    pub(crate) fn named<T>(&self, result: io::Result<T>) -> anyhow::Result<T> {
        result.map_err(|e| anyhow!("{}: {e}", self.path.display()))
    }

    /// The file takes its place.
    pub(crate) fn finish(mut self) -> anyhow::Result<()> {
        let attempt = |this: &mut Self| {
            this.writer.flush()?;
            if let Some(temporary) = &this.temporary {
                this.writer.get_ref().sync_all()?;
                std::fs::rename(temporary, &this.path)?;
                this.temporary = None;
            }
            Ok(())
        };
        let result = attempt(&mut self);
        self.named(result)
    }
}

impl Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

impl Seek for OutputFile {
    fn seek(&mut self, position: io::SeekFrom) -> io::Result<u64> {
        self.writer.seek(position)
    }
}

impl Drop for OutputFile {
    fn drop(&mut self) {
        if let Some(temporary) = &self.temporary {
            std::fs::remove_file(temporary).ok();
        }
    }
}
