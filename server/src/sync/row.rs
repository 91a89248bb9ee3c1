//! A row as a source gives it.

use highway::{HighwayHash as _, HighwayHasher};
use twox_hash::XxHash3_64;

use super::object::attributes::{AttributeHasher, Attributes};

/// A row of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// `UPDATED_AT`, in microseconds since 1970.
    pub updated_at: i64,
    /// The identifier of its user: the first that is not null.
    pub identifier: Option<Identifier>,
    /// Its other identifiers that are not null.
    pub others: Box<[Identifier]>,
    /// Whether `identifier` may be among the others of a row: the table has columns for identifiers of higher precedence.
    pub may_be_other: bool,
    /// `PAYLOAD` as text.
    pub payload: Option<String>,
    /// Why the row cannot be sent, where that was seen in reading it.
    pub flaw: Option<String>,
    /// Its attributes, once they are to be compared with those of the destination.
    pub compared: Option<Box<ComparedAttributes>>,
    user: u64,
    digest: u128,
}

/// The attributes of a row, to be compared with those that the destination has of its user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ComparedAttributes {
    /// [`RowHasher::user`].
    pub user: u128,
    /// The same of its other identifiers.
    pub others: Box<[u128]>,
    /// [`Row::may_be_other`].
    pub may_be_other: bool,
    /// Whether something was sent under one of the others, for a row that is parked: what the store knows of them is not at hand
    /// later.
    pub is_whole: bool,
    /// The attributes.
    pub attributes: Attributes,
}

impl Row {
    /// A row with these columns.
    pub fn new(
        hasher: &RowHasher,
        updated_at: i64,
        identifier: Option<Identifier>,
        payload: Option<String>,
        flaw: Option<String>,
    ) -> Row {
        let user = identifier.as_ref().map_or(0, Identifier::number);
        let digest = hasher.digest(user, updated_at, identifier.as_ref(), payload.as_deref(), flaw.as_deref());
        let (others, may_be_other) = (Box::default(), false);
        Row { updated_at, identifier, others, may_be_other, payload, flaw, compared: None, user, digest }
    }

    /// The same without a store's key.
    #[cfg(test)]
    pub fn unkeyed(
        updated_at: i64,
        identifier: Option<Identifier>,
        payload: Option<String>,
        flaw: Option<String>,
    ) -> Row {
        Row::new(&RowHasher::new([0; 32]), updated_at, identifier, payload, flaw)
    }

    /// A number for the row's user: rows of one user have the same.
    pub fn user(&self) -> u64 {
        self.user
    }

    /// Sets its attributes. From now on its user's number is that of [`ComparedAttributes::user`], so that users with the same
    /// attributes have the same number.
    pub fn set_compared(&mut self, compared: ComparedAttributes) {
        self.user = compared.user as u64;
        self.compared = Some(Box::new(compared));
    }

    /// The digest of the row's version.
    pub fn digest(&self) -> u128 {
        self.digest
    }

    /// About how many bytes it takes.
    pub fn size(&self) -> usize {
        const AROUND: usize = 256;
        let identifiers = self.identifier.iter().chain(&self.others);
        let identifier = identifiers.flat_map(Identifier::texts).map(str::len).sum::<usize>();
        let attributes = self.compared.as_ref().map_or(0, |compared| compared.attributes.size());
        self.payload.as_ref().map_or(0, String::len) + identifier + attributes + AROUND
    }
}

/// Makes the digests of row versions: identifier, `UPDATED_AT` and content in 128 bits.
///
/// The highest 32 bits are those of the user's number, so that digests of one user stand together where they are sorted.
/// The lowest is 0, and stays free for the record. The others are keyed, so that two rows with one digest cannot be made on purpose. Digests are kept in stores: the
/// same row and key must give the same in every build.
#[derive(Debug, Clone)]
pub struct RowHasher(highway::Key);

/// Bits of a digest that are not the user's.
pub const VERSION_BITS: u32 = 96;

