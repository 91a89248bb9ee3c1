//! Every statement of the store finds its rows by an index, so that it costs the same with ten jobs and with a million.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use sqlx::Connection as _;
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

use super::*;
use crate::store::{AttributeChange, EndedJob, NewMessage, Overdue};

/// Tables that grow: nothing may read the whole of one. `watermarks`, `schedules` and `overdue_watches` have one row for each
/// integration, and `rate_limits` has the windows of the last hour.
const LARGE: [&str; 5] = ["jobs", "row_errors", "record_changes", "messages", "attributes"];

/// The statements that sqlx reports, by text.
#[derive(Debug, Clone, Default)]
struct Statements(Arc<Mutex<BTreeMap<String, u64>>>);

#[derive(Default)]
struct Text {
    summary: String,
    whole: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "summary" => self.summary = value.to_owned(),
            "db.statement" => self.whole = value.trim().to_owned(),
            _ => {}
        }
    }
}

impl<S: tracing::Subscriber> Layer<S> for Statements {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() != "sqlx::query" {
            return;
        }
        let mut text = Text::default();
        event.record(&mut text);
        let statement = if text.whole.is_empty() { text.summary } else { text.whole };
        *self.0.lock().unwrap().entry(statement).or_default() += 1;
    }
}

on_both! {
    no_statement_reads_a_whole_table
    messages_of_many_jobs_take_few_statements
}

/// So that they are written before the deadline of a call, however far away the store is.
async fn messages_of_many_jobs_take_few_statements(location: StoreLocation) {
    let store = open(location).await;
    let integrations: Vec<_> = (0..100).map(|_| id()).collect();
    for integration in &integrations {
        run(&store, *integration, time(5), JobStatus::Success).await;
    }
    store.watch_for_overdue("ops", &integrations).await.unwrap();
    let statements = Statements::default();
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(statements.clone()))
        .expect("this test has a process of its own");
    let ten = |ended: &EndedJob| {
        let [one] = &messages::message(ended)?[..] else { return None };
        Some((0..10).map(|entry| NewMessage { id: format!("{} {entry}", one.id), ..one.clone() }).collect())
    };
    assert_eq!(store.announce_jobs(ten).await.unwrap(), 100);
    let zero = Duration::ZERO;
    let overdue = |overdue: &Overdue| Some(messages::about_overdue(overdue));
    while store.announce_overdue("ops", zero, &integrations, overdue).await.unwrap() == 0 {}
    assert_eq!(store.due_messages("ops", 2000).await.unwrap().len(), 1100);
    let number: u64 = statements.0.lock().unwrap().values().sum();
    assert!(number < 25, "{number} statements");
}

async fn no_statement_reads_a_whole_table(location: StoreLocation) {
    let store = open(location.clone()).await;
    let statements = Statements::default();
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(statements.clone()))
        .expect("this test has a process of its own");
    everything(&store).await;
    drop(store);
    if let StoreLocation::Postgres(_) = &location {
        // The planner prefers an index only where a table is large.
        fill(&location).await;
    }
    let mut statements: Vec<String> = statements.0.lock().unwrap().keys().cloned().collect();
    statements.retain(|statement| statement != IN_PROGRESS);
    let of_jobs = statements.iter().filter(|statement| statement.contains("jobs")).count();
    assert!(of_jobs > 15, "statements are not seen: {statements:#?}");
    let mut found = String::new();
    for statement in &statements {
        let plan = plan(&location, statement).await;
        for line in plan.iter().filter(|line| LARGE.iter().any(|table| reads_all(line, table))) {
            writeln!(found, "{line}\n    in {statement}").unwrap();
        }
    }
    assert!(found.is_empty(), "{found}");
}

