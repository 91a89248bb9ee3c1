//! Compares rows with the attributes that the destination has, for `only_changed`.

use std::collections::HashMap;

use super::object::ObjectEncoder;
use super::row::{ComparedAttributes, Row, RowHasher};
use super::user_attributes::UserAttributes;
use crate::store::{AttributeSet, Store, StoreError};

/// The attributes of users, by their hashes.
pub type KnownUsers = HashMap<u128, UserAttributes>;

/// What rows are compared with.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// The store.
    pub store: Store,
    /// The attributes in it; `None` if there are none yet.
    pub set: Option<AttributeSet>,
    /// The encoder of the objects.
    pub encoder: ObjectEncoder,
}

impl Comparison {
    /// Gives the rows their attributes, or a flaw if they are refused. Returns the hashes of their users.
    pub fn prepare<'a>(&self, rows: impl Iterator<Item = &'a mut Row>) -> Vec<u128> {
        let hasher = RowHasher::new(self.store.digest_key());
        let attributes = hasher.attributes();
        let mut users = Vec::new();
        for row in rows {
            let Some(identifier) = row.identifier.as_ref() else { continue };
            match self.encoder.attributes(row, &attributes) {
                Ok(attributes) => {
                    let user = hasher.user(identifier);
                    users.push(user);
                    row.set_compared(ComparedAttributes { user, attributes });
                }
                Err(reason) => row.flaw = Some(reason),
            }
        }
        users.sort_unstable();
        users.dedup();
        users
    }

    /// What the store knows of these users.
    pub async fn known(&self, users: &[u128]) -> Result<KnownUsers, StoreError> {
        let Some(set) = self.set else { return Ok(KnownUsers::new()) };
        let known = self.store.attributes(set, users).await?;
        Ok(known.into_iter().map(|(user, bytes)| (user, UserAttributes::read(&bytes))).collect())
    }
}
