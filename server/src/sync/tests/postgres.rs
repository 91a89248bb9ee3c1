//! Postgres as a source.

use std::time::Duration;

use serde_json::json;

use sqlx::{Connection as _, PgConnection};
use tokio::time::Instant;

use super::rig::{Rig, moment, postgres_table};
use crate::store::JobStatus;
use crate::testing::postgres;

/// A rig from a table whose `UPDATED_AT` has this type.
async fn with_times(kind: &str) -> Rig {
    Rig::into_file().await.reading_postgres(&format!("UPDATED_AT {kind}, EXTERNAL_ID text, PAYLOAD jsonb")).await
}

#[tokio::test]
async fn every_supported_time_type_is_read_in_order_and_from_the_watermark() {
    for (kind, [first, second, third, fourth]) in [
        (
            "timestamptz",
            [
                "'2026-01-01 00:00:01Z'",
                "'2026-01-01 02:00:01.000001+02'",
                "'2026-01-01 00:00:02Z'",
                "'2026-01-01 00:00:03Z'",
            ],
        ),
        (
            "timestamp",
            ["'2026-01-01 00:00:01'", "'2026-01-01 00:00:01.000001'", "'2026-01-01 00:00:02'", "'2026-01-01 00:00:03'"],
        ),
        (
            "text",
            ["'2026-01-01T00:00:01Z'", "'2026-01-01T00:00:02Z'", "'2026-01-01T00:00:03Z'", "'2026-01-01T00:00:04Z'"],
        ),
        // As text these sort differently.
        (
            "varchar(40)",
            [
                "'2026-01-01T04:00:01+04:00'",
                "'2026-01-01T00:00:02Z'",
                "'2025-12-31 23:00:02.5-01:00'",
                "'2026-01-01T00:00:04.0000019Z'",
            ],
        ),
        ("integer", ["1767225601", "1767225602", "1767225603", "1767225604"]),
        ("bigint", ["1767225601000", "1767225601001", "1767225601002", "1767225601003"]),
        ("numeric(20, 6)", ["1767225601.000001", "1767225601.000002", "1767225602", "1767225603"]),
        ("double precision", ["1767225601.25", "1767225601.5", "1767225601.75", "1767225602"]),
    ] {
        let mut rig = with_times(kind).await;
        rig.integration.lookback = Duration::ZERO;
        rig.sql(&format!(
            "INSERT INTO {{t}} VALUES ({third}, 'c', '{{}}'), ({first}, 'a', '{{}}'), ({second}, 'b', '{{}}')"
        ))
        .await;
        let job = rig.sync().await;
        assert_eq!((job.status, job.cause), (JobStatus::Success, None), "{kind}");
        assert_eq!(rig.users(), ["a", "b", "c"], "{kind}");
        rig.sql(&format!("INSERT INTO {{t}} VALUES ({fourth}, 'd', '{{}}'), ({second}, 'too late', '{{}}')")).await;
        assert_eq!(rig.sync().await.rows_synced, 1, "{kind}");
        rig.sql(&format!("INSERT INTO {{t}} VALUES ({fourth}, 'late', '{{}}')")).await;
        assert_eq!(rig.sync().await.rows_synced, 1, "{kind}");
        assert_eq!(rig.users()[3..], ["d", "late"], "{kind}");
        assert_eq!(rig.sync().await.rows_synced, 0, "{kind}");
    }
}

#[tokio::test]
async fn rows_in_the_future_wait_and_rows_without_a_time_are_skipped() {
    let rig = with_times("timestamptz").await;
    rig.sql(
        "INSERT INTO {t} VALUES (now(), 'now', '{}'), (now() + interval '1500 ms', 'soon', '{}'),
            ('infinity', 'never', '{}'), (NULL, 'never', '{}')",
    )
    .await;
    assert_eq!((rig.sync().await.status, rig.users()), (JobStatus::Success, vec!["now".to_owned()]));
    rig.sync_until_rows_synced().await;
    assert_eq!(rig.users(), ["now", "soon"]);
}

