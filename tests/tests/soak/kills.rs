//! Replicas are killed and started again, and Postgres crashes, while sources are written and syncs are triggered at all
//! replicas. What was answered with 202 ends, and what has arrived is judged by the source alone.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use contract_tests::random::Random;
use contract_tests::sql::{connect, execute, number};
use contract_tests::{eventually, within};
use futures::future::{join, join_all};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};
use tokio::task::{JoinSet, block_in_place};
use tokio::time::sleep;

use crate::fleet::{Fleet, INTEGRATIONS, REPLICAS, id};
use crate::{Until, seed};

/// Replicas are killed this often; every fourth time Postgres crashes, too.
const TROUBLES: usize = 8;
const EVERY: Duration = Duration::from_millis(800);
const CALLERS: u64 = 6;
const WRITERS: u64 = 3;
/// Rows of an integration; some users have two.
const ROWS: u64 = 500;
const USERS: u64 = 400;
const TURN: Duration = Duration::from_secs(120);

/// What is going on, and what the callers have seen.
#[derive(Default)]
struct State {
    stopped: AtomicBool,
    /// Odd while the store is away, until every replica has noticed that it is back.
    outages: AtomicUsize,
    writes: AtomicUsize,
    requests: Mutex<BTreeMap<String, usize>>,
    /// For each integration the triggers that were answered with 202, and those whose effect is not known.
    triggered: Mutex<BTreeMap<usize, (i64, i64)>>,
}

impl State {
    fn goes_on(&self) -> bool {
        !self.stopped.load(Ordering::SeqCst)
    }
}

/// Writes rows in transactions of any length until the end. After a crash of Postgres it is not known whether the last
/// one was committed.
async fn write(state: Arc<State>, fleet: Arc<Fleet>, mut random: Random) {
    let mut connection: Option<PgConnection> = None;
    while state.goes_on() {
        let (integration, row) = (random.below(INTEGRATIONS as u64), random.below(ROWS));
        let change = if random.below(4) == 0 {
            let user = format!("{integration}-{}", row % USERS);
            format!(
                "INSERT INTO rows (integration, id, external_id) VALUES ({integration}, nextval('versions'), '{user}')"
            )
        } else {
            format!("UPDATE rows SET n = 0 WHERE integration = {integration} AND id = {row}")
        };
        let takes = Duration::from_millis(if random.below(20) == 0 { 500 } else { random.below(20) });
        let open = connection.take();
        let written = async {
            let mut open = match open {
                Some(open) => open,
                None => PgConnection::connect(&fleet.source).await?,
            };
            sqlx::raw_sql(AssertSqlSafe(format!("BEGIN; {change}"))).execute(&mut open).await?;
            sleep(takes).await;
            sqlx::raw_sql("COMMIT").execute(&mut open).await?;
            Ok::<_, sqlx::Error>(open)
        };
        match written.await {
            Ok(open) => {
                connection = Some(open);
                state.writes.fetch_add(1, Ordering::Relaxed);
            }
            // Postgres is away.
            Err(_) => sleep(Duration::from_millis(50)).await,
        }
    }
}