/// Calls everything that the store offers.
async fn everything(store: &Store) {
    let integration = id();
    run(store, integration, time(1000), JobStatus::Success).await;
    assert!(started(store, integration, Utc::now()).await);
    let claimed = claim(store, integration, LEASE).await.unwrap();
    let lease = &claimed.lease;
    store.renew(lease, Some("waits")).await.unwrap();
    let error = RowError { identifier: None, updated_at: time(7), reason: "why".into(), payload: None };
    let mut checkpoint = Checkpoint {
        watermark: reached(77),
        route: Some(a_route("users")),
        record: vec![added(77, &[7])],
        rows_synced: 1,
        rows_failed: 1,
        row_errors: vec![error],
        ..Checkpoint::default()
    };
    let set = store.attribute_set(lease, integration, "a").await.unwrap();
    checkpoint.attributes = vec![Arc::new(AttributeChange { set, users: vec![(7, vec![1; 12])] })];
    store.checkpoint(lease, integration, &checkpoint).await.unwrap();
    assert_eq!(store.attributes(set, &[5, 7]).await.unwrap(), [(7, vec![1; 12])]);
    store.existing_attribute_set(integration, "a").await.unwrap();
    store.attributes_size(integration, "a").await.unwrap();
    store.record(integration).await.unwrap();
    store.record_size(integration).await.unwrap();
    store.release(lease).await.unwrap();
    let claimed = claim(store, integration, LEASE).await.unwrap();
    store.give_up_attributes(&claimed.lease, integration).await.unwrap();
    assert!(matches!(store.cancel_job(integration, "why").await.unwrap(), Cancelled::Asked(_)));
    (checkpoint.watermark, checkpoint.record) = (reached(99), vec![added(99, &[9])]);
    store.finish(&claimed.lease, integration, &checkpoint, JobStatus::Partial, None).await.unwrap();
    store.has_ended(claimed.lease.job).await.unwrap();
    assert!(started(store, integration, Utc::now()).await);
    assert!(matches!(store.cancel_job(integration, "why").await.unwrap(), Cancelled::Ended(_)));
    for page in [Page::First, Page::After(Utc::now()), Page::Before(time(5))] {
        store.jobs(integration, &page, 1).await.unwrap();
    }
    let job = store.newest_job_with_row_errors(integration).await.unwrap().unwrap();
    store.row_errors(job, 0, 10).await.unwrap();
    store.job(integration, job).await.unwrap();
    store.find_jobs(integration, &job.to_string().parse().unwrap()).await.unwrap();
    store.integration_states(&[integration, id()]).await.unwrap();
    store.newest_jobs(&[integration, id()]).await.unwrap();
    store.integrations_with_watermarks().await.unwrap();
    let limit = RateLimit { workspace: "w".into(), operation: "o".into(), requests: 5, seconds: 60 };
    store.take_request(limit.clone()).await.unwrap();
    assert!(!store.take_request(RateLimit { requests: 1, ..limit }).await.unwrap().allowed);
    store.now().await.unwrap();
    let scheduled = id();
    store.last_ticks(&[scheduled]).await.unwrap();
    for (seconds, paused) in [(0, false), (1, false), (2, true), (0, false)] {
        let tick = Utc::now() - TimeDelta::seconds(3600 - seconds);
        tamper_ticks(store, scheduled).await;
        store.take_tick(scheduled, tick, paused).await.unwrap();
    }
    store.restart_future_schedules().await.unwrap();
    store.delete_old_row_errors(Duration::ZERO).await.unwrap();
    store.delete_old_jobs(Duration::ZERO).await.unwrap();
    store.delete_old_windows().await.unwrap();
    while store.delete_given_up_attributes().await.unwrap().is_some() {}
    store.announce_jobs(|_| None).await.unwrap();
    store.announce_left_jobs(|_| true, messages::message).await.unwrap();
    run(store, integration, Utc::now(), JobStatus::Success).await;
    store.announce_jobs(messages::message).await.unwrap();
    for id in store.due_messages("ops", 10).await.unwrap() {
        let claimed = store.claim_message(&id, LEASE).await.unwrap().unwrap();
        store.message_failed(&claimed, "why", Some(LEASE)).await.unwrap();
        store.message_failed(&claimed, "why", None).await.unwrap();
        store.message_sent(&claimed).await.unwrap();
    }
    store.delete_old_messages(LEASE).await.unwrap();
    store.watch_for_overdue("ops", &[integration]).await.unwrap();
    // At once: the clock goes on in the meantime.
    while store.overdue_integrations("ops", Duration::ZERO).await.unwrap().is_empty() {}
    store.watch_anew("ops", Duration::ZERO, &[integration]).await.unwrap();
    let overdue = |overdue: &Overdue| Some(messages::about_overdue(overdue));
    while store.announce_overdue("ops", Duration::ZERO, &[integration], overdue).await.unwrap() == 0 {}
    for change in [
        WatermarkChange::Set(time(5), (*a_route("users")).clone()),
        WatermarkChange::Keep((*a_route("others")).clone()),
        WatermarkChange::Reset,
    ] {
        assert!(store.change_watermark(integration, &change, KnownAttributes::Keep).await.unwrap());
    }
}

