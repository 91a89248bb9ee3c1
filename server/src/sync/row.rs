//! A row as a source gives it.

use twox_hash::XxHash3_64;

/// A row of a source, its columns known by their meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// `UPDATED_AT`, in microseconds since 1970.
    pub updated_at: i64,
    /// Whose row it is: the first identifier that is not null.
    pub identifier: Option<Identifier>,
    /// `PAYLOAD` as text.
    pub payload: Option<String>,
    /// Why the row cannot be sent, where that was seen in reading it.
    pub flaw: Option<String>,
    user: u64,
    digest: u64,
}

impl Row {
    /// A row with these columns.
    pub fn new(updated_at: i64, identifier: Option<Identifier>, payload: Option<String>, flaw: Option<String>) -> Row {
        let user = identifier.as_ref().map_or(0, Identifier::number);
        let rest = payload.as_deref().or(flaw.as_deref()).unwrap_or_default();
        let digest = XxHash3_64::oneshot_with_seed(user, rest.as_bytes());
        Row { updated_at, identifier, payload, flaw, user, digest }
    }

    /// A number for the row's user: rows of one user have the same.
    pub fn user(&self) -> u64 {
        self.user
    }

    /// A number for what the row says, the same in every build. Rows that differ have different ones but for an accident.
    pub fn digest(&self) -> u64 {
        self.digest
    }

    /// About how many bytes it takes.
    pub fn size(&self) -> usize {
        const AROUND: usize = 256;
        let identifier = self.identifier.iter().flat_map(Identifier::texts).map(str::len).sum::<usize>();
        self.payload.as_ref().map_or(0, String::len) + identifier + AROUND
    }
}

/// Whose row it is, as the destination is told.
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
        let kind = match self {
            Identifier::ExternalId(_) => 1,
            Identifier::Alias { .. } => 2,
            Identifier::BrazeId(_) => 3,
            Identifier::Email(_) => 4,
            Identifier::Phone(_) => 5,
        };
        self.texts().fold(kind, |seed, text| XxHash3_64::oneshot_with_seed(seed, text.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(identifier: Identifier) -> u64 {
        Row::new(0, Some(identifier), None, None).user()
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
    fn a_digest_is_of_the_user_and_what_is_said() {
        let row = |user: &str, payload: &str| {
            Row::new(0, Some(Identifier::ExternalId(user.into())), Some(payload.into()), None).digest()
        };
        assert_eq!(row("a", "{}"), row("a", "{}"));
        assert_ne!(row("a", "{}"), row("b", "{}"));
        assert_ne!(row("a", "{}"), row("a", "{ }"));
        // Kept in stores: it must not change from build to build.
        assert_eq!(row("a", "{}"), DIGEST);
    }

    const DIGEST: u64 = 12_720_379_520_914_225_533;
}
