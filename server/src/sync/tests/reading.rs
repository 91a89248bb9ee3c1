//! Which rows a run reads, and the causes of tables that cannot be read.

use std::time::Duration;

use chrono::{SecondsFormat, TimeDelta, Utc};

use super::rig::{LEASE, Rig, moment, sqlite, user};
use crate::store::{JobStatus, MAX_ROW_ERRORS};
use crate::sync::preview;
use crate::sync::run_tuning::RunTuning;

/// Syncs a table with these columns and rows (as SQL). Returns the delivered users in order, or the job's cause.
async fn users_of(table: &str, rows: &[&str]) -> Result<Vec<String>, String> {
    let rig = Rig::into_file().await;
    rig.source.execute_batch(&format!("DROP TABLE users; CREATE TABLE users ({table})")).unwrap();
    for row in rows {
        rig.source.execute_batch(&format!("INSERT INTO users VALUES ({row})")).unwrap();
    }
    let job = rig.sync().await;
    match job.cause {
        Some(cause) => {
            assert_eq!(job.status, JobStatus::ConfigError, "{cause}");
            Err(cause)
        }
        None => Ok(rig.users()),
    }
}

#[tokio::test]
async fn a_run_syncs_what_has_changed_since_the_last_one() {
    let rig = Rig::into_file().await;
    rig.insert_many(3);
    assert_eq!(rig.sync().await.last_timestamp_synced, Some(moment(2)));
    let job = rig.sync().await;
    assert_eq!((job.status, job.rows_synced, job.last_timestamp_synced), (JobStatus::Success, 0, Some(moment(2))));
    rig.source
        .execute("UPDATE users SET UPDATED_AT = ?1 WHERE EXTERNAL_ID = 'user-1'", [super::rig::time(50)])
        .unwrap();
    rig.insert(40, "new", "{}");
    assert_eq!(rig.sync().await.rows_synced, 2);
    assert_eq!(rig.users(), ["user-0", "user-1", "user-2", "new", "user-1"]);
}

#[tokio::test]
async fn rows_that_are_committed_late_are_synced_within_the_lookback() {
    let mut rig = Rig::into_file().await;
    rig.integration.lookback = Duration::from_secs(5);
    rig.insert(10, "a", "{}");
    rig.insert(20, "b", "{}");
    rig.sync().await;
    rig.insert(20, "late", "{}");
    rig.insert(15, "later", "{}");
    rig.insert(14, "too late", "{}");
    assert_eq!(rig.sync().await.rows_synced, 2);
    assert_eq!(rig.sync().await.rows_synced, 0);
    rig.source.execute("DELETE FROM users WHERE EXTERNAL_ID = 'b'", ()).unwrap();
    assert_eq!(rig.sync().await.rows_synced, 0);
    assert_eq!(rig.users(), ["a", "b", "later", "late"]);
}

