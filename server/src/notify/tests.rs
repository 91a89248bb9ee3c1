//! Tests of what is told, and once, and of sending it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use super::{announcer, body, deliveries};
use crate::secret::Secret;
use crate::store::{Checkpoint, EndedJob, Job, JobStatus, StoreLocation};

const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn integration(last: u8) -> IntegrationId {
    format!("6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b{last:02x}").parse().unwrap()
}

fn about(name: &str) -> About {
    About { name: name.into(), workspace: "ours".into(), contacts: vec!["data@example.com".into()], paused: false }
}

fn entry(name: &str, url: &str, on: &[Event]) -> Entry {
    Entry {
        name: name.into(),
        channel: Channel::Webhook(Webhook { url: Secret::new(url), key: KEY.parse().unwrap() }),
        on: on.iter().copied().collect(),
        overdue_after: on.contains(&Event::Overdue).then_some(Duration::from_secs(3600)),
        integrations: None,
    }
}

fn ended(status: JobStatus) -> EndedJob {
    let time = |seconds: i64| chrono::DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap();
    let job = Job {
        id: uuid::Uuid::from_u128(7).into(),
        status,
        sync_start_time: time(0),
        has_worker: false,
        sync_finish_time: Some(time(60)),
        last_timestamp_synced: Some(time(-60)),
        rows_synced: 5,
        rows_failed_with_errors: u64::from(status == JobStatus::Partial),
        spared: Default::default(),
        cause: (status == JobStatus::Error).then(|| "the source is down".into()),
        scheduled_for: None,
        row_errors_deleted_at: None,
    };
    EndedJob {
        integration: integration(1),
        job,
        previous: None,
        failing_since: None,
        refused_while_failing: 0,
        overdue: Vec::new(),
    }
}

#[test]
fn the_end_of_a_job_is_told_to_those_who_ask_for_it() {
    use Event::{ConfigError, Error, Overdue, Partial, Recovered, Success};
    let told = |on: &[Event], ended: &EndedJob| events::of_job(&entry("ops", "https://x", on), ended);
    for (status, event) in [
        (JobStatus::Error, Error),
        (JobStatus::ConfigError, ConfigError),
        (JobStatus::Partial, Partial),
        (JobStatus::Success, Success),
    ] {
        assert_eq!(told(&Event::ALL, &ended(status)), Some(event));
        assert_eq!(told(&[event], &ended(status)), Some(event));
        let others: Vec<Event> = Event::ALL.into_iter().filter(|other| *other != event).collect();
        assert_eq!(told(&others, &ended(status)), None);
    }
    assert_eq!(told(&Event::ALL, &ended(JobStatus::Running)), None);
    let again = EndedJob { failing_since: Some(Utc::now()), ..ended(JobStatus::Success) };
    assert_eq!(told(&Event::ALL, &again), Some(Recovered), "and not `success` besides");
    assert_eq!(told(&[Success], &again), Some(Success));
    assert_eq!(told(&[Error, Overdue], &again), None);
    let was_overdue = |of: &str| EndedJob { overdue: vec![of.into()], ..ended(JobStatus::Partial) };
    assert_eq!(told(&[Recovered], &was_overdue("ops")), Some(Recovered));
    assert_eq!(told(&[Recovered], &was_overdue("others")), None, "it was not said to this entry");
}

#[test]
fn a_sync_that_goes_on_failing_is_told_of_once_a_day() {
    use JobStatus::{ConfigError, Error, Partial, Success};
    let start = ended(Error).job.sync_start_time;
    let (earlier, yesterday) = (start - TimeDelta::hours(8), start - TimeDelta::hours(9));
    assert_ne!(earlier.date_naive(), yesterday.date_naive());
    let is_told = |previous: Option<(JobStatus, DateTime<Utc>)>, status: JobStatus| {
        events::of_job(&entry("ops", "https://x", &Event::ALL), &EndedJob { previous, ..ended(status) }).is_some()
    };
    for status in [Error, ConfigError, Partial] {
        assert!(is_told(None, status));
        assert!(is_told(Some((Success, earlier)), status), "it begins");
        assert!(!is_told(Some((status, earlier)), status), "it goes on");
        assert!(is_told(Some((status, yesterday)), status), "it goes on the day after");
    }
    assert!(is_told(Some((ConfigError, earlier)), Error), "it is something else now");
    assert!(is_told(Some((Success, earlier)), Success), "who asks for successes gets all");
    // A message about one that goes on says since when.
    let (ops, since) = (entry("ops", "https://x", &Event::ALL), yesterday);
    let again = EndedJob { previous: Some((Error, yesterday)), failing_since: Some(since), ..ended(Error) };
    let message = body::of_ended(&ops, &about("Users"), &again).unwrap();
    let body: Value = serde_json::from_str(&message.body).unwrap();
    assert_eq!(
        (&body["type"], &body["data"]["failing_since"]),
        (&json!("sync.error"), &json!("2027-01-14T23:00:00.000000Z"))
    );
}

