//! The attributes that a destination has acknowledged, as digests, for integrations with `only_changed`.
//!
//! They are kept in the store itself and written by checkpoints: in one transaction with the rows they come from, and readable
//! by every replica. A file or a key-value store beside it would be outside of both.
//!
//! A set holds the attributes of one integration at one destination. It can only be given up as a whole, which takes one
//! statement however many users it has.

use std::sync::Arc;

use sqlx::{AnyConnection, AssertSqlSafe, Row as _, query};
use uuid::Uuid;

use super::database::returned;
use super::jobs::count;
use super::kind::Kind;
use super::leases::{Lease, require_lease};
use super::{Store, StoreError};
use crate::types::IntegrationId;

/// Size of a user's hash in bytes.
const USER: usize = size_of::<u128>();
/// Number of its hexadecimal digits.
const DIGITS: usize = USER * 2;
/// The most users per statement that reads, and per statement that writes.
const READ: usize = 4096;
const WRITTEN: usize = 256;
/// Users that are deleted in one batch.
const DELETED: i64 = 2000;
/// Users whose size is measured to estimate that of all.
const SAMPLED: i64 = 1000;

/// The set of attributes that a sync with `only_changed` compares its rows with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttributeSet(i64);

#[cfg(test)]
impl AttributeSet {
    /// A set that is in no store.
    pub fn of_tests() -> AttributeSet {
        AttributeSet(1)
    }
}

/// A user's hash and the digests of its attributes, an opaque text to the store.
pub type UserAttributes = (u128, Vec<u8>);

/// The attributes of users that one checkpoint writes. Writing it twice changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributeChange {
    /// The set.
    pub set: AttributeSet,
    /// What the users have now. Each user occurs once.
    pub users: Vec<UserAttributes>,
}

/// The size of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttributesSize {
    /// Number of users.
    pub users: u64,
    /// About how many bytes their digests take, without the overhead of the database.
    pub bytes: u64,
}

impl Store {
    /// The set of an integration at this destination, for the worker that has its job. It is empty if there was none, or if it
    /// was for another destination.
    pub async fn attribute_set(
        &self,
        lease: &Lease,
        integration: IntegrationId,
        destination: &str,
    ) -> Result<AttributeSet, StoreError> {
        if let Some((set, of)) = self.set_in_use(integration).await? {
            if of == destination {
                return Ok(set);
            }
            tracing::warn!(
                "all attributes are sent again: what has been sent was for another destination or with another `api_key`, and is forgotten"
            );
        }
        let work = async {
            let mut transaction = self.database.begin().await?;
            let set = new_set(transaction.connection(), lease, integration, destination).await;
            transaction.end(set).await
        };
        self.database.transact(work).await
    }

    /// Gives up the set of an integration, for the worker that has its job: it is about to send attributes without recording
    /// them.
    pub async fn give_up_attributes(&self, lease: &Lease, integration: IntegrationId) -> Result<(), StoreError> {
        if self.set_in_use(integration).await?.is_none() {
            return Ok(());
        }
        let work = async {
            let mut transaction = self.database.begin().await?;
            let given_up = async {
                require_lease(transaction.connection(), lease).await?;
                give_up(transaction.connection(), integration).await
            };
            let given_up = given_up.await;
            transaction.end(given_up).await
        };
        self.database.transact(work).await
    }

    /// The set that is in use, and the destination that it is for.
    async fn set_in_use(&self, integration: IntegrationId) -> Result<Option<(AttributeSet, String)>, StoreError> {
        let find = query("SELECT id, destination FROM attribute_sets WHERE integration_id = $1 AND given_up = 0");
        let row = self.database.read_one(find.bind(integration.to_string())).await?;
        row.map(|row| Ok((AttributeSet(row.try_get("id")?), row.try_get("destination")?))).transpose()
    }

    /// The set of an integration at this destination; `None` if there is none.
    pub async fn existing_attribute_set(
        &self,
        integration: IntegrationId,
        destination: &str,
    ) -> Result<Option<AttributeSet>, StoreError> {
        let set = self.set_in_use(integration).await?;
        Ok(set.filter(|(_, of)| of == destination).map(|(set, _)| set))
    }

    /// The attributes of those of these users that have any.
    ///
    /// They are one text: with a row for each user, most of the time goes into passing rows from task to task.
    pub async fn attributes(&self, set: AttributeSet, users: &[u128]) -> Result<Vec<UserAttributes>, StoreError> {
        let kind = self.database.kind;
        // Each user is looked up by itself: with a join, Postgres goes on reading the whole table if it was small at first.
        let statement = format!(
            "SELECT string_agg(value || (SELECT {} FROM attributes WHERE set_id = $1 AND user_hash = {}), ' ') AS users
             FROM {}",
            kind.hex("digests"),
            kind.unhex("value"),
            kind.texts("$2"),
        );
        let mut found = Vec::with_capacity(users.len());
        for users in users.chunks(READ) {
            let listed = json_array(users.iter().map(|user| const_hex::encode(user.to_be_bytes())));
            let read = query(AssertSqlSafe(statement.clone())).bind(set.0).bind(listed);
            let row = self.database.read_one(read).await?;
            let text: Option<&str> = row.as_ref().map(|row| row.try_get("users")).transpose()?.flatten();
            for text in text.into_iter().flat_map(|text| text.split(' ')) {
                found.push(
                    user_attributes(text).ok_or_else(|| StoreError::Unreadable {
                        what: "attributes of a user",
                        value: text.to_owned(),
                    })?,
                );
            }
        }
        Ok(found)
    }