#[tokio::test]
async fn rows_in_the_future_wait_and_rows_without_a_time_are_skipped() {
    let rig = Rig::into_file().await;
    let at = |delta: TimeDelta| (Utc::now() + delta).to_rfc3339_opts(SecondsFormat::Micros, true);
    for (user, time) in [
        ("now", Some(at(TimeDelta::zero()))),
        ("soon", Some(at(TimeDelta::milliseconds(1500)))),
        ("later", Some(at(TimeDelta::hours(1)))),
        ("never", None),
    ] {
        rig.source.execute("INSERT INTO users VALUES (?1, ?2, '{}')", (time, user)).unwrap();
    }
    assert_eq!((rig.sync().await.status, rig.users()), (JobStatus::Success, vec!["now".to_owned()]));
    rig.sync_until_rows_synced().await;
    assert_eq!(rig.users(), ["now", "soon"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_reads_one_snapshot() {
    let rig = Rig::into_service().await;
    rig.insert_many(5000);
    rig.fake_braze.delay(Duration::from_millis(20));
    let change = async {
        while rig.fake_braze.requests() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // After the snapshot, and below the watermark that the run will reach.
        rig.source.execute("UPDATE users SET PAYLOAD = '{\"changed\":true}'", ()).unwrap();
        rig.insert(4998, "late", "{}");
    };
    let (job, ()) = tokio::join!(rig.sync(), change);
    assert_eq!((job.status, job.rows_synced), (JobStatus::Success, 5000));
    assert!(rig.fake_braze.objects().iter().all(|object| user(object) != "late" && object.get("changed").is_none()));
}

#[tokio::test]
async fn times_are_read_in_every_supported_format_even_mixed() {
    for rows in [
        ["'2026-01-01T00:00:03Z', 'c', '{}'", "'2026-01-01T00:00:01Z', 'a', '{}'", "'2026-01-01T00:00:02Z', 'b', '{}'"],
        // As text these sort differently.
        [
            "'2026-01-01T00:00:03Z', 'c', '{}'",
            "'2026-01-01 02:00:01+02:00', 'a', '{}'",
            "'2025-12-31T23:00:02.0-01:00', 'b', '{}'",
        ],
        ["'2026-01-01 00:00:03', 'c', '{}'", "'2026-01-01T00:00:01', 'a', '{}'", "'2026-01-01 00:00:02', 'b', '{}'"],
        ["1767225603, 'c', '{}'", "1767225601, 'a', '{}'", "1767225602, 'b', '{}'"],
        ["1767225603000, 'c', '{}'", "1767225601000, 'a', '{}'", "1767225602000, 'b', '{}'"],
        ["1767225601.75, 'c', '{}'", "1767225601, 'a', '{}'", "1767225601.5, 'b', '{}'"],
        // So do these with a leap second.
        [
            "'2026-01-01T00:01:00.9Z', 'c', '{}'",
            "'2026-01-01T00:00:60.5Z', 'b', '{}'",
            "'2026-01-01T00:01:00.2Z', 'a', '{}'",
        ],
    ] {
        let users = users_of("UPDATED_AT, EXTERNAL_ID, PAYLOAD", &rows).await;
        assert_eq!(users.unwrap(), ["a", "b", "c"], "{rows:?}");
    }
}

#[tokio::test]
async fn a_watermark_applies_whatever_format_the_new_rows_have() {
    let mut rig = Rig::into_file().await;
    rig.integration.lookback = Duration::ZERO;
    rig.insert(7200, "a", "{}");
    rig.sync().await;
    for (time, user) in [
        ("2026-01-01T02:00:00Z", "at"),
        ("2026-01-01T02:00:00.000001Z", "new"),
        ("2026-01-01T04:00:01+02:00", "new"),
        ("2025-12-31T04:00:01-23:00", "new"),
        ("2026-01-02T00:00:00+23:00", "old"),
        ("2026-01-01 01:59:59", "old"),
    ] {
        rig.source.execute("INSERT INTO users VALUES (?1, ?2, '{}')", (time, user)).unwrap();
    }
    rig.sync().await;
    let users = rig.users();
    assert_eq!(users[1..], ["at", "new", "new", "new"]);
}

#[tokio::test]
async fn a_cause_for_an_invalid_updated_at_gives_an_example() {
    let columns = "UPDATED_AT, EXTERNAL_ID, PAYLOAD";
    for (rows, expected) in [
        (
            vec!["'2026-01-01T00:00:00Z', 'a', '{}'", "1767225600, 'b', '{}'"],
            r#"the column `UPDATED_AT` of the table `users` mixes formats: "2026-01-01T00:00:00Z" is text (row with EXTERNAL_ID "a"), 1767225600 is Unix seconds (row with EXTERNAL_ID "b"); use one"#,
        ),
        (
            vec!["1767225600, 'a', '{}'", "1767225600000, 'b', '{}'"],
            r#"mixes formats: 1767225600 is Unix seconds (row with EXTERNAL_ID "a"), 1767225600000 is Unix milliseconds (row with EXTERNAL_ID "b")"#,
        ),
        (vec!["'yesterday', 'a', '{}'"], r#"holds "yesterday" (row with EXTERNAL_ID "a"), which is not a timestamp"#),
        (vec!["x'00ff', 'a', '{}'"], r#"holds a blob of 2 bytes (row with EXTERNAL_ID "a"), which is not a timestamp"#),
        (
            vec!["'2026-2-10T00:00:00', 'a', '{}'"],
            r#"holds "2026-2-10T00:00:00" (row with EXTERNAL_ID "a"), which is not a timestamp"#,
        ),
        (
            vec!["1767225601000000, 'a', '{}'"],
            r#"holds 1767225601000000 (row with EXTERNAL_ID "a"), which is not a timestamp"#,
        ),
        (
            vec![
                "'2026-01-01T00:00:00Z', 'a', '{}'",
                "'2026-01-35T00:00:00Z', 'b', '{}'",
                "'2026-02-01T00:00:00Z', 'a', '{}'",
            ],
            r#"holds "2026-01-35T00:00:00Z" (row with EXTERNAL_ID "b"), which is not a timestamp"#,
        ),
    ] {
        let cause = users_of(columns, &rows).await.unwrap_err();
        assert!(cause.contains(expected), "{cause}");
    }
}

#[tokio::test]
async fn missing_tables_and_columns_are_config_errors_until_they_are_repaired() {
    let rig = Rig::into_file().await;
    rig.insert(1, "a", "{}");
    for (sql, expected) in [
        ("ALTER TABLE users RENAME TO others", "the database has no table `users`; it has `others`"),
        ("CREATE VIEW users AS SELECT * FROM missing", "the view `users` does not work: no such table: main.missing"),
        (
            "DROP VIEW users; ALTER TABLE others RENAME TO users; ALTER TABLE users RENAME PAYLOAD TO DATA",
            "no column PAYLOAD",
        ),
        (
            "ALTER TABLE users RENAME DATA TO PAYLOAD; ALTER TABLE users RENAME EXTERNAL_ID TO ID",
            "no identifier column",
        ),
    ] {
        rig.source.execute_batch(sql).unwrap();
        let job = rig.sync().await;
        assert_eq!(job.status, JobStatus::ConfigError);
        let cause = job.cause.unwrap();
        assert!(cause.contains(expected), "{cause}");
    }
    rig.source.execute_batch("ALTER TABLE users RENAME ID TO External_Id").unwrap();
    assert_eq!((rig.sync().await.status, rig.users()), (JobStatus::Success, vec!["a".to_owned()]));
}

#[tokio::test]
async fn a_source_file_that_is_not_a_database_is_a_config_error() {
    let mut rig = Rig::into_file().await;
    let path = rig.folder.path().join("notes.txt");
    rig.integration.source = sqlite(&path, "users");
    assert!(rig.sync().await.cause.unwrap().contains("there is no such file"));
    std::fs::write(&path, "just a text that is long enough to be read as a header of a database file, or is it?")
        .unwrap();
    let job = rig.sync().await;
    assert_eq!(job.status, JobStatus::ConfigError);
    assert!(job.cause.unwrap().contains("file is not a database"));
}

#[tokio::test]
async fn tables_and_views_of_any_name_are_read() {
    let mut rig = Rig::into_file().await;
    rig.insert(1, "a", "{}");
    rig.source
        .execute_batch(
            "CREATE VIEW \"odd \"\"view\" AS SELECT UPDATED_AT AS updated_at, EXTERNAL_ID, PAYLOAD AS \"Payload\" FROM users;
             CREATE TABLE \"drop table users; --\" AS SELECT * FROM users;
             CREATE INDEX times ON users (UPDATED_AT)",
        )
        .unwrap();
    let path = rig.folder.path().join("source.db");
    for table in ["main.users", "\"odd \"\"view\"", "drop table users; --", "main.\"users\""] {
        rig.integration.id = uuid::Uuid::new_v4().into();
        rig.integration.source = sqlite(&path, table);
        let job = rig.sync().await;
        assert_eq!((job.status, job.rows_synced), (JobStatus::Success, 1), "{:?}", job.cause);
    }
}

#[tokio::test]
async fn rows_that_cannot_be_sent_are_row_errors_and_the_next_run_does_not_repeat_them() {
    let rig = Rig::into_file().await;
    rig.insert(1, "a", "[]");
    rig.source.execute("INSERT INTO users VALUES (?1, NULL, '{}')", [super::rig::time(2)]).unwrap();
    rig.source.execute("INSERT INTO users VALUES (?1, x'ff', '{}')", [super::rig::time(3)]).unwrap();
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(1_000_000));
    rig.insert(4, "d", &long);
    rig.insert(5, "e", "{}");
    let job = rig.sync().await;
    assert_eq!((job.status, job.rows_synced, job.rows_failed_with_errors), (JobStatus::Partial, 1, 4));
    let reasons: Vec<String> = rig.refused().await.into_iter().map(|(_, reason)| reason).collect();
    assert_eq!(
        reasons,
        [
            "PAYLOAD is an array, not a JSON object",
            "all identifier columns are null",
            "EXTERNAL_ID is not UTF-8 text",
            "PAYLOAD has more than 1000000 bytes, which is too long",
        ]
    );
    assert_eq!(rig.sync().await.status, JobStatus::Success);
    let watermark = rig.store.watermark(rig.integration.id).await.unwrap();
    assert_eq!(watermark.updated_at, Some(moment(5)));
}

#[tokio::test]
async fn tables_and_views_of_every_kind_are_read_in_order() {
    let mut rig = Rig::into_file().await;
    rig.insert(2, "b", "{}");
    rig.insert(1, "a", "{}");
    rig.source
        .execute_batch(
            "CREATE VIEW own_places AS SELECT rowid, * FROM users;
             CREATE VIEW odd_places AS SELECT rowid || 'x' AS rowid, UPDATED_AT, EXTERNAL_ID, PAYLOAD FROM users;
             CREATE TABLE no_places (UPDATED_AT TEXT, EXTERNAL_ID TEXT PRIMARY KEY, PAYLOAD TEXT) WITHOUT ROWID;
             CREATE TABLE \"select\" (UPDATED_AT, EXTERNAL_ID, PAYLOAD, rowid TEXT DEFAULT 'z');
             CREATE VIRTUAL TABLE virtual USING fts5(UPDATED_AT, EXTERNAL_ID, PAYLOAD);
             CREATE TABLE generated (at TEXT, EXTERNAL_ID, PAYLOAD, UPDATED_AT TEXT GENERATED ALWAYS AS (at || 'Z') VIRTUAL);
             INSERT INTO no_places SELECT * FROM users; INSERT INTO virtual SELECT * FROM users;
             INSERT INTO \"select\" SELECT *, 'z' FROM users;
             INSERT INTO generated SELECT rtrim(UPDATED_AT, 'Z'), EXTERNAL_ID, PAYLOAD FROM users",
        )
        .unwrap();
    let path = rig.folder.path().join("source.db");
    let mut synced = 0;
    for table in ["own_places", "odd_places", "no_places", "select", "virtual", "generated"] {
        rig.integration.id = uuid::Uuid::new_v4().into();
        rig.integration.source = sqlite(&path, table);
        let job = rig.sync().await;
        assert_eq!((job.cause, job.rows_synced), (None, 2), "{table}");
        assert_eq!(rig.users()[synced..], ["a", "b"], "{table}");
        synced += 2;
        assert_eq!(rig.sync().await.rows_synced, 0, "{table}");
    }
}

#[tokio::test]
async fn batches_in_flight_when_the_source_fails_arrive_and_are_counted() {
    let mut rig = Rig::into_service().await;
    rig.insert_many(6000);
    rig.source
        .execute_batch(
            "CREATE VIEW fails AS SELECT rowid, UPDATED_AT, EXTERNAL_ID,
                iif(abs(iif(EXTERNAL_ID = 'user-5000', -9223372036854775807 - 1, 1)), '{}', '{}') AS PAYLOAD FROM users",
        )
        .unwrap();
    let path = rig.folder.path().join("source.db");
    rig.integration.source = sqlite(path, "fails");
    rig.fake_braze.delay(Duration::from_millis(50));
    let job = rig.sync().await;
    assert_eq!(job.cause.unwrap(), "the table `fails`: integer overflow");
    assert!(job.rows_synced > 0);
    assert_eq!(rig.fake_braze.accepted() as u64, job.rows_synced);
}

#[tokio::test]
async fn a_preview_computes_only_the_contents_that_it_shows() {
    let mut rig = Rig::into_file().await;
    for row in (0..2000).rev() {
        rig.insert(row, &format!("user-{row}"), "{}");
    }
    // Computing the payload fails from the fifth row on.
    let payload = "iif(abs(iif(CAST(substr(EXTERNAL_ID, 6) AS INTEGER) > 3, -9223372036854775807 - 1, 1)), '{}', '{}') AS PAYLOAD";
    rig.source
        .execute_batch(&format!(
            "CREATE VIEW fails AS SELECT UPDATED_AT, EXTERNAL_ID, {payload} FROM users;
             CREATE VIEW fails_in_places AS SELECT rowid, UPDATED_AT, EXTERNAL_ID, {payload} FROM users;
             CREATE TABLE mixed AS SELECT * FROM users;
             UPDATE mixed SET UPDATED_AT = replace(UPDATED_AT, 'T', ' ') WHERE rowid % 2;
             CREATE VIEW fails_mixed AS SELECT UPDATED_AT, EXTERNAL_ID, {payload} FROM mixed"
        ))
        .unwrap();
    let path = rig.folder.path().join("source.db");
    for index in ["", "CREATE INDEX times ON users (UPDATED_AT); CREATE INDEX others ON mixed (UPDATED_AT)"] {
        rig.source.execute_batch(index).unwrap();
        for table in ["fails", "fails_in_places", "fails_mixed"] {
            rig.integration.source = sqlite(&path, table);
            let preview = preview(&rig.integration, None, 3).await.unwrap();
            let shown: Vec<String> = preview.rows.iter().map(|row| format!("{row:?}")).collect();
            assert!(preview.more && shown.len() == 3, "{table}: {preview:?}");
            assert!(
                shown.iter().zip(0..).all(|(row, number)| row.contains(&format!("user-{number}\\\""))),
                "{shown:?}"
            );
            let error = super::super::preview(&rig.integration, None, 4).await.unwrap_err();
            assert!(error.to_string().ends_with("integer overflow"), "{error}");
        }
    }
}

#[tokio::test]
async fn a_preview_shows_the_pending_rows_and_counts_the_skipped_ones() {
    let rig = Rig::into_file().await;
    rig.insert_many(3);
    rig.source
        .execute_batch("INSERT INTO users VALUES (NULL, 'never', '{}'), ('2999-01-01T00:00:00.000000Z', 'later', '{}')")
        .unwrap();
    for (most, shown, more) in
        [(0, 0, true), (2, 2, true), (3, 3, false), (usize::MAX - 1, 3, false), (usize::MAX, 3, false)]
    {
        let preview = preview(&rig.integration, None, most).await.unwrap();
        assert_eq!((preview.rows.len(), preview.more, preview.future, preview.undated), (shown, more, 1, 1), "{most}");
    }
    let job = rig.sync().await;
    assert_eq!(
        job.cause.as_deref(),
        Some(
            "not taken: 1 row dated in the future (an UPDATED_AT without a time zone is read as UTC), 1 row without an UPDATED_AT"
        )
    );
    rig.insert(1, "late", "{}");
    let preview = preview(&rig.integration, Some(rig.known().await), 3).await.unwrap();
    assert_eq!((preview.rows.len(), preview.more, preview.future), (1, false, 1));
}

#[tokio::test]
async fn only_the_first_row_errors_are_kept_however_often_the_job_is_resumed() {
    let mut rig = Rig::into_file().await;
    let rows = MAX_ROW_ERRORS as usize + 2500;
    rig.source.execute_batch("BEGIN").unwrap();
    for row in 0..rows {
        let payload = if row % 100 == 99 { "{}" } else { "[]" };
        rig.insert(row as i64, &format!("user-{row}"), payload);
    }
    rig.source.execute_batch("COMMIT").unwrap();
    rig.tuning = RunTuning { checkpoint: Duration::from_millis(1), batch: 100, ..rig.tuning };
    rig.trigger().await;
    let mut crashes = 0;
    loop {
        let claimed = rig.claim(LEASE).await;
        if rig.crash(claimed, 5 + crashes).await {
            break;
        }
        crashes += 1;
        assert!(crashes < 1000, "the job did not end");
    }
    assert!(crashes > 3, "too few crashes to prove anything: {crashes}");
    let job = rig.job().await;
    assert_eq!((job.rows_synced, job.rows_failed_with_errors), (125, 12_375));
    let kept = rig.store.row_errors(job.id, 0, 100_000).await.unwrap();
    let users = (0..).filter(|row| row % 100 != 99).map(|row| format!("{{\"external_id\":\"user-{row}\"}}"));
    assert_eq!(kept.len() as u64, MAX_ROW_ERRORS);
    for ((expected, user), (number, error)) in (1..).zip(users).zip(kept) {
        assert_eq!((number, error.identifier.as_deref()), (expected, Some(user.as_str())));
    }
}
