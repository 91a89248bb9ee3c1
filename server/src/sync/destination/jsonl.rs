//! A file with one object a line.
//!
//! A batch is there whole or not at all. A resumed job cuts the file back to where it was at the job's last checkpoint and
//! goes on there, so no line stands twice; a position of another machine, disk or file says nothing of this one. Any other
//! job only removes a last line that was half written. The file is locked while a run writes to it, and until the last
//! batch of a run that was broken off is written.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Error, Read, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use sha2::{Digest as _, Sha256};
use tokio::time::{Instant, sleep};

use super::{DeliveryContext, FileIdentity, Limits, Outcome, Position, SyncError};
use crate::sync::batch::Batch;
use crate::sync::passing::file_passes;
use crate::types::folder;

/// One batch at a time: lines stand in the order of the rows.
pub const LIMITS: Limits = Limits { lanes: 1, objects: 5000, bytes: 1_000_000, separator: b'\n' };

/// How long to wait for a worker that has lost the job and still writes.
const LOCKED: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// How long a full disk and the like are waited for.
const GIVE_UP_AFTER: Duration = Duration::from_secs(300);
/// Pauses get longer as long as nothing works, but not longer than this.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// A file that is open for a run.
#[derive(Debug)]
pub struct Jsonl {
    inner: Arc<Inner>,
    context: DeliveryContext,
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    /// Held while a batch is written.
    writer: Mutex<Writer>,
    identity: FileIdentity,
    end: AtomicU64,
    /// Whether the file could once not be made durable: the system then forgets what it had, and says so only once.
    lost: AtomicBool,
}

#[derive(Debug)]
struct Writer {
    file: Arc<File>,
    /// Whether a part of a batch may stand at the end.
    is_torn: bool,
}

impl Jsonl {
    /// Opens, locks and repairs the file; makes it if there is none.
    pub async fn open(path: &Path, position: Option<Position>, context: DeliveryContext) -> Result<Jsonl, SyncError> {
        Jsonl::open_on(machine(), path, position, context).await
    }

    async fn open_on(
        machine: &'static str,
        path: &Path,
        position: Option<Position>,
        context: DeliveryContext,
    ) -> Result<Jsonl, SyncError> {
        let begun = Instant::now();
        let mut patience = Patience::new(&context);
        loop {
            let own = path.to_owned();
            match blocking(move || open(machine, own, position)).await {
                Ok(Some(inner)) => return Ok(Jsonl { inner: Arc::new(inner), context }),
                Ok(None) if begun.elapsed() < LOCKED => sleep(LOOK_AGAIN).await,
                Ok(None) => {
                    let message = format!("{} is being written by somebody else", path.display());
                    return Err(SyncError::Passing(message));
                }
                Err(SyncError::Passing(cause)) => patience.wait(cause).await?,
                Err(error) => return Err(error),
            }
        }
    }

    /// Where the file ends.
    pub fn position(&self) -> Position {
        Position { file: self.inner.identity, offset: self.inner.end.load(Ordering::Relaxed) }
    }

    /// Appends a batch; nothing is known of its objects where the run is to stop before it may be written.
    pub async fn deliver(&self, mut batch: Batch) -> Result<(Batch, Vec<Option<Outcome>>), SyncError> {
        let DeliveryContext { fence, stop, slot, .. } = &self.context;
        let mut patience = Patience::new(&self.context);
        loop {
            tokio::select! {
                biased;
                () = slot.wait(fence.pass()) => {}
                () = stop.asked() => {
                    let unknown = vec![None; batch.len()];
                    return Ok((batch, unknown));
                }
            }
            let inner = self.inner.clone();
            let (back, appended) = blocking(move || {
                let appended = inner.append(&batch);
                Ok((batch, appended))
            })
            .await?;
            batch = back;
            match appended {
                Ok(outcomes) => return Ok((batch, outcomes)),
                Err(SyncError::Passing(cause)) => patience.wait(cause).await?,
                Err(error) => return Err(error),
            }
        }
    }

