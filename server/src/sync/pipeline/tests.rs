//! Which rows are sent when, with a destination of the tests.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use proptest::prelude::RngExt as _;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

use super::*;
use crate::connectors::sqlite::Sqlite;
use crate::connectors::users_track::UsersTrack;
use crate::secret::Secret;
use crate::store::StoredRecord;
use crate::sync::batch::Batch;
use crate::sync::destination::{Delivery, Outcome};
use crate::sync::progress::{Progress, Start};
use crate::sync::shutdown::Stop;
use crate::sync::source::Read;
use crate::testing;
use crate::types::IntegrationKind;

/// Rows in a chunk.
const CHUNK: usize = 10;

/// Decides about a batch: the outcome of each of its rows.
type Answer = dyn Fn(&Batch) -> BoxFuture<'static, Vec<Option<Outcome>>> + Send + Sync;

/// A destination that records what was delivered.
struct Fake {
    limits: Limits,
    answer: Box<Answer>,
    /// The rows of each user with an outcome, in this order.
    rows: Mutex<BTreeMap<u64, Vec<u64>>>,
    /// Rows with an outcome, and those being delivered; the highest numbers of bytes and batches at the same time.
    counts: watch::Sender<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    done: usize,
    batches: usize,
    bytes: usize,
    most_batches: usize,
    most_bytes: usize,
}

impl std::fmt::Debug for Fake {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Fake")
    }
}

impl Fake {
    fn new(
        in_flight: usize,
        answer: impl Fn(&Batch) -> BoxFuture<'static, Vec<Option<Outcome>>> + Send + Sync + 'static,
    ) -> Arc<Fake> {
        Arc::new(Fake {
            limits: Limits { in_flight, objects: 10, bytes: 4_000_000, separator: b',' },
            answer: Box::new(answer),
            rows: Mutex::default(),
            counts: watch::Sender::new(Counts::default()),
        })
    }

    /// Waits until this many rows have an outcome.
    async fn done(&self, rows: usize) {
        let wait = async { self.counts.subscribe().wait_for(|counts| counts.done >= rows).await.unwrap().done };
        assert_eq!(timeout(Duration::from_secs(30), wait).await.ok(), Some(rows));
    }

    fn users(&self) -> Vec<Vec<u64>> {
        self.rows.lock().unwrap().values().cloned().collect()
    }
}

impl OpenDestination for Fake {
    fn limits(&self) -> Limits {
        self.limits
    }

    fn deliver(&self, batch: Batch) -> BoxFuture<'_, Delivery> {
        Box::pin(async move {
            self.counts.send_modify(|counts| {
                counts.batches += 1;
                counts.bytes += batch.size();
                counts.most_batches = counts.most_batches.max(counts.batches);
                counts.most_bytes = counts.most_bytes.max(counts.bytes);
            });
            let outcomes = (self.answer)(&batch).await;
            for (item, outcome) in batch.items().iter().zip(&outcomes) {
                if outcome.is_some() {
                    self.rows.lock().unwrap().entry(item.user).or_default().push(item.row);
                }
            }
            self.counts.send_modify(|counts| {
                counts.batches -= 1;
                counts.bytes -= batch.size();
                counts.done += outcomes.iter().flatten().count();
            });
            Delivery { batch, outcomes, ended: Ok(()) }
        })
    }
}

fn all_delivered(batch: &Batch) -> Vec<Option<Outcome>> {
    vec![Some(Outcome::Delivered(0)); batch.len()]
}

fn row(user: usize, payload: &str) -> Row {
    let id = format!("the user with number {user}");
    let identifier = match user % 3 {
        0 => Identifier::ExternalId(id),
        1 => Identifier::BrazeId(id),
        _ => Identifier::Alias { name: id, label: "a".into() },
    };
    Row::unkeyed(0, Some(identifier), Some(payload.to_owned()), None)
}

