//! Tests of the guarantees of a `jsonl` destination.

use std::fs::{File, OpenOptions};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::Instant;

use super::delivery::{LIMITS, OpenJsonl};
use super::file_offset::{FileIdentity, FileOffset, machine};
use super::line_file::probe;
use super::patience::{GIVE_UP_AFTER, LONGEST_PAUSE};
use crate::sync::SyncError;
use crate::sync::batch::Batch;
use crate::sync::destination::{DeliveryContext, Outcome};
use crate::sync::row::Row;
use crate::sync::shutdown::Stop;

fn batch(objects: &[&str]) -> Batch {
    Batch::of(objects.iter().map(|object| (Row::unkeyed(0, None, None, None), object)), LIMITS.separator)
}

/// A context without a stop request, slot or fence that would delay delivery.
fn context() -> DeliveryContext {
    DeliveryContext { first_pause: Duration::from_millis(10), ..DeliveryContext::none() }
}

async fn open(path: &Path, position: Option<FileOffset>) -> Result<OpenJsonl, SyncError> {
    OpenJsonl::open(path, position, context()).await
}

/// Appends a batch and returns the end offsets of its objects.
async fn write(path: &Path, position: Option<FileOffset>, objects: &[&str]) -> Vec<u64> {
    let file = open(path, position).await.unwrap();
    let (_, outcomes) = file.deliver(batch(objects)).await.unwrap();
    file.flush().await.unwrap();
    let place = |outcome: Option<Outcome>| match outcome.unwrap() {
        Outcome::Delivered(mark) => mark,
        other => panic!("{other:?}"),
    };
    outcomes.into_iter().map(place).collect()
}

fn identity(path: &Path) -> FileIdentity {
    super::file_offset::identity(machine(), &File::open(path).unwrap()).unwrap()
}

#[tokio::test]
async fn objects_become_lines_with_end_offsets() {
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
    for (before, after) in [("{1}\n{2", "{1}\n{9}\n"), ("{1}\n{\"a\":{}", "{1}\n{9}\n"), ("", "{9}\n")] {
        std::fs::write(&path, before).unwrap();
        write(&path, None, &["{9}"]).await;
        assert_eq!(std::fs::read_to_string(&path).unwrap(), after);
    }
    let long = "x".repeat(200_000);
    std::fs::write(&path, format!("{{1}}\n{{{long}")).unwrap();
    write(&path, None, &["{9}"]).await;
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "{1}\n{9}\n");
}

#[tokio::test]
async fn a_whole_object_without_a_line_break_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.jsonl");
    for before in ["{\"a\": \"precious\"}", "{1}\n{\"a\": {}}"] {
        std::fs::write(&path, before).unwrap();
        assert_eq!(write(&path, None, &["{9}"]).await, [before.len() as u64 + 5]);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), format!("{before}\n{{9}}\n"));
    }
}

#[tokio::test]
async fn a_resumed_job_continues_at_its_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.jsonl");
    std::fs::write(&path, "{1}\n{2}\n{3}\n{4").unwrap();
    let position = |offset| Some(FileOffset { file: identity(&path), offset });
    write(&path, position(8), &["{3}"]).await;
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "{1}\n{2}\n{3}\n");
    // Missing lines will not be sent again, so this must be an error.
    let error = open(&path, position(800)).await.unwrap_err().to_string();
    assert!(error.contains("has 12 bytes and had 800"), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "{1}\n{2}\n{3}\n");
}

#[tokio::test]
async fn a_replaced_file_is_not_truncated() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.jsonl");
    std::fs::write(&path, "{1}\n{2}\n{3}\n").unwrap();
    let position = Some(FileOffset { file: FileIdentity(7), offset: 4 });
    write(&path, position, &["{4}"]).await;
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "{1}\n{2}\n{3}\n{4}\n");
}

#[tokio::test]
async fn a_file_of_another_machine_is_not_truncated() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.jsonl");
    // Path, disk and inode are equal; only the machine differs.
    let on = async |machine, position| OpenJsonl::open_on(machine, &path, position, context()).await.unwrap();
    let first = on("first", None).await;
    first.deliver(batch(&["{1}"])).await.unwrap();
    let position = first.offset(first.end());
    first.deliver(batch(&["{2}"])).await.unwrap();
    drop(first);
    let second = on("second", Some(position)).await;
    second.deliver(batch(&["{3}"])).await.unwrap();
    assert_ne!(second.offset(0).file, position.file);
    drop(second);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "{1}\n{2}\n{3}\n");
    // On the same machine the job continues at its offset.
    on("first", Some(position)).await.deliver(batch(&["{4}"])).await.unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "{1}\n{4}\n");
}

