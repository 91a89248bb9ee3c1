//! The record of what was acknowledged, as a reading compares its rows with it.
//!
//! A row version is known as often as it was acknowledged: a fourth row that is equal to three known ones is new. What is
//! left when all rows were seen has left the source.

use super::row::VERSION_BITS;

/// About so many digests have the same index.
const DIGESTS_AN_INDEX: usize = 8;
/// The bit of a digest that tells that the version was refused: the destination never had it.
const REFUSED: u128 = 1;
/// The most bits of an index: those of a user.
const MOST_INDEX_BITS: u32 = 24;

/// The digest under which a version is recorded that was refused.
pub fn refused(digest: u128) -> u128 {
    digest | REFUSED
}

/// The digest of a version, whatever became of it.
pub fn version(recorded: u128) -> u128 {
    recorded & !REFUSED
}

/// Digests of row versions that were acknowledged before a reading began, and which of them it has seen. 16.7 bytes each.
#[derive(Debug)]
pub struct Record {
    /// In their order, equal ones as often as they are known.
    digests: Vec<u128>,
    /// Where digests begin that have this index, and where the last ones end.
    starts: Vec<u32>,
    /// How far a digest is shifted to give its index.
    shift: u32,
    /// A bit for each digest: whether it is used up, because it was seen or forgotten.
    used: Vec<u64>,
    left: usize,
}

impl Record {
    /// The digests that were added without those that were forgotten, each as often.
    pub fn new(mut added: Vec<u128>, mut forgotten: Vec<u128>) -> Record {
        added.sort_unstable();
        forgotten.sort_unstable();
        let mut gone = forgotten.into_iter().peekable();
        added.retain(|digest| {
            // Some may be forgotten of which nothing is left.
            while gone.next_if(|gone| gone < digest).is_some() {}
            gone.next_if_eq(digest).is_none()
        });
        added.shrink_to_fit();
        let bits = (added.len() / DIGESTS_AN_INDEX).next_power_of_two().trailing_zeros().clamp(1, MOST_INDEX_BITS);
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

    /// How many row versions are known, equal ones counted.
    pub fn len(&self) -> usize {
        self.digests.len()
    }

    /// Whether this version is known once more than it was asked for.
    pub fn take(&mut self, digest: u128) -> bool {
        if self.left == 0 {
            return false;
        }
        let (mut low, mut high) = self.range(digest);
        low += self.digests[low..high].partition_point(|known| *known < digest);
        high = low + self.digests[low..high].partition_point(|known| version(*known) == digest);
        // Of equal ones the first are used up first.
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

    /// Takes out all versions of this version's user that the destination has and that were not asked for yet.
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
            // Users may have very many versions, most of them used up.
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

    /// Where digests are that have the same index.
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
    fn what_was_not_seen_of_a_user_can_be_forgotten() {
        let mut record = Record::new(vec![digest(1, 1), digest(1, 2), digest(1, 2), digest(2, 1)], Vec::new());
        assert!(record.take(digest(1, 1)));
        assert_eq!(record.forget_user(digest(1, 9)), [digest(1, 2), digest(1, 2)]);
        assert_eq!(record.forget_user(digest(1, 9)), []);
        assert!(!record.take(digest(1, 2)));
        assert!(record.take(digest(2, 1)));
    }

    #[test]
    fn what_was_refused_is_known_and_not_forgotten() {
        let mut record = Record::new(vec![refused(digest(1, 1)), digest(1, 2), digest(1, 1)], Vec::new());
        assert_eq!(record.forget_user(digest(1, 9)), [digest(1, 1), digest(1, 2)]);
        assert_eq!([1, 2].map(|_| record.take(digest(1, 1))), [true, false], "as refused");
        let mut record = Record::new(vec![refused(digest(1, 1)), digest(1, 1), digest(2, 1)], Vec::new());
        assert_eq!([1, 2, 3].map(|_| record.take(digest(1, 1))), [true, true, false]);
        assert!(record.take(digest(2, 1)));
    }

    #[test]
    fn it_says_what_a_list_would_say() {
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