/// Runs the pipeline over these rows, and returns its outcome and the progress.
async fn run(
    kind: IntegrationKind,
    rows: impl IntoIterator<Item = Row>,
    fake: &Arc<Fake>,
    stop: &Stop,
) -> (RunOutcome, SharedProgress) {
    let (sender, reads) = mpsc::channel(1);
    let mut reading = Reading::new(reads, ());
    let mut rows = rows.into_iter();
    let send = async move {
        loop {
            let chunk: Vec<Row> = rows.by_ref().take(CHUNK).collect();
            let read = if chunk.is_empty() { Read::End } else { Read::Rows(chunk) };
            let is_end = matches!(read, Read::End);
            if sender.send(Ok(read)).await.is_err() || is_end {
                // Dropping the sender would be an error of the source.
                return std::future::pending().await;
            }
        }
    };
    let integration = Integration {
        id: Uuid::new_v4().into(),
        name: "Users".into(),
        workspace: "ours".into(),
        kind,
        paused: false,
        schedule: None,
        keep_payloads: false,
        only_changed: false,
        max_failed_share: None,
        max_duration: Duration::MAX,
        lookback: Duration::ZERO,
        contact_emails: Vec::new(),
        source: Arc::new(Sqlite { path: "none".into(), table: "none".parse().unwrap() }),
        destination: Arc::new(UsersTrack {
            url: "http://localhost".into(),
            api_key: Secret::new("key"),
            batch_size: None,
            update_existing_only: false,
            give_up_after: Duration::MAX,
            give_up_when_limited_after: Duration::MAX,
        }),
    };
    let progress = SharedProgress::new(Progress::new(Start { max_digests: u64::MAX, ..Start::default() }));
    let rows =
        Rows { reading: &mut reading, filter: RowFilter::new(StoredRecord::default(), None, kind), comparison: None };
    let context = DeliveryContext { stop: stop.clone(), ..DeliveryContext::none() };
    let destination: Arc<dyn OpenDestination> = fake.clone();
    let delivered = deliver(rows, &destination, fake.limits, &integration, &progress, &context, |_| ());
    let outcome = tokio::select! {
        outcome = delivered => outcome.unwrap(),
        () = send => unreachable!(),
    };
    (outcome, progress)
}

#[tokio::test]
async fn a_slow_answer_delays_only_its_own_users() {
    let (answer, slow) = watch::channel(false);
    let fake = Fake::new(4, move |batch| {
        let (outcomes, mut slow) = (all_delivered(batch), slow.clone());
        let is_slow = batch.items()[0].row == 0;
        async move {
            if is_slow {
                slow.wait_for(|is_answered| *is_answered).await.unwrap();
            }
            outcomes
        }
        .boxed()
    });
    // Every hundredth row belongs to a user of the slow batch, which has ten rows of ten users.
    const ROWS: usize = 30_000;
    let rows = (0..ROWS).map(|number| row(if number % 100 == 0 { 0 } else { number }, "{}"));
    let stop = Stop::never();
    let run = run(IntegrationKind::Attributes, rows, &fake, &stop);
    let waiting = 10 + ROWS / 100 - 1;
    let others = async {
        fake.done(ROWS - waiting).await;
        let user = row(0, "{}").user();
        assert_eq!(fake.rows.lock().unwrap().get(&user), None, "an older row of the user is not delivered");
        answer.send(true).unwrap();
    };
    let ((outcome, progress), ()) = tokio::join!(run, others);
    assert!(matches!(outcome, RunOutcome::End));
    let progress = progress.lock();
    assert_eq!((progress.counts(), progress.pending()), ((ROWS as u64, 0), 0));
    assert!(fake.users().iter().all(|rows| rows.is_sorted()));
}

/// A random workload, with random times of answers, and some refusals.
fn random(seed: u64, stop: &Stop) -> (IntegrationKind, Vec<Row>, Arc<Fake>) {
    let mut random = testing::random(seed);
    let kind = [IntegrationKind::Attributes, IntegrationKind::UserDeletes][random.random_range(0..2)];
    let users = [1, 3, 30, 1000][random.random_range(0..4)];
    let rows = (0..random.random_range(1..2000)).map(|_| row(random.random_range(0..users), "{}")).collect();
    let in_flight = [1, 2, 8, 100][random.random_range(0..4)];
    let (random, stop) = (Mutex::new(random), stop.clone());
    let fake = Fake::new(in_flight, move |batch| {
        let random = &mut *random.lock().unwrap();
        let pause = Duration::from_millis([0, 1, 10, 500][random.random_range(0..4)]);
        let mut outcomes = all_delivered(batch);
        for outcome in &mut outcomes {
            if random.random_ratio(1, 20) {
                *outcome = Some(Outcome::Refused("no".into()));
            }
        }
        let sent_at_stop = random.random_range(0..=outcomes.len());
        let stop = stop.clone();
        async move {
            tokio::select! {
                () = sleep(pause) => outcomes,
                () = stop.asked() => {
                    outcomes[sent_at_stop..].fill(None);
                    outcomes
                }
            }
        }
        .boxed()
    });
    (kind, rows, fake)
}