#[test]
fn a_message_says_what_has_happened_and_what_to_do() {
    let ops = entry("ops", "https://hooks.example.com/hunter2", &Event::ALL);
    let told = |about: &About, ended: &EndedJob| body::of_ended(&ops, about, ended).unwrap();
    let message = told(&about("All users"), &ended(JobStatus::Error));
    let expected = json!({
        "type": "sync.error",
        "timestamp": "2027-01-15T08:01:00.000000Z",
        "data": {
            "integration_id": "6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b01",
            "integration_name": "All users",
            "workspace": "ours",
            "job_id": "00000000-0000-0000-0000-000000000007",
            "status": "error",
            "cause": "the source is down",
            "rows_synced": 5,
            "rows_failed_with_errors": 0,
            "sync_start_time": "2027-01-15T08:00:00.000000Z",
            "sync_finish_time": "2027-01-15T08:01:00.000000Z",
            "last_timestamp_synced": "2027-01-15T07:59:00.000000Z",
            "next": "cdi-server jobs 'All users'",
        },
    });
    assert_eq!(serde_json::from_str::<Value>(&message.body).unwrap(), expected);
    assert_eq!((message.event, message.notify.as_str()), ("sync.error", "ops"));
    let next = |about: &About, ended: &EndedJob| -> Value {
        serde_json::from_str::<Value>(&told(about, ended).body).unwrap()["data"]["next"].clone()
    };
    let rows = "cdi-server row-errors Users --job 00000000-0000-0000-0000-000000000007";
    assert_eq!(next(&about("Users"), &ended(JobStatus::Partial)), rows);
    assert_eq!(next(&about("Users"), &ended(JobStatus::Success)), Value::Null);
    let by_id = "cdi-server jobs 6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b01";
    assert_eq!(next(&about("--help"), &ended(JobStatus::Error)), by_id);
    // The ID is of the job and the entry.
    let others =
        body::of_ended(&Entry { name: "others".into(), ..ops.clone() }, &about("Users"), &ended(JobStatus::Error));
    assert_eq!(told(&about("Renamed"), &ended(JobStatus::Error)).id, message.id);
    assert_ne!(others.unwrap().id, message.id);
}

#[test]
fn the_bodies_in_the_guide_are_those_that_are_sent() {
    let guide = include_str!("../../README.md");
    let bodies: Vec<&str> = guide.split("```json\n{\n  \"type\"").skip(1).collect();
    assert_eq!(bodies.len(), 3);
    for body in bodies {
        let text = format!("{{\"type\"{}", body.split_once("```").unwrap().0);
        let body: body::Body = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_value(&body).unwrap(), serde_json::from_str::<Value>(&text).unwrap());
        assert!(Event::ALL.iter().any(|event| event.kind() == body.kind), "{}", body.kind);
    }
}

/// A store with a job of each of these integrations that ended so.
async fn store(jobs: &[(u8, JobStatus)]) -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&StoreLocation::Sqlite(folder.path().join("store.db"))).await.unwrap();
    for (last, status) in jobs {
        end(&store, *last, *status).await;
    }
    (folder, store)
}

async fn end(store: &Store, last: u8, status: JobStatus) {
    store.start_job(integration(last), Utc::now()).await.unwrap();
    let claimed = store.claim_job(Duration::from_secs(60), &[], false).await.unwrap().unwrap();
    store.finish(&claimed.lease, integration(last), &Checkpoint::default(), status, None).await.unwrap();
}

