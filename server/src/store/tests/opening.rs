//! Opening a store, and migrating its schema.

use super::*;
use crate::store::schema;

on_both! {
    many_processes_may_start_at_once
    open_existing_creates_nothing
    a_newer_schema_is_refused_at_once
    a_replica_works_on_the_schema_of_the_next_version
    an_older_schema_is_migrated_only_by_a_process_that_serves
}

async fn many_processes_may_start_at_once(location: StoreLocation) {
    let stores = join_all((0..6).map(|_| Store::open(&location))).await;
    for store in stores {
        assert!(started(&store.unwrap(), id(), Utc::now()).await);
    }
}

async fn open_existing_creates_nothing(location: StoreLocation) {
    assert!(Store::open_existing(&location).await.unwrap().is_none());
    assert!(Store::open_existing(&location).await.unwrap().is_none(), "the first call has created nothing");
    if let StoreLocation::Sqlite(path) = &location {
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 0);
    }
    let serving = open(location.clone()).await;
    let existing = Store::open_existing(&location).await.unwrap().unwrap();
    let integration = id();
    assert!(started(&serving, integration, Utc::now()).await);
    assert_eq!(existing.jobs(integration, &Page::First, 10).await.unwrap().items.len(), 1);
}

async fn a_newer_schema_is_refused_at_once(location: StoreLocation) {
    drop(open(location.clone()).await);
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                 SELECT 9000, 'newer', success, checksum, 1 FROM _sqlx_migrations WHERE version = 1";
    tamper(&location, newer.into()).await;
    let begun = std::time::Instant::now();
    // Three times, because a lock left behind by the first would block the others.
    for _ in 0..3 {
        let opened = Store::open(&location).await.unwrap_err();
        assert!(
            opened.to_string().contains("newer than this program: it has version 9000, this program supports 7"),
            "{opened}"
        );
        assert!(matches!(Store::open_existing(&location).await, Err(StoreError::Newer { found: 9000, known: 7 })));
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

/// While replicas are updated one after the other, and when one of them is rolled back.
async fn a_replica_works_on_the_schema_of_the_next_version(location: StoreLocation) {
    let running = open(location.clone()).await;
    let next = format!(
        "ALTER TABLE jobs ADD COLUMN added BIGINT NOT NULL DEFAULT 7; CREATE TABLE added (id BIGINT NOT NULL PRIMARY KEY);
         CREATE INDEX added_to_jobs ON jobs (added);
         INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         SELECT {}, 'next', success, checksum, 1 FROM _sqlx_migrations WHERE version = 1",
        schema::KNOWN + 1
    );
    tamper(&location, next).await;
    let restarted = open(location.clone()).await;
    for store in [running, restarted, Store::open_existing(&location).await.unwrap().unwrap()] {
        let integration = id();
        run(&store, integration, time(5), JobStatus::Success).await;
        assert_eq!(store.jobs(integration, &Page::First, 10).await.unwrap().items.len(), 1);
    }
}

#[test]
fn migrations_only_add_to_the_schema() {
    for (version, _, text) in schema::MIGRATIONS.iter().filter(|(version, ..)| *version > 4) {
        for word in ["DROP", "RENAME", "ALTER COLUMN"] {
            assert!(
                !text.to_uppercase().contains(word),
                "{version}: replicas of the version before still use it: {word}"
            );
        }
        let is_required =
            |line: &str| line.contains("ADD COLUMN") && line.contains("NOT NULL") && !line.contains("DEFAULT");
        assert!(!text.lines().any(is_required), "{version}: replicas of the version before do not write this column");
    }
}

/// What PgBouncer's transaction mode causes.
#[tokio::test]
async fn a_pooler_that_shares_prepared_statements_is_named() {
    use sqlx::Connection as _;
    sqlx::any::install_default_drivers();
    let mut connection = sqlx::AnyConnection::connect(&crate::testing::postgres()).await.unwrap();
    for (statement, expected) in
        [("PREPARE a AS SELECT 1; PREPARE a AS SELECT 1", "already exists"), ("EXECUTE b", "does not exist")]
    {
        let error = sqlx::raw_sql(statement).execute(&mut connection).await.unwrap_err();
        let error = StoreError::from(error).to_string();
        assert!(error.contains(expected) && error.contains("PgBouncer"), "{error}");
    }
}

async fn an_older_schema_is_migrated_only_by_a_process_that_serves(location: StoreLocation) {
    drop(open(location.clone()).await);
    make_older(&location, 1).await;
    for _ in 0..2 {
        let error = Store::open_existing(&location).await.unwrap_err();
        assert!(
            error.to_string().contains("it has version 1, this program needs 6; `cdi-server serve` migrates"),
            "{error}"
        );
    }
    assert!(started(&open(location.clone()).await, id(), Utc::now()).await);
    assert!(Store::open_existing(&location).await.unwrap().is_some());
}

#[tokio::test]
async fn an_error_for_a_missing_database_has_the_message_of_postgres() {
    let mut url = reqwest::Url::parse(&crate::testing::postgres()).unwrap();
    url.set_path("no_such_database");
    let location = StoreLocation::Postgres(PostgresUrl::new(Secret::new(url)).unwrap());
    let error = Store::open(&location).await.unwrap_err().to_string();
    assert!(error.ends_with("cannot be opened: database \"no_such_database\" does not exist"), "{error}");
}

#[tokio::test]
async fn an_error_for_a_store_that_cannot_be_created_has_the_cause() {
    let folder = tempfile::tempdir().unwrap();
    for (path, expected) in
        [("no/such/store.db", "no/such/store.db cannot be opened: there is no folder /"), (".", "Is a directory")]
    {
        let error = Store::open(&StoreLocation::Sqlite(folder.path().join(path))).await.unwrap_err();
        assert!(!error.is_unavailable() && error.to_string().contains(expected), "{error}");
    }
    let unreachable = StoreLocation::Postgres(PostgresUrl::new(Secret::new("postgres://a@127.0.0.1:1/b")).unwrap());
    for error in [Store::open(&unreachable).await.unwrap_err(), Store::open_existing(&unreachable).await.unwrap_err()] {
        assert!(error.is_unavailable(), "it is transient: {error}");
        assert!(error.to_string().starts_with("the store is unavailable: Postgres at 127.0.0.1:1/b: "), "{error}");
    }
}

#[tokio::test]
async fn a_file_that_is_not_a_store_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let location = StoreLocation::Sqlite(path.clone());
    let refused = async |expected: &str| {
        for error in [Store::open(&location).await.unwrap_err(), Store::open_existing(&location).await.unwrap_err()] {
            assert_eq!(error.to_string().replace(&format!("{}/", folder.path().display()), ""), expected);
        }
    };
    std::fs::write(&path, "{\"external_id\":\"a\"}\n".repeat(100)).unwrap();
    refused("the store store.db is not a SQLite database; choose another file").await;
    std::fs::remove_file(&path).unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE jobs (id); CREATE TABLE _sqlx_migrations (version)").unwrap();
    refused("store.db is a database of another program (tables _sqlx_migrations, jobs); choose another file").await;
    other.execute_batch("CREATE TABLE a (i); CREATE TABLE b (i); CREATE TABLE c (i); CREATE TABLE d (i)").unwrap();
    refused("store.db is a database of another program (tables _sqlx_migrations, a, b, c, d and others); choose another file")
        .await;
}

#[tokio::test]
async fn a_role_that_may_not_create_tables_is_told_what_to_grant() {
    use sqlx::Connection as _;
    let location = database().await;
    let StoreLocation::Postgres(owner) = &location else { unreachable!() };
    let mut connection = sqlx::PgConnection::connect(owner.expose()).await.unwrap();
    let role = format!("role_{}", Uuid::new_v4().simple());
    let setup = format!("REVOKE CREATE ON SCHEMA public FROM public; CREATE ROLE {role} LOGIN");
    sqlx::raw_sql(sqlx::AssertSqlSafe(setup)).execute(&mut connection).await.unwrap();
    let mut url = reqwest::Url::parse(owner.expose()).unwrap();
    url.set_username(&role).unwrap();
    let with_role = StoreLocation::Postgres(PostgresUrl::new(Secret::new(url)).unwrap());
    assert!(Store::open_existing(&with_role).await.unwrap().is_none());
    let expected = format!(
        "the role `{role}` may not create the store's tables in the schema `public`; run `GRANT CREATE ON SCHEMA \"public\" TO \"{role}\"` as \
         the owner of the schema"
    );
    assert_eq!(Store::may_create(&with_role).await.unwrap_err().to_string(), expected);
    assert_eq!(Store::open(&with_role).await.unwrap_err().to_string(), expected);
    let grant = format!("GRANT CREATE ON SCHEMA public TO {role}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(grant)).execute(&mut connection).await.unwrap();
    Store::may_create(&with_role).await.unwrap();
    open(with_role).await;
}

/// A load balancer or forwarded port accepts connections while the database behind it is unavailable.
#[tokio::test]
async fn a_proxy_that_hangs_up_is_a_transient_error() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let hangs_up = tokio::spawn(async move {
        loop {
            drop(listener.accept().await);
        }
    });
    let url = format!("postgres://a@{address}/b");
    let location = StoreLocation::Postgres(PostgresUrl::new(Secret::new(url)).unwrap());
    let error = Store::open(&location).await.unwrap_err();
    assert!(error.is_unavailable(), "{error}");
    hangs_up.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_does_not_block_queries_behind_a_table_in_use() {
    use sqlx::Connection as _;
    let location = database().await;
    drop(open(location.clone()).await);
    make_older(&location, 1).await;
    let StoreLocation::Postgres(url) = &location else { unreachable!() };
    let mut reader = sqlx::PgConnection::connect(url.expose()).await.unwrap();
    sqlx::raw_sql("BEGIN; SELECT count(*) FROM jobs").execute(&mut reader).await.unwrap();
    let begun = std::time::Instant::now();
    let error = Store::open(&location).await.unwrap_err();
    assert!(error.is_unavailable(), "the caller retries: {error}");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    sqlx::raw_sql("COMMIT").execute(&mut reader).await.unwrap();
    open(location).await;
}

#[tokio::test]
async fn open_existing_leaves_no_file_behind() {
    let folder = tempfile::tempdir().unwrap();
    let location = StoreLocation::Sqlite(folder.path().join("store.db"));
    open(location.clone()).await.close().await;
    let files = || std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect::<Vec<_>>();
    assert_eq!(files(), ["store.db"]);
    let existing = Store::open_existing(&location).await.unwrap().unwrap();
    assert_eq!(existing.watermark(id()).await.unwrap(), Watermark::default());
    existing.close().await;
    assert_eq!(files(), ["store.db"]);
}
