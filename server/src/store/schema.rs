//! The store's schema: which version there is, and bringing it up to date.
//!
//! Only a process that serves changes it. It does so under a lock, in one transaction, so that of several that start at
//! once one succeeds and the others find it done. A schema that a later version has changed is refused.

use std::borrow::Cow;
use std::time::Duration;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Row as _, SqlSafeStr as _, query};

use super::StoreError;
use super::kind::Kind;

/// How long to wait for another process that changes the schema; then the change is tried again later.
pub(super) const LOCKED: Duration = Duration::from_secs(30);
/// How long a change of a table waits for those who use it. Everybody else waits behind it.
const IN_USE: Duration = Duration::from_secs(3);
/// The number of Postgres' lock for it: any, as long as it stays.
const LOCK: i64 = 7_233_173_838_382_854_995;

const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "store", include_str!("../../migrations/0001_store.sql")),
    (2, "ends", include_str!("../../migrations/0002_ends.sql")),
    (3, "record", include_str!("../../migrations/0003_record.sql")),
];

/// The newest version that this program knows.
const KNOWN: i64 = MIGRATIONS[MIGRATIONS.len() - 1].0;

/// The version that is there; nothing where no process has served from this store yet. Fails if it is newer than this
/// program.
pub(super) async fn version(connection: &mut AnyConnection, kind: Kind) -> Result<Option<i64>, StoreError> {
    let exists = match kind {
        Kind::Sqlite => "SELECT count(*) FROM sqlite_schema WHERE name = '_sqlx_migrations'",
        Kind::Postgres => {
            "SELECT count(*) FROM pg_catalog.pg_tables WHERE tablename = '_sqlx_migrations' AND schemaname = ANY (current_schemas(false))"
        }
    };
    let tables: i64 = query(exists).fetch_one(&mut *connection).await?.try_get(0)?;
    if tables == 0 {
        return Ok(None);
    }
    let newest = query("SELECT max(version) FROM _sqlx_migrations WHERE success").fetch_one(&mut *connection).await?;
    match newest.try_get::<Option<i64>, _>(0)? {
        Some(found) if found > KNOWN => Err(StoreError::Newer { found, known: KNOWN }),
        found => Ok(found),
    }
}

/// Whether the schema is there and this program can work with it.
pub(super) async fn is_there(connection: &mut AnyConnection, kind: Kind) -> Result<bool, StoreError> {
    match version(connection, kind).await? {
        None => Ok(false),
        Some(KNOWN) => Ok(true),
        Some(found) => Err(StoreError::Older { found, known: KNOWN }),
    }
}

/// Brings the schema up to date.
pub(super) async fn migrate(connection: &mut AnyConnection, kind: Kind) -> Result<(), StoreError> {
    // Most often there is nothing to do, which needs no lock.
    if version(connection, kind).await? == Some(KNOWN) {
        return Ok(());
    }
    let mut transaction = match kind {
        // It waits for as long as the connection waits for locks.
        Kind::Sqlite => connection.begin_with("BEGIN IMMEDIATE").await?,
        Kind::Postgres => {
            let mut transaction = connection.begin().await?;
            let lock = format!(
                "SET LOCAL lock_timeout = {}; SELECT pg_advisory_xact_lock({LOCK}); SET LOCAL lock_timeout = {}",
                LOCKED.as_millis(),
                IN_USE.as_millis()
            );
            sqlx::raw_sql(AssertSqlSafe(lock)).execute(&mut *transaction).await?;
            transaction
        }
    };
    if version(&mut transaction, kind).await? != Some(KNOWN) {
        migrations().run_direct(None, &mut *transaction, false).await.map_err(StoreError::migrating)?;
        make_digest_key(&mut transaction).await?;
    }
    Ok(transaction.commit().await?)
}

/// Makes the key for digests where there is none.
async fn make_digest_key(connection: &mut AnyConnection) -> Result<(), StoreError> {
    let mut key = [0; 32];
    #[expect(clippy::expect_used, reason = "without random bytes nothing can be kept secret")]
    getrandom::fill(&mut key).expect("the operating system gives random bytes");
    let make = query("INSERT INTO digest_key (id, key) VALUES (1, $1) ON CONFLICT (id) DO NOTHING");
    make.bind(key.to_vec()).execute(connection).await?;
    Ok(())
}

fn migrations() -> Migrator {
    let migrations = MIGRATIONS.iter().map(|(version, name, text)| {
        let (name, up, without_a_transaction) = (Cow::Borrowed(*name), MigrationType::Simple, false);
        Migration::new(*version, name, up, text.into_sql_str(), without_a_transaction)
    });
    let mut migrations = Migrator::with_migrations(migrations.collect());
    // The lock is our own: the library's is kept for ever by a connection whose migration has failed.
    migrations.set_locking(false);
    migrations
}
