//! Rate-limit counters: requests per fixed window, shared by all replicas. Windows go by the store's clock.
//!
//! A request is counted in the store before it is allowed, so a limit is exact over any number of replicas. Requests of a
//! process that arrive at the same time are counted by one statement, and a window that is used up is remembered.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sqlx::{Row as _, query};

use super::database::Database;
use super::groups::Groups;
use super::jobs::count;
use super::{Store, StoreError};

/// Counters that are this many seconds old are removed.
const MAX_AGE: i64 = 3600;
/// How long a window is remembered as used up if more requests are counted in it than the limit: another replica may be about
/// to give back those that it has refused.
const DOUBTFUL: Duration = Duration::from_millis(500);

/// A workspace's limit for an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateLimit {
    /// The workspace.
    pub workspace: String,
    /// The operation's ID.
    pub operation: String,
    /// Requests per window.
    pub requests: u64,
    /// The length of a window in seconds, which must be the same in all replicas.
    pub seconds: u64,
}

/// The state of a window, and whether a request is within its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateDecision {
    /// Whether the request is within the limit.
    pub allowed: bool,
    /// Requests counted in the window, this one included if it is allowed; at most the limit.
    pub used: u64,
    /// When the window ends, in Unix seconds.
    pub ends_at: u64,
    /// Seconds until then, rounded up, at least one.
    pub seconds_left: u64,
}

/// The counters of a process. Clones are the same.
#[derive(Debug, Clone)]
pub(super) struct Counters {
    groups: Groups<Taken, RateDecision>,
    used_up: Arc<Mutex<UsedUp>>,
}

/// A workspace and an operation.
type Key = (String, String);
/// Windows that are used up.
type UsedUp = HashMap<Key, UsedUpWindow>;

#[derive(Debug, Clone, Copy)]
struct UsedUpWindow {
    limit: u64,
    ends_at: u64,
    /// When it ends by this process's clock, or a little earlier.
    until: Instant,
    /// When it has to be looked at again, if it does not end before.
    known_until: Instant,
}

/// A request to be counted, or with `requests: 0` the question how many there were.
#[derive(Debug)]
struct Taken {
    limit: RateLimit,
    requests: u64,
}

impl RateLimit {
    fn key(&self) -> Key {
        (self.workspace.clone(), self.operation.clone())
    }
}

impl Counters {
    pub fn start(database: Arc<Database>) -> Counters {
        let used_up = Arc::<Mutex<UsedUp>>::default();
        let groups = Groups::start({
            let used_up = used_up.clone();
            move |taken| take(database.clone(), used_up.clone(), taken)
        });
        Counters { groups, used_up }
    }

    /// The decision for a window that is known to be used up.
    fn remembered(&self, limit: &RateLimit) -> Option<RateDecision> {
        let window = *locked(&self.used_up).get(&limit.key())?;
        let now = Instant::now();
        let left = window.until.checked_duration_since(now).filter(|left| !left.is_zero())?;
        // The limit may have been changed meanwhile.
        (window.limit == limit.requests && now < window.known_until).then_some(RateDecision {
            allowed: false,
            used: limit.requests,
            ends_at: window.ends_at,
            seconds_left: seconds_up(left),
        })
    }

    async fn take(&self, limit: RateLimit, requests: u64) -> Result<RateDecision, StoreError> {
        match self.remembered(&limit) {
            Some(decision) => Ok(decision),
            None => self.groups.write(Taken { limit, requests }).await,
        }
    }
}

impl Store {
    /// Counts a request, if the limit allows it.
    pub async fn take_request(&self, limit: RateLimit) -> Result<RateDecision, StoreError> {
        self.counters.take(limit, 1).await
    }

    /// The state of the present window, without counting a request.
    pub async fn rate_usage(&self, limit: RateLimit) -> Result<RateDecision, StoreError> {
        self.counters.take(limit, 0).await
    }
}

/// The state of a window in the store after a group was counted.
struct Counted {
    /// Requests counted in the window, those of this group included even if they are refused.
    used: u64,
    /// When the window began, in Unix seconds.
    start: i64,
    ends_at: u64,
    /// Time until its end, when the statement ran.
    left: Duration,
}

