//! A file with one object a line.
//!
//! A batch is there whole or not at all. A resumed job cuts the file back to where it was at the job's last checkpoint and
//! goes on there, so no line stands twice. Any other job only removes a last line that was half written. The file is
//! locked while a run writes to it, and until the last batch of a run that was broken off is written.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Error, Read, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{Limits, Outcome, Position, SyncError};
use crate::sync::batch::Batch;
use crate::sync::lease_keeper::Fence;

/// One batch at a time: lines stand in the order of the rows.
pub const LIMITS: Limits = Limits { lanes: 1, objects: 5000, bytes: 1_000_000, separator: b'\n' };

/// How long to wait for a worker that has lost the job and still writes.
const LOCKED: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// A file that is open for a run.
#[derive(Debug)]
pub struct Jsonl {
    inner: Arc<Inner>,
    fence: Fence,
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    file: Mutex<File>,
    number: u64,
    end: AtomicU64,
    /// Whether the file could once not be made durable: the system then forgets what it had, and says so only once.
    lost: AtomicBool,
}

impl Jsonl {
    /// Opens, locks and repairs the file; makes it if there is none.
    pub async fn open(path: &Path, position: Option<Position>, fence: Fence) -> Result<Jsonl, SyncError> {
        let begun = Instant::now();
        loop {
            let own = path.to_owned();
            match blocking(move || open(own, position)).await? {
                Some(inner) => return Ok(Jsonl { inner: Arc::new(inner), fence }),
                None if begun.elapsed() < LOCKED => sleep(LOOK_AGAIN).await,
                None => {
                    let message = format!("{} is being written by somebody else", path.display());
                    return Err(SyncError::Failed(message));
                }
            }
        }
    }

    /// Where the file ends.
    pub fn position(&self) -> Position {
        Position { file: self.inner.number, offset: self.inner.end.load(Ordering::Relaxed) }
    }

    /// Appends a batch.
    pub async fn deliver(&self, batch: Batch) -> Result<(Batch, Vec<Outcome>), SyncError> {
        self.fence.pass().await;
        let inner = self.inner.clone();
        blocking(move || {
            let mut file = inner.file.lock().unwrap_or_else(PoisonError::into_inner);
            let start = inner.end.load(Ordering::Relaxed);
            inner.is_untouched(&file, start)?;
            let written = file.seek(SeekFrom::Start(start)).and_then(|_| file.write_all(batch.all_bytes()));
            if let Err(error) = written {
                // What there is of the batch goes, if only the disk lets it.
                let _ = file.set_len(start);
                return Err(SyncError::Failed(said(&inner.path, "cannot be written", &error)));
            }
            inner.end.store(start + batch.size() as u64, Ordering::Relaxed);
            let position = |object| Position { file: inner.number, offset: start + batch.end(object) as u64 };
            let outcomes = (0..batch.len()).map(|object| Outcome::Delivered(Some(position(object)))).collect();
            Ok((batch, outcomes))
        })
        .await
    }

    /// Makes what was written outlive a power cut.
    pub async fn flush(&self) -> Result<(), SyncError> {
        let inner = self.inner.clone();
        blocking(move || {
            // Not under the lock: the next batch may be written meanwhile.
            let file = inner.file.lock().unwrap_or_else(PoisonError::into_inner).try_clone();
            let synced = file.and_then(|file| file.sync_data());
            let lost = inner.lost.fetch_or(synced.is_err(), Ordering::Relaxed);
            match synced {
                Err(error) => Err(SyncError::Failed(said(&inner.path, "cannot be made durable", &error))),
                Ok(()) if lost => Err(SyncError::Failed(format!("{} could not be made durable", inner.path.display()))),
                Ok(()) => Ok(()),
            }
        })
        .await
    }
}

impl Inner {
    /// Fails where somebody who does not ask for the lock has removed the file or changed its length.
    fn is_untouched(&self, file: &File, end: u64) -> Result<(), SyncError> {
        let data = file.metadata().map_err(|error| SyncError::Failed(said(&self.path, "cannot be read", &error)))?;
        let what = match (data.nlink(), data.len()) {
            (0, _) => "was removed".to_owned(),
            (_, length) if length != end => format!("was changed (it has {length} bytes in place of {end})"),
            _ => return Ok(()),
        };
        Err(SyncError::Failed(format!("{} {what} while lines were appended to it", self.path.display())))
    }
}