    /// Makes what was written outlive a power cut.
    pub async fn flush(&self) -> Result<(), SyncError> {
        let inner = self.inner.clone();
        blocking(move || {
            // Not under the lock: the next batch may be written meanwhile.
            let file = inner.writer().file.clone();
            let synced = file.sync_data();
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

/// Waits for trouble to pass, longer each time.
struct Patience<'a> {
    context: &'a DeliveryContext,
    pauses: ExponentialBackoff,
    since: Option<Instant>,
}

impl Patience<'_> {
    fn new(context: &DeliveryContext) -> Patience<'_> {
        let pauses = ExponentialBuilder::new().with_min_delay(context.first_pause).with_max_delay(LONGEST_PAUSE);
        Patience { context, pauses: pauses.without_max_times().build(), since: None }
    }

    /// Waits before another try. Fails where it was tried for long enough, and where the run is to stop.
    async fn wait(&mut self, cause: String) -> Result<(), SyncError> {
        let since = *self.since.get_or_insert_with(Instant::now);
        let pause = self.pauses.next().unwrap_or(LONGEST_PAUSE);
        if since.elapsed() + pause > GIVE_UP_AFTER {
            let waited = since.elapsed().as_secs_f64();
            return Err(SyncError::Failed(format!("{cause} (tried again for {waited:.1} s)")));
        }
        tracing::warn!(cause, ?pause, "the file cannot be written now; trying again");
        let DeliveryContext { stop, slot, .. } = self.context;
        tokio::select! {
            biased;
            () = stop.asked() => Err(SyncError::Passing(cause)),
            () = slot.wait(sleep(pause)) => Ok(()),
        }
    }
}

impl Inner {
    fn writer(&self) -> MutexGuard<'_, Writer> {
        // What it says of the file is put right before the next batch.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends a batch, or nothing.
    fn append(&self, batch: &Batch) -> Result<Vec<Option<Outcome>>, SyncError> {
        let mut writer = self.writer();
        let start = self.end.load(Ordering::Relaxed);
        let cannot = |error: &Error| trouble(&self.path, "cannot be written", error);
        if writer.is_torn {
            // Nothing can be written before that.
            let cut = writer.file.set_len(start);
            cut.map_err(|error| SyncError::Passing(said(&self.path, "cannot be cut back", &error)))?;
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
        let position = |object| Position { file: self.identity, offset: start + batch.end(object) as u64 };
        Ok((0..batch.len()).map(|object| Some(Outcome::Delivered(Some(position(object))))).collect())
    }

    /// Fails where somebody who does not ask for the lock has removed the file or changed its length.
    fn is_untouched(&self, file: &File, end: u64) -> Result<(), SyncError> {
        let data = file.metadata().map_err(|error| trouble(&self.path, "cannot be read", &error))?;
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
    match result.map_err(|error| refusal(path, "cannot be written", &error))? {
        Some(mut file) => holds_objects(path, &mut file),
        None => Ok(()),
    }
}

/// Opens the file; nothing while somebody else has it.
fn open(machine: &str, path: PathBuf, position: Option<Position>) -> Result<Option<Inner>, SyncError> {
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
            "this is not the file that the job began to write, which is on another machine or was replaced; lines are appended to this one"
        );
    }
    let end = own.map_or(length, |position| position.offset);
    if end > length {
        return Err(SyncError::Failed(format!(
            "{} has {length} bytes and had {end} when this job last wrote to it: lines that were delivered are gone; the next sync goes on without them",
            path.display(),
        )));
    }
    let end = repair(&mut file, end).map_err(|error| cannot("be repaired", &error))?;
    let writer = Mutex::new(Writer { file: Arc::new(file), is_torn: false });
    Ok(Some(Inner { path, writer, identity, end: AtomicU64::new(end), lost: AtomicBool::new(false) }))
}

/// Which file it is, in the whole world: numbers of files and of disks are the same on machines that were made alike, and
/// that of a file comes again when it is removed.
fn identity(machine: &str, file: &File) -> std::io::Result<FileIdentity> {
    let data = file.metadata()?;
    // Where the disk knows when a file was made.
    let made = data.created().ok().and_then(|made| made.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    let parts = format!("{machine}\n{}\n{}\n{}", data.dev(), data.ino(), made.as_nanos());
    let digest: [u8; 32] = Sha256::digest(parts).into();
    let (front, _) = digest.split_at(16);
    Ok(FileIdentity(front.iter().fold(0, |number, byte| number << 8 | u128::from(*byte))))
}

/// What this machine is called: its ID, which those that are made of one image may share, and its host name, which replicas
/// do not.
fn machine() -> &'static str {
    static MACHINE: OnceLock<String> = OnceLock::new();
    MACHINE.get_or_init(|| {
        let files = ["/etc/machine-id", "/var/lib/dbus/machine-id"];
        let id = files.iter().find_map(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
        let system = rustix::system::uname();
        format!("{}@{}", id.trim(), system.nodename().to_string_lossy())
    })
}

/// A file that holds something else was named by mistake, and stays as it is.
fn holds_objects(path: &Path, file: &mut File) -> Result<(), SyncError> {
    let mut first = [0];
    let read = file.seek(SeekFrom::Start(0)).and_then(|_| file.read(&mut first));
    match read.map_err(|error| refusal(path, "cannot be read", &error))? {
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

/// What an error means for a file that is the run's.
fn trouble(path: &Path, what: &str, error: &Error) -> SyncError {
    let message = said(path, what, error);
    if file_passes(error) { SyncError::Passing(message) } else { SyncError::Failed(message) }
}

/// What it means for a file that somebody has named.
fn refusal(path: &Path, what: &str, error: &Error) -> SyncError {
    let message = said(path, what, error);
    if file_passes(error) { SyncError::Passing(message) } else { SyncError::Config(message) }
}

fn said(path: &Path, what: &str, error: &Error) -> String {
    format!("{} {what}: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::row::Row;
    use crate::sync::shutdown::Stop;

    fn batch(objects: &[&str]) -> Batch {
        let mut batch = Batch::default();
        for (row, object) in (0..).zip(objects) {
            let write = |_: &Row, out: &mut Vec<u8>| {
                out.extend_from_slice(object.as_bytes());
                Ok(())
            };
            batch.push(row, Row::unkeyed(0, None, None, None), LIMITS.separator, write).unwrap();
        }
        batch
    }

    /// A run that is in no hurry and told of nothing.
    fn context() -> DeliveryContext {
        DeliveryContext { first_pause: Duration::from_millis(10), ..DeliveryContext::none() }
    }

    async fn open(path: &Path, position: Option<Position>) -> Result<Jsonl, SyncError> {
        Jsonl::open(path, position, context()).await
    }

    /// Appends a batch, and gives the places where its objects end.
    async fn write(path: &Path, position: Option<Position>, objects: &[&str]) -> Vec<u64> {
        let file = open(path, position).await.unwrap();
        let (_, outcomes) = file.deliver(batch(objects)).await.unwrap();
        file.flush().await.unwrap();
        let place = |outcome: Option<Outcome>| match outcome.unwrap() {
            Outcome::Delivered(Some(position)) => position.offset,
            other => panic!("{other:?}"),
        };
        outcomes.into_iter().map(place).collect()
    }

    fn identity(path: &Path) -> FileIdentity {
        super::identity(machine(), &File::open(path).unwrap()).unwrap()
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
        let position = |offset| Some(Position { file: identity(&path), offset });
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
        let position = Some(Position { file: FileIdentity(7), offset: 4 });
        write(&path, position, &["{4}"]).await;
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{1}\n{2}\n{3}\n{4}\n");
    }

    #[tokio::test]
    async fn machines_never_cut_each_others_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.jsonl");
        // The same path, disk and file: only the machine tells them apart.
        let on = async |machine, position| Jsonl::open_on(machine, &path, position, context()).await.unwrap();
        let first = on("first", None).await;
        first.deliver(batch(&["{1}"])).await.unwrap();
        let position = first.position();
        first.deliver(batch(&["{2}"])).await.unwrap();
        drop(first);
        let second = on("second", Some(position)).await;
        second.deliver(batch(&["{3}"])).await.unwrap();
        assert_ne!(second.position().file, position.file);
        drop(second);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{1}\n{2}\n{3}\n");
        // The machine itself goes on where it was.
        on("first", Some(position)).await.deliver(batch(&["{4}"])).await.unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{1}\n{4}\n");
    }

    #[tokio::test]
    async fn a_file_that_was_made_again_is_another_even_with_the_same_number() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.jsonl");
        let made = |path: &Path| {
            std::fs::write(path, "{1}\n").unwrap();
            std::fs::metadata(path).unwrap().created().expect("a disk that knows when a file was made")
        };
        let first_made = made(&path);
        let first = identity(&path);
        std::fs::remove_file(&path).unwrap();
        // Some disks count in steps of milliseconds.
        let other = folder.path().join("other.jsonl");
        while made(&other) <= first_made {
            std::fs::remove_file(&other).unwrap();
        }
        std::fs::remove_file(&other).unwrap();
        assert!(made(&path) > first_made);
        assert_ne!(identity(&path), first);
    }

    #[test]
    fn a_position_is_a_text_that_older_ones_are_not() {
        let position = Position { file: FileIdentity(0xab), offset: 77 };
        assert_eq!(position.to_string(), "000000000000000000000000000000ab:77");
        assert_eq!(position.to_string().parse(), Ok(position));
        for old in ["131:77", "0:0", "18446744073709551615:1", "", "x", "+00000000000000000000000000000ab:77"] {
            assert!(old.parse::<Position>().is_err(), "{old}");
        }
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
        assert!(matches!(&error, SyncError::Passing(cause) if cause.contains("somebody else")), "{error}");
    }

    #[tokio::test]
    async fn what_was_once_not_durable_is_never_called_durable() {
        let folder = tempfile::tempdir().unwrap();
        let file = open(&folder.path().join("out.jsonl"), None).await.unwrap();
        file.flush().await.unwrap();
        file.inner.lost.store(true, Ordering::Relaxed);
        assert!(matches!(file.flush().await, Err(SyncError::Failed(_))));
    }

    /// Puts another file in the place of the one that is written; gives that back.
    fn replace(jsonl: &Jsonl, file: File) -> Arc<File> {
        std::mem::replace(&mut jsonl.inner.writer().file, Arc::new(file))
    }

    fn full_disk() -> File {
        OpenOptions::new().read(true).write(true).open("/dev/full").expect("a disk that is always full")
    }

    #[tokio::test]
    async fn nothing_of_a_batch_stays_that_cannot_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.jsonl");
        std::fs::write(&path, "{1}\n").unwrap();
        let file = open(&path, None).await.unwrap();
        // A file that was opened for reading takes nothing, and never will.
        replace(&file, File::open(&path).unwrap());
        let error = file.deliver(batch(&["{2}"])).await.unwrap_err();
        assert!(matches!(error, SyncError::Failed(_)), "{error}");
        assert_eq!((file.position().offset, std::fs::read_to_string(&path).unwrap()), (4, "{1}\n".into()));
    }

    #[tokio::test]
    async fn a_full_disk_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.jsonl");
        let file = open(&path, None).await.unwrap();
        let usual = replace(&file, full_disk());
        // Half of a batch, which the full disk did not even let go.
        std::fs::write(&path, "{hal").unwrap();
        let delivered = file.deliver(batch(&["{1}", "{2}"]));
        tokio::pin!(delivered);
        let waits = tokio::time::timeout(Duration::from_millis(200), &mut delivered).await;
        assert!(waits.is_err(), "{waits:?}");
        assert_eq!(file.position().offset, 0);
        file.inner.writer().file = usual;
        let (_, outcomes) = delivered.await.unwrap();
        assert_eq!((outcomes.len(), file.position().offset), (2, 8));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{1}\n{2}\n");
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_disk_is_not_waited_for_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let file = open(&folder.path().join("out.jsonl"), None).await.unwrap();
        replace(&file, full_disk());
        let begun = Instant::now();
        let error = file.deliver(batch(&["{1}"])).await.unwrap_err();
        assert!(matches!(&error, SyncError::Failed(cause) if cause.contains("(tried again for 2")), "{error}");
        assert!(begun.elapsed() <= GIVE_UP_AFTER && begun.elapsed() > GIVE_UP_AFTER - 2 * LONGEST_PAUSE);
    }

    #[tokio::test]
    async fn a_run_that_is_to_stop_does_not_wait_for_a_full_disk() {
        let folder = tempfile::tempdir().unwrap();
        let (stop, asked) = Stop::channel();
        let context = DeliveryContext { stop: asked, first_pause: Duration::from_secs(60), ..context() };
        let file = Jsonl::open(&folder.path().join("out.jsonl"), None, context).await.unwrap();
        replace(&file, full_disk());
        let delivered = file.deliver(batch(&["{1}"]));
        tokio::pin!(delivered);
        assert!(tokio::time::timeout(Duration::from_millis(100), &mut delivered).await.is_err());
        stop.send(Some(Instant::now())).unwrap();
        let ended = tokio::time::timeout(Duration::from_secs(10), delivered).await.expect("it ends at once");
        assert!(matches!(ended, Err(SyncError::Passing(_))), "{ended:?}");
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
