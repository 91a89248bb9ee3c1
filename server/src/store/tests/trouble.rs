//! What becomes of a store that is locked, reads only or stands still, and of its connections.

use super::*;

/// SQLite ends a transaction by itself when a disk is full, and of some other errors. sqlx does not see that.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_on_which_a_transaction_has_failed_is_used_no_more() {
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
    // From outside, where nothing is seen that was not committed.
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
    assert_eq!(stored, 20, "nothing of what was dropped was done");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_locked_is_in_trouble_that_passes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = open(StoreLocation::Sqlite(path.clone())).await;
    let other = rusqlite::Connection::open(path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let begun = std::time::Instant::now();
    assert!(store.start_job(id(), Utc::now()).await.unwrap_err().is_unavailable());
    assert!(begun.elapsed() > Duration::from_secs(2), "it was waited for");
    let begun = std::time::Instant::now();
    assert!(store.start_job(id(), Utc::now()).await.unwrap_err().is_unavailable());
    assert!(begun.elapsed() < Duration::from_millis(100), "nobody waits for what is known to be away");
    other.execute_batch("ROLLBACK").unwrap();
    let integration = id();
    let begun = std::time::Instant::now();
    while store.start_job(integration, Utc::now()).await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(10), "it never came back");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(store.time_since_recovery().is_some());
}

/// A standby, to which an address leads after a failover.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_only_reads_is_away_until_it_can_be_written_to() {
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
    assert_eq!(store.time_since_recovery(), None, "asking whether it reads says nothing");
    only_reads("off").await;
    let begun = std::time::Instant::now();
    while store.start_job(id(), Utc::now()).await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(10), "it never came back");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// More callers than connections, of a store that answers each of them.
#[tokio::test(flavor = "multi_thread")]
async fn a_queue_is_not_taken_for_a_store_that_is_away() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = open(StoreLocation::Sqlite(path)).await;
    // Somebody keeps the one connection that writes for longer than others wait for it.
    let kept = store.database.begin().await.unwrap();
    let reads = async {
        for _ in 0..60 {
            store.used_requests("a", "b", 0).await.unwrap();
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let (refused, ()) = tokio::join!(store.start_job(id(), Utc::now()), reads);
    assert!(refused.unwrap_err().is_unavailable());
    assert!(store.used_requests("a", "b", 0).await.is_ok(), "nobody else is refused");
    drop(kept);
    assert!(started(&store, id(), Utc::now()).await);
}

/// A process that stands still in the middle of a transaction, as a machine that is suspended.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_stands_still_keeps_nobody_from_its_rows_for_long() {
    let location = database().await;
    let (store, still) = (open(location.clone()).await, open(location).await);
    let integration = id();
    assert!(started(&store, integration, Utc::now()).await);
    let mut transaction = still.database.begin().await.unwrap();
    sqlx::raw_sql("UPDATE jobs SET rows_synced = 1").execute(transaction.connection()).await.unwrap();
    let begun = std::time::Instant::now();
    let claimed = loop {
        match store.claim_job(LEASE, |_, _| true).await {
            Ok(claimed) => break claimed,
            Err(error) => assert!(error.is_unavailable(), "{error}"),
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "it is never to be had");
    };
    assert!(claimed.is_some());
    assert!(transaction.end(Ok(())).await.is_err(), "it has lost its rows");
}
