//! The ID of an integration.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// The ID of an integration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IntegrationId(Uuid);

impl IntegrationId {
    /// The ID as a UUID.
    pub fn as_uuid(&self) -> &Uuid {
        &self.0
    }
}

impl From<Uuid> for IntegrationId {
    fn from(id: Uuid) -> IntegrationId {
        IntegrationId(id)
    }
}

impl fmt::Display for IntegrationId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(formatter)
    }
}

/// The text is not an integration ID.
#[derive(Debug, thiserror::Error)]
#[error("an integration ID is a UUID in its hyphenated form, such as 6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b01")]
pub struct NotAnId;

impl FromStr for IntegrationId {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<IntegrationId, NotAnId> {
        // The `uuid` crate reads other forms too; only this one has 36 characters.
        if text.len() != 36 {
            return Err(NotAnId);
        }
        Uuid::try_parse(text).map(IntegrationId).map_err(|_| NotAnId)
    }
}
