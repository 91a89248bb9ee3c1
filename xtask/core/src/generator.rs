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
    /// The parts of the contract that the generator does not support, judged by names and the structure of the
    /// document. `has_named_errors`: a client with errors by name is generated. Problems that a rule about the contract
    /// already reports are not repeated.
    fn unsupported(&self, contract: &Contract, has_named_errors: bool) -> Vec<Finding>;

    /// The project's generated files that are out of date, or the parts of the contract that cannot be turned into
    /// code.
    fn stale(&self, project: &Project, contract: &Contract) -> Vec<Finding>;
}
