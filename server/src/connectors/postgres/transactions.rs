//! Which transactions run at the source: what they write is dated when they began, and shows when they have ended.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, Row as _};

/// The name under which our own sessions are listed. They only read.
pub const APPLICATION: &str = "opencdi source";

/// Every transaction that runs has a lock on its own number, which everybody may see; when it began is shown only to some.
/// A transaction that has not written yet has no other number, and may write all the same. Sessions without a user are
/// the server's own, such as those that vacuum.
const RUNNING: &str = "
    SELECT pg_is_in_recovery() AS is_standby,
           count(*) FILTER (WHERE xact_start IS NULL AND (state IS NULL OR state = 'disabled')) AS hidden,
           least(min(xact_start), now()) AS running_since,
           (SELECT min(prepared) FROM pg_prepared_xacts WHERE database = current_database()) AS prepared
    FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'virtualxid' AND mode = 'ExclusiveLock' AND pid <> pg_backend_pid()
      AND datid = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND usesysid IS NOT NULL AND application_name IS DISTINCT FROM $1";

/// When the oldest transaction began, in microseconds since 1970; nothing where that is not shown to us, or cannot be known
/// here. To be asked before a snapshot is taken: what runs then and is not in the snapshot began later.
pub async fn running_since(connection: &mut PgConnection) -> Result<Option<i64>, sqlx::Error> {
    let row = sqlx::query(RUNNING).bind(APPLICATION).fetch_one(connection).await?;
    // A standby shows its own transactions only; of a prepared one nobody knows when it began.
    let is_standby: bool = row.try_get("is_standby")?;
    let hidden: i64 = row.try_get("hidden")?;
    let prepared: Option<DateTime<Utc>> = row.try_get("prepared")?;
    let running_since: DateTime<Utc> = row.try_get("running_since")?;
    let oldest = prepared.map_or(running_since, |prepared| prepared.min(running_since));
    Ok((!is_standby && hidden == 0).then(|| oldest.timestamp_micros()))
}
