//! What bytes are, told by their beginning.

/// What a file or a stream holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Text, as far as its beginning says.
    Text,
    /// Text of two bytes a character, the lowest first.
    Utf16Le,
    /// Text of two bytes a character, the highest first.
    Utf16Be,
    /// XML that is no web page.
    Xml,
    /// A compressed stream.
    Gzip,
    /// A zip archive: a NumPy archive, a checkpoint of `torch.save`, or just files.
    Zip,
    /// A NumPy array.
    Npy,
    /// A model, or other tensors.
    Safetensors,
    /// Something that is known by name, and not read.
    Other {
        /// With its article.
        name: &'static str,
        /// What can be done with it.
        hint: &'static str,
    },
}

/// How many bytes tell for sure.
pub(super) const ENOUGH: usize = 512;

/// What a Parquet table begins with.
pub(crate) const PARQUET: &[u8; 4] = b"PAR1";

/// Beginnings that no text has.
const SIGNATURES: &[(&[u8], &str, &str)] = &[
    (PARQUET, "a Parquet table", "write it as CSV"),
    (b"ARROW1", "an Arrow table", "write it as CSV"),
    (
        b"\xfd7zXZ\0",
        "a file compressed with xz",
        "unpack it with `xz -d`",
    ),
    (
        b"\x28\xb5\x2f\xfd",
        "a file compressed with zstd",
        "unpack it with `zstd -d`",
    ),
    (
        b"BZh91AY&SY",
        "a file compressed with bzip2",
        "unpack it with `bzip2 -d`",
    ),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "unpack it"),
    (b"Rar!\x1a\x07", "a RAR archive", "unpack it"),
    (
        b"SQLite format 3\0",
        "an SQLite database",
        "write the table of puzzles as CSV",
    ),
    (
        b"\x89HDF\r\n",
        "an HDF5 file",
        "save the arrays as .npy, or as CSV",
    ),
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "an old Excel workbook",
        "save the sheet as CSV",
    ),
    (
        b"%PDF-",
        "a PDF document",
        "copy the puzzles into a text file",
    ),
    (b"{\\rtf", "a document in RTF", "save it as plain text"),
    (b"\x89PNG\r\n", "a picture (PNG)", "type the puzzle as text"),
    (b"GIF8", "a picture (GIF)", "type the puzzle as text"),
    (
        b"\xff\xd8\xff",
        "a picture (JPEG)",
        "type the puzzle as text",
    ),
    (b"\xff\xfe\0\0", "text in UTF-32", "save it as UTF-8"),
    (b"\0\0\xfe\xff", "text in UTF-32", "save it as UTF-8"),
    (b"\x7fELF", "a program", "name a file of puzzles"),
];

/// A file that Git LFS left in place of another.
const LFS: &[u8] = b"version https://git-lfs.github.com/spec/";

impl Content {
    /// What begins with these bytes. The first 512 tell for sure.
    pub fn of(start: &[u8]) -> Self {
        let other = |name, hint| Content::Other { name, hint };
        for &(signature, name, hint) in SIGNATURES {
            if start.starts_with(signature) {
                return other(name, hint);
            }
        }
        match start {
            [0x1f, 0x8b, ..] => return Content::Gzip,
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => return Content::Zip,
            [0xff, 0xfe, ..] => return Content::Utf16Le,
            [0xfe, 0xff, ..] => return Content::Utf16Be,
            [0x80, 2..=5, ..] => {
                return other(
                    "a Python pickle",
                    "save its arrays as .npy, or a checkpoint with PyTorch 1.6 or newer",
                );
            }
            _ => {}
        }
        if start.starts_with(b"\x93NUMPY") {
            return Content::Npy;
        }
        if start.starts_with(LFS) {
            return other(
                "a pointer of Git LFS, not the file itself",
                "fetch it with `git lfs pull`",
            );
        }
        // The header's length, and the header, which is an object.
        if let [length @ .., b'{'] = start.get(..9).unwrap_or_default()
            && length[5..] == [0; 3]
        {
            return Content::Safetensors;
        }
        match start {
            // Without a mark, two characters must fit.
            [0, 1..=0x7f, 0, 1..=0x7f, ..] => return Content::Utf16Be,
            [1..=0x7f, 0, 1..=0x7f, 0, ..] => return Content::Utf16Le,
            _ => {}
        }
        Self::of_markup(start)
    }

    fn of_markup(start: &[u8]) -> Self {
        let text = start
            .strip_prefix(b"\xef\xbb\xbf")
            .unwrap_or(start)
            .trim_ascii_start();
        let begins = |with: &[u8]| {
            text.get(..with.len())
                .is_some_and(|text| text.eq_ignore_ascii_case(with))
        };
        if [&b"<!doctype html"[..], b"<html", b"<head", b"<body"]
            .into_iter()
            .any(begins)
        {
            return Content::Other {
                name: "a web page (HTML)",
                hint: "download the file itself, not the page about it",
            };
        }
        if [&b"<?xml"[..], b"<opensudoku", b"<!--", b"<!doctype"]
            .into_iter()
            .any(begins)
        {
            return Content::Xml;
        }
        Content::Text
    }

    /// What it is, with its article.
    pub fn name(self) -> &'static str {
        match self {
            Content::Text => "text",
            Content::Utf16Le | Content::Utf16Be => "text in UTF-16",
            Content::Xml => "XML",
            Content::Gzip => "a file compressed with gzip",
            Content::Zip => "a zip archive",
            Content::Npy => "a NumPy array (.npy)",
            Content::Safetensors => "a safetensors file",
            Content::Other { name, .. } => name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginnings_tell() {
        for (start, name) in [
            (&b"..8.....79"[..], "text"),
            (b"", "text"),
            (b"P", "text"),
            (b"7z", "text"),
            (b"<start> is a cell", "text"),
            (b"\x1f\x8b\x08\0", "a file compressed with gzip"),
            (b"PK\x03\x04....", "a zip archive"),
            (b"PAR1\x15\x04", "a Parquet table"),
            (b"\xff\xfe1\0", "text in UTF-16"),
            (b"1\0.\0", "text in UTF-16"),
            (b"\0!\n", "text"),
            (b"\xef\xbb\xbf <?xml version", "XML"),
            (b"\n<!DOCTYPE html><html>", "a web page (HTML)"),
            (b"\x93NUMPY\x01\0", "a NumPy array (.npy)"),
            (b"\x40\x01\0\0\0\0\0\0{\"a\"", "a safetensors file"),
            (
                b"version https://git-lfs.github.com/spec/v1\n",
                "a pointer of Git LFS, not the file itself",
            ),
            (b"\x80\x04\x95", "a Python pickle"),
        ] {
            assert_eq!(Content::of(start).name(), name, "{start:?}");
        }
    }
}