async fn take(
    database: Arc<Database>,
    used_up: Arc<Mutex<UsedUp>>,
    taken: Vec<Taken>,
) -> Result<Vec<RateDecision>, StoreError> {
    // In order, so that statements of two replicas cannot wait for each other.
    let mut requests: BTreeMap<Key, (u64, u64)> = BTreeMap::new();
    for Taken { limit, requests: more } in &taken {
        requests.entry(limit.key()).or_insert((limit.seconds.max(1), 0)).1 += more;
    }
    let begun = Instant::now();
    let counted = add(&database, &requests).await?;
    let mut before: HashMap<Key, u64> = requests
        .into_iter()
        .filter_map(|(key, (_, requests))| {
            let used = counted.get(&key)?.used.saturating_sub(requests);
            Some((key, used))
        })
        .collect();
    let mut refused: HashMap<Key, u64> = HashMap::new();
    let decisions = taken.iter().map(|Taken { limit, requests }| {
        let key = limit.key();
        let (Some(window), Some(used)) = (counted.get(&key), before.get_mut(&key)) else {
            return Err(StoreError::Group("a rate-limit counter was not returned by the store".to_owned()));
        };
        let allowed = *used + requests <= limit.requests;
        if allowed {
            *used += requests;
        } else if *requests > 0 {
            *refused.entry(key.clone()).or_default() += requests;
        }
        if *used >= limit.requests {
            // Time has passed since `begun`, so this is not after the window's end.
            let until = begun + window.left;
            let known_until = if *used > limit.requests { begun + DOUBTFUL } else { until };
            let used_up_window = UsedUpWindow { limit: limit.requests, ends_at: window.ends_at, until, known_until };
            locked(&used_up).insert(key, used_up_window);
        }
        Ok(RateDecision {
            allowed,
            used: (*used).min(limit.requests),
            ends_at: window.ends_at,
            seconds_left: seconds_up(window.left),
        })
    });
    let decisions: Result<Vec<RateDecision>, StoreError> = decisions.collect();
    let refused: Vec<(Key, i64, u64)> = refused
        .into_iter()
        .filter_map(|(key, requests)| counted.get(&key).map(|window| (key, window.start, requests)))
        .collect();
    if !refused.is_empty() {
        // Nobody waits for this. If it fails, only a limit that is raised within the window is reached too early.
        tokio::spawn(async move {
            for (key, start, requests) in refused {
                let _ = give_back(&database, &key, start, requests).await;
            }
        });
    }
    decisions
}

/// Takes refused requests out of a window: they would use up a limit that is raised meanwhile.
async fn give_back(
    database: &Arc<Database>,
    (workspace, operation): &Key,
    start: i64,
    requests: u64,
) -> Result<(), StoreError> {
    let statement =
        "UPDATE rate_limits SET used = used - $1 WHERE workspace = $2 AND operation = $3 AND window_start = $4";
    database.count(query(statement).bind(whole(requests)).bind(workspace).bind(operation).bind(start)).await?;
    Ok(())
}

/// Adds requests to the present windows, by workspace and operation: the length of a window in seconds, and how many requests.
async fn add(
    database: &Arc<Database>,
    requests: &BTreeMap<Key, (u64, u64)>,
) -> Result<HashMap<Key, Counted>, StoreError> {
    let rows: Vec<String> = (0..requests.len())
        .map(|row| row * 4)
        .map(|n| {
            format!(
                "(CAST(${} AS TEXT), CAST(${} AS TEXT), CAST(${} AS BIGINT), CAST(${} AS BIGINT))",
                n + 1,
                n + 2,
                n + 3,
                n + 4
            )
        })
        .collect();
    let statement = format!(
        "WITH counted (workspace, operation, seconds, requests) AS (VALUES {})
         INSERT INTO rate_limits (workspace, operation, window_start, used)
         SELECT workspace, operation, {{now}} / 1000000 / seconds * seconds, requests FROM counted WHERE true
         ON CONFLICT (workspace, operation, window_start) DO UPDATE SET used = rate_limits.used + excluded.used
         RETURNING workspace, operation, window_start, used, {{now}} AS now",
        rows.join(", ")
    );
    let mut statement = query(database.with_store_clock(&statement));
    for ((workspace, operation), (seconds, requests)) in requests {
        statement = statement.bind(workspace).bind(operation).bind(whole(*seconds)).bind(whole(*requests));
    }
    let mut counted = HashMap::new();
    for row in database.count(statement).await? {
        let key: Key = (row.try_get("workspace")?, row.try_get("operation")?);
        let Some((seconds, requests)) = requests.get(&key) else { continue };
        let (start, now): (i64, i64) = (row.try_get("window_start")?, row.try_get("now")?);
        let (end, used) = (start.saturating_add(whole(*seconds)), count(row.try_get("used")?));
        let left = Duration::from_micros(count(end.saturating_mul(1_000_000).saturating_sub(now)));
        if used == *requests && used > 0 {
            // A new window: old ones go.
            let old = query("DELETE FROM rate_limits WHERE workspace = $1 AND operation = $2 AND window_start < $3");
            database.count(old.bind(&key.0).bind(&key.1).bind(start - MAX_AGE)).await?;
        }
        counted.insert(key, Counted { used, start, ends_at: count(end), left });
    }
    Ok(counted)
}

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn seconds_up(left: Duration) -> u64 {
    (left.as_secs() + u64::from(left.subsec_nanos() > 0)).max(1)
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Entries are replaced as a whole, so poisoning is ignored.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
