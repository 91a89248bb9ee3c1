//! `cargo xtask check`: contract, server, client and pages say the same things.
//!
//! Every comparison hands over findings. What could not be looked at is told apart from what was found to agree.

mod emitted;
mod generated;
mod pages;

pub use generated::stale_file;

use std::path::PathBuf;

use crate::contract::Contract;
use crate::finding::Finding;
use crate::source::Source;

/// The contract's place in a repository.
pub const CONTRACT: &str = "openapi/cdi.yaml";
/// The folder of the pages.
const PAGES: &str = "openapi/reference";

/// What is compared.
#[derive(Debug, Clone)]
pub struct Project {
    /// The repository.
    pub root: PathBuf,
    /// Prints what the server emits; run in the repository.
    pub emits: Vec<String>,
}

impl Project {
    /// This repository, or one that is laid out like it.
    pub fn at(root: PathBuf) -> Project {
        let emits = ["cargo", "run", "--quiet", "--package", "cdi-server", "--", "openapi"];
        Project {
            root,
            emits: emits.map(str::to_owned).to_vec(),
        }
    }
}

/// What a check has come to.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What disagrees.
    pub findings: Vec<Finding>,
    /// What could not be looked at, and why.
    pub unchecked: Vec<String>,
}

impl Outcome {
    /// Adds what another comparison has come to.
    fn add(&mut self, other: Outcome) {
        self.findings.extend(other.findings);
        self.unchecked.extend(other.unchecked);
    }

    fn unchecked(reason: impl Into<String>) -> Outcome {
        Outcome {
            findings: Vec::new(),
            unchecked: vec![reason.into()],
        }
    }
}

/// Compares everything.
pub fn run(project: &Project) -> Outcome {
    let root = &project.root;
    let source = match Source::read(root, &root.join(CONTRACT)) {
        Ok(source) => source,
        Err(reason) => return Outcome::unchecked(reason),
    };
    let (contract, findings) = Contract::load(&source);
    let mut outcome = Outcome {
        findings,
        unchecked: Vec::new(),
    };
    let Some(contract) = contract else {
        outcome
            .unchecked
            .push(format!("nothing was compared with {CONTRACT}, which cannot be read"));
        return outcome;
    };
    // Code is generated from a contract without findings only.
    if outcome.findings.is_empty() {
        outcome.add(generated::check(root, &contract));
    } else {
        outcome
            .unchecked
            .push("the generated code was not compared: the contract has to be put right first".into());
    }
    outcome.add(emitted::check(project, &contract));
    outcome.add(pages::check(root, &root.join(PAGES), &contract));
    outcome.findings.sort_by_key(|finding| {
        finding
            .primary
            .as_ref()
            .map(|place| (place.source.path.clone(), place.range.start))
    });
    outcome
}
