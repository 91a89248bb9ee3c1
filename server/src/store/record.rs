//! The stored record of acknowledged rows: digests of row versions, one table row per change that a checkpoint made.
//!
//! The record is a multiset. A digest counts as often as it was added minus as often as it was forgotten, but not below zero.
//! Whole changes are deleted by key once no sync reads rows of their time any more.

use std::sync::Arc;

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row as _, query};

use super::database::Database;
use super::jobs::count;
use super::{Store, StoreError};
use crate::types::IntegrationId;

/// The most digests of a stored change: 1 MiB of them.
pub(super) const MAX_DIGESTS: usize = 65_536;
/// Size of a digest in bytes.
pub(super) const DIGEST: usize = size_of::<u128>();
/// Keys per query.
const KEYS: usize = 10_000;
/// Bytes of digests per query, unless a single change has more.
const PAGE: u64 = 4 << 20;

/// What a change does with its digests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordAction {
    /// Adds acknowledged row versions.
    Add,
    /// Removes row versions.
    Forget,
}

impl RecordAction {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            RecordAction::Add => "add",
            RecordAction::Forget => "forget",
        }
    }

    pub(super) fn read(text: String) -> Result<RecordAction, StoreError> {
        match text.as_str() {
            "add" => Ok(RecordAction::Add),
            "forget" => Ok(RecordAction::Forget),
            _ => Err(StoreError::Unreadable { what: "action of a record change", value: text }),
        }
    }
}

/// The digests that one checkpoint adds to the record or removes from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordChange {
    /// Whether they are added or removed.
    pub action: RecordAction,
    /// The lowest `UPDATED_AT` of these versions, in microseconds since 1970.
    pub first: i64,
    /// The highest `UPDATED_AT` of these versions, in microseconds since 1970. For `Forget` it is not below that of any
    /// removed version.
    pub last: i64,
    /// The digests, with duplicates.
    pub digests: Vec<u128>,
}

/// The record as it is stored.
#[derive(Debug, Default)]
pub struct StoredRecord {
    /// The added digests, unordered, with duplicates.
    pub added: Vec<u128>,
    /// The forgotten digests, unordered, with duplicates.
    pub forgotten: Vec<u128>,
    /// For each stored `Add` change: its `last` and its number of digests.
    pub sizes: Vec<(i64, u64)>,
    /// Number of stored changes.
    pub changes: u64,
}

/// The size of a stored record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RecordSize {
    /// Number of added row versions.
    pub versions: u64,
    /// Size of all digests in bytes.
    pub bytes: u64,
    /// Number of changes.
    pub changes: u64,
}

/// The key of a stored change, its action and its size.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    pub last: i64,
    pub seq: i64,
    pub action: RecordAction,
    pub bytes: u64,
}

impl Key {
    /// Reads the columns `last`, `seq`, `action` and `bytes` of a row.
    pub fn read(row: &AnyRow) -> Result<Key, StoreError> {
        Ok(Key {
            last: row.try_get("last")?,
            seq: row.try_get("seq")?,
            action: RecordAction::read(row.try_get("action")?)?,
            bytes: count(row.try_get("bytes")?),
        })
    }
}

impl Store {
    /// The random 256-bit key for digests, which all processes of this store share.
    pub fn digest_key(&self) -> [u8; 32] {
        self.digest_key
    }

    /// The record of an integration. It is read in several queries, so it is consistent only if no other worker writes to it:
    /// for the worker that has the job, or while no job is in progress.
    pub async fn record(&self, integration: IntegrationId) -> Result<StoredRecord, StoreError> {
        let keys = self.record_keys(integration).await?;
        let digests = |action| {
            let bytes: u64 = keys.iter().filter(|key| key.action == action).map(|key| key.bytes).sum();
            usize::try_from(bytes).unwrap_or(0) / DIGEST
        };
        let mut record = StoredRecord {
            added: Vec::with_capacity(digests(RecordAction::Add)),
            forgotten: Vec::with_capacity(digests(RecordAction::Forget)),
            ..StoredRecord::default()
        };
        let mut rest = keys.as_slice();
        let mut after = (i64::MIN, i64::MIN);
        while let Some(first) = rest.first() {
            let mut bytes = first.bytes;
            let further = rest[1..].iter().take_while(|key| {
                bytes += key.bytes;
                bytes <= PAGE
            });
            let (page, next) = rest.split_at(1 + further.count());
            let to = page.last().map_or(after, |key| (key.last, key.seq));
            let read = query(
                "SELECT last, action, digests FROM record_changes
                 WHERE integration_id = $1 AND (last, seq) > ($2, $3) AND (last, seq) <= ($4, $5)",
            );
            let read = read.bind(integration.to_string()).bind(after.0).bind(after.1).bind(to.0).bind(to.1);
            for row in self.database.read(read).await? {
                add_change(&row, &mut record)?;
            }
            (rest, after) = (next, to);
        }
        Ok(record)
    }

