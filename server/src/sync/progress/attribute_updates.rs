//! Changes during a run to the attributes that the destination is known to have.

use std::collections::HashMap;
use std::sync::Arc;

use crate::store::{AttributeChange, AttributeSet};

/// About how many bytes a user takes beside its attributes.
const OVERHEAD: usize = 64;

/// Changes that are not saved yet. They are numbered; all changes between two checkpoints have one number.
#[derive(Debug)]
pub struct AttributeUpdates {
    set: Option<AttributeSet>,
    /// Changes since the last checkpoint was made: what users have now.
    users: HashMap<u128, Vec<u8>>,
    /// The number of these.
    number: u64,
    /// Changes that wait for a checkpoint, with their numbers.
    unsaved: Vec<(u64, Arc<AttributeChange>)>,
    /// All changes up to the one with this number are saved.
    pub saved: u64,
    /// About how many bytes the changes take.
    pub bytes: usize,
}

impl AttributeUpdates {
    pub fn new(set: Option<AttributeSet>) -> AttributeUpdates {
        AttributeUpdates { set, users: HashMap::new(), number: 1, unsaved: Vec::new(), saved: 0, bytes: 0 }
    }

    /// Changes what a user has. Returns the number of the change.
    pub fn save(&mut self, user: u128, attributes: Vec<u8>) -> u64 {
        self.bytes += attributes.len() + OVERHEAD;
        if let Some(before) = self.users.insert(user, attributes) {
            self.bytes -= before.len() + OVERHEAD;
        }
        self.number
    }

    /// The number of the next change.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Whether any change waits for a checkpoint.
    pub fn has_unsaved(&self) -> bool {
        !self.users.is_empty() || !self.unsaved.is_empty()
    }

    /// The changes that wait for a checkpoint, which is made now.
    pub fn changes(&mut self) -> Vec<Arc<AttributeChange>> {
        if let Some(set) = self.set.filter(|_| !self.users.is_empty()) {
            let mut users: Vec<(u128, Vec<u8>)> = self.users.drain().collect();
            // In the order of the index, whose neighbouring entries are written together.
            users.sort_unstable_by_key(|(user, _)| *user);
            self.unsaved.push((self.number, Arc::new(AttributeChange { set, users })));
            self.number += 1;
        }
        self.unsaved.iter().map(|(_, change)| change.clone()).collect()
    }

    /// Records that these changes were written by a checkpoint.
    pub fn written(&mut self, changes: &[Arc<AttributeChange>]) {
        for (number, change) in self.unsaved.drain(..changes.len().min(self.unsaved.len())) {
            self.saved = number;
            self.bytes -= change.users.iter().map(|(_, attributes)| attributes.len() + OVERHEAD).sum::<usize>();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_saved_when_the_checkpoint_with_it_is_written() {
        let mut updates = AttributeUpdates::new(Some(AttributeSet::of_tests()));
        assert_eq!((updates.save(1, vec![1]), updates.save(2, vec![2]), updates.save(1, vec![3])), (1, 1, 1));
        let first = updates.changes();
        assert_eq!(first[0].users, [(1, vec![3]), (2, vec![2])], "the last change of each user");
        assert_eq!(updates.save(1, vec![4]), 2);
        assert!(updates.has_unsaved());
        let both = updates.changes();
        assert_eq!((both.len(), &both[0]), (2, &first[0]), "the write of the first may have failed");
        updates.written(&first);
        assert_eq!((updates.saved, updates.changes().len()), (1, 1));
        updates.written(&both[1..]);
        assert_eq!((updates.saved, updates.bytes, updates.has_unsaved()), (2, 0, false));
    }
}
