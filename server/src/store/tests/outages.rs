//! A store that is locked, read-only or frozen, and its connections.

use super::*;

/// SQLite rolls back a transaction by itself when the disk is full, and for some other errors. sqlx does not notice.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_with_a_failed_transaction_is_not_reused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = open(StoreLocation::Sqlite(path.clone())).await;
    let mut transaction = store.database.begin().await.unwrap();
    let ends_it = "INSERT OR ROLLBACK INTO watermarks (integration_id) VALUES ('a'), ('a')";
    let failed = sqlx::raw_sql(ends_it).execute(transaction.connection()).await.map(drop).map_err(StoreError::from);
    assert!(transaction.end(failed).await.is_err());
    let integration = id();
    for _ in 0..3 {
        run(&store, integration, Utc::now(), JobStatus::Success).await;
    }
    // Through another connection, which sees only committed rows.
    let outside = rusqlite::Connection::open(path).unwrap();
    let stored: i64 = outside.query_row("SELECT count(*) FROM jobs", (), |row| row.get(0)).unwrap();
    assert_eq!(stored, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_is_dropped_leaves_its_connection_usable() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(StoreLocation::Sqlite(folder.path().join("store.db"))).await;
    for _ in 0..20 {
        let mut transaction = store.database.begin().await.unwrap();
        sqlx::raw_sql("DELETE FROM jobs").execute(transaction.connection()).await.unwrap();
        drop(transaction);
        assert!(started(&store, id(), Utc::now()).await);
    }
    let outside = rusqlite::Connection::open(folder.path().join("store.db")).unwrap();
    let stored: i64 = outside.query_row("SELECT count(*) FROM jobs", (), |row| row.get(0)).unwrap();
    assert_eq!(stored, 20, "dropped transactions are rolled back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_store_is_unavailable_until_it_is_unlocked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = open(StoreLocation::Sqlite(path.clone())).await;
    let other = rusqlite::Connection::open(path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let begun = std::time::Instant::now();
    assert!(store.start_job(id(), Utc::now()).await.unwrap_err().is_unavailable());
    assert!(begun.elapsed() > Duration::from_secs(2), "the call waits for the lock");
    let begun = std::time::Instant::now();
    assert!(store.start_job(id(), Utc::now()).await.unwrap_err().is_unavailable());
    assert!(begun.elapsed() < Duration::from_millis(100), "calls fail at once during an outage");
    other.execute_batch("ROLLBACK").unwrap();
    let integration = id();
    let begun = std::time::Instant::now();
    while store.start_job(integration, Utc::now()).await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(10), "it never came back");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(store.time_since_recovery().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_whose_file_was_removed_is_unavailable_until_it_is_put_back() {
    let folder = tempfile::tempdir().unwrap();
    let (path, elsewhere) = (folder.path().join("store.db"), folder.path().join("elsewhere.db"));
    let store = open(StoreLocation::Sqlite(path.clone())).await;
    assert!(started(&store, id(), Utc::now()).await);
    let refused = async |why: &str| {
        let error = store.start_job(id(), Utc::now()).await.unwrap_err();
        assert!(error.is_unavailable(), "{error}");
        // The text of an outage stays that of its first failure.
        assert!(error.to_string().contains(why), "{error}");
    };
    std::fs::rename(&path, &elsewhere).unwrap();
    refused("was deleted or moved while it was in use").await;
    std::fs::write(&path, "").unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    refused("while it was in use").await;
    std::fs::rename(&elsewhere, &path).unwrap();
    let begun = std::time::Instant::now();
    while store.start_job(id(), Utc::now()).await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(10), "it never came back");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    std::fs::write(&elsewhere, "").unwrap();
    std::fs::rename(&elsewhere, &path).unwrap();
    refused("was replaced while it was in use; move the old file back, or stop `cdi-server`, delete").await;
}

/// As when the address leads to a standby after a failover.
#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_store_is_unavailable_until_it_is_writable() {
    let location = database().await;
    let store = open(location.clone()).await;
    let StoreLocation::Postgres(url) = &location else { unreachable!() };
    let name = reqwest::Url::parse(url.expose()).unwrap().path().trim_start_matches('/').to_owned();
    let elsewhere = PostgresUrl::new(Secret::new(crate::testing::postgres())).unwrap();
    let elsewhere = StoreLocation::Postgres(elsewhere);
    let only_reads = async |yes: &str| {
        tamper(&elsewhere, format!("ALTER DATABASE {name} SET default_transaction_read_only = {yes}")).await;
        let ends = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
        tamper(&elsewhere, ends).await;
    };
    only_reads("on").await;
    for _ in 0..40 {
        assert!(store.start_job(id(), Utc::now()).await.unwrap_err().is_unavailable());
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    assert_eq!(store.time_since_recovery(), None, "a probe that only reads is not enough");
    only_reads("off").await;
    let begun = std::time::Instant::now();
    while store.start_job(id(), Utc::now()).await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(10), "it never came back");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// More callers than connections, while the store answers.
#[tokio::test(flavor = "multi_thread")]
async fn a_busy_connection_pool_is_not_an_outage() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = open(StoreLocation::Sqlite(path)).await;
    // Holds the only write connection for longer than the acquire timeout.
    let kept = store.database.begin().await.unwrap();
    let reads = async {
        for _ in 0..60 {
            store.watermark(id()).await.unwrap();
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let (refused, ()) = tokio::join!(store.start_job(id(), Utc::now()), reads);
    assert!(refused.unwrap_err().is_unavailable());
    assert!(store.watermark(id()).await.is_ok(), "other calls succeed");
    drop(kept);
    assert!(started(&store, id(), Utc::now()).await);
}

/// A run that ends may drop the future of a checkpoint at any point, also while its transaction is being begun.
#[tokio::test]
async fn a_transaction_whose_begin_was_dropped_does_not_swallow_later_calls() {
    use sqlx::Connection as _;
    let location = database().await;
    let (store, other) = (Store::open_with(&location, 1).await.unwrap(), open(location.clone()).await);
    let StoreLocation::Postgres(url) = &location else { unreachable!() };
    let mut outside = sqlx::PgConnection::connect(url.expose()).await.unwrap();
    let mut has_begun = async || {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let open = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'";
        query(open).fetch_one(&mut outside).await.unwrap().get::<i64, _>(0) > 0
    };
    let started_at = std::time::Instant::now();
    loop {
        assert!(started_at.elapsed() < Duration::from_secs(10), "no transaction was caught while it began");
        let mut begin = std::pin::pin!(store.database.begin());
        // Polled until the server has begun the transaction, and not once more, which would return it.
        let mut is_pending = futures::poll!(&mut begin).is_pending();
        while is_pending && !has_begun().await {
            is_pending = futures::poll!(&mut begin).is_pending();
        }
        if is_pending {
            break;
        }
    }
    let integration = id();
    assert!(started(&store, integration, Utc::now()).await);
    let seen = other.jobs(integration, &Page::First, 1).await.unwrap().items.len();
    assert_eq!(seen, 1, "the call is part of a transaction that nobody commits");
}

/// A process that freezes in a transaction, as on a suspended machine.
#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_process_does_not_keep_its_row_locks() {
    let location = database().await;
    let (store, frozen) = (open(location.clone()).await, open(location).await);
    let integration = id();
    assert!(started(&store, integration, Utc::now()).await);
    let mut transaction = frozen.database.begin().await.unwrap();
    sqlx::raw_sql("UPDATE jobs SET rows_synced = 1").execute(transaction.connection()).await.unwrap();
    let begun = std::time::Instant::now();
    let claimed = loop {
        match store.claim_job(LEASE, &[], false).await {
            Ok(Some(claimed)) => break claimed,
            Ok(None) => tokio::time::sleep(Duration::from_millis(50)).await,
            Err(error) => assert!(error.is_unavailable(), "{error}"),
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "the row lock is not released");
    };
    assert_eq!(claimed.integration, integration);
    assert!(transaction.end(Ok(())).await.is_err(), "its transaction was rolled back");
}
