//! The profile: what an API's makers have agreed on beside OpenAPI, and which of it is asked of every operation.
//!
//! OpenAPI says neither what tells two errors of one status apart, nor where a permission or a rate limit stands. A
//! profile does; what it does not say is not compared and not asked for.

use serde::Deserialize;

/// `[profile]` of the settings.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Profile {
    /// A JSON pointer into the body of an error to the text that tells it from others of its status, such as `/message` or
    /// `/error/code`. Without one the status alone does.
    pub error_identity: Option<String>,
    /// The component that is the schema of every error. Without one errors may have any body.
    pub error_schema: Option<String>,
    /// The extension of an operation that names the permission which a key needs, or `scopes`: those of its security.
    pub permission: Option<String>,
    /// The extension of an operation that gives its rate limit: `{requests: 20, window_seconds: 60}`.
    pub rate_limit: Option<String>,
    /// What every operation has to have.
    pub require: Vec<Requirement>,
}

/// Something that a profile can ask of every operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Requirement {
    /// An `operationId`.
    OperationId,
    /// At least one security requirement: nobody gets in without proof.
    Security,
    /// A permission.
    Permission,
    /// A rate limit.
    RateLimit,
    /// Named examples of each error, with a summary and an identity, none of them twice.
    ErrorExamples,
    /// Pages that say all that the contract does: one page for each operation, with its parameters, its permission, its rate
    /// limit, its errors, its success and an example request, and one page for the errors that all operations share.
    CompletePages,
}

impl Requirement {
    /// All of them.
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
    /// What in it cannot mean anything.
    pub fn mistake(&self) -> Option<String> {
        let is_extension = |name: &str| name.starts_with("x-");
        if let Some(pointer) = self.error_identity.as_deref().filter(|pointer| !pointer.starts_with('/')) {
            return Some(format!("`error_identity` is a JSON pointer such as `/{pointer}`, not `{pointer}`"));
        }
        if let Some(name) = self.permission.as_deref().filter(|name| *name != SCOPES && !is_extension(name)) {
            return Some(format!("`permission` is an extension such as `x-{name}`, or `{SCOPES}`, not `{name}`"));
        }
        let limit = self.rate_limit.as_deref().filter(|name| !is_extension(name));
        limit.map(|name| format!("`rate_limit` is an extension such as `x-{name}`, not `{name}`"))
    }

    /// Whether every operation has to have something.
    pub fn requires(&self, requirement: Requirement) -> bool {
        self.require.contains(&requirement)
    }
}
