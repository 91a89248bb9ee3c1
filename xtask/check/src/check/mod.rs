//! Runs all comparisons of a project: contract, server, generated code and pages.
//!
//! Every comparison returns findings. What could not be checked is reported separately.

mod aside;
mod base;
mod emitted;
pub mod fix;
mod pages;
mod sound;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use apidrift_core::contract::Contract;
use apidrift_core::finding::Finding;
use apidrift_core::generator::Generator;
use apidrift_core::profile::Profile;
use apidrift_core::rules::Severity;
use apidrift_core::settings::{Allowance, Project};
use openapi_model::source::Source;

use crate::allow::{self, Allowances};
use crate::compat;
use crate::outcome::{Coverage, NotCompared, Outcome};
pub use base::Base;
pub use pages::{Pages, names_of_pages};

/// What to compare.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// The contract's earlier version: a file, or a revision of the repository.
    pub against: Option<String>,
    /// Pages from outside the project. If there are any, only these are compared.
    pub pages: Vec<PathBuf>,
}

/// Compares everything in scope with the contract of the project in a folder. `generator` compares the generated files.
pub fn run(root: &Path, scope: &Scope, generator: Option<&dyn Generator>) -> Outcome {
    match Project::load(root) {
        Ok(project) => check(&project, scope, generator),
        Err(reason) => Outcome::unchecked(reason),
    }
}

/// Compares everything in scope with the contract of a project.
pub fn check(project: &Project, scope: &Scope, generator: Option<&dyn Generator>) -> Outcome {
    let source = match project.read(&project.layout.contract) {
        Ok(source) => source,
        Err(reason) => return Outcome::unchecked(reason),
    };
    let mut outcome = if scope.pages.is_empty() {
        everything(project, &source, scope, generator)
    } else {
        foreign_pages(project, &source, &scope.pages)
    };
    outcome.findings.sort_by_cached_key(|finding| {
        let place = finding.primary.as_ref().map(|place| (place.source.path.clone(), place.range.start));
        (place, finding.rule, finding.message.clone())
    });
    outcome
}

fn everything(project: &Project, source: &Arc<Source>, scope: &Scope, generator: Option<&dyn Generator>) -> Outcome {
    let (claims, unread) = claims(project, scope);
    let mut allowances = Allowances::new(&project.allowances);
    let (mut outcome, sound) = compare_with(source, &claims, generator, &mut allowances);
    if claims.is_generated {
        match (generator, sound) {
            (Some(generator), Some(contract)) => {
                outcome.coverage.comparisons.push("generated");
                outcome.findings.extend(allowances.apply(generator.stale(project, &contract)));
            }
            // Code is only generated from a valid contract, so findings about the contract prevent this comparison.
            (Some(_), None) => {}
            (None, _) => outcome
                .unchecked
                .push("the generated code was not compared: this program has no generator; use `xtask check`".into()),
        }
    }
    outcome.unchecked.extend(unread);
    // Allowances may be for parts that were not compared.
    let is_complete = outcome.unchecked.is_empty() && outcome.not_compared.is_empty();
    let was_asked = |(allowance, _): &(&Allowance, usize)| match allowance.rule.split('/').next() {
        Some("live") => false,
        Some("compat") => is_complete && scope.against.is_some(),
        _ => is_complete,
    };
    let unused = allowances.unused().filter(was_asked).map(|(allowance, used)| allow::unused(project, allowance, used));
    outcome.findings.extend(unused);
    outcome.allowed = allowances.allowed;
    outcome
}

/// Everything that is compared with the contract.
#[derive(Debug, Default)]
pub struct Claims {
    /// The conventions of the contract; `None` for the proposed ones.
    pub profile: Option<Profile>,
    /// The folder from which the contract refers to other files.
    pub folder: Option<PathBuf>,
    /// The contract's earlier version.
    pub base: Option<Base>,
    /// The pages of each language, the contract's own first.
    pub pages: Vec<Pages>,
    /// The OpenAPI document that the server emits.
    pub emitted: Option<Arc<Source>>,
    /// Whether code is generated from the contract, which must then use only features that the generator supports.
    pub is_generated: bool,
    /// Whether a client with errors by name is generated.
    pub has_named_errors: bool,
    /// The generated server, used to find places for findings about the emitted document.
    pub server: Option<Arc<Source>>,
}