    /// The size of the set of an integration at this destination; `None` if there is none.
    pub async fn attributes_size(
        &self,
        integration: IntegrationId,
        destination: &str,
    ) -> Result<Option<AttributesSize>, StoreError> {
        let Some(set) = self.existing_attribute_set(integration, destination).await? else { return Ok(None) };
        let users = query("SELECT COUNT(*) AS users FROM attributes WHERE set_id = $1").bind(set.0);
        let users = self.database.read_one(users).await?.map_or(Ok(0), |row| row.try_get("users"))?;
        let sample = query(
            "SELECT COUNT(*) AS users, CAST(COALESCE(SUM(bytes), 0) AS BIGINT) AS bytes
             FROM (SELECT length(digests) AS bytes FROM attributes WHERE set_id = $1 LIMIT $2) AS sample",
        );
        let sample = self.database.read_one(sample.bind(set.0).bind(SAMPLED)).await?;
        let (sampled, bytes) = match sample {
            Some(row) => (count(row.try_get("users")?), count(row.try_get("bytes")?)),
            None => (0, 0),
        };
        let users = count(users);
        Ok(Some(AttributesSize { users, bytes: users * (USER as u64 + bytes / sampled.max(1)) }))
    }

    /// Deletes one batch of attributes of sets that were given up. Returns how many users they were of, and `None` if no such
    /// set is left.
    pub async fn delete_given_up_attributes(&self) -> Result<Option<u64>, StoreError> {
        let find = query("SELECT id FROM attribute_sets WHERE given_up = 1 LIMIT 1");
        let Some(row) = self.database.read_one(find).await? else { return Ok(None) };
        let set: i64 = row.try_get("id")?;
        let delete = query(
            "DELETE FROM attributes WHERE set_id = $1 AND user_hash IN
             (SELECT user_hash FROM attributes WHERE set_id = $1 ORDER BY user_hash LIMIT $2)",
        );
        let deleted = self.database.write(delete.bind(set).bind(DELETED)).await?;
        if deleted == 0 {
            let delete = query(
                // Another replica may have deleted the same users at the same time.
                "DELETE FROM attribute_sets WHERE id = $1
                 AND (SELECT user_hash FROM attributes WHERE set_id = $1 ORDER BY user_hash LIMIT 1) IS NULL",
            );
            self.database.write(delete.bind(set)).await?;
        }
        Ok(Some(deleted))
    }
}

/// A JSON array of texts without special characters.
fn json_array(texts: impl Iterator<Item = String>) -> String {
    let mut array = "[".to_owned();
    for text in texts {
        let separator = if array.len() == 1 { "\"" } else { ",\"" };
        array.extend([separator, &text, "\""]);
    }
    array + "]"
}

/// A user's attributes from the hexadecimal digits of its hash and of theirs.
fn user_attributes(text: &str) -> Option<UserAttributes> {
    let (user, digests) = text.split_at_checked(DIGITS)?;
    let user = const_hex::decode_to_array(user).ok()?;
    Some((u128::from_be_bytes(user), const_hex::decode(digests).ok()?))
}

/// Replaces the set of an integration by an empty one.
async fn new_set(
    connection: &mut AnyConnection,
    lease: &Lease,
    integration: IntegrationId,
    destination: &str,
) -> Result<AttributeSet, StoreError> {
    require_lease(connection, lease).await?;
    give_up(connection, integration).await?;
    loop {
        // Small, because each user's row has it. Replicas that create sets at the same time would choose the same number
        // if they counted.
        let id = i64::from(Uuid::new_v4().as_u128() as u32);
        let insert = query(
            "INSERT INTO attribute_sets (id, integration_id, destination) VALUES ($1, $2, $3)
             ON CONFLICT (id) DO NOTHING RETURNING id",
        );
        let insert = insert.bind(id).bind(integration.to_string()).bind(destination);
        if returned(insert, &mut *connection).await?.is_some() {
            return Ok(AttributeSet(id));
        }
    }
}

/// Gives up the set of an integration, if it has one.
pub(super) async fn give_up(connection: &mut AnyConnection, integration: IntegrationId) -> Result<(), StoreError> {
    let give_up = query("UPDATE attribute_sets SET given_up = 1 WHERE integration_id = $1 AND given_up = 0");
    give_up.bind(integration.to_string()).execute(connection).await?;
    Ok(())
}

/// Writes what users have.
pub(super) async fn write(
    connection: &mut AnyConnection,
    kind: Kind,
    changes: &[Arc<AttributeChange>],
) -> Result<(), StoreError> {
    let statement = format!(
        "INSERT INTO attributes (set_id, user_hash, digests) SELECT $1, {}, {} FROM {} WHERE true
         ON CONFLICT (set_id, user_hash) DO UPDATE SET digests = excluded.digests",
        kind.unhex(&format!("substr(value, 1, {DIGITS})")),
        kind.unhex(&format!("substr(value, {DIGITS} + 1)")),
        kind.texts("$2"),
    );
    for AttributeChange { set, users } in changes.iter().map(AsRef::as_ref) {
        for users in users.chunks(WRITTEN) {
            let listed =
                users.iter().map(|(user, digests)| const_hex::encode([&user.to_be_bytes()[..], digests].concat()));
            let write = query(AssertSqlSafe(statement.clone())).bind(set.0).bind(json_array(listed));
            write.execute(&mut *connection).await?;
        }
    }
    Ok(())
}