/// Sends requests to all replicas until the end, and judges each answer.
async fn call(state: Arc<State>, fleet: Arc<Fleet>, mut random: Random) {
    while state.goes_on() {
        let (replica, integration) =
            (random.below(REPLICAS as u64) as usize, random.below(INTEGRATIONS as u64) as usize);
        let outages = state.outages.load(Ordering::SeqCst);
        let Some((api, deaths)) = fleet.api(replica) else {
            sleep(Duration::from_millis(5)).await;
            continue;
        };
        let (request, answer) = match random.below(4) {
            0 | 1 => ("trigger", api.trigger_answer(&id(integration)).await),
            2 => ("list", api.get("/cdi/integrations").await),
            _ => ("jobs", api.get(&format!("/cdi/integrations/{}/job_sync_status", id(integration))).await),
        };
        let has_died = fleet.deaths(replica) != deaths;
        let had_outage = outages % 2 == 1 || state.outages.load(Ordering::SeqCst) != outages;
        let seen = match &answer {
            None => "none".to_owned(),
            Some((status, _)) => status.to_string(),
        };
        *state.requests.lock().unwrap().entry(format!("{request} {seen}")).or_default() += 1;
        if request == "trigger" {
            let mut triggered = state.triggered.lock().unwrap();
            let (accepted, unknown) = triggered.entry(integration).or_default();
            *accepted += i64::from(seen == "202");
            *unknown += i64::from(matches!(seen.as_str(), "none" | "503"));
        }
        let right = match (request, answer.as_ref().map(|(status, body)| (*status, body["message"].as_str()))) {
            ("trigger", Some((202, Some("success")) | (429, Some("Another job is in progress")))) => true,
            ("list" | "jobs", Some((200, Some("success")))) => true,
            (_, Some((503, Some("Service Unavailable")))) => had_outage,
            (_, None) => has_died,
            _ => false,
        };
        assert!(
            right,
            "{request} at replica {replica} (deaths {deaths}, outages {outages}) is answered with {answer:?}"
        );
    }
}

/// Kills one or two replicas and, if `with_postgres`, Postgres, and starts all of them again. Returns the number of kills.
async fn trouble(state: &State, fleet: &Fleet, random: &mut Random, with_postgres: bool) -> usize {
    let first = random.below(REPLICAS as u64) as usize;
    let second = (first + 1 + random.below(REPLICAS as u64 - 1) as usize) % REPLICAS;
    let killed = if random.below(3) == 0 { vec![first, second] } else { vec![first] };
    if with_postgres {
        state.outages.fetch_add(1, Ordering::SeqCst);
        block_in_place(|| fleet.postgres().crash().unwrap());
    }
    killed.iter().for_each(|replica| fleet.kill(*replica));
    let postgres_returns = async {
        if with_postgres {
            sleep(EVERY).await;
            block_in_place(|| fleet.postgres().start_again().unwrap());
        }
    };
    join(join_all(killed.iter().map(|replica| fleet.restart(*replica))), postgres_returns).await;
    if with_postgres {
        for replica in 0..REPLICAS {
            let (api, _) = fleet.api(replica).unwrap();
            eventually("the replica has its store again", async || (api.list().await == Some(200)).then_some(())).await;
        }
        state.outages.fetch_add(1, Ordering::SeqCst);
    }
    killed.len()
}

/// A row of the source.
struct Row {
    n: i64,
    user: String,
    updated_at: i64,
}

