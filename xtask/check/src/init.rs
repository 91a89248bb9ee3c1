//! Proposes settings for a contract that has none: the conventions that the contract and its pages follow today.

use std::path::Path;
use std::sync::Arc;

use apidrift_core::contract;
use apidrift_core::profile::{Profile, Requirement, SCOPES};
use apidrift_core::settings::FILES;
use openapi_model::document::Document;
use openapi_model::source::Source;

use crate::check::names_of_pages;
use crate::outcome::Outcome;

/// The proposed settings.
#[derive(Debug)]
pub struct Proposal {
    /// The path of the contract, as given.
    pub contract: String,
    /// The folder of its pages.
    pub pages: Option<String>,
    /// Its conventions.
    pub profile: Profile,
    /// How many operations the contract has.
    pub operations: usize,
    /// A summary of what was read, for people.
    pub seen: String,
}

/// Proposes settings for a contract and its pages. Paths are relative to `here`.
///
/// # Errors
///
/// The outcome to show if the contract cannot be read.
pub fn propose(here: &Path, contract: &Path, pages: Option<&Path>) -> Result<Proposal, Outcome> {
    let named = |path: &Path| path.strip_prefix(here).unwrap_or(path).display().to_string();
    let file = here.join(contract);
    let source = Source::read(here, &file).map_err(Outcome::unchecked)?;
    let document = openapi_model::read(&source, file.parent()).map_err(|error| Outcome::unreadable(&source, error))?;
    let texts = match pages {
        Some(folder) => texts(&here.join(folder)).map_err(Outcome::unchecked)?,
        None => Vec::new(),
    };
    let profile = contract::propose(&document, &texts);
    let seen = seen(&document, &texts);
    let operations = document.operations.len() + document.webhooks.len();
    Ok(Proposal { contract: named(contract), pages: pages.map(named), profile, operations, seen })
}

/// The texts of all pages below a folder.
fn texts(folder: &Path) -> Result<Vec<String>, String> {
    if folder.is_file() {
        return Ok(std::fs::read_to_string(folder).into_iter().collect());
    }
    let names = names_of_pages(folder).map_err(|reason| format!("{} cannot be read: {reason}", folder.display()))?;
    // The check reports files that are not text.
    Ok(names.iter().filter_map(|name| std::fs::read_to_string(folder.join(name)).ok()).collect())
}

fn seen(document: &Document, texts: &[String]) -> String {
    let counted = |number: usize, what: &str| match number {
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    };
    let contract =
        format!("OpenAPI {} with {}", document.openapi.value, counted(document.operations.len(), "operation"));
    if texts.is_empty() {
        return contract;
    }
    let names = |text: &&String| document.operations.iter().any(|operation| text.contains(&operation.path.value));
    let known = texts.iter().filter(names).count();
    format!("{contract}; {}, {known} of them with the path of an operation", counted(texts.len(), "page"))
}

impl Proposal {
    /// The settings file, with a comment on each setting.
    pub fn settings(&self) -> Arc<Source> {
        let quoted = |text: &str| toml::Value::from(text).to_string();
        let line = |key: &str, value: Option<&str>, example: &str| match value {
            Some(value) => format!("{key} = {}\n", quoted(value)),
            None => format!("# {key} = {}\n", quoted(example)),
        };
        let profile = &self.profile;
        let required: Vec<String> = profile.require.iter().map(|it| quoted(it.name())).collect();
        let others = Requirement::ALL.into_iter().filter(|it| !profile.requires(*it));
        let others: Vec<&str> = others.map(Requirement::name).collect();
        let others = match others.is_empty() {
            true => String::new(),
            false => format!(" Other values: {}.", others.join(", ")),
        };
        let text = format!(
            "# What apidrift compares, and the conventions of the contract. Proposed from what was found:\n\
             # {}. You can change any of it.\n\
             \n\
             [project]\n\
             {}\
             # The folder of the pages that people read.\n\
             {}\
             \n\
             [profile]\n\
             # What distinguishes errors with the same status: a JSON pointer into their bodies. Without it, only the status does.\n\
             {}\
             # The component that is the schema of every error. Without it, errors may have any body.\n\
             {}\
             # Where an operation names its permission: an extension, or \"{SCOPES}\" for the scopes in its security.\n\
             {}\
             # The extension that gives an operation's rate limit, as {{requests: 20, window_seconds: 60}}.\n\
             {}\
             # What every operation must have. All operations have it today; a new one without it is a finding.{others}\n\
             require = [{}]\n",
            self.seen,
            line("contract", Some(&self.contract), ""),
            line("pages", self.pages.as_deref(), "docs"),
            line("error_identity", profile.error_identity.as_deref(), "/code"),
            line("error_schema", profile.error_schema.as_deref(), "Error"),
            line("permission", profile.permission.as_deref(), "x-permission"),
            line("rate_limit", profile.rate_limit.as_deref(), "x-rate-limit"),
            required.join(", "),
        );
        Source::new(FILES[0], text)
    }
}