impl RowHasher {
    /// With the key of a store.
    pub fn new(key: [u8; 32]) -> RowHasher {
        let mut words = [0; 4];
        for (word, bytes) in words.iter_mut().zip(key.chunks_exact(8)) {
            *word = bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
        }
        RowHasher(highway::Key(words))
    }

    /// Makes digests of attributes, with the same key.
    pub fn attributes(&self) -> AttributeHasher {
        AttributeHasher::new(self.0)
    }

    /// The hash by which the attributes of a user are kept. Identifiers that differ in their notation only have the same.
    pub fn user(&self, identifier: &Identifier) -> u128 {
        let normal = |text: &str| match identifier {
            Identifier::Email(_) => text.trim().to_lowercase(),
            Identifier::Phone(_) => {
                let digits = text.replace(['+', '(', ')', '-', '.', '/', ' '], "");
                let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
                if is_number { digits } else { text.to_owned() }
            }
            _ => text.to_owned(),
        };
        let mut hasher = HighwayHasher::new(self.0);
        hasher.append(&[identifier.kind()]);
        for text in identifier.texts().map(normal) {
            hasher.append(&(text.len() as u64).to_le_bytes());
            hasher.append(text.as_bytes());
        }
        let [low, high] = hasher.finalize128();
        u128::from(high) << 64 | u128::from(low)
    }

    fn digest(
        &self,
        user: u64,
        updated_at: i64,
        identifier: Option<&Identifier>,
        payload: Option<&str>,
        flaw: Option<&str>,
    ) -> u128 {
        let mut hasher = HighwayHasher::new(self.0);
        // Lengths and what there is stand in front: no two rows give the same bytes.
        let mut head = [0; 40];
        let mut texts = [""; 2];
        for (place, text) in texts.iter_mut().zip(identifier.into_iter().flat_map(Identifier::texts)) {
            *place = text;
        }
        head[..8].copy_from_slice(&updated_at.to_le_bytes());
        head[8..16].copy_from_slice(&(texts[0].len() as u64).to_le_bytes());
        head[16..24].copy_from_slice(&(texts[1].len() as u64).to_le_bytes());
        let (content, flaw) = (payload.unwrap_or_default(), flaw.unwrap_or_default());
        head[24..32].copy_from_slice(&(content.len() as u64).to_le_bytes());
        head[32] = identifier.map_or(0, Identifier::kind);
        head[33] = u8::from(payload.is_some());
        hasher.append(&head);
        for text in [texts[0], texts[1], content, flaw] {
            hasher.append(text.as_bytes());
        }
        let [low, high] = hasher.finalize128();
        let version = u128::from(high & u64::from(u32::MAX)) << 64 | u128::from(low & !1);
        u128::from(user >> 32) << VERSION_BITS | version
    }
}

/// The identifier of the row's user, as it is sent to the destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identifier {
    /// `EXTERNAL_ID`.
    ExternalId(String),
    /// `ALIAS_NAME` with `ALIAS_LABEL`.
    Alias {
        /// The name.
        name: String,
        /// The label.
        label: String,
    },
    /// `BRAZE_ID`.
    BrazeId(String),
    /// `EMAIL`.
    Email(String),
    /// `PHONE`.
    Phone(String),
}

