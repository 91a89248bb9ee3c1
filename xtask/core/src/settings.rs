//! The settings of a project: the files to compare, the conventions of the contract, and the findings that are allowed
//! for now.

mod conform;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use toml::Spanned;

use openapi_model::source::Source;

use crate::profile::Profile;
pub use conform::{Basic, Caller, Conform, Counted, ErrorName, List, Order, Provocation, Role, SecretSource};

/// The settings file of a project: the first of these that exists.
pub const FILES: [&str; 2] = ["apidrift.toml", "openapi/check.toml"];

/// The nearest folder with one of [`FILES`], from `start` upwards.
pub fn find_root(start: &Path) -> Option<PathBuf> {
    start.ancestors().find(|folder| file(folder).is_some()).map(Path::to_path_buf)
}

/// The settings file of a folder, if there is one: one of [`FILES`].
fn file(folder: &Path) -> Option<&'static str> {
    FILES.into_iter().find(|file| folder.join(file).exists())
}

/// A project: its files and its allowed findings.
#[derive(Debug)]
pub struct Project {
    /// The repository.
    pub root: PathBuf,
    /// The paths of its files, relative to the repository.
    pub layout: Layout,
    /// The conventions of the contract; `None` if the settings have no profile.
    pub profile: Option<Profile>,
    /// What is known about a live server.
    pub conform: Conform,
    /// Findings that are allowed for now.
    pub allowances: Vec<Allowance>,
    /// The settings themselves.
    pub source: Arc<Source>,
}

/// The paths of the project's files, relative to the repository. Only the files that are set are compared.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layout {
    /// The contract.
    pub contract: String,
    /// The folder of the pages: those in the contract's language, and one folder for each other language.
    pub pages: Option<String>,
    /// The generated server.
    pub server: Option<String>,
    /// The generated client.
    pub client: Option<String>,
    /// The client's typed errors.
    pub client_errors: Option<String>,
    /// The command that prints the OpenAPI document that the server emits.
    pub emits: Option<Vec<String>>,
    /// The command that runs a server for `conform` to test.
    pub testbed: Option<Vec<String>>,
    /// The command that runs the same server with rate limits high enough not to interfere with other tests.
    pub testbed_without_limits: Option<Vec<String>>,
}

impl Layout {
    /// Whether any code is generated.
    pub fn is_generated(&self) -> bool {
        self.server.is_some() || self.client.is_some() || self.client_errors.is_some()
    }
}

/// A finding that is allowed for now.
#[derive(Debug, Clone)]
pub struct Allowance {
    /// The rule.
    pub rule: String,
    /// The file of its primary place; `None` for findings without a place.
    pub file: Option<String>,
    /// The message of the finding; `None` allows any message of the rule.
    pub message: Option<String>,
    /// The text at the primary place; `None` allows the rule in the whole file.
    pub text: Option<String>,
    /// How many findings it allows; `None` means any number, or one if there is a `message`.
    pub times: Option<usize>,
    /// Why it is allowed.
    pub reason: String,
    /// Its place in the settings.
    pub range: std::ops::Range<usize>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    project: Layout,
    profile: Option<Profile>,
    #[serde(default)]
    conform: Conform,
    #[serde(default)]
    allow: Vec<Spanned<Allow>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Allow {
    rule: Spanned<String>,
    file: Option<Spanned<String>>,
    message: Option<Spanned<String>>,
    text: Option<Spanned<String>>,
    times: Option<Spanned<usize>>,
    reason: Spanned<String>,
}

impl Allow {
    /// The offset where its last value ends.
    fn end(&self) -> usize {
        let texts = [&self.file, &self.message, &self.text].into_iter().flatten().chain([&self.rule, &self.reason]);
        let ends = texts.map(|text| text.span().end).chain(self.times.as_ref().map(|times| times.span().end));
        ends.max().unwrap_or_default()
    }
}

impl Project {
    /// Reads the settings of a folder.
    ///
    /// # Errors
    ///
    /// What is wrong with them, and where.
    pub fn load(root: &Path) -> Result<Project, String> {
        let file = file(root).ok_or_else(|| format!("there is no {} in {}", FILES.join(" or "), root.display()))?;
        Project::parse(root, Source::read(root, &root.join(file))?)
    }

    /// Parses settings that are already in memory.
    ///
    /// # Errors
    ///
    /// What is wrong with them, and where.
    pub fn parse(root: &Path, source: Arc<Source>) -> Result<Project, String> {
        let name = source.path.clone();
        let file: File = toml::from_str(&source.text).map_err(|error| {
            let (line, column) = source.line_column(error.span().map_or(0, |span| span.start));
            format!("{name}:{line}:{column}: {}", error.message())
        })?;
        if let Some(reason) = file.profile.as_ref().and_then(Profile::mistake) {
            let (line, column) = source.line_column(source.text.find("[profile]").unwrap_or_default());
            return Err(format!("{name}:{line}:{column}: {reason}"));
        }
        let mut allowances = Vec::new();
        for allow in file.allow {
            let range = allow.span().start..allow.span().end.max(allow.get_ref().end());
            let (line, column) = source.line_column(range.start);
            let allow = allow.into_inner();
            if allow.reason.get_ref().trim().is_empty() {
                return Err(format!("{name}:{line}:{column}: an allowance needs a reason"));
            }
            if !crate::rules::Rule::ALL.iter().any(|rule| rule.info().name == allow.rule.get_ref()) {
                let rule = allow.rule.get_ref();
                return Err(format!("{name}:{line}:{column}: there is no rule `{rule}`; `--rules` lists them"));
            }
            allowances.push(Allowance {
                rule: allow.rule.into_inner(),
                file: allow.file.map(Spanned::into_inner),
                message: allow.message.map(Spanned::into_inner),
                text: allow.text.map(Spanned::into_inner),
                times: allow.times.map(Spanned::into_inner),
                reason: allow.reason.into_inner(),
                range,
            });
        }
        let conform = Conform { source: Some(source.clone()), root: root.to_owned(), ..file.conform };
        if let Some(reason) = conform.mistake() {
            return Err(reason);
        }
        Ok(Project { root: root.to_owned(), layout: file.project, profile: file.profile, conform, allowances, source })
    }

    /// The folder of the contract; relative references are resolved from it.
    pub fn contract_folder(&self) -> Option<PathBuf> {
        self.root.join(&self.layout.contract).parent().map(Path::to_path_buf)
    }

    /// Reads a file of the project.
    pub fn read(&self, path: &str) -> Result<Arc<Source>, String> {
        Source::read(&self.root, &self.root.join(path))
    }
}
