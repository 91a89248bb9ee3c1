//! The tools with which these tests cause failures work, for root and for other users.

use std::io::Write as _;
use std::time::Duration;

use contract_tests::small_disk::SmallDisk;
use contract_tests::sql::{connect, execute, number, postgres};
use tokio::time::timeout;
use xtask::postgres::Shutdown;

#[test]
fn a_small_disk_is_full_to_the_last_byte_until_it_is_freed() {
    let folder = tempfile::tempdir().unwrap();
    let disk = SmallDisk::mount(folder.path().join("small"), 1_000_000);
    let mut file = std::fs::File::create(disk.path("file")).unwrap();
    file.write_all(b"some").unwrap();
    disk.fill();
    let error = std::fs::write(disk.path("other"), b"x").unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
    disk.free();
    std::fs::write(disk.path("other"), [b'x'; 500_000]).unwrap();
    assert_eq!(std::fs::read_dir(disk.folder()).unwrap().count(), 0, "this process sees the folder below");
    let seen = disk.command(std::process::Command::new("cat").arg(disk.folder().join("file"))).output().unwrap();
    assert_eq!(seen.stdout, b"some");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_keeps_its_data_through_every_kind_of_outage() {
    let mut postgres = postgres();
    let url = postgres.url();
    let mut connection = connect(&url).await;
    execute(&mut connection, "CREATE TABLE kept (n INT)").await;
    postgres.freeze().unwrap();
    let silent = timeout(Duration::from_millis(300), execute(&mut connection, "INSERT INTO kept VALUES (1)")).await;
    assert!(silent.is_err(), "a frozen one does not answer");
    postgres.thaw().unwrap();
    execute(&mut connect(&url).await, "INSERT INTO kept VALUES (2)").await;
    postgres.stop(Shutdown::Fast).unwrap();
    assert!(postgres.stop(Shutdown::Fast).is_err());
    postgres.start_again().unwrap();
    execute(&mut connect(&url).await, "INSERT INTO kept VALUES (3)").await;
    postgres.stop(Shutdown::Immediate).unwrap();
    postgres.start_again().unwrap();
    execute(&mut connect(&url).await, "INSERT INTO kept VALUES (4)").await;
    postgres.crash().unwrap();
    postgres.start_again().unwrap();
    assert_eq!(number(&mut connect(&url).await, "SELECT count(*) FROM kept").await, 4);
    postgres.freeze().unwrap();
    // While suspended it can be stopped and removed.
}
