//! Models by name: `sudoku9` is the shipped `sudoku9.safetensors`.

use clap::builder::{PathBufValueParser, TypedValueParser};
use std::path::{Path, PathBuf};

/// Reads a flag that names a model: a file, or a shipped model without folder and ending.
pub(crate) fn model() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().map(by_name)
}

/// The shipped model of this name, where there is no such file, or else the path as it is.
pub(crate) fn by_name(path: PathBuf) -> PathBuf {
    find(&path, &folders()).unwrap_or(path)
}

/// Where shipped models may be: the folder that RECURRA_MODELS names, `models` here, and those of an installation and of a clone
/// that the program was built in.
fn folders() -> Vec<PathBuf> {
    let program = std::env::current_exe().ok();
    let beside = |folder: &str| Some(program.as_ref()?.parent()?.join(folder));
    let named = std::env::var_os("RECURRA_MODELS").map(PathBuf::from);
    let own = ["../share/recurra/models", "../../models"].map(beside);
    let here = [named, Some("models".into())];
    here.into_iter().chain(own).flatten().collect()
}

/// The shipped model of this name, where there is no such file.
fn find(name: &Path, folders: &[PathBuf]) -> Option<PathBuf> {
    let bare = name.file_name() == Some(name.as_os_str()) && name.extension().is_none();
    if !bare || name.exists() {
        return None;
    }
    let mut files = folders
        .iter()
        .map(|folder| folder.join(name).with_extension("safetensors"));
    files.find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_and_paths_are_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("sudoku9.safetensors");
        std::fs::write(&file, "").unwrap();
        let folders = [dir.path().join("none"), dir.path().into()];
        assert_eq!(find(Path::new("sudoku9"), &folders), Some(file));
        for other in ["sudoku8", "./sudoku9", "sudoku9.safetensors", "", ".."] {
            assert_eq!(find(Path::new(other), &folders), None, "{other}");
        }
    }
}
