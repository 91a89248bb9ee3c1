//! `cargo xtask check`: contract, server, client and pages say the same things.
//!
//! Every comparison hands over findings. What could not be looked at is told apart from what was found to agree.

mod allow;
mod compat;
mod contract;
mod emitted;
pub mod fix;
mod generated;
mod pages;
mod project;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use crate::contract::Contract;
use crate::finding::Finding;
use crate::generate;
use crate::source::Source;
pub use allow::adopt;
pub use generated::file as generated_file;
pub use project::{FILE as SETTINGS, Layout, Project};

/// What a check has come to.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What disagrees, in the order of files and lines.
    pub findings: Vec<Finding>,
    /// What could not be looked at, and why.
    pub unchecked: Vec<String>,
    /// How many findings `openapi/check.toml` allows.
    pub allowed: usize,
}

impl Outcome {
    /// Adds what another comparison has come to.
    fn add(&mut self, other: Outcome) {
        self.findings.extend(other.findings);
        self.unchecked.extend(other.unchecked);
    }

    fn unchecked(reason: impl Into<String>) -> Outcome {
        Outcome { unchecked: vec![reason.into()], ..Outcome::default() }
    }
}

/// What to compare.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// The contract's earlier form: a file, or a revision of the repository.
    pub against: Option<String>,
    /// Pages from somewhere else. With any, nothing but these is compared.
    pub pages: Vec<PathBuf>,
}

/// Compares everything in scope.
pub fn run(root: &Path, scope: &Scope) -> Outcome {
    let project = match Project::load(root) {
        Ok(project) => project,
        Err(reason) => return Outcome::unchecked(reason),
    };
    let mut outcome = compare(&project, scope);
    if scope.pages.is_empty() {
        (outcome.findings, outcome.allowed) = allow::apply(&project, outcome.findings);
    }
    outcome.findings.sort_by_key(|finding| {
        let place = finding.primary.as_ref().map(|place| (place.source.path.clone(), place.range.start));
        (place, finding.rule)
    });
    outcome
}

fn compare(project: &Project, scope: &Scope) -> Outcome {
    let source = match project.read(&project.layout.contract) {
        Ok(source) => source,
        Err(reason) => return Outcome::unchecked(reason),
    };
    let (contract, findings) = Contract::load(&source);
    let Some(mut contract) = contract else {
        return Outcome {
            findings,
            unchecked: vec![format!("nothing was compared with {}, which cannot be read", source.path)],
            allowed: 0,
        };
    };
    if !scope.pages.is_empty() {
        return foreign_pages(project, &contract, &scope.pages);
    }
    // What no code can be made of means something to clients all the same; server and pages cannot follow it.
    let compatibility = scope.against.as_ref().map(|against| compatibility(project, &contract, against));
    let unsupported = generate::unsupported(&contract);
    contract.set_aside(&unsupported);
    let mut outcome = Outcome { findings, ..Outcome::default() };
    outcome.findings.extend(unsupported);
    outcome.add(contract::check(&contract));
    outcome.unchecked.extend(contract.troubled.iter().map(|troubled| {
        format!(
            "{} {} was not compared: what the contract says has to be put right first",
            troubled.method, troubled.path
        )
    }));
    // Code is generated from a contract without findings only.
    if outcome.findings.is_empty() {
        outcome.add(generated::check(project, &contract));
    } else {
        outcome.unchecked.push("the generated code was not compared: the contract has to be put right first".into());
    }
    outcome.add(emitted::check(project, &contract));
    outcome.add(pages::check(project, &contract));
    outcome.add(compatibility.unwrap_or_default());
    outcome
}

fn foreign_pages(project: &Project, contract: &Contract, pages: &[PathBuf]) -> Outcome {
    let mut outcome = Outcome::default();
    for page in pages {
        match Source::read(&project.root, page) {
            Ok(source) => outcome.add(pages::check_foreign(contract, &source)),
            Err(reason) => outcome.unchecked.push(reason),
        }
    }
    outcome
}

fn compatibility(project: &Project, contract: &Contract, against: &str) -> Outcome {
    let base = match base(project, against) {
        Ok(base) => base,
        Err(reason) => return Outcome::unchecked(reason),
    };
    match Contract::load(&base).0 {
        Some(base) => Outcome { findings: compat::check(&base, contract), ..Outcome::default() },
        None => {
            Outcome::unchecked(format!("{} is no contract that can be read: nothing was compared with it", base.path))
        }
    }
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