impl Identifier {
    /// The texts in it.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        let (first, second) = match self {
            Identifier::ExternalId(text)
            | Identifier::BrazeId(text)
            | Identifier::Email(text)
            | Identifier::Phone(text) => (text, None),
            Identifier::Alias { name, label } => (name, Some(label.as_str())),
        };
        std::iter::once(first.as_str()).chain(second)
    }

    /// A number for the user: equal identifiers have the same.
    pub fn number(&self) -> u64 {
        let kind = u64::from(self.kind());
        self.texts().fold(kind, |seed, text| XxHash3_64::oneshot_with_seed(seed, text.as_bytes()))
    }

    fn kind(&self) -> u8 {
        match self {
            Identifier::ExternalId(_) => 1,
            Identifier::Alias { .. } => 2,
            Identifier::BrazeId(_) => 3,
            Identifier::Email(_) => 4,
            Identifier::Phone(_) => 5,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(identifier: Identifier) -> u64 {
        Row::unkeyed(0, Some(identifier), None, None).user()
    }

    #[test]
    fn users_are_told_apart_by_every_part_of_their_identifier() {
        let alias = |name: &str, label: &str| Identifier::Alias { name: name.into(), label: label.into() };
        assert_eq!(user(alias("a", "b")), user(alias("a", "b")));
        assert_ne!(user(alias("a", "b")), user(alias("b", "a")));
        assert_ne!(user(alias("ab", "")), user(alias("a", "b")));
        assert_ne!(user(Identifier::Email("x".into())), user(Identifier::Phone("x".into())));
    }

    #[test]
    fn the_notation_of_an_identifier_makes_no_other_user() {
        let user = |identifier| RowHasher::new([7; 32]).user(&identifier);
        let email = |text: &str| user(Identifier::Email(text.into()));
        let phone = |text: &str| user(Identifier::Phone(text.into()));
        assert_eq!(email("Ada@Example.com "), email("ada@example.com"));
        assert_eq!(phone("+1 (555) 123-4567"), phone("15551234567"));
        let different = ["1-800-FLOWERS", "1-800-CANDIES", "1800", "٣٤٥", "٣٤٦", "-", "+"].map(phone);
        assert_eq!(different.iter().collect::<std::collections::HashSet<_>>().len(), different.len());
        let id = |text: &str| user(Identifier::ExternalId(text.into()));
        assert!(id("a") != id("A") && id("1") != phone("1") && id("a") != user(Identifier::BrazeId("a".into())));
    }

    #[test]
    fn a_digest_is_of_all_that_a_row_says() {
        let hasher = RowHasher::new([7; 32]);
        let id = |id: &str| Some(Identifier::ExternalId(id.into()));
        let digest = |time, identifier: Option<Identifier>, payload: Option<&str>, flaw: Option<&str>| {
            Row::new(&hasher, time, identifier, payload.map(str::to_owned), flaw.map(str::to_owned)).digest()
        };
        let row = digest(5, id("a"), Some("{}"), None);
        assert_eq!(row, digest(5, id("a"), Some("{}"), None));
        let alias = |name: &str, label: &str| Some(Identifier::Alias { name: name.into(), label: label.into() });
        let different = [
            row,
            digest(6, id("a"), Some("{}"), None),
            digest(5, id("b"), Some("{}"), None),
            digest(5, Some(Identifier::Email("a".into())), Some("{}"), None),
            digest(5, id("a"), Some("{ }"), None),
            digest(5, id("a"), None, None),
            digest(5, id("a"), None, Some("{}")),
            digest(5, id("a"), Some("{}"), Some("EXTERNAL_ID is not UTF-8 text")),
            digest(5, None, Some("{}"), None),
            digest(5, id("a{"), Some("}"), None),
            digest(5, alias("a", "b"), Some("{}"), None),
            digest(5, alias("ab", ""), Some("{}"), None),
            digest(5, alias("b", "a"), Some("{}"), None),
            Row::new(&RowHasher::new([8; 32]), 5, id("a"), Some("{}".into()), None).digest(),
        ];
        let unequal: std::collections::HashSet<u128> = different.into_iter().map(version).collect();
        assert_eq!(unequal.len(), different.len());
        // Kept in stores: it must not change from build to build.
        assert_eq!(row, DIGEST);
    }

    /// A digest without its user's bits.
    fn version(digest: u128) -> u128 {
        digest & (u128::MAX >> (128 - VERSION_BITS))
    }

    #[test]
    fn digests_of_one_user_stand_together() {
        let hasher = RowHasher::new([7; 32]);
        let user = |id: &str, payload: &str| {
            let id = Some(Identifier::ExternalId(id.into()));
            Row::new(&hasher, 0, id, Some(payload.into()), None).digest() >> VERSION_BITS
        };
        assert_eq!(user("a", "{}"), user("a", "[]"));
        assert_ne!(user("a", "{}"), user("b", "{}"));
    }

    const DIGEST: u128 = 280_419_415_008_036_577_559_424_757_221_893_333_024;
}
