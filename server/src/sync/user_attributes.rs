//! The attributes that a destination has of one user, as they are kept in the store: for each name the digest of the value
//! that it has acknowledged last.

use super::object::attributes::Attribute;

/// A name and a digest.
const ENTRY: usize = 12;
/// The entry that says that something was or is about to be sent to the user, whatever is known of it. No attribute has its
/// number.
const TOUCHED: [u8; ENTRY] = [0; ENTRY];
/// The most attributes of a user that are kept. If names keep changing, only the newest are.
const MOST: usize = 1000;

/// The acknowledged attributes of a user, ordered by the number of their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserAttributes(Vec<[u8; ENTRY]>);

fn name(entry: &[u8; ENTRY]) -> u32 {
    u32::from_be_bytes([entry[0], entry[1], entry[2], entry[3]])
}

fn entry(name: u32, digest: u64) -> [u8; ENTRY] {
    let mut entry = [0; ENTRY];
    entry[..4].copy_from_slice(&name.to_be_bytes());
    entry[4..].copy_from_slice(&digest.to_be_bytes());
    entry
}

impl UserAttributes {
    /// From their stored form. What is not of this form is left out, so that it is sent again.
    pub fn read(bytes: &[u8]) -> UserAttributes {
        let (entries, _) = bytes.as_chunks::<ENTRY>();
        if !entries.is_sorted_by_key(name) {
            return UserAttributes::default();
        }
        UserAttributes(entries.to_vec())
    }

    /// Whether any is known.
    pub fn has_any(&self) -> bool {
        self.0.iter().any(|entry| *entry != TOUCHED)
    }

    /// Whether something may have been sent to the user.
    pub fn is_touched(&self) -> bool {
        !self.0.is_empty()
    }

    /// Records that something is about to be sent to the user. Returns whether that was not recorded yet.
    pub fn touch(&mut self) -> bool {
        let is_new = self.0.first() != Some(&TOUCHED);
        if is_new {
            self.0.insert(0, TOUCHED);
        }
        is_new
    }

    /// How many bytes they take.
    pub fn size(&self) -> usize {
        self.0.len() * ENTRY
    }

    /// Their stored form.
    pub fn bytes(self) -> Vec<u8> {
        self.0.into_flattened()
    }

    /// Whether the destination has this attribute with this value.
    pub fn has(&self, attribute: &Attribute) -> bool {
        let known = self.0.binary_search_by_key(&attribute.name, name).ok().map(|place| self.0[place]);
        known.is_some() && known == attribute.digest.map(|digest| entry(attribute.name, digest))
    }

    /// Forgets these attributes, because it is not known what the destination will have.
    pub fn forget<'a>(&mut self, attributes: impl IntoIterator<Item = &'a Attribute>) {
        for attribute in attributes {
            if let Ok(place) = self.0.binary_search_by_key(&attribute.name, name) {
                self.0.remove(place);
            }
        }
    }

    /// Adds these attributes, which the destination has acknowledged.
    pub fn acknowledge<'a>(&mut self, attributes: impl IntoIterator<Item = &'a Attribute> + Clone) {
        self.forget(attributes.clone());
        let new = |attribute: &Attribute| attribute.digest.map(|digest| entry(attribute.name, digest));
        let mut entries: Vec<_> = attributes.into_iter().filter_map(new).collect();
        if self.0.len() + entries.len() > MOST {
            self.0.retain(|entry| *entry == TOUCHED);
        }
        entries.append(&mut self.0);
        entries.sort_unstable();
        self.0 = entries;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(name: u32, digest: Option<u64>) -> Attribute {
        Attribute { name, digest, text: 0..0 }
    }

    #[test]
    fn the_last_value_of_each_name_is_kept() {
        let mut user = UserAttributes::default();
        user.acknowledge(&[attribute(5, Some(1)), attribute(3, Some(2))]);
        assert!(user.has(&attribute(5, Some(1))) && user.has(&attribute(3, Some(2))));
        assert!(!user.has(&attribute(5, Some(2))) && !user.has(&attribute(4, Some(1))));
        user.acknowledge(&[attribute(5, Some(2))]);
        assert!(!user.has(&attribute(5, Some(1))), "an earlier value has to be sent again");
        let stored = UserAttributes::read(&user.clone().bytes());
        assert_eq!(stored, user);
        user.acknowledge(&[attribute(5, None)]);
        assert!(!user.has(&attribute(5, Some(2))) && !user.has(&attribute(5, None)));
        let mut is_forgotten = |attribute: Attribute| {
            let before = user.size();
            user.forget(&[attribute]);
            user.size() < before
        };
        assert!(is_forgotten(attribute(3, None)) && !is_forgotten(attribute(3, Some(2))));
        assert_eq!(user, UserAttributes::default());
    }

    #[test]
    fn names_that_keep_changing_do_not_pile_up() {
        let mut user = UserAttributes::default();
        assert!(user.touch() && user.is_touched() && !user.has_any());
        for name in 1..10_000 {
            user.acknowledge(&[attribute(name, Some(7)), attribute(u32::MAX, Some(7))]);
            assert!(user.size() <= (MOST + 1) * ENTRY && !user.touch());
            assert!(user.has(&attribute(name, Some(7))) && user.has(&attribute(u32::MAX, Some(7))));
        }
    }

    #[test]
    fn what_cannot_be_read_is_sent_again() {
        assert_eq!(UserAttributes::read(&[1; 11]), UserAttributes::default());
        let unordered = [entry(2, 1), entry(1, 1)];
        assert_eq!(UserAttributes::read(unordered.as_flattened()), UserAttributes::default());
    }
}