fn notifications(entries: &[Entry]) -> Notifications {
    let integrations = (1..=3).map(|last| (integration(last), about(&format!("Users {last}")))).collect();
    Notifications { entries: entries.iter().cloned().map(Arc::new).collect(), integrations }
}

/// The types of the messages of an entry that are due, by integration.
async fn told(store: &Store, entry: &str) -> BTreeMap<String, Vec<String>> {
    let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for id in store.due_messages(entry, 100).await.unwrap() {
        let claimed = store.claim_message(&id, Duration::from_secs(60)).await.unwrap().unwrap();
        let body: body::Body = serde_json::from_str(&claimed.body).unwrap();
        told.entry(body.data.integration_name).or_default().push(body.kind);
    }
    told
}

#[tokio::test]
async fn each_entry_is_told_of_its_integrations_once() {
    use Event::{Error, Recovered, Success};
    let (_folder, store) = store(&[(1, JobStatus::Error), (2, JobStatus::Error), (9, JobStatus::Error)]).await;
    let mut some = entry("some", "https://x", &[Error, Success, Recovered]);
    some.integrations = Some(BTreeSet::from([integration(2)]));
    let notifications = notifications(&[some, entry("all", "https://x", &[Error])]);
    for _ in 0..2 {
        announcer::ended_jobs(&store, &notifications).await.unwrap();
    }
    let of = |name: &str, kind: &str| (name.to_owned(), vec![kind.to_owned()]);
    assert_eq!(told(&store, "some").await, BTreeMap::from([of("Users 2", "sync.error")]));
    // The third is not in the configuration.
    let all = BTreeMap::from([of("Users 1", "sync.error"), of("Users 2", "sync.error")]);
    assert_eq!(told(&store, "all").await, all);
    for expected in ["integration.recovered", "sync.success"] {
        end(&store, 2, JobStatus::Success).await;
        announcer::ended_jobs(&store, &notifications).await.unwrap();
        assert_eq!(told(&store, "some").await, BTreeMap::from([of("Users 2", expected)]));
    }
    assert_eq!(told(&store, "all").await, BTreeMap::new());
}

/// The same without an integration, as in an older file.
fn without(notifications: &Notifications, last: u8) -> Notifications {
    let mut integrations = notifications.integrations.clone();
    integrations.remove(&integration(last)).unwrap();
    Notifications { entries: notifications.entries.clone(), integrations }
}

#[tokio::test]
async fn a_replica_without_an_integration_leaves_its_jobs_to_one_that_has_it() {
    let new = notifications(&[entry("ops", "https://x", &[Event::Error])]);
    let old = without(&new, 2);
    let both = BTreeMap::from([1, 2].map(|last| (format!("Users {last}"), vec!["sync.error".to_owned()])));
    for order in [[&old, &new], [&new, &old]] {
        let (_folder, store) = store(&[(2, JobStatus::Error), (1, JobStatus::Error)]).await;
        for replica in order.into_iter().chain(order) {
            announcer::ended_jobs(&store, replica).await.unwrap();
            announcer::left_jobs(&store, replica).await.unwrap();
        }
        assert_eq!(told(&store, "ops").await, both);
    }
}

#[tokio::test]
async fn a_replica_without_an_integration_leaves_its_watch_to_one_that_has_it() {
    let mut some = entry("ops", "https://x", &[Event::Overdue]);
    let new = notifications(&[some.clone()]);
    // An older file may also have the integration, but not in the entry.
    some.integrations = Some(BTreeSet::from([integration(1)]));
    for old in [without(&new, 2), notifications(&[some])] {
        for order in [[&old, &new], [&new, &old]] {
            let (folder, store) = store(&[]).await;
            for replica in order {
                announcer::watch_integrations(&store, replica).await.unwrap();
            }
            let database = rusqlite::Connection::open(folder.path().join("store.db")).unwrap();
            database.execute("UPDATE overdue_watches SET succeeded_at = succeeded_at - 7200000000", ()).unwrap();
            for replica in order.into_iter().chain(order) {
                announcer::overdue_integrations(&store, replica).await.unwrap();
            }
            assert_eq!(told(&store, "ops").await["Users 2"], ["integration.overdue"]);
        }
    }
}