/// The pages of a project, or why some cannot be read.
pub fn read_pages(project: &Project) -> Result<Vec<Pages>, String> {
    let mut unread = Vec::new();
    let pages = pages::read(project, &mut unread);
    if unread.is_empty() { Ok(pages) } else { Err(unread.join("\n")) }
}

/// Reads everything that is compared with the contract, and lists what could not be read.
fn claims(project: &Project, scope: &Scope) -> (Claims, Vec<String>) {
    let mut unread = Vec::new();
    let base = scope.against.as_ref().and_then(|against| {
        let base = Base::find(&project.root, &project.root.join(&project.layout.contract), against);
        base.map_err(|reason| unread.push(reason)).ok()
    });
    let emitted = emitted::emit(project).unwrap_or_else(|reason| {
        unread.push(reason);
        None
    });
    let pages = pages::read(project, &mut unread);
    // Another comparison reports a missing file.
    let server = project.layout.server.as_ref().and_then(|server| project.read(server).ok());
    let claims = Claims {
        profile: project.profile.clone(),
        folder: project.contract_folder(),
        base,
        pages,
        emitted,
        is_generated: project.layout.is_generated(),
        has_named_errors: project.layout.client_errors.is_some(),
        server,
    };
    (claims, unread)
}

/// Compares a contract with the claims about it. Also returns the contract if it is valid.
pub fn compare(
    source: &Arc<Source>,
    claims: &Claims,
    generator: Option<&dyn Generator>,
) -> (Outcome, Option<Contract>) {
    compare_with(source, claims, generator, &mut Allowances::new(&[]))
}

/// The contract of a project, if it has no errors apart from allowed ones, because code is generated only from a valid
/// contract. Otherwise the findings.
pub fn sound_contract(
    project: &Project,
    source: &Arc<Source>,
    generator: &dyn Generator,
) -> Result<Contract, Vec<Finding>> {
    let claims = Claims {
        profile: project.profile.clone(),
        folder: project.contract_folder(),
        is_generated: true,
        has_named_errors: project.layout.client_errors.is_some(),
        ..Claims::default()
    };
    let (outcome, contract) = compare_with(source, &claims, Some(generator), &mut Allowances::new(&project.allowances));
    contract.ok_or(outcome.findings)
}

fn compare_with(
    source: &Arc<Source>,
    claims: &Claims,
    generator: Option<&dyn Generator>,
    allowances: &mut Allowances<'_>,
) -> (Outcome, Option<Contract>) {
    let contract = match Contract::read(source, claims.folder.as_deref(), claims.profile.as_ref()) {
        Ok(contract) => contract,
        Err(error) => return (Outcome::unreadable(source, error), None),
    };
    let generator = generator.filter(|_| claims.is_generated);
    let mut about_contract = sound::check(&contract);
    about_contract
        .extend(generator.into_iter().flat_map(|generator| generator.unsupported(&contract, claims.has_named_errors)));
    let about_contract = allowances.apply(about_contract);
    let is_sound = !about_contract.iter().any(|finding| finding.severity() == Severity::Error);
    let aside = aside::set_aside(&contract, &about_contract);
    let mut outcome = Outcome::default();
    let mut comparisons = vec!["contract"];
    if let Some(base) = &claims.base {
        comparisons.push("compat");
        outcome.add(compatibility(base, &contract, claims.is_generated));
    }
    if let Some(emitted) = &claims.emitted {
        comparisons.push("server");
        let is_aside = |call: &str| aside.contains_key(call);
        outcome.add(emitted::check(&contract, emitted, claims.server.as_ref(), &is_aside, &about_contract));
        outcome.not_compared.extend(aside::not_compared(&aside, "server"));
    }
    if !claims.pages.is_empty() {
        comparisons.push("pages");
        let aside = aside::for_pages(&contract, &about_contract);
        outcome.add(pages::check(&contract, &aside.keys().cloned().collect(), &claims.pages));
        outcome.not_compared.extend(aside::not_compared(&aside, "pages"));
    }
    outcome.findings.extend(outcome.not_compared.iter().map(NotCompared::finding));
    let others = allowances.apply(outcome.findings);
    outcome.findings = about_contract;
    outcome.findings.extend(others);
    outcome.coverage = Coverage { comparisons, ..coverage(&contract, &outcome) };
    if is_empty(&contract) && claims.pages.is_empty() {
        outcome.unchecked.push(format!("{} has nothing that could be compared", source.path));
    }
    (outcome, is_sound.then_some(contract))
}

