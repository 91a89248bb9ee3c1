//! File paths, and why this user cannot use a file.

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD};
use rustix::io::Errno;

/// The folder of a file; `.` if its path has no folder.
pub fn folder(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Why a file cannot be created, if its folder is the reason; otherwise `None`.
pub fn folder_problem(file: &Path) -> Option<String> {
    if file.exists() { None } else { unwritable_folder(folder(file)) }
}

/// Why files cannot be created in a folder; `None` if they can, as far as one can tell.
pub fn unwritable_folder(folder: &Path) -> Option<String> {
    let shown = absolute(folder);
    let shown = shown.display();
    match folder.metadata() {
        Ok(data) if data.is_dir() => {}
        Ok(_) => return Some(format!("{shown} is not a folder")),
        Err(error) if error.kind() == ErrorKind::NotFound => return Some(format!("there is no folder {shown}")),
        Err(error) => return Some(format!("the user {} cannot use the folder {shown}: {error}", this_user())),
    }
    denied(folder, Access::WRITE_OK | Access::EXEC_OK, &format!("the folder {shown}"), "is not writable")
}

/// Why this user may not read or write a file; `None` if it may, or if there is no such file.
pub fn file_problem(file: &Path) -> Option<String> {
    let access = |access, what| denied(file, access, "it", what);
    access(Access::READ_OK, "is not readable").or_else(|| access(Access::WRITE_OK, "is not writable"))
}

/// Why a file cannot be read, where reading it failed with this error.
pub fn read_problem(file: &Path, error: &std::io::Error) -> String {
    let denied = file_problem(file).filter(|_| error.kind() == ErrorKind::PermissionDenied);
    denied.unwrap_or_else(|| error.to_string())
}

fn denied(path: &Path, access: Access, subject: &str, what: &str) -> Option<String> {
    // By the effective user and its capabilities, which count when a file is opened.
    match rustix::fs::accessat(CWD, path, access, AtFlags::EACCESS).err()? {
        Errno::ACCESS | Errno::PERM => {
            let owner = path.metadata().map(|data| format!(" (it belongs to {})", user_name(data.uid())));
            Some(format!("{subject} {what} for the user {}{}", this_user(), owner.unwrap_or_default()))
        }
        Errno::ROFS => Some(format!("{subject} is in a file system that is mounted read-only")),
        _ => None,
    }
}

/// The user that this process runs as.
fn this_user() -> String {
    user_name(rustix::process::geteuid().as_raw())
}

/// The name of a user; its ID if it is not a local user.
fn user_name(id: u32) -> String {
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, _, uid) = (fields.next()?, fields.next()?, fields.next()?);
        (uid.parse() == Ok(id)).then(|| name.to_owned())
    });
    name.unwrap_or_else(|| format!("with the ID {id}"))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_named() {
        assert_eq!(user_name(0), "root");
        assert_eq!(user_name(u32::MAX - 7), "with the ID 4294967288");
    }

    #[test]
    fn a_folder_that_is_none_is_named_with_its_whole_path() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert_eq!(folder_problem(&file), None);
        assert_eq!(folder_problem(&file.join("x")), Some(format!("{} is not a folder", file.display())));
        let missing = absolute(Path::new("no/such"));
        assert_eq!(folder_problem(Path::new("no/such/x")), Some(format!("there is no folder {}", missing.display())));
        assert_eq!(folder_problem(Path::new("no-such-file")), None);
    }
}
