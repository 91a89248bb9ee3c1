//! File paths.

use std::path::{Path, PathBuf};

use rustix::fs::Access;

/// The folder of a file; `.` if its path has no folder.
pub fn folder(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Why a file cannot be created, if its folder is the reason; otherwise `None`.
pub fn folder_problem(file: &Path) -> Option<String> {
    let folder = folder(file);
    if file.exists() {
        return None;
    }
    if !folder.is_dir() {
        return Some(format!("there is no folder {}", folder.display()));
    }
    rustix::fs::access(folder, Access::WRITE_OK).err()?;
    Some(format!("the folder {} is not writable for this user", folder.display()))
}

/// An absolute path.
pub fn absolute(path: &Path) -> PathBuf {
    // This fails only for an empty path, or if the working directory does not exist.
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// A canonical path, for comparisons. The file need not exist.
pub fn real(path: &Path) -> PathBuf {
    let folder = || Some(path.parent()?.canonicalize().ok()?.join(path.file_name()?));
    path.canonicalize().ok().or_else(folder).unwrap_or_else(|| path.to_owned())
}
