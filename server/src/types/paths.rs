//! Paths of files.

use std::path::{Path, PathBuf};

use rustix::fs::Access;

/// The folder of a file, whose path may be relative.
pub fn folder(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// What is wrong with the folder of a file that cannot be created; `None` if it is not the folder.
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

/// An absolute path, which names the file from every folder.
pub fn absolute(path: &Path) -> PathBuf {
    // Only an empty path has none, and where the working directory is gone.
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// A path by which a file can be compared with others, whether it is there yet or not.
pub fn real(path: &Path) -> PathBuf {
    let folder = || Some(path.parent()?.canonicalize().ok()?.join(path.file_name()?));
    path.canonicalize().ok().or_else(folder).unwrap_or_else(|| path.to_owned())
}
