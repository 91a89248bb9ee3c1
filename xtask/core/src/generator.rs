//! What the check asks of a generator, whichever it is: the check compares generated files without knowing how they are made.

use crate::contract::Contract;
use crate::finding::Finding;
use crate::settings::Project;

/// A file that a generator owns.
#[derive(Debug)]
pub struct Output {
    /// Its path below the repository.
    pub path: String,
    /// Whether it belongs to the server, and not to the client.
    pub is_server: bool,
    /// Its text.
    pub text: String,
}

/// Turns contracts into code.
pub trait Generator {
    /// What stands in the contract although no code can be made of it, as far as names and the shape of the document go. What
    /// a rule about the contract itself tells is not told again.
    fn unsupported(&self, contract: &Contract) -> Vec<Finding>;

    /// The files of a project that are not what the contract generates, or what in it cannot be turned into code.
    fn stale(&self, project: &Project, contract: &Contract) -> Vec<Finding>;
}
