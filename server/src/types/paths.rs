//! Paths of files.

use std::path::{Path, PathBuf};

/// The folder of a file, whose path may be relative.
pub fn folder(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A path that says the same in every folder.
pub fn absolute(path: &Path) -> PathBuf {
    // Only an empty path has none, and where the working directory is gone.
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// A path by which a file can be compared with others, whether it is there yet or not.
pub fn real(path: &Path) -> PathBuf {
    let folder = || Some(path.parent()?.canonicalize().ok()?.join(path.file_name()?));
    path.canonicalize().ok().or_else(folder).unwrap_or_else(|| path.to_owned())
}
