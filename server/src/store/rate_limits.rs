//! Rate-limit counters: requests per fixed window, shared by all replicas. Windows go by the store's clock.
//!
//! A request is counted in the store before it is allowed, so a limit is exact over any number of replicas. Requests of a
//! process that arrive at the same time are counted by one statement, and a window that is used up is remembered. Requests that
//! are refused are not counted: they would use up a limit that is raised, or one of a replica with another configuration.

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
        let left = window.until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
        // The limit may have been changed meanwhile.
        (window.limit == limit.requests).then_some(RateDecision {
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

/// A window, as the requests of a group are allowed one by one.
struct Window {
    /// Allowed requests.
    used: u64,
    ends_at: u64,
    /// Time until its end, when the statement ran.
    left: Duration,
}

/// The requests of a group for a workspace and an operation.
struct Requests {
    /// The limit.
    most: u64,
    /// The length of a window in seconds.
    seconds: u64,
    number: u64,
}

async fn take(
    database: Arc<Database>,
    used_up: Arc<Mutex<UsedUp>>,
    taken: Vec<Taken>,
) -> Result<Vec<RateDecision>, StoreError> {
    // In order, so that statements of two replicas cannot wait for each other.
    let mut requests: BTreeMap<(Key, u64), Requests> = BTreeMap::new();
    for Taken { limit, requests: more } in &taken {
        let (most, seconds) = (limit.requests, limit.seconds.max(1));
        requests.entry((limit.key(), most)).or_insert(Requests { most, seconds, number: 0 }).number += more;
    }
    let begun = Instant::now();
    // Usually one: during a reload, requests of a group may have different limits.
    let mut statements: Vec<BTreeMap<Key, Requests>> = Vec::new();
    for ((key, _), of_limit) in requests {
        match statements.iter_mut().find(|statement| !statement.contains_key(&key)) {
            Some(statement) => drop(statement.insert(key, of_limit)),
            None => statements.push(BTreeMap::from([(key, of_limit)])),
        }
    }
    let mut windows = HashMap::new();
    for statement in &statements {
        windows.extend(add(&database, statement).await?);
    }
    let decisions = taken.iter().map(|Taken { limit, requests }| {
        let key = limit.key();
        let Some(window) = windows.get_mut(&(key.clone(), limit.requests)) else {
            return Err(StoreError::Group("a rate-limit counter was not returned by the store".to_owned()));
        };
        let allowed = window.used + requests <= limit.requests;
        if allowed {
            window.used += requests;
        }
        if window.used >= limit.requests {
            // Time has passed since `begun`, so this is not after the window's end.
            let until = begun + window.left;
            let used_up_window = UsedUpWindow { limit: limit.requests, ends_at: window.ends_at, until };
            locked(&used_up).insert(key, used_up_window);
        }
        Ok(RateDecision {
            allowed,
            used: window.used.min(limit.requests),
            ends_at: window.ends_at,
            seconds_left: seconds_up(window.left),
        })
    });
    decisions.collect()
}

/// Counts as many of the requests in the present windows as the limits allow. Returns the windows as they were before, by key
/// and limit.
async fn add(
    database: &Arc<Database>,
    requests: &BTreeMap<Key, Requests>,
) -> Result<Vec<((Key, u64), Window)>, StoreError> {
    let row = |n: usize| {
        let number = |n: usize| format!("CAST(${n} AS BIGINT)");
        let text = |n: usize| format!("CAST(${n} AS TEXT)");
        format!("({}, {}, {}, {}, {})", text(n + 1), text(n + 2), number(n + 3), number(n + 4), number(n + 5))
    };
    let rows: Vec<String> = (0..requests.len()).map(|number| row(number * 5)).collect();
    // `free` is what the limit leaves free before this. `excluded.free` is the limit, of which a new window has used nothing.
    let statement = format!(
        "WITH counted (workspace, operation, seconds, requests, most) AS (VALUES {})
         INSERT INTO rate_limits (workspace, operation, window_start, used, free)
         SELECT workspace, operation, {{now}} / 1000000 / seconds * seconds,
                CASE WHEN requests < most THEN requests ELSE most END, most FROM counted WHERE true
         ON CONFLICT (workspace, operation, window_start) DO UPDATE SET
                used = rate_limits.used + CASE WHEN rate_limits.used + excluded.used <= excluded.free THEN excluded.used
                                               WHEN rate_limits.used < excluded.free THEN excluded.free - rate_limits.used
                                               ELSE 0 END,
                free = excluded.free - rate_limits.used
         RETURNING workspace, operation, window_start, free, {{now}} AS now",
        rows.join(", ")
    );
    let mut statement = query(database.with_store_clock(&statement));
    for ((workspace, operation), Requests { most, seconds, number }) in requests {
        statement = statement.bind(workspace).bind(operation);
        statement = statement.bind(whole(*seconds)).bind(whole(*number)).bind(whole(*most));
    }
    let mut windows = Vec::new();
    for row in database.count(statement).await? {
        let key: Key = (row.try_get("workspace")?, row.try_get("operation")?);
        let Some(Requests { most, seconds, number }) = requests.get(&key) else { continue };
        let (start, now): (i64, i64) = (row.try_get("window_start")?, row.try_get("now")?);
        let end = start.saturating_add(whole(*seconds));
        let used = count(whole(*most).saturating_sub(row.try_get("free")?));
        let left = Duration::from_micros(count(end.saturating_mul(1_000_000).saturating_sub(now)));
        if used == 0 && *number > 0 {
            // A new window: old ones go.
            let old = query("DELETE FROM rate_limits WHERE workspace = $1 AND operation = $2 AND window_start < $3");
            database.count(old.bind(&key.0).bind(&key.1).bind(start - MAX_AGE)).await?;
        }
        windows.push(((key, *most), Window { used, ends_at: count(end), left }));
    }
    Ok(windows)
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