#[tokio::test]
async fn without_entries_jobs_are_announced_to_nobody() {
    let (_folder, store) = store(&[(1, JobStatus::Error)]).await;
    assert!(announcer::ended_jobs(&store, &notifications(&[])).await.unwrap());
    // An entry that is added later is not told of the past.
    let later = notifications(&[entry("ops", "https://x", &Event::ALL)]);
    assert!(!announcer::ended_jobs(&store, &later).await.unwrap());
    assert_eq!(told(&store, "ops").await, BTreeMap::new());
}

#[tokio::test]
async fn an_overdue_integration_is_told_of_once_and_then_its_recovery() {
    let (folder, store) = store(&[]).await;
    let mut ops = entry("ops", "https://x", &[Event::Overdue, Event::Recovered]);
    ops.integrations = Some(BTreeSet::from([integration(1), integration(2)]));
    let mut notifications = notifications(&[ops]);
    notifications.integrations.get_mut(&integration(2)).unwrap().paused = true;
    announcer::watch_integrations(&store, &notifications).await.unwrap();
    let overdue = BTreeMap::from([("Users 1".to_owned(), vec!["integration.overdue".to_owned()])]);
    // The second is paused.
    for expected in [overdue, BTreeMap::new()] {
        let database = rusqlite::Connection::open(folder.path().join("store.db")).unwrap();
        database.execute("UPDATE overdue_watches SET succeeded_at = succeeded_at - 7200000000", ()).unwrap();
        announcer::overdue_integrations(&store, &notifications).await.unwrap();
        assert_eq!(told(&store, "ops").await, expected);
    }
    end(&store, 1, JobStatus::Partial).await;
    announcer::ended_jobs(&store, &notifications).await.unwrap();
    let recovered = BTreeMap::from([("Users 1".to_owned(), vec!["integration.recovered".to_owned()])]);
    assert_eq!(told(&store, "ops").await, recovered);
}

/// Answers one request with this text, and returns it.
async fn receiver(answer: &'static str) -> (String, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hunter2", listener.local_addr().unwrap());
    let request = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
        while !request.ends_with(b"}") {
            let length = stream.read(&mut buffer).await.unwrap();
            assert!(length > 0, "the request ends early");
            request.extend_from_slice(&buffer[..length]);
        }
        stream.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8(request).unwrap()
    });
    (url, request)
}

#[tokio::test]
async fn a_webhook_is_signed_and_its_answer_decides() {
    for (answer, expected) in [
        ("HTTP/1.1 204 No Content\r\n\r\n", None),
        ("HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n", Some(("the receiver answered 410 Gone", None, true))),
        (
            "HTTP/1.1 429 Too Many Requests\r\nretry-after: 70\r\ncontent-length: 7\r\n\r\nhunter2",
            Some(("the receiver answered 429 Too Many Requests", Some(70), false)),
        ),
        (
            "HTTP/1.1 302 Found\r\nlocation: /?hunter2\r\ncontent-length: 0\r\n\r\n",
            Some((
                "the receiver redirects (302 Found); redirects are not followed, so write the final address in `url`",
                None,
                false,
            )),
        ),
    ] {
        let (url, request) = receiver(answer).await;
        let (_folder, store) = store(&[(1, JobStatus::Error)]).await;
        let notifications = notifications(&[entry("ops", &url, &[Event::Error])]);
        announcer::ended_jobs(&store, &notifications).await.unwrap();
        let [id] = &store.due_messages("ops", 10).await.unwrap()[..] else { panic!() };
        let message = store.claim_message(id, Duration::from_secs(60)).await.unwrap().unwrap();
        let sender = notifications.entries[0].channel.sender().unwrap();
        let sent = sender.send(&message, None).await;
        let request = request.await.unwrap();
        let header = |name: &str| {
            let line = request.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
            line.unwrap_or_else(|| panic!("no {name}: {request}"))
        };
        let time = header("webhook-timestamp").parse().unwrap();
        let signature = KEY.parse::<SigningKey>().unwrap().sign(id, time, &message.body);
        assert_eq!((header("webhook-id"), header("webhook-signature")), (id.as_str(), signature.as_str()));
        assert_eq!(header("content-type"), "application/json");
        assert!(request.ends_with(&message.body) && request.starts_with("POST /hunter2 "), "{request}");
        let failed =
            sent.err().map(|error| (error.reason, error.retry_after.map(|pause| pause.as_secs()), error.is_final));
        assert_eq!(failed, expected.map(|(reason, after, is_final)| (reason.to_owned(), after, is_final)));
    }
}

