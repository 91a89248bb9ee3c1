//! Contract, server, client and pages say the same things.
//!
//! Every comparison hands over findings. What could not be looked at is told apart from what was found to agree.

mod contract;
mod emitted;
pub mod fix;
mod pages;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use apidrift_core::contract::{Contract, Troubled};
use apidrift_core::generator::Generator;
use apidrift_core::profile::Profile;
use apidrift_core::settings::{Allowance, Project};
use apidrift_core::view;
use openapi_model::source::Source;

use crate::allow;
use crate::compat;
use crate::outcome::Outcome;
pub use pages::Pages;

/// What to compare.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// The contract's earlier form: a file, or a revision of the repository.
    pub against: Option<String>,
    /// Pages from somewhere else. With any, nothing but these is compared.
    pub pages: Vec<PathBuf>,
}

/// Compares everything in scope. Generated files are compared by the generator that made them.
pub fn run(root: &Path, scope: &Scope, generator: Option<&dyn Generator>) -> Outcome {
    let project = match Project::load(root) {
        Ok(project) => project,
        Err(reason) => return Outcome::unchecked(reason),
    };
    let mut outcome = everything(&project, scope, generator);
    if scope.pages.is_empty() {
        // What was not compared may still be there.
        let is_complete = outcome.unchecked.is_empty();
        let was_asked = |allowance: &Allowance| match allowance.rule.split('/').next() {
            Some("live") => false,
            Some("compat") => is_complete && scope.against.is_some(),
            _ => is_complete,
        };
        (outcome.findings, outcome.allowed) = allow::apply(&project, outcome.findings, &was_asked);
    }
    outcome.findings.sort_by_cached_key(|finding| {
        let place = finding.primary.as_ref().map(|place| (place.source.path.clone(), place.range.start));
        (place, finding.rule)
    });
    outcome
}

fn everything(project: &Project, scope: &Scope, generator: Option<&dyn Generator>) -> Outcome {
    let source = match project.read(&project.layout.contract) {
        Ok(source) => source,
        Err(reason) => return Outcome::unchecked(reason),
    };
    if !scope.pages.is_empty() {
        return foreign_pages(project, &source, &scope.pages);
    }
    let (claims, unread) = claims(project, scope);
    let (mut outcome, sound) = compare(&source, &claims, generator);
    if claims.is_generated {
        match (generator, sound) {
            (Some(generator), Some(contract)) => outcome.findings.extend(generator.stale(project, &contract)),
            // Code is generated from a contract without findings only.
            (Some(_), None) => outcome
                .unchecked
                .push("the generated code was not compared: the contract has to be put right first".into()),
            (None, _) => outcome
                .unchecked
                .push("the generated code was not compared: this program has no generator for it".into()),
        }
    }
    outcome.unchecked.extend(unread);
    outcome
}

/// What is said of one API beside its contract, as it was read.
#[derive(Debug, Default)]
pub struct Claims {
    /// How the contract is seen; nothing where the settings do not say.
    pub profile: Option<Profile>,
    /// The contract's earlier form.
    pub base: Option<Arc<Source>>,
    /// The pages of each language, the contract's own first.
    pub pages: Vec<Pages>,
    /// What the server emits.
    pub emitted: Option<serde_json::Value>,
    /// Whether code is generated from the contract, which then has to stay inside what the generator takes.
    pub is_generated: bool,
    /// The generated server, in which places for what it emits are looked up.
    pub server: Option<Arc<Source>>,
}

/// The pages of a project, or why some cannot be read.
pub fn read_pages(project: &Project) -> Result<Vec<Pages>, String> {
    let mut unread = Vec::new();
    let pages = pages::read(project, &mut unread);
    if unread.is_empty() { Ok(pages) } else { Err(unread.join("\n")) }
}

/// Reads everything that is compared with the contract, and says what could not be read.
fn claims(project: &Project, scope: &Scope) -> (Claims, Vec<String>) {
    let mut unread = Vec::new();
    let mut read = |result: Result<_, String>| result.map_err(|reason| unread.push(reason)).ok();
    let base = scope.against.as_ref().and_then(|against| read(base(project, against)));
    let emitted = emitted::emit(project).unwrap_or_else(|reason| {
        unread.push(reason);
        None
    });
    let pages = pages::read(project, &mut unread);
    // That it is missing is another comparison's finding.
    let server = project.layout.server.as_ref().and_then(|server| project.read(server).ok());
    let profile = project.profile.clone();
    (Claims { profile, base, pages, emitted, is_generated: project.layout.is_generated(), server }, unread)
}

