//! The in-memory record of acknowledged row versions, with which a reading compares its rows.
//!
//! It is a multiset: a fourth row that equals three recorded ones is new. Versions that no row has matched by the end of a
//! reading have left the source.

use super::row::VERSION_BITS;

/// Average number of digests per index bucket.
const DIGESTS_PER_BUCKET: usize = 8;
/// The bit of a digest that marks a refused version, which the destination never had.
const REFUSED: u128 = 1;
/// The most bits of an index. The index must not be longer than the user's part of a digest.
const MAX_INDEX_BITS: u32 = 24;

/// The digest under which a refused version is recorded.
pub fn refused(digest: u128) -> u128 {
    digest | REFUSED
}

/// The digest of a recorded version, without the mark for refused ones.
pub fn version(recorded: u128) -> u128 {
    recorded & !REFUSED
}

/// Digests of row versions acknowledged before a reading began, and which of them it has seen. Takes 16.7 bytes per digest.
#[derive(Debug)]
pub struct Record {
    /// Sorted, with duplicates.
    digests: Vec<u128>,
    /// For each index, the place of its first digest; one more entry for the end of the last.
    starts: Vec<u32>,
    /// How far a digest is shifted right to give its index.
    shift: u32,
    /// One bit per digest: whether it was taken or forgotten.
    used: Vec<u64>,
    /// Number of digests that are not used.
    left: usize,
}

impl Record {
    /// The multiset difference of the added and the forgotten digests.
    pub fn new(mut added: Vec<u128>, mut forgotten: Vec<u128>) -> Record {
        added.sort_unstable();
        forgotten.sort_unstable();
        let mut gone = forgotten.into_iter().peekable();
        added.retain(|digest| {
            // A forgotten digest may no longer be among the added ones.
            while gone.next_if(|gone| gone < digest).is_some() {}
            gone.next_if_eq(digest).is_none()
        });
        added.shrink_to_fit();
        let bits = (added.len() / DIGESTS_PER_BUCKET).next_power_of_two().trailing_zeros().clamp(1, MAX_INDEX_BITS);
        let shift = u128::BITS - bits;
        let mut starts = Vec::with_capacity((1 << bits) + 1);
        for (place, digest) in added.iter().enumerate() {
            while starts.len() <= (digest >> shift) as usize {
                starts.push(place as u32);
            }
        }
        starts.resize((1 << bits) + 1, added.len() as u32);
        Record { used: vec![0; added.len().div_ceil(64)], left: added.len(), digests: added, starts, shift }
    }

    /// Number of recorded versions, duplicates counted.
    pub fn len(&self) -> usize {
        self.digests.len()
    }

    /// Uses up one recorded version with this digest; returns false if none is left.
    pub fn take(&mut self, digest: u128) -> bool {
        if self.left == 0 {
            return false;
        }
        let (mut low, mut high) = self.range(digest);
        low += self.digests[low..high].partition_point(|known| *known < digest);
        high = low + self.digests[low..high].partition_point(|known| version(*known) == digest);
        // Equal digests are used in order: find the first unused one.
        while low < high {
            let middle = low.midpoint(high);
            if self.is_used(middle) { low = middle + 1 } else { high = middle }
        }
        let is_known = low < self.digests.len() && version(self.digests[low]) == digest && !self.is_used(low);
        if is_known {
            self.set_used(low);
        }
        is_known
    }

    /// Removes and returns all unused versions of the user of this digest, except refused ones, which the destination never
    /// had.
    pub fn forget_user(&mut self, digest: u128) -> Vec<u128> {
        let mut forgotten = Vec::new();
        if self.left == 0 {
            return forgotten;
        }
        let user = digest >> VERSION_BITS;
        let (low, high) = self.range(digest);
        let first = low + self.digests[low..high].partition_point(|known| known >> VERSION_BITS < user);
        let mut place = first;
        while place < high && self.digests[place] >> VERSION_BITS == user {
            // Skip whole words: a user may have very many versions, most of them used.
            if self.used[place / 64] == u64::MAX {
                place = (place / 64 + 1) * 64;
                continue;
            }
            if !self.is_used(place) && version(self.digests[place]) == self.digests[place] {
                self.set_used(place);
                forgotten.push(self.digests[place]);
            }
            place += 1;
        }
        forgotten
    }

