//! The example of the guide, to be edited and checked.

#![allow(dead_code, clippy::unwrap_used)] // Not every test binary uses all of it.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// The folder of this crate.
pub fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The top of the repository.
pub fn top() -> PathBuf {
    here().join("../..").canonicalize().unwrap()
}

/// A copy of the example.
pub fn example() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy(&here().join("example"), folder.path());
    folder
}

/// Copies a folder.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Puts one text in the place of another, which must be there.
pub fn replace(file: &Path, text: &str, with: &str) {
    let before = std::fs::read_to_string(file).unwrap();
    assert!(before.contains(text), "{} does not contain {text:?}", file.display());
    std::fs::write(file, before.replacen(text, with, 1)).unwrap();
}