/// Looks whether lines could be appended.
pub fn look(path: &Path) -> Result<(), SyncError> {
    let result = if path.exists() {
        OpenOptions::new().read(true).append(true).open(path).map(Some)
    } else {
        tempfile::tempfile_in(folder(path)).map(|_| None)
    };
    match result.map_err(|error| SyncError::Config(said(path, "cannot be written", &error)))? {
        Some(mut file) => holds_objects(path, &mut file),
        None => Ok(()),
    }
}

/// Opens the file; nothing while somebody else has it.
fn open(path: PathBuf, position: Option<Position>) -> Result<Option<Inner>, SyncError> {
    let is_new = !path.exists();
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
    let mut file = file.map_err(|error| SyncError::Config(said(&path, "cannot be opened", &error)))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(SyncError::Failed(said(&path, "cannot be locked", &error))),
    }
    holds_objects(&path, &mut file)?;
    let cannot = |what: &str, error: &Error| SyncError::Failed(said(&path, &format!("cannot {what}"), error));
    if is_new {
        let synced = File::open(folder(&path)).and_then(|folder| folder.sync_all());
        synced.map_err(|error| cannot("be made durable", &error))?;
    }
    let data = file.metadata().map_err(|error| cannot("be read", &error))?;
    let number = data.ino();
    // A file that was put in the place of the one that the job wrote to has nothing to do with its position.
    let mine = position.filter(|position| position.file == number);
    let end = mine.map_or(data.len(), |position| position.offset);
    if end > data.len() {
        return Err(SyncError::Failed(format!(
            "{} has {} bytes and had {end} when this job last wrote to it: lines that were delivered are gone; the next sync goes on without them",
            path.display(),
            data.len()
        )));
    }
    let end = repair(&mut file, end).map_err(|error| cannot("be repaired", &error))?;
    Ok(Some(Inner { path, file: Mutex::new(file), number, end: AtomicU64::new(end), lost: AtomicBool::new(false) }))
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A file that holds something else was named by mistake, and stays as it is.
fn holds_objects(path: &Path, file: &mut File) -> Result<(), SyncError> {
    let mut first = [0];
    let read = file.seek(SeekFrom::Start(0)).and_then(|_| file.read(&mut first));
    match read.map_err(|error| SyncError::Config(said(path, "cannot be read", &error)))? {
        1 if first[0] != b'{' => Err(SyncError::Config(format!(
            "{} holds something else than objects, one a line; name another file or take it away",
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

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SyncError> + Send + 'static,
) -> Result<T, SyncError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(SyncError::Failed(format!("writing the file failed: {error}"))))
}

fn said(path: &Path, what: &str, error: &Error) -> String {
    format!("{} {what}: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::row::Row;

    fn batch(objects: &[&str]) -> Batch {
        let mut batch = Batch::default();
        for (row, object) in (0..).zip(objects) {
            let write = |_: &Row, out: &mut Vec<u8>| {
                out.extend_from_slice(object.as_bytes());
                Ok(())
            };
            batch.push(row, Row::new(0, None, None, None), LIMITS.separator, write).unwrap();
        }
        batch
    }

    async fn open(path: &Path, position: Option<Position>) -> Result<Jsonl, SyncError> {
        Jsonl::open(path, position, Fence::none()).await
    }

    /// Appends a batch, and gives the places where its objects end.
    async fn write(path: &Path, position: Option<Position>, objects: &[&str]) -> Vec<u64> {
        let file = open(path, position).await.unwrap();
        let (_, outcomes) = file.deliver(batch(objects)).await.unwrap();
        file.flush().await.unwrap();
        let place = |outcome| match outcome {
            Outcome::Delivered(Some(position)) => position.offset,
            other => panic!("{other:?}"),
        };
        outcomes.into_iter().map(place).collect()
    }

    fn number(path: &Path) -> u64 {
        std::fs::metadata(path).unwrap().ino()
    }

    #[tokio::test]
    async fn objects_become_lines_and_each_knows_where_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.jsonl");
        assert_eq!(write(&path, None, &["{1}", "{22}"]).await, [4, 9]);
        assert_eq!(write(&path, None, &["{3}"]).await, [13]);
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
        let position = |offset| Some(Position { file: number(&path), offset });
        write(&path, position(8), &["{3}"]).await;
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{1}\n{2}\n{3}\n");
        // Lines are gone that nobody will send again: that must be said.
        let error = open(&path, position(800)).await.unwrap_err().to_string();
        assert!(error.contains("has 12 bytes and had 800"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{1}\n{2}\n{3}\n");
    }

    #[tokio::test]
    async fn a_file_in_the_place_of_another_is_not_cut() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.jsonl");
        std::fs::write(&path, "{1}\n{2}\n{3}\n").unwrap();
        let position = Some(Position { file: number(&path) + 1, offset: 4 });
        write(&path, position, &["{4}"]).await;
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{1}\n{2}\n{3}\n{4}\n");
    }

    #[tokio::test]
    async fn a_file_that_holds_something_else_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("opencdi.toml");
        std::fs::write(&path, "store = \"x\"\nhalf a line").unwrap();
        for error in [open(&path, None).await.unwrap_err(), look(&path).unwrap_err()] {
            assert!(matches!(&error, SyncError::Config(cause) if cause.contains("something else")), "{error}");
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "store = \"x\"\nhalf a line");
    }

    #[tokio::test]
    async fn a_run_waits_until_the_one_before_has_let_go_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.jsonl");
        let first = open(&path, None).await.unwrap();
        let second = open(&path, None);
        tokio::pin!(second);
        let waits = tokio::time::timeout(Duration::from_millis(300), &mut second).await;
        assert!(waits.is_err(), "{waits:?}");
        drop(first);
        second.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn it_does_not_wait_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.jsonl");
        let _first = open(&path, None).await.unwrap();
        let error = open(&path, None).await.unwrap_err();
        assert!(matches!(&error, SyncError::Failed(cause) if cause.contains("somebody else")), "{error}");
    }

    #[tokio::test]
    async fn what_was_once_not_durable_is_never_called_durable() {
        let folder = tempfile::tempdir().unwrap();
        let file = open(&folder.path().join("out.jsonl"), None).await.unwrap();
        file.flush().await.unwrap();
        file.inner.lost.store(true, Ordering::Relaxed);
        assert!(matches!(file.flush().await, Err(SyncError::Failed(_))));
    }

    #[tokio::test]
    async fn nothing_of_a_batch_stays_that_cannot_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.jsonl");
        std::fs::write(&path, "{1}\n").unwrap();
        let file = open(&path, None).await.unwrap();
        // A file that was opened for reading takes nothing, like a full disk.
        *file.inner.file.lock().unwrap() = File::open(&path).unwrap();
        let error = file.deliver(batch(&["{2}"])).await.unwrap_err();
        assert!(matches!(error, SyncError::Failed(_)), "{error}");
        assert_eq!((file.position().offset, std::fs::read_to_string(&path).unwrap()), (4, "{1}\n".into()));
    }

    #[tokio::test]
    async fn a_file_that_somebody_else_has_touched_gets_nothing_more() {
        type Touch = fn(&Path);
        let touches: [(Touch, &str); 3] = [
            (|path| std::fs::write(path, "").unwrap(), "was changed (it has 0 bytes in place of 4)"),
            (|path| std::fs::write(path, "{1}\n{theirs}\n").unwrap(), "was changed (it has 13 bytes in place of 4)"),
            (|path| std::fs::remove_file(path).unwrap(), "was removed"),
        ];
        for (touch, expected) in touches {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("out.jsonl");
            let file = open(&path, None).await.unwrap();
            file.deliver(batch(&["{1}"])).await.unwrap();
            touch(&path);
            let left = std::fs::read(&path).ok();
            let error = file.deliver(batch(&["{2}"])).await.unwrap_err();
            assert!(matches!(&error, SyncError::Failed(cause) if cause.contains(expected)), "{error}");
            assert_eq!(std::fs::read(&path).ok(), left);
        }
        // Only its name is another: the lines are there.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.jsonl");
        let file = open(&path, None).await.unwrap();
        std::fs::rename(&path, folder.path().join("out.1.jsonl")).unwrap();
        file.deliver(batch(&["{1}"])).await.unwrap();
    }

    #[test]
    fn looking_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        look(&folder.path().join("out.jsonl")).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(matches!(look(&folder.path().join("no/such/out.jsonl")), Err(SyncError::Config(_))));
    }
}
