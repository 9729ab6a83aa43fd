//! Output files that appear whole or not at all.

use crate::exit::UsageError;
use anyhow::anyhow;
use recurra::model::disk;
use std::fs::File;
use std::io::{self, BufWriter, Seek, Stdout, Write};
use std::path::{Path, PathBuf};

/// A path that a command line names, and the flag or the argument that it stands behind.
pub(crate) type Named<'a> = (&'a str, &'a Path);

/// Refuses a command whose output is one of its inputs, or another of its outputs: it would be lost.
pub(crate) fn refuse_inputs(outputs: &[Named<'_>], inputs: &[Named<'_>]) -> Result<(), UsageError> {
    for (i, &(flag, output)) in outputs.iter().enumerate() {
        // As an input, `-` is another thing.
        let inputs = inputs.iter().filter(|(_, path)| *path != Path::new("-"));
        for &(other, path) in inputs.chain(&outputs[..i]) {
            if is_same(output, path) {
                return Err(UsageError(format!(
                    "{flag} {}: expected another file than {other}, which it would replace",
                    output.display()
                )));
            }
        }
    }
    Ok(())
}

/// Whether two paths are of one file or folder, by whatever names. Pipes and devices, which nothing replaces, are never the same.
fn is_same(a: &Path, b: &Path) -> bool {
    let replaced =
        |path: &Path| std::fs::metadata(path).map_or(true, |m| m.is_file() || m.is_dir());
    let real = |path: &Path| std::fs::canonicalize(path).ok();
    replaced(a) && (a == b || real(a).is_some_and(|a| Some(a) == real(b)))
}

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
        let begun = if special {
            let device = File::options().write(true).open(path);
            device.map(|file| (file, None))
        } else {
            disk::begin(path).map(|(file, temporary)| (file, Some(temporary)))
        };
        let (file, temporary) = begun.map_err(|e| anyhow!("{}: {e}", path.display()))?;
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

/// Where the lines of a command go: standard output, or a file that appears whole.
pub(crate) enum Sink {
    Stdout(BufWriter<Stdout>),
    File(OutputFile),
}

impl Sink {
    /// A file, or standard output for none and for `-`.
    pub(crate) fn create(path: Option<&Path>) -> anyhow::Result<Self> {
        Ok(match path.filter(|path| *path != Path::new("-")) {
            Some(path) => Sink::File(OutputFile::create(path)?),
            None => Sink::Stdout(BufWriter::with_capacity(1 << 16, io::stdout())),
        })
    }

    /// Writes a line.
    pub(crate) fn line(&mut self, text: &str) -> anyhow::Result<()> {
        match self {
            // Bare: the reader may have gone.
            Sink::Stdout(out) => Ok(writeln!(out, "{text}")?),
            Sink::File(file) => {
                let written = writeln!(file, "{text}");
                file.named(written)
            }
        }
    }

    /// What was written is there for who waits for it; a file is there when it is finished.
    pub(crate) fn flush(&mut self) -> anyhow::Result<()> {
        match self {
            Sink::Stdout(out) => Ok(out.flush()?),
            Sink::File(_) => Ok(()),
        }
    }

    /// Everything takes its place.
    pub(crate) fn finish(mut self) -> anyhow::Result<()> {
        self.flush()?;
        match self {
            Sink::Stdout(_) => Ok(()),
            Sink::File(file) => file.finish(),
        }
    }

    /// Writes bytes at once: a whole file, or to standard output.
    pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
        if path == Path::new("-") {
            return Ok(io::stdout().lock().write_all(bytes)?);
        }
        OutputFile::write_whole(path, bytes)
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
