//! Merges small stored changes of a record into larger ones, so that loading and pruning it stay cheap.

use sqlx::{AnyConnection, Row as _, query};

use super::leases::{Lease, require_lease};
use super::record::{DIGEST, Key, MAX_DIGESTS, RecordAction};
use super::{Store, StoreError};
use crate::types::IntegrationId;

/// The largest size of a change, in bytes.
const MAX_BYTES: u64 = (MAX_DIGESTS * DIGEST) as u64;
/// Changes above this size are not merged, because they would be rewritten again and again.
const LARGE: u64 = MAX_BYTES / 2;
/// The most groups that are merged in one transaction, so that it stays within a call's deadline.
const GROUPS: usize = 16;

/// Neighbouring changes with the same action that are merged into one, by their lowest and highest key.
#[derive(Debug, Clone, Copy)]
struct Group {
    action: RecordAction,
    from: (i64, i64),
    to: (i64, i64),
    changes: usize,
    bytes: u64,
}

impl Store {
    /// Merges small changes of a record under the lease. The record's content stays the same.
    pub async fn merge_record(&self, lease: &Lease, integration: IntegrationId) -> Result<(), StoreError> {
        loop {
            let work = async {
                let mut transaction = self.database.begin().await?;
                let merged = merge_some(transaction.connection(), lease, integration).await;
                transaction.end(merged).await
            };
            if self.database.transact(work).await? < GROUPS {
                return Ok(());
            }
        }
    }
}

/// Merges the first groups and returns their number.
async fn merge_some(
    connection: &mut AnyConnection,
    lease: &Lease,
    integration: IntegrationId,
) -> Result<usize, StoreError> {
    require_lease(connection, lease).await?;
    let id = integration.to_string();
    let list = query(
        "SELECT last, seq, action, CAST(length(digests) AS BIGINT) AS bytes FROM record_changes
         WHERE integration_id = $1 ORDER BY last, seq",
    );
    let rows = list.bind(&id).fetch_all(&mut *connection).await?;
    let keys = rows.iter().map(Key::read).collect::<Result<Vec<_>, _>>()?;
    let groups = groups(&keys);
    for group in groups.iter().take(GROUPS) {
        merge(connection, &id, group).await?;
    }
    Ok(groups.len().min(GROUPS))
}

/// Which changes to merge.
fn groups(keys: &[Key]) -> Vec<Group> {
    let mut groups = Vec::new();
    for action in [RecordAction::Add, RecordAction::Forget] {
        let mut open: Option<Group> = None;
        for key in keys.iter().filter(|key| key.action == action) {
            let at = (key.last, key.seq);
            if let Some(group) = &mut open
                && key.bytes <= LARGE
                && group.bytes + key.bytes <= MAX_BYTES
            {
                (group.to, group.changes, group.bytes) = (at, group.changes + 1, group.bytes + key.bytes);
                continue;
            }
            let alone = Group { action, from: at, to: at, changes: 1, bytes: key.bytes };
            let next = (key.bytes <= LARGE).then_some(alone);
            groups.extend(std::mem::replace(&mut open, next).filter(|group| group.changes > 1));
        }
        groups.extend(open.filter(|group| group.changes > 1));
    }
    groups
}

/// Replaces a group by one change. It has the group's highest key, so it is dropped only when all of them would be.
async fn merge(connection: &mut AnyConnection, integration: &str, group: &Group) -> Result<(), StoreError> {
    let Group { action, from, to, .. } = *group;
    let read = query(
        "SELECT first, digests FROM record_changes
         WHERE integration_id = $1 AND (last, seq) >= ($2, $3) AND (last, seq) <= ($4, $5) AND action = $6",
    );
    let read = read.bind(integration).bind(from.0).bind(from.1).bind(to.0).bind(to.1).bind(action.as_str());
    let (mut first, mut digests) = (i64::MAX, Vec::new());
    for row in read.fetch_all(&mut *connection).await? {
        first = first.min(row.try_get("first")?);
        digests.extend_from_slice(row.try_get("digests")?);
    }
    let delete = query(
        "DELETE FROM record_changes
         WHERE integration_id = $1 AND (last, seq) >= ($2, $3) AND (last, seq) <= ($4, $5) AND action = $6",
    );
    let delete = delete.bind(integration).bind(from.0).bind(from.1).bind(to.0).bind(to.1).bind(action.as_str());
    delete.execute(&mut *connection).await?;
    let insert = query(
        "INSERT INTO record_changes (integration_id, last, seq, first, action, digests) VALUES ($1, $2, $3, $4, $5, $6)",
    );
    let insert = insert.bind(integration).bind(to.0).bind(to.1).bind(first).bind(action.as_str()).bind(digests);
    insert.execute(connection).await?;
    Ok(())
}
