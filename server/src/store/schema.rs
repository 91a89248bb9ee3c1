//! The store's schema: its version and its migrations.
//!
//! Only processes that serve migrate it, under a lock and in one transaction: if several start at once, one migrates and the
//! others find it done. The schema of the next version of this program is accepted, and later ones are refused.

use std::borrow::Cow;
use std::time::Duration;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Row as _, SqlSafeStr as _, query};

use super::StoreError;
use super::kind::Kind;

/// How long to wait for another process that is migrating; after that the caller retries.
pub(super) const LOCK_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a migration waits for a lock on a table. It is short, because all later queries of that table queue behind it.
const TABLE_LOCK_TIMEOUT: Duration = Duration::from_secs(3);
/// The key of the Postgres advisory lock for migrations. Arbitrary, but it must never change.
const LOCK: i64 = 7_233_173_838_382_854_995;

/// Version, name and SQL of each migration.
pub(super) const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "store", include_str!("../../migrations/0001_store.sql")),
    (2, "ends", include_str!("../../migrations/0002_ends.sql")),
    (3, "record", include_str!("../../migrations/0003_record.sql")),
    (4, "operations", include_str!("../../migrations/0004_operations.sql")),
    (5, "notify", include_str!("../../migrations/0005_notify.sql")),
    (6, "attributes", include_str!("../../migrations/0006_attributes.sql")),
];

/// The version that this program creates.
pub(super) const KNOWN: i64 = MIGRATIONS[MIGRATIONS.len() - 1].0;
/// The newest version that this program works with. Migrations only add to the schema, so replicas can be updated one after the
/// other, and one of them can be rolled back; what an older version still uses is removed one version later.
const NEWEST: i64 = KNOWN + 1;

/// The schema's version; `None` if no process has served from this store yet. Fails if the schema is newer than this program.
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
        Some(found) if found > NEWEST => Err(StoreError::Newer { found, known: NEWEST }),
        found => Ok(found),
    }
}

/// The tables of a SQLite file that another program has created; `None` if the file is empty or contains a store.
pub(super) async fn foreign_tables(connection: &mut AnyConnection) -> Result<Option<Vec<String>>, sqlx::Error> {
    let tables = tables(connection).await?;
    Ok(Some(tables).filter(|tables| !tables.is_empty() && !is_store(tables)))
}

/// The tables of a SQLite file, by name.
pub(super) async fn tables(connection: &mut AnyConnection) -> Result<Vec<String>, sqlx::Error> {
    let tables =
        query("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name");
    let tables = tables.fetch_all(connection).await?;
    tables.iter().map(|row| row.try_get("name")).collect()
}

/// Whether these are the tables of a store. Other programs may use the same library for their migrations.
pub(super) fn is_store(tables: &[String]) -> bool {
    let has = |name: &str| tables.iter().any(|table| table == name);
    has("_sqlx_migrations") && has("watermarks")
}

/// Whether there is a schema. Fails if this program cannot work with its version.
pub(super) async fn exists(connection: &mut AnyConnection, kind: Kind) -> Result<bool, StoreError> {
    match version(connection, kind).await? {
        None => Ok(false),
        Some(found) if found >= KNOWN => Ok(true),
        Some(found) => Err(StoreError::Older { found, known: KNOWN }),
    }
}

/// Fails if the role may not create tables.
pub(super) async fn may_create(connection: &mut AnyConnection, kind: Kind) -> Result<(), StoreError> {
    if kind == Kind::Sqlite {
        return Ok(());
    }
    let role = query(
        "SELECT current_user::text AS role, current_schema()::text AS schema,
                coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS allowed",
    );
    let role = role.fetch_one(connection).await?;
    if role.try_get("allowed")? {
        return Ok(());
    }
    Err(StoreError::MayNotCreate { role: role.try_get("role")?, schema: role.try_get("schema")? })
}

/// Migrates the schema to the version of this program.
pub(super) async fn migrate(connection: &mut AnyConnection, kind: Kind) -> Result<(), StoreError> {
    // Usually there is nothing to do, and no lock is needed.
    if version(connection, kind).await? >= Some(KNOWN) {
        return Ok(());
    }
    may_create(connection, kind).await?;
    let mut transaction = match kind {
        // This waits as long as the connection's busy timeout.
        Kind::Sqlite => connection.begin_with("BEGIN IMMEDIATE").await?,
        Kind::Postgres => {
            let mut transaction = connection.begin().await?;
            let lock = format!(
                "SET LOCAL lock_timeout = {}; SELECT pg_advisory_xact_lock({LOCK}); SET LOCAL lock_timeout = {}",
                LOCK_TIMEOUT.as_millis(),
                TABLE_LOCK_TIMEOUT.as_millis()
            );
            sqlx::raw_sql(AssertSqlSafe(lock)).execute(&mut *transaction).await?;
            transaction
        }
    };
    if version(&mut transaction, kind).await? < Some(KNOWN) {
        migrations().run_direct(None, &mut *transaction, false).await.map_err(StoreError::migrating)?;
        make_digest_key(&mut transaction).await?;
    }
    Ok(transaction.commit().await?)
}

/// Creates the key for digests if there is none.
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
    // We lock ourselves, because a connection whose migration has failed keeps the library's lock forever.
    migrations.set_locking(false);
    migrations
}
