//! Compares rows with the attributes that the destination has, for `only_changed`.

use std::collections::HashMap;

use super::object::ObjectEncoder;
use super::object::attributes::Attribute;
use super::row::{ComparedAttributes, Row, RowHasher};
use super::user_attributes::UserAttributes;
use crate::store::{AttributeSet, Spared, Store, StoreError};

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

/// What differs between a row and what the destination has of its user.
#[derive(Debug)]
pub struct Difference {
    /// The places of the attributes that differ. At most 250, as a payload has.
    places: Vec<u16>,
    /// Their number, that of the others, and whether the row need not be sent.
    pub spared: Spared,
}

impl Difference {
    /// Compares a row with what is known of its user; `None` if nothing is.
    pub fn of(row: &ComparedAttributes, known: Option<&UserAttributes>) -> Difference {
        let all = &row.attributes.attributes;
        let differs = |attribute: &Attribute| known.is_none_or(|known| !known.has(attribute));
        let places: Vec<u16> =
            (0..).zip(all).filter(|(_, attribute)| differs(attribute)).map(|(place, _)| place).collect();
        let spared = Spared {
            // A row without attributes creates a user that is not known.
            rows: u64::from(places.is_empty() && known.is_some()),
            attributes_sent: places.len() as u64,
            attributes_spared: (all.len() - places.len()) as u64,
        };
        Difference { places, spared }
    }

    /// Whether the row need not be sent.
    pub fn is_none(&self) -> bool {
        self.spared.rows > 0
    }

    /// The attributes of the row that differ.
    pub fn attributes<'a>(&'a self, row: &'a ComparedAttributes) -> impl Iterator<Item = &'a Attribute> + Clone {
        self.places.iter().map(|place| &row.attributes.attributes[usize::from(*place)])
    }
}