#[tokio::test]
async fn a_message_that_cannot_be_sent_stays_and_the_reason_has_no_secret() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hunter2", listener.local_addr().unwrap());
    drop(listener);
    let (folder, store) = store(&[(1, JobStatus::Error)]).await;
    let notifications = notifications(&[entry("ops", &url, &[Event::Error])]);
    announcer::ended_jobs(&store, &notifications).await.unwrap();
    let entry = &notifications.entries[0];
    let [id] = &store.due_messages("ops", 10).await.unwrap()[..] else { panic!() };
    let message = store.claim_message(id, Duration::from_secs(60)).await.unwrap().unwrap();
    let sender = entry.channel.sender().unwrap();
    deliveries::attempt(&store, entry, &sender, &message, None).await.unwrap();
    let database = rusqlite::Connection::open(folder.path().join("store.db")).unwrap();
    let row = |column: &str| -> String {
        database.query_row(&format!("SELECT CAST({column} AS TEXT) FROM messages"), (), |row| row.get(0)).unwrap()
    };
    let place = url.trim_start_matches("http://").trim_end_matches("/hunter2");
    let expected = format!("the receiver at {place} cannot be reached: Connection refused");
    assert!(row("error").starts_with(&expected), "{}", row("error"));
    assert_eq!(row("due_at > created_at AND sent_at IS NULL AND given_up_at IS NULL"), "1");
    let all = row("id || notify || body || error");
    assert!(!all.contains("hunter2") && !all.contains("whsec_"), "{all}");
    assert!(!format!("{entry:?}").contains("hunter2"), "{entry:?}");
}

#[test]
fn the_first_success_does_not_hide_refused_rows() {
    let again = |refused_while_failing| EndedJob {
        failing_since: Some(Utc::now()),
        refused_while_failing,
        ..ended(JobStatus::Success)
    };
    let notifications = notifications(&[]);
    let about = &notifications.integrations[&integration(1)];
    let told = |refused| -> Value {
        let message = body::of_ended(&entry("ops", "https://x", &[Event::Recovered]), about, &again(refused)).unwrap();
        serde_json::from_str(&message.body).unwrap()
    };
    assert_eq!(told(0)["data"].get("rows_refused_while_failing"), None);
    let told = told(3);
    assert_eq!(told["data"]["rows_refused_while_failing"], 3);
    assert_eq!(told["data"]["next"], "cdi-server row-errors 'Users 1'");
}

#[tokio::test]
async fn a_test_message_is_sent_once_and_its_answer_is_told() {
    let notifications = notifications(&[]);
    let (url, request) = receiver("HTTP/1.1 204 No Content\r\n\r\n").await;
    let place = url.trim_start_matches("http://").trim_end_matches("/hunter2").to_owned();
    let sent = entry("ops", &url, &[Event::Error]).send_test(&notifications).await;
    assert_eq!(sent, Ok(format!("taken by the receiver at {place}")));
    let request = request.await.unwrap();
    let (_, body) = request.split_once("\r\n\r\n").unwrap();
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!((&body["type"], &body["data"]["integration_name"]), (&json!("test"), &json!("Users 1")));
    assert!(request.contains("webhook-signature: v1,"), "{request}");
    let (url, _request) = receiver("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n").await;
    let sent = entry("ops", &url, &[Event::Error]).send_test(&notifications).await;
    assert_eq!(sent.unwrap_err(), "the receiver answered 503 Service Unavailable");
    let mut of_none = entry("ops", &url, &[Event::Error]);
    of_none.integrations = Some(BTreeSet::new());
    assert!(of_none.send_test(&notifications).await.unwrap_err().starts_with("there is nobody to send it to"));
}