#[tokio::test]
async fn a_recreated_file_has_another_identity_even_with_the_same_inode() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.jsonl");
    let made = |path: &Path| {
        std::fs::write(path, "{1}\n").unwrap();
        std::fs::metadata(path).unwrap().created().expect("a disk that knows when a file was made")
    };
    let first_made = made(&path);
    let first = identity(&path);
    std::fs::remove_file(&path).unwrap();
    // Some file systems record times in milliseconds.
    let other = folder.path().join("other.jsonl");
    while made(&other) <= first_made {
        std::fs::remove_file(&other).unwrap();
    }
    std::fs::remove_file(&other).unwrap();
    assert!(made(&path) > first_made);
    assert_ne!(identity(&path), first);
}

#[test]
fn offsets_round_trip_as_text_and_old_formats_are_rejected() {
    let position = FileOffset { file: FileIdentity(0xab), offset: 77 };
    assert_eq!(position.to_string(), "000000000000000000000000000000ab:77");
    assert_eq!(position.to_string().parse(), Ok(position));
    for old in ["131:77", "0:0", "18446744073709551615:1", "", "x", "+00000000000000000000000000000ab:77"] {
        assert!(old.parse::<FileOffset>().is_err(), "{old}");
    }
}

#[tokio::test]
async fn a_file_with_other_contents_is_not_changed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("opencdi.toml");
    let long = format!("{{{}", "x".repeat(5_000_000));
    let (other, part) = ("something other than one JSON object per line", "does not begin with a complete JSON object");
    for (contents, problem) in [
        ("store = \"x\"\nhalf a line", other),
        ("{\n  \"name\": \"on several lines\"\n}\n", other),
        ("[{\"a\": 1}]\n", other),
        ("\n", other),
        (&long, other),
        ("{\"a\": 1}\nhello\n", "ends with something other than a JSON object"),
        ("{\"a\": 1}\nmy own notes", "ends with something other than a JSON object"),
        ("{\"a\": 1}\n\n", "ends with something other than a JSON object"),
        ("{\"name\": \"prec", part),
        ("{'name': 'of Python'}", part),
    ] {
        std::fs::write(&path, contents).unwrap();
        for error in [open(&path, None).await.unwrap_err(), probe(&path).unwrap_err()] {
            assert!(matches!(&error, SyncError::Config(cause) if cause.contains(problem)), "{error}");
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), contents);
    }
}

#[tokio::test]
async fn a_run_waits_until_the_previous_run_unlocks_the_file() {
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
async fn waiting_for_the_lock_times_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.jsonl");
    let _first = open(&path, None).await.unwrap();
    let error = open(&path, None).await.unwrap_err();
    assert!(matches!(&error, SyncError::Transient(cause) if cause.contains("locked by another process")), "{error}");
}

#[tokio::test]
async fn after_a_failed_flush_every_flush_fails() {
    let folder = tempfile::tempdir().unwrap();
    let file = open(&folder.path().join("out.jsonl"), None).await.unwrap();
    file.flush().await.unwrap();
    file.file.lost.store(true, Ordering::Relaxed);
    assert!(matches!(file.flush().await, Err(SyncError::Failed(_))));
}

/// Replaces the open file by another and returns the original.
fn replace(jsonl: &OpenJsonl, file: File) -> Arc<File> {
    std::mem::replace(&mut jsonl.file.writer().file, Arc::new(file))
}

fn full_disk() -> File {
    OpenOptions::new().read(true).write(true).open("/dev/full").expect("a disk that is always full")
}

#[tokio::test]
async fn a_batch_that_cannot_be_written_is_removed_completely() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.jsonl");
    std::fs::write(&path, "{1}\n").unwrap();
    let file = open(&path, None).await.unwrap();
    // A file that is opened for reading only can never be written.
    replace(&file, File::open(&path).unwrap());
    let error = file.deliver(batch(&["{2}"])).await.unwrap_err();
    assert!(matches!(error, SyncError::Failed(_)), "{error}");
    assert_eq!((file.end(), std::fs::read_to_string(&path).unwrap()), (4, "{1}\n".into()));
}

