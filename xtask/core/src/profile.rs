//! The profile: conventions of an API that OpenAPI has no place for, and which of them every operation must follow.
//!
//! OpenAPI does not define what distinguishes two errors with the same status, or where a permission or a rate limit is
//! written. A profile does; what it leaves out is neither compared nor required.

use serde::Deserialize;

/// `[profile]` of the settings.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Profile {
    /// A JSON pointer to the value in an error body that distinguishes the error from others with the same status, such
    /// as `/message` or `/error/code`. Without one, errors are distinguished by status alone.
    pub error_identity: Option<String>,
    /// The component that is the schema of every error. Without one, errors may have any body.
    pub error_schema: Option<String>,
    /// The extension of an operation that names the permission that a key needs, or `scopes` for the scopes in its
    /// security.
    pub permission: Option<String>,
    /// The extension of an operation that gives its rate limit: `{requests: 20, window_seconds: 60}`.
    pub rate_limit: Option<String>,
    /// What every operation must have.
    pub require: Vec<Requirement>,
}

/// Something that a profile can require of every operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Requirement {
    /// An `operationId`.
    OperationId,
    /// At least one security requirement.
    Security,
    /// A permission.
    Permission,
    /// A rate limit.
    RateLimit,
    /// Named examples of each error, each with a summary and a unique identity.
    ErrorExamples,
    /// Pages that cover the whole contract: one page for each operation, with its parameters, its permission, its rate
    /// limit, its errors, its success and an example request, and one page for the errors that all operations share.
    CompletePages,
}

impl Requirement {
    /// All requirements.
    pub const ALL: [Requirement; 6] = [
        Requirement::OperationId,
        Requirement::Security,
        Requirement::Permission,
        Requirement::RateLimit,
        Requirement::ErrorExamples,
        Requirement::CompletePages,
    ];

    /// Its name in the settings.
    pub fn name(self) -> &'static str {
        match self {
            Requirement::OperationId => "operation-id",
            Requirement::Security => "security",
            Requirement::Permission => "permission",
            Requirement::RateLimit => "rate-limit",
            Requirement::ErrorExamples => "error-examples",
            Requirement::CompletePages => "complete-pages",
        }
    }
}

/// The value of `permission` that means the scopes of the operation's security.
pub const SCOPES: &str = "scopes";

impl Profile {
    /// Why the profile is invalid, or `None` if it is valid.
    pub fn mistake(&self) -> Option<String> {
        let is_extension = |name: &str| name.starts_with("x-");
        if let Some(pointer) = self.error_identity.as_deref().filter(|pointer| !pointer.starts_with('/')) {
            return Some(format!("`error_identity` must be a JSON pointer such as `/{pointer}`, not `{pointer}`"));
        }
        if let Some(name) = self.permission.as_deref().filter(|name| *name != SCOPES && !is_extension(name)) {
            return Some(format!("`permission` must be an extension such as `x-{name}`, or `{SCOPES}`, not `{name}`"));
        }
        let limit = self.rate_limit.as_deref().filter(|name| !is_extension(name));
        limit.map(|name| format!("`rate_limit` must be an extension such as `x-{name}`, not `{name}`"))
    }

    /// Whether the profile has this requirement.
    pub fn requires(&self, requirement: Requirement) -> bool {
        self.require.contains(&requirement)
    }
}