/// What was compared. Only operations that took part in every comparison are counted.
fn coverage(contract: &Contract, outcome: &Outcome) -> Coverage {
    let left_out: HashSet<&str> = outcome.not_compared.iter().map(|part| part.operation.as_str()).collect();
    let webhooks = &contract.document.webhooks;
    let all = contract.operations.iter().map(|operation| &operation.spec).chain(webhooks);
    let whole: Vec<_> = all.filter(|spec| !left_out.contains(spec.endpoint().as_str())).collect();
    Coverage {
        operations: whole.len(),
        answers: whole.iter().map(|spec| spec.responses.len()).sum(),
        schemas: contract.document.components.len(),
        ..outcome.coverage.clone()
    }
}

fn foreign_pages(project: &Project, source: &Arc<Source>, pages: &[PathBuf]) -> Outcome {
    let contract = match Contract::read(source, project.contract_folder().as_deref(), project.profile.as_ref()) {
        Ok(contract) => contract,
        Err(error) => return Outcome::unreadable(source, error),
    };
    let about_contract = Allowances::new(&project.allowances).apply(sound::check(&contract));
    let aside: HashSet<String> = aside::for_pages(&contract, &about_contract).into_keys().collect();
    let mut outcome = Outcome::default();
    for page in pages {
        match Source::read(&project.root, page) {
            Ok(source) => outcome.add(pages::check_foreign(&contract, &aside, &source)),
            Err(reason) => outcome.unchecked.push(reason),
        }
    }
    outcome.coverage.comparisons = vec!["pages"];
    outcome.coverage.operations = outcome.coverage.described;
    outcome
}

/// The changes between an earlier contract, a file or a Git revision, and a file.
pub fn diff(here: &Path, base: &str, contract: &Path) -> Outcome {
    let file = here.join(contract);
    let read = Source::read(here, &file).and_then(|source| Ok((source, Base::find(here, &file, base)?)));
    let (source, base) = match read {
        Ok(read) => read,
        Err(reason) => return Outcome::unchecked(reason),
    };
    let contract = match Contract::read(&source, file.parent(), None) {
        Ok(contract) => contract,
        Err(error) => return Outcome::unreadable(&source, error),
    };
    let mut outcome = compatibility(&base, &contract, false);
    outcome.findings.extend(outcome.not_compared.iter().map(NotCompared::finding));
    outcome.coverage = Coverage { comparisons: vec!["compat"], ..coverage(&contract, &outcome) };
    if is_empty(&contract) && outcome.unchecked.is_empty() {
        outcome.unchecked.push(format!("{} has nothing that could be compared", source.path));
    }
    outcome
}

/// Whether a contract describes nothing.
fn is_empty(contract: &Contract) -> bool {
    let document = &contract.document;
    document.operations.is_empty() && document.webhooks.is_empty() && document.components.is_empty()
}

/// The changes since the contract's earlier version.
fn compatibility(base: &Base, contract: &Contract, ids_matter: bool) -> Outcome {
    let before = match base.read(&contract.profile) {
        Ok(before) => before,
        Err(reason) => {
            let path = &base.source.path;
            return Outcome::unchecked(format!("nothing was compared with {path}, which cannot be read: {reason}"));
        }
    };
    let compared = compat::check(&compat::Side::of(&before), &compat::Side::of(contract), ids_matter);
    Outcome { findings: compared.findings, not_compared: compared.not_compared, ..Outcome::default() }
}
