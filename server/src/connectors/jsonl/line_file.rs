//! A file of lines: opened, locked and repaired; a batch is appended as a whole or not at all.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Error, Read, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::file_offset::{FileIdentity, FileOffset, identity};
use crate::connectors::passing::file_passes;
use crate::sync::SyncError;
use crate::sync::batch::Batch;
use crate::sync::destination::Outcome;
use crate::types::{folder, folder_problem};

/// A file that is open and locked.
#[derive(Debug)]
pub struct LineFile {
    path: PathBuf,
    /// Held while a batch is written.
    writer: Mutex<Writer>,
    /// Which file it is.
    pub identity: FileIdentity,
    /// Where the last whole batch ends.
    pub end: AtomicU64,
    /// Whether the file could once not be made durable: the system then forgets what it had, and says so only once.
    pub lost: AtomicBool,
}

/// What writes to it.
#[derive(Debug)]
pub struct Writer {
    /// The file itself.
    pub file: Arc<File>,
    /// Whether a part of a batch may stand at the end.
    is_torn: bool,
}

impl LineFile {
    /// Its writer, when no batch is being written.
    pub fn writer(&self) -> MutexGuard<'_, Writer> {
        // What it says of the file is put right before the next batch.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends a batch, or nothing.
    pub fn append(&self, batch: &Batch) -> Result<Vec<Option<Outcome>>, SyncError> {
        let mut writer = self.writer();
        let start = self.end.load(Ordering::Relaxed);
        let cannot = |error: &Error| trouble(&self.path, "cannot be written", error);
        if writer.is_torn {
            // Nothing can be written before that.
            let cut = writer.file.set_len(start);
            cut.map_err(|error| SyncError::Transient(said(&self.path, "cannot be cut back", &error)))?;
            writer.is_torn = false;
        }
        self.is_untouched(&writer.file, start)?;
        let mut file = &*writer.file;
        let written = file.seek(SeekFrom::Start(start)).and_then(|_| file.write_all(batch.all_bytes()));
        if let Err(error) = written {
            // What there is of the batch goes, if only the disk lets it.
            writer.is_torn = writer.file.set_len(start).is_err();
            return Err(cannot(&error));
        }
        self.end.store(start + batch.size() as u64, Ordering::Relaxed);
        let mark = |object| start + batch.end(object) as u64;
        Ok((0..batch.len()).map(|object| Some(Outcome::Delivered(mark(object)))).collect())
    }

    /// Makes what was written outlive a power cut. Once it has failed it always fails.
    pub fn make_durable(&self) -> Result<(), SyncError> {
        // Not under the lock: the next batch may be written meanwhile.
        let file = self.writer().file.clone();
        let synced = file.sync_data();
        let lost = self.lost.fetch_or(synced.is_err(), Ordering::Relaxed);
        match synced {
            Err(error) => Err(SyncError::Failed(said(&self.path, "cannot be made durable", &error))),
            Ok(()) if lost => Err(SyncError::Failed(format!("{} could not be made durable", self.path.display()))),
            Ok(()) => Ok(()),
        }
    }

    /// Fails if a process that ignores the lock has removed the file or changed its length.
    fn is_untouched(&self, file: &File, end: u64) -> Result<(), SyncError> {
        let data = file.metadata().map_err(|error| trouble(&self.path, "cannot be read", &error))?;
        let what = match (data.nlink(), data.len()) {
            (0, _) => "was removed".to_owned(),
            (_, length) if length != end => format!("was changed (it has {length} bytes instead of {end})"),
            _ => return Ok(()),
        };
        Err(SyncError::Failed(format!("{} {what} by another process while a sync appended to it", self.path.display())))
    }
}