    /// The keys of the stored changes of an integration's record, in order.
    async fn record_keys(&self, integration: IntegrationId) -> Result<Vec<Key>, StoreError> {
        let mut keys: Vec<Key> = Vec::new();
        loop {
            let after = keys.last().map_or((i64::MIN, i64::MIN), |key| (key.last, key.seq));
            let list = query(
                "SELECT last, seq, action, CAST(length(digests) AS BIGINT) AS bytes FROM record_changes
                 WHERE integration_id = $1 AND (last, seq) > ($2, $3) ORDER BY last, seq LIMIT $4",
            );
            let list = list.bind(integration.to_string()).bind(after.0).bind(after.1);
            let rows = self.database.read(list.bind(i64::try_from(KEYS).unwrap_or(i64::MAX))).await?;
            keys.extend(rows.iter().map(Key::read).collect::<Result<Vec<_>, _>>()?);
            if rows.len() < KEYS {
                return Ok(keys);
            }
        }
    }

    /// The size of an integration's stored record.
    pub async fn record_size(&self, integration: IntegrationId) -> Result<RecordSize, StoreError> {
        // Without GROUP BY, for which SQLite would sort the digests themselves.
        let sizes = query(
            "SELECT COUNT(*) AS changes, CAST(COALESCE(SUM(length(digests)), 0) AS BIGINT) AS bytes,
                    CAST(COALESCE(SUM(CASE WHEN action = $1 THEN length(digests) ELSE 0 END), 0) AS BIGINT) AS added
             FROM record_changes WHERE integration_id = $2",
        );
        let sizes = sizes.bind(RecordAction::Add.as_str()).bind(integration.to_string());
        let Some(row) = self.database.read_one(sizes).await? else { return Ok(RecordSize::default()) };
        Ok(RecordSize {
            versions: count(row.try_get("added")?) / DIGEST as u64,
            bytes: count(row.try_get("bytes")?),
            changes: count(row.try_get("changes")?),
        })
    }
}

/// Adds a stored change to the loaded record.
fn add_change(row: &AnyRow, record: &mut StoredRecord) -> Result<(), StoreError> {
    let bytes: &[u8] = row.try_get("digests")?;
    let (digests, rest) = bytes.as_chunks::<DIGEST>();
    if !rest.is_empty() {
        return Err(StoreError::Unreadable { what: "record change", value: format!("{} bytes", bytes.len()) });
    }
    let digests = digests.iter().map(|digest| u128::from_be_bytes(*digest));
    record.changes += 1;
    match RecordAction::read(row.try_get("action")?)? {
        RecordAction::Add => {
            record.sizes.push((row.try_get("last")?, digests.len() as u64));
            record.added.extend(digests);
        }
        RecordAction::Forget => record.forgotten.extend(digests),
    }
    Ok(())
}

/// Stores a change.
pub(super) async fn insert(
    connection: &mut AnyConnection,
    integration: IntegrationId,
    change: &RecordChange,
) -> Result<(), StoreError> {
    let id = integration.to_string();
    for digests in change.digests.chunks(MAX_DIGESTS) {
        let bytes: Vec<u8> = digests.iter().flat_map(|digest| digest.to_be_bytes()).collect();
        let insert = query(
            "INSERT INTO record_changes (integration_id, last, seq, first, action, digests)
             SELECT CAST($1 AS TEXT), CAST($2 AS BIGINT), COALESCE(MAX(seq), 0) + 1,
                    CAST($3 AS BIGINT), CAST($4 AS TEXT), $5
             FROM record_changes WHERE integration_id = $1 AND last = $2",
        );
        let insert = insert.bind(&id).bind(change.last).bind(change.first).bind(change.action.as_str()).bind(bytes);
        insert.execute(&mut *connection).await?;
    }
    Ok(())
}

/// Deletes the changes whose versions are all below a time, in microseconds since 1970.
pub(super) async fn drop_below(
    connection: &mut AnyConnection,
    integration: IntegrationId,
    time: i64,
) -> Result<(), StoreError> {
    let drop = query("DELETE FROM record_changes WHERE integration_id = $1 AND last < $2");
    drop.bind(integration.to_string()).bind(time).execute(connection).await?;
    Ok(())
}

/// Reads the key for digests.
pub(super) async fn digest_key(database: &Arc<Database>) -> Result<[u8; 32], StoreError> {
    let unreadable = |value: &str| StoreError::Unreadable { what: "key for digests", value: value.to_owned() };
    let row = database.read_one(query("SELECT key FROM digest_key WHERE id = 1")).await?;
    let key: Vec<u8> = row.ok_or_else(|| unreadable("none"))?.try_get("key")?;
    key.try_into().map_err(|_| unreadable("wrong length"))
}
