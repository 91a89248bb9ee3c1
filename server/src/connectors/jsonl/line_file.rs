//! A file of lines: opened, locked and repaired. A batch is appended completely or not at all.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufRead as _, BufReader, Error, Read, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::de::IgnoredAny;

use super::file_offset::{FileIdentity, FileOffset, identity};
use crate::connectors::transient::is_transient_file_error;
use crate::sync::SyncError;
use crate::sync::batch::Batch;
use crate::sync::destination::Outcome;
use crate::types::{folder, folder_problem};

/// No line that a sync writes is longer, in bytes.
const LONGEST_LINE: u64 = 4 * 1024 * 1024;

/// A file that is open and locked.
#[derive(Debug)]
pub struct LineFile {
    path: PathBuf,
    /// Locked while a batch is written.
    writer: Mutex<Writer>,
    pub identity: FileIdentity,
    /// The offset after the last complete batch.
    pub end: AtomicU64,
    /// Whether a flush has ever failed. The system drops the unwritten data then and reports the error only once.
    pub lost: AtomicBool,
}

/// The state needed for writing.
#[derive(Debug)]
pub struct Writer {
    pub file: Arc<File>,
    /// Whether the file may end with part of a batch.
    is_torn: bool,
}

impl LineFile {
    pub fn writer(&self) -> MutexGuard<'_, Writer> {
        // A poisoned lock is safe to use: a partial batch is cut off before the next one.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends a batch completely or not at all.
    pub fn append(&self, batch: &Batch) -> Result<Vec<Option<Outcome>>, SyncError> {
        let mut writer = self.writer();
        let start = self.end.load(Ordering::Relaxed);
        let cannot = |error: &Error| write_error(&self.path, "cannot be written", error);
        if writer.is_torn {
            // The partial batch must be removed first.
            let cut = writer.file.set_len(start);
            cut.map_err(|error| SyncError::Transient(message(&self.path, "cannot be cut back", &error)))?;
            writer.is_torn = false;
        }
        self.is_untouched(&writer.file, start)?;
        let mut file = &*writer.file;
        let written = file.seek(SeekFrom::Start(start)).and_then(|_| file.write_all(batch.all_bytes()));
        if let Err(error) = written {
            // Remove the part that was written, if the disk allows it.
            writer.is_torn = writer.file.set_len(start).is_err();
            return Err(cannot(&error));
        }
        self.end.store(start + batch.size() as u64, Ordering::Relaxed);
        let mark = |object| start + batch.end(object) as u64;
        Ok((0..batch.len()).map(|object| Some(Outcome::Delivered(mark(object)))).collect())
    }

    /// Flushes written data to disk. After one failure it always fails.
    pub fn make_durable(&self) -> Result<(), SyncError> {
        // The lock is released first, so that the next batch can be written during the flush.
        let file = self.writer().file.clone();
        let synced = file.sync_data();
        let lost = self.lost.fetch_or(synced.is_err(), Ordering::Relaxed);
        match synced {
            Err(error) => Err(SyncError::Failed(message(&self.path, "cannot be made durable", &error))),
            Ok(()) if lost => Err(SyncError::Failed(format!("{} could not be made durable", self.path.display()))),
            Ok(()) => Ok(()),
        }
    }

    /// Fails if a process that ignores the lock has removed the file or changed its length.
    fn is_untouched(&self, file: &File, end: u64) -> Result<(), SyncError> {
        let data = file.metadata().map_err(|error| write_error(&self.path, "cannot be read", &error))?;
        let what = match (data.nlink(), data.len()) {
            (0, _) => "was removed".to_owned(),
            (_, length) if length != end => format!("was changed (it has {length} bytes instead of {end})"),
            _ => return Ok(()),
        };
        Err(SyncError::Failed(format!("{} {what} by another process while a sync appended to it", self.path.display())))
    }
}

/// Opens and locks the file; `None` while another process has it locked.
pub fn open(machine: &str, path: PathBuf, position: Option<FileOffset>) -> Result<Option<LineFile>, SyncError> {
    refuse_special(&path)?;
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
    let mut file = file.map_err(|error| open_error(&path, "cannot be opened", &error))?;
    let cannot = |what: &str, error: &Error| write_error(&path, &format!("cannot {what}"), error);
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(cannot("be locked", &error)),
    }
    let identity = identity(machine, &file).map_err(|error| cannot("be read", &error))?;
    let length = file.metadata().map_err(|error| cannot("be read", &error))?.len();
    if length == 0 {
        // The file may be new: flush its folder, too.
        let synced = File::open(folder(&path)).and_then(|folder| folder.sync_all());
        synced.map_err(|error| cannot("be made durable", &error))?;
    }
    // The offset does not apply to a file that has replaced the one the job wrote to, or to a file of the same name on
    // another machine.
    let own = position.filter(|position| position.file == identity);
    if position.is_some() && own.is_none() {
        tracing::warn!(
            path = %path.display(),
            "this is not the file that the job wrote to before, which is on another machine or was replaced; lines are appended to this one"
        );
    }
    let repaired = match own {
        Some(FileOffset { offset, .. }) if offset > length => {
            return Err(SyncError::Failed(format!(
                "{} has {length} bytes and had {offset} when this job last wrote to it, so delivered lines are missing; the next sync does not write them again",
                path.display(),
            )));
        }
        Some(FileOffset { offset, .. }) => cut(&mut file, offset),
        None => {
            holds_objects(&path, &mut file)?;
            complete(&path, &mut file, length)
        }
    };
    let end = repaired.map_err(|error| cannot("be repaired", &error))?;
    let writer = Mutex::new(Writer { file: Arc::new(file), is_torn: false });
    Ok(Some(LineFile { path, writer, identity, end: AtomicU64::new(end), lost: AtomicBool::new(false) }))
}

