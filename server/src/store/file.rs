//! The file of a SQLite store. It may be deleted or replaced while it is open; SQLite does not notice, and what it writes
//! from then on is lost.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::StoreError;
use super::error::Unavailability;

/// The file that a store has open.
#[derive(Debug)]
pub(super) struct OpenFile {
    path: PathBuf,
    id: FileId,
}

/// Device and inode.
type FileId = (u64, u64);

impl OpenFile {
    /// The file that was opened at this path a moment ago.
    pub fn at(path: &Path) -> io::Result<OpenFile> {
        Ok(OpenFile { path: path.to_owned(), id: file_id(path)? })
    }

    /// Its size in bytes, with its write-ahead log.
    pub fn size(&self) -> io::Result<u64> {
        let mut log = self.path.as_os_str().to_owned();
        log.push("-wal");
        let log = std::fs::metadata(log).map_or(0, |log| log.len());
        Ok(std::fs::metadata(&self.path)?.len() + log)
    }

    /// Fails if another file, or none, is at the path now.
    pub fn check(&self) -> Result<(), StoreError> {
        let file = self.path.display();
        let reason = match file_id(&self.path) {
            Ok(id) if id == self.id => return Ok(()),
            // SQLite would replay the log of the old file into the new one.
            Ok(_) => format!(
                "{file} was replaced while it was in use; move the old file back, or stop `cdi-server`, delete {file}-wal and \
                 {file}-shm, which belong to the old file, and start it again"
            ),
            Err(error) if error.kind() == io::ErrorKind::NotFound => format!(
                "{file} was deleted or moved while it was in use; move it back, or restart `cdi-server` to begin with a new \
                 store, which knows no watermarks, so that every row is sent again"
            ),
            // It is there, as far as one can tell: SQLite needs no permission for a file that is open.
            Err(_) => return Ok(()),
        };
        Err(StoreError::Unavailable { kind: Unavailability::Unreachable, reason })
    }
}

fn file_id(path: &Path) -> io::Result<FileId> {
    let metadata = std::fs::metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}