#[tokio::test]
async fn a_write_waits_for_space_on_a_full_disk() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.jsonl");
    let file = open(&path, None).await.unwrap();
    let usual = replace(&file, full_disk());
    let (log, _logging) = crate::testing::logged();
    // Half of a batch, which the full disk did not allow to be removed.
    std::fs::write(&path, "{hal").unwrap();
    let delivered = file.deliver(batch(&["{1}", "{2}"]));
    tokio::pin!(delivered);
    let waits = tokio::time::timeout(Duration::from_millis(200), &mut delivered).await;
    assert!(waits.is_err(), "{waits:?}");
    assert_eq!(file.end(), 0);
    file.file.writer().file = usual;
    let (_, outcomes) = delivered.await.unwrap();
    assert_eq!((outcomes.len(), file.end()), (2, 8));
    assert_eq!((log.lines("WARN").len(), log.lines("the file can be written again").len()), (1, 1), "{}", log.text());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "{1}\n{2}\n");
}

#[tokio::test(start_paused = true)]
async fn waiting_for_space_times_out() {
    let folder = tempfile::tempdir().unwrap();
    let file = open(&folder.path().join("out.jsonl"), None).await.unwrap();
    replace(&file, full_disk());
    let begun = Instant::now();
    let error = file.deliver(batch(&["{1}"])).await.unwrap_err();
    assert!(matches!(&error, SyncError::Failed(cause) if cause.contains("(tried again for 2")), "{error}");
    assert!(begun.elapsed() <= GIVE_UP_AFTER && begun.elapsed() > GIVE_UP_AFTER - 2 * LONGEST_PAUSE);
}

#[tokio::test]
async fn a_stopping_run_does_not_wait_for_space() {
    let folder = tempfile::tempdir().unwrap();
    let (stop, asked) = Stop::channel();
    let context = DeliveryContext { stop: asked, first_pause: Duration::from_secs(60), ..context() };
    let file = OpenJsonl::open(&folder.path().join("out.jsonl"), None, context).await.unwrap();
    replace(&file, full_disk());
    let delivered = file.deliver(batch(&["{1}"]));
    tokio::pin!(delivered);
    assert!(tokio::time::timeout(Duration::from_millis(100), &mut delivered).await.is_err());
    stop.send(Some(Instant::now())).unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(10), delivered).await.expect("it ends at once");
    assert!(matches!(ended, Err(SyncError::Transient(_))), "{ended:?}");
}

#[tokio::test]
async fn a_file_changed_by_another_process_gets_no_more_lines() {
    type Touch = fn(&Path);
    let touches: [(Touch, &str); 3] = [
        (|path| std::fs::write(path, "").unwrap(), "was changed (it has 0 bytes instead of 4)"),
        (|path| std::fs::write(path, "{1}\n{theirs}\n").unwrap(), "was changed (it has 13 bytes instead of 4)"),
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
    // Only its name has changed; the lines are still there.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.jsonl");
    let file = open(&path, None).await.unwrap();
    std::fs::rename(&path, folder.path().join("out.1.jsonl")).unwrap();
    file.deliver(batch(&["{1}"])).await.unwrap();
}

#[test]
fn a_probe_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    probe(&folder.path().join("out.jsonl")).unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    assert!(matches!(probe(&folder.path().join("no/such/out.jsonl")), Err(SyncError::Config(_))));
}

#[tokio::test]
async fn paths_that_are_not_regular_files_are_refused_by_probe_and_sync() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for path in [&pipe, Path::new("/dev/null"), folder.path()] {
        let expected =
            format!("{} cannot be written: this is not a regular file; choose another `path`", path.display());
        for error in [probe(path).unwrap_err(), open(path, None).await.unwrap_err()] {
            assert!(matches!(error, SyncError::Config(_)) && error.to_string() == expected, "{error}");
        }
    }
}

#[tokio::test]
async fn a_link_to_a_file_in_a_missing_folder_is_refused_by_probe_and_sync() {
    let folder = tempfile::tempdir().unwrap();
    let (path, link) = (folder.path().join("out.jsonl"), folder.path().join("link.jsonl"));
    std::os::unix::fs::symlink("link.jsonl", &path).unwrap();
    std::os::unix::fs::symlink("gone/out.jsonl", &link).unwrap();
    let missing = format!("there is no folder {}", folder.path().join("gone").display());
    for error in [probe(&path).unwrap_err(), open(&path, None).await.unwrap_err()] {
        assert!(error.to_string().ends_with(&missing), "{error}");
    }
    std::fs::create_dir(folder.path().join("gone")).unwrap();
    probe(&path).unwrap();
    open(&path, None).await.unwrap();
}
