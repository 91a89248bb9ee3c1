//! Compares rows with the attributes that the destination has, for `only_changed`.

use std::collections::HashMap;

use super::integration::Integration;
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
    /// The attributes that the destination has, and the store that they are in; `None` if there are none yet.
    pub known: Option<(Store, AttributeSet)>,
    /// The key of their digests.
    digest_key: [u8; 32],
    /// The encoder of the objects.
    encoder: ObjectEncoder,
}

impl Comparison {
    /// For an integration, with the key of the store's digests.
    pub fn new(known: Option<(Store, AttributeSet)>, digest_key: [u8; 32], integration: &Integration) -> Comparison {
        Comparison { known, digest_key, encoder: integration.destination.encoder(integration.kind) }
    }

    /// Gives the rows their attributes, or a flaw if they are refused. Returns the hashes of the users of the
    /// others, who may come several times.
    pub fn prepare<'a>(&self, rows: impl Iterator<Item = &'a mut Row>) -> Vec<u128> {
        let hasher = RowHasher::new(self.digest_key);
        let attributes = hasher.attributes();
        let mut users = Vec::new();
        for row in rows {
            let Some(identifier) = row.identifier.as_ref() else { continue };
            match self.encoder.attributes(row, &attributes) {
                Ok(attributes) => {
                    let user = hasher.user(identifier);
                    let others: Box<[u128]> = row.others.iter().map(|other| hasher.user(other)).collect();
                    users.push(user);
                    users.extend(&others);
                    row.set_compared(ComparedAttributes {
                        user,
                        others,
                        may_be_other: row.may_be_other,
                        is_whole: false,
                        attributes,
                    });
                }
                Err(reason) => row.flaw = Some(reason),
            }
        }
        users
    }

    /// What the store knows of these users. Sorts them, because neighbours are read together.
    pub async fn known(&self, users: &mut Vec<u128>) -> Result<KnownUsers, StoreError> {
        let Some((store, set)) = &self.known else { return Ok(KnownUsers::new()) };
        users.sort_unstable();
        users.dedup();
        let known = store.attributes(*set, users).await?;
        Ok(known.into_iter().map(|(user, bytes)| (user, UserAttributes::read(&bytes))).collect())
    }
}

/// What is known of a row's user, if that counts: not if something was sent under another of its identifiers, which may have
/// replaced all of it. `find` finds what is known under an identifier.
pub fn known_of<'a>(
    row: &ComparedAttributes,
    find: impl Fn(u128) -> Option<&'a UserAttributes>,
) -> Option<&'a UserAttributes> {
    if row.is_whole || touches_others(row, &find) { None } else { find(row.user) }
}

/// Whether something was sent under another identifier of a row than the one that it is sent under.
pub fn touches_others<'a>(row: &ComparedAttributes, find: impl Fn(u128) -> Option<&'a UserAttributes>) -> bool {
    row.others.iter().any(|other| find(*other).is_some_and(UserAttributes::is_touched))
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
    /// Compares a row with what is known of its user; `known` is `None` if that is nothing.
    pub fn of(row: &ComparedAttributes, known: Option<&UserAttributes>) -> Difference {
        let all = &row.attributes.attributes;
        let differs = |attribute: &Attribute| known.is_none_or(|known| !known.has(attribute));
        let mut places: Vec<u16> =
            (0..).zip(all).filter(|(_, attribute)| differs(attribute)).map(|(place, _)| place).collect();
        // In the order of the payload.
        places.sort_unstable_by_key(|place| all[usize::from(*place)].text.start);
        let spared = Spared {
            // A row without attributes may create its user. One of whom an attribute is known is there.
            rows: u64::from(places.is_empty() && known.is_some_and(UserAttributes::has_any)),
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