#[tokio::test(start_paused = true)]
async fn every_user_gets_all_rows_in_their_order() {
    for seed in 0..100 {
        let stop = Stop::never();
        let (kind, rows, fake) = random(seed, &stop);
        let count = rows.len();
        let (outcome, progress) = run(kind, rows, &fake, &stop).await;
        assert!(matches!(outcome, RunOutcome::End), "seed {seed}");
        assert_eq!(progress.lock().pending(), 0, "seed {seed}");
        let users = fake.users();
        for rows in &users {
            assert!(rows.is_sorted(), "seed {seed}: {rows:?} {:?} {kind:?}", fake.limits);
        }
        let numbers: BTreeSet<u64> = users.concat().into_iter().collect();
        assert_eq!((numbers.len(), users.concat().len()), (count, count), "seed {seed}");
        assert!(fake.counts.borrow().most_batches <= fake.limits.in_flight);
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_stop_no_row_has_overtaken_an_older_one_of_its_user() {
    let mut interrupted = 0;
    for seed in 0..100 {
        let (sender, stop) = Stop::channel();
        let (kind, rows, fake) = random(seed, &stop);
        let users: Vec<u64> = rows.iter().map(Row::user).collect();
        let stopping = async {
            sleep(Duration::from_millis(seed % 40 * 10)).await;
            sender.send(Some(Instant::now() + Duration::from_secs(60))).unwrap();
        };
        let ((outcome, progress), ()) = tokio::join!(run(kind, rows, &fake, &stop), stopping);
        let sent = fake.users().concat();
        let (synced, refused) = progress.lock().counts();
        assert_eq!(synced + refused, sent.len() as u64, "seed {seed}");
        match outcome {
            RunOutcome::End => assert_eq!(sent.len(), users.len(), "seed {seed}"),
            RunOutcome::Stop => interrupted += 1,
            outcome => panic!("seed {seed}: {outcome:?}"),
        }
        let mut expected: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        for (row, user) in (0..).zip(users) {
            expected.entry(user).or_default().push(row);
        }
        for (user, rows) in fake.rows.lock().unwrap().iter() {
            assert_eq!(rows[..], expected[user][..rows.len()], "seed {seed}");
        }
    }
    assert!(interrupted > 30, "{interrupted}");
}

#[tokio::test(start_paused = true)]
async fn memory_is_bounded_whatever_rows_wait_for() {
    let payload = format!("{{\"a\":\"{}\"}}", "x".repeat(400_000));
    // All rows belong to one user, or each to its own.
    for users in [1, 1000] {
        let read = Arc::new(Mutex::new(0));
        let (answered, rows_read) = (read.clone(), read.clone());
        let fake = Fake::new(100, move |batch| {
            let (outcomes, answered) = (all_delivered(batch), answered.clone());
            async move {
                sleep(Duration::from_millis(100)).await;
                *answered.lock().unwrap() -= outcomes.len();
                outcomes
            }
            .boxed()
        });
        let rows = (0..200).map(|number| {
            let mut waiting = rows_read.lock().unwrap();
            *waiting += 1;
            // 24 MB, and chunks that are taken, in the channel and being made.
            assert!(*waiting <= 60 + 3 * CHUNK, "{waiting}");
            row(number % users, &payload)
        });
        let stop = Stop::never();
        let (outcome, _) = run(IntegrationKind::Attributes, rows, &fake, &stop).await;
        assert!(matches!(outcome, RunOutcome::End));
    }
}
