//! Settings for a contract that has none: what it and its pages keep to today.

use std::path::Path;
use std::sync::Arc;

use apidrift_core::contract;
use apidrift_core::profile::{Profile, Requirement, SCOPES};
use apidrift_core::settings::FILES;
use openapi_model::document::Document;
use openapi_model::source::Source;

use crate::check::names_of_pages;
use crate::outcome::Outcome;

/// What is proposed.
#[derive(Debug)]
pub struct Proposal {
    /// The contract, as it was named.
    pub contract: String,
    /// The folder of its pages.
    pub pages: Option<String>,
    /// How it is seen.
    pub profile: Profile,
    /// How many operations the contract has.
    pub operations: usize,
    /// What was looked at, for people.
    pub seen: String,
}

/// Looks at a contract and its pages, and proposes settings. Paths are those that people know them by, below `here`.
///
/// # Errors
///
/// What there is to say of a contract that cannot be read.
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
    // Those that are no text are told by the check.
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
    format!("{contract}; {}, of which {known} name the path of one", counted(texts.len(), "page"))
}

impl Proposal {
    /// The settings as a file, with what each of them means.
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
            false => format!(" There are also: {}.", others.join(", ")),
        };
        let text = format!(
            "# What the check compares, and how it sees the contract. Proposed from what was found:\n\
             # {}. All of it may be changed.\n\
             \n\
             [project]\n\
             {}\
             # The folder of the pages that people read.\n\
             {}\
             \n\
             [profile]\n\
             # What tells two errors of one status apart: a JSON pointer into their bodies. Without it the status alone does.\n\
             {}\
             # The component that is the schema of every error. Without it errors may have any body.\n\
             {}\
             # Where the permission that an operation needs stands: an extension, or \"{SCOPES}\" for those of its security.\n\
             {}\
             # The extension that gives an operation's rate limit, as {{requests: 20, window_seconds: 60}}.\n\
             {}\
             # What every operation has to have. All of these have it today, a new one without it is a finding.{others}\n\
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
