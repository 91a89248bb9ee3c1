//! A file with one object a line.
//!
//! A resumed job cuts the file back to where it was at the job's last checkpoint and goes on there, so no line stands
//! twice. Any other job only removes a last line that was half written. The file is locked while a run writes to it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::{Limits, Outcome, SyncError};
use crate::sync::batch::Batch;

/// One batch at a time: lines stand in the order of the rows.
pub const LIMITS: Limits = Limits { lanes: 1, objects: 5000, bytes: 1_000_000, separator: b'\n' };

/// A file that is open for a run.
#[derive(Debug)]
pub struct Jsonl(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    file: Mutex<File>,
    position: AtomicU64,
}

impl Jsonl {
    /// Opens, locks and repairs the file; makes it if there is none.
    pub async fn open(path: &Path, position: Option<u64>) -> Result<Jsonl, SyncError> {
        let path = path.to_owned();
        blocking(move || {
            let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
            let mut file = file.map_err(|error| SyncError::Config(said(&path, "cannot be opened", &error)))?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    return Err(SyncError::Failed(format!("{} is being written by somebody else", path.display())));
                }
                Err(TryLockError::Error(error)) => {
                    return Err(SyncError::Failed(said(&path, "cannot be locked", &error)));
                }
            }
            let repaired = repair(&mut file, position);
            let end = repaired.map_err(|error| SyncError::Failed(said(&path, "cannot be repaired", &error)))?;
            Ok(Jsonl(Arc::new(Inner { path, file: Mutex::new(file), position: AtomicU64::new(end) })))
        })
        .await
    }

    /// How long the file is.
    pub fn position(&self) -> u64 {
        self.0.position.load(Ordering::Relaxed)
    }

    /// Appends a batch.
    pub async fn deliver(&self, batch: Batch) -> Result<(Batch, Vec<Outcome>), SyncError> {
        let inner = self.0.clone();
        blocking(move || {
            let mut file = inner.file.lock().unwrap_or_else(PoisonError::into_inner);
            let start = inner.position.load(Ordering::Relaxed);
            let written = file.seek(SeekFrom::Start(start)).and_then(|_| file.write_all(batch.all_bytes()));
            written.map_err(|error| SyncError::Failed(said(&inner.path, "cannot be written", &error)))?;
            inner.position.store(start + batch.size() as u64, Ordering::Relaxed);
            let outcome = |object| Outcome::Delivered(Some(start + batch.end(object) as u64));
            let outcomes = (0..batch.len()).map(outcome).collect();
            Ok((batch, outcomes))
        })
        .await
    }

    /// Makes what was written outlive a power cut.
    pub async fn flush(&self) -> Result<(), SyncError> {
        let inner = self.0.clone();
        blocking(move || {
            // Not under the lock: the next batch may be written meanwhile.
            let file = inner.file.lock().unwrap_or_else(PoisonError::into_inner).try_clone();
            let synced = file.and_then(|file| file.sync_data());
            synced.map_err(|error| SyncError::Failed(said(&inner.path, "cannot be made durable", &error)))
        })
        .await
    }
}

/// Looks whether lines could be appended.
pub fn look(path: &Path) -> Result<(), SyncError> {
    let result = if path.exists() {
        OpenOptions::new().append(true).open(path).map(drop)
    } else {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        tempfile::tempfile_in(folder).map(drop)
    };
    result.map_err(|error| SyncError::Config(said(path, "cannot be written", &error)))
}

/// Cuts the file back to the position, or to the end of its last whole line. Returns its length.
fn repair(file: &mut File, position: Option<u64>) -> std::io::Result<u64> {
    const STEP: u64 = 64 * 1024;
    let length = file.metadata()?.len();
    let mut end = length.min(position.unwrap_or(length));
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

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SyncError> + Send + 'static,
) -> Result<T, SyncError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(SyncError::Failed(format!("writing the file failed: {error}"))))
}

fn said(path: &Path, what: &str, error: &std::io::Error) -> String {
    format!("{} {what}: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(objects: &[&str]) -> Batch {
        let mut batch = Batch::default();
        for (row, object) in (0..).zip(objects) {
            let write = |out: &mut Vec<u8>| {
                out.extend_from_slice(object.as_bytes());
                Ok(())
            };
            batch.push(row, 0, None, LIMITS.separator, write).unwrap();
        }
        batch
    }

    async fn write(path: &Path, position: Option<u64>, objects: &[&str]) -> Vec<Outcome> {
        let file = Jsonl::open(path, position).await.unwrap();
        let (_, outcomes) = file.deliver(batch(objects)).await.unwrap();
        file.flush().await.unwrap();
        outcomes
    }

    #[tokio::test]
    async fn objects_become_lines_and_each_knows_where_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.jsonl");
        assert_eq!(
            write(&path, None, &["{1}", "{22}"]).await,
            [Outcome::Delivered(Some(4)), Outcome::Delivered(Some(9))]
        );
        assert_eq!(write(&path, None, &["{3}"]).await, [Outcome::Delivered(Some(13))]);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{1}\n{22}\n{3}\n");
    }

    #[tokio::test]
    async fn a_half_written_line_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.jsonl");
        for (before, after) in [("{1}\n{2", "{1}\n{9}\n"), ("{1", "{9}\n"), ("", "{9}\n")] {
            std::fs::write(&path, before).unwrap();
            write(&path, None, &["{9}"]).await;
            assert_eq!(std::fs::read_to_string(&path).unwrap(), after);
        }
        let long = "x".repeat(200_000);
        std::fs::write(&path, format!("{{1}}\n{long}")).unwrap();
        write(&path, None, &["{9}"]).await;
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{1}\n{9}\n");
    }

    #[tokio::test]
    async fn a_resumed_job_goes_on_where_its_checkpoint_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.jsonl");
        std::fs::write(&path, "{1}\n{2}\n{3}\n{4").unwrap();
        write(&path, Some(8), &["{3}"]).await;
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{1}\n{2}\n{3}\n");
        // Somebody has taken the file away meanwhile.
        std::fs::write(&path, "{a}\n").unwrap();
        write(&path, Some(800), &["{3}"]).await;
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{a}\n{3}\n");
    }

    #[tokio::test]
    async fn two_runs_never_write_to_one_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.jsonl");
        let _first = Jsonl::open(&path, None).await.unwrap();
        let second = Jsonl::open(&path, None).await.unwrap_err();
        assert!(second.to_string().contains("somebody else"), "{second}");
    }

    #[test]
    fn looking_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        look(&folder.path().join("out.jsonl")).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(matches!(look(&folder.path().join("no/such/out.jsonl")), Err(SyncError::Config(_))));
    }
}