#[tokio::test]
async fn payloads_and_identifiers_of_every_type_are_read_as_text() {
    for (columns, row, expected) in [
        (
            "UPDATED_AT timestamptz, \"External_Id\" uuid, PAYLOAD json",
            r#"'6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b01', '{"n": 1.10, "a": null}'"#,
            r#"{"external_id":"6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b01","n": 1.10, "a": null}"#,
        ),
        (
            "UPDATED_AT timestamptz, EXTERNAL_ID bigint, PAYLOAD jsonb",
            r#"7, '{"n": 1.10, "big": 12345678901234567890123}'"#,
            r#"{"external_id":"7","n": 1.10, "big": 12345678901234567890123}"#,
        ),
        (
            "UPDATED_AT timestamptz, EMAIL varchar(100), PHONE text, PAYLOAD text",
            r#"NULL, '+49', '{"x":"é"}'"#,
            r#"{"phone":"+49","x":"é"}"#,
        ),
        (
            "UPDATED_AT timestamptz, ALIAS_NAME text, ALIAS_LABEL text, PAYLOAD text",
            "'n', 'l', '{}'",
            r#"{"user_alias":{"alias_name":"n","alias_label":"l"}}"#,
        ),
    ] {
        let rig = Rig::into_file().await.reading_postgres(columns).await;
        rig.sql(&format!("INSERT INTO {{t}} VALUES (now(), {row})")).await;
        let job = rig.sync().await;
        assert_eq!((job.status, job.cause), (JobStatus::Success, None));
        assert_eq!(std::fs::read_to_string(rig.file()).unwrap().trim_end(), expected);
    }
}

#[tokio::test]
async fn rows_that_cannot_be_sent_are_row_errors() {
    let rig = Rig::into_file().await.reading_postgres("UPDATED_AT timestamptz, EXTERNAL_ID text, PAYLOAD text").await;
    rig.sql(
        r#"INSERT INTO {t} VALUES ('2026-01-01Z', 'a', '[]'), ('2026-01-02Z', NULL, '{}'), ('2026-01-03Z', 'c', NULL),
            ('2026-01-04Z', 'd', '{"a":"' || repeat('x', 1000000) || '"}'), ('2026-01-05Z', 'e', '{}')"#,
    )
    .await;
    let job = rig.sync().await;
    assert_eq!((job.status, job.rows_synced), (JobStatus::Partial, 1));
    let reasons: Vec<String> = rig.refused().await.into_iter().map(|(_, reason)| reason).collect();
    assert_eq!(
        reasons,
        [
            "PAYLOAD is an array, not a JSON object",
            "all identifier columns are null",
            "PAYLOAD is null; it must be a JSON object",
            "payload has more than 1000000 bytes, which is too long",
        ]
    );
}