/// Checks whether lines can be appended.
pub fn probe(path: &Path) -> Result<(), SyncError> {
    refuse_special(path)?;
    let result = if path.exists() {
        OpenOptions::new().read(true).append(true).open(path).map(Some)
    } else {
        tempfile::tempfile_in(folder(&link_target(path))).map(|_| None)
    };
    match result.map_err(|error| open_error(path, "cannot be written", &error))? {
        Some(mut file) => holds_objects(path, &mut file),
        None => Ok(()),
    }
}

/// Fails if the path is a device, a pipe, a folder or anything else but a regular file. Opening a pipe would wait for a reader.
fn refuse_special(path: &Path) -> Result<(), SyncError> {
    match std::fs::metadata(path) {
        Ok(data) if !data.is_file() => Err(SyncError::Config(format!(
            "{} cannot be written: this is not a regular file; choose another `path`",
            path.display()
        ))),
        // If there is no such file, it is created; other errors occur again when it is opened.
        _ => Ok(()),
    }
}

/// The file that a symbolic link names, which need not exist; the path itself if it is not a link.
fn link_target(path: &Path) -> PathBuf {
    const MOST_LINKS: usize = 40;
    let mut target = path.to_owned();
    for _ in 0..MOST_LINKS {
        let Ok(next) = std::fs::read_link(&target) else { break };
        target = folder(&target).join(next);
    }
    target
}

/// Fails if the file does not contain one JSON object per line. Such a file was named by mistake and must not be changed.
fn holds_objects(path: &Path, file: &mut File) -> Result<(), SyncError> {
    let mut first = Vec::new();
    let line = file
        .seek(SeekFrom::Start(0))
        .and_then(|_| BufReader::new(Read::by_ref(file)).take(LONGEST_LINE).read_until(b'\n', &mut first));
    line.map_err(|error| open_error(path, "cannot be read", &error))?;
    let is_line = first.ends_with(b"\n");
    let problem = match first.trim_ascii_end() {
        _ if first.is_empty() => return Ok(()),
        [b'{', .., b'}'] if is_line => {
            if ends_with_object(file).map_err(|error| open_error(path, "cannot be read", &error))? {
                return Ok(());
            }
            "ends with something other than a JSON object"
        }
        _ if is_object(&first) => return Ok(()),
        _ if is_line || first[0] != b'{' || first.len() as u64 == LONGEST_LINE => {
            "contains something other than one JSON object per line"
        }
        _ => "does not begin with a complete JSON object",
    };
    Err(SyncError::Config(format!("{} {problem}; choose another `path`, or remove the file", path.display())))
}

/// Whether the last line is an object or the beginning of one, as a crash leaves it.
fn ends_with_object(file: &mut File) -> std::io::Result<bool> {
    let length = file.metadata()?.len();
    // The last byte may be the line's own line break.
    let start = line_start(file, length.saturating_sub(1))?;
    let mut line = Vec::new();
    file.seek(SeekFrom::Start(start))?;
    Read::by_ref(file).take(LONGEST_LINE).read_to_end(&mut line)?;
    let is_whole = !line.ends_with(b"\n") || line.trim_ascii_end().ends_with(b"}");
    Ok(line.starts_with(b"{") && is_whole)
}

fn is_object(line: &[u8]) -> bool {
    line.starts_with(b"{") && serde_json::from_slice::<IgnoredAny>(line).is_ok()
}

/// Truncates the file after its last complete line before `place`. Returns the new length.
fn cut(file: &mut File, place: u64) -> std::io::Result<u64> {
    let end = line_start(file, place)?;
    file.set_len(end)?;
    Ok(end)
}

/// Completes a last line without a line break: an object gets one, and part of an object, as a crash leaves it, is removed.
/// Returns the new length.
fn complete(path: &Path, file: &mut File, length: u64) -> std::io::Result<u64> {
    let start = line_start(file, length)?;
    if start == length {
        return Ok(length);
    }
    let mut line = Vec::new();
    file.seek(SeekFrom::Start(start))?;
    Read::by_ref(file).take(LONGEST_LINE).read_to_end(&mut line)?;
    if is_object(&line) {
        file.write_all(b"\n")?;
        return Ok(length + 1);
    }
    tracing::warn!(path = %path.display(), bytes = length - start, "removed an incomplete last line");
    file.set_len(start)?;
    Ok(start)
}

/// Where the line begins that ends at `place`: the offset after the last line break before it.
fn line_start(file: &mut File, place: u64) -> std::io::Result<u64> {
    const STEP: u64 = 64 * 1024;
    let mut end = place;
    let mut buffer = Vec::new();
    while end > 0 {
        let start = end.saturating_sub(STEP);
        buffer.clear();
        file.seek(SeekFrom::Start(start))?;
        Read::by_ref(file).take(end - start).read_to_end(&mut buffer)?;
        if let Some(index) = buffer.iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + index as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

/// The error for a file that the sync has open.
fn write_error(path: &Path, what: &str, error: &Error) -> SyncError {
    let message = message(path, what, error);
    if is_transient_file_error(error) { SyncError::Transient(message) } else { SyncError::Failed(message) }
}

/// The error for the configured file; names the folder if that is the problem.
fn open_error(path: &Path, what: &str, error: &Error) -> SyncError {
    let message = match folder_problem(&link_target(path)) {
        Some(problem) => format!("{} {what}: {problem}", path.display()),
        None => message(path, what, error),
    };
    if is_transient_file_error(error) { SyncError::Transient(message) } else { SyncError::Config(message) }
}

fn message(path: &Path, what: &str, error: &Error) -> String {
    format!("{} {what}: {error}", path.display())
}