/// Makes all ticks of an integration due again.
async fn tamper_ticks(store: &Store, integration: IntegrationId) {
    let again = query("UPDATE schedules SET ticked_at = 0 WHERE integration_id = $1").bind(integration.to_string());
    store.database.write(again).await.unwrap();
}

/// Many rows, so that reading all of them is not the cheapest plan.
async fn fill(location: &StoreLocation) {
    let fill = "INSERT INTO jobs (id, integration_id, status, started_at, finished_at, rows_failed)
                SELECT gen_random_uuid(), n % 1000, 'success', n, n + 1, CASE WHEN n % 10 = 0 THEN 1 ELSE 0 END
                FROM generate_series(1, 200000) n;
                INSERT INTO jobs (id, integration_id, status, started_at, lease_until)
                SELECT gen_random_uuid(), 'w' || n, 'running', n, CASE WHEN n % 2 = 0 THEN n END FROM generate_series(1, 10000) n;
                INSERT INTO row_errors (job_id, number, updated_at, reason)
                SELECT id, 1, 1, 'why' FROM jobs WHERE rows_failed > 0 ON CONFLICT DO NOTHING;
                INSERT INTO record_changes SELECT n % 1000, n, 0, n, 'add', ''::bytea FROM generate_series(1, 20000) n;
                INSERT INTO attributes SELECT n % 100, int8send(n), ''::bytea FROM generate_series(1, 100000) n;
                INSERT INTO messages (id, notify, integration_id, event, body, created_at, due_at, sent_at)
                SELECT gen_random_uuid(), n % 5, 'x', 'x', repeat('x', 600), n, n, CASE WHEN n % 10 > 0 THEN n END FROM generate_series(1, 20000) n;
                ANALYZE";
    tamper(location, fill.into()).await;
}

/// The lines of a statement's plan.
async fn plan(location: &StoreLocation, statement: &str) -> Vec<String> {
    match location {
        StoreLocation::Sqlite(path) => {
            let connection = rusqlite::Connection::open(path).unwrap();
            let Ok(mut plan) = connection.prepare(&format!("EXPLAIN QUERY PLAN {statement}")) else {
                return Vec::new();
            };
            let lines = plan.raw_query().mapped(|row| row.get::<_, String>(3));
            lines.map(Result::unwrap).collect()
        }
        StoreLocation::Postgres(url) => {
            let mut connection = sqlx::PgConnection::connect(url.expose()).await.unwrap();
            let parameters = (1..100).take_while(|number| statement.contains(&format!("${number}"))).count();
            let nulls =
                if parameters == 0 { String::new() } else { format!("({})", vec!["NULL"; parameters].join(", ")) };
            let prepare = format!("SET plan_cache_mode = force_generic_plan; PREPARE p AS {statement}");
            // `BEGIN`, `SET` and the like have no plan.
            if sqlx::raw_sql(sqlx::AssertSqlSafe(prepare)).execute(&mut connection).await.is_err() {
                return Vec::new();
            }
            let explain = sqlx::AssertSqlSafe(format!("EXPLAIN EXECUTE p{nulls}"));
            let lines = sqlx::raw_sql(explain).fetch_all(&mut connection).await.unwrap();
            lines.iter().map(|line| line.get::<String, _>(0)).collect()
        }
    }
}

/// Whether a line of a plan says that all rows of a table are read.
fn reads_all(line: &str, table: &str) -> bool {
    let line = line.trim_start_matches([' ', '-', '>']);
    let sqlite = line.strip_prefix("SCAN ").is_some_and(|rest| rest.split(' ').next() == Some(table));
    // These indexes have only the jobs that are waiting, or to be announced.
    let is_small = |index: &&str| line.ends_with(&format!("USING INDEX {index}"));
    let sqlite = sqlite && !["jobs_waiting", "jobs_to_announce", "jobs_left_to_others"].iter().any(is_small);
    sqlite || line.starts_with(&format!("Seq Scan on {table} "))
}