    /// The places of all digests with the same index.
    fn range(&self, digest: u128) -> (usize, usize) {
        let index = (digest >> self.shift) as usize;
        (self.starts[index] as usize, self.starts[index + 1] as usize)
    }

    fn is_used(&self, place: usize) -> bool {
        self.used[place / 64] >> (place % 64) & 1 == 1
    }

    fn set_used(&mut self, place: usize) {
        self.used[place / 64] |= 1 << (place % 64);
        self.left -= 1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn digest(user: u32, version: u32) -> u128 {
        u128::from(user) << VERSION_BITS | u128::from(version) << 1
    }

    #[test]
    fn a_version_is_known_as_often_as_it_was_acknowledged() {
        let mut record = Record::new(vec![digest(1, 7), digest(1, 7), digest(2, 7), digest(1, 7)], vec![digest(1, 7)]);
        assert_eq!(record.len(), 3);
        assert_eq!([1, 2, 3].map(|_| record.take(digest(1, 7))), [true, true, false]);
        assert_eq!([1, 2].map(|_| record.take(digest(2, 7))), [true, false]);
        assert!(!record.take(digest(3, 7)));
    }

    #[test]
    fn unseen_versions_of_a_user_can_be_forgotten() {
        let mut record = Record::new(vec![digest(1, 1), digest(1, 2), digest(1, 2), digest(2, 1)], Vec::new());
        assert!(record.take(digest(1, 1)));
        assert_eq!(record.forget_user(digest(1, 9)), [digest(1, 2), digest(1, 2)]);
        assert_eq!(record.forget_user(digest(1, 9)), []);
        assert!(!record.take(digest(1, 2)));
        assert!(record.take(digest(2, 1)));
    }

    #[test]
    fn refused_versions_are_known_and_not_forgotten() {
        let mut record = Record::new(vec![refused(digest(1, 1)), digest(1, 2), digest(1, 1)], Vec::new());
        assert_eq!(record.forget_user(digest(1, 9)), [digest(1, 1), digest(1, 2)]);
        assert_eq!([1, 2].map(|_| record.take(digest(1, 1))), [true, false], "as refused");
        let mut record = Record::new(vec![refused(digest(1, 1)), digest(1, 1), digest(2, 1)], Vec::new());
        assert_eq!([1, 2, 3].map(|_| record.take(digest(1, 1))), [true, true, false]);
        assert!(record.take(digest(2, 1)));
    }

    #[test]
    fn it_behaves_like_a_plain_list() {
        let versions = || prop::collection::vec((prop_oneof![0..4_u32, Just(u32::MAX)], 0..6_u32), 0..300);
        let asked = prop::collection::vec(((prop_oneof![0..4_u32, Just(u32::MAX)], 0..6_u32), any::<bool>()), 0..300);
        proptest!(|(added in versions(), forgotten in versions(), asked in asked)| {
            let digests = |list: &[(u32, u32)]| list.iter().map(|(user, version)| digest(*user, *version)).collect::<Vec<_>>();
            let mut list = digests(&added);
            for digest in digests(&forgotten) {
                if let Some(place) = list.iter().position(|known| *known == digest) {
                    list.remove(place);
                }
            }
            let mut record = Record::new(digests(&added), digests(&forgotten));
            prop_assert_eq!(record.len(), list.len());
            for ((user, version), take) in asked {
                let digest = digest(user, version);
                if take {
                    let place = list.iter().position(|known| *known == digest);
                    prop_assert_eq!(record.take(digest), place.is_some());
                    place.map(|place| list.remove(place));
                } else {
                    let mut of_user: Vec<u128> =
                        list.extract_if(.., |known| *known >> VERSION_BITS == u128::from(user)).collect();
                    of_user.sort_unstable();
                    prop_assert_eq!(record.forget_user(digest), of_user);
                }
            }
        });
    }
}