/// Opens the file; `None` while another process has it locked.
pub fn open(machine: &str, path: PathBuf, position: Option<FileOffset>) -> Result<Option<LineFile>, SyncError> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
    let mut file = file.map_err(|error| refusal(&path, "cannot be opened", &error))?;
    let cannot = |what: &str, error: &Error| trouble(&path, &format!("cannot {what}"), error);
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(cannot("be locked", &error)),
    }
    holds_objects(&path, &mut file)?;
    let identity = identity(machine, &file).map_err(|error| cannot("be read", &error))?;
    let length = file.metadata().map_err(|error| cannot("be read", &error))?.len();
    if length == 0 {
        // It may be new.
        let synced = File::open(folder(&path)).and_then(|folder| folder.sync_all());
        synced.map_err(|error| cannot("be made durable", &error))?;
    }
    // A file that was put in the place of the one that the job wrote to has nothing to do with its position, and neither has
    // a file of that name on another machine.
    let own = position.filter(|position| position.file == identity);
    if position.is_some() && own.is_none() {
        tracing::warn!(
            path = %path.display(),
            "this is not the file that the job wrote to before, which is on another machine or was replaced; lines are appended to this one"
        );
    }
    let end = own.map_or(length, |position| position.offset);
    if end > length {
        return Err(SyncError::Failed(format!(
            "{} has {length} bytes and had {end} when this job last wrote to it, so delivered lines are missing; the next sync does not write them again",
            path.display(),
        )));
    }
    let end = repair(&mut file, end).map_err(|error| cannot("be repaired", &error))?;
    let writer = Mutex::new(Writer { file: Arc::new(file), is_torn: false });
    Ok(Some(LineFile { path, writer, identity, end: AtomicU64::new(end), lost: AtomicBool::new(false) }))
}

/// Checks whether lines can be appended.
pub fn probe(path: &Path) -> Result<(), SyncError> {
    let result = if path.exists() {
        OpenOptions::new().read(true).append(true).open(path).map(Some)
    } else {
        tempfile::tempfile_in(folder(path)).map(|_| None)
    };
    match result.map_err(|error| refusal(path, "cannot be written", &error))? {
        Some(mut file) => holds_objects(path, &mut file),
        None => Ok(()),
    }
}

/// A file with other contents was named by mistake, and is not changed.
fn holds_objects(path: &Path, file: &mut File) -> Result<(), SyncError> {
    let mut first = [0];
    let read = file.seek(SeekFrom::Start(0)).and_then(|_| file.read(&mut first));
    match read.map_err(|error| refusal(path, "cannot be read", &error))? {
        1 if first[0] != b'{' => Err(SyncError::Config(format!(
            "{} contains something else than one JSON object per line; choose another `path`, or remove the file",
            path.display()
        ))),
        _ => Ok(()),
    }
}

/// Cuts the file back to the end of its last whole line before that place. Returns its length.
fn repair(file: &mut File, place: u64) -> std::io::Result<u64> {
    const STEP: u64 = 64 * 1024;
    let length = file.metadata()?.len();
    let mut end = length.min(place);
    let mut buffer = Vec::new();
    while end > 0 {
        let start = end.saturating_sub(STEP);
        buffer.clear();
        file.seek(SeekFrom::Start(start))?;
        Read::by_ref(file).take(end - start).read_to_end(&mut buffer)?;
        match buffer.iter().rposition(|byte| *byte == b'\n') {
            Some(index) => {
                end = start + index as u64 + 1;
                break;
            }
            None => end = start,
        }
    }
    if end < length {
        file.set_len(end)?;
    }
    Ok(end)
}

/// An error of a file that the sync has open.
fn trouble(path: &Path, what: &str, error: &Error) -> SyncError {
    let message = said(path, what, error);
    if file_passes(error) { SyncError::Transient(message) } else { SyncError::Failed(message) }
}

/// An error of the file that the configuration names, with the reason if its folder is the problem.
fn refusal(path: &Path, what: &str, error: &Error) -> SyncError {
    let message = match folder_problem(path) {
        Some(problem) => format!("{} {what}: {problem}", path.display()),
        None => said(path, what, error),
    };
    if file_passes(error) { SyncError::Transient(message) } else { SyncError::Config(message) }
}

fn said(path: &Path, what: &str, error: &Error) -> String {
    format!("{} {what}: {error}", path.display())
}
