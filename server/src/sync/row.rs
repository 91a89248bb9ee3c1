//! A row as a source gives it.

use std::hash::{DefaultHasher, Hash, Hasher};

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
}

impl Row {
    /// A number for the row's user. Rows of one user always have the same.
    pub fn key(&self) -> i64 {
        // Should another build hash differently, a run that resumes among rows of one `UPDATED_AT` sends those again.
        let mut hasher = DefaultHasher::new();
        self.identifier.hash(&mut hasher);
        hasher.finish().cast_signed()
    }
}

/// Whose row it is, as the destination is told.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
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
}