/// Compares a contract with what is said beside it. The contract comes back if nothing is wrong with it.
pub fn compare(
    source: &Arc<Source>,
    claims: &Claims,
    generator: Option<&dyn Generator>,
) -> (Outcome, Option<Contract>) {
    let (contract, findings) = Contract::load(source);
    let Some(mut contract) = contract else {
        let unchecked = vec![format!("nothing was compared with {}, which cannot be read", source.path)];
        return (Outcome { findings, unchecked, ..Outcome::default() }, None);
    };
    let Ok(seen) = view::Contract::read(source, None, claims.profile.as_ref()) else {
        return (Outcome { findings, ..Outcome::default() }, None);
    };
    let _ = &seen;
    let mut outcome = Outcome { findings, ..Outcome::default() };
    // What no code can be made of means something to clients all the same; server and pages cannot follow it.
    let compatibility = claims.base.as_ref().map(|base| compatibility(base, &seen, claims.is_generated));
    let generator = generator.filter(|_| claims.is_generated);
    let unsupported = generator.map(|generator| generator.unsupported(&contract)).unwrap_or_default();
    contract.set_aside(&unsupported);
    outcome.findings.extend(unsupported);
    outcome.add(contract::check(&contract));
    let is_sound = outcome.findings.is_empty();
    outcome.unchecked.extend(contract.troubled.iter().map(|troubled| {
        format!(
            "{} {} was not compared: what the contract says has to be put right first",
            troubled.method, troubled.path
        )
    }));
    if let Some(emitted) = &claims.emitted {
        outcome.findings.extend(emitted::check(&contract, emitted, claims.server.as_ref()));
    }
    outcome.add(pages::check(&contract, &claims.pages));
    outcome.add(compatibility.unwrap_or_default());
    (outcome, is_sound.then_some(contract))
}

fn foreign_pages(project: &Project, source: &Arc<Source>, pages: &[PathBuf]) -> Outcome {
    let Some(contract) = Contract::load(source).0 else {
        return compare(source, &Claims::default(), None).0;
    };
    let mut outcome = Outcome::default();
    for page in pages {
        match Source::read(&project.root, page) {
            Ok(source) => outcome.add(pages::check_foreign(&contract, &source)),
            Err(reason) => outcome.unchecked.push(reason),
        }
    }
    outcome
}

/// What has changed since the contract's earlier form.
fn compatibility(base: &Arc<Source>, contract: &view::Contract, ids_matter: bool) -> Outcome {
    let path = base.path.clone();
    let base = match view::Contract::read(base, None, Some(&contract.profile)) {
        Ok(base) => base,
        Err(error) => {
            let why = error.message;
            return Outcome::unchecked(format!("nothing was compared with {path}, which cannot be read: {why}"));
        }
    };
    let compared = compat::check(&compat::Side::of(&base), &compat::Side::of(contract), ids_matter);
    let unchecked = compared.not_compared.into_iter().map(|part| {
        format!("{} was not compared with {path}: {}", part.operation, part.reason)
    });
    Outcome { findings: compared.findings, unchecked: unchecked.collect(), ..Outcome::default() }
}

/// The contract's earlier form.
fn base(project: &Project, against: &str) -> Result<Arc<Source>, String> {
    let file = project.root.join(against);
    if file.is_file() {
        return Source::read(&project.root, &file);
    }
    // Counted from the project's folder, which need not be the repository's.
    let object = format!("{against}:./{}", project.layout.contract);
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).current_dir(&project.root).output();
        output.map_err(|error| format!("git cannot be run to read {object}: {error}"))
    };
    let output = git(&["show", "--end-of-options", &object])?;
    if against.is_empty() || !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let is_shallow = git(&["rev-parse", "--is-shallow-repository"])?.stdout.starts_with(b"true");
        let hint = if is_shallow { " (this clone is shallow: `git fetch --unshallow` gets the rest)" } else { "" };
        return Err(format!(
            "`{against}` is neither a file nor a revision with {}{hint}: {}",
            project.layout.contract,
            said.trim()
        ));
    }
    let text = String::from_utf8(output.stdout).map_err(|_| format!("{object} is not UTF-8 text"))?;
    Ok(Source::new(object, text))
}
