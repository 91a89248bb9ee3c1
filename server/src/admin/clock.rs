//! Compares this machine's clock with the store's.
//!
//! Leases, schedules and rate limits go by the store's clock, so a wrong one here does no harm to syncs; but times in the log
//! are wrong, and so are those that the source or the destination compares with its own.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::sleep;

use super::status::Status;
use crate::store::Store;

/// How often the clocks are compared.
const INTERVAL: Duration = Duration::from_secs(30);
/// Clocks that differ by more are reported.
const TOLERATED: TimeDelta = TimeDelta::seconds(5);

/// Compares the clocks for ever.
pub(super) async fn watch(status: Arc<Status>) {
    let store = status.opened_store().await;
    let mut was_wrong = false;
    loop {
        match compare(status.as_ref(), store, &mut was_wrong).await {
            Some(News::Wrong(warning)) => tracing::warn!("{warning}"),
            Some(News::RightAgain) => tracing::info!("the clocks of this machine and of the store agree again"),
            None => {}
        }
        sleep(INTERVAL).await;
    }
}

/// What is worth a line in the log.
#[derive(Debug, PartialEq, Eq)]
enum News {
    Wrong(String),
    RightAgain,
}

/// Compares the clocks, unless the store does not answer, and records how far they differ.
async fn compare(status: &Status, store: &Store, was_wrong: &mut bool) -> Option<News> {
    let before = Utc::now();
    // The store logs its outages itself.
    let ping = store.ping().await.ok()?;
    let offset = offset(before, ping.now, Utc::now());
    status.set_clock_offset(offset);
    let warning = warning(offset);
    match (std::mem::replace(was_wrong, warning.is_some()), warning) {
        (false, Some(warning)) => Some(News::Wrong(warning)),
        (true, None) => Some(News::RightAgain),
        _ => None,
    }
}

/// How far this machine's clock is ahead of the store's, which was read between `before` and `after`. Zero if it may have been
/// read when both showed the same; otherwise the least that they can differ by.
fn offset(before: DateTime<Utc>, store: DateTime<Utc>, after: DateTime<Utc>) -> TimeDelta {
    if store < before {
        before - store
    } else if store > after {
        // Also if this clock was set back in between.
        after - store
    } else {
        TimeDelta::zero()
    }
}

/// What to tell operators about this offset.
pub(super) fn warning(offset: TimeDelta) -> Option<String> {
    let (seconds, direction) =
        (offset.abs().as_seconds_f64(), if offset > TimeDelta::zero() { "ahead of" } else { "behind" });
    (offset.abs() > TOLERATED)
        .then(|| format!("the clock of this machine is {seconds:.1} s {direction} the store's; set both by NTP"))
}

#[cfg(test)]
mod tests {
    use sqlx::Connection as _;

    use super::*;
    use crate::secret::Secret;
    use crate::store::StoreLocation;
    use crate::types::PostgresUrl;

    fn at(millis: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(millis).unwrap()
    }

    #[test]
    fn a_slow_answer_of_the_store_is_not_taken_for_a_wrong_clock() {
        assert_eq!(offset(at(0), at(7_000), at(8_000)), TimeDelta::zero());
        assert_eq!(offset(at(10_000), at(3_000), at(18_000)), TimeDelta::seconds(7));
        assert_eq!(offset(at(0), at(14_000), at(8_000)), TimeDelta::seconds(-6));
    }

    /// In this database, the store's clock can be set wrong: its own `clock_timestamp` comes before that of Postgres.
    #[tokio::test]
    async fn a_wrong_clock_is_news_when_it_begins_and_when_it_ends() {
        let mut admin = sqlx::PgConnection::connect(&crate::testing::postgres()).await.unwrap();
        let name = format!("clock_{}", uuid::Uuid::new_v4().simple());
        run(&mut admin, format!("CREATE DATABASE {name}")).await;
        run(&mut admin, format!("ALTER DATABASE {name} SET search_path = public, pg_catalog")).await;
        let mut url = reqwest::Url::parse(&crate::testing::postgres()).unwrap();
        url.set_path(&name);
        let mut database = sqlx::PgConnection::connect(url.as_str()).await.unwrap();
        let skewed = "CREATE TABLE skew AS SELECT interval '0' AS by;
            CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS
            $$ SELECT pg_catalog.clock_timestamp() + by FROM public.skew $$";
        run(&mut database, skewed.into()).await;
        let location = StoreLocation::Postgres(PostgresUrl::new(Secret::new(url)).unwrap());
        let store = Store::open(&location).await.unwrap();
        let status = Status::new(Arc::default());
        let mut was_wrong = false;
        assert_eq!(compare(&status, &store, &mut was_wrong).await, None);
        assert!(status.clock_offset().unwrap().abs() < TOLERATED);
        run(&mut database, "UPDATE skew SET by = interval '1 hour'".into()).await;
        let Some(News::Wrong(warning)) = compare(&status, &store, &mut was_wrong).await else { panic!("no news") };
        assert!(warning.contains("s behind the store's"), "{warning}");
        assert_eq!(compare(&status, &store, &mut was_wrong).await, None, "it is no news any more");
        assert!(status.clock_offset().unwrap() < -TimeDelta::minutes(59));
        run(&mut database, "UPDATE skew SET by = interval '0'".into()).await;
        assert_eq!(compare(&status, &store, &mut was_wrong).await, Some(News::RightAgain));
        assert_eq!(compare(&status, &store, &mut was_wrong).await, None);
    }

    async fn run(connection: &mut sqlx::PgConnection, statement: String) {
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(connection).await.unwrap();
    }

    #[test]
    fn a_clock_is_wrong_if_it_differs_by_more_than_five_seconds() {
        assert_eq!(warning(TimeDelta::seconds(5)), None);
        assert_eq!(warning(TimeDelta::seconds(-5)), None);
        let ahead = warning(TimeDelta::milliseconds(5_600)).unwrap();
        assert_eq!(ahead, "the clock of this machine is 5.6 s ahead of the store's; set both by NTP");
        assert!(warning(TimeDelta::hours(-1)).unwrap().contains("is 3600.0 s behind the store's"));
    }
}
