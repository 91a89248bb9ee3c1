//! The order of each user's rows: a row waits until all batches with older rows of its user are delivered.
//!
//! The further identifiers of a row are users of their own here, whom the row names.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};

use super::Numbered;
use crate::sync::batch::Item;
use crate::sync::row::Row;

/// Users with rows in batches that are closed and not delivered, and rows that wait for these.
#[derive(Debug)]
pub struct Order {
    /// False if batches are delivered one after the other, which keeps the order by itself.
    is_needed: bool,
    users: HashMap<u64, User, BuildHasherDefault<IdentityHasher>>,
    parked_bytes: usize,
    /// Users whom rows name that are admitted and not delivered, and how many do.
    named: HashMap<u64, usize, BuildHasherDefault<IdentityHasher>>,
}

#[derive(Debug, Default)]
struct User {
    /// Rows in batches that are not delivered.
    in_batches: usize,
    /// Later rows.
    parked: VecDeque<Numbered>,
}

/// A hasher for the numbers of users, which are hashes already.
#[derive(Debug, Default)]
pub struct IdentityHasher(u64);

impl Hasher for IdentityHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, user: u64) {
        self.0 = user;
    }

    fn write_u128(&mut self, user: u128) {
        self.0 = user as u64;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl Order {
    /// The order, if it must be kept because several batches are delivered at the same time.
    pub fn new(is_needed: bool) -> Order {
        Order { is_needed, users: HashMap::default(), parked_bytes: 0, named: HashMap::default() }
    }

    /// Whether rows of this user must be parked.
    pub fn is_busy(&self, user: u64) -> bool {
        self.is_needed && self.users.contains_key(&user)
    }

    /// Parks a row behind the older ones of its user, which is busy.
    pub fn park(&mut self, number: u64, row: Row) {
        self.parked_bytes += row.size();
        self.users.entry(row.user()).or_default().parked.push_back((number, row));
    }

    /// The size of all parked rows, in bytes.
    pub fn parked_bytes(&self) -> usize {
        self.parked_bytes
    }

    /// Records that a row of this user is about to be added to a batch, and that further rows must wait for its delivery.
    pub fn occupy(&mut self, user: u64) {
        self.users.entry(user).or_default().in_batches += 1;
    }

    /// Records that no further rows are added to the batch with these.
    pub fn closed(&mut self, items: &[Item]) {
        if self.is_needed {
            items.iter().for_each(|item| self.occupy(item.user));
        }
    }

    /// Records that a row which is admitted names these users as others, until [`Self::unname`].
    pub fn name(&mut self, others: &[u128]) {
        others.iter().for_each(|other| *self.named.entry(*other as u64).or_default() += 1);
    }

    /// Records that such a row was delivered or is not sent.
    pub fn unname(&mut self, others: &[u128]) {
        for other in others {
            if let Entry::Occupied(mut named) = self.named.entry(*other as u64) {
                *named.get_mut() -= 1;
                if *named.get() == 0 {
                    named.remove();
                }
            }
        }
    }

    /// Whether a row that is not delivered names this user as another.
    pub fn is_named(&self, user: u64) -> bool {
        self.named.contains_key(&user)
    }

    /// Records that the batch with these rows was delivered. Returns users whose parked rows may go on.
    pub fn delivered(&mut self, items: &[Item]) -> Vec<u64> {
        let mut free = Vec::new();
        for item in items {
            let Some(user) = self.users.get_mut(&item.user) else { continue };
            user.in_batches -= 1;
            if user.in_batches == 0 {
                if user.parked.is_empty() {
                    self.users.remove(&item.user);
                } else {
                    free.push(item.user);
                }
            }
        }
        free
    }

    /// The oldest parked row of a user, unless it has older rows in batches.
    pub fn next_parked(&self, user: u64) -> Option<&Row> {
        let user = self.users.get(&user).filter(|user| user.in_batches == 0)?;
        user.parked.front().map(|(_, row)| row)
    }

    /// Takes out that row.
    pub fn take_parked(&mut self, number: u64) -> Option<Numbered> {
        let user = self.users.get_mut(&number).filter(|user| user.in_batches == 0)?;
        let parked = user.parked.pop_front()?;
        self.parked_bytes -= parked.1.size();
        if user.parked.is_empty() {
            self.users.remove(&number);
        }
        Some(parked)
    }
}
