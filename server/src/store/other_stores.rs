//! Stores in a folder. If the configuration names a new store by mistake, the one that was used before is usually beside it.

use std::fs::{File, Metadata};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use sqlx::{AnyConnection, Connection as _, Row as _, query};
use tokio::time::timeout;

use super::database::{ACQUIRE_TIMEOUT, sqlite_url};
use super::schema;

/// The first bytes of every SQLite database.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// The ends of the names of files that belong to a database.
const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];
/// Files of a folder that are looked at.
const MOST_FILES: usize = 1000;
/// Databases that are opened.
const MOST_DATABASES: usize = 20;

/// A SQLite store that was found in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherStore {
    /// Its file.
    pub path: PathBuf,
    /// The IDs of the integrations that have a watermark in it.
    pub integrations: Vec<String>,
}

/// The stores with watermarks in a folder, by name, as far as this user may read them. Nothing is written.
///
/// Call it only while this process has none of these databases open: closing a file releases all locks that the process has
/// on it. That is why the file `except` is never opened.
pub async fn stores_in(folder: &Path, except: Option<&Path>) -> Vec<OtherStore> {
    let Ok(files) = folder.read_dir() else { return Vec::new() };
    let except = except.and_then(|path| std::fs::metadata(path).ok());
    let is_except = |data: &Metadata| {
        except.as_ref().is_some_and(|except| (except.dev(), except.ino()) == (data.dev(), data.ino()))
    };
    let may_be_opened = |path: &PathBuf| {
        // SQLite keeps locks on the files beside a database, too.
        let is_beside = path.to_str().is_none_or(|path| BESIDE.iter().any(|end| path.ends_with(end)));
        !is_beside && path.metadata().is_ok_and(|data| data.is_file() && !is_except(&data))
    };
    let mut databases: Vec<PathBuf> = files
        .take(MOST_FILES)
        .filter_map(|file| Some(file.ok()?.path()))
        .filter(|path| may_be_opened(path) && is_database(path))
        .take(MOST_DATABASES)
        .collect();
    databases.sort();
    let mut stores = Vec::new();
    let search = async {
        for path in databases {
            // Other programs' databases, and those that cannot be read, are of no interest.
            if let Ok(integrations) = watermarks(&path).await
                && !integrations.is_empty()
            {
                stores.push(OtherStore { path, integrations });
            }
        }
    };
    // A locked database must not hold up the others for long; what was found until then counts.
    let _ = timeout(ACQUIRE_TIMEOUT, search).await;
    stores
}

fn is_database(path: &Path) -> bool {
    let mut start = [0; MAGIC.len()];
    File::open(path).and_then(|mut file| file.read_exact(&mut start)).is_ok() && start == *MAGIC
}

/// The integrations with a watermark in a database; none if it is not a store.
async fn watermarks(path: &Path) -> Result<Vec<String>, sqlx::Error> {
    sqlx::any::install_default_drivers();
    let has = |end: &str| {
        let mut beside = path.as_os_str().to_owned();
        beside.push(end);
        Path::new(&beside).exists()
    };
    // To read a database in WAL mode, SQLite creates files beside it, unless it may assume that nobody writes.
    let parameters = match (has("-wal"), has("-shm")) {
        (false, _) => "mode=ro&immutable=true",
        (true, true) => "mode=ro",
        // What the process that was killed has left.
        (true, false) => return Ok(Vec::new()),
    };
    let mut connection = AnyConnection::connect(&sqlite_url(path, parameters)?).await?;
    let found = async {
        if !schema::is_store(&schema::tables(&mut connection).await?) {
            return Ok(Vec::new());
        }
        let rows = query("SELECT integration_id FROM watermarks ORDER BY integration_id").fetch_all(&mut connection);
        rows.await?.iter().map(|row| row.try_get(0)).collect()
    };
    let found = found.await;
    let _ = connection.close().await;
    found
}

#[cfg(test)]
mod tests {
    use super::super::{KnownAttributes, Route, Store, StoreLocation, WatermarkChange};
    use super::*;

    #[tokio::test]
    async fn stores_with_watermarks_are_found_and_nothing_is_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        let id = "6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b01";
        for (file, has_watermark) in [("used.db", true), ("unused.db", false), ("open.db", true)] {
            let store = Store::open(&StoreLocation::Sqlite(folder.path().join(file))).await.unwrap();
            let route = Route { source: "s".into(), destination: "d".into(), kind: "attributes".into() };
            let change = WatermarkChange::Set("2026-01-01T00:00:00Z".parse().unwrap(), route);
            if has_watermark {
                assert!(store.change_watermark(id.parse().unwrap(), &change, KnownAttributes::Keep).await.unwrap());
            }
            // What the third one has written is still in its log.
            if file == "open.db" { std::mem::forget(store) } else { store.close().await }
        }
        let source = rusqlite::Connection::open(folder.path().join("source.db")).unwrap();
        source.execute_batch("CREATE TABLE watermarks (integration_id); INSERT INTO watermarks VALUES (1)").unwrap();
        std::fs::write(folder.path().join("text.db"), "SQLite").unwrap();
        // SQLite keeps locks on files of such names; they are not opened.
        std::fs::copy(folder.path().join("used.db"), folder.path().join("other.db-shm")).unwrap();
        let names = || {
            let files = folder.path().read_dir().unwrap().map(|file| file.unwrap().file_name());
            files.collect::<std::collections::BTreeSet<_>>()
        };
        let before = names();
        let of = |file: &str| OtherStore { path: folder.path().join(file), integrations: vec![id.to_owned()] };
        assert_eq!(stores_in(folder.path(), None).await, [of("open.db"), of("used.db")]);
        let link = folder.path().join("link");
        std::fs::hard_link(folder.path().join("used.db"), &link).unwrap();
        assert_eq!(stores_in(folder.path(), Some(&link)).await, [of("open.db")]);
        std::fs::remove_file(link).unwrap();
        assert_eq!(names(), before);
        assert_eq!(stores_in(&folder.path().join("no/such"), None).await, []);
    }
}
