//! The type of an integration.

/// The type of an integration: `integration_type` on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntegrationKind {
    /// User attributes.
    Attributes,
    /// Custom events, one a row.
    Events,
    /// Purchases, one a row.
    Purchases,
    /// Users to delete.
    UserDeletes,
}

impl IntegrationKind {
    /// All kinds.
    pub const ALL: &'static [IntegrationKind] = &[
        IntegrationKind::Attributes,
        IntegrationKind::Events,
        IntegrationKind::Purchases,
        IntegrationKind::UserDeletes,
    ];

    /// Its name in configuration and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            IntegrationKind::Attributes => "attributes",
            IntegrationKind::Events => "events",
            IntegrationKind::Purchases => "purchases",
            IntegrationKind::UserDeletes => "user_deletes",
        }
    }
}