#[tokio::test]
async fn tables_and_views_of_any_name_and_schema_are_read() {
    let mut rig = with_times("timestamptz").await;
    rig.sql("INSERT INTO {t} VALUES (now(), 'a', '{}')").await;
    let table = rig.table().to_owned();
    rig.sql(&format!(
        "CREATE SCHEMA \"s {table}\"; CREATE VIEW \"s {table}\".\"odd \"\"; view\" AS SELECT * FROM {{t}}"
    ))
    .await;
    for name in [format!("public.{table}"), format!("\"s {table}\".\"odd \"\"; view\"")] {
        rig.integration.id = uuid::Uuid::new_v4().into();
        rig.integration.source = postgres_table(&postgres(), &name);
        let job = rig.sync().await;
        assert_eq!((job.cause, job.rows_synced), (None, 1), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_reads_one_snapshot_and_the_next_run_reads_a_new_one() {
    let mut rig =
        Rig::into_service().await.reading_postgres("UPDATED_AT timestamptz, EXTERNAL_ID text, PAYLOAD jsonb").await;
    rig.sql("INSERT INTO {t} SELECT '2026-01-01Z', 'user-' || n, '{}' FROM generate_series(1, 3000) AS n").await;
    rig.fake_braze.delay(Duration::from_millis(30));
    rig.tuning.checkpoint = Duration::from_millis(5);
    let change = async {
        while rig.fake_braze.accepted() < 300 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        rig.sql("INSERT INTO {t} VALUES ('2026-01-01Z', 'zz late', '{}')").await;
        // The connection is lost during the reading.
        rig.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query LIKE '%{t}%'").await;
    };
    let (job, ()) = tokio::join!(rig.sync(), change);
    if job.status == JobStatus::Error {
        assert!(job.cause.unwrap().contains("the table"), "the cause names the table");
    } else {
        // All rows had been read before the connection was lost.
        assert_eq!((job.status, job.rows_synced), (JobStatus::Success, 3000));
    }
    assert!(rig.fake_braze.objects().iter().all(|object| object["external_id"] != "zz late"));
    rig.fake_braze.delay(Duration::ZERO);
    assert_eq!(rig.sync().await.status, JobStatus::Success);
    assert!(rig.fake_braze.objects().iter().any(|object| object["external_id"] == "zz late"));
}

#[tokio::test]
async fn errors_of_the_source_are_config_errors() {
    let mut rig = with_times("timestamptz").await;
    rig.sql("INSERT INTO {t} VALUES (now(), 'a', '{}')").await;
    let table = rig.table().to_owned();
    rig.sql(&format!(
        "CREATE TABLE {table}_day (UPDATED_AT date, EXTERNAL_ID text, PAYLOAD text);
         CREATE TABLE {table}_odd (UPDATED_AT text, EXTERNAL_ID text, PAYLOAD text); INSERT INTO {table}_odd VALUES ('yesterday', 'a', '{{}}');
         CREATE TABLE {table}_text (UPDATED_AT text, EXTERNAL_ID text, PAYLOAD text); INSERT INTO {table}_text VALUES (now()::text, 'a', '{{}}');
         CREATE TABLE {table}_old (UPDATED_AT timestamptz, EXTERNAL_ID text, PAYLOAD text); INSERT INTO {table}_old VALUES ('-infinity', 'a', '{{}}');
         CREATE TABLE {table}_mix (UPDATED_AT bigint, EXTERNAL_ID text, PAYLOAD text); INSERT INTO {table}_mix VALUES (1767225600, 'a', '{{}}'), (1767225600000, 'b', '{{}}');
         CREATE TABLE {table}_who (UPDATED_AT timestamptz, NAME text, PAYLOAD text);
         CREATE TABLE {table}_what (UPDATED_AT timestamptz, EXTERNAL_ID text)"
    ))
    .await;
    let good = postgres();
    let in_other_case = format!("the database `postgres` has no table `{}`; it has `{table}`", table.to_uppercase());
    let other_database = good.replace("/postgres", "/no_such_database");
    for (url_text, name, expected) in [
        (&good, "no_such_table".to_owned(), "the database `postgres` has no table `no_such_table`; it has `"),
        (&good, table.to_uppercase(), &in_other_case),
        (
            &good,
            format!("{table}_day"),
            "has the type DATE, which cannot hold the time of a change; use timestamptz, timestamp, text or a number; a view can convert it with \"updated_at\"::timestamp, which is midnight in UTC",
        ),
        (&good, format!("select * from {table}"), "looks like a query; create a view for it"),
        (
            &good,
            format!("{table}_text"),
            "this is Postgres's own text form of a time; a view with `\"updated_at\"::timestamptz` reads it",
        ),
        (&good, format!("{table}_odd"), "holds \"yesterday\" (row with external_id \"a\"), which is not a timestamp"),
        (
            &good,
            format!("{table}_old"),
            "holds -infinity (row with external_id \"a\"), which is not a timestamp; a row with it would be before every watermark",
        ),
        (
            &good,
            format!("{table}_mix"),
            "mixes formats: 1767225600 is Unix seconds (row with external_id \"a\"), 1767225600000 is Unix milliseconds (row with external_id \"b\")",
        ),
        (&good, format!("{table}_who"), "no identifier column"),
        (&good, format!("{table}_what"), "no column PAYLOAD"),
        (&other_database, table.clone(), "database \"no_such_database\" does not exist"),
    ] {
        rig.integration.source = postgres_table(url_text, &name);
        let job = rig.sync().await;
        let cause = job.cause.unwrap();
        assert_eq!(job.status, JobStatus::ConfigError, "{cause}");
        assert!(cause.contains(expected), "{cause}");
        assert!(rig.probe().await.is_err());
    }
    rig.integration.source = postgres_table(&good, &table);
    assert_eq!(rig.sync().await.status, JobStatus::Success);
    let report = rig.probe().await.unwrap();
    assert!(
        report.to_string().ends_with("identified by external_id, UPDATED_AT is timestamp with time zone"),
        "{report}"
    );
}

#[tokio::test]
async fn causes_name_a_wrong_password_or_missing_grant_without_the_password() {
    let mut rig = with_times("timestamptz").await;
    let table = rig.table().to_owned();
    // Only users of this name are asked for a password.
    rig.sql("DO $$ BEGIN CREATE ROLE with_password LOGIN PASSWORD 'right'; EXCEPTION WHEN duplicate_object OR unique_violation THEN END $$").await;
    let with = |password: &str| postgres().replace("opencdi@", &format!("with_password:{password}@"));
    for (password, expected) in [
        ("hunter2", "password authentication failed for user \"with_password\""),
        (
            "right",
            &format!(
                "the role `with_password` may not read `{table}`; run `GRANT SELECT ON \"{table}\" TO \"with_password\"`"
            ),
        ),
    ] {
        rig.integration.source = postgres_table(&with(password), &table);
        let job = rig.sync().await;
        let cause = job.cause.unwrap();
        assert_eq!(job.status, JobStatus::ConfigError, "{cause}");
        assert!(cause.contains(expected) && !cause.contains("hunter2"), "{cause}");
    }
    rig.sql("GRANT SELECT ON {t} TO with_password").await;
    assert_eq!(rig.sync().await.status, JobStatus::Success);
    let schema = format!("s_{table}");
    rig.sql(&format!("CREATE SCHEMA {schema}; CREATE VIEW {schema}.v AS SELECT * FROM {{t}}")).await;
    rig.integration.source = postgres_table(&with("right"), &format!("{schema}.v"));
    assert_eq!(
        rig.probe().await.unwrap_err().to_string(),
        format!(
            "the role `with_password` may not use the schema `{schema}`; run `GRANT USAGE ON SCHEMA \"{schema}\" TO \
             \"with_password\"` and `GRANT SELECT ON \"{schema}\".\"v\" TO \"with_password\"`"
        )
    );
    rig.sql(&format!("GRANT USAGE ON SCHEMA {schema} TO with_password; GRANT SELECT ON {schema}.v TO with_password"))
        .await;
    let report = rig.probe().await.unwrap().to_string();
    assert!(report.starts_with(&format!("view {schema}.v, identified by")), "{report}");
}

#[tokio::test]
async fn a_watermark_is_the_same_for_every_kind_of_source() {
    let rig = with_times("timestamptz").await;
    rig.sql("INSERT INTO {t} VALUES ('2026-01-01T00:00:05.000001Z', 'a', '{}')").await;
    assert_eq!(rig.sync().await.last_timestamp_synced, Some(moment(5) + chrono::TimeDelta::microseconds(1)));
    assert_eq!(rig.lines(), [json!({ "external_id": "a" })]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_destination_does_not_run_into_the_statement_timeout() {
    let mut rig =
        Rig::into_service().await.reading_postgres("UPDATED_AT timestamptz, EXTERNAL_ID text, PAYLOAD jsonb").await;
    // More than fits into the buffers on the way.
    rig.sql(
        "INSERT INTO {t} SELECT '2026-01-01Z', 'user-' || n, json_build_object('a', repeat('x', 5000)) FROM generate_series(1, 8000) AS n",
    )
    .await;
    let limited = format!("{}?options=-c%20statement_timeout%3D500", postgres());
    rig.integration.source = postgres_table(&limited, rig.table());
    rig.fake_braze.delay(Duration::from_millis(100));
    let job = rig.sync().await;
    assert_eq!((job.cause, job.rows_synced), (None, 8000));
}

#[tokio::test]
async fn a_preview_computes_only_the_contents_that_it_shows() {
    for (kind, time) in [
        ("timestamptz", "timestamptz '2026-01-01Z' + n * interval '1 s'"),
        ("text", "to_char(timestamp '2026-01-01' + n * interval '1 s', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"),
        // As text these sort differently.
        (
            "varchar(40)",
            "to_char(timestamp '2026-01-01' + n * interval '1 s', 'YYYY-MM-DD HH24:MI:SS') || repeat('Z', n % 2)",
        ),
        ("bigint", "1767225600 + n"),
    ] {
        let mut rig = with_times(kind).await;
        let table = rig.table().to_owned();
        rig.sql(&format!(
            "INSERT INTO {{t}} SELECT {time}, 'user-' || n, json_build_object('n', n) FROM generate_series(2000, 1, -1) AS n;
             CREATE VIEW {{t}}_fails AS SELECT UPDATED_AT, EXTERNAL_ID,
                json_build_object('n', 100 / CASE WHEN (PAYLOAD->>'n')::int > 4 THEN 0 ELSE 1 END) AS PAYLOAD FROM {{t}}"
        ))
        .await;
        rig.integration.source = postgres_table(&postgres(), &format!("{table}_fails"));
        for index in ["", "CREATE INDEX ON {t} (UPDATED_AT)"] {
            rig.sql(index).await;
            let preview = crate::sync::preview(&rig.integration, None, 3).await.unwrap();
            let shown: Vec<String> = preview.rows.iter().map(|row| format!("{row:?}")).collect();
            assert!(preview.more && shown.len() == 3, "{kind}: {preview:?}");
            assert!(
                shown.iter().zip(1..).all(|(row, number)| row.contains(&format!("user-{number}\\\""))),
                "{shown:?}"
            );
            assert!(
                crate::sync::preview(&rig.integration, None, 5).await.is_err(),
                "these contents cannot be computed"
            );
        }
    }
}

#[tokio::test]
async fn dropping_a_reading_cancels_its_query() {
    let mut rig = with_times("timestamptz").await;
    let view = format!("{}_slow", rig.table());
    rig.sql(&format!(
        "CREATE VIEW {view} AS SELECT now() AS UPDATED_AT, 'a' AS EXTERNAL_ID, '{{}}' AS PAYLOAD FROM pg_sleep(60)"
    ))
    .await;
    rig.integration.source = postgres_table(&postgres(), &view);
    let running = async || {
        let mut connection = PgConnection::connect(&postgres()).await.unwrap();
        let count = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%' || $1 || '%' AND pid <> pg_backend_pid()";
        sqlx::query_scalar::<_, i64>(count).bind(&view).fetch_one(&mut connection).await.unwrap()
    };
    let reading = rig.read_all().await.unwrap();
    let begun = Instant::now();
    while running().await == 0 {
        assert!(begun.elapsed() < Duration::from_secs(10), "the query did not start");
    }
    drop(reading);
    let dropped = Instant::now();
    while running().await > 0 {
        assert!(dropped.elapsed() < Duration::from_secs(5), "the query is still running");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
