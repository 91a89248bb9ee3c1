//! Generates code from a contract (a dropshot server and a progenitor client) and checks that generated files are up to
//! date.
//!
//! Equal contracts give equal code, also if they differ in the order of keys or in the line breaks of texts. The client of
//! any contract ([`standalone_client`]) has its operations in the order of the document.

mod api;
mod characters;
mod client;
mod client_types;
mod dependencies;
mod docs;
mod files;
mod lower;
mod media;
mod names;
mod open_enums;
mod operation_ids;
mod outputs;
mod problem;
mod round_trip;
mod seal;
mod server;
mod stale;
mod standalone;
mod subset;

use apidrift_core::contract::Contract;
use apidrift_core::finding::Finding;
use apidrift_core::generator::Generator;
use apidrift_core::settings::Project;
pub use dependencies::{Dependency, client_dependencies, server_dependencies};
pub use files::{Report, Wanted, Written, generate};
pub use lower::{Loss, Lowered, LoweredOperation, Refused, lower};
pub use operation_ids::operation_ids;
pub use outputs::{outputs, unsupported, write};
pub use problem::Problem;
pub use round_trip::{RoundTrip, round_trip};
pub use server::{Server, server};
pub use standalone::{GeneratedClient, client as standalone_client};

/// The generator, as the check calls it.
#[derive(Debug, Clone, Copy)]
pub struct Dropshot;

impl Generator for Dropshot {
    fn unsupported(&self, contract: &Contract, has_named_errors: bool) -> Vec<Finding> {
        unsupported(contract, has_named_errors)
    }

    fn stale(&self, project: &Project, contract: &Contract) -> Vec<Finding> {
        stale::check(project, contract)
    }
}
