//! Joins small changes of a record into larger ones, so that reading it and looking after it stay cheap.

use sqlx::{AnyConnection, Row as _, query};

use super::database::returned;
use super::leases::{Lease, held};
use super::record::{DIGEST, Key, MOST_DIGESTS, RecordAction};
use super::{Store, StoreError};
use crate::types::IntegrationId;

/// Bytes of the largest change.
const MOST_BYTES: u64 = (MOST_DIGESTS * DIGEST) as u64;
/// Larger changes stay as they are: joining them with others would write them again and again.
const LARGE: u64 = MOST_BYTES / 2;
/// How many changes at most are made in a transaction, so that each stays within a call's deadline.
const GROUPS: usize = 16;

/// Neighbouring changes of one action that become one, by their lowest and their highest key.
#[derive(Debug, Clone, Copy)]
struct Group {
    action: RecordAction,
    from: (i64, i64),
    to: (i64, i64),
    changes: usize,
    bytes: u64,
}

impl Store {
    /// Joins many small changes of a record into fewer, under the lease. What the record says stays the same.
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

/// Joins the first groups; how many.
async fn merge_some(
    connection: &mut AnyConnection,
    lease: &Lease,
    integration: IntegrationId,
) -> Result<usize, StoreError> {
    // Nobody else gets the job before the transaction has ended.
    let hold = query(
        "UPDATE jobs SET lease_token = lease_token WHERE id = $1 AND lease_token = $2 AND finished_at IS NULL
         RETURNING cancelled_at",
    );
    held(returned(hold.bind(lease.job.to_string()).bind(&lease.token), connection).await?.as_ref())?;
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

/// Which changes are to be joined.
fn groups(keys: &[Key]) -> Vec<Group> {
    let mut groups = Vec::new();
    for action in [RecordAction::Add, RecordAction::Forget] {
        let mut open: Option<Group> = None;
        for key in keys.iter().filter(|key| key.action == action) {
            let at = (key.last, key.seq);
            if let Some(group) = &mut open
                && key.bytes <= LARGE
                && group.bytes + key.bytes <= MOST_BYTES
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

/// Puts one change in the place of a group. It has the group's highest key, so that it is dropped only with all of them.
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
