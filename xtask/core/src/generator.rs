//! The interface of a generator, so that the check can compare generated files without depending on one.

use crate::contract::Contract;
use crate::finding::Finding;
use crate::settings::Project;

/// A file that a generator owns.
#[derive(Debug)]
pub struct Output {
    /// Its path below the repository.
    pub path: String,
    /// Whether it belongs to the server, not to the client.
    pub is_server: bool,
    /// Its text.
    pub text: String,
}

/// Turns contracts into code.
pub trait Generator {
    /// The parts of the contract that the generator does not support, judging by names and the structure of the
    /// document. What a rule about the contract itself reports is not reported again.
    fn unsupported(&self, contract: &Contract) -> Vec<Finding>;

    /// The generated files of a project that are out of date, or what in the contract cannot be turned into code.
    fn stale(&self, project: &Project, contract: &Contract) -> Vec<Finding>;
}