/// Checks what has arrived, knowing only what was written into the source.
async fn judge(source: &mut PgConnection, arrived: &[Value]) {
    let number = |object: &Value| object["n"].as_i64().unwrap_or_else(|| panic!("{object} was never written"));
    let history = sqlx::query("SELECT n, external_id, payload FROM history").fetch_all(&mut *source).await.unwrap();
    let written: HashMap<i64, Value> = history
        .iter()
        .map(|version| {
            let mut object: Value = serde_json::from_str(version.get("payload")).unwrap();
            object["external_id"] = version.get::<String, _>("external_id").into();
            (version.get("n"), object)
        })
        .collect();
    for object in arrived {
        assert_eq!(Some(object), written.get(&number(object)), "what arrives is what was written");
    }
    let table = "SELECT n, external_id, (extract(epoch FROM updated_at) * 1000000)::bigint AS at FROM rows";
    let rows = sqlx::query(table).fetch_all(&mut *source).await.unwrap();
    let rows = rows.iter().map(|row| Row { n: row.get("n"), user: row.get("external_id"), updated_at: row.get("at") });
    let rows: Vec<Row> = rows.collect();
    let numbers: HashSet<i64> = arrived.iter().map(number).collect();
    let lost: Vec<i64> = rows.iter().map(|row| row.n).filter(|n| !numbers.contains(n)).collect();
    assert!(
        lost.is_empty(),
        "{} of {} rows did not arrive, such as {:?}",
        lost.len(),
        rows.len(),
        &lost[..lost.len().min(5)]
    );
    let last: HashMap<&str, i64> =
        arrived.iter().map(|object| (object["external_id"].as_str().unwrap(), number(object))).collect();
    // Rows with the same time have no order.
    let mut newest: HashMap<&str, (i64, Vec<i64>)> = HashMap::new();
    for row in &rows {
        let newest = newest.entry(&row.user).or_default();
        if row.updated_at > newest.0 {
            *newest = (row.updated_at, Vec::new());
        }
        if row.updated_at == newest.0 {
            newest.1.push(row.n);
        }
    }
    for (user, (_, newest)) in &newest {
        assert!(newest.contains(&last[user]), "{} of {user} arrived last, but {newest:?} is newest", last[user]);
    }
    println!(
        "{} rows of {} users, {} versions written, {} objects arrived, {} of them again",
        rows.len(),
        newest.len(),
        written.len(),
        arrived.len(),
        arrived.len() - numbers.len()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_while_replicas_are_killed_and_postgres_crashes() {
    let mut random = Random::new(seed());
    let fleet = Arc::new(Fleet::start().await);
    let mut source = connect(&fleet.source).await;
    let rows = format!(
        "INSERT INTO rows (integration, id, external_id)
         SELECT i, row, i || '-' || row % {USERS} FROM generate_series(0, {}) AS i, generate_series(0, {}) AS row",
        INTEGRATIONS - 1,
        ROWS - 1
    );
    execute(&mut source, &rows).await;
    let state = Arc::new(State::default());
    let mut tasks = JoinSet::new();
    let mut another = || Random::new(random.below(u64::MAX));
    for _ in 0..WRITERS {
        tasks.spawn(write(state.clone(), fleet.clone(), another()));
    }
    for _ in 0..CALLERS {
        tasks.spawn(call(state.clone(), fleet.clone(), another()));
    }
    let until = Until::rounds(TROUBLES);
    let (mut troubles, mut kills) = (0, 0);
    while until.goes_on(troubles) {
        sleep(EVERY).await;
        kills += trouble(&state, &fleet, &mut random, troubles % 4 == 3).await;
        troubles += 1;
    }
    state.stopped.store(true, Ordering::SeqCst);
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }

    let mut store = connect(&fleet.store).await;
    let (api, _) = fleet.api(0).unwrap();
    for integration in 0..INTEGRATIONS {
        let triggered = async || (api.trigger(&id(integration)).await == Some(202)).then_some(());
        within(TURN, "the last sync is triggered", triggered).await;
    }
    within(TURN, "all jobs have ended", async || {
        (number(&mut store, "SELECT count(*) FROM jobs WHERE finished_at IS NULL").await == 0).then_some(())
    })
    .await;
    let unsuccessful = "SELECT id FROM jobs WHERE status <> 'success' LIMIT 5";
    let unsuccessful: Vec<String> = sqlx::query_scalar(unsuccessful).fetch_all(&mut store).await.unwrap();
    let logged: Vec<String> = unsuccessful.iter().flat_map(|job| fleet.logged(job)).collect();
    assert!(unsuccessful.is_empty(), "not all jobs were successful:\n{}", logged.join("\n"));
    let mut jobs = 0;
    let triggered = state.triggered.lock().unwrap().clone();
    for (integration, (accepted, unknown)) in triggered {
        let of = format!("SELECT count(*) FROM jobs WHERE integration_id = '{}'", id(integration));
        // The last one was triggered above.
        let there = number(&mut store, &of).await - 1;
        assert!(
            there >= accepted && there <= accepted + unknown,
            "{there} jobs, {accepted} answered with 202, {unknown} unknown"
        );
        jobs += there + 1;
    }
    println!(
        "{kills} kills, {} crashes of Postgres, {jobs} jobs, {} transactions, requests: {:?}",
        state.outages.load(Ordering::SeqCst) / 2,
        state.writes.load(Ordering::Relaxed),
        state.requests.lock().unwrap()
    );
    judge(&mut connect(&fleet.source).await, &fleet.ledger.objects()).await;
}
