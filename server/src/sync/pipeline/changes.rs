//! Decides which attributes of a row are sent, for `only_changed`.
//!
//! An attribute is left out if the destination has acknowledged its value and nothing else under its name since. Before one is
//! sent whose earlier value is known, that knowledge is removed from the store: if the process dies, nobody knows which of the
//! two the destination has. The new value becomes known with the acknowledgement of its row, in the same checkpoint.
//!
//! A user has one row in delivery at a time, so that each row is compared with what the one before it has left.
//!
//! A row with several identifiers is sent under the first. If something was sent under one of the others, nothing counts as
//! known of its user: the row is sent whole, and what is known under the others is removed from the store before. For this the
//! store records that something is sent under an identifier that other rows may have beside theirs, before it is.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use super::order::IdentityHasher;
use crate::store::Spared;
use crate::sync::comparison::{Difference, KnownUsers, known_of, touches_others};
use crate::sync::progress::{Progress, SentAttributes};
use crate::sync::row::ComparedAttributes;
use crate::sync::user_attributes::UserAttributes;

/// Users are forgotten in rounds, once there are so many more than after the last one.
const ROUND: usize = if cfg!(test) { 1 } else { 10_000 };

/// The users whose rows are in delivery or were a moment ago. For these it knows better than what the store was asked before.
#[derive(Debug, Default)]
pub struct Changes {
    users: HashMap<u128, User, BuildHasherDefault<IdentityHasher>>,
    /// Number of users after the last round.
    kept: usize,
    /// Number of chunks for which the store was asked, and of those that were taken since.
    asked: u64,
    taken: u64,
}

#[derive(Debug, Default)]
struct User {
    attributes: UserAttributes,
    /// Whether it has a row in delivery.
    is_busy: bool,
    /// The other identifiers of that row.
    others: Box<[u128]>,
    /// The number of the last change of its attributes that is to be saved.
    saved_by: u64,
    /// Number of chunks for which the store was asked before that change was known to be saved.
    asked_before: Option<u64>,
}

/// What is to be done with a row.
#[derive(Debug)]
pub enum Decision {
    /// Nothing in it has changed.
    Unchanged(Spared),
    /// Some attributes are sent.
    Send(Sending),
}

/// The attributes of a row that are sent.
#[derive(Debug)]
pub struct Sending {
    /// Which they are.
    pub difference: Difference,
    /// What is known once they are acknowledged.
    pub sent: Box<SentAttributes>,
    /// They may be sent once the change with this number is saved.
    pub after: u64,
}

impl Changes {
    /// Records that the store is asked for the users of another chunk.
    pub fn ask(&mut self) {
        self.asked += 1;
    }

    /// Records that the next chunk is taken. All changes up to the one with this number are saved.
    pub fn take(&mut self, saved: u64) {
        self.taken += 1;
        if self.users.len() < self.kept + ROUND {
            return;
        }
        let (asked, taken) = (self.asked, self.taken);
        self.users.retain(|_, user| {
            if user.is_busy || user.saved_by > saved {
                return true;
            }
            // What the store was asked before may be older than the change: also for the chunk that is taken now.
            taken <= *user.asked_before.get_or_insert(asked)
        });
        self.kept = self.users.len();
    }

    fn find<'a>(&'a self, user: u128, known: &'a KnownUsers) -> Option<&'a UserAttributes> {
        self.users.get(&user).map(|user| &user.attributes).or_else(|| known.get(&user))
    }

    /// Whether something was sent under another identifier of this row. `known` is what the store has said about users of its
    /// chunk.
    pub fn touches_others(&self, row: &ComparedAttributes, known: &KnownUsers) -> bool {
        touches_others(row, |user| self.find(user, known))
    }

    /// Decides about a row of a user that has none in delivery. `known` is what the store has said about users of its chunk.
    pub fn decide(&mut self, row: &ComparedAttributes, known: &KnownUsers, progress: &mut Progress) -> Decision {
        let now = known_of(row, |user| self.find(user, known));
        let difference = Difference::of(row, now);
        let spared = difference.spared;
        if difference.is_none() {
            return Decision::Unchanged(spared);
        }
        let mut attributes = now.cloned().unwrap_or_default();
        attributes.forget(difference.attributes(row));
        let before = self.find(row.user, known).map_or(0, UserAttributes::size);
        let is_first = row.may_be_other && attributes.touch();
        let is_changed = is_first || attributes.size() < before;
        let mut after = if is_changed { progress.save_attributes(row.user, attributes.clone().bytes()) } else { 0 };
        for other in &row.others {
            if row.is_whole || self.find(*other, known).is_some_and(UserAttributes::is_touched) {
                let saved_by = progress.save_attributes(*other, Vec::new());
                self.users.insert(*other, User { saved_by, ..User::default() });
            }
            // Another row with this identifier may have removed it a moment ago.
            after = after.max(self.users.get(other).map_or(0, |other| other.saved_by));
        }
        let mut acknowledged = attributes.clone();
        acknowledged.acknowledge(difference.attributes(row));
        let sent = Box::new(SentAttributes { user: row.user, attributes: acknowledged, spared });
        let others = row.others.clone();
        self.users.insert(row.user, User { attributes, is_busy: true, others, saved_by: after, asked_before: None });
        Decision::Send(Sending { difference, sent, after })
    }

