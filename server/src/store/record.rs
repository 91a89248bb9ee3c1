//! The record of what was acknowledged: digests of row versions, one stored row for each change that a checkpoint made.
//!
//! A digest counts as often as it was added, less often as it was forgotten, never below zero. Changes of times that no sync
//! reads any more are dropped whole, by their key.

use std::sync::Arc;

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row as _, query};

use super::database::Database;
use super::jobs::count;
use super::{Store, StoreError};
use crate::types::IntegrationId;

/// The most digests of a stored change: 1 MiB of them.
pub(super) const MOST_DIGESTS: usize = 65_536;
/// Bytes of a digest.
pub(super) const DIGEST: usize = size_of::<u128>();
/// Keys that are read at once.
const KEYS: usize = 10_000;
/// Bytes of digests that are read at once, unless a single change has more.
const PAGE: u64 = 4 << 20;

/// What a change of the record does with its digests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordAction {
    /// These row versions were acknowledged.
    Add,
    /// These row versions count as acknowledged no more.
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

/// Digests of row versions that one checkpoint adds to the record, or takes out of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordChange {
    /// What is done with them.
    pub action: RecordAction,
    /// The lowest `UPDATED_AT` of these versions, microseconds since 1970.
    pub first: i64,
    /// The highest `UPDATED_AT` of these versions, microseconds since 1970. That of a `Forget` is not below those of the
    /// versions that it takes out.
    pub last: i64,
    /// The digests, equal ones as often as there are versions.
    pub digests: Vec<u128>,
}

/// What was acknowledged, as it is stored.
#[derive(Debug, Default)]
pub struct StoredRecord {
    /// Digests that were added, in no order, equal ones as often as they were acknowledged.
    pub added: Vec<u128>,
    /// Digests that were forgotten, in no order.
    pub forgotten: Vec<u128>,
    /// For each stored change of the action `Add`: its `last`, and how many digests.
    pub sizes: Vec<(i64, u64)>,
    /// How many changes are stored.
    pub changes: u64,
}

/// How much is stored of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RecordSize {
    /// Row versions that were added.
    pub versions: u64,
    /// Bytes of all digests.
    pub bytes: u64,
    /// Changes.
    pub changes: u64,
}

/// Where a stored change is, and how large.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    pub last: i64,
    pub seq: i64,
    pub action: RecordAction,
    pub bytes: u64,
}

impl Key {
    /// The key of a row that has its columns.
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
    /// A random 256-bit key for digests, the same for all processes of this store.
    pub fn digest_key(&self) -> [u8; 32] {
        self.digest_key
    }

    /// What was acknowledged of an integration, read in pages. It is whole where nobody else writes to it: for the worker that
    /// has the job, or while none is in progress.
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
                take(&row, &mut record)?;
            }
            (rest, after) = (next, to);
        }
        Ok(record)
    }

    /// The stored changes of an integration's record, in the order of their keys.
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

    /// How much is stored of an integration's record.
    pub async fn record_size(&self, integration: IntegrationId) -> Result<RecordSize, StoreError> {
        // Without groups: SQLite would sort the digests themselves into them.
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

/// Takes the digests of a stored change.
fn take(row: &AnyRow, record: &mut StoredRecord) -> Result<(), StoreError> {
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

/// Adds a change to those that are stored.
pub(super) async fn insert(
    connection: &mut AnyConnection,
    integration: IntegrationId,
    change: &RecordChange,
) -> Result<(), StoreError> {
    let id = integration.to_string();
    for digests in change.digests.chunks(MOST_DIGESTS) {
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

/// Drops the changes that are all below a time, in microseconds since 1970.
pub(super) async fn drop_below(
    connection: &mut AnyConnection,
    integration: IntegrationId,
    time: i64,
) -> Result<(), StoreError> {
    let drop = query("DELETE FROM record_changes WHERE integration_id = $1 AND last < $2");
    drop.bind(integration.to_string()).bind(time).execute(connection).await?;
    Ok(())
}

/// The key for digests.
pub(super) async fn digest_key(database: &Arc<Database>) -> Result<[u8; 32], StoreError> {
    let unreadable = |value: &str| StoreError::Unreadable { what: "key for digests", value: value.to_owned() };
    let row = database.read_one(query("SELECT key FROM digest_key WHERE id = 1")).await?;
    let key: Vec<u8> = row.ok_or_else(|| unreadable("none"))?.try_get("key")?;
    key.try_into().map_err(|_| unreadable("another length"))
}