    /// Records that a row of a user is not in delivery any more. `acknowledged` is what the destination has now, if it has
    /// accepted the row; that is saved by the change with this number. Returns the other identifiers of the row.
    pub fn delivered(&mut self, user: u128, acknowledged: Option<UserAttributes>, saved_by: u64) -> Box<[u128]> {
        let Some(user) = self.users.get_mut(&user) else { return Box::default() };
        user.is_busy = false;
        if let Some(attributes) = acknowledged {
            (user.attributes, user.saved_by, user.asked_before) = (attributes, saved_by, None);
        }
        std::mem::take(&mut user.others)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::object::attributes::{Attribute, Attributes};
    use crate::sync::progress::Start;

    fn row(user: u128, digest: u64) -> ComparedAttributes {
        let attributes = vec![Attribute { name: 1, digest: Some(digest), text: 0..0 }];
        let attributes = Attributes { attributes, ..Attributes::default() };
        ComparedAttributes { user, attributes, ..ComparedAttributes::default() }
    }

    /// What the store said while this was acknowledged.
    fn known(digest: u64) -> KnownUsers {
        let mut user = UserAttributes::default();
        user.acknowledge(&row(0, digest).attributes.attributes);
        (0..10).map(|number| (number, user.clone())).collect()
    }

    fn is_sent(decision: &Decision) -> bool {
        matches!(decision, Decision::Send(_))
    }

    #[test]
    fn a_chunk_for_which_the_store_was_asked_before_a_change_is_compared_with_the_change() {
        let (mut changes, mut progress) = (Changes::default(), Progress::new(Start::default()));
        let send = |changes: &mut Changes, progress: &mut Progress, user, digest| {
            let Decision::Send(sending) = changes.decide(&row(user, digest), &known(1), progress) else {
                panic!("{user} is not sent")
            };
            assert_eq!(sending.after, 1, "the store must not go on to say what it said");
            changes.delivered(user, Some(sending.sent.attributes), 1);
        };
        // The store is asked for two chunks at the same time.
        (0..2).for_each(|_| changes.ask());
        changes.take(0);
        (0..5).for_each(|user| send(&mut changes, &mut progress, user, 2));
        // Everything is saved by now, and it is time for a round.
        changes.take(9);
        for user in 0..5 {
            assert!(is_sent(&changes.decide(&row(user, 1), &known(1), &mut progress)), "{user} has another value");
            changes.delivered(user, None, 1);
            assert!(is_sent(&changes.decide(&row(user, 1), &known(1), &mut progress)), "{user} has refused it");
            changes.delivered(user, None, 1);
        }
        // Chunks that are asked for from now on see what is saved.
        for user in 10..20 {
            changes.ask();
            changes.take(9);
            changes.decide(&row(user, 1), &KnownUsers::new(), &mut progress);
            changes.delivered(user, None, 1);
        }
        assert!(!changes.users.contains_key(&0), "{:?}", changes.users);
    }

    #[test]
    fn no_row_is_sent_before_what_is_known_under_its_other_identifiers_is_removed() {
        let (mut changes, mut progress) = (Changes::default(), Progress::new(Start::default()));
        let naming = |user, other| ComparedAttributes { others: [other].into(), ..row(user, 1) };
        let mut send = |row: &ComparedAttributes, known: &KnownUsers| {
            let Decision::Send(sending) = changes.decide(row, known, &mut progress) else { panic!("it is not sent") };
            (sending.after, changes.delivered(row.user, None, 1))
        };
        // Two rows name a user of whom something is known, and one of whom nothing is.
        assert_eq!(send(&naming(20, 7), &known(1)), (1, [7].into()));
        assert_eq!(send(&naming(21, 7), &known(1)), (1, [7].into()), "its removal is not saved yet");
        assert_eq!(send(&naming(22, 30), &known(1)), (0, [30].into()));
        // That something is sent under an identifier which others may have is saved first, once.
        let second = ComparedAttributes { may_be_other: true, ..row(30, 1) };
        assert_eq!(send(&second, &KnownUsers::new()).0, 1);
        assert_eq!(send(&second, &KnownUsers::new()).0, 0);
        assert_eq!(send(&naming(23, 30), &KnownUsers::new()).0, 1);
        assert_eq!(send(&row(31, 1), &KnownUsers::new()).0, 0);
    }

    #[test]
    fn a_row_without_attributes_is_sent_unless_its_user_is_known_to_be_there() {
        let (mut changes, mut progress) = (Changes::default(), Progress::new(Start::default()));
        let empty = ComparedAttributes { user: 1, ..ComparedAttributes::default() };
        for _ in 0..2 {
            // Those of the first row may have been left out at the destination, as with `_update_existing_only`.
            let Decision::Send(sending) = changes.decide(&empty, &KnownUsers::new(), &mut progress) else { panic!() };
            changes.delivered(1, Some(sending.sent.attributes), 1);
        }
        let other = ComparedAttributes { user: 2, ..empty };
        assert!(!is_sent(&changes.decide(&other, &known(1), &mut progress)));
    }
}
